package async_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/gather"
	"github.com/asyncgo/asyncgo/internal/pytrace"
)

// lasting returns a coroutine that takes some ticks, tells of its end and returns its name.
func lasting(tr *trace, name string, n int) async.Coroutine[string] {
	return func(ctx context.Context) (string, error) {
		for range n {
			if err := async.Sleep(ctx, 0); err != nil {
				return "", err
			}
		}
		tr.println("child", name, "ends")
		return name, nil
	}
}

var trace23 = port{
	name: "23_gather_order",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			g := async.GatherFuture(ctx, async.Awaitable[string](lasting(tr, "a", 3)), lasting(tr, "b", 1), lasting(tr, "c", 2))
			tr.println("gather called; children not started")
			tr.println(must(g.Await(ctx)))
			c := lasting(tr, "once", 0)
			tr.println("duplicates", must(async.Gather(ctx, c, c)))
			tr.println("empty", must(async.Gather[string](ctx)))
			t := async.CreateTask(ctx, lasting(tr, "task", 0))
			var mixed []string
			for _, r := range must(async.GatherSettled(ctx, t, lasting(tr, "coro", 0), async.After(0, "sleep"))) {
				check(r.Err)
				mixed = append(mixed, r.Value)
			}
			tr.println("mixed", mixed)
			return nil
		})
	},
	deviations: []pytrace.Deviation{{
		Line:   6,
		Python: "child once ends",
		Ours:   "child once ends\nchild once ends",
		Why:    "A Coroutine is a func, and a Go func has no identity, so the same one given twice cannot be recognised. It runs twice; as a task it would run once.",
	}},
}

var trace25 = port{
	name: "25_gather_return_exceptions",
	run: func(tr *trace) {
		ok := async.Coroutine[int](func(context.Context) (int, error) { return 1, nil })
		bad := async.Coroutine[int](func(context.Context) (int, error) { return 0, valueError("x") })
		tr.run(func(ctx context.Context) error {
			h := async.CreateTask(ctx, func(ctx context.Context) (int, error) { return 0, untilCancelled(ctx) })
			g := gather.SettledFuture(ctx, ok, bad, async.Awaitable[int](h))
			ticks(ctx, 1)
			h.Cancel("child only")
			var r []string
			for _, res := range must(g.Await(ctx)) {
				var cancelled *async.CancelledError
				switch {
				case errors.As(res.Err, &cancelled):
					// Python's list has a new CancelledError, with a message that is empty in place of none. Msg is
					// empty for both.
					r = append(r, fmt.Sprintf("CancelledError(%s)", repr(cancelled.Msg)))
				case res.Err != nil:
					r = append(r, repr(res.Err))
				default:
					r = append(r, repr(res.Value))
				}
			}
			tr.println(r)
			return nil
		})
	},
}

var trace27 = port{
	name: "27_gather_child_cancelled",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			a := async.CreateTask(ctx, lasting(tr, "a", 60))
			b := async.CreateTask(ctx, lasting(tr, "b", 6))
			g := async.GatherFuture(ctx, async.Awaitable[string](a), b)
			ticks(ctx, 1)
			a.Cancel()
			if _, err := g.Await(ctx); errors.Is(err, async.ErrCancelled) {
				tr.println("gather raised CancelledError; g.cancelled() =", g.Cancelled(),
					"| current task cancelling =", cancelling(ctx))
			}
			tr.println("exception() of the gather future:", repr(g.Err()))
			tr.println("b done", b.IsDone())
			must(b.Await(ctx))
			return nil
		})
	},
}

