package async_test

import (
	"context"
	"errors"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/pytrace"
)

// hundredth is a timeout that comes, and minute one that does not.
const (
	hundredth = 10 * time.Millisecond
	minute    = time.Minute
)

var trace33 = port{
	name: "33_wait_for_zero",
	run: func(tr *trace) {
		inner := async.Do(func(context.Context) error {
			tr.println("NEVER STARTED")
			return nil
		})
		tr.run(func(ctx context.Context) error {
			for _, tmo := range []int{0, -1} {
				if _, err := async.WaitFor(ctx, inner, time.Duration(tmo)*time.Second); errors.Is(err, async.ErrTimeout) {
					tr.println("timeout", tmo, "-> TimeoutError, coroutine body never ran")
				}
			}
			t := async.Go(ctx, func(ctx context.Context) error {
				err := untilCancelled(ctx)
				if errors.Is(err, async.ErrCancelled) {
					tr.println("running inner is cancelled")
				}
				return err
			})
			ticks(ctx, 1)
			if _, err := async.WaitFor(ctx, t, 0); errors.Is(err, async.ErrTimeout) {
				tr.println("TimeoutError; cancelled", t.Cancelled())
			}
			f := async.NewFuture[string](ctx)
			check(f.SetResult("done already"))
			tr.println(must(async.WaitFor(ctx, f, 0)))
			return nil
		})
	},
}

var trace35 = port{
	name: "35_wait_for_result_and_cancel_race",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			f := async.NewFuture[string](ctx)
			t := async.Go(ctx, func(ctx context.Context) error {
				r, err := async.WaitFor(ctx, f, minute)
				if errors.Is(err, async.ErrCancelled) {
					tr.println("CancelledError (3.12+)")
					return err
				}
				tr.println("returned", r, "(3.11 and older: the cancellation is swallowed)")
				return err
			})
			ticks(ctx, 1)
			check(f.SetResult("R"))
			t.Cancel()
			waitFor(ctx, t)
			tr.println("cancelled", t.Cancelled())
			return nil
		})
	},
}

var trace37 = port{
	name: "37_timeout_nested",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			tr.println("-- inner expires")
			check(async.Timeout(ctx, minute, func(ctx context.Context, o *async.TimeoutScope) error {
				err := async.Timeout(ctx, hundredth, func(ctx context.Context, _ *async.TimeoutScope) error {
					return async.Sleep(ctx, minute)
				})
				if errors.Is(err, async.ErrTimeout) {
					tr.println("inner TimeoutError; outer expired", o.Expired())
				}
				return async.Sleep(ctx, 0)
			}))
			tr.println("-- outer expires first")
			var o *async.TimeoutScope
			err := async.Timeout(ctx, hundredth, func(ctx context.Context, ts *async.TimeoutScope) error {
				o = ts
				var i *async.TimeoutScope
				err := async.Timeout(ctx, minute, func(ctx context.Context, ts *async.TimeoutScope) error {
					i = ts
					return async.Sleep(ctx, minute)
				})
				switch {
				case errors.Is(err, async.ErrTimeout):
					tr.println("NOT REACHED")
				case errors.Is(err, async.ErrCancelled):
					tr.println("passes inner as CancelledError; inner expired", i.Expired())
				}
				return err
			})
			if errors.Is(err, async.ErrTimeout) {
				tr.println("outer TimeoutError; outer expired", o.Expired())
			}
			tr.println("-- both expire in the same tick: the outer one reports")
			when := running(ctx).Time() + hundredth
			err = async.TimeoutAt(ctx, when, func(ctx context.Context, o *async.TimeoutScope) error {
				var i *async.TimeoutScope
				err := async.TimeoutAt(ctx, when, func(ctx context.Context, ts *async.TimeoutScope) error {
					i = ts
					return async.Sleep(ctx, minute)
				})
				switch {
				case errors.Is(err, async.ErrTimeout):
					tr.println("NOT REACHED")
				case errors.Is(err, async.ErrCancelled):
					tr.println("inner block left with CancelledError; expired", i.Expired(), o.Expired())
				}
				return err
			})
			if errors.Is(err, async.ErrTimeout) {
				tr.println("outer TimeoutError")
			}
			tr.println("cancelling", cancelling(ctx))
			return nil
		})
	},
}

