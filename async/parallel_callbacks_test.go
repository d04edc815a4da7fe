package async_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func TestParallelCallbacks(t *testing.T) {
	t.Run("callbacks run beside a task that computes, one after the other", inParallel(1, func(ctx context.Context, t *testing.T) {
		l := must(async.RunningLoop(ctx))
		done := make(chan int)
		count := 0
		for range 100 {
			l.CallSoon(func() { count++ })
		}
		l.CallLater(time.Millisecond, func() { done <- count })
		expectEqual(t, "the count", <-done, 100) // without a wait of the task
	}))
	t.Run("done callbacks of a task come in order, and see its variables", inParallel(2, func(ctx context.Context, t *testing.T) {
		v := async.NewContextVar("v", 0)
		v.Set(ctx, 3)
		var order chronicle
		task := async.CreateTask(ctx, async.After(0, 7))
		for i := range 3 {
			task.AddDoneCallback(func(f *async.Future[int]) { order.add("%d: %d, %d", i, must(f.Result()), v.Get(ctx)) })
		}
		last := async.NewFuture[int](ctx)
		task.AddDoneCallback(func(*async.Future[int]) { check(last.SetResult(1)) })
		_, err := last.Await(ctx)
		expectError(t, "the last", err, nil)
		order.expect(t, "0: 7, 3", "1: 7, 3", "2: 7, 3")
	}))
	t.Run("a callback cannot wait, and can start tasks", inParallel(2, func(ctx context.Context, t *testing.T) {
		l := must(async.RunningLoop(ctx))
		result := async.NewFuture[*async.Task[int]](ctx)
		l.CallSoon(func() {
			expectError(t, "Sleep", async.Sleep(l.Context(), 0), async.ErrNotInTask)
			if async.CurrentTask(ctx) != nil {
				t.Error("a callback is a task")
			}
			check(result.SetResult(async.CreateTask(l.Context(), async.After(0, 5), async.Eager())))
		})
		task, err := result.Await(ctx)
		expectError(t, "the future", err, nil)
		expectEqual(t, "the value", must(task.Await(ctx)), 5)
	}))
	t.Run("nothing that belongs to others runs where a task would wait for it", inParallel(0, func(ctx context.Context, t *testing.T) {
		// Each of these takes a mutex that a task holds while it calls the loop.
		var mu sync.Mutex
		n := 0
		for range 200 {
			l := must(async.RunningLoop(ctx))
			f := new(async.Future[int]) // of no loop: its callbacks run where it is cancelled
			f.AddDoneCallback(func(*async.Future[int]) { mu.Lock(); n++; mu.Unlock() })
			waits := async.CreateTask(ctx, f.Await)
			l.CallSoon(func() { mu.Lock(); n++; mu.Unlock() })
			other := async.CreateTask(ctx, func(context.Context) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				waits.Cancel()
				async.AllTasks(ctx)
				l.CallLater(0, func() {})
				return 1, nil
			})
			mu.Lock()
			waits.Cancel()
			other.AddDoneCallback(func(*async.Future[int]) { mu.Lock(); n++; mu.Unlock() })
			mu.Unlock()
			async.GatherSettled[int](ctx, waits, other)
		}
	}))
	t.Run("the exception handler hears of panics in callbacks, and of errors that nobody has looked at", func(t *testing.T) {
		guarded(t, func() {
			errBad := errors.New("bad")
			var heard chronicle
			err := async.Run(func(ctx context.Context) error {
				l := must(async.RunningLoop(ctx))
				l.CallSoon(func() { panic("in a callback") })
				async.CreateTask(ctx, func(context.Context) (int, error) { return 0, errBad })
				return async.Sleep(ctx, time.Millisecond)
			}, async.Parallel(2), async.ExceptionHandler(func(l *async.Loop, c async.ExceptionContext) {
				heard.add("%s", c.Message)
				async.Stats(l) // may ask the loop
			}))
			expectError(t, "Run", err, nil)
			heard.expect(t, "exception in callback", "task exception was never retrieved")
		})
	})
}
