package async_test

import (
	"context"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

func TestFactsEvent(t *testing.T) {
	t.Run("O1 those who wait go on a tick after those who find it set", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var ev async.Event
		a := acquirer(ctx, &c, "a", ev.Wait)
		b := acquirer(ctx, &c, "b", ev.Wait)
		ticks(ctx, 1)
		third := acquirer(ctx, &c, "c", ev.Wait)
		ev.Set()
		waitFor(ctx, a, b, third)
		c.expect(t, "c", "a", "b")
	}))

	t.Run("O2 who is woken goes on although the event is cleared at once", onLoop(func(ctx context.Context, t *testing.T) {
		var ev async.Event
		a := async.Go(ctx, ev.Wait)
		ticks(ctx, 1)
		ev.Set()
		ev.Clear()
		expectEqual(t, "IsSet", ev.IsSet(), false)
		waitFor(ctx, a)
		expectError(t, "Wait", a.Err(), nil)
	}))

	t.Run("O3 who is woken is listed until it runs, and a second Set does no harm", onLoop(func(ctx context.Context, t *testing.T) {
		var ev async.Event
		a := async.Go(ctx, ev.Wait)
		ticks(ctx, 1)
		expectEqual(t, "String", ev.String(), "Event(unset, waiters: 1)")
		ev.Set()
		expectEqual(t, "String", ev.String(), "Event(set, waiters: 1)")
		ev.Set()
		ev.Clear()
		ev.Set()
		expectEqual(t, "Stats", ev.Stats(), async.EventStats{Set: true, Waiters: 1})
		waitFor(ctx, a)
		expectError(t, "Wait", a.Err(), nil)
		expectEqual(t, "String", ev.String(), "Event(set)")
	}))

	t.Run("O4 to wait for an event that is set does not give way", onLoop(func(ctx context.Context, t *testing.T) {
		var ev async.Event
		ev.Set()
		expectEqual(t, "gave way", gaveWay(ctx, func() { check(ev.Wait(ctx)) }), false)
	}))

	t.Run("O5 one who is cancelled leaves the line", onLoop(func(ctx context.Context, t *testing.T) {
		var ev async.Event
		a := async.Go(ctx, ev.Wait)
		ticks(ctx, 1)
		a.Cancel()
		waitFor(ctx, a)
		expectEqual(t, "a is cancelled", a.Cancelled(), true)
		expectEqual(t, "String", ev.String(), "Event(unset)")
	}))
}

func TestEvent(t *testing.T) {
	t.Run("a cancellation in the tick of Set counts", onLoop(func(ctx context.Context, t *testing.T) {
		var ev async.Event
		a := async.Go(ctx, ev.Wait)
		ticks(ctx, 1)
		ev.Set()
		a.Cancel()
		waitFor(ctx, a)
		expectEqual(t, "a is cancelled", a.Cancelled(), true)
		expectEqual(t, "String", ev.String(), "Event(set)")
	}))
	t.Run("a timeout ends the wait", onLoop(func(ctx context.Context, t *testing.T) {
		var ev async.Event
		short, cancel := async.WithTimeout(ctx, hundredth)
		defer cancel()
		expectError(t, "Wait", ev.Wait(short), async.ErrTimeout)
		expectEqual(t, "String", ev.String(), "Event(unset)")
	}))
	t.Run("a callback cannot wait, and can set", onLoop(func(ctx context.Context, t *testing.T) {
		var ev async.Event
		running(ctx).CallSoon(func() {
			expectError(t, "Wait", ev.Wait(ctx), async.ErrNotInTask)
			ev.Set()
			expectError(t, "Wait when it is set", ev.Wait(ctx), nil)
		})
		check(ev.Wait(ctx))
	}))
	t.Run("a goroutine that has both takes the event", func(t *testing.T) {
		var ev async.Event
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		expectError(t, "Wait", ev.Wait(ctx), async.ErrCancelled)
		ev.Set()
		expectError(t, "Wait", ev.Wait(ctx), nil)
	})
	t.Run("a task that is unwound leaves the line", func(t *testing.T) {
		var ev async.Event
		l := async.NewLoop(async.Clock(loop.NewVirtual()))
		async.Go(l.Context(), ev.Wait)
		runOnce(t, l)
		check(l.Close())
		expectEqual(t, "String", ev.String(), "Event(unset)")
	})
}
