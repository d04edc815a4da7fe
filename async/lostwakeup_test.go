package async_test

import (
	"context"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// CPython has lost wake-ups in its locks several times: one who was woken and cancelled in the same tick took the turn along. Each of
// these bugs has a test here, in both orders of the wake-up and the cancellation, and with the last one who waits as a goroutine
// and as a task.

// lastInLine has somebody wait as the last one, and returns how to wait until it has its turn.
func lastInLine(ctx context.Context, goroutine bool, wait func(context.Context) error, waiters func() int) (served func()) {
	n := waiters()
	if !goroutine {
		task := async.Go(ctx, wait)
		ticks(ctx, 1)
		return func() { must(task.Await(ctx)) }
	}
	done := make(chan error, 1)
	go func() { done <- wait(context.Background()) }()
	for waiters() == n {
		ticks(ctx, 1)
	}
	return func() {
		check(must(async.ToThread(ctx, func(context.Context) (error, error) { return <-done, nil })))
	}
}

// lostWakeups runs a test of one bug in all variations. first waits and is cancelled when wake wakes it; last must have the turn.
func lostWakeups(t *testing.T, test func(ctx context.Context, t *testing.T, goroutine bool, both func(wake, cancel func()))) {
	for _, v := range []struct {
		name                   string
		goroutine, cancelFirst bool
	}{
		{"woken, then cancelled, before a task", false, false},
		{"cancelled, then woken, before a task", false, true},
		{"woken, then cancelled, before a goroutine", true, false},
		{"cancelled, then woken, before a goroutine", true, true},
	} {
		t.Run(v.name, onLoop(func(ctx context.Context, t *testing.T) {
			test(ctx, t, v.goroutine, func(wake, cancel func()) {
				if v.cancelFirst {
					cancel()
					wake()
				} else {
					wake()
					cancel()
				}
			})
		}))
	}
}

// TestLostWakeupLock is N4 and N5: bpo-27585, bpo-32734.
func TestLostWakeupLock(t *testing.T) {
	lostWakeups(t, func(ctx context.Context, t *testing.T, goroutine bool, both func(wake, cancel func())) {
		var l async.Lock
		check(l.Acquire(ctx))
		first := async.Go(ctx, l.Acquire)
		ticks(ctx, 1)
		served := lastInLine(ctx, goroutine, l.Acquire, func() int { return l.Stats().Waiters })
		both(l.Release, func() { first.Cancel() })
		served()
		waitFor(ctx, first)
		expectEqual(t, "the first is cancelled", first.Cancelled(), true)
		expectEqual(t, "String", l.String(), "Lock(locked)")
	})
}

// TestLostWakeupLockTwice is N6: exactly one goes on, neither none nor two.
func TestLostWakeupLockTwice(t *testing.T) {
	lostWakeups(t, func(ctx context.Context, t *testing.T, goroutine bool, both func(wake, cancel func())) {
		var l async.Lock
		check(l.Acquire(ctx))
		first := async.Go(ctx, l.Acquire)
		ticks(ctx, 1)
		served := lastInLine(ctx, goroutine, l.Acquire, func() int { return l.Stats().Waiters })
		more := async.Go(ctx, l.Acquire)
		ticks(ctx, 1)
		both(l.Release, func() { first.Cancel() })
		served()
		ticks(ctx, 5)
		expectEqual(t, "the one behind is done", more.IsDone(), false)
		l.Release()
		must(more.Await(ctx))
		expectEqual(t, "String", l.String(), "Lock(locked)")
	})
}

// TestLostWakeupCondition is P8: gh-112202.
func TestLostWakeupCondition(t *testing.T) {
	lostWakeups(t, func(ctx context.Context, t *testing.T, goroutine bool, both func(wake, cancel func())) {
		var cond async.Condition
		wait := func(ctx context.Context) error { return cond.With(ctx, cond.Wait) }
		first := async.Go(ctx, wait)
		ticks(ctx, 1)
		served := lastInLine(ctx, goroutine, wait, func() int { return cond.Stats().Waiters })
		check(cond.Acquire(ctx))
		both(func() { cond.Notify(1) }, func() { first.Cancel() })
		cond.Release()
		served()
		waitFor(ctx, first)
		expectEqual(t, "the first is cancelled", first.Cancelled(), true)
		expectEqual(t, "String", cond.String(), "Condition(unlocked)")
	})
}

// TestLostWakeupSemaphore is Q5 and Q6: bpo-45997, gh-90155.
func TestLostWakeupSemaphore(t *testing.T) {
	lostWakeups(t, func(ctx context.Context, t *testing.T, goroutine bool, both func(wake, cancel func())) {
		var sem async.Semaphore
		first, second := async.Go(ctx, sem.Acquire), async.Go(ctx, sem.Acquire)
		ticks(ctx, 1)
		served := lastInLine(ctx, goroutine, sem.Acquire, func() int { return sem.Stats().Waiters })
		both(sem.Release, func() {
			first.Cancel()
			second.Cancel()
		})
		served()
		waitFor(ctx, first, second)
		expectEqual(t, "Stats", sem.Stats(), async.SemaphoreStats{Locked: true})
	})
}

// TestLostWakeupSemaphoreAlone is Q6: the permit comes back also if nobody else waits.
func TestLostWakeupSemaphoreAlone(t *testing.T) {
	lostWakeups(t, func(ctx context.Context, t *testing.T, _ bool, both func(wake, cancel func())) {
		var sem async.Semaphore
		first := async.Go(ctx, sem.Acquire)
		ticks(ctx, 1)
		both(sem.Release, func() { first.Cancel() })
		waitFor(ctx, first)
		expectEqual(t, "String", sem.String(), "Semaphore(unlocked, value: 1)")
		expectEqual(t, "gave way", gaveWay(ctx, func() { check(sem.Acquire(ctx)) }), false)
	})
}
