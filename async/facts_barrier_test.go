package async_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// comer waits at a barrier in a task of its own, and tells its index or the error.
func comer(ctx context.Context, c *chronicle, b *async.Barrier, who string) doer {
	return async.Go(ctx, func(ctx context.Context) error {
		index, err := b.Wait(ctx)
		switch {
		case errors.Is(err, async.ErrBrokenBarrier):
			c.add("%s: %v", who, err)
		case err != nil:
			return err
		default:
			c.add("%s %d", who, index)
		}
		return nil
	})
}

func TestFactsBarrier(t *testing.T) {
	t.Run("R1 it fills one by one and can be used again", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		b := async.NewBarrier(3)
		for range 2 {
			for n, who := range []string{"A", "B", "C"} {
				comer(ctx, &c, b, who)
				ticks(ctx, 1)
				expectEqual(t, "Waiting", b.Waiting(), (n+1)%3)
			}
			ticks(ctx, 1)
			expectEqual(t, "String", b.String(), "Barrier(filling, waiters: 0/3)")
		}
		c.expect(t, "C 2", "A 0", "B 1", "C 2", "A 0", "B 1")
		expectEqual(t, "Parties", b.Parties(), 3)
	}))

	t.Run("R2 the last one does not wait", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		b := async.NewBarrier(3)
		waitFor(ctx, comer(ctx, &c, b, "A"), comer(ctx, &c, b, "B"), comer(ctx, &c, b, "C"))
		c.expect(t, "C 2", "A 0", "B 1")
	}))

	t.Run("R3 it is draining until the last one is out", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		b := async.NewBarrier(5)
		var all []doer
		for range 5 {
			all = append(all, async.Go(ctx, func(ctx context.Context) error {
				must(b.Wait(ctx))
				c.add("%s", b.Stats().State)
				expectEqual(t, "Waiting", b.Waiting(), 0)
				return nil
			}))
		}
		waitFor(ctx, all...)
		c.expect(t, "draining", "draining", "draining", "draining", "filling")
	}))

	t.Run("R4 who comes back while it drains waits for the next round", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		b := async.NewBarrier(3)
		var all []doer
		for _, who := range []string{"A", "B", "C"} {
			all = append(all, async.Go(ctx, func(ctx context.Context) error {
				for round := range 3 {
					must(b.Wait(ctx))
					c.add("%s in round %d", who, round)
				}
				return nil
			}))
		}
		ticks(ctx, 1)
		expectEqual(t, "Stats", b.Stats(), async.BarrierStats{State: "draining", Parties: 3, Inside: 2, Outside: 1})
		waitFor(ctx, all...)
		for i, line := range c.lines {
			if !strings.HasSuffix(line, fmt.Sprintf("in round %d", i/3)) {
				t.Fatalf("the rounds mix: %v", c.lines)
			}
		}
	}))

	t.Run("R5 one who is cancelled leaves, and another one can take its place", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		b := async.NewBarrier(3)
		first, second := comer(ctx, &c, b, "A"), comer(ctx, &c, b, "B")
		ticks(ctx, 1)
		first.Cancel()
		waitFor(ctx, first)
		expectEqual(t, "A is cancelled", first.Cancelled(), true)
		expectEqual(t, "Waiting", b.Waiting(), 1)
		expectEqual(t, "Broken", b.Broken(), false)
		waitFor(ctx, second, comer(ctx, &c, b, "C"), comer(ctx, &c, b, "D"))
		expectEqual(t, "Waiting", b.Waiting(), 0)
	}))

	t.Run("R6 after that an index may come twice", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		b := async.NewBarrier(3)
		f, g := comer(ctx, &c, b, "F"), comer(ctx, &c, b, "G")
		ticks(ctx, 1)
		f.Cancel()
		waitFor(ctx, f)
		waitFor(ctx, g, comer(ctx, &c, b, "H"), comer(ctx, &c, b, "I"))
		c.expect(t, "I 2", "G 1", "H 1")
	}))

	t.Run("R7 Reset sends away who waits", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		b := async.NewBarrier(3)
		first, second := comer(ctx, &c, b, "A"), comer(ctx, &c, b, "B")
		ticks(ctx, 1)
		b.Reset()
		expectEqual(t, "String", b.String(), "Barrier(resetting, waiters: 0/3)")
		waitFor(ctx, first, second)
		c.expect(t, "A: async: Abort or reset of barrier", "B: async: Abort or reset of barrier")
		expectEqual(t, "String", b.String(), "Barrier(filling, waiters: 0/3)")
		expectEqual(t, "Broken", b.Broken(), false)
	}))

	t.Run("R8 Reset of a barrier that nobody waits at does nothing", onLoop(func(ctx context.Context, t *testing.T) {
		b := async.NewBarrier(3)
		b.Reset()
		expectEqual(t, "String", b.String(), "Barrier(filling, waiters: 0/3)")
	}))

	t.Run("R9 Reset while it drains sends away who is still inside", onLoop(func(ctx context.Context, t *testing.T) {
		b := async.NewBarrier(5)
		out, away := 0, 0
		var all []doer
		for range 5 {
			all = append(all, async.Go(ctx, func(ctx context.Context) error {
				_, err := b.Wait(ctx)
				if errors.Is(err, async.ErrBrokenBarrier) {
					away++
					return nil
				}
				if out++; out == 3 {
					b.Reset()
				}
				return err
			}))
		}
		waitFor(ctx, all...)
		expectEqual(t, "how many are through", out, 3)
		expectEqual(t, "how many were sent away", away, 2)
		expectEqual(t, "String", b.String(), "Barrier(filling, waiters: 0/5)")
	}))

	t.Run("R10 Reset by the last one out sends nobody away", onLoop(func(ctx context.Context, t *testing.T) {
		b := async.NewBarrier(5)
		out := 0
		var all []doer
		for range 5 {
			all = append(all, async.Go(ctx, func(ctx context.Context) error {
				_, err := b.Wait(ctx)
				if out++; out == 5 {
					b.Reset()
				}
				return err
			}))
		}
		waitFor(ctx, all...)
		for _, task := range all {
			expectError(t, "Wait", task.Err(), nil)
		}
		expectEqual(t, "String", b.String(), "Barrier(filling, waiters: 0/5)")
	}))

	t.Run("R11 Abort sends away who waits and who comes, until Reset", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		b := async.NewBarrier(3)
		first := comer(ctx, &c, b, "A")
		ticks(ctx, 1)
		b.Abort()
		expectEqual(t, "Broken", b.Broken(), true)
		waitFor(ctx, first, comer(ctx, &c, b, "B"))
		c.expect(t, "A: async: Abort or reset of barrier", "B: async: Barrier aborted")
		expectEqual(t, "gave way", gaveWay(ctx, func() { _, _ = b.Wait(ctx) }), false)
		expectEqual(t, "String", b.String(), "Barrier(broken)")
		b.Reset()
		waitFor(ctx, comer(ctx, &c, b, "C"), comer(ctx, &c, b, "D"), comer(ctx, &c, b, "E"))
		expectEqual(t, "Broken", b.Broken(), false)
	}))

	t.Run("R11 Abort while it drains sends away who waits outside too", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		b := async.NewBarrier(2)
		first := comer(ctx, &c, b, "A")
		second := async.Go(ctx, func(ctx context.Context) error {
			must(b.Wait(ctx))
			b.Abort()
			return nil
		})
		waitFor(ctx, first, second, comer(ctx, &c, b, "C"))
		c.expect(t, "C: async: Barrier aborted", "A: async: Abort or reset of barrier")
	}))

	t.Run("R12 an error in the block does not break it", onLoop(func(ctx context.Context, t *testing.T) {
		errBad := errors.New("bad")
		b := async.NewBarrier(1)
		expectError(t, "With", b.With(ctx, func(_ context.Context, position int) error {
			expectEqual(t, "the position", position, 0)
			return errBad
		}), errBad)
		expectEqual(t, "String", b.String(), "Barrier(filling, waiters: 0/1)")
		b.Abort()
		expectError(t, "With", b.With(ctx, func(context.Context, int) error { return errBad }), async.ErrBrokenBarrier)
	}))

	t.Run("R13 it needs one party at least, and one does not wait", onLoop(func(ctx context.Context, t *testing.T) {
		for _, n := range []int{0, -4} {
			expectPanic(t, "async: parties must be > 0", func() { async.NewBarrier(n) })
		}
		expectPanic(t, "async: the Barrier was not made by NewBarrier", func() { _, _ = new(async.Barrier).Wait(ctx) })
		b := async.NewBarrier(1)
		for range 3 {
			expectEqual(t, "gave way", gaveWay(ctx, func() { expectEqual(t, "the index", must(b.Wait(ctx)), 0) }), false)
		}
	}))
}

