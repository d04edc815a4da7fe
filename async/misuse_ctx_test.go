package async_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A wrongWait is a wait that is called with the ctx of another task.
type wrongWait struct {
	name string
	wait func(ctx context.Context) error // ends when ctx does, or the task that calls it is cancelled
	// outside is what it returns on a plain goroutine when ctx has ended.
	outside error
}

// wrongWaits are all waits there are.
var wrongWaits = []wrongWait{
	{"Await of a future", hanging, async.ErrCancelled},
	{"Await of a task", func(ctx context.Context) error {
		return errorOf(async.CreateTask(ctx, forever).Await(ctx))
	}, async.ErrCancelled},
	{"Await of a coroutine", func(ctx context.Context) error { return errorOf(async.Coroutine[int](forever).Await(ctx)) }, async.ErrCancelled},
	{"Await of a future without a loop", func(ctx context.Context) error { return errorOf(future.New[int]().Await(ctx)) }, async.ErrCancelled},
	{"Sleep", func(ctx context.Context) error { return async.Sleep(ctx, async.Forever) }, async.ErrCancelled},
	{"After", func(ctx context.Context) error { return errorOf(async.After(async.Forever, 1).Await(ctx)) }, async.ErrCancelled},
	{"Gather", func(ctx context.Context) error {
		return errorOf(async.Gather[int](ctx, async.Coroutine[int](forever)))
	}, async.ErrCancelled},
	{"GatherSettled", func(ctx context.Context) error {
		results, err := async.GatherSettled[int](ctx, async.Coroutine[int](forever))
		if err == nil {
			err = results[0].Err // the loop is closed, so that the child could not start
		}
		return err
	}, async.ErrCancelled},
	{"Gather2", func(ctx context.Context) error {
		_, _, err := async.Gather2[int, int](ctx, async.Coroutine[int](forever), async.NewFuture[int](ctx))
		return err
	}, async.ErrCancelled},
	{"Wait", func(ctx context.Context) error {
		_, _, err := async.Wait(ctx, []*async.Future[int]{async.NewFuture[int](ctx)}, async.Within(async.Forever))
		return err
	}, async.ErrCancelled},
	{"Race", func(ctx context.Context) error {
		return errorOf(async.Race[int](ctx, async.Coroutine[int](forever), async.NewFuture[int](ctx)))
	}, async.ErrCancelled},
	{"Any", func(ctx context.Context) error {
		return errorOf(gather.Any[int](ctx, async.Coroutine[int](forever), awaitsLong{}))
	}, async.ErrCancelled},
	{"Map", func(ctx context.Context) error {
		return errorOf(gather.Map(ctx, 1, slices.Values([]int{1, 2}), func(ctx context.Context, _ int) (int, error) { return forever(ctx) }))
	}, async.ErrCancelled},
	{"AsCompleted", func(ctx context.Context) (err error) {
		for _, err = range async.AsCompleted[int](ctx, async.NewFuture[int](ctx)) {
			break
		}
		return err
	}, async.ErrCancelled},
	{"WaitFor", func(ctx context.Context) error {
		return errorOf(async.WaitFor[int](ctx, async.Coroutine[int](forever), time.Hour))
	}, async.ErrCancelled},
	{"Shield", func(ctx context.Context) error {
		return errorOf(async.Shield[int](ctx, async.NewFuture[int](ctx)))
	}, async.ErrCancelled},
	{"Timeout", func(ctx context.Context) error {
		return async.Timeout(ctx, async.Forever, func(ctx context.Context, _ *async.TimeoutScope) error { return hanging(ctx) })
	}, async.ErrNotInTask},
	{"context.WithCancel in Timeout", func(ctx context.Context) error {
		return async.Timeout(ctx, async.Forever, func(ctx context.Context, _ *async.TimeoutScope) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			return hanging(ctx)
		})
	}, async.ErrNotInTask},
	{"WithTimeout", func(ctx context.Context) error {
		ctx, cancel := async.WithTimeout(ctx, time.Hour)
		defer cancel()
		return hanging(ctx)
	}, async.ErrCancelled},
	{"the body of a TaskGroup", func(ctx context.Context) error {
		return async.WithTaskGroup(ctx, func(ctx context.Context, _ *async.TaskGroup) error { return hanging(ctx) })
	}, async.ErrNotInTask},
	{"the end of a TaskGroup", func(ctx context.Context) error {
		return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			tg.Go(hanging)
			return nil
		})
	}, async.ErrNotInTask},
	{"context.WithCancel", func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		return hanging(ctx)
	}, async.ErrCancelled},
	{"context.WithValue", func(ctx context.Context) error {
		return hanging(context.WithValue(ctx, awaitsLong{}, 1))
	}, async.ErrCancelled},
	{"ToThread", func(ctx context.Context) error {
		return errorOf(async.ToThread(ctx, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, nil
		}))
	}, nil},
}

