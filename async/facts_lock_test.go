package async_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A doer is a task without a result.
type doer = *async.Task[async.Void]

// acquirer takes a lock or a permit in a task of its own, and tells.
func acquirer(ctx context.Context, c *chronicle, who string, acquire func(context.Context) error) doer {
	return async.Go(ctx, func(ctx context.Context) error {
		err := acquire(ctx)
		if err == nil {
			c.add("%s", who)
		}
		return err
	})
}

func TestFactsLock(t *testing.T) {
	t.Run("N1 those who wait get the lock in the order in which they have asked", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var l async.Lock
		check(l.Acquire(ctx))
		one := acquirer(ctx, &c, "1", l.Acquire)
		two := acquirer(ctx, &c, "2", l.Acquire)
		ticks(ctx, 1)
		c.expect(t)
		l.Release()
		ticks(ctx, 1)
		c.expect(t, "1")
		ticks(ctx, 1)
		c.expect(t, "1")
		three := acquirer(ctx, &c, "3", l.Acquire)
		l.Release()
		ticks(ctx, 1)
		c.expect(t, "1", "2")
		l.Release()
		ticks(ctx, 1)
		c.expect(t, "1", "2", "3")
		for _, task := range []doer{one, two, three} {
			expectEqual(t, "IsDone", task.IsDone(), true)
			expectError(t, "the task", task.Err(), nil)
		}
	}))

	t.Run("N2 who releases and asks again goes behind those who wait", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var l async.Lock
		twice := func(who string) doer {
			return async.Go(ctx, func(ctx context.Context) error {
				for i := range 2 {
					check(l.With(ctx, func(ctx context.Context) error {
						c.add("%s%d", who, i)
						return giveWay(ctx)
					}))
				}
				return nil
			})
		}
		waitFor(ctx, twice("A"), twice("B"), twice("C"))
		c.expect(t, "A0", "B0", "C0", "A1", "B1", "C1")
	}))

	t.Run("N3 the lock is free until the woken one runs, and yet nobody overtakes it", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var l async.Lock
		check(l.Acquire(ctx))
		waiter := acquirer(ctx, &c, "waiter", l.Acquire)
		ticks(ctx, 1)
		l.Release()
		expectEqual(t, "Locked", l.Locked(), false)
		expectEqual(t, "TryAcquire", l.TryAcquire(), false)
		expectEqual(t, "String", l.String(), "Lock(unlocked, waiters: 1)")
		newcomer := acquirer(ctx, &c, "newcomer", l.Acquire)
		ticks(ctx, 1)
		c.expect(t, "waiter")
		l.Release()
		waitFor(ctx, waiter, newcomer)
		c.expect(t, "waiter", "newcomer")
	}))

	t.Run("N4 one who is cancelled in the tick of the release is skipped", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var l async.Lock
		check(l.Acquire(ctx))
		b := acquirer(ctx, &c, "B", l.Acquire)
		third := acquirer(ctx, &c, "C", l.Acquire)
		ticks(ctx, 1)
		b.Cancel()
		l.Release()
		waitFor(ctx, b, third)
		expectEqual(t, "B is cancelled", b.Cancelled(), true)
		c.expect(t, "C")
		expectEqual(t, "String", l.String(), "Lock(locked)")
	}))

	t.Run("N5 one who is cancelled when it was woken hands on", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var l async.Lock
		check(l.Acquire(ctx))
		b := acquirer(ctx, &c, "B", l.Acquire)
		third := acquirer(ctx, &c, "C", l.Acquire)
		ticks(ctx, 1)
		l.Release()
		b.Cancel()
		waitFor(ctx, b, third)
		expectEqual(t, "B is cancelled", b.Cancelled(), true)
		c.expect(t, "C")
	}))

	t.Run("N6 a release and a cancellation let exactly one more through", onLoop(func(ctx context.Context, t *testing.T) {
		calls, locks := 0, 0
		var l async.Lock
		lockIt := func(ctx context.Context) error {
			calls++
			err := l.Acquire(ctx)
			if err == nil {
				locks++
			}
			return err
		}
		check(l.Acquire(ctx))
		t1, t2, t3 := async.Go(ctx, lockIt), async.Go(ctx, lockIt), async.Go(ctx, lockIt)
		ticks(ctx, 1)
		t1.Cancel()
		l.Release()
		waitFor(ctx, t1, t2)
		ticks(ctx, 3)
		expectEqual(t, "the number of calls", calls, 3)
		expectEqual(t, "the number of locks", locks, 1)
		expectEqual(t, "t1 is cancelled", t1.Cancelled(), true)
		expectEqual(t, "t3 is done", t3.IsDone(), false)
	}))

	t.Run("N7 one who is cancelled leaves the line", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var l async.Lock
		check(l.Acquire(ctx))
		task := acquirer(ctx, &c, "1", l.Acquire)
		ticks(ctx, 1)
		expectEqual(t, "the number of waiters", l.Stats().Waiters, 1)
		task.Cancel()
		_, err := task.Await(ctx)
		expectError(t, "the task", err, async.ErrCancelled)
		expectEqual(t, "Stats", l.Stats(), async.LockStats{Locked: true})
	}))

	t.Run("N8 release of a lock that is free panics", onLoop(func(ctx context.Context, t *testing.T) {
		var l async.Lock
		expectPanic(t, "async: Lock is not acquired", l.Release)
		check(l.Acquire(ctx))
		l.Release()
		expectPanic(t, "async: Lock is not acquired", l.Release)
		check(l.Acquire(ctx))
		task := async.Go(ctx, l.Acquire)
		ticks(ctx, 1)
		l.Release()
		expectPanic(t, "async: Lock is not acquired", l.Release) // it is the waiter's, who does not run yet
		must(task.Await(ctx))
		expectEqual(t, "Locked", l.Locked(), true)
	}))

	t.Run("N9 anybody may release it, and its holder waits for itself", onLoop(func(ctx context.Context, t *testing.T) {
		var l async.Lock
		check(l.Acquire(ctx))
		must(async.Go(ctx, func(context.Context) error {
			l.Release()
			return nil
		}).Await(ctx))
		expectEqual(t, "Locked", l.Locked(), false)
		check(l.Acquire(ctx))
		_, err := async.WaitFor(ctx, async.Do(l.Acquire), hundredth)
		expectError(t, "to ask again", err, async.ErrTimeout)
		elsewhere(l.Release)
		expectEqual(t, "Locked", l.Locked(), false)
	}))

	t.Run("N10 the block holds the lock while it runs", onLoop(func(ctx context.Context, t *testing.T) {
		errBad := errors.New("bad")
		var l async.Lock
		expectError(t, "With", l.With(ctx, func(context.Context) error {
			expectEqual(t, "Locked inside", l.Locked(), true)
			return errBad
		}), errBad)
		expectEqual(t, "Locked outside", l.Locked(), false)
		expectPanic(t, "as it should", func() {
			_ = l.With(ctx, func(context.Context) error { panic("as it should") })
		})
		expectEqual(t, "Locked after a panic", l.Locked(), false)
	}))

	t.Run("N11 a lock serves two loops", func(t *testing.T) {
		var l async.Lock
		first, second := newTestLoop(t), newTestLoop(t)
		contend := func(ctx context.Context) error {
			check(l.Acquire(ctx))
			waiter := async.Go(ctx, l.Acquire)
			ticks(ctx, 1)
			l.Release()
			_, err := waiter.Await(ctx)
			l.Release()
			return err
		}
		must(async.RunUntilComplete(first, async.Do(contend)))
		must(async.RunUntilComplete(second, async.Do(contend)))
		expectEqual(t, "String", l.String(), "Lock(unlocked)")
	})

	t.Run("N12 String tells the state and how many wait", onLoop(func(ctx context.Context, t *testing.T) {
		var l async.Lock
		expectEqual(t, "a new lock", l.String(), "Lock(unlocked)")
		check(l.Acquire(ctx))
		expectEqual(t, "a held lock", l.String(), "Lock(locked)")
		task := async.Go(ctx, l.Acquire, async.Name("w"))
		ticks(ctx, 1)
		expectEqual(t, "a lock that is waited for", l.String(), "Lock(locked, waiters: 1)")
		if got := task.String(); !strings.HasSuffix(got, ", waiting for Lock(locked, waiters: 1))") {
			t.Errorf("the task that waits is %s", got)
		}
		l.Release()
		waitFor(ctx, task)
	}))
}

