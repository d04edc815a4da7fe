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

func TestUpper(t *testing.T) {
	var out strings.Builder
	if err := run(&out, 200, 5); err != nil {
		t.Fatal(err)
	}
	const want = "tasks: 200 clients, 1000 answers\ngoroutines: 200 clients, 1000 answers\n"
	if out.String() != want {
		t.Errorf("upper prints %q and not %q", out.String(), want)
	}
}
