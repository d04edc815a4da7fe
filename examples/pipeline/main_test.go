package main

import (
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async/asynctest"
)

// TestMain also shows that nothing of a loop outlives it.
func TestMain(m *testing.M) {
	asynctest.VerifyTestMain(m)
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
