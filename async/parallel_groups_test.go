package async_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func TestParallelGroups(t *testing.T) {
	errBad := errors.New("bad")
	t.Run("no error of children that fail at the same time is lost", inParallel(0, func(ctx context.Context, t *testing.T) {
		for range 200 {
			var begun sync.WaitGroup // one that has not begun would be dropped when another one fails
			begun.Add(4)
			err := async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				for range 4 {
					tg.Go(func(context.Context) error { begun.Done(); begun.Wait(); return errBad })
				}
				return nil
			})
			expectGroup(t, err, errBad, errBad, errBad, errBad)
		}
	}))
	t.Run("a child that fails ends siblings that compute and siblings that wait", inParallel(0, func(ctx context.Context, t *testing.T) {
		var ended atomic.Int64
		ready := make(chan struct{}, 2)
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
			tg.Go(func(ctx context.Context) error { defer ended.Add(1); ready <- struct{}{}; return computing(ctx) })
			tg.Go(func(ctx context.Context) error {
				defer ended.Add(1)
				ready <- struct{}{}
				return async.Sleep(ctx, time.Hour)
			})
			tg.Go(func(context.Context) error { <-ready; <-ready; return errBad })
			return async.Sleep(ctx, time.Hour)
		})
		expectGroup(t, err, errBad)
		expectEqual(t, "how many have ended", ended.Load(), 2)
	}))
	t.Run("children start children, all at the same time", inParallel(2, func(ctx context.Context, t *testing.T) {
		var n atomic.Int64
		var grow func(tg *async.TaskGroup, depth int) func(ctx context.Context) error
		grow = func(tg *async.TaskGroup, depth int) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				n.Add(1)
				if depth > 0 {
					tg.Go(grow(tg, depth-1))
					tg.Go(grow(tg, depth-1))
				}
				return async.Sleep(ctx, 0)
			}
		}
		expectError(t, "the group", async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			tg.Go(grow(tg, 9))
			return nil
		}), nil)
		expectEqual(t, "the number of children", n.Load(), 1023)
	}))
	t.Run("gather, wait, as completed and race", inParallel(0, func(ctx context.Context, t *testing.T) {
		for range 20 {
			tasks := make([]*async.Task[int], 20)
			for i := range tasks {
				tasks[i] = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return i, async.Sleep(ctx, 0) })
			}
			sum := 0
			for v, err := range async.AsCompletedOf[int](ctx, tasks) {
				expectError(t, "a task", err, nil)
				sum += v
			}
			expectEqual(t, "the sum", sum, 190)
			vs, err := async.GatherOf[int](ctx, tasks)
			expectError(t, "the gather", err, nil)
			expectEqual(t, "the last result", vs[19], 19)
			done, pending, err := async.Wait(ctx, tasks, async.FirstCompleted)
			expectError(t, "Wait", err, nil)
			expectEqual(t, "how many are done or pending", len(done)+len(pending), 20)
			v, err := async.Race(ctx, async.Coroutine[int](forever), async.After(0, 5))
			expectError(t, "Race", err, nil)
			expectEqual(t, "the winner", v, 5)
			f := async.GatherFuture[int](ctx, tasks[0], tasks[1])
			expectEqual(t, "a gather of what is done is done", f.IsDone(), true)
		}
	}))
	t.Run("context variables are copied into each task, and stay there", inParallel(0, func(ctx context.Context, t *testing.T) {
		v := async.NewContextVar("v", 0)
		v.Set(ctx, 1)
		expectError(t, "the group", async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			for i := range 50 {
				tg.Go(func(ctx context.Context) error {
					expectEqual(t, "inherited", v.Get(ctx), 1)
					v.Set(ctx, i)
					if err := async.Sleep(ctx, 0); err != nil {
						return err
					}
					expectEqual(t, "own", v.Get(ctx), i)
					_, err := async.ToThread(ctx, func(ctx context.Context) (int, error) {
						expectEqual(t, "on a thread", v.Get(ctx), i)
						return 0, nil
					})
					return err
				})
			}
			return nil
		}), nil)
		expectEqual(t, "main's", v.Get(ctx), 1)
	}))
}
