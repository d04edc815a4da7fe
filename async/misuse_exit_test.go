package async_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A user's function can be left at any point by a panic or by runtime.Goexit. The matrix below has a row for every point where the
// package calls such a function, and a column for either way.

// What becomes of a panic.
const (
	caughtByMain = "main gets the panic"
	reported     = "exception in callback: the panic"
	leavesRun    = "Run panics with the panic"
	swallowed    = "main gets nothing"
)

// What becomes of a Goexit.
const (
	endsTheRun   = "Goexit goes on"
	onlyAnswered = "main gets a cancellation"
)

// An exitPoint is a point where code can be left. enter is called by main, has leave called at that point, with a deferred call of
// gone around it, and returns what main gets.
type exitPoint struct {
	name  string
	enter func(ctx context.Context, leave, gone func()) error
	// panicked and exited say what becomes of a panic, caughtByMain if empty, and of a Goexit, endsTheRun if empty.
	panicked, exited string
}

// secondWait is what main does after it has scheduled a callback.
func secondWait(ctx context.Context) error { return async.Sleep(ctx, time.Second) }

var exitPoints = []exitPoint{
	{name: "the start of a task", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(context.Context) error {
			defer gone()
			leave()
			return nil
		}).Await(ctx))
	}},
	{name: "a task after a suspension", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(ctx context.Context) error {
			defer gone()
			check(async.Sleep(ctx, time.Second))
			leave()
			return nil
		}).Await(ctx))
	}},
	{name: "a task that another goroutine has made", enter: func(ctx context.Context, leave, gone func()) error {
		made := make(chan *async.Future[async.Void])
		go func() {
			made <- async.RunCoroutineThreadsafe(running(ctx), async.Do(func(context.Context) error {
				defer gone()
				leave()
				return nil
			}))
		}()
		return errorOf((<-made).Await(ctx))
	}},
	{name: "a deferred call of a task that returns", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(ctx context.Context) error {
			defer gone()
			defer leave()
			return giveWay(ctx)
		}).Await(ctx))
	}},
	{name: "a deferred call of a task that panics", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(context.Context) error {
			defer gone()
			defer leave()
			panic("another panic")
		}).Await(ctx))
	}},
	{name: "a deferred call of a task that panics, after a suspension in it", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(ctx context.Context) error {
			defer gone()
			defer func() {
				check(async.Sleep(ctx, time.Second))
				leave()
			}()
			panic("another panic")
		}).Await(ctx))
	}},
	{name: "the cleanup of a task that is cancelled", enter: func(ctx context.Context, leave, gone func()) error {
		task := async.Go(ctx, func(ctx context.Context) error {
			defer gone()
			defer leave()
			return hanging(ctx)
		})
		check(giveWay(ctx))
		task.Cancel()
		return errorOf(task.Await(ctx))
	}},
	{name: "a coroutine that a task awaits", enter: func(ctx context.Context, leave, gone func()) error {
		co := async.Do(func(context.Context) error {
			defer gone()
			leave()
			return nil
		})
		return errorOf(async.Go(ctx, func(ctx context.Context) error { return errorOf(co.Await(ctx)) }).Await(ctx))
	}},
	{name: "a task behind a shield", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Shield(ctx, async.Do(func(context.Context) error {
			defer gone()
			leave()
			return nil
		})))
	}},
	{name: "a coroutine of WaitFor", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(ctx context.Context) error {
			return errorOf(async.WaitFor(ctx, async.Do(func(ctx context.Context) error {
				defer gone()
				check(giveWay(ctx))
				leave()
				return nil
			}), time.Minute))
		}).Await(ctx))
	}},
	{name: "one of several coroutines of Gather", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Gather(ctx, async.After(0, 1), async.Coroutine[int](func(context.Context) (int, error) {
			defer gone()
			leave()
			return 0, nil
		})))
	}},
	{name: "an awaitable of an unknown type in Gather", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Gather(ctx, awaitable(func(context.Context) (int, error) {
			defer gone()
			leave()
			return 0, nil
		})))
	}},
	{name: "the function of Map", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(gather.Map(ctx, 1, slices.Values([]int{1}), func(context.Context, int) (int, error) {
			defer gone()
			leave()
			return 0, nil
		}))
	}},
	{name: "the sequence of Map", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(ctx context.Context) error {
			return errorOf(gather.Map(ctx, 0, func(yield func(int) bool) {
				defer gone()
				yield(1)
				leave()
			}, func(ctx context.Context, _ int) (int, error) { return forever(ctx) }))
		}).Await(ctx))
	}},
	{name: "a loop over AsCompleted", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(ctx context.Context) error {
			defer gone()
			for range async.AsCompleted[int](ctx, async.After(0, 1), async.After(time.Second, 1)) {
				leave()
			}
			return nil
		}).Await(ctx))
	}},
	{name: "an eager task", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(context.Context) error {
			defer gone()
			leave()
			return nil
		}, async.Eager()).Await(ctx))
	}},
	{name: "an eager task after a suspension", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(ctx context.Context) error {
			defer gone()
			check(async.Sleep(ctx, time.Second))
			leave()
			return nil
		}, async.Eager()).Await(ctx))
	}},
	{name: "an eager task in an eager task", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(ctx context.Context) error {
			return errorOf(async.Go(ctx, func(context.Context) error {
				defer gone()
				leave()
				return nil
			}, async.Eager()).Await(ctx))
		}, async.Eager()).Await(ctx))
	}},
	{name: "an eager task that a callback makes", enter: func(ctx context.Context, leave, gone func()) error {
		made := async.NewFuture[*async.Task[async.Void]](ctx)
		running(ctx).CallSoon(func() {
			check(made.SetResult(async.Go(ctx, func(context.Context) error {
				defer gone()
				leave()
				return nil
			}, async.Eager())))
		})
		task, err := made.Await(ctx)
		if err != nil {
			return err
		}
		return errorOf(task.Await(ctx))
	}},
	{name: "a callback of CallSoon", panicked: reported, enter: func(ctx context.Context, leave, gone func()) error {
		running(ctx).CallSoon(func() {
			defer gone()
			leave()
		})
		return secondWait(ctx)
	}},
	{name: "a callback of CallLater", panicked: reported, enter: func(ctx context.Context, leave, gone func()) error {
		running(ctx).CallLater(time.Millisecond, func() {
			defer gone()
			leave()
		})
		return secondWait(ctx)
	}},
	{name: "a callback from another goroutine", panicked: reported, enter: func(ctx context.Context, leave, gone func()) error {
		l := running(ctx)
		var sender sync.WaitGroup
		sender.Go(func() {
			l.CallSoonThreadsafe(func() {
				defer gone()
				leave()
			})
		})
		sender.Wait()
		return secondWait(ctx)
	}},
	{name: "the done callback of a future", panicked: reported, enter: func(ctx context.Context, leave, gone func()) error {
		f := async.NewFuture[int](ctx)
		f.AddDoneCallback(func(*async.Future[int]) {
			defer gone()
			leave()
		})
		check(f.SetResult(1))
		return secondWait(ctx)
	}},
	{name: "the done callback of a task", panicked: reported, enter: func(ctx context.Context, leave, gone func()) error {
		async.CreateTask(ctx, async.After(0, 1)).AddDoneCallback(func(*async.Future[int]) {
			defer gone()
			leave()
		})
		return secondWait(ctx)
	}},
	{name: "the done callback of a future without a loop", panicked: swallowed, enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(context.Context) error {
			f := future.New[int]()
			f.AddDoneCallback(func(*async.Future[int]) {
				defer gone()
				leave()
			})
			return f.SetResult(1)
		}).Await(ctx))
	}},
	{name: "the exception handler", panicked: "unhandled error in exception handler", enter: func(ctx context.Context, leave, gone func()) error {
		l := running(ctx)
		l.SetExceptionHandler(func(*async.Loop, async.ExceptionContext) {
			defer gone()
			l.SetExceptionHandler(nil)
			leave()
		})
		l.CallSoon(func() { panic("another panic") })
		return secondWait(ctx)
	}},
	{name: "a child of a group", enter: func(ctx context.Context, leave, gone func()) error {
		return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			tg.Go(hanging)
			tg.Go(func(ctx context.Context) error {
				defer gone()
				check(giveWay(ctx))
				leave()
				return nil
			})
			return nil
		})
	}},
	{name: "the body of a group", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(ctx context.Context) error {
			return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				// gone must be the last to be called: the group has ended by then.
				tg.Go(func(ctx context.Context) error {
					defer gone()
					err := hanging(ctx)
					check(async.Sleep(context.WithoutCancel(ctx), time.Second))
					return err
				})
				check(giveWay(ctx))
				leave()
				return nil
			})
		}).Await(ctx))
	}},
	{name: "a block with a timeout", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(ctx context.Context) error {
			return async.Timeout(ctx, time.Minute, func(ctx context.Context, _ *async.TimeoutScope) error {
				defer gone()
				check(async.Sleep(ctx, time.Second))
				leave()
				return nil
			})
		}).Await(ctx))
	}},
	{name: "a block whose time is over", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(ctx context.Context) error {
			return async.Timeout(ctx, time.Second, func(ctx context.Context, _ *async.TimeoutScope) error {
				defer gone()
				expired := hanging(ctx)
				leave()
				return expired
			})
		}).Await(ctx))
	}},
	{name: "a function of ToThread", exited: onlyAnswered, enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.ToThread(ctx, func(context.Context) (int, error) {
			defer gone()
			leave()
			return 0, nil
		}))
	}},
	{name: "a function of RunInExecutor", exited: onlyAnswered, enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.RunInExecutor(ctx, nil, func() (int, error) {
			defer gone()
			leave()
			return 0, nil
		}).Await(ctx))
	}},
	{name: "a function of Block", enter: func(ctx context.Context, leave, gone func()) error {
		return errorOf(async.Go(ctx, func(ctx context.Context) error {
			return errorOf(async.Block(ctx, func(context.Context) (int, error) {
				defer gone()
				leave()
				return 0, nil
			}))
		}).Await(ctx))
	}},
	{name: "main before it has waited", panicked: leavesRun, enter: func(_ context.Context, leave, gone func()) error {
		defer gone()
		leave()
		return nil
	}},
	{name: "main after a suspension", panicked: leavesRun, enter: func(ctx context.Context, leave, gone func()) error {
		defer gone()
		check(async.Sleep(ctx, time.Second))
		leave()
		return nil
	}},
	{name: "a deferred call of main", panicked: leavesRun, enter: func(ctx context.Context, leave, gone func()) error {
		defer gone()
		defer leave()
		return async.Sleep(ctx, time.Second)
	}},
	{name: "a block of main with a timeout", panicked: leavesRun, enter: func(ctx context.Context, leave, gone func()) error {
		return async.Timeout(ctx, time.Minute, func(context.Context, *async.TimeoutScope) error {
			defer gone()
			leave()
			return nil
		})
	}},
	{name: "the body of a group of main", panicked: leavesRun, enter: func(ctx context.Context, leave, gone func()) error {
		return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			tg.Go(func(ctx context.Context) error {
				defer gone()
				return hanging(ctx)
			})
			check(giveWay(ctx))
			leave()
			return nil
		})
	}},
}

