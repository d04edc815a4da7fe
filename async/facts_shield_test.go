package async_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func TestFactsShield(t *testing.T) {
	errBad := errors.New("bad")

	t.Run("J1 cancelling who waits for a shield ends the wait at once and leaves the inner task alone", onLoop(func(ctx context.Context, t *testing.T) {
		proof := 0
		inner := async.Go(ctx, func(ctx context.Context) error {
			if err := async.Sleep(ctx, time.Second); err != nil {
				return err
			}
			proof++
			return nil
		})
		outer := async.Go(ctx, func(ctx context.Context) error {
			_, err := async.Shield(ctx, inner)
			proof += 100
			return err
		})
		ticks(ctx, 2)
		expectEqual(t, "Cancel", outer.Cancel("m"), true)
		ticks(ctx, 1)
		expectEqual(t, "cancelled of the outer task", outer.Cancelled(), true)
		expectEqual(t, "the message", cancelMessage(outer.Err()), "m")
		expectEqual(t, "the number of requests to cancel the inner task", inner.Cancelling(), 0)
		must(inner.Await(ctx))
		expectEqual(t, "what ran", proof, 101)
	}))

	t.Run("J2 cancelling the inner task cancels the shield", onLoop(func(ctx context.Context, t *testing.T) {
		inner := async.CreateTask(ctx, forever)
		shield := async.ShieldFuture(ctx, inner)
		outer := async.CreateTask(ctx, shield.Await)
		ticks(ctx, 2)
		inner.Cancel()
		_, err := outer.Await(ctx)
		expectError(t, "the outer task", err, async.ErrCancelled)
		expectEqual(t, "cancelled of the shield", shield.Cancelled(), true)
		expectEqual(t, "cancelled of the outer task", outer.Cancelled(), true)
		expectEqual(t, "the number of requests to cancel the outer task", outer.Cancelling(), 0)
	}))

	t.Run("J3 a shield has the result or the very error of what it shields", onLoop(func(ctx context.Context, t *testing.T) {
		good, bad := async.NewFuture[int](ctx), async.NewFuture[int](ctx)
		shields := []*async.Future[int]{async.ShieldFuture(ctx, good), async.ShieldFuture(ctx, bad)}
		check(good.SetResult(42))
		check(bad.SetError(errBad))
		expectEqual(t, "the result", must(shields[0].Await(ctx)), 42)
		_, err := shields[1].Await(ctx)
		expectEqual(t, "the error", err, errBad)
	}))

	t.Run("J4 the shield of what is done is the thing itself", onLoop(func(ctx context.Context, t *testing.T) {
		f, pending := async.NewFuture[int](ctx), async.NewFuture[int](ctx)
		check(f.SetResult(42))
		task := async.CreateTask(ctx, async.After(0, 42))
		must(task.Await(ctx))
		expectEqual(t, "the shield of the future", async.ShieldFuture(ctx, f), f)
		expectEqual(t, "the shield of the task", async.ShieldFuture(ctx, task), task.Future())
		if async.ShieldFuture(ctx, pending) == pending {
			t.Error("the shield of a pending future is the future itself")
		}
	}))

	t.Run("J5 a shielded gather outlives the cancellation of the shield", onLoop(func(ctx context.Context, t *testing.T) {
		c1, c2 := async.NewFuture[int](ctx), async.NewFuture[int](ctx)
		g := async.GatherFuture(ctx, c1, c2)
		outer := async.ShieldFuture(ctx, g)
		ticks(ctx, 1)
		expectEqual(t, "Cancel", outer.Cancel(), true)
		expectEqual(t, "cancelled of the shield", outer.Cancelled(), true)
		ticks(ctx, 1)
		check(c1.SetResult(1))
		check(c2.SetResult(2))
		expectSlice(t, "the result of the gather", must(g.Await(ctx)), []int{1, 2})
	}))

	t.Run("J6 an error behind a shield that was cancelled is reported", func(t *testing.T) {
		guarded(t, func() {
			var c chronicle
			err := async.Run(func(ctx context.Context) error {
				inner := async.CreateTask(ctx, failing(errBad, 4))
				outer := async.Go(ctx, func(ctx context.Context) error {
					_, err := async.Shield(ctx, inner)
					return err
				})
				ticks(ctx, 2)
				outer.Cancel()
				waitFor(ctx, outer)
				waitFor(ctx, inner) // which does not look at the error
				return nil
			}, async.ExceptionHandler(func(_ *async.Loop, e async.ExceptionContext) {
				c.add("%s: %v", e.Message, e.Err)
			}))
			expectError(t, "Run", err, nil)
			// The report comes when the collector notices that the task was dropped, at the latest at the end of the run.
			c.expect(t, "task exception was never retrieved: bad")
		})
	})
}
