package async_test

import (
	"context"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// notified waits for a notification in a task of its own, and tells. With keep it keeps the lock.
func notified(ctx context.Context, c *chronicle, cond *async.Condition, who string, keep bool) doer {
	return async.Go(ctx, func(ctx context.Context) error {
		check(cond.Acquire(ctx))
		err := cond.Wait(ctx)
		if err == nil {
			c.add("%s", who)
		}
		if !keep {
			cond.Release()
		}
		return err
	})
}

func TestFactsCondition(t *testing.T) {
	// locked calls fn with the lock.
	locked := func(ctx context.Context, cond *async.Condition, fn func()) {
		check(cond.With(ctx, func(context.Context) error {
			fn()
			return nil
		}))
	}

	t.Run("P1 those who are notified queue for the lock", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var cond async.Condition
		t1, t2, t3 := notified(ctx, &c, &cond, "1", true), notified(ctx, &c, &cond, "2", true), notified(ctx, &c, &cond, "3", true)
		ticks(ctx, 2)
		expectEqual(t, "Locked", cond.Locked(), false)
		check(cond.Acquire(ctx))
		cond.Notify(1)
		ticks(ctx, 1)
		c.expect(t)
		expectEqual(t, "Locked", cond.Locked(), true)
		cond.Release()
		ticks(ctx, 1)
		c.expect(t, "1")
		expectEqual(t, "Locked", cond.Locked(), true)
		cond.Notify(2)
		ticks(ctx, 1)
		c.expect(t, "1")
		cond.Release()
		ticks(ctx, 1)
		c.expect(t, "1", "2")
		cond.Release()
		ticks(ctx, 1)
		c.expect(t, "1", "2", "3")
		waitFor(ctx, t1, t2, t3)
		expectEqual(t, "String", cond.String(), "Condition(locked)")
	}))

	t.Run("P2 a notification wakes as many as it says, and is forgotten where nobody waits", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var cond async.Condition
		locked(ctx, &cond, func() { cond.Notify(1) })
		t1, t2, t3 := notified(ctx, &c, &cond, "1", false), notified(ctx, &c, &cond, "2", false), notified(ctx, &c, &cond, "3", false)
		ticks(ctx, 2)
		locked(ctx, &cond, func() { cond.Notify(1) })
		ticks(ctx, 2)
		c.expect(t, "1")
		locked(ctx, &cond, func() {
			cond.Notify(1)
			cond.Notify(2048)
		})
		waitFor(ctx, t1, t2, t3)
		c.expect(t, "1", "2", "3")
	}))

	t.Run("P3 NotifyAll wakes all", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var cond async.Condition
		t1, t2 := notified(ctx, &c, &cond, "1", false), notified(ctx, &c, &cond, "2", false)
		ticks(ctx, 1)
		locked(ctx, &cond, cond.NotifyAll)
		waitFor(ctx, t1, t2)
		c.expect(t, "1", "2")
	}))

	t.Run("P4 to wait and to notify without the lock panics", onLoop(func(ctx context.Context, t *testing.T) {
		var cond async.Condition
		expectPanic(t, "async: cannot wait on un-acquired lock", func() { _ = cond.Wait(ctx) })
		expectPanic(t, "async: cannot notify on un-acquired lock", func() { cond.Notify(1) })
		expectPanic(t, "async: cannot notify on un-acquired lock", cond.NotifyAll)
		expectPanic(t, "async: Lock is not acquired", cond.Release)
	}))

	t.Run("P5 WaitFor looks again after each notification", onLoop(func(ctx context.Context, t *testing.T) {
		var cond async.Condition
		n, asked := 0, 0
		task := async.Go(ctx, func(ctx context.Context) error {
			return cond.With(ctx, func(ctx context.Context) error {
				return cond.WaitFor(ctx, func() bool {
					asked++
					return n == 2
				})
			})
		})
		for range 2 {
			ticks(ctx, 1)
			locked(ctx, &cond, func() {
				n++
				cond.Notify(1)
			})
		}
		waitFor(ctx, task)
		expectError(t, "WaitFor", task.Err(), nil)
		expectEqual(t, "the number of questions", asked, 3)
		expectError(t, "WaitFor without the lock", cond.WaitFor(ctx, func() bool { return true }), nil)
		expectPanic(t, "async: cannot wait on un-acquired lock", func() {
			_ = cond.WaitFor(ctx, func() bool { return false })
		})
	}))

	t.Run("P6 one who is cancelled takes the lock first", onLoop(func(ctx context.Context, t *testing.T) {
		var cond async.Condition
		had := false
		task := async.Go(ctx, func(ctx context.Context) error {
			check(cond.Acquire(ctx))
			err := cond.Wait(ctx)
			had = cond.Locked()
			cond.Release()
			return err
		})
		ticks(ctx, 1)
		check(cond.Acquire(ctx))
		task.Cancel()
		ticks(ctx, 3)
		expectEqual(t, "the task is done", task.IsDone(), false)
		cond.Release()
		_, err := task.Await(ctx)
		expectError(t, "the task", err, async.ErrCancelled)
		expectEqual(t, "it had the lock", had, true)
		expectEqual(t, "String", cond.String(), "Condition(unlocked)")
	}))

	t.Run("P7 one who waits for the lock again cannot be cancelled out of it", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var cond async.Condition
		task := notified(ctx, &c, &cond, "1", false)
		ticks(ctx, 1)
		check(cond.Acquire(ctx))
		cond.Notify(1)
		ticks(ctx, 1)
		for range 3 {
			task.Cancel()
			ticks(ctx, 2)
			expectEqual(t, "the task is done", task.IsDone(), false)
		}
		cond.Release()
		_, err := task.Await(ctx)
		expectError(t, "the task", err, async.ErrCancelled)
		c.expect(t)
		expectEqual(t, "String", cond.String(), "Condition(unlocked)")
	}))

	t.Run("P8 a notification given to one who is cancelled passes on", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var cond async.Condition
		a, b := notified(ctx, &c, &cond, "A", false), notified(ctx, &c, &cond, "B", false)
		ticks(ctx, 1)
		locked(ctx, &cond, func() { cond.Notify(1) })
		a.Cancel()
		waitFor(ctx, a, b)
		expectEqual(t, "A is cancelled", a.Cancelled(), true)
		c.expect(t, "B")
	}))

	t.Run("P9 two conditions share a lock and nothing else", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var l async.Lock
		one, two := async.NewCondition(&l), async.NewCondition(&l)
		t1, t2 := notified(ctx, &c, one, "1", false), notified(ctx, &c, two, "2", false)
		ticks(ctx, 1)
		for _, acquire := range []func(context.Context) error{l.Acquire, one.Acquire, two.Acquire} {
			check(acquire(ctx))
			expectSlice(t, "Locked", []bool{l.Locked(), one.Locked(), two.Locked()}, []bool{true, true, true})
			l.Release()
		}
		check(l.Acquire(ctx))
		one.NotifyAll()
		l.Release()
		waitFor(ctx, t1)
		ticks(ctx, 2)
		c.expect(t, "1")
		expectEqual(t, "Stats", two.Stats(), async.ConditionStats{Waiters: 1})
		locked(ctx, two, two.NotifyAll)
		waitFor(ctx, t2)
	}))

	t.Run("P10 one who is cancelled several times gets one cancellation", onLoop(func(ctx context.Context, t *testing.T) {
		var cond async.Condition
		task := async.Go(ctx, func(ctx context.Context) error {
			return cond.With(ctx, cond.Wait)
		})
		ticks(ctx, 1)
		check(cond.Acquire(ctx))
		for _, msg := range []string{"first", "second", "third"} {
			task.Cancel(msg)
			ticks(ctx, 1)
		}
		cond.Release()
		_, err := task.Await(ctx)
		expectEqual(t, "the message", cancelMessage(err), "first")
		expectEqual(t, "String", cond.String(), "Condition(unlocked)")
	}))
}