func TestBarrier(t *testing.T) {
	t.Run("a timeout ends the wait", onLoop(func(ctx context.Context, t *testing.T) {
		b := async.NewBarrier(2)
		short, cancel := async.WithTimeout(ctx, hundredth)
		defer cancel()
		_, err := b.Wait(short)
		expectError(t, "Wait", err, async.ErrTimeout)
		_, err = b.Wait(short) // that was over before
		expectError(t, "Wait", err, async.ErrTimeout)
		expectEqual(t, "String", b.String(), "Barrier(filling, waiters: 0/2)")
	}))
	t.Run("one who is cancelled outside does not count", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		b := async.NewBarrier(2)
		first, second, third := comer(ctx, &c, b, "A"), comer(ctx, &c, b, "B"), comer(ctx, &c, b, "C")
		running(ctx).CallSoon(func() { third.Cancel() })
		waitFor(ctx, first, second, third)
		c.expect(t, "B 1", "A 0")
		expectEqual(t, "C is cancelled", third.Cancelled(), true)
		expectEqual(t, "Stats", b.Stats(), async.BarrierStats{State: "filling", Parties: 2})
	}))
	t.Run("a callback can be the last one, and cannot wait", onLoop(func(ctx context.Context, t *testing.T) {
		b := async.NewBarrier(1)
		running(ctx).CallSoon(func() { must(b.Wait(ctx)) })
		two := async.NewBarrier(2)
		running(ctx).CallSoon(func() {
			_, err := two.Wait(ctx)
			expectError(t, "Wait", err, async.ErrNotInTask)
		})
		ticks(ctx, 1)
		expectEqual(t, "Waiting", two.Waiting(), 0)
	}))
	t.Run("a task that is unwound leaves", func(t *testing.T) {
		b := async.NewBarrier(2)
		l := async.NewLoop(async.Clock(loop.NewVirtual()))
		async.Go(l.Context(), func(ctx context.Context) error {
			_, err := b.Wait(ctx)
			return err
		})
		runOnce(t, l)
		expectEqual(t, "Waiting", b.Waiting(), 1)
		check(l.Close())
		expectEqual(t, "Stats", b.Stats(), async.BarrierStats{State: "filling", Parties: 2})
	})
}