// outcome says in the words of the constants above what main got.
func outcome(err error) string {
	var caught *async.PanicError
	switch {
	case err == nil:
		return swallowed
	case errors.As(err, &caught):
		return fmt.Sprintf("main gets %v", caught.Value)
	case errors.Is(err, async.ErrCancelled):
		return onlyAnswered
	}
	return fmt.Sprintf("main gets the error %v", err)
}

// leaveAt runs a program in which the point is left, beside a task that has to be cancelled and cleans up, and writes down what happens.
func leaveAt(t *testing.T, p exitPoint, leave func(), c *chronicle, opts ...async.Option) {
	t.Helper()
	handler := func(_ *async.Loop, e async.ExceptionContext) {
		var caught *async.PanicError
		if errors.As(e.Err, &caught) && caught.Value == "the panic" {
			c.add("%s: %v", e.Message, caught.Value)
		}
	}
	logged := func(r slog.Record) {
		if r.Message == "unhandled error in exception handler" {
			c.add("%s", r.Message)
		}
	}
	opts = append([]async.Option{
		async.Clock(loop.NewVirtual()), async.ExceptionHandler(handler), logTo(logged),
	}, opts...)
	guarded(t, func() {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			returned := false
			defer func() {
				var caught *async.PanicError
				switch v := recover(); {
				case returned:
				case v == nil:
					c.add(endsTheRun)
				case errors.As(v.(error), &caught):
					c.add("Run panics with %v", caught.Value)
				}
			}()
			err := async.Run(func(ctx context.Context) error {
				defer c.add("main is gone")
				async.Go(ctx, func(ctx context.Context) error {
					err := hanging(ctx)
					check(async.Sleep(context.WithoutCancel(ctx), time.Minute))
					c.add("the bystander has cleaned up")
					return err
				})
				check(giveWay(ctx))
				err := p.enter(ctx, leave, func() { c.add("the deferred call") })
				if err := async.Sleep(ctx, time.Second); err != nil {
					return err // the run ends
				}
				if p.panicked == "" || p.panicked == swallowed || errors.Is(err, async.ErrCancelled) {
					c.add("%s", outcome(err))
				}
				check(async.Sleep(ctx, time.Second))
				c.add("the others go on")
				return nil
			}, opts...)
			returned = true
			c.add("Run has returned %v", err)
		}()
		<-ended
	})
}

