package async_test

import (
	"context"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

func TestFactsSemaphore(t *testing.T) {
	t.Run("Q1 permits go to those who wait, in their order", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		sem := async.NewSemaphore(3)
		check(sem.Acquire(ctx))
		check(sem.Acquire(ctx))
		expectEqual(t, "Locked", sem.Locked(), false)
		tasks := []doer{acquirer(ctx, &c, "1", sem.Acquire), acquirer(ctx, &c, "2", sem.Acquire), acquirer(ctx, &c, "3", sem.Acquire)}
		ticks(ctx, 1)
		c.expect(t, "1")
		expectEqual(t, "Stats", sem.Stats(), async.SemaphoreStats{Locked: true, Waiters: 2})
		sem.Release()
		sem.Release()
		expectEqual(t, "Value", sem.Value(), 0)
		ticks(ctx, 1)
		expectEqual(t, "Value", sem.Value(), 0)
		waitFor(ctx, tasks...)
		c.expect(t, "1", "2", "3")
		expectEqual(t, "String", sem.String(), "Semaphore(locked)")
	}))

	t.Run("Q2 who releases and asks again goes behind those who wait", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		sem := async.NewSemaphore(1)
		twice := func(who string) doer {
			return async.Go(ctx, func(ctx context.Context) error {
				for i := range 2 {
					check(sem.With(ctx, func(ctx context.Context) error {
						c.add("%s_%d", who, i+1)
						return async.Sleep(ctx, hundredth)
					}))
				}
				return nil
			})
		}
		waitFor(ctx, twice("c1"), twice("c2"), twice("c3"))
		c.expect(t, "c1_1", "c2_1", "c3_1", "c1_2", "c2_2", "c3_2")
	}))

	t.Run("Q3 who asks again at once is the last", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		sem := async.NewSemaphore(1)
		t1 := acquirer(ctx, &c, "1", sem.Acquire)
		t2 := async.Go(ctx, func(ctx context.Context) error {
			check(sem.Acquire(ctx))
			c.add("2")
			sem.Release()
			check(sem.Acquire(ctx))
			c.add("4")
			return nil
		})
		t3 := acquirer(ctx, &c, "3", sem.Acquire)
		must(t1.Await(ctx))
		sem.Release()
		sem.Release()
		waitFor(ctx, t2, t3)
		c.expect(t, "1", "2", "3", "4")
	}))

	t.Run("Q4 one who is cancelled before it begins has no place", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		sem := async.NewSemaphore(0)
		tasks := []doer{acquirer(ctx, &c, "1", sem.Acquire), acquirer(ctx, &c, "2", sem.Acquire), acquirer(ctx, &c, "3", sem.Acquire)}
		tasks[0].Cancel()
		ticks(ctx, 1)
		sem.Release()
		sem.Release()
		waitFor(ctx, tasks...)
		c.expect(t, "2", "3")
	}))

	t.Run("Q5 those who are cancelled do not use up a permit", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		sem := async.NewSemaphore(0)
		var tasks []doer
		for _, who := range []string{"1", "2", "3", "4"} {
			tasks = append(tasks, acquirer(ctx, &c, who, sem.Acquire))
		}
		ticks(ctx, 1)
		tasks[0].Cancel()
		tasks[1].Cancel()
		sem.Release()
		ticks(ctx, 2)
		c.expect(t, "3")
		expectEqual(t, "the third is done", tasks[2].IsDone(), true)
		expectEqual(t, "the fourth is done", tasks[3].IsDone(), false)
		expectEqual(t, "Stats", sem.Stats(), async.SemaphoreStats{Locked: true, Waiters: 1})
		tasks[3].Cancel()
		waitFor(ctx, tasks...)
		expectEqual(t, "String", sem.String(), "Semaphore(locked)")
	}))

	t.Run("Q6 the permit of one who is cancelled when it was woken comes back", onLoop(func(ctx context.Context, t *testing.T) {
		sem := async.NewSemaphore(1)
		var t2 doer
		t1 := async.Go(ctx, func(ctx context.Context) error {
			check(sem.With(ctx, func(ctx context.Context) error { return giveWay(ctx) }))
			t2.Cancel()
			return nil
		})
		t2 = async.Go(ctx, sem.Acquire)
		waitFor(ctx, t1, t2)
		expectError(t, "t1", t1.Err(), nil)
		expectEqual(t, "t2 is cancelled", t2.Cancelled(), true)
		_, err := async.WaitFor(ctx, async.Do(sem.Acquire), minute)
		expectError(t, "a later Acquire", err, nil)
	}))

	t.Run("Q7 with permits left it is locked until those who were woken have run", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		sem := async.NewSemaphore(0)
		tasks := []doer{acquirer(ctx, &c, "A", sem.Acquire), acquirer(ctx, &c, "B", sem.Acquire), acquirer(ctx, &c, "C", sem.Acquire)}
		ticks(ctx, 1)
		for range 4 {
			sem.Release()
		}
		expectEqual(t, "Stats", sem.Stats(), async.SemaphoreStats{Locked: true, Value: 1, Waiters: 3})
		expectEqual(t, "TryAcquire", sem.TryAcquire(), false)
		tasks = append(tasks, acquirer(ctx, &c, "newcomer", sem.Acquire))
		waitFor(ctx, tasks...)
		c.expect(t, "A", "B", "C", "newcomer")
	}))

	t.Run("Q8 a negative value and a release too many panic", onLoop(func(ctx context.Context, t *testing.T) {
		expectPanic(t, "async: Semaphore initial value must be >= 0", func() { async.NewSemaphore(-1) })
		expectPanic(t, "async: Semaphore initial value must be >= 0", func() { async.NewBoundedSemaphore(-1) })
		sem := async.NewSemaphore(1)
		sem.Release()
		expectEqual(t, "Value", sem.Value(), 2)
		bounded := async.NewBoundedSemaphore(1)
		expectPanic(t, "async: BoundedSemaphore released too many times", bounded.Release)
		check(bounded.Acquire(ctx))
		bounded.Release()
		expectPanic(t, "async: BoundedSemaphore released too many times", bounded.Release)
		expectEqual(t, "Value", bounded.Value(), 1)
		expectPanic(t, "async: BoundedSemaphore released too many times", new(async.BoundedSemaphore).Release)
	}))

	t.Run("Q9 String tells the state, the value and how many wait", onLoop(func(ctx context.Context, t *testing.T) {
		none, one := new(async.Semaphore), async.NewSemaphore(1)
		expectEqual(t, "Locked", none.Locked(), true)
		expectEqual(t, "without a permit", none.String(), "Semaphore(locked)")
		expectEqual(t, "with one", one.String(), "Semaphore(unlocked, value: 1)")
		task := async.Go(ctx, none.Acquire)
		ticks(ctx, 1)
		expectEqual(t, "with a waiter", none.String(), "Semaphore(locked, waiters: 1)")
		none.Release()
		waitFor(ctx, task)
		bounded := async.NewBoundedSemaphore(2)
		expectEqual(t, "a bounded one", bounded.String(), "BoundedSemaphore(unlocked, value: 2)")
	}))
}

