package async_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/petermattis/goid"
)

// inParallel returns a test that runs body as the main task of a loop whose tasks run in parallel. Whatever the loop reports fails the
// test.
func inParallel(n int, body func(ctx context.Context, t *testing.T), opts ...async.Option) func(*testing.T) {
	return func(t *testing.T) {
		reported := func(_ *async.Loop, c async.ExceptionContext) {
			t.Errorf("the loop has reported %q: %v", c.Message, c.Err)
		}
		opts := append([]async.Option{async.Parallel(n), async.ExceptionHandler(reported)}, opts...)
		guarded(t, func() {
			expectError(t, "Run", async.Run(func(ctx context.Context) error {
				body(ctx, t)
				return nil
			}, opts...), nil)
		})
	}
}

// meet is called by two who compute: each waits in place until the other is there.
func meet(mine chan<- struct{}, other <-chan struct{}) {
	close(mine)
	<-other
}

// computing computes until its ctx says that it has to end.
func computing(ctx context.Context) error {
	for ctx.Err() == nil {
		runtime.Gosched()
	}
	return ctx.Err()
}

func TestParallel(t *testing.T) {
	for _, n := range []int{0, 2, 3} {
		t.Run("two tasks compute at the same time: each sees the other one in the middle of its work", inParallel(n, func(ctx context.Context, t *testing.T) {
			a, b := make(chan struct{}), make(chan struct{})
			first := async.Go(ctx, func(context.Context) error { meet(a, b); return nil })
			second := async.Go(ctx, func(context.Context) error { meet(b, a); return nil })
			_, err := async.Gather(ctx, first, second)
			expectError(t, "the two", err, nil)
		}))
	}
	for _, n := range []int{1, 2, 5} {
		t.Run("no more than n tasks compute at the same time, and so many do", inParallel(n, func(ctx context.Context, t *testing.T) {
			var now, most atomic.Int64
			full := make(chan struct{}) // closed when n are there at once
			var once sync.Once
			work := func(ctx context.Context) error {
				for range 10 {
					in := now.Add(1)
					for old := most.Load(); in > old && !most.CompareAndSwap(old, in); old = most.Load() {
						continue
					}
					if in == int64(n-1) || n == 1 { // main is the other one, or waits
						once.Do(func() { close(full) })
					}
					if n > 2 {
						<-full
					}
					runtime.Gosched()
					now.Add(-1)
					if err := async.Sleep(ctx, 0); err != nil {
						return err
					}
				}
				return nil
			}
			expectError(t, "the group", async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				for range 20 {
					tg.Go(work)
				}
				return nil
			}), nil)
			if m := most.Load(); m > int64(n) {
				t.Errorf("%d tasks have computed at the same time", m)
			}
		}))
	}
	t.Run("a task that waits gives its place to another one", inParallel(1, func(ctx context.Context, t *testing.T) {
		var order chronicle
		var ev async.Event
		waits := async.Go(ctx, func(ctx context.Context) error {
			defer order.add("goes on")
			return ev.Wait(ctx)
		})
		expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		order.add("sets")
		ev.Set()
		_, err := waits.Await(ctx)
		expectError(t, "the task", err, nil)
		order.expect(t, "sets", "goes on")
	}))
	t.Run("tasks that are ready get their places in order, so that none is passed over for ever", inParallel(1, func(ctx context.Context, t *testing.T) {
		var order chronicle
		l := must(async.RunningLoop(ctx))
		var all []*async.Task[async.Void]
		for i := range 4 {
			all = append(all, async.Go(ctx, func(context.Context) error { order.add("%d", i); return nil }))
		}
		for async.Stats(l).Running < 1+len(all) { // main has the place, and all the others are in the line for it
			runtime.Gosched()
		}
		_, err := async.GatherOf(ctx, all)
		expectError(t, "the tasks", err, nil)
		order.expect(t, "0", "1", "2", "3")
	}))
	t.Run("Block gives the place back while its function blocks", inParallel(1, func(ctx context.Context, t *testing.T) {
		ch := make(chan int)
		async.Go(ctx, func(context.Context) error { ch <- 7; return nil })
		v, err := async.Block(ctx, func(context.Context) (int, error) { return <-ch, nil })
		expectError(t, "Block", err, nil)
		expectEqual(t, "the value", v, 7)
		expectEqual(t, "the number of tasks that run", async.Stats(must(async.RunningLoop(ctx))).Running, 1)
	}))
	t.Run("a task that comes back from Block waits for a place", inParallel(1, func(ctx context.Context, t *testing.T) {
		var now atomic.Int64
		hundred(ctx, t, func(ctx context.Context, _ int) error {
			for range 20 {
				must(async.Block(ctx, func(context.Context) (int, error) { runtime.Gosched(); return 0, nil }))
				if n := now.Add(1); n > 1 {
					t.Errorf("%d tasks compute at the same time", n)
				}
				runtime.Gosched()
				now.Add(-1)
			}
			return nil
		})
	}))
	t.Run("Block is a wait for who has started an eager task", inParallel(1, func(ctx context.Context, t *testing.T) {
		ch := make(chan int)
		task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			return async.Block(ctx, func(context.Context) (int, error) { return <-ch, nil })
		}, async.Eager())
		ch <- 7
		expectEqual(t, "the value", must(task.Await(ctx)), 7)
	}))
	t.Run("bodies run on goroutines of a pool, which are used again", inParallel(2, func(ctx context.Context, t *testing.T) {
		used := map[int64]bool{}
		for range 100 { // one after the other
			id := must(async.CreateTask(ctx, func(ctx context.Context) (int64, error) {
				return goid.Get(), async.Sleep(ctx, 0)
			}).Await(ctx))
			used[id] = true
		}
		if len(used) == 100 {
			t.Error("each of the tasks had a goroutine of its own")
		}
	}))
	t.Run("a ctx of a task that has ended is no trouble for the next one on its goroutine", inParallel(1, func(ctx context.Context, t *testing.T) {
		old := ctx
		for range 100 {
			ended := old
			_, err := async.Go(ctx, func(ctx context.Context) error {
				old = ctx
				err := async.Sleep(ended, time.Nanosecond)
				expectEqual(t, "the current task", async.CurrentTask(ended), async.CurrentTask(ctx))
				return err
			}).Await(ctx)
			if err != nil && !errors.Is(err, async.ErrCancelled) { // the task of the ctx has ended
				t.Errorf("the sleep has ended with %v", err)
			}
		}
	}))
	t.Run("a panic, a Goexit in ToThread, and a thread that is locked across a wait do the pool no harm", inParallel(1, func(ctx context.Context, t *testing.T) {
		for i := range 100 {
			v, err := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				runtime.LockOSThread()
				defer runtime.UnlockOSThread()
				if err := async.Sleep(ctx, 0); err != nil {
					return 0, err
				}
				if i%2 == 0 {
					panic(i)
				}
				return async.ToThread(ctx, func(context.Context) (int, error) { runtime.Goexit(); return 0, nil })
			}).Await(ctx)
			var p *async.PanicError
			if i%2 == 0 && (!errors.As(err, &p) || p.Value != i) || i%2 == 1 && !errors.Is(err, async.ErrCancelled) {
				t.Errorf("task %d has ended with %d and %v", i, v, err)
			}
		}
	}))
	t.Run("a negative number panics", func(t *testing.T) {
		expectPanic(t, "async: the number of tasks that Parallel", func() { async.Parallel(-1) })
	})
	t.Run("the task is known by its goroutine", inParallel(2, func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, func(inner context.Context) (string, error) { return async.CurrentTask(ctx).Name(), nil }, async.Name("me"))
		name, err := task.Await(ctx)
		expectError(t, "the task", err, nil)
		expectEqual(t, "the name of the task that has asked with the ctx of main", name, "me")
		expectEqual(t, "the number of tasks", len(async.AllTasks(ctx)), 1)
		expectEqual(t, "the number of tasks that run", async.Stats(must(async.RunningLoop(ctx))).Running, 1)
	}))
}

// hundred runs a hundred tasks and waits for them.
func hundred(ctx context.Context, t *testing.T, fn func(ctx context.Context, i int) error) {
	t.Helper()
	expectError(t, "the hundred", async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
		for i := range 100 {
			tg.Go(func(ctx context.Context) error { return fn(ctx, i) })
		}
		return nil
	}), nil)
}