// exitModes are the ways to run tasks, which have paths of their own in the loop.
var exitModes = map[string][]async.Option{
	"":                  nil,
	" in debug mode":    {async.Debug(), async.SlowTask(time.Hour)},
	" with eager tasks": {async.EagerTasks()},
}

func TestLeavingByPanic(t *testing.T) {
	for mode, opts := range exitModes {
		for _, p := range exitPoints {
			t.Run("a panic in "+p.name+mode+" does what is promised", func(t *testing.T) {
				var c chronicle
				leaveAt(t, p, func() { panic("the panic") }, &c, opts...)
				if p.panicked == leavesRun {
					c.expect(t, "the deferred call", "main is gone", "the bystander has cleaned up", leavesRun)
					return
				}
				became := p.panicked
				if became == "" {
					became = caughtByMain
				}
				c.expect(t, "the deferred call", became, "the others go on", "main is gone", "the bystander has cleaned up", "Run has returned <nil>")
			})
		}
	}
}

func TestLeavingByGoexit(t *testing.T) {
	for mode, opts := range exitModes {
		for _, p := range exitPoints {
			t.Run("a Goexit in "+p.name+mode+" does what is promised", func(t *testing.T) {
				var c chronicle
				leaveAt(t, p, runtime.Goexit, &c, opts...)
				if p.exited == onlyAnswered {
					c.expect(t, "the deferred call", onlyAnswered, "the others go on", "main is gone", "the bystander has cleaned up", "Run has returned <nil>")
					return
				}
				c.expect(t, "the deferred call", "main is gone", "the bystander has cleaned up", endsTheRun)
			})
		}
	}
}

