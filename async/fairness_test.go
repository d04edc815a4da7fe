package async_test

import (
	"context"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// Orders that CPython 3.13 prints for the same programs, and that a plain line of waiters gets wrong.
func TestFairnessAfterACancellation(t *testing.T) {
	t.Run("a waiter of a Condition that is cancelled while it queues for the lock goes to the end", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var cond async.Condition
		var tasks []*async.Task[async.Void]
		for _, name := range []string{"a", "b", "c"} {
			tasks = append(tasks, async.Go(ctx, func(ctx context.Context) error {
				check(cond.Acquire(ctx))
				defer cond.Release()
				if err := cond.Wait(ctx); err != nil {
					c.add("%s cancelled, locked %t", name, cond.Locked())
					return err
				}
				c.add("%s has it", name)
				return nil
			}))
		}
		ticks(ctx, 2)
		check(cond.Acquire(ctx))
		cond.NotifyAll()
		ticks(ctx, 2)
		tasks[0].Cancel()
		ticks(ctx, 2)
		cond.Release()
		waitFor(ctx, tasks[0], tasks[1], tasks[2])
		c.expect(t, "b has it", "c has it", "a cancelled, locked true")
	}))

	t.Run("one who is cancelled at a Barrier sends the first to the end of the line", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		b := async.NewBarrier(4)
		arrive := func(name string) *async.Task[async.Void] {
			return async.Go(ctx, func(ctx context.Context) error {
				i, err := b.Wait(ctx)
				if err == nil {
					c.add("%s %d", name, i)
				}
				return err
			})
		}
		first, _, _ := arrive("a"), arrive("b"), arrive("c")
		ticks(ctx, 1)
		first.Cancel()
		ticks(ctx, 3)
		arrive("d")
		e := arrive("e")
		waitFor(ctx, e)
		ticks(ctx, 3)
		c.expect(t, "e 3", "c 2", "b 1", "d 2")
	}))

	t.Run("one who asks for a Lock when it is cancelled already gives way with its place in the line", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var l async.Lock
		check(l.Acquire(ctx))
		var x *async.Task[async.Void]
		x = async.Go(ctx, func(ctx context.Context) error {
			x.Cancel()
			err := l.Acquire(ctx)
			c.add("x %v", err)
			return err
		})
		y := async.Go(ctx, func(ctx context.Context) error {
			check(l.Acquire(ctx))
			c.add("y has it")
			return nil
		})
		ticks(ctx, 1)
		l.Release()
		for i := range 2 {
			c.add("tick %d", i)
			ticks(ctx, 1)
		}
		waitFor(ctx, x, y)
		c.expect(t, "tick 0", "x cancelled", "tick 1", "y has it")
	}))

	t.Run("a gather whose children have just ended is waited for by one who is cancelled", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		child := async.Coroutine[int](func(ctx context.Context) (int, error) { return 0, giveWay(ctx) })
		for n := 2; n <= 4; n++ {
			x := async.Go(ctx, func(ctx context.Context) error {
				_, err := async.Gather[int](ctx, child, child)
				c.add("x %v", err)
				return err
			})
			ticks(ctx, n)
			c.add("cancel after %d: %t", n, x.Cancel())
			for i := range 3 {
				c.add("tick %d", i)
				ticks(ctx, 1)
			}
			waitFor(ctx, x)
		}
		c.expect(t,
			"cancel after 2: true", "tick 0", "tick 1", "tick 2", "x cancelled",
			"cancel after 3: true", "tick 0", "tick 1", "x cancelled", "tick 2",
			"cancel after 4: true", "tick 0", "x cancelled", "tick 1", "tick 2")
	}))

	t.Run("a nil ctx leaves what it was passed to as it was", func(t *testing.T) {
		var l async.Lock
		var e async.Event
		s, b := async.NewSemaphore(0), async.NewBarrier(2)
		l.TryAcquire()
		var none context.Context
		for name, wait := range map[string]func(){
			"Lock":      func() { l.Acquire(none) },
			"Event":     func() { e.Wait(none) },
			"Semaphore": func() { s.Acquire(none) },
			"Barrier":   func() { b.Wait(none) },
		} {
			t.Run(name, func(t *testing.T) { expectPanic(t, "async: the ctx of a wait is nil", wait) })
		}
		l.Release()
		expectEqual(t, "the lock is free", l.TryAcquire(), true)
		e.Set()
		s.Release()
		expectEqual(t, "the semaphore has a permit", s.TryAcquire(), true)
		expectEqual(t, "the number of those who wait at the barrier", b.Waiting(), 0)
	})
}
