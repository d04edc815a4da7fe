package async_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

func TestWaitsInACallback(t *testing.T) {
	// A callback cannot wait. It is told so, and neither the loop nor the next callback is disturbed.
	schedules := map[string]func(ctx context.Context, fn func()){
		"CallSoon":  func(ctx context.Context, fn func()) { running(ctx).CallSoon(fn) },
		"CallLater": func(ctx context.Context, fn func()) { running(ctx).CallLater(1, fn) },
		"a done callback": func(ctx context.Context, fn func()) {
			f := async.NewFuture[int](ctx)
			f.AddDoneCallback(func(*async.Future[int]) { fn() })
			check(f.SetResult(1))
		},
		"the exception handler": func(ctx context.Context, fn func()) {
			l := running(ctx)
			l.CallSoon(func() {
				l.SetExceptionHandler(func(*async.Loop, async.ExceptionContext) { fn() })
				l.CallExceptionHandler(async.ExceptionContext{})
				l.SetExceptionHandler(nil)
			})
		},
	}
	for where, schedule := range schedules {
		for _, w := range wrongWaits {
			t.Run(w.name+" in "+where+" returns ErrNotInTask", onLoop(func(ctx context.Context, t *testing.T) {
				got := errors.New("the callback was not called")
				schedule(ctx, func() { got = w.wait(ctx) })
				check(async.Sleep(ctx, time.Second))
				expectError(t, "the wait", got, async.ErrNotInTask)
			}))
		}
		t.Run("Block in "+where+" returns ErrNotInTask", onLoop(func(ctx context.Context, t *testing.T) {
			var got error
			schedule(ctx, func() { got = errorOf(async.Block(ctx, func(context.Context) (int, error) { return 0, nil })) })
			check(async.Sleep(ctx, time.Second))
			expectError(t, "Block", got, async.ErrNotInTask)
		}))
	}
}

func TestRunInsideARun(t *testing.T) {
	runs := map[string]func(l *async.Loop) error{
		"Run":              func(*async.Loop) error { return async.Run(untilCancelled) },
		"RunResult":        func(*async.Loop) error { return errorOf(async.RunResult(async.After(0, 1))) },
		"RunForever":       func(l *async.Loop) error { return l.RunForever() },
		"RunUntilComplete": func(l *async.Loop) error { return errorOf(async.RunUntilComplete(l, async.After(0, 1))) },
		"Runner.Run": func(*async.Loop) error {
			r := async.NewRunner()
			defer r.Close()
			return r.Run(untilCancelled)
		},
		"RunIn": func(*async.Loop) error {
			r := async.NewRunner()
			defer r.Close()
			return errorOf(async.RunIn(r, async.After(0, 1)))
		},
		"the Runner that runs": nil,
	}
	for name, run := range runs {
		for where, inside := range map[string]func(ctx context.Context, fn func()) error{
			"a task": func(ctx context.Context, fn func()) error {
				return errorOf(async.Go(ctx, func(context.Context) error { fn(); return nil }).Await(ctx))
			},
			"an eager task": func(ctx context.Context, fn func()) error {
				return errorOf(async.Go(ctx, func(context.Context) error { fn(); return nil }, async.Eager()).Await(ctx))
			},
			"a callback": func(ctx context.Context, fn func()) error {
				running(ctx).CallSoon(fn)
				return secondWait(ctx)
			},
		} {
			t.Run(name+" in "+where+" returns ErrLoopRunning, and the loop goes on", func(t *testing.T) {
				guarded(t, func() {
					r := async.NewRunner(async.Clock(loop.NewVirtual()))
					defer r.Close()
					if run == nil {
						run = func(*async.Loop) error { return r.Run(untilCancelled) }
					}
					var got error
					check(r.Run(func(ctx context.Context) error {
						err := inside(ctx, func() { got = run(running(ctx)) })
						ticks(ctx, 2)
						return err
					}))
					expectError(t, name, got, async.ErrLoopRunning)
				})
			})
		}
	}
	t.Run("Run in a function of ToThread is a run of its own", onLoop(func(ctx context.Context, t *testing.T) {
		v := must(async.ToThread(ctx, func(context.Context) (int, error) { return async.RunResult(async.After(0, 42)) }))
		expectEqual(t, "the result", v, 42)
	}))
	t.Run("Run in a function of Block is a run of its own", onLoop(func(ctx context.Context, t *testing.T) {
		v := must(async.Block(ctx, func(context.Context) (int, error) { return async.RunResult(async.After(0, 42)) }))
		expectEqual(t, "the result", v, 42)
		ticks(ctx, 1)
	}))
}