func TestContextOfTheParentInAChild(t *testing.T) {
	// A closure easily captures the ctx of the function around it. The wait is that of the calling task all the same.
	for _, w := range wrongWaits {
		t.Run(w.name+" is ended by the cancellation of the child", onLoop(func(parent context.Context, t *testing.T) {
			child := async.Go(parent, func(context.Context) error { return w.wait(parent) })
			ticks(parent, 2)
			expectEqual(t, "the child is done", child.IsDone(), false)
			child.Cancel()
			ticks(parent, 5)
			expectEqual(t, "the child is cancelled", child.Cancelled(), true)
			expectEqual(t, "the number of requests to cancel the parent", cancelling(parent), 0)
		}))
		t.Run(w.name+" is ended by the cancellation of the parent, whose ctx it is", onLoop(func(ctx context.Context, t *testing.T) {
			var child *async.Task[async.Void]
			parent := async.Go(ctx, func(parent context.Context) error {
				child = async.Go(parent, func(context.Context) error { return w.wait(parent) })
				return hanging(parent)
			})
			ticks(ctx, 3)
			parent.Cancel()
			expectError(t, "the child", errorOf(child.Await(ctx)), async.ErrCancelled)
		}, async.Clock(loop.NewReal()))) // package context cancels on a goroutine, which a virtual clock would not wait for
		t.Run(w.name+" can be ended after the end of the parent, whose ctx it is", onLoop(func(ctx context.Context, t *testing.T) {
			var child *async.Task[async.Void]
			parent := async.Go(ctx, func(parent context.Context) error {
				child = async.Go(parent, func(context.Context) error { return w.wait(parent) })
				ticks(parent, 3)
				return nil
			})
			waitFor(ctx, parent)
			ticks(ctx, 3)
			child.Cancel()
			waitFor(ctx, child)
			expectEqual(t, "the child is cancelled", child.Cancelled(), true)
		}))
		t.Run(w.name+" can begin after the end of the parent, whose ctx it is", onLoop(func(ctx context.Context, t *testing.T) {
			var old context.Context
			waitFor(ctx, async.Go(ctx, func(parent context.Context) error {
				old = parent
				return nil
			}))
			child := async.Go(ctx, func(context.Context) error { return w.wait(old) })
			ticks(ctx, 3)
			child.Cancel()
			waitFor(ctx, child)
			expectEqual(t, "the child is cancelled", child.Cancelled(), true)
		}))
	}
	t.Run("the function of Block is told of the cancellation of the child", func(t *testing.T) {
		onLoop(func(parent context.Context, t *testing.T) {
			child := async.Go(parent, func(context.Context) error {
				return errorOf(async.Block(parent, func(ctx context.Context) (int, error) {
					<-ctx.Done()
					return 0, ctx.Err()
				}))
			})
			ticks(parent, 2)
			child.Cancel()
			waitFor(parent, child)
		})(t)
	})
	t.Run("a wait goes on as if the ctx were the child's own", onLoop(func(parent context.Context, t *testing.T) {
		f := async.NewFuture[int](parent)
		child := async.CreateTask(parent, func(context.Context) (int, error) {
			check(async.Sleep(parent, time.Second))
			ticks(parent, 1)
			return f.Await(parent)
		})
		check(async.Sleep(parent, 2*time.Second))
		check(f.SetResult(42))
		expectEqual(t, "the result", must(child.Await(parent)), 42)
	}))
	t.Run("what asks for the task means the one that calls", onLoop(func(parent context.Context, t *testing.T) {
		v := async.NewContextVar("v", 0)
		v.Set(parent, 1)
		child := async.Go(parent, func(ctx context.Context) error {
			expectEqual(t, "the name of the task", async.CurrentTask(parent).Name(), "child")
			v.Set(parent, 2)
			expectEqual(t, "the variable in the child", v.Get(ctx), 2)
			async.CurrentTask(parent).Cancel()
			err := giveWay(ctx)
			expectError(t, "the wait", err, async.ErrCancelled)
			return async.Sleep(async.Uncancel(ctx), 0)
		}, async.Name("child"))
		expectError(t, "the child", errorOf(child.Await(parent)), nil)
		expectEqual(t, "the variable in the parent", v.Get(parent), 1)
	}))
}

