package witness

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

// Main is for TestMain. It shows that importing the package starts no goroutine of ours, and that the tests leave none
// behind. It does not return.
//
// Before the first test only the two of ants may exist, and afterwards just these very two: every pool of ours has
// goroutines of the same names, so that going by the names to the end would hide a pool that nobody shut down.
func Main(m *testing.M) {
	if err := goleak.Find(antsAtInit...); err != nil {
		fmt.Fprintln(os.Stderr, "importing the package has started a goroutine:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// NoLeaks fails the test if goroutines that it starts from now on outlive it. A test that failed already was perhaps not
// able to clean up, so its leaks would be noise.
func NoLeaks(tb testing.TB) {
	before := goleak.IgnoreCurrent()
	tb.Cleanup(func() {
		if !tb.Failed() {
			goleak.VerifyNone(tb, before)
		}
	})
}