func TestCondition(t *testing.T) {
	t.Run("a timeout ends the wait, with the lock", onLoop(func(ctx context.Context, t *testing.T) {
		cond := async.NewCondition(nil)
		check(cond.Acquire(ctx))
		short, cancel := async.WithTimeout(ctx, hundredth)
		defer cancel()
		expectError(t, "Wait", cond.Wait(short), async.ErrTimeout)
		expectEqual(t, "String", cond.String(), "Condition(locked)")
	}))
	t.Run("a callback keeps the lock and cannot wait", onLoop(func(ctx context.Context, t *testing.T) {
		var cond async.Condition
		running(ctx).CallSoon(func() {
			check(cond.Acquire(ctx))
			expectError(t, "Wait", cond.Wait(ctx), async.ErrNotInTask)
			cond.Release()
		})
		ticks(ctx, 1)
		expectEqual(t, "String", cond.String(), "Condition(unlocked)")
	}))
	t.Run("a goroutine has the lock when it gives up", func(t *testing.T) {
		var cond async.Condition
		check(cond.Acquire(t.Context()))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		expectError(t, "Wait", cond.Wait(ctx), async.ErrCancelled)
		expectEqual(t, "String", cond.String(), "Condition(locked)")
	})
	t.Run("a task that is unwound does not release what another one has", func(t *testing.T) {
		var cond async.Condition
		l := async.NewLoop(async.Clock(loop.NewVirtual()))
		for range 2 {
			async.Go(l.Context(), func(ctx context.Context) error { return cond.With(ctx, cond.Wait) })
		}
		async.Go(l.Context(), func(ctx context.Context) error { return cond.Acquire(ctx) })
		runOnce(t, l)
		expectEqual(t, "String", cond.String(), "Condition(locked, waiters: 2)")
		check(l.Close())
		expectEqual(t, "String", cond.String(), "Condition(locked)")
		cond.Release()
		expectEqual(t, "TryAcquire", cond.Locked(), false)
		expectPanic(t, "async: Lock is not acquired", cond.Release)
	})
	t.Run("a task that is unwound passes its notification on", func(t *testing.T) {
		var cond async.Condition
		l := async.NewLoop(async.Clock(loop.NewVirtual()))
		async.Go(l.Context(), func(ctx context.Context) error { return cond.With(ctx, cond.Wait) })
		runOnce(t, l)
		done := make(chan error)
		go func() { done <- cond.With(context.Background(), cond.Wait) }()
		for cond.Stats().Waiters < 2 {
			check(async.Sleep(t.Context(), 0))
		}
		check(cond.Acquire(t.Context()))
		cond.Notify(1) // to the task, whose loop does not run any more
		cond.Release()
		check(l.Close())
		expectError(t, "the goroutine", <-done, nil)
	})
}
