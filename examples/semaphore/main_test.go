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
	const want = `guest 1 is eating noodles
guest 2 is eating noodles
guest 3 is eating noodles
guest 4 is eating noodles
guest 5 is eating noodles
guest 6 is eating noodles
guest 7 is eating noodles
guest 8 is eating noodles
guest 9 is eating noodles
guest 10 is eating noodles
at most 3 have eaten at the same time
`
	var out strings.Builder
	// In a bubble of package synctest the waits take no time, and exactly what they say.
	synctest.Test(t, func(t *testing.T) {
		if err := run(&out, time.Second); err != nil {
			t.Fatal(err)
		}
	})
	if out.String() != want {
		t.Errorf("the output is\n%s\nand not\n%s", out.String(), want)
	}
}
