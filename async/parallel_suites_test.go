package async_test

import (
	"context"
	"os"
	"runtime"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// parallel is set when all loops of the tests are as with [async.Parallel].
var parallel = os.Getenv(async.ModeVariable) != ""

// giveWay lets the other tasks have a tick. When they run in parallel, it also gives them some time to come to their next wait; one at
// a time they take turns, and have come to it.
func giveWay(ctx context.Context) error {
	err := async.Sleep(ctx, 0)
	if parallel {
		settle(ctx, 200*time.Microsecond)
	}
	return err
}

// settle waits until no other task of the loop of ctx runs, but not for long: there may be reasons why they go on.
func settle(ctx context.Context, most time.Duration) {
	l, err := async.RunningLoop(ctx)
	if err != nil || os.Getenv(async.ModeVariable) == "1" {
		return
	}
	for start := time.Now(); time.Since(start) < most; runtime.Gosched() {
		if s := async.Stats(l); s.Running <= 1 && s.Ready == 0 {
			return
		}
	}
}

// standStill waits until no task of a loop that does not run is under way.
func standStill(l *async.Loop) {
	for parallel && async.Stats(l).Running > 0 {
		runtime.Gosched()
	}
}
