package async_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/petermattis/goid"
)

// An idleClock is a virtual clock that tells when the loop has nothing to do any more but to wait to be woken.
type idleClock struct {
	*loop.Virtual
	idle chan struct{} // has room for one
}

func newIdleClock() *idleClock { return &idleClock{loop.NewVirtual(), make(chan struct{}, 1)} }

func (c *idleClock) Wait(d time.Duration, wake <-chan struct{}, busy func() bool) bool {
	if d < 0 {
		select {
		case c.idle <- struct{}{}:
		default:
		}
	}
	return c.Virtual.Wait(d, wake, busy)
}

func TestFactsThreads(t *testing.T) {
	errBad := errors.New("bad")
	void := async.Void{}

	// withPool runs body in a loop and then ends the pool that it uses.
	withPool := func(workers int, body func(ctx context.Context, t *testing.T, pool *future.Pool)) func(*testing.T) {
		return func(t *testing.T) {
			pool := future.NewPool(workers)
			onLoop(func(ctx context.Context, t *testing.T) {
				body(ctx, t, pool)
				must(async.ToThread(ctx, func(ctx context.Context) (async.Void, error) { return void, pool.Shutdown(ctx) }))
			})(t)
		}
	}

	t.Run("U1 ToThread calls the function once on another goroutine and returns its result or its very error", onLoop(func(ctx context.Context, t *testing.T) {
		calls := 0
		here := goid.Get()
		v, err := async.ToThread(ctx, func(context.Context) (int, error) {
			calls++
			if goid.Get() == here {
				t.Error("the function runs on the goroutine of the task")
			}
			return 42, nil
		})
		expectError(t, "the first call", err, nil)
		expectEqual(t, "the result", v, 42)
		_, err = async.ToThread(ctx, func(context.Context) (int, error) { return 0, errBad })
		expectEqual(t, "the error", err, errBad)
		expectEqual(t, "the number of calls", calls, 1)
	}))

	t.Run("U2 ten functions at once all run", onLoop(func(ctx context.Context, t *testing.T) {
		var ran atomic.Int32
		var all []async.Coroutine[int32]
		for range 10 {
			all = append(all, func(ctx context.Context) (int32, error) {
				return async.ToThread(ctx, func(context.Context) (int32, error) { return ran.Add(1), nil })
			})
		}
		sum := int32(0)
		for _, v := range must(async.GatherOf[int32](ctx, all)) {
			sum += v
		}
		expectEqual(t, "how many ran", ran.Load(), 10)
		expectEqual(t, "the sum of the results", sum, 55)
	}))

	t.Run("U3 RunInExecutor starts the function before anybody waits", onLoop(func(ctx context.Context, t *testing.T) {
		started, release := make(chan struct{}), make(chan struct{})
		f := async.RunInExecutor(ctx, nil, func() (int, error) {
			close(started)
			<-release
			return 42, nil
		})
		<-started // while the loop stands still
		expectEqual(t, "done", f.IsDone(), false)
		close(release)
		expectEqual(t, "the result", must(f.Await(ctx)), 42)
	}))

	t.Run("U4 cancelling a task that waits for a function ends the wait at once and drops the outcome", onLoop(func(ctx context.Context, t *testing.T) {
		started, release := async.NewFuture[async.Void](ctx), make(chan struct{})
		var cause error
		ended := make(chan struct{})
		task := async.Go(ctx, func(ctx context.Context) error {
			_, err := async.ToThread(ctx, func(ctx context.Context) (async.Void, error) {
				defer close(ended)
				check(started.SetResult(void))
				<-release
				<-ctx.Done()
				cause = context.Cause(ctx)
				return void, errBad // which nobody gets, and nobody is told of
			})
			return err
		})
		must(started.Await(ctx))
		task.Cancel("m")
		ticks(ctx, 1)
		expectEqual(t, "cancelled after a tick", task.Cancelled(), true)
		expectEqual(t, "the message", cancelMessage(task.Err()), "m")
		close(release)
		<-ended
		expectError(t, "the context of the function", cause, async.ErrCancelled)
	}))

	t.Run("U5 a function in the queue whose future is cancelled never runs", withPool(1, func(ctx context.Context, t *testing.T, pool *future.Pool) {
		var c chronicle
		release := make(chan struct{})
		job := func(name string, wait <-chan struct{}) *async.Future[async.Void] {
			return async.RunInExecutor(ctx, pool, func() (async.Void, error) {
				c.add("%s runs", name)
				if wait != nil {
					<-wait
				}
				return void, nil
			})
		}
		first, second, third := job("first", release), job("second", nil), job("third", nil)
		expectEqual(t, "Cancel", second.Cancel(), true)
		expectEqual(t, "cancelled at once", second.Cancelled(), true)
		close(release)
		must(first.Await(ctx))
		must(third.Await(ctx))
		c.expect(t, "first runs", "third runs")
	}))

	t.Run("U6 a function that ends after its loop was closed calls nothing in the loop", func(t *testing.T) {
		guarded(t, func() {
			pool := future.NewPool(2)
			l := async.NewLoop(async.ExceptionHandler(func(_ *async.Loop, e async.ExceptionContext) {
				t.Errorf("the loop has reported %q: %v", e.Message, e.Err)
			}))
			var started [2]chan struct{}
			release := make(chan struct{})
			var jobs [2]*async.Future[int]
			for i := range jobs {
				started[i] = make(chan struct{})
				jobs[i] = async.RunInExecutor(l.Context(), pool, func() (int, error) {
					close(started[i])
					<-release
					return i, nil
				})
			}
			<-started[0]
			<-started[1]
			calls := 0
			jobs[1].AddDoneCallback(func(*async.Future[int]) { calls++ })
			_, err := async.RunUntilComplete(l, async.Do(func(ctx context.Context) error {
				expectEqual(t, "Cancel", jobs[0].Cancel(), true)
				_, err := jobs[0].Await(ctx)
				return err
			}))
			expectError(t, "the wait for the cancelled one", err, async.ErrCancelled)
			expectError(t, "Close", l.Close(), nil)
			close(release)
			check(pool.Shutdown(context.Background()))
			v, err := jobs[1].Result()
			expectError(t, "the other function", err, nil)
			expectEqual(t, "the result of the other function", v, 1)
			expectEqual(t, "the number of calls of its callback", calls, 0)
		})
	})

	t.Run("U7 the default executor is on other goroutines and one of one worker keeps the order", withPool(1, func(ctx context.Context, t *testing.T, pool *future.Pool) {
		here := goid.Get()
		there := must(async.RunInExecutor(ctx, nil, func() (int64, error) { return goid.Get(), nil }).Await(ctx))
		if there == here {
			t.Error("the function runs on the goroutine of the task")
		}
		var c chronicle
		var want []string
		var fs []*async.Future[async.Void]
		for i := range 20 {
			want = append(want, fmt.Sprint(i))
			fs = append(fs, async.RunInExecutor(ctx, pool, func() (async.Void, error) {
				c.add("%d", i)
				return void, nil
			}))
		}
		must(async.GatherOf[async.Void](ctx, fs))
		c.expect(t, want...)
	}))

	// elsewhere calls fn on a goroutine that has nothing to do with the loop, which goes on meanwhile.
	elsewhere := func(ctx context.Context, fn func()) {
		done := async.NewFuture[async.Void](ctx)
		go func() {
			fn()
			check(done.SetResult(void))
		}()
		must(done.Await(ctx))
	}

	t.Run("U9 a coroutine that another goroutine sends runs in the loop and gives it the result or the very error", onLoop(func(ctx context.Context, t *testing.T) {
		l := running(ctx)
		var result, failure *async.Future[int]
		elsewhere(ctx, func() {
			result = async.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
				if async.CurrentTask(ctx) == nil {
					t.Error("the coroutine does not run in a task")
				}
				return 1 + 2, giveWay(ctx)
			})
			v, err := result.Await(context.Background())
			expectError(t, "the wait for a result", err, nil)
			expectEqual(t, "the result", v, 3)
			failure = async.RunCoroutineThreadsafe(l, failing(errBad, 1))
			_, err = failure.Await(context.Background())
			expectEqual(t, "the error", err, errBad)
		})
	}))

	t.Run("U10 a goroutine that stops waiting stops nothing but its Cancel does", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		l := running(ctx)
		started := make(chan struct{})
		elsewhere(ctx, func() {
			f := async.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
				close(started)
				v, err := forever(ctx)
				c.add("%s in the coroutine", className(err))
				return v, err
			})
			<-started // one that has not would never run after the Cancel
			_, err := resultWithin(f, time.Millisecond)
			c.add("%s in the goroutine, done %v", className(err), f.IsDone())
			expectEqual(t, "Cancel", f.Cancel(), true)
			_, err = f.Await(context.Background())
			c.add("%s in the goroutine", className(err))
		})
		c.expect(t, "TimeoutError in the goroutine, done false", "CancelledError in the coroutine", "CancelledError in the goroutine")
	}))

	t.Run("U11 a goroutine that waits for a coroutine which cancels itself gets the cancellation", onLoop(func(ctx context.Context, t *testing.T) {
		l := running(ctx)
		elsewhere(ctx, func() {
			f := async.RunCoroutineThreadsafe(l, func(ctx context.Context) (int, error) {
				async.CurrentTask(ctx).Cancel("m")
				return 0, giveWay(ctx)
			})
			_, err := f.Await(context.Background())
			expectEqual(t, "the message", cancelMessage(err), "m")
			expectEqual(t, "cancelled", f.Cancelled(), true)
		})
	}))

	t.Run("U12 what cannot become a task is a panic of who sends it", onLoop(func(ctx context.Context, t *testing.T) {
		l := running(ctx)
		elsewhere(ctx, func() {
			expectPanic(t, "a nil Coroutine", func() { async.RunCoroutineThreadsafe[int](l, nil) })
			expectPanic(t, "a nil Loop", func() { async.RunCoroutineThreadsafe(nil, forever) })
		})
		expectEqual(t, "the number of tasks", len(async.AllTasks(ctx)), 1)
	}))

	t.Run("U13 callbacks from another goroutine wake the loop and keep their order", func(t *testing.T) {
		clock := newIdleClock()
		onLoop(func(ctx context.Context, t *testing.T) {
			l := running(ctx)
			var order []int
			done := async.NewFuture[async.Void](ctx)
			before := async.Stats(l).WakeUps
			go func() {
				<-clock.idle
				for i := range 3 {
					l.CallSoonThreadsafe(func() { order = append(order, i) })
				}
				l.CallSoonThreadsafe(func() { check(done.SetResult(void)) })
			}()
			must(done.Await(ctx))
			expectSlice(t, "the order", order, []int{0, 1, 2})
			if async.Stats(l).WakeUps == before {
				t.Error("the loop did not sleep")
			}
		}, async.Clock(clock))(t)
	})

	t.Run("U14 in debug mode too callbacks and timers can come from any goroutine", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		l := running(ctx)
		elsewhere(ctx, func() {
			// The clock may jump as soon as there is a timer, so the timer that is due first is made
			// first.
			l.CallSoon(func() { c.add("soon") })
			l.CallLater(time.Second, func() { c.add("later") })
			l.CallAt(2*time.Second, func() { c.add("at") })
		})
		check(async.Sleep(ctx, time.Minute))
		c.expect(t, "soon", "later", "at")
	}, async.Debug()))
}
