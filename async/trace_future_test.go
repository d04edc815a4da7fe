package async_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/pytrace"
)

var trace01 = port{
	name: "01_future_states",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			attempt := func(label string, fn func() (any, error)) {
				v, err := fn()
				if err != nil {
					class, args := exception(err)
					tr.println(label, "-> raises", class, args)
					return
				}
				tr.println(label, "->", repr(v))
			}
			result := func(f *async.Future[int]) func() (any, error) {
				return func() (any, error) { return f.Result() }
			}
			setResult := func(f *async.Future[int], v int) func() (any, error) {
				return func() (any, error) { return nil, f.SetResult(v) }
			}
			cancel := func(f *async.Future[int], msg ...string) func() (any, error) {
				return func() (any, error) { return f.Cancel(msg...), nil }
			}
			// Python's exception() returns the error of a future that failed, and raises when it was cancelled. Err
			// returns both, and Cancelled tells them apart.
			exception := func(f *async.Future[int]) func() (any, error) {
				return func() (any, error) {
					if f.Cancelled() {
						return nil, f.Err()
					}
					return f.Err(), nil
				}
			}

			f := async.NewFuture[int](ctx)
			tr.println("pending", f.IsDone(), f.Cancelled())
			attempt("result() pending", result(f))
			attempt("exception() pending", exception(f))
			check(f.SetResult(42))
			tr.println("finished", f.IsDone(), f.Cancelled())
			attempt("result()", result(f))
			attempt("exception()", exception(f))
			attempt("set_result again", setResult(f, 1))
			attempt("set_exception again", func() (any, error) { return nil, f.SetError(valueError()) })
			attempt("cancel() done", cancel(f))
			g := async.NewFuture[int](ctx)
			check(g.SetError(valueError("boom")))
			attempt("g.result()", result(g))
			attempt("g.exception()", exception(g))
			h := async.NewFuture[int](ctx)
			attempt("h.cancel()", cancel(h, "why"))
			tr.println("cancelled", h.IsDone(), h.Cancelled())
			attempt("h.result()", result(h))
			attempt("h.exception()", exception(h))
			attempt("h.set_result", setResult(h, 1))
			attempt("h.cancel() again", cancel(h))
			k := async.NewFuture[int](ctx)
			check(k.SetError(keyError())) // there are no exception classes to instantiate
			attempt("k.exception()", exception(k))
			return nil
		})
	},
	deviations: []pytrace.Deviation{{
		Line:   3,
		Python: "exception() pending -> raises InvalidStateError ('Exception is not set.',)",
		Ours:   "exception() pending -> None",
		Why:    "An accessor in the manner of context.Context.Err has one result; the documentation of Future.Err says that it is nil while the future is pending.",
	}},
}

var trace02 = port{
	name: "02_future_callbacks_order",
	run: func(tr *trace) {
		// A Go func has no identity, so AddDoneCallback returns what takes this one registration back. Python's
		// remove_done_callback takes all of one function.
		type removers map[string][]func() bool
		cb := func(name string) func(*async.Future[string]) {
			return func(f *async.Future[string]) { tr.println("cb", name, must(f.Result())) }
		}
		add := func(f *async.Future[string], rs removers, name string) {
			rs[name] = append(rs[name], f.AddDoneCallback(cb(name)))
		}
		remove := func(rs removers, name string) (n int) {
			for _, remove := range rs[name] {
				if remove() {
					n++
				}
			}
			return n
		}
		tr.run(func(ctx context.Context) error {
			l := running(ctx)
			f := async.NewFuture[string](ctx)
			ofF := removers{}
			add(f, ofF, "a")
			add(f, ofF, "b")
			add(f, ofF, "c")
			add(f, ofF, "a") // the same callback twice runs twice
			l.CallSoon(func() { tr.println("call_soon before set_result") })
			check(f.SetResult("R"))
			tr.println("set_result returned; no callback ran yet")
			l.CallSoon(func() { tr.println("call_soon after set_result") })
			tr.println("remove c after done ->", remove(ofF, "c"))
			add(f, ofF, "late")
			tr.println("late added")
			ticks(ctx, 1)
			tr.println("after one tick")
			g := async.NewFuture[string](ctx)
			ofG := removers{}
			add(g, ofG, "a")
			add(g, ofG, "b")
			add(g, ofG, "a")
			tr.println("removed", remove(ofG, "a"), remove(ofG, "a"))
			check(g.SetResult("S"))
			ticks(ctx, 1)
			return nil
		})
	},
}

