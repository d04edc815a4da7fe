package async_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// ending runs fn on a goroutine of its own, and reports whether that was left by runtime.Goexit.
func ending(t *testing.T, fn func()) (goexit bool) {
	goexit = true
	guarded(t, func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			fn()
			goexit = false
		}()
		<-done
	})
	return goexit
}

func TestJobsAtTheEndOfRun(t *testing.T) {
	t.Run("a job that needs the loop while Run ends gets what it needs", func(t *testing.T) {
		var job *async.Future[int]
		onVirtual(t, func(ctx context.Context) error {
			l := running(ctx)
			ended := make(chan struct{})
			async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				defer close(ended) // main has returned by then
				return forever(ctx)
			})
			job = async.RunInExecutor(ctx, nil, func() (int, error) {
				<-ended
				return async.RunCoroutineThreadsafe(l, async.After(time.Hour, 7)).Await(context.Background())
			})
			return giveWay(ctx)
		})
		v, err := job.Result()
		expectError(t, "the job's error", err, nil)
		expectEqual(t, "the job's result", v, 7)
	})

	t.Run("a job that a leftover starts when it is cancelled is waited for", func(t *testing.T) {
		over := false
		onVirtual(t, func(ctx context.Context) error {
			async.Go(ctx, func(ctx context.Context) error {
				forever(ctx)
				async.RunInExecutor(ctx, nil, func() (int, error) { over = true; return 0, nil })
				return nil
			})
			return giveWay(ctx)
		})
		expectEqual(t, "the job has run", over, true)
	})
}

func TestGoexitAtTheEndOfRun(t *testing.T) {
	t.Run("in a leftover it leaves the caller of Run, after all the others had their cleanup", func(t *testing.T) {
		var c chronicle
		goexit := ending(t, func() {
			async.Run(func(ctx context.Context) error {
				for i := range 3 {
					async.Go(ctx, func(ctx context.Context) error {
						defer func() {
							async.Sleep(context.WithoutCancel(ctx), 0)
							c.add("cleanup %d", i)
						}()
						forever(ctx)
						if i < 2 {
							runtime.Goexit()
						}
						return nil
					})
				}
				return giveWay(ctx)
			})
		})
		expectEqual(t, "Goexit", goexit, true)
		c.expect(t, "cleanup 0", "cleanup 1", "cleanup 2")
	})

	t.Run("in the exception handler it leaves the caller of Run, after the other reports and with the loop closed", func(t *testing.T) {
		var c chronicle
		var l *async.Loop
		goexit := ending(t, func() {
			async.Run(func(ctx context.Context) error {
				l = running(ctx)
				for _, msg := range []string{"one", "two"} {
					must(0, async.NewFuture[int](ctx).SetError(errors.New(msg)))
				}
				async.Go(ctx, func(ctx context.Context) error {
					forever(ctx)
					return errors.New("at the end")
				})
				return giveWay(ctx)
			}, async.ExceptionHandler(func(_ *async.Loop, e async.ExceptionContext) {
				c.add("%v", e.Err)
				runtime.Goexit()
			}))
		})
		expectEqual(t, "Goexit", goexit, true)
		expectEqual(t, "the loop is closed", l.IsClosed(), true)
		c.expect(t, "at the end", "one", "two")
	})

	t.Run("a panic in main wins over it", func(t *testing.T) {
		goexit := ending(t, func() {
			expectPanic(t, "main", func() {
				async.Run(func(ctx context.Context) error {
					async.Go(ctx, func(ctx context.Context) error {
						forever(ctx)
						runtime.Goexit()
						return nil
					})
					giveWay(ctx)
					panic("main")
				})
			})
		})
		expectEqual(t, "Goexit", goexit, false)
	})
}

