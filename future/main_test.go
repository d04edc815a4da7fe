package future_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// The two goroutines that ants starts for its default pool when it is imported, before any code of ours runs. Nothing ends
// them.
var antsAtInit = []goleak.Option{
	goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
	goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"),
}

// TestMain shows that importing the package starts no goroutine of ours, and that the tests leave none behind.
//
// Before the first test only the two of ants may exist, and afterwards just these very two: every pool of ours has goroutines of the
// same names, so that going by the names to the end would hide a pool that nobody shut down.
func TestMain(m *testing.M) {
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")) // or each worker process takes a second to end
	if err := goleak.Find(antsAtInit...); err != nil {
		fmt.Fprintln(os.Stderr, "importing the package has started a goroutine:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}
