package async_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
)

// adder returns a done callback that adds what to the chronicle.
func adder[T any](c *chronicle, what string) func(*async.Future[T]) {
	return func(*async.Future[T]) { c.add("%s", what) }
}

// gaveWay reports whether others had a turn while wait ran: a callback that was ready before.
func gaveWay(ctx context.Context, wait func()) bool {
	var ran atomic.Bool
	atOnce(ctx, func() {
		defer running(ctx).CallSoon(func() { ran.Store(true) }).Cancel()
		wait()
	})
	return ran.Load()
}

// reportsTo adds what the loop reports to the chronicle.
func reportsTo(c *chronicle) async.Option {
	return async.ExceptionHandler(func(_ *async.Loop, e async.ExceptionContext) { c.add("%s: %v", e.Message, e.Err) })
}

func TestFactsOfFutures(t *testing.T) {
	errBad := errors.New("bad")

	t.Run("B1 a new future is pending", onLoop(func(ctx context.Context, t *testing.T) {
		f := async.NewFuture[int](ctx)
		expectEqual(t, "IsDone", f.IsDone(), false)
		expectEqual(t, "Cancelled", f.Cancelled(), false)
		_, err := f.Result()
		expectError(t, "Result", err, async.ErrInvalidState)
		expectEqual(t, "Err", f.Err(), nil)
	}))

	t.Run("B2 B3 B4 a task can read a done future but not change it", onLoop(func(ctx context.Context, t *testing.T) {
		ok, bad, gone := async.NewFuture[int](ctx), async.NewFuture[int](ctx), async.NewFuture[int](ctx)
		check(ok.SetResult(42))
		check(bad.SetError(errBad))
		expectEqual(t, "Cancel", gone.Cancel("why"), true)
		for _, c := range []struct {
			f         *async.Future[int]
			v         int
			err       error
			cancelled bool
		}{{ok, 42, nil, false}, {bad, 0, errBad, false}, {gone, 0, async.ErrCancelled, true}} {
			v, err := c.f.Result()
			expectEqual(t, "the result", v, c.v)
			expectError(t, "the result", err, c.err)
			expectError(t, "Err", c.f.Err(), c.err)
			expectEqual(t, "Cancelled", c.f.Cancelled(), c.cancelled)
			expectError(t, "SetResult", c.f.SetResult(1), async.ErrInvalidState)
			expectError(t, "SetError", c.f.SetError(errBad), async.ErrInvalidState)
			expectEqual(t, "Cancel again", c.f.Cancel(), false)
			again, err := c.f.Await(ctx)
			expectEqual(t, "the result after all that", again, c.v)
			expectError(t, "the wait after all that", err, c.err)
		}
	}))

	t.Run("B6 the message of a cancellation reaches the task that waits", onLoop(func(ctx context.Context, t *testing.T) {
		f := async.NewFuture[int](ctx)
		waiter := async.CreateTask(ctx, f.Await)
		ticks(ctx, 1)
		f.Cancel("why")
		waitFor(ctx, waiter)
		expectEqual(t, "the message", cancelMessage(waiter.Err()), "why")
		expectEqual(t, "Cancelled of the task", waiter.Cancelled(), true)
	}))

	t.Run("B7 no callback has run when SetResult returns, and in the next tick all run", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		f := async.NewFuture[int](ctx)
		f.AddDoneCallback(adder[int](&c, "a"))
		f.AddDoneCallback(adder[int](&c, "b"))
		check(f.SetResult(1))
		c.expect(t)
		ticks(ctx, 1)
		c.expect(t, "a", "b")
	}))

	t.Run("B8 each callback is an entry of its own in the ready queue, queued when the future is completed", func(t *testing.T) {
		for name, complete := range map[string]func(f *async.Future[int]){
			"SetResult": func(f *async.Future[int]) { check(f.SetResult(1)) },
			"SetError": func(f *async.Future[int]) {
				check(f.SetError(errBad))
				expectError(t, "the future", f.Err(), errBad) // or the end of the run would report it
			},
			"Cancel": func(f *async.Future[int]) { f.Cancel() },
		} {
			t.Run(name, onLoop(func(ctx context.Context, t *testing.T) {
				var c chronicle
				f := async.NewFuture[int](ctx)
				a := adder[int](&c, "a")
				f.AddDoneCallback(a)
				f.AddDoneCallback(func(*async.Future[int]) {
					c.add("b")
					running(ctx).CallSoon(c.adding("soon of b"))
				})
				f.AddDoneCallback(adder[int](&c, "c"))
				f.AddDoneCallback(a)
				running(ctx).CallSoon(c.adding("x"))
				complete(f)
				running(ctx).CallSoon(c.adding("y"))
				ticks(ctx, 1)
				c.expect(t, "x", "a", "b", "c", "a", "y")
				ticks(ctx, 1)
				c.expect(t, "x", "a", "b", "c", "a", "y", "soon of b")
			}))
		}
	})

	t.Run("B9 a callback that is added to a done future runs in the next tick", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		f := async.NewFuture[int](ctx)
		check(f.SetResult(1))
		running(ctx).CallSoon(c.adding("before"))
		f.AddDoneCallback(adder[int](&c, "callback"))
		running(ctx).CallSoon(c.adding("after"))
		c.expect(t)
		ticks(ctx, 1)
		c.expect(t, "before", "callback", "after")
	}))

	t.Run("B10 six registrations of a callback are taken back one by one", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		f := async.NewFuture[int](ctx)
		cb1 := adder[int](&c, "cb1")
		var removes []func() bool
		for range 6 {
			removes = append(removes, f.AddDoneCallback(cb1))
		}
		cb2 := f.AddDoneCallback(adder[int](&c, "cb2"))
		f.AddDoneCallback(adder[int](&c, "cb3"))
		expectEqual(t, "removing cb2", cb2(), true)
		expectEqual(t, "removing cb2 again", cb2(), false)
		for _, remove := range removes {
			expectEqual(t, "removing a cb1", remove(), true)
		}
		check(f.SetResult(1))
		ticks(ctx, 1)
		c.expect(t, "cb3")
	}))

	t.Run("B11 the rest keeps its order when the first or the third is removed", onLoop(func(ctx context.Context, t *testing.T) {
		for _, x := range []struct {
			remove int
			want   []string
		}{{0, []string{"17", "100"}}, {2, []string{"42", "17"}}} {
			var c chronicle
			f := async.NewFuture[int](ctx)
			var removes []func() bool
			for _, name := range []string{"42", "17", "100"} {
				removes = append(removes, f.AddDoneCallback(adder[int](&c, name)))
			}
			expectEqual(t, "removing it", removes[x.remove](), true)
			expectEqual(t, "removing it again", removes[x.remove](), false)
			check(f.SetResult(1))
			ticks(ctx, 1)
			c.expect(t, x.want...)
		}
	}))

	t.Run("B12 removing a callback after the completion is too late, before the tick too", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		f := async.NewFuture[int](ctx)
		remove := f.AddDoneCallback(adder[int](&c, "callback"))
		check(f.SetResult(1))
		expectEqual(t, "removing it", remove(), false)
		ticks(ctx, 1)
		c.expect(t, "callback")
	}))

	t.Run("B13 a callback cannot take back another one while they run", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		f := async.NewFuture[int](ctx)
		var removeSecond func() bool
		f.AddDoneCallback(func(*async.Future[int]) { c.add("first removes the second: %v", removeSecond()) })
		removeSecond = f.AddDoneCallback(adder[int](&c, "second"))
		f.AddDoneCallback(adder[int](&c, "third"))
		check(f.SetResult(1))
		ticks(ctx, 1)
		c.expect(t, "first removes the second: false", "second", "third")
	}))

	t.Run("B14 a callback that panics is reported and concerns neither the others nor those who wait", func(t *testing.T) {
		var c chronicle
		onLoop(func(ctx context.Context, t *testing.T) {
			f := async.NewFuture[int](ctx)
			waiter := async.CreateTask(ctx, f.Await)
			ticks(ctx, 1)
			f.AddDoneCallback(adder[int](&c, "first"))
			f.AddDoneCallback(func(*async.Future[int]) { panic(errBad) })
			f.AddDoneCallback(adder[int](&c, "third"))
			check(f.SetResult(7))
			ticks(ctx, 1)
			expectEqual(t, "what the waiter gets", must(waiter.Await(ctx)), 7)
			expectEqual(t, "what the future holds", must(f.Result()), 7)
		}, async.ExceptionHandler(func(_ *async.Loop, e async.ExceptionContext) {
			var caught *async.PanicError
			if !errors.As(e.Err, &caught) || caught.Value != error(errBad) || !strings.Contains(string(caught.Stack), "facts_future_test.go") {
				t.Errorf("the reported error is %v and not the panic with its stack", e.Err)
			}
			c.add("%s, with the handle: %v, of a task: %v", e.Message, e.Handle != nil, e.Task != nil)
		}))(t)
		c.expect(t, "first", "exception in callback, with the handle: true, of a task: false", "third")
	})

	t.Run("B15 tasks that wait and callbacks are served in one order", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		f := async.NewFuture[string](ctx)
		waiter := func(name string) {
			async.Go(ctx, func(ctx context.Context) error {
				c.add("%s got %s", name, must(f.Await(ctx)))
				return nil
			})
		}
		waiter("A")
		waiter("B")
		ticks(ctx, 1)
		f.AddDoneCallback(adder[string](&c, "callback"))
		waiter("C")
		ticks(ctx, 1)
		check(f.SetResult("v"))
		ticks(ctx, 1)
		c.expect(t, "A got v", "B got v", "callback", "C got v")
	}))

	t.Run("B16 awaiting a done future never gives way", onLoop(func(ctx context.Context, t *testing.T) {
		f := async.NewFuture[int](ctx)
		check(f.SetResult(1))
		expectEqual(t, "giving way", gaveWay(ctx, func() {
			for range 100 {
				expectEqual(t, "the result", must(f.Await(ctx)), 1)
			}
		}), false)
	}))

	t.Run("B17 a sleep that is cancelled in the tick of its end stays cancelled, and its timer does no harm", func(t *testing.T) {
		for name, early := range map[string]bool{"before the timer fires": true, "after the timer has fired": false} {
			t.Run(name, onLoop(func(ctx context.Context, t *testing.T) {
				var sleeper *async.Task[async.Void]
				cancel := func() { running(ctx).CallLater(time.Second, func() { sleeper.Cancel("why") }) }
				if early {
					cancel()
				}
				var rest time.Duration
				sleeper = async.Go(ctx, func(ctx context.Context) error {
					err := async.Sleep(ctx, time.Second)
					at := now(ctx)
					check(async.Sleep(context.WithoutCancel(ctx), time.Minute))
					rest = now(ctx) - at
					return err
				})
				ticks(ctx, 1)
				if !early {
					cancel()
				}
				waitFor(ctx, sleeper)
				expectEqual(t, "Cancelled", sleeper.Cancelled(), true)
				expectEqual(t, "the message", cancelMessage(sleeper.Err()), "why")
				expectEqual(t, "how long the next sleep took", rest, time.Minute)
			}))
		}
	})

	t.Run("B18 an error that nobody asks for is reported when the future is dropped", func(t *testing.T) {
		var c chronicle
		onLoop(func(ctx context.Context, t *testing.T) {
			reports := func(n int) func() bool {
				return func() bool {
					c.mu.Lock()
					defer c.mu.Unlock()
					return len(c.lines) == n
				}
			}
			func() { check(async.NewFuture[int](ctx).SetError(errBad)) }()
			c.expect(t)
			collect(ctx, reports(1))
			func() {
				async.Go(ctx, func(context.Context) error { return errBad })
				ticks(ctx, 1)
			}()
			collect(ctx, reports(2))
			c.add("end of main")
		}, reportsTo(&c))(t)
		c.expect(t, "future exception was never retrieved: bad", "task exception was never retrieved: bad", "end of main")
	})

	t.Run("B18 an error that nobody asks for is reported at the end of the run when the future is not dropped", func(t *testing.T) {
		var c chronicle
		var f *async.Future[int]
		onLoop(func(ctx context.Context, t *testing.T) {
			f = async.NewFuture[int](ctx)
			check(f.SetError(errBad))
			ticks(ctx, 3)
			c.add("end of main")
		}, reportsTo(&c))(t)
		c.expect(t, "end of main", "future exception was never retrieved: bad")
		expectError(t, "the future", f.Err(), errBad)
	})

	// The end of the run reports whatever nobody has looked at, so each of these would be reported by then. The last one is, which shows
	// that the others could have been.
	t.Run("B19 asking for the error in any way silences the report", func(t *testing.T) {
		var c chronicle
		onLoop(func(ctx context.Context, t *testing.T) {
			for _, ask := range []func(f *async.Future[int]){
				func(f *async.Future[int]) { expectError(t, "Err", f.Err(), errBad) },
				func(f *async.Future[int]) { _, err := f.Result(); expectError(t, "Result", err, errBad) },
				func(f *async.Future[int]) { _, err := f.Await(ctx); expectError(t, "Await", err, errBad) },
				func(f *async.Future[int]) { expectEqual(t, "Cancel", f.Cancel(), false) },
			} {
				f := async.NewFuture[int](ctx)
				check(f.SetError(errBad))
				ask(f)
				task := async.CreateTask(ctx, failing(errBad, 0))
				ticks(ctx, 1)
				ask(task.Future())
			}
			task := async.CreateTask(ctx, failing(errBad, 0))
			ticks(ctx, 1)
			expectEqual(t, "Cancel of a failed task", task.Cancel(), false)
			waited := async.CreateTask(ctx, failing(errBad, 1))
			_, err := waited.Await(ctx)
			expectError(t, "the task that is waited for", err, errBad)
			check(async.NewFuture[int](ctx).SetError(errors.New("the only one")))
		}, reportsTo(&c))(t)
		c.expect(t, "future exception was never retrieved: the only one")
	})

	t.Run("B19 futures that are pending, have succeeded or were cancelled are never reported", func(t *testing.T) {
		var c chronicle
		onLoop(func(ctx context.Context, t *testing.T) {
			async.NewFuture[int](ctx)
			check(async.NewFuture[int](ctx).SetResult(1))
			async.NewFuture[int](ctx).Cancel()
			async.CreateTask(ctx, async.After(0, 1))
			async.CreateTask(ctx, forever).Cancel()
			ticks(ctx, 2)
			async.CreateTask(ctx, forever)
			check(async.NewFuture[int](ctx).SetError(errors.New("the only one")))
		}, reportsTo(&c))(t)
		c.expect(t, "future exception was never retrieved: the only one")
	})

	t.Run("B20 one future serves a task and a thread, and cancelling the task cancels it for both", onLoop(func(ctx context.Context, t *testing.T) {
		f := future.New[int]()
		thread := make(chan error, 1)
		go func() {
			_, err := f.Await(context.Background())
			thread <- err
		}()
		task := async.CreateTask(ctx, f.Await)
		ticks(ctx, 1)
		task.Cancel("enough")
		expectEqual(t, "Cancelled of the future at once", f.Cancelled(), true)
		waitFor(ctx, task)
		expectEqual(t, "Cancelled of the task", task.Cancelled(), true)
		expectEqual(t, "the message in the thread", cancelMessage(<-thread), "enough")
	}))

	t.Run("B20 a future that has a result keeps it when the task that waited is cancelled", onLoop(func(ctx context.Context, t *testing.T) {
		f := future.New[int]()
		task := async.CreateTask(ctx, f.Await)
		ticks(ctx, 1)
		atOnce(ctx, func() {
			check(f.SetResult(1))
			task.Cancel()
		})
		waitFor(ctx, task)
		expectEqual(t, "Cancelled of the task", task.Cancelled(), true)
		expectEqual(t, "the result of the future", must(f.Result()), 1)
	}))

	t.Run("B21 a future of an executor is awaited in a task as it is", onLoop(func(ctx context.Context, t *testing.T) {
		pool := future.NewPool(1)
		release := make(chan struct{})
		f := future.Submit(pool, func() (int, error) { <-release; return 42, nil })
		expectEqual(t, "EnsureFuture of it", async.EnsureFuture(ctx, f), f)
		// It is pending when the task begins to wait, and is completed by another goroutine.
		running(ctx).CallSoon(func() { close(release) })
		expectEqual(t, "the result", must(f.Await(ctx)), 42)
		check(pool.Shutdown(context.Background()))
	}))

	t.Run("B23 a future says what has become of it", onLoop(func(ctx context.Context, t *testing.T) {
		f := async.NewFuture[int](ctx)
		expectEqual(t, "a new one", f.String(), "Future(pending)")
		f.AddDoneCallback(func(*async.Future[int]) {})
		expectEqual(t, "one with a callback", f.String(), "Future(pending, 1 waiting)")
		waiter := async.CreateTask(ctx, f.Await)
		ticks(ctx, 1)
		expectEqual(t, "one with a callback and a task", f.String(), "Future(pending, 2 waiting)")
		check(f.SetResult(4))
		expectEqual(t, "one with a result", f.String(), "Future(finished, result: 4)")
		must(waiter.Await(ctx))
		f = async.NewFuture[int](ctx)
		check(f.SetError(errBad))
		expectError(t, "the future", f.Err(), errBad)
		expectEqual(t, "one that failed", f.String(), "Future(finished, error: bad)")
		f = async.NewFuture[int](ctx)
		f.Cancel()
		expectEqual(t, "a cancelled one", f.String(), "Future(cancelled)")
	}))

	t.Run("B24 the future of a future is itself", onLoop(func(ctx context.Context, t *testing.T) {
		f := async.NewFuture[int](ctx)
		expectEqual(t, "EnsureFuture", async.EnsureFuture(ctx, f), f)
		check(f.SetResult(1))
		expectEqual(t, "EnsureFuture when it is done", async.EnsureFuture(ctx, f), f)
		expectPanic(t, "async: EnsureFuture was called with nil", func() { async.EnsureFuture[int](ctx, nil) })
	}))

	t.Run("B24 a future of another loop is awaited as it is", onLoop(func(ctx context.Context, t *testing.T) {
		// The other loop runs on another goroutine at the same time.
		futures, wanted := make(chan *async.Future[string], 1), make(chan struct{})
		other := make(chan error, 1)
		go func() {
			other <- async.Run(func(ctx context.Context) error {
				f := async.NewFuture[string](ctx)
				futures <- f
				_, err := async.ToThread(ctx, func(context.Context) (async.Void, error) { <-wanted; return async.Void{}, nil })
				check(f.SetResult("from over there"))
				return err
			})
		}()
		f := <-futures
		expectEqual(t, "EnsureFuture", async.EnsureFuture(ctx, f), f)
		waiter := async.CreateTask(ctx, f.Await)
		ticks(ctx, 1)
		close(wanted)
		expectEqual(t, "the result", must(waiter.Await(ctx)), "from over there")
		expectError(t, "the other loop", <-other, nil)
	}))
}
