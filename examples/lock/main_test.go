package main

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain also shows that nothing of a loop outlives it. The two functions are
// what ants starts when it is imported, before any code of ours runs.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"),
	)
}

func TestRun(t *testing.T) {
	const want = `without a lock: 99
with a lock: 0
`
	var out strings.Builder
	if err := run(&out, time.Microsecond); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("the output is\n%s\nand not\n%s", out.String(), want)
	}
}