// onGoroutine runs fn on a plain goroutine and lets the loop go on until it has returned.
func onGoroutine(ctx context.Context, fn func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- fn() }()
	// The virtual clock waits for functions of ToThread.
	return errorOf(async.ToThread(ctx, func(context.Context) (int, error) { return 0, <-ended }))
}

func TestContextOfATaskOnAGoroutine(t *testing.T) {
	for _, w := range wrongWaits {
		t.Run(w.name+" on a goroutine is ended by the cancellation of the task, whose ctx it is", onLoop(func(ctx context.Context, t *testing.T) {
			var lent context.Context
			task := async.Go(ctx, func(ctx context.Context) error {
				lent = ctx
				return hanging(ctx)
			})
			ticks(ctx, 1)
			err := onGoroutine(ctx, func() error {
				task.Cancel()
				return w.wait(lent)
			})
			expectError(t, "the wait", err, w.outside)
			waitFor(ctx, task)
			expectEqual(t, "the task is cancelled", task.Cancelled(), true)
		}, async.Clock(loop.NewReal())))
		t.Run(w.name+" on a goroutine is ended by the end of the task, whose ctx it is", onLoop(func(ctx context.Context, t *testing.T) {
			var lent context.Context
			proceed := async.NewFuture[int](ctx)
			task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				lent = ctx
				return proceed.Await(ctx)
			})
			ticks(ctx, 1)
			err := onGoroutine(ctx, func() error {
				lent.Done() // is asked for while the task runs
				check(proceed.SetResult(42))
				return w.wait(lent)
			})
			expectError(t, "the wait", err, w.outside)
			expectEqual(t, "the result of the task", must(task.Await(ctx)), 42)
		}, async.Clock(loop.NewReal())))
	}
	t.Run("a goroutine waits beside the task and disturbs nobody", onLoop(func(ctx context.Context, t *testing.T) {
		first, second := async.NewFuture[int](ctx), async.NewFuture[int](ctx)
		var lent context.Context
		task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			lent = ctx
			return first.Await(ctx)
		})
		ticks(ctx, 1)
		err := onGoroutine(ctx, func() error {
			if async.CurrentTask(lent) != nil {
				return errors.New("there is a current task")
			}
			check(async.Sleep(lent, 0))
			helper := async.CreateTask(lent, func(ctx context.Context) (int, error) {
				ticks(ctx, 3)
				return 1, second.SetResult(2)
			})
			expectEqual(t, "the future", must(second.Await(lent)), 2)
			expectEqual(t, "the helper", must(helper.Await(lent)), 1)
			expectEqual(t, "the number of tasks", len(async.AllTasks(lent)), 2)
			return first.SetResult(3)
		})
		expectError(t, "the goroutine", err, nil)
		expectEqual(t, "the result of the task", must(task.Await(ctx)), 3)
	}))
	t.Run("everything that does not wait works on a goroutine after the task", onLoop(func(ctx context.Context, t *testing.T) {
		v := async.NewContextVar("v", 0)
		var old context.Context
		waitFor(ctx, async.Go(ctx, func(ctx context.Context) error {
			old = ctx
			v.Set(ctx, 1)
			return nil
		}))
		err := onGoroutine(ctx, func() error {
			expectEqual(t, "the variable", v.Get(old), 1)
			v.Reset(old, v.Set(old, 2))
			expectEqual(t, "the variable after Reset", v.Get(old), 1)
			if async.CurrentTask(old) != nil {
				t.Error("there is a current task")
			}
			if async.Uncancel(old) != old {
				t.Error("Uncancel has made a context")
			}
			l, err := async.RunningLoop(old)
			expectError(t, "RunningLoop", err, nil)
			expectEqual(t, "the number of tasks", len(async.AllTasks(old)), 1)
			expectEqual(t, "the number of tasks that Stats tells", async.Stats(l).Tasks, 1)
			done := async.NewFuture[int](old)
			check(done.SetResult(1))
			expectEqual(t, "the future", must(done.Await(old)), 1)
			expectEqual(t, "a task", must(async.CreateTask(old, async.After(0, 1)).Await(context.Background())), 1)
			expectError(t, "Timeout", async.Timeout(old, 1, func(context.Context, *async.TimeoutScope) error { return nil }), async.ErrNotInTask)
			return nil
		})
		expectError(t, "the goroutine", err, nil)
	}))
}
