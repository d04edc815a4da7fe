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
	const want = `without a lock:
  customer 0 has a ticket
  customer 1 has a ticket
  customer 2 has a ticket
  customer 3 has a ticket
  customer 4 has a ticket
  customer 5 has a ticket
  customer 6 has a ticket
  customer 7 has a ticket
  customer 8 has a ticket
  customer 9 has a ticket
  customer 10 has a ticket
  tickets sold: 11
under a lock:
  customer 0 has a ticket
  tickets sold: 1
`
	var out strings.Builder
	// In a bubble of package synctest the waits take no time, and exactly what they say.
	synctest.Test(t, func(t *testing.T) {
		if err := run(&out, 100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	})
	if out.String() != want {
		t.Errorf("the output is\n%s\nand not\n%s", out.String(), want)
	}
}
