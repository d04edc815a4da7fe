package async_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
)

// What functions on other goroutines can expect of the loop that has sent them, beyond the facts of section U.

func TestToThreadContext(t *testing.T) {
	type key struct{}
	t.Run("the ctx of a function has the values of the task's and no deadline, and ends when it has returned", onLoop(func(ctx context.Context, t *testing.T) {
		ctx = context.WithValue(ctx, key{}, "value")
		timed, cancel := async.WithTimeout(ctx, time.Hour)
		defer cancel()
		var kept, child context.Context
		_, err := async.ToThread(timed, func(ctx context.Context) (int, error) {
			expectEqual(t, "the value", ctx.Value(key{}), any("value"))
			_, ok := ctx.Deadline()
			expectEqual(t, "whether there is a deadline", ok, false)
			expectError(t, "Err", ctx.Err(), nil)
			kept = ctx
			var stop context.CancelFunc
			child, stop = context.WithCancel(ctx)
			t.Cleanup(stop)
			return 0, nil
		})
		expectError(t, "ToThread", err, nil)
		expectError(t, "Err afterwards", kept.Err(), context.Canceled)
		<-kept.Done()
		<-child.Done()
	}))

	t.Run("a timeout around ToThread ends the ctx of the function, with the timeout as its cause", onLoop(func(ctx context.Context, t *testing.T) {
		seen := make(chan error, 1)
		started := make(chan struct{})
		timed, cancel := async.WithTimeout(ctx, time.Hour)
		defer cancel()
		_, err := async.ToThread(timed, func(ctx context.Context) (int, error) {
			close(started)
			// A wait with the job's own ctx lets the virtual clock run.
			async.NewFuture[int](ctx).Await(ctx)
			seen <- context.Cause(ctx)
			return 0, nil
		})
		<-started
		expectError(t, "ToThread", err, async.ErrTimeout)
		expectError(t, "the cause", <-seen, async.ErrTimeout)
	}))

	t.Run("context variables go along as a copy", onLoop(func(ctx context.Context, t *testing.T) {
		v := async.NewContextVar("colour", "white")
		v.Set(ctx, "red")
		got := must(async.ToThread(ctx, func(ctx context.Context) (string, error) {
			was := v.Get(ctx)
			v.Set(ctx, "blue")
			return was + " then " + v.Get(ctx), nil
		}))
		expectEqual(t, "what the function sees", got, "red then blue")
		expectEqual(t, "what the task sees", v.Get(ctx), "red")
	}))

	t.Run("context variables are the function's own when the task has none", onLoop(func(ctx context.Context, t *testing.T) {
		v := async.NewContextVar("size", 1)
		must(async.ToThread(ctx, func(ctx context.Context) (int, error) { v.Set(ctx, 2); return v.Get(ctx), nil }))
		expectEqual(t, "what the task sees", v.Get(ctx), 1)
	}))

	t.Run("a function can make tasks in the loop and wait for them", onLoop(func(ctx context.Context, t *testing.T) {
		got := must(async.ToThread(ctx, func(ctx context.Context) (int, error) {
			return async.CreateTask(ctx, async.After(time.Hour, 7)).Await(ctx)
		}))
		expectEqual(t, "the result", got, 7)
	}))
}