func TestLock(t *testing.T) {
	t.Run("a free lock is taken by one who is cancelled", onLoop(func(ctx context.Context, t *testing.T) {
		var l async.Lock
		async.CurrentTask(ctx).Cancel()
		expectError(t, "Acquire", l.Acquire(ctx), nil)
		expectError(t, "the next Acquire", l.Acquire(ctx), async.ErrCancelled)
		expectEqual(t, "String", l.String(), "Lock(locked)")
		async.Uncancel(ctx)
	}))
	t.Run("a lock that only the cancelled wait for is taken at once", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var l async.Lock
		check(l.Acquire(ctx))
		task := acquirer(ctx, &c, "1", l.Acquire)
		ticks(ctx, 1)
		task.Cancel()
		l.Release()
		expectEqual(t, "gave way", gaveWay(ctx, func() { check(l.Acquire(ctx)) }), false)
		waitFor(ctx, task)
		expectEqual(t, "String", l.String(), "Lock(locked)")
	}))
	t.Run("a timeout ends the wait", onLoop(func(ctx context.Context, t *testing.T) {
		var l async.Lock
		check(l.Acquire(ctx))
		short, cancel := async.WithTimeout(ctx, hundredth)
		defer cancel()
		expectError(t, "Acquire", l.Acquire(short), async.ErrTimeout)
		l.Release()
		expectEqual(t, "String", l.String(), "Lock(unlocked)")
	}))
	t.Run("a callback cannot wait", onLoop(func(ctx context.Context, t *testing.T) {
		var l async.Lock
		var first, second error
		running(ctx).CallSoon(func() {
			first = l.Acquire(ctx)
			second = l.Acquire(ctx)
		})
		ticks(ctx, 1)
		expectError(t, "a free lock", first, nil)
		expectError(t, "a held lock", second, async.ErrNotInTask)
		expectEqual(t, "String", l.String(), "Lock(locked)")
	}))
	t.Run("a task that is unwound while it waits hands on", func(t *testing.T) {
		var l async.Lock
		check(l.Acquire(t.Context()))
		dying := async.NewLoop(async.Clock(loop.NewVirtual()))
		parked := async.Go(dying.Context(), l.Acquire)
		runOnce(t, dying)
		got := make(chan error)
		go func() { got <- l.Acquire(context.Background()) }()
		for l.Stats().Waiters < 2 {
			check(async.Sleep(t.Context(), 0))
		}
		l.Release() // to the task, whose loop does not run any more
		check(dying.Close())
		expectError(t, "the goroutine", <-got, nil)
		expectEqual(t, "the task is done", parked.IsDone(), true)
		expectEqual(t, "String", l.String(), "Lock(locked)")
	})
}