func TestVirtualClockAndOtherGoroutines(t *testing.T) {
	sleeps := func(ctx context.Context) (int, error) { return 1, async.Sleep(ctx, time.Hour) }
	ways := map[string]func(ctx context.Context) (int, error){
		"ToThread": func(ctx context.Context) (int, error) { return async.ToThread(ctx, sleeps) },
		"Block":    func(ctx context.Context) (int, error) { return async.Block(ctx, sleeps) },
		"RunInExecutor": func(ctx context.Context) (int, error) {
			return async.RunInExecutor(ctx, nil, func() (int, error) { return sleeps(ctx) }).Await(ctx)
		},
	}
	for name, wait := range ways {
		t.Run("a function of "+name+" can sleep on it, in step with the tasks", func(t *testing.T) {
			var c chronicle
			onVirtual(t, func(ctx context.Context) error {
				async.CreateTask(ctx, func(ctx context.Context) (int, error) {
					for range 3 {
						async.Sleep(ctx, 25*time.Minute)
						c.add("task at %v", now(ctx))
					}
					return 0, nil
				})
				_, err := wait(ctx)
				c.add("function at %v", now(ctx))
				async.Sleep(ctx, time.Hour)
				return err
			})
			c.expect(t, "task at 25m0s", "task at 50m0s", "function at 1h0m0s", "task at 1h15m0s")
		})

		t.Run("a function of "+name+" can wait for a future that a task completes later", func(t *testing.T) {
			onVirtual(t, func(ctx context.Context) error {
				f := async.NewFuture[int](ctx)
				running(ctx).CallLater(time.Hour, func() { f.SetResult(5) })
				v, err := async.ToThread(ctx, f.Await)
				expectEqual(t, "the result", v, 5)
				expectEqual(t, "the time", now(ctx), time.Hour)
				return err
			})
		})
	}

	t.Run("it does not jump over a function that goes on because its context has ended", func(t *testing.T) {
		for range 200 {
			onVirtual(t, func(ctx context.Context) error {
				outer, cancel := context.WithCancel(context.WithoutCancel(ctx))
				f := async.RunInExecutor(ctx, nil, func() (int, error) {
					async.Sleep(outer, 24*time.Hour)
					return 3, nil
				})
				async.Sleep(ctx, time.Hour)
				cancel()
				async.Wait(ctx, []*async.Future[int]{f})
				expectEqual(t, "the time", now(ctx), time.Hour)
				return nil
			})
		}
	})

	t.Run("it does not jump over the end of a context of the standard library", func(t *testing.T) {
		waits := map[string]func(ctx context.Context) error{
			"a wait": func(ctx context.Context) error { return async.Sleep(ctx, 24*time.Hour) },
			"a wait in Timeout": func(ctx context.Context) error {
				return async.Timeout(ctx, async.Forever, func(ctx context.Context, _ *async.TimeoutScope) error {
					return async.Sleep(ctx, 24*time.Hour)
				})
			},
		}
		for name, wait := range waits {
			for range 200 {
				onVirtual(t, func(ctx context.Context) error {
					inner, cancel := context.WithCancel(ctx)
					running(ctx).CallLater(time.Hour, cancel)
					expectError(t, name, wait(inner), async.ErrCancelled)
					expectEqual(t, "the time of "+name, now(ctx), time.Hour)
					return nil
				})
			}
		}
	})
}

func TestContextOfATaskThatHasEnded(t *testing.T) {
	onVirtual(t, func(ctx context.Context) error {
		var inner context.Context
		must(async.Go(ctx, func(ctx context.Context) error { inner = ctx; return nil }).Await(ctx))
		select {
		case <-inner.Done():
		default:
			t.Error("Done, asked for afterwards, is not closed")
		}
		expectError(t, "Err", inner.Err(), context.Canceled)
		return nil
	})
}

func TestExceptionHandlerOfALoopThatStandsStill(t *testing.T) {
	waited := make(chan error, 1)
	l := newTestLoop(t, async.ExceptionHandler(func(l *async.Loop, _ async.ExceptionContext) {
		waited <- async.Sleep(l.Context(), time.Hour)
	}))
	must(0, async.NewFuture[int](l.Context()).SetError(errors.New("nobody has looked")))
	for { // until the future is dropped
		runtime.GC()
		select {
		case err := <-waited:
			expectError(t, "a wait in the handler", err, async.ErrNotInTask)
			return
		default:
		}
	}
}
