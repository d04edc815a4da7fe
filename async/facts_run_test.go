package async_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

func TestFactsRun(t *testing.T) {
	errBad := errors.New("bad")
	ends := func(context.Context) error { return nil }
	virtual := func() async.Option { return async.Clock(loop.NewVirtual()) }

	t.Run("T1 the result and the error of main are those of the run", func(t *testing.T) {
		guarded(t, func() {
			v, err := async.RunResult(async.After(0, 42))
			expectError(t, "RunResult", err, nil)
			expectEqual(t, "the result", v, 42)
			expectEqual(t, "the error", async.Run(failingWith(errBad, 1)), errBad)
		})
	})

	t.Run("T2 a nil main is a panic", func(t *testing.T) {
		guarded(t, func() {
			r := async.NewRunner()
			defer r.Close()
			expectPanic(t, "async: Run was called with a nil main", func() { async.Run(nil) })
			expectPanic(t, "async: RunResult was called with a nil main", func() { async.RunResult[int](nil) })
			expectPanic(t, "async: Runner.Run was called with a nil main", func() { r.Run(nil) })
			expectPanic(t, "async: RunIn was called with a nil main", func() { async.RunIn[int](r, nil) })
		})
	})

	t.Run("T3 a run inside a running loop is an error", func(t *testing.T) {
		guarded(t, func() {
			r := async.NewRunner(virtual())
			defer r.Close()
			never := func(context.Context) error {
				t.Error("the inner main was called")
				return nil
			}
			check(r.Run(func(ctx context.Context) error {
				expectError(t, "Run", async.Run(never), async.ErrLoopRunning)
				expectError(t, "Run of the same Runner", r.Run(never), async.ErrLoopRunning)
				expectError(t, "Run of another Runner", async.NewRunner().Run(never), async.ErrLoopRunning)
				running(ctx).CallSoon(func() {
					expectError(t, "Run in a callback", async.Run(never), async.ErrLoopRunning)
				})
				ticks(ctx, 1)
				return nil
			}))
		})
	})

	for _, mainErr := range []error{nil, errBad} {
		name := "tasks that are left when main returns are cancelled and awaited"
		if mainErr != nil {
			name = "tasks that are left when main fails are cancelled and awaited"
		}
		t.Run("T4 "+name, func(t *testing.T) {
			guarded(t, func() {
				var c chronicle
				var slow, quick *async.Task[async.Void]
				err := async.Run(func(ctx context.Context) error {
					slow = async.Go(ctx, func(ctx context.Context) error {
						err := hanging(ctx)
						check(async.Sleep(context.WithoutCancel(ctx), time.Second))
						c.add("cleaned up")
						return err
					})
					quick = async.Go(ctx, hanging)
					ticks(ctx, 1)
					c.add("main ends")
					return mainErr
				}, virtual())
				c.add("run ends")
				c.expect(t, "main ends", "cleaned up", "run ends")
				expectEqual(t, "the error", err, mainErr)
				expectEqual(t, "cancelled of the slow task", slow.Cancelled(), true)
				expectEqual(t, "cancelled of the quick task", quick.Cancelled(), true)
			})
		})
	}

	t.Run("T4 a task that has not started when the loop stops never does", func(t *testing.T) {
		guarded(t, func() {
			var late *async.Task[async.Void]
			check(async.Run(func(ctx context.Context) error {
				// The callback is called in the tick in which the loop is told that main has ended.
				running(ctx).CallSoon(func() {
					late = async.Go(ctx, func(context.Context) error {
						t.Error("the task has started")
						return nil
					})
				})
				return nil
			}, virtual()))
			expectEqual(t, "cancelled", late.Cancelled(), true)
		})
	})

	t.Run("T5 an error of a task that the end of the run cancels is reported and changes no result", func(t *testing.T) {
		guarded(t, func() {
			var c chronicle
			var left async.AnyTask
			v, err := async.RunResult(func(ctx context.Context) (int, error) {
				left = async.Go(ctx, cleaningUp(errBad))
				ticks(ctx, 1)
				return 42, nil
			}, virtual(), async.ExceptionHandler(func(_ *async.Loop, e async.ExceptionContext) {
				c.add("%s: %v, the task: %v", e.Message, e.Err, e.Task == left)
			}))
			expectError(t, "RunResult", err, nil)
			expectEqual(t, "the result", v, 42)
			c.expect(t, "unhandled exception during Run shutdown: bad, the task: true")
		})
	})

	t.Run("T6 the end of a run awaits the tasks, then the executor, then closes the loop", func(t *testing.T) {
		guarded(t, func() {
			var c chronicle
			var l *async.Loop
			released := make(chan struct{})
			check(async.Run(func(ctx context.Context) error {
				l = running(ctx)
				async.RunInExecutor(ctx, nil, func() (async.Void, error) {
					<-released
					time.Sleep(20 * time.Millisecond) // a run that does not wait would have closed the loop by now
					c.add("job ends, loop closed: %v", l.IsClosed())
					return async.Void{}, nil
				})
				async.Go(ctx, func(ctx context.Context) error {
					err := hanging(ctx)
					// The executor still takes work.
					must(async.ToThread(context.WithoutCancel(ctx), func(context.Context) (async.Void, error) {
						c.add("job of the cleanup")
						return async.Void{}, nil
					}))
					c.add("task cleaned up")
					close(released)
					return err
				})
				ticks(ctx, 1)
				c.add("main ends")
				return nil
			}))
			c.add("run ends, loop closed: %v", l.IsClosed())
			c.expect(t, "main ends", "job of the cleanup", "task cleaned up", "job ends, loop closed: false", "run ends, loop closed: true")
		})
	})

	t.Run("T7 a function that still runs on another goroutine is waited for and its task is cancelled", func(t *testing.T) {
		guarded(t, func() {
			var c chronicle
			var task *async.Task[async.Void]
			mainEnds := make(chan struct{})
			check(async.Run(func(ctx context.Context) error {
				started := async.NewFuture[async.Void](ctx)
				task = async.CreateTask(ctx, func(ctx context.Context) (async.Void, error) {
					return async.ToThread(ctx, func(context.Context) (async.Void, error) {
						check(started.SetResult(async.Void{}))
						<-mainEnds
						time.Sleep(20 * time.Millisecond) // a run that does not wait would be done by now
						c.add("function ends")
						return async.Void{}, nil
					})
				})
				must(started.Await(ctx))
				c.add("main ends")
				close(mainEnds)
				return nil
			}))
			c.add("run ends")
			c.expect(t, "main ends", "function ends", "run ends")
			expectEqual(t, "cancelled", task.Cancelled(), true)
		})
	})

	for _, c := range []struct {
		name, env string
		opts      []async.Option
		want      bool
	}{
		{"debug mode is off by default", "", nil, false},
		{"the option turns debug mode on", "", []async.Option{async.Debug()}, true},
		{"the environment turns debug mode on", "1", nil, true},
	} {
		t.Run("T8 "+c.name, func(t *testing.T) {
			t.Setenv("ASYNCGO_DEBUG", c.env)
			guarded(t, func() {
				check(async.Run(func(ctx context.Context) error {
					expectEqual(t, "debug mode", running(ctx).Debug(), c.want)
					return nil
				}, c.opts...))
			})
		})
	}

	t.Run("T15 a task stands still between two runs of a Runner and is cancelled by Close", func(t *testing.T) {
		guarded(t, func() {
			steps := 0
			r := async.NewRunner(virtual())
			task, err := async.RunIn(r, func(ctx context.Context) (*async.Task[async.Void], error) {
				return async.Go(ctx, func(ctx context.Context) error {
					for {
						if err := giveWay(ctx); err != nil {
							return err
						}
						steps++
					}
				}), nil
			})
			check(err)
			expectEqual(t, "the number of steps in the first run", steps, 0)
			before := steps
			check(r.Run(func(ctx context.Context) error {
				ticks(ctx, 5)
				return nil
			}))
			// One in the tick in which main starts, five while it waits, and one in the tick in which the loop stops.
			expectEqual(t, "the number of steps in the second run", steps-before, 7)
			expectEqual(t, "done between runs", task.IsDone(), false)
			before = steps
			r.Close()
			expectEqual(t, "cancelled by Close", task.Cancelled(), true)
			expectEqual(t, "the number of steps while Close cancels it", steps-before, 0)
		})
	})

	t.Run("T16 a closed Runner runs nothing and can be closed again", func(t *testing.T) {
		guarded(t, func() {
			r := async.NewRunner()
			check(r.Run(ends))
			l := must(r.Loop())
			expectEqual(t, "closed before", l.IsClosed(), false)
			r.Close()
			expectEqual(t, "closed after", l.IsClosed(), true)
			_, err := r.Loop()
			expectError(t, "Loop", err, async.ErrRunnerClosed)
			expectError(t, "Run", r.Run(ends), async.ErrRunnerClosed)
			r.Close()
			unused := async.NewRunner()
			unused.Close()
			expectError(t, "Run of one that was closed before its first run", unused.Run(ends), async.ErrRunnerClosed)
		})
	})

	t.Run("T16 a Runner cannot be closed in its run", func(t *testing.T) {
		guarded(t, func() {
			r := async.NewRunner()
			defer r.Close()
			check(r.Run(func(context.Context) error {
				expectPanic(t, "async: Runner.Close was called while it runs", r.Close)
				return nil
			}))
		})
	})

	t.Run("T17 the runs of a Runner use one loop, made as its options say", func(t *testing.T) {
		guarded(t, func() {
			clock := loop.NewVirtual()
			var handled atomic.Int32
			r := async.NewRunner(async.Clock(clock), async.Debug(), async.ExceptionHandler(func(*async.Loop, async.ExceptionContext) { handled.Add(1) }))
			defer r.Close()
			l := must(r.Loop())
			for range 2 {
				check(r.Run(func(ctx context.Context) error {
					expectEqual(t, "the loop", running(ctx), l)
					expectEqual(t, "debug mode", l.Debug(), true)
					l.CallSoon(func() { panic(errBad) })
					return async.Sleep(ctx, time.Hour)
				}))
			}
			expectEqual(t, "the clock", clock.Now(), 2*time.Hour)
			expectEqual(t, "the number of reports", handled.Load(), 2)
		})
	})
}
