package witness

import (
	"runtime/debug"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is for what does not end: long enough for the slowest machine, and less than a test binary has.
const patience = 20 * time.Second

// Limited runs a test on another goroutine and fails it if that panics, does not end, or leaves a goroutine behind. A test
// that waits for ever would only be ended by the timeout of the test binary, which takes the other tests along.
func Limited(t *testing.T, run func()) {
	t.Helper()
	limited(t, patience, run)
}

func limited(tb testing.TB, patience time.Duration, run func()) {
	tb.Helper()
	before := goleak.IgnoreCurrent()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if v := recover(); v != nil {
				tb.Errorf("panic: %v\n\n%s", v, debug.Stack())
			}
		}()
		run()
	}()
	select {
	case <-ended:
		goleak.VerifyNone(tb, before)
	case <-time.After(patience):
		tb.Errorf("the test does not end")
	}
}