func TestMoreCyclesOfWaits(t *testing.T) {
	// Each of these tasks waits for itself in a way that nobody can see. It hangs, as it does in asyncio, until it is cancelled.
	for name, wait := range map[string]func(ctx context.Context, self *async.Task[int]) error{
		"Gather": func(ctx context.Context, self *async.Task[int]) error { return errorOf(async.Gather[int](ctx, self)) },
		"Gather of Gather": func(ctx context.Context, self *async.Task[int]) error {
			return errorOf(async.Gather[[]int](ctx, async.GatherFuture[int](ctx, self)))
		},
		"GatherSettled": func(ctx context.Context, self *async.Task[int]) error {
			return errorOf(async.GatherSettled[int](ctx, self))
		},
		"Shield": func(ctx context.Context, self *async.Task[int]) error { return errorOf(async.Shield(ctx, self)) },
		"Wait": func(ctx context.Context, self *async.Task[int]) error {
			_, _, err := async.Wait(ctx, []*async.Task[int]{self})
			return err
		},
		"AsCompleted": func(ctx context.Context, self *async.Task[int]) (err error) {
			for _, err = range async.AsCompleted[int](ctx, self) {
				break
			}
			return err
		},
		"another task": func(ctx context.Context, self *async.Task[int]) error {
			return errorOf(async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				return async.CreateTask(ctx, self.Await).Await(ctx)
			}).Await(ctx))
		},
	} {
		t.Run("a task that waits for itself by way of "+name+" ends when it is cancelled", func(t *testing.T) {
			inProcess(t, onLoop(func(ctx context.Context, t *testing.T) {
				var self *async.Task[int]
				self = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return 0, wait(ctx, self) })
				ticks(ctx, 5)
				expectEqual(t, "the task is done", self.IsDone(), false)
				self.Cancel()
				waitFor(ctx, self)
				expectEqual(t, "the task is cancelled", self.Cancelled(), true)
			}))
		})
	}
	t.Run("a task that gathers itself twice ends when it is cancelled", func(t *testing.T) {
		inProcess(t, onLoop(func(ctx context.Context, t *testing.T) {
			var self *async.Task[int]
			self = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				return 0, errorOf(async.Gather[int](ctx, self, self))
			})
			ticks(ctx, 5)
			self.Cancel()
			waitFor(ctx, self)
			expectEqual(t, "the task is cancelled", self.Cancelled(), true)
		}))
	})
	t.Run("a cycle of tasks of two loops ends when one of them is cancelled", func(t *testing.T) {
		inProcess(t, func(t *testing.T) {
			guarded(t, func() {
				var here, there *async.Task[int]
				made, wait := make(chan struct{}), make(chan struct{})
				ended := make(chan error, 1)
				go func() {
					ended <- async.Run(func(ctx context.Context) error {
						<-wait
						there = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return here.Await(ctx) })
						close(made)
						waitFor(ctx, there)
						return nil
					})
				}()
				err := async.Run(func(ctx context.Context) error {
					here = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return there.Await(ctx) })
					close(wait)
					<-made
					ticks(ctx, 2)
					here.Cancel()
					waitFor(ctx, here)
					return nil
				})
				expectError(t, "the first run", err, nil)
				expectError(t, "the second run", <-ended, nil)
				expectEqual(t, "the task of the first loop is cancelled", here.Cancelled(), true)
				expectEqual(t, "the task of the second loop is cancelled", there.Cancelled(), true)
			})
		})
	})
}