var trace29 = port{
	name: "29_wait_timeout_and_cancel",
	run: func(tr *trace) {
		type tasks = []*async.Task[async.Void]
		tr.run(func(ctx context.Context) error {
			t := async.Go(ctx, untilCancelled)
			done, pending, err := async.Wait(ctx, tasks{t}, async.Within(20*time.Millisecond))
			check(err)
			tr.println("timeout raises nothing: done", len(done), "pending", len(pending),
				"| task cancelled:", t.Cancelled(), t.Cancelling())
			done, pending, err = async.Wait(ctx, tasks{t}, async.Within(0))
			check(err)
			tr.println("timeout=0: done", len(done), "pending", len(pending))
			w := async.Go(ctx, func(ctx context.Context) error {
				_, _, err := async.Wait(ctx, tasks{t})
				return err
			})
			ticks(ctx, 1)
			w.Cancel()
			if _, err := w.Await(ctx); errors.Is(err, async.ErrCancelled) {
				tr.println("wait() cancelled; waited task untouched:", t.IsDone(), t.Cancelling())
			}
			_, _, err = async.Wait(ctx, tasks{})
			tr.println(spelled(err, gather.ErrNothing, "ValueError Set of Tasks/Futures is empty."))
			t.Cancel()
			return nil
		})
	},
	deviations: []pytrace.Deviation{
		{Line: 5, Python: "TypeError Passing coroutines is forbidden, use tasks explicitly.", Why: compilersJob},
		{Line: 6, Python: "TypeError expect a list of futures, not Task", Why: compilersJob},
	},
}

var trace31 = port{
	name: "31_shield",
	run: func(tr *trace) {
		inner := func(fail bool) async.Coroutine[string] {
			return func(ctx context.Context) (string, error) {
				tr.println("inner starts")
				for range 4 {
					if err := async.Sleep(ctx, 0); err != nil {
						tr.println("inner cancelled")
						return "", err
					}
				}
				tr.println("inner ends")
				if fail {
					return "", valueError("inner failed")
				}
				return "R", nil
			}
		}
		outer := func(t *async.Task[string]) async.Coroutine[string] {
			return func(ctx context.Context) (string, error) {
				v, err := async.Shield(ctx, t)
				if errors.Is(err, async.ErrCancelled) {
					tr.println("outer cancelled; inner done:", t.IsDone(), "cancelling:", t.Cancelling())
					return "", err
				}
				tr.println("outer got", v)
				return "", err
			}
		}
		tr.run(func(ctx context.Context) error {
			running(ctx).SetExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				tr.println("handler:", sentence(c.Message), repr(c.Err))
			})
			t := async.CreateTask(ctx, inner(false))
			o := async.CreateTask(ctx, outer(t))
			ticks(ctx, 2)
			o.Cancel()
			waitFor(ctx, o)
			tr.println("outer.cancelled", o.Cancelled())
			tr.println("inner result", must(t.Await(ctx)))
			tr.println("-- cancel inner")
			t = async.CreateTask(ctx, inner(false))
			o = async.CreateTask(ctx, outer(t))
			ticks(ctx, 2)
			t.Cancel()
			waitFor(ctx, o)
			tr.println("outer.cancelled", o.Cancelled())
			tr.println("-- shield(done) returns it:", async.ShieldFuture(ctx, t) == t.Future())
			tr.println("-- inner fails after outer was cancelled")
			t = async.CreateTask(ctx, inner(true))
			o = async.CreateTask(ctx, outer(t))
			ticks(ctx, 2)
			o.Cancel()
			waitFor(ctx, o, t)
			t, o = nil, nil
			runtime.GC() // what the collector does not report in time, the end of the run does
			ticks(ctx, 1)
			return nil
		})
	},
}

var trace80 = port{
	name: "80_as_completed_async_for_313",
	run: func(tr *trace) {
		child := func(name string, n int) async.Coroutine[string] {
			return func(ctx context.Context) (string, error) {
				ticks(ctx, n)
				return name, nil
			}
		}
		tr.run(func(ctx context.Context) error {
			ts := []*async.Task[string]{
				async.CreateTask(ctx, child("slow", 6), async.Name("T-slow")),
				async.CreateTask(ctx, child("fast", 1), async.Name("T-fast")),
			}
			for t := range async.Completed(ctx, ts) {
				tr.println("original task object:", slices.Contains(ts, t), t.Name(), t.IsDone(), must(t.Await(ctx)))
			}
			// The argument timeout of as_completed is a context that ends.
			ctx, cancel := async.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			for range async.Completed(ctx, []*async.Task[async.Void]{async.Go(ctx, untilCancelled)}) {
				tr.println("NEVER")
			}
			tr.println(className(context.Cause(ctx)), "raised by the async for itself")
			return nil
		})
	},
}
