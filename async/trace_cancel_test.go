package async_test

import (
	"context"
	"errors"

	"github.com/asyncgo/asyncgo/async"
)

var trace09 = port{
	name: "09_cancel_while_waiting",
	run: func(tr *trace) {
		child := func(f *async.Future[int]) func(context.Context) error {
			return func(ctx context.Context) error {
				defer tr.println("child finally")
				tr.println("child waits")
				_, err := f.Await(ctx)
				if errors.Is(err, async.ErrCancelled) {
					class, args := exception(err)
					tr.println("child caught", class, args)
					ticks(context.WithoutCancel(ctx), 1)
					tr.println("child cleanup finished")
				}
				return err
			}
		}
		tr.run(func(ctx context.Context) error {
			f := async.NewFuture[int](ctx)
			t := async.Go(ctx, child(f))
			ticks(ctx, 1)
			tr.println("cancel ->", t.Cancel("msg"))
			tr.println("inner future cancelled at once:", f.Cancelled(), "| task done:", t.IsDone())
			tr.println("main keeps running until it awaits")
			if _, err := t.Await(ctx); errors.Is(err, async.ErrCancelled) {
				_, args := exception(err)
				tr.println("main saw CancelledError", args)
			}
			tr.println("task cancelled:", t.Cancelled())
			return nil
		})
	},
}

var trace11 = port{
	name: "11_cancel_suppressed",
	run: func(tr *trace) {
		stubborn := func(ctx context.Context) (string, error) {
			if err := untilCancelled(ctx); errors.Is(err, async.ErrCancelled) {
				tr.println("swallowed; cancelling =", cancelling(ctx))
			}
			// Python delivers a cancellation once. Here it is a level, so the wait that shall not be cancelled again says
			// so. With Uncancel in its place, the last line would tell a count of 0.
			if err := async.Sleep(context.WithoutCancel(ctx), 0); err != nil {
				return "", err
			}
			tr.println("still running")
			return "value", nil
		}
		tr.run(func(ctx context.Context) error {
			t := async.CreateTask(ctx, stubborn)
			ticks(ctx, 1)
			t.Cancel()
			tr.println("result", must(t.Await(ctx)))
			tr.println("cancelled", t.Cancelled(), "cancelling", t.Cancelling())
			return nil
		})
	},
}

var trace13 = port{
	name: "13_cancel_self",
	run: func(tr *trace) {
		scripts := []struct {
			name string
			co   async.Coroutine[string]
		}{
			{"then_await", func(ctx context.Context) (string, error) {
				tr.println("cancel self ->", async.CurrentTask(ctx).Cancel())
				tr.println("still running")
				err := untilCancelled(ctx)
				if errors.Is(err, async.ErrCancelled) {
					tr.println("raised at the next await")
				}
				return "", err
			}},
			{"then_return", func(ctx context.Context) (string, error) {
				async.CurrentTask(ctx).Cancel("at end")
				return "lost", nil
			}},
			{"then_raise", func(ctx context.Context) (string, error) {
				async.CurrentTask(ctx).Cancel()
				return "", valueError("wins")
			}},
			{"then_nonblocking_await", func(ctx context.Context) (string, error) {
				async.CurrentTask(ctx).Cancel()
				f := async.Coroutine[int](func(context.Context) (int, error) { return 5, nil })
				tr.println("non-blocking await is not a cancellation point:", must(f.Await(ctx)))
				check(new(async.Lock).With(ctx, func(context.Context) error {
					tr.println("nor is an uncontended lock")
					return nil
				}))
				if err := async.Sleep(ctx, 0); err != nil {
					return "", err
				}
				tr.println("NEVER")
				return "", nil
			}},
		}
		tr.run(func(ctx context.Context) error {
			for _, s := range scripts {
				t := async.CreateTask(ctx, s.co)
				waitFor(ctx, t)
				outcome := ""
				if !t.Cancelled() {
					outcome = repr(t.Err())
				}
				tr.println(s.name, "=> cancelled", t.Cancelled(), outcome)
			}
			return nil
		})
	},
}

var trace15 = port{
	name: "15_uncancel",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			me := async.CurrentTask(ctx)
			uncancel := func() int {
				ctx = async.Uncancel(ctx)
				return cancelling(ctx)
			}
			tr.println("uncancel at zero ->", uncancel())
			me.Cancel()
			me.Cancel()
			tr.println("cancelling", cancelling(ctx))
			if err := async.Sleep(ctx, 0); errors.Is(err, async.ErrCancelled) {
				tr.println("caught; uncancel ->", uncancel(), uncancel(), uncancel())
			}
			if err := async.Sleep(ctx, 0); err != nil {
				return err
			}
			tr.println("goes on")
			me.Cancel()
			tr.println("uncancel ->", uncancel()) // before the error was delivered
			switch err := async.Sleep(ctx, 0); {
			case err == nil:
				tr.println("3.13+: uncancel() to zero withdraws an undelivered cancellation")
			case errors.Is(err, async.ErrCancelled):
				tr.println("3.11/3.12: delivered anyway")
			}
			return nil
		})
	},
}
