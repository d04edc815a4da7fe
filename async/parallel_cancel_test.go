package async_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func TestParallelCancellation(t *testing.T) {
	t.Run("a task that computes is told by its ctx", inParallel(2, func(ctx context.Context, t *testing.T) {
		began := make(chan struct{})
		task := async.Go(ctx, func(ctx context.Context) error { close(began); return computing(ctx) })
		<-began
		expectEqual(t, "Cancel", task.Cancel("enough"), true)
		_, err := task.Await(ctx)
		expectError(t, "the task", err, context.Canceled)
		expectEqual(t, "Cancelled", task.Cancelled(), true)
	}))
	t.Run("a task that cancels itself knows at once", inParallel(2, func(ctx context.Context, t *testing.T) {
		task := async.Go(ctx, func(ctx context.Context) error {
			async.CurrentTask(ctx).Cancel()
			expectError(t, "Err", ctx.Err(), context.Canceled)
			expectError(t, "Sleep", async.Sleep(ctx, time.Hour), async.ErrCancelled)
			ctx = async.Uncancel(ctx)
			expectError(t, "Err after Uncancel", ctx.Err(), nil)
			return async.Sleep(ctx, 0)
		})
		_, err := task.Await(ctx)
		expectError(t, "the task", err, nil)
	}))
	t.Run("one that waits is cancelled together with what it waits for", inParallel(2, func(ctx context.Context, t *testing.T) {
		inner := async.NewFuture[int](ctx)
		outer := async.CreateTask(ctx, inner.Await)
		for inner.Completion().Waiting() == 0 {
			expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		}
		outer.Cancel()
		expectEqual(t, "the future is cancelled", inner.Cancelled(), true)
		_, err := outer.Await(ctx)
		expectError(t, "the task", err, async.ErrCancelled)
	}))
	t.Run("a timeout ends a block that computes", inParallel(2, func(ctx context.Context, t *testing.T) {
		err := async.Timeout(ctx, time.Millisecond, func(ctx context.Context, ts *async.TimeoutScope) error {
			defer func() { expectEqual(t, "Expired", ts.Expired(), true) }()
			computing(ctx)
			return async.Sleep(ctx, 0)
		})
		expectError(t, "Timeout", err, async.ErrTimeout)
		expectError(t, "afterwards", async.Sleep(ctx, 0), nil)
	}))
	t.Run("WithTimeout and WaitFor end a wait", inParallel(2, func(ctx context.Context, t *testing.T) {
		short, cancel := async.WithTimeout(ctx, time.Millisecond)
		expectError(t, "Sleep", async.Sleep(short, time.Hour), async.ErrTimeout)
		cancel()
		_, err := async.WaitFor(ctx, async.Coroutine[int](forever), time.Millisecond)
		expectError(t, "WaitFor", err, async.ErrTimeout)
	}))
	t.Run("WaitFor without any time never starts a coroutine", inParallel(0, func(ctx context.Context, t *testing.T) {
		started := async.Coroutine[int](func(context.Context) (int, error) { t.Error("it was started"); return 0, nil })
		for range 1000 {
			_, err := async.WaitFor(ctx, started, 0)
			expectError(t, "WaitFor", err, async.ErrTimeout)
		}
		must(async.Block(ctx, func(ctx context.Context) (int, error) { // as on any goroutine
			for range 1000 {
				_, err := async.WaitFor(ctx, started, 0)
				expectError(t, "WaitFor on a goroutine", err, async.ErrTimeout)
			}
			return 0, nil
		}))
	}))
	t.Run("a shield protects", inParallel(2, func(ctx context.Context, t *testing.T) {
		inner := async.NewFuture[int](ctx)
		outer := async.CreateTask(ctx, func(ctx context.Context) (int, error) { return async.Shield(ctx, inner) })
		for inner.Completion().Waiting() == 0 {
			expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		}
		outer.Cancel()
		_, err := outer.Await(ctx)
		expectError(t, "the task", err, async.ErrCancelled)
		expectEqual(t, "the future is done", inner.IsDone(), false)
	}))
	t.Run("tasks that cancel each other all the time end", inParallel(0, func(ctx context.Context, t *testing.T) {
		tasks := make([]*async.Task[int], 50)
		start := async.NewFuture[int](ctx)
		for i := range tasks {
			tasks[i] = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				if _, err := async.Shield(ctx, start); err != nil {
					return 0, err
				}
				for j := range tasks {
					if j != i {
						tasks[j].Cancel()
					}
				}
				return i, async.Sleep(ctx, time.Hour)
			})
		}
		expectError(t, "SetResult", start.SetResult(1), nil)
		for _, task := range tasks { // the first to run cancels the others before they can cancel anybody
			task.Cancel()
		}
		results, err := async.GatherSettledOf[int](ctx, tasks)
		expectError(t, "the gather", err, nil)
		for i, r := range results {
			if !errors.Is(r.Err, async.ErrCancelled) {
				t.Errorf("task %d has ended with %v", i, r.Err)
			}
		}
	}))
	t.Run("a ring of tasks that await each other is ended by cancelling one", inParallel(0, func(ctx context.Context, t *testing.T) {
		const n = 5
		var tasks [n]*async.Task[int]
		made := async.NewFuture[int](ctx)
		for i := range tasks {
			tasks[i] = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				if _, err := async.Shield(ctx, made); err != nil {
					return 0, err
				}
				return tasks[(i+1)%n].Await(ctx)
			})
		}
		expectError(t, "SetResult", made.SetResult(1), nil)
		for range 10 {
			expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		}
		tasks[2].Cancel()
		for _, task := range tasks {
			_, err := task.Await(ctx)
			expectError(t, "a task", err, async.ErrCancelled)
		}
	}))
}