func TestLeavingWhileTheRunEnds(t *testing.T) {
	reports := func(c *chronicle) async.Option {
		return async.ExceptionHandler(func(_ *async.Loop, e async.ExceptionContext) {
			var caught *async.PanicError
			if errors.As(e.Err, &caught) {
				c.add("%s: %v", e.Message, caught.Value)
			}
		})
	}
	// leftovers makes a task whose cleanup is left, between two whose cleanup takes its time.
	leftovers := func(ctx context.Context, c *chronicle, leave func(ctx context.Context)) {
		cleaning := func(name string) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				err := hanging(ctx)
				check(async.Sleep(context.WithoutCancel(ctx), time.Second))
				c.add("%s has cleaned up", name)
				return err
			}
		}
		async.Go(ctx, cleaning("the first"))
		async.Go(ctx, func(ctx context.Context) error {
			defer c.add("the deferred call")
			hanging(ctx)
			leave(context.WithoutCancel(ctx))
			return nil
		})
		async.Go(ctx, cleaning("the last"))
		check(giveWay(ctx))
	}
	panics := func(context.Context) { panic("the panic") }

	t.Run("a panic in the cleanup of a leftover is reported, and the others clean up", func(t *testing.T) {
		guarded(t, func() {
			var c chronicle
			onVirtual(t, func(ctx context.Context) error {
				leftovers(ctx, &c, panics)
				return nil
			}, reports(&c))
			c.expect(t, "the deferred call", "the first has cleaned up", "the last has cleaned up", "unhandled exception during Run shutdown: the panic")
		})
	})
	t.Run("a panic in the cleanup of a leftover after one in main is reported, and Run panics with that of main", func(t *testing.T) {
		guarded(t, func() {
			var c chronicle
			expectPanic(t, "panic: main's", func() {
				async.Run(func(ctx context.Context) error {
					leftovers(ctx, &c, panics)
					panic("main's")
				}, async.Clock(loop.NewVirtual()), reports(&c))
			})
			c.expect(t, "the deferred call", "the first has cleaned up", "the last has cleaned up", "unhandled exception during Run shutdown: the panic")
		})
	})
	t.Run("a panic in the cleanup of a leftover after a Goexit in main is reported, and the Goexit goes on", func(t *testing.T) {
		var c chronicle
		runsInto(t, &c, func(ctx context.Context) error {
			running(ctx).SetExceptionHandler(func(_ *async.Loop, e async.ExceptionContext) { c.add("%s", e.Message) })
			leftovers(ctx, &c, panics)
			runtime.Goexit()
			return nil
		})
		c.expect(t, "the deferred call", "the first has cleaned up", "the last has cleaned up", "unhandled exception during Run shutdown", "Goexit goes on")
	})
	t.Run("a callback that panics while the leftovers clean up is reported", func(t *testing.T) {
		guarded(t, func() {
			var c chronicle
			onVirtual(t, func(ctx context.Context) error {
				leftovers(ctx, &c, func(ctx context.Context) { running(ctx).CallSoon(func() { panic("the panic") }) })
				return nil
			}, reports(&c))
			c.expect(t, "the deferred call", "exception in callback: the panic", "the first has cleaned up", "the last has cleaned up")
		})
	})
	t.Run("a task that a leftover starts in its cleanup can panic too", func(t *testing.T) {
		guarded(t, func() {
			var c chronicle
			onVirtual(t, func(ctx context.Context) error {
				leftovers(ctx, &c, func(ctx context.Context) {
					_, err := async.CreateTask(ctx, panicsHere).Await(ctx)
					var caught *async.PanicError
					if !errors.As(err, &caught) {
						t.Errorf("the task has ended with %v", err)
					}
				})
				return nil
			}, reports(&c))
			c.expect(t, "the deferred call", "the first has cleaned up", "the last has cleaned up")
		})
	})
	t.Run("a Goexit in the cleanup of a leftover of a main that has returned goes on", func(t *testing.T) {
		var c chronicle
		runsInto(t, &c, func(ctx context.Context) error {
			leftovers(ctx, &c, func(context.Context) { runtime.Goexit() })
			return nil
		})
		c.expect(t, "the deferred call", "the first has cleaned up", "the last has cleaned up", "Goexit goes on")
	})
	t.Run("a panic in the main of a Runner closes it", func(t *testing.T) {
		guarded(t, func() {
			var c chronicle
			r := async.NewRunner(async.Clock(loop.NewVirtual()))
			check(r.Run(func(ctx context.Context) error {
				async.Go(ctx, func(ctx context.Context) error {
					defer c.add("the leftover of the first main is gone")
					return hanging(ctx)
				})
				return giveWay(ctx)
			}))
			expectPanic(t, "panic: main's", func() { check(r.Run(func(context.Context) error { panic("main's") })) })
			c.expect(t, "the leftover of the first main is gone")
			expectError(t, "the next Run", r.Run(func(context.Context) error { return nil }), async.ErrRunnerClosed)
			r.Close()
		})
	})
	t.Run("a Goexit in a task of a Runner closes it", func(t *testing.T) {
		guarded(t, func() {
			r := async.NewRunner(async.Clock(loop.NewVirtual()))
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				r.Run(func(ctx context.Context) error {
					async.Go(ctx, func(context.Context) error { runtime.Goexit(); return nil })
					return hanging(ctx)
				})
				t.Error("Run has returned")
			}()
			<-ended
			expectError(t, "the next Run", r.Run(func(context.Context) error { return nil }), async.ErrRunnerClosed)
		})
	})
	t.Run("a panic in what RunUntilComplete runs is its error, and the loop can be used", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop(async.Clock(loop.NewVirtual()))
			_, err := async.RunUntilComplete(l, async.Coroutine[int](panicsHere))
			var caught *async.PanicError
			if !errors.As(err, &caught) {
				t.Errorf("RunUntilComplete has returned %v", err)
			}
			expectEqual(t, "the result of the next one", must(async.RunUntilComplete(l, async.After(time.Second, 1))), 1)
			check(l.Close())
		})
	})
	t.Run("a Goexit in what RunUntilComplete runs closes the loop and goes on", func(t *testing.T) {
		guarded(t, func() {
			var c chronicle
			l := async.NewLoop(async.Clock(loop.NewVirtual()))
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				async.RunUntilComplete(l, async.Do(func(ctx context.Context) error {
					leftovers(ctx, &c, func(context.Context) {})
					runtime.Goexit()
					return nil
				}))
				t.Error("RunUntilComplete has returned")
			}()
			<-ended
			expectEqual(t, "IsClosed", l.IsClosed(), true)
			c.expect(t, "the deferred call", "the first has cleaned up", "the last has cleaned up")
		})
	})
	t.Run("Close of a loop with tasks that panic and call Goexit as they are unwound unwinds them all", func(t *testing.T) {
		guarded(t, func() {
			var c chronicle
			l := async.NewLoop(async.Clock(loop.NewVirtual()), reports(&c))
			for i, leave := range []func(){func() {}, func() { panic("the panic") }, runtime.Goexit, func() {}} {
				async.Go(l.Context(), func(ctx context.Context) error {
					defer c.add("task %d", i)
					defer leave()
					return hanging(ctx)
				})
			}
			runOnce(t, l)
			check(l.Close())
			c.expect(t, "task 0", "task 1", "task 2", "task 3")
		})
	})
}