var trace39 = port{
	name: "39_timeout_reschedule_states",
	run: func(tr *trace) {
		// Python's RuntimeError names the state of the timeout. ErrTimeoutState does too, at its end.
		attempt := func(label string, err error) {
			if err == nil {
				tr.println(label, "ok")
				return
			}
			says := any(err)
			for _, state := range []string{"finished", "expired", "expiring"} {
				if errors.Is(err, async.ErrTimeoutState) && err.Error() == async.ErrTimeoutState.Error()+": it is "+state {
					says = "Cannot change state of " + state + " Timeout"
				}
			}
			tr.println(label, "-> RuntimeError:", says)
		}
		tr.run(func(ctx context.Context) error {
			l := running(ctx)
			var cm *async.TimeoutScope
			check(async.Timeout(ctx, 10*time.Second, func(_ context.Context, ts *async.TimeoutScope) error {
				cm = ts
				attempt("reschedule active", cm.Reschedule(l.Time()+20*time.Second))
				attempt("reschedule None", cm.Reschedule(async.Forever))
				var when any = cm.When()
				if when == async.Forever {
					when = nil
				}
				tr.println("when", when)
				return nil
			}))
			attempt("reschedule finished", cm.Reschedule(time.Second))
			err := async.Timeout(ctx, async.Forever, func(ctx context.Context, ts *async.TimeoutScope) error {
				cm = ts
				check(cm.Reschedule(l.Time() - time.Second)) // the past comes in the next tick
				tr.println("past deadline does not raise at once")
				if err := async.Sleep(ctx, 0); err != nil {
					return err
				}
				tr.println("NOT REACHED")
				return nil
			})
			if errors.Is(err, async.ErrTimeout) {
				tr.println("TimeoutError")
			}
			attempt("reschedule expired", cm.Reschedule(time.Second))
			return async.Timeout(ctx, hundredth, func(ctx context.Context, cm *async.TimeoutScope) error {
				if err := async.Sleep(ctx, minute); errors.Is(err, async.ErrCancelled) {
					attempt("reschedule expiring", cm.Reschedule(time.Second))
				}
				return nil
			})
		})
	},
	deviations: []pytrace.Deviation{
		{
			Line:   1,
			Python: "reschedule before enter -> RuntimeError: Timeout has not been entered",
			Why:    "The block is a function that Timeout calls, so nobody has a TimeoutScope that was not entered.",
		},
		{
			Line:   5,
			Python: "re-enter: Timeout has already been entered",
			Why:    "The block is a function that Timeout calls, so nobody can enter a TimeoutScope again.",
		},
	},
}

var trace85 = port{
	name: "85_wait_for_runs_where",
	run: func(tr *trace) {
		v := async.NewContextVar("v", "unset")
		inner := async.Coroutine[string](func(ctx context.Context) (string, error) {
			v.Set(ctx, "set inside")
			return async.CurrentTask(ctx).Name(), nil
		})
		tr.run(func(ctx context.Context) error {
			me := async.CurrentTask(ctx).Name()
			tr.println("timeout=None: same task", must(async.WaitFor(ctx, inner, async.Forever)) == me, v.Get(ctx))
			v.Set(ctx, "unset")
			tr.println("timeout=5: same task", must(async.WaitFor(ctx, inner, 5*time.Second)) == me, v.Get(ctx))
			return nil
		})
	},
}

var trace95 = port{
	name: "95_timeout_and_taskgroup",
	run: func(tr *trace) {
		child := func(name string) func(context.Context) error {
			return func(ctx context.Context) error {
				err := untilCancelled(ctx)
				if errors.Is(err, async.ErrCancelled) {
					tr.println(name, "cancelled")
				}
				return err
			}
		}
		long := func(ctx context.Context, _ *async.TimeoutScope) error { return async.Sleep(ctx, minute) }
		tr.run(func(ctx context.Context) error {
			tr.println("-- timeout around a TaskGroup")
			err := async.Timeout(ctx, hundredth, func(ctx context.Context, _ *async.TimeoutScope) error {
				return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
					tg.Go(child("c1"))
					return nil
				})
			})
			if errors.Is(err, async.ErrTimeout) {
				tr.println(className(err)+", no group; cancelling", cancelling(ctx))
			}
			tr.println("-- TaskGroup around a timeout")
			check(async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
				tg.Go(func(ctx context.Context) error { return async.Sleep(ctx, 0) })
				if err := async.Timeout(ctx, hundredth, long); errors.Is(err, async.ErrTimeout) {
					tr.println("TimeoutError in the body, handled: the group is not affected")
				}
				return nil
			}))
			tr.println("-- a child whose own timeout expires fails the group")
			err = async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				tg.Go(func(ctx context.Context) error { return async.Timeout(ctx, hundredth, long) })
				tg.Go(child("c2"))
				return nil
			})
			var classes []string
			for _, e := range exceptions(err) {
				classes = append(classes, className(e.(error)))
			}
			tr.println("group of", classes)
			tr.println("-- child failure inside a timeout block")
			var cm *async.TimeoutScope
			err = async.Timeout(ctx, minute, func(ctx context.Context, ts *async.TimeoutScope) error {
				cm = ts
				return async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
					tg.Go(func(ctx context.Context) error {
						ticks(ctx, 1)
						return valueError("bad")
					})
					return async.Sleep(ctx, minute)
				})
			})
			tr.println("group passes the timeout block", exceptions(err), "expired", cm.Expired())
			running(ctx).CallSoon(func() {
				err := async.Timeout(ctx, time.Second, long)
				tr.println("outside a task:", spelled(err, async.ErrNotInTask, "RuntimeError Timeout should be used inside a task"))
			})
			ticks(ctx, 1)
			return nil
		})
	},
}
