package async_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

func TestFactsTimeout(t *testing.T) {
	type scope = *async.TimeoutScope
	errBad := errors.New("bad")
	// hang is a body that only a cancellation ends.
	hang := func(ctx context.Context, _ scope) error {
		_, err := forever(ctx)
		return err
	}

	t.Run("L1 inside the block it is a cancellation and outside a timeout", onLoop(func(ctx context.Context, t *testing.T) {
		var ts scope
		err := async.Timeout(ctx, hundredth, func(inside context.Context, s scope) error {
			ts = s
			err := async.Sleep(inside, minute)
			expectError(t, "the wait inside", err, async.ErrCancelled)
			expectEqual(t, "the number of requests inside", cancelling(ctx), 1)
			expectEqual(t, "expired inside", s.Expired(), true)
			expectEqual(t, "the state inside", s.String(), "Timeout(expiring)")
			expectEqual(t, "the cause of the context inside", context.Cause(inside), async.ErrTimeout)
			expectError(t, "the context outside", ctx.Err(), nil)
			return err
		})
		expectError(t, "the block", err, async.ErrTimeout)
		if errors.Is(err, async.ErrCancelled) {
			t.Error("the timeout is a cancellation too")
		}
		expectEqual(t, "the number of requests outside", cancelling(ctx), 0)
		expectEqual(t, "expired outside", ts.Expired(), true)
		expectEqual(t, "the state outside", ts.String(), "Timeout(expired)")
		expectEqual(t, "the time", now(ctx), hundredth)
		expectError(t, "a wait that follows", giveWay(ctx), nil)
	}))

	t.Run("L2 a task that catches the timeout is not cancelled", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.Go(ctx, func(ctx context.Context) error {
			if err := async.Timeout(ctx, hundredth, hang); !errors.Is(err, async.ErrTimeout) {
				return err
			}
			return nil
		})
		waitFor(ctx, task)
		expectEqual(t, "cancelled", task.Cancelled(), false)
		expectError(t, "the task", task.Err(), nil)
	}))

	t.Run("L3 a block that is left in time has not expired and keeps its deadline", onLoop(func(ctx context.Context, t *testing.T) {
		check(async.Sleep(ctx, time.Second))
		var ts scope
		check(async.Timeout(ctx, 10*time.Second, func(ctx context.Context, s scope) error {
			ts = s
			return async.Sleep(ctx, hundredth)
		}))
		check(async.Sleep(ctx, minute)) // past the deadline
		expectEqual(t, "expired", ts.Expired(), false)
		expectEqual(t, "the deadline", ts.When(), 11*time.Second)
		check(async.Timeout(ctx, async.Forever, func(ctx context.Context, s scope) error {
			ts = s
			return async.Sleep(ctx, 1000*time.Hour)
		}))
		expectEqual(t, "expired without a deadline", ts.Expired(), false)
		expectEqual(t, "the deadline of none", ts.When(), async.Forever)
	}))

	for _, past := range []time.Duration{0, -time.Second} {
		name := "a timeout of zero"
		if past < 0 {
			name = "a deadline in the past"
		}
		t.Run("L4 "+name+" expires in the next tick if there is a wait at all", onLoop(func(ctx context.Context, t *testing.T) {
			check(async.Sleep(ctx, minute))
			err := async.TimeoutAt(ctx, now(ctx)+past, func(ctx context.Context, s scope) error {
				expectEqual(t, "expired at once", s.Expired(), false)
				return giveWay(ctx)
			})
			expectError(t, "a block with a wait", err, async.ErrTimeout)
			var ts scope
			err = async.TimeoutAt(ctx, now(ctx)+past, func(_ context.Context, s scope) error {
				ts = s
				return nil
			})
			ticks(ctx, 2)
			expectError(t, "a block without a wait", err, nil)
			expectEqual(t, "expired", ts.Expired(), false)
			expectEqual(t, "the number of requests", cancelling(ctx), 0)
		}))
	}

	t.Run("L5 an error of the cleanup is returned as it is", onLoop(func(ctx context.Context, t *testing.T) {
		var ts scope
		err := async.Timeout(ctx, hundredth, func(ctx context.Context, s scope) error {
			ts = s
			if err := hang(ctx, s); !errors.Is(err, async.ErrCancelled) {
				return err
			}
			return errBad
		})
		expectEqual(t, "the error", err, errBad)
		expectEqual(t, "expired", ts.Expired(), true)
		expectEqual(t, "the number of requests", cancelling(ctx), 0)
	}))

	t.Run("L6 a block that swallows the cancellation does not time out", onLoop(func(ctx context.Context, t *testing.T) {
		var ts scope
		err := async.Timeout(ctx, hundredth, func(ctx context.Context, s scope) error {
			ts = s
			expectError(t, "the wait", hang(ctx, s), async.ErrCancelled)
			return nil
		})
		expectError(t, "the block", err, nil)
		expectEqual(t, "expired", ts.Expired(), true)
		expectEqual(t, "the number of requests", cancelling(ctx), 0)
		expectError(t, "a wait that follows", giveWay(ctx), nil)
	}))

	t.Run("L6 a block that takes the request back leaves none", onLoop(func(ctx context.Context, t *testing.T) {
		err := async.Timeout(ctx, hundredth, func(ctx context.Context, s scope) error {
			err := hang(ctx, s)
			async.Uncancel(ctx)
			expectEqual(t, "the number of requests inside", cancelling(ctx), 0)
			return err
		})
		expectError(t, "the block", err, async.ErrTimeout)
		expectEqual(t, "the number of requests outside", cancelling(ctx), 0)
	}))

	t.Run("L6 a block that takes the request back can wait again", onLoop(func(ctx context.Context, t *testing.T) {
		err := async.Timeout(ctx, hundredth, func(ctx context.Context, s scope) error {
			expectError(t, "the first wait", hang(ctx, s), async.ErrCancelled)
			return async.Sleep(async.Uncancel(ctx), hundredth)
		})
		expectError(t, "the block", err, nil)
		expectEqual(t, "the time", now(ctx), 2*hundredth)
	}))

	t.Run("L7 an error before the deadline is returned as it is", onLoop(func(ctx context.Context, t *testing.T) {
		var ts scope
		err := async.Timeout(ctx, time.Second, func(ctx context.Context, s scope) error {
			ts = s
			check(async.Sleep(ctx, hundredth))
			return errBad
		})
		expectEqual(t, "the error", err, errBad)
		expectEqual(t, "expired", ts.Expired(), false)
	}))

	t.Run("L8 a cancellation from outside stays one", onLoop(func(ctx context.Context, t *testing.T) {
		var ts scope
		task := async.Go(ctx, func(ctx context.Context) error {
			return async.Timeout(ctx, 10*time.Second, func(ctx context.Context, s scope) error {
				ts = s
				return hang(ctx, s)
			})
		})
		ticks(ctx, 1)
		task.Cancel("m")
		_, err := task.Await(ctx)
		expectEqual(t, "the message", cancelMessage(err), "m")
		expectEqual(t, "cancelled", task.Cancelled(), true)
		expectEqual(t, "expired", ts.Expired(), false)
		expectEqual(t, "the number of requests", task.Cancelling(), 1)
		// CPython takes one from before the block, which is told in it when the deadline has passed, for the timeout's own.
		task = async.Go(ctx, func(ctx context.Context) error {
			async.CurrentTask(ctx).Cancel()
			return async.Timeout(ctx, 0, hang)
		})
		_, err = task.Await(ctx)
		expectError(t, "cancelled before the block", err, async.ErrCancelled)
		expectEqual(t, "cancelled", task.Cancelled(), true)
	}))

	t.Run("L9 a cancellation from outside in the cleanup wins over the timeout", onLoop(func(ctx context.Context, t *testing.T) {
		var ts scope
		var task *async.Task[async.Void]
		task = async.Go(ctx, func(ctx context.Context) error {
			err := async.Timeout(ctx, hundredth, func(ctx context.Context, s scope) error {
				ts = s
				err := hang(ctx, s)
				task.Cancel()
				ticks(context.WithoutCancel(ctx), 2)
				return err
			})
			expectError(t, "the block", err, async.ErrCancelled)
			expectEqual(t, "the number of requests", cancelling(ctx), 1)
			return err
		})
		waitFor(ctx, task)
		expectEqual(t, "cancelled", task.Cancelled(), true)
		expectEqual(t, "expired", ts.Expired(), true)
	}))

	t.Run("L9 a cancellation in the block wins also after an earlier one was swallowed", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.Go(ctx, func(ctx context.Context) error {
			async.CurrentTask(ctx).Cancel()
			expectError(t, "the first wait", giveWay(ctx), async.ErrCancelled)
			err := async.Timeout(async.Uncancel(ctx), hundredth, func(ctx context.Context, s scope) error {
				async.CurrentTask(ctx).Cancel()
				return async.Sleep(ctx, minute)
			})
			expectError(t, "the block", err, async.ErrCancelled)
			return err
		})
		waitFor(ctx, task)
		expectEqual(t, "cancelled", task.Cancelled(), true)
		expectEqual(t, "the time", now(ctx), 0)
	}))

	t.Run("L10 an earlier cancellation that was swallowed does not hide the timeout", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.Go(ctx, func(ctx context.Context) error {
			async.CurrentTask(ctx).Cancel()
			expectError(t, "the first wait", giveWay(ctx), async.ErrCancelled)
			// Cleanup goes on without the cancellation, and the request stays.
			err := async.Timeout(context.WithoutCancel(ctx), hundredth, hang)
			expectError(t, "the block", err, async.ErrTimeout)
			expectEqual(t, "the number of requests", cancelling(ctx), 1)
			return nil
		})
		must(task.Await(ctx))
		expectEqual(t, "the time", now(ctx), hundredth)
	}))

	t.Run("L11 of nested blocks with one deadline the outer one reports it", onLoop(func(ctx context.Context, t *testing.T) {
		var outer, inner scope
		err := async.TimeoutAt(ctx, hundredth, func(ctx context.Context, s scope) error {
			outer = s
			err := async.TimeoutAt(ctx, hundredth, func(ctx context.Context, s scope) error {
				inner = s
				return hang(ctx, s)
			})
			expectError(t, "the inner block", err, async.ErrCancelled)
			return err
		})
		expectError(t, "the outer block", err, async.ErrTimeout)
		expectEqual(t, "expired of the inner one", inner.Expired(), true)
		expectEqual(t, "expired of the outer one", outer.Expired(), true)
		expectEqual(t, "the number of requests", cancelling(ctx), 0)
	}))

	t.Run("L12 an inner timeout leaves the outer block alone", onLoop(func(ctx context.Context, t *testing.T) {
		err := async.Timeout(ctx, minute, func(ctx context.Context, outer scope) error {
			expectError(t, "the inner block", async.Timeout(ctx, hundredth, hang), async.ErrTimeout)
			expectEqual(t, "expired of the outer one", outer.Expired(), false)
			return async.Sleep(ctx, hundredth)
		})
		expectError(t, "the outer block", err, nil)
		expectEqual(t, "the time", now(ctx), 2*hundredth)
	}))

	t.Run("L12 an outer timeout passes the inner block as a cancellation", onLoop(func(ctx context.Context, t *testing.T) {
		err := async.Timeout(ctx, hundredth, func(ctx context.Context, _ scope) error {
			var inner scope
			err := async.Timeout(ctx, minute, func(ctx context.Context, s scope) error {
				inner = s
				return hang(ctx, s)
			})
			expectError(t, "the inner block", err, async.ErrCancelled)
			expectEqual(t, "expired of the inner one", inner.Expired(), false)
			return err
		})
		expectError(t, "the outer block", err, async.ErrTimeout)
		expectEqual(t, "the time", now(ctx), hundredth)
	}))

	// The clock goes on while the loop is busy, as the one on the wall does.
	clock := loop.NewVirtual()
	busyFor := func(d time.Duration) { clock.Wait(d, nil, func() bool { return false }) }

	t.Run("L13 if only the inner deadline passed while the loop was busy the outer one interrupts the next wait", onLoop(func(ctx context.Context, t *testing.T) {
		start := now(ctx)
		err := async.Timeout(ctx, 10*hundredth, func(ctx context.Context, _ scope) error {
			err := async.Timeout(ctx, hundredth, func(ctx context.Context, s scope) error {
				busyFor(5 * hundredth)
				return hang(ctx, s)
			})
			expectError(t, "the inner block", err, async.ErrTimeout)
			expectEqual(t, "the time of the inner timeout", now(ctx)-start, 5*hundredth)
			err = async.Sleep(ctx, minute)
			expectError(t, "the next wait", err, async.ErrCancelled)
			return err
		})
		expectError(t, "the outer block", err, async.ErrTimeout)
		expectEqual(t, "the time of the outer timeout", now(ctx)-start, 10*hundredth)
	}, async.Clock(clock)))

	t.Run("L13 if both deadlines passed while the loop was busy the outer one reports it", onLoop(func(ctx context.Context, t *testing.T) {
		start := now(ctx)
		err := async.Timeout(ctx, 10*hundredth, func(ctx context.Context, outer scope) error {
			err := async.Timeout(ctx, hundredth, func(ctx context.Context, inner scope) error {
				busyFor(15 * hundredth)
				err := hang(ctx, inner)
				expectEqual(t, "the number of requests inside", cancelling(ctx), 2)
				expectEqual(t, "expired of the inner one", inner.Expired(), true)
				expectEqual(t, "expired of the outer one", outer.Expired(), true)
				return err
			})
			expectError(t, "the inner block", err, async.ErrCancelled)
			expectEqual(t, "the number of requests between the blocks", cancelling(ctx), 1)
			return err
		})
		expectError(t, "the outer block", err, async.ErrTimeout)
		expectEqual(t, "the number of requests outside", cancelling(ctx), 0)
		expectEqual(t, "the time", now(ctx)-start, 15*hundredth)
	}, async.Clock(clock)))

	t.Run("L14 a timeout in the cleanup of one that has expired works for itself", onLoop(func(ctx context.Context, t *testing.T) {
		err := async.Timeout(ctx, hundredth, func(ctx context.Context, s scope) error {
			err := hang(ctx, s)
			cleanup := async.Timeout(context.WithoutCancel(ctx), hundredth, hang)
			expectError(t, "the inner block", cleanup, async.ErrTimeout)
			return err
		})
		expectError(t, "the outer block", err, async.ErrTimeout)
		expectEqual(t, "the time", now(ctx), 2*hundredth)
		expectEqual(t, "the number of requests", cancelling(ctx), 0)
	}))

	t.Run("L15 a deadline can be moved, taken away and put in the past", onLoop(func(ctx context.Context, t *testing.T) {
		err := async.Timeout(ctx, hundredth, func(ctx context.Context, s scope) error {
			check(s.Reschedule(5 * hundredth))
			expectEqual(t, "the later deadline", s.When(), 5*hundredth)
			check(async.Sleep(ctx, 3*hundredth))
			check(s.Reschedule(async.Forever))
			expectEqual(t, "no deadline", s.When(), async.Forever)
			check(async.Sleep(ctx, minute))
			past := now(ctx) - time.Second
			atOnce(ctx, func() {
				check(s.Reschedule(past))
				expectEqual(t, "the deadline in the past", s.When(), past)
				expectEqual(t, "expired at once", s.Expired(), false)
			})
			return giveWay(ctx)
		})
		expectError(t, "the block", err, async.ErrTimeout)
		expectEqual(t, "the time", now(ctx), 3*hundredth+minute)
	}))

	t.Run("L15 a deadline that was moved forward expires at the new time", onLoop(func(ctx context.Context, t *testing.T) {
		err := async.Timeout(ctx, minute, func(ctx context.Context, s scope) error {
			check(s.Reschedule(hundredth))
			return hang(ctx, s)
		})
		expectError(t, "the block", err, async.ErrTimeout)
		expectEqual(t, "the time", now(ctx), hundredth)
	}))

	t.Run("L16 the deadline of a timeout that is over cannot be moved", onLoop(func(ctx context.Context, t *testing.T) {
		refused := func(s scope, state string) {
			t.Helper()
			when := s.When()
			err := s.Reschedule(now(ctx) + minute)
			expectError(t, "a timeout that is "+state, err, async.ErrTimeoutState)
			expectEqual(t, "what it says", err.Error(), async.ErrTimeoutState.Error()+": it is "+state)
			expectEqual(t, "the deadline", s.When(), when)
		}
		var ts scope
		check(async.Timeout(ctx, minute, func(_ context.Context, s scope) error {
			ts = s
			return nil
		}))
		refused(ts, "finished")
		err := async.Timeout(ctx, hundredth, func(ctx context.Context, s scope) error {
			ts = s
			err := hang(ctx, s)
			refused(s, "expiring")
			return err
		})
		expectError(t, "the block", err, async.ErrTimeout)
		refused(ts, "expired")
	}))

	t.Run("L18 a timeout belongs inside a task", onLoop(func(ctx context.Context, t *testing.T) {
		never := func(context.Context, scope) error {
			t.Error("the body was called")
			return nil
		}
		running(ctx).CallSoon(func() {
			expectError(t, "a timeout in a callback", async.Timeout(ctx, minute, never), async.ErrNotInTask)
		})
		ticks(ctx, 1)
		elsewhere := make(chan error, 2)
		go func() {
			elsewhere <- async.Timeout(ctx, minute, never)
			elsewhere <- async.Timeout(context.Background(), minute, never)
		}()
		expectError(t, "a timeout on another goroutine", <-elsewhere, async.ErrNotInTask)
		expectError(t, "a timeout without a loop", <-elsewhere, async.ErrNoLoop)
	}))

	t.Run("L19 String tells the state and the deadline", onLoop(func(ctx context.Context, t *testing.T) {
		var ts scope
		check(async.Timeout(ctx, 10*time.Second, func(_ context.Context, s scope) error {
			ts = s
			expectEqual(t, "an active timeout", s.String(), "Timeout(active, when: 10s)")
			check(s.Reschedule(async.Forever))
			expectEqual(t, "one without a deadline", s.String(), "Timeout(active)")
			return nil
		}))
		expectEqual(t, "a finished timeout", ts.String(), "Timeout(finished)")
		err := async.Timeout(ctx, hundredth, func(ctx context.Context, s scope) error {
			ts = s
			err := hang(ctx, s)
			expectEqual(t, "an expiring timeout", s.String(), "Timeout(expiring)")
			return err
		})
		expectError(t, "the block", err, async.ErrTimeout)
		expectEqual(t, "an expired timeout", ts.String(), "Timeout(expired)")
	}))

	t.Run("L20 a timeout around a task group cancels the children and is no group", onLoop(func(ctx context.Context, t *testing.T) {
		var children []*async.Task[int]
		err := async.Timeout(ctx, hundredth, func(ctx context.Context, _ scope) error {
			return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				children = append(children, async.Spawn(tg, forever), async.Spawn(tg, forever))
				return nil
			})
		})
		expectEqual(t, "the error, the very object,", err, async.ErrTimeout)
		for _, child := range children {
			expectEqual(t, "cancelled of a child", child.Cancelled(), true)
		}
		expectEqual(t, "the number of requests", cancelling(ctx), 0)
	}))

	t.Run("L20 a timeout in a child fails the group", onLoop(func(ctx context.Context, t *testing.T) {
		var sibling *async.Task[int]
		err := async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			tg.Go(func(ctx context.Context) error { return async.Timeout(ctx, hundredth, hang) })
			sibling = async.Spawn(tg, forever)
			return nil
		})
		var group *async.ErrorGroup
		if !errors.As(err, &group) {
			t.Fatalf("the error is %v, not a group", err)
		}
		expectSlice(t, "the errors", group.Errs, []error{async.ErrTimeout})
		expectEqual(t, "cancelled of the sibling", sibling.Cancelled(), true)
	}))

	t.Run("L20 the errors of a group pass a timeout around it", onLoop(func(ctx context.Context, t *testing.T) {
		var ts scope
		err := async.Timeout(ctx, minute, func(ctx context.Context, s scope) error {
			ts = s
			return async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
				async.Spawn(tg, failing(errBad, 1))
				_, err := forever(ctx)
				return err
			})
		})
		var group *async.ErrorGroup
		if !errors.As(err, &group) {
			t.Fatalf("the error is %v, not a group", err)
		}
		expectSlice(t, "the errors", group.Errs, []error{errBad})
		expectEqual(t, "expired", ts.Expired(), false)
		expectEqual(t, "the number of requests", cancelling(ctx), 0)
	}))
}
