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
	if parallel && os.Getenv(async.ModeVariable) != "1" {
		settle(ctx, 1)
	}
	return err
}

// settle waits, for a while, until no more than so many tasks of the loop of ctx run. There may be reasons why they go on.
func settle(ctx context.Context, running int) {
	l, err := async.RunningLoop(ctx)
	if err != nil {
		return
	}
	for start := time.Now(); time.Since(start) < 2*time.Millisecond; runtime.Gosched() {
		if s := async.Stats(l); s.Running <= running && s.Ready == 0 {
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
