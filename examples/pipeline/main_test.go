package main

import (
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// TestMain also shows that nothing of a loop outlives it. The two functions are what ants starts
// when it is imported, before any code of ours runs.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).purgeStaleWorkers"),
		goleak.IgnoreAnyFunction("github.com/panjf2000/ants/v2.(*poolCommon).ticktock"),
	)
}

func TestPipeline(t *testing.T) {
	var out strings.Builder
	if err := run(&out, 100000); err != nil {
		t.Fatal(err)
	}
	const want = "40951 numbers have a 7\ncode 0\ncode 0\ncode 0\n"
	if out.String() != want {
		t.Errorf("pipeline prints %q and not %q", out.String(), want)
	}
}
