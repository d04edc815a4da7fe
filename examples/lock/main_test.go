package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncgo/asyncgo/async/asynctest"
)

// TestMain also shows that nothing of a loop outlives it.
func TestMain(m *testing.M) {
	asynctest.VerifyTestMain(m)
}

func TestRun(t *testing.T) {
	const want = `without a lock: 99
with a lock: 0
`
	var out strings.Builder
	// In a bubble of package synctest the waits take no time, and exactly what they say.
	synctest.Test(t, func(t *testing.T) {
		if err := run(&out, time.Millisecond); err != nil {
			t.Fatal(err)
		}
	})
	if out.String() != want {
		t.Errorf("the output is\n%s\nand not\n%s", out.String(), want)
	}
}