func TestSemaphore(t *testing.T) {
	t.Run("a timeout ends the wait", onLoop(func(ctx context.Context, t *testing.T) {
		var sem async.Semaphore
		short, cancel := async.WithTimeout(ctx, hundredth)
		defer cancel()
		expectError(t, "Acquire", sem.Acquire(short), async.ErrTimeout)
		sem.Release()
		expectEqual(t, "String", sem.String(), "Semaphore(unlocked, value: 1)")
	}))
	t.Run("a callback takes what is there and cannot wait", onLoop(func(ctx context.Context, t *testing.T) {
		sem := async.NewSemaphore(1)
		running(ctx).CallSoon(func() {
			expectError(t, "Acquire", sem.Acquire(ctx), nil)
			expectError(t, "a second Acquire", sem.Acquire(ctx), async.ErrNotInTask)
			sem.Release()
		})
		ticks(ctx, 1)
		expectEqual(t, "String", sem.String(), "Semaphore(unlocked, value: 1)")
	}))
	t.Run("a bounded one is held by its block", onLoop(func(ctx context.Context, t *testing.T) {
		sem := async.NewBoundedSemaphore(1)
		check(sem.With(ctx, func(ctx context.Context) error {
			expectEqual(t, "Stats", sem.Stats(), async.SemaphoreStats{Locked: true})
			expectEqual(t, "TryAcquire", sem.TryAcquire(), false)
			waiter := async.Go(ctx, sem.Acquire)
			ticks(ctx, 1)
			expectEqual(t, "String", sem.String(), "BoundedSemaphore(locked, waiters: 1)")
			waiter.Cancel()
			waitFor(ctx, waiter)
			return nil
		}))
		expectEqual(t, "Locked", sem.Locked(), false)
	}))
	t.Run("a task that is unwound hands its permit on", func(t *testing.T) {
		sem := async.NewBoundedSemaphore(1)
		check(sem.Acquire(t.Context()))
		l := async.NewLoop(async.Clock(loop.NewVirtual()))
		async.Go(l.Context(), sem.Acquire)
		runOnce(t, l)
		sem.Release()
		check(l.Close())
		expectEqual(t, "String", sem.String(), "BoundedSemaphore(unlocked, value: 1)")
	})
}
