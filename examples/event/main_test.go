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
	const want = `the server is starting
the client tries for the first time
the client tries for the second time
the server is running
the client is connected
the server is starting
the client tries for the first time
the client tries for the second time
the client tries for the third time
connect error: the server does not answer
`
	var out strings.Builder
	// In a bubble of package synctest the waits take no time, and exactly what they say.
	synctest.Test(t, func(t *testing.T) {
		if err := run(&out, 500*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	})
	if out.String() != want {
		t.Errorf("the output is\n%s\nand not\n%s", out.String(), want)
	}
}