func TestExecutorFutures(t *testing.T) {
	t.Run("a panic and a Goexit in a function end as an error and a cancellation", onLoop(func(ctx context.Context, t *testing.T) {
		_, err := async.ToThread(ctx, func(context.Context) (int, error) { panic("boom") })
		var p *async.PanicError
		if !errors.As(err, &p) || p.Value != "boom" || !strings.Contains(string(p.Stack), "facts_tothread_test.go") {
			t.Errorf("the error is %v", err)
		}
		_, err = async.ToThread(ctx, func(context.Context) (int, error) { runtime.Goexit(); return 0, nil })
		expectError(t, "the one that was left", err, async.ErrCancelled)
	}))

	t.Run("CancelPending of a pool cancels the futures of the loop that wait in its queue", func(t *testing.T) {
		pool := future.NewPool(1)
		onLoop(func(ctx context.Context, t *testing.T) {
			release, started := make(chan struct{}), make(chan struct{})
			running := async.RunInExecutor(ctx, pool, func() (int, error) { close(started); <-release; return 1, nil })
			queued := async.RunInExecutor(ctx, pool, func() (int, error) { return 2, nil })
			<-started
			expectEqual(t, "CancelPending", pool.CancelPending(), 1)
			expectEqual(t, "Cancelled", queued.Cancelled(), true)
			close(release)
			expectEqual(t, "the running one", must(running.Await(ctx)), 1)
			shutDown(ctx, pool)
		})(t)
	})

	t.Run("an executor that takes no more work fails the future", func(t *testing.T) {
		pool := future.NewPool(1)
		check(pool.Shutdown(context.Background()))
		onLoop(func(ctx context.Context, t *testing.T) {
			for _, ex := range []future.Executor{pool, wrapped{pool}} {
				_, err := async.RunInExecutor(ctx, ex, func() (int, error) { return 0, nil }).Await(ctx)
				expectError(t, "the future", err, async.ErrShutdown)
			}
		})(t)
	})

	t.Run("a view of a pool is an executor like any other", func(t *testing.T) {
		pool := future.NewPool(4)
		view := pool.Limit("db", 1)
		onLoop(func(ctx context.Context, t *testing.T) {
			var order []int
			var fs []*async.Future[int]
			for i := range 10 {
				fs = append(fs, async.RunInExecutor(ctx, view, func() (int, error) { order = append(order, i); return i, nil }))
			}
			expectSlice(t, "the results", must(async.GatherOf(ctx, fs)), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
			expectEqual(t, "how many ran", len(order), 10)
			shutDown(ctx, pool)
		})(t)
	})
}

// shutDown shuts down a pool from a task.
func shutDown(ctx context.Context, pool *future.Pool) {
	must(async.ToThread(ctx, func(ctx context.Context) (async.Void, error) { return async.Void{}, pool.Shutdown(ctx) }))
}

// wrapped is an executor of somebody else.
type wrapped struct{ ex future.Executor }

func (w wrapped) Execute(fn func()) error { return w.ex.Execute(fn) }

// TestCompletionsWakeTheLoopTogether has ten thousand functions in flight, all of which end while the loop sleeps or has only just been woken.
func TestCompletionsWakeTheLoopTogether(t *testing.T) {
	const n = 10_000
	check(async.Run(func(ctx context.Context) error {
		l := running(ctx)
		before := async.Stats(l).WakeUps
		var all []*async.Task[int]
		for i := range n {
			all = append(all, async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				return async.ToThread(ctx, func(context.Context) (int, error) { return i, nil })
			}))
		}
		for i, v := range must(async.GatherOf(ctx, all)) {
			if v != i {
				t.Fatalf("function %d has returned %d", i, v)
			}
		}
		if woken := async.Stats(l).WakeUps - before; woken >= n {
			t.Errorf("%d functions have woken the loop %d times", n, woken)
		} else {
			t.Logf("%d functions have woken the loop %d times", n, woken)
		}
		return nil
	}))
}

func TestThreadJoinTimeout(t *testing.T) {
	expectPanic(t, "async: the duration of ThreadJoinTimeout is not positive", func() { async.ThreadJoinTimeout(0) })

	t.Run("T7 a run that has waited long enough leaves its functions behind and says so", func(t *testing.T) {
		var log bytes.Buffer
		release := make(chan struct{})
		var gone sync.WaitGroup
		gone.Add(1)
		var leftover *async.Future[int]
		err := async.Run(func(ctx context.Context) error {
			leftover = async.RunInExecutor(ctx, nil, func() (int, error) {
				defer gone.Done()
				<-release
				return 7, nil
			})
			return nil
		}, async.ThreadJoinTimeout(time.Millisecond), async.Logger(slog.New(slog.NewTextHandler(&log, nil))))
		expectError(t, "Run", err, nil)
		if !strings.Contains(log.String(), "the executor did not finish its functions in time") || !strings.Contains(log.String(), "running=1") {
			t.Errorf("the log is %q", log.String())
		}
		close(release)
		gone.Wait()
		v, err := leftover.Await(context.Background())
		expectError(t, "the function", err, nil)
		expectEqual(t, "its result", v, 7)
	})

	t.Run("T7 a run whose functions end in time waits for them and says nothing", func(t *testing.T) {
		var log bytes.Buffer
		ended := false
		check(async.Run(func(ctx context.Context) error {
			async.RunInExecutor(ctx, nil, func() (int, error) { runtime.Gosched(); ended = true; return 0, nil })
			return nil
		}, async.ThreadJoinTimeout(time.Hour), async.Logger(slog.New(slog.NewTextHandler(&log, nil)))))
		expectEqual(t, "whether the function has ended", ended, true)
		expectEqual(t, "the log", log.String(), "")
	})
}
