package async_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// sleepyClock is a clock that stands still, and tells whether its loop sleeps.
type sleepyClock struct {
	*loop.Virtual
	asleep atomic.Bool
}

func (c *sleepyClock) Wait(_ time.Duration, wake <-chan struct{}, _ func() bool) bool {
	c.asleep.Store(true)
	<-wake
	c.asleep.Store(false)
	return true
}

// eagerClock is a virtual clock that jumps in the very moment in which nobody is busy any more.
type eagerClock struct{ *loop.Virtual }

func (c eagerClock) Wait(d time.Duration, wake <-chan struct{}, busy func() bool) bool {
	for d >= 0 && busy() {
		select {
		case <-wake:
			return true
		default:
			runtime.Gosched()
		}
	}
	return c.Virtual.Wait(d, wake, busy)
}

// TestParallelWakeUps is about the driver of a loop, which sleeps while tasks compute, and is woken if there is something for it to do
// and at no other time.
func TestParallelWakeUps(t *testing.T) {
	clock := &sleepyClock{Virtual: loop.NewVirtual()}
	awaitSleep := func() {
		for !clock.asleep.Load() {
			runtime.Gosched()
		}
	}
	t.Run("a task that goes into the loop wakes it only for what is ready, or is due before it wakes by itself", inParallel(0, func(ctx context.Context, t *testing.T) {
		l := must(async.RunningLoop(ctx))
		called := make(chan struct{})
		l.CallLater(time.Hour, func() {})
		l.CallSoon(func() { close(called) })
		<-called
		awaitSleep()
		before := async.Stats(l).WakeUps
		l.CallLater(2*time.Hour, func() {})
		expectEqual(t, "the wake-ups by a later timer", async.Stats(l).WakeUps-before, 0)
		l.CallLater(time.Minute, func() {})
		expectEqual(t, "the wake-ups by a sooner timer", async.Stats(l).WakeUps-before, 1)
	}, async.Clock(clock)))
	t.Run("Goexit in a task that nobody waits for wakes a loop that sleeps, and ends the run", func(t *testing.T) {
		guarded(t, func() {
			ended := false
			done := make(chan struct{})
			go func() {
				defer close(done)
				async.Run(func(ctx context.Context) error {
					async.Go(ctx, computing) // or the clock, which is a virtual one, would be told that nobody is busy
					async.Go(ctx, func(context.Context) error {
						awaitSleep()
						runtime.Goexit()
						return nil
					})
					return async.Sleep(ctx, async.Forever)
				}, async.Parallel(0), async.Clock(clock))
				ended = true
			}()
			<-done
			expectEqual(t, "whether Run has returned, and not gone on with the Goexit", ended, false)
		})
	})
	t.Run("a virtual clock does not jump between the end of a task and the step of the one that waits for it", inParallel(0, func(ctx context.Context, t *testing.T) {
		l := must(async.RunningLoop(ctx))
		timer := l.CallLater(time.Hour, func() {})
		defer timer.Cancel()
		for range 200 {
			if _, err := async.Go(ctx, func(context.Context) error { return nil }).Await(ctx); err != nil || l.Time() != 0 {
				t.Fatalf("the task has ended with %v, and the time is %v", err, l.Time())
			}
		}
	}, async.Clock(eagerClock{loop.NewVirtual()})))
}