// keys is sorted(context) of an exception handler.
func keys(c async.ExceptionContext) []string {
	var ks []string
	if c.Err != nil {
		ks = append(ks, "exception")
	}
	if c.Handle != nil {
		ks = append(ks, "handle")
	}
	if c.Message != "" {
		ks = append(ks, "message")
	}
	if c.Task != nil {
		ks = append(ks, "task")
	}
	slices.Sort(ks)
	return ks
}

var trace03 = port{
	name: "03_callback_exception_isolated",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			running(ctx).SetExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				tr.println("handler:", sentence(c.Message), "|", className(c.Err), "| keys", keys(c))
				var caught *async.PanicError
				if !errors.As(c.Err, &caught) || !bytes.Contains(caught.Stack, []byte("trace_future_test.go")) {
					tr.println("the stack does not tell where the callback stands")
				}
			})
			f := async.NewFuture[any](ctx)
			f.AddDoneCallback(func(*async.Future[any]) { tr.println("first") })
			f.AddDoneCallback(func(*async.Future[any]) { panic(errZeroDivision) })
			f.AddDoneCallback(func(*async.Future[any]) { tr.println("third still runs") })
			check(f.SetResult(nil))
			must(f.Await(ctx))
			ticks(ctx, 1)
			tr.println("main continues")
			return nil
		})
	},
	deviations: []pytrace.Deviation{{
		Line:   2,
		Python: "handler: Exception in callback main | ZeroDivisionError | keys ['exception', 'handle', 'message']",
		Ours:   "handler: Exception in callback | ZeroDivisionError | keys ['exception', 'handle', 'message']",
		Why:    "A Go closure has no name, so the message does not tell that of the callback; the stack of the PanicError tells where it stands.",
	}},
}

var trace05 = port{
	name: "05_future_many_waiters_fifo",
	run: func(tr *trace) {
		waiter := func(name string, f *async.Future[string]) async.Coroutine[async.Void] {
			return async.Do(func(ctx context.Context) error {
				tr.println(name, "waits")
				tr.println(name, "got", must(f.Await(ctx)))
				return nil
			})
		}
		tr.run(func(ctx context.Context) error {
			f := async.NewFuture[string](ctx)
			var ts []*async.Task[async.Void]
			for _, name := range []string{"A", "B", "C"} {
				ts = append(ts, async.CreateTask(ctx, waiter(name, f)))
			}
			ticks(ctx, 1)
			f.AddDoneCallback(func(*async.Future[string]) { tr.println("callback added after waiters") })
			check(f.SetResult("v"))
			tr.println("set")
			must(async.GatherOf[async.Void](ctx, ts))
			return nil
		})
	},
}

// collect stands for "del x; gc.collect()", where the last reference to x was left in a function that has returned. Python drops
// objects on the spot. Go's collector runs cleanups on a goroutine of its own, some time after it has found what is dropped, so collect
// waits until one that it has just asked for has run, and until enough says so. Sleeping lets the loop look at what came from that goroutine.
func collect(ctx context.Context, enough func() bool) {
	collected := make(chan struct{})
	func() {
		// An object without pointers would not do: small ones share a block, which lives as long as any of them.
		runtime.AddCleanup(&struct{ next *int }{}, func(done chan struct{}) { close(done) }, collected)
	}()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		runtime.GC()
		ticks(ctx, 1)
		select {
		case <-collected:
			if ticks(ctx, 1); enough() {
				return
			}
		default:
		}
	}
}

var trace21 = port{
	name: "21_exception_never_retrieved",
	run: func(tr *trace) {
		boom := async.Do(func(context.Context) error { return valueError("lost") })
		tr.run(func(ctx context.Context) error {
			reports := 0
			reported := func(n int) func() bool { return func() bool { return reports >= n } }
			running(ctx).SetExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				reports++
				tr.println("handler:", sentence(c.Message), "|", repr(c.Err))
			})
			func() {
				t := async.CreateTask(ctx, boom)
				ticks(ctx, 1)
				tr.println("task failed; nothing reported yet; done", t.IsDone())
			}()
			collect(ctx, reported(1))
			tr.println("dropped")
			func() {
				t := async.CreateTask(ctx, boom)
				ticks(ctx, 1)
				if t.Err() == nil {
					tr.println("the task did not fail")
				}
			}()
			collect(ctx, reported(0))
			tr.println("retrieved with exception(): silent")
			func() {
				t := async.CreateTask(ctx, boom)
				ticks(ctx, 1)
				tr.println("cancel() on the failed task ->", t.Cancel())
			}()
			collect(ctx, reported(0))
			tr.println("silent after cancel()")
			func() {
				f := async.NewFuture[int](ctx)
				check(f.SetError(keyError("k")))
			}()
			collect(ctx, reported(2))
			return nil
		})
	},
}