func TestRLock(t *testing.T) {
	t.Run("its owner takes it again and releases it as often", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var r async.RLock
		for range 3 {
			check(r.Acquire(ctx))
		}
		must(async.Go(ctx, func(ctx context.Context) error {
			expectEqual(t, "TryAcquire by another task", r.TryAcquire(), false)
			return nil
		}).Await(ctx))
		other := acquirer(ctx, &c, "other", r.Acquire)
		ticks(ctx, 1)
		me := async.CurrentTask(ctx).Name()
		expectEqual(t, "Stats", r.Stats(), async.RLockStats{Owner: me, Depth: 3, Waiters: 1})
		expectEqual(t, "String", r.String(), "RLock(locked, owner: "+me+", depth: 3, waiters: 1)")
		for i := range 3 {
			expectEqual(t, "Locked", r.Locked(), true)
			c.expect(t)
			if i < 2 {
				r.Release()
				ticks(ctx, 2)
			}
		}
		atOnce(ctx, func() {
			r.Release()
			expectEqual(t, "Locked", r.Locked(), false)
		})
		waitFor(ctx, other)
		c.expect(t, "other")
		expectEqual(t, "the owner", r.Stats().Owner, other.Name())
	}))
	t.Run("only its owner releases it", onLoop(func(ctx context.Context, t *testing.T) {
		var r async.RLock
		expectPanic(t, "async: RLock is not acquired", r.Release)
		check(r.Acquire(ctx))
		must(async.Go(ctx, func(context.Context) error {
			expectPanic(t, "async: RLock is released by Other, and ", r.Release)
			return nil
		}, async.Name("Other")).Await(ctx))
		elsewhere(func() { expectPanic(t, "async: RLock is released by goroutine ", r.Release) })
		r.Release()
		expectEqual(t, "String", r.String(), "RLock(unlocked)")
	}))
	t.Run("it is first come, first served", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var r async.RLock
		check(r.Acquire(ctx))
		var all []doer
		for _, who := range []string{"A", "B", "C"} {
			all = append(all, async.Go(ctx, func(ctx context.Context) error {
				return r.With(ctx, func(ctx context.Context) error {
					return r.With(ctx, func(ctx context.Context) error {
						c.add("%s", who)
						return giveWay(ctx)
					})
				})
			}))
		}
		ticks(ctx, 1)
		all[1].Cancel()
		r.Release()
		expectEqual(t, "TryAcquire before those who wait", r.TryAcquire(), false)
		check(r.Acquire(ctx))
		c.expect(t, "A", "C")
		r.Release()
		waitFor(ctx, all...)
	}))
	t.Run("a callback owns nothing", onLoop(func(ctx context.Context, t *testing.T) {
		var r async.RLock
		running(ctx).CallSoon(func() {
			expectError(t, "Acquire", r.Acquire(ctx), async.ErrNotInTask)
			expectEqual(t, "TryAcquire", r.TryAcquire(), false)
		})
		ticks(ctx, 1)
		expectEqual(t, "Locked", r.Locked(), false)
	}))
	t.Run("what a task runs outside is not the task", onLoop(func(ctx context.Context, t *testing.T) {
		var r async.RLock
		check(r.Acquire(ctx))
		outside := func(context.Context) (bool, error) { return r.TryAcquire(), nil }
		expectEqual(t, "TryAcquire in Block", must(async.Block(ctx, outside)), false)
		expectEqual(t, "TryAcquire in ToThread", must(async.ToThread(ctx, outside)), false)
		r.Release()
		expectEqual(t, "Locked", r.Locked(), false)
	}))
	t.Run("goroutines own it", func(t *testing.T) {
		var r async.RLock
		check(r.Acquire(t.Context()))
		expectEqual(t, "TryAcquire by its owner", r.TryAcquire(), true)
		elsewhere(func() { expectEqual(t, "TryAcquire by another one", r.TryAcquire(), false) })
		short, cancel := context.WithCancel(t.Context())
		cancel()
		elsewhere(func() { expectError(t, "Acquire", r.Acquire(short), context.Canceled) })
		r.Release()
		r.Release()
		elsewhere(func() { check(r.Acquire(t.Context())); r.Release() })
	})
	t.Run("a task that is unwound releases what it has", func(t *testing.T) {
		var r async.RLock
		l := async.NewLoop(async.Clock(loop.NewVirtual()))
		async.Go(l.Context(), func(ctx context.Context) error {
			return r.With(ctx, func(ctx context.Context) error {
				_, err := forever(ctx)
				return err
			})
		})
		runOnce(t, l)
		check(l.Close())
		expectEqual(t, "String", r.String(), "RLock(unlocked)")
	})
}
