package loop

import (
	"context"
	"runtime"
	"time"
)

// block is how a plain goroutine waits. by is nil if done is closed by what it waits for, and not sent to.
func block(ctx context.Context, done <-chan struct{}, by signal) error {
	var closed <-chan struct{}
	if l := Of(ctx); l != nil {
		closed = l.closed
	}
	select {
	case <-done:
		return nil
	default:
	}
	if resume := pause(ctx, done, by); resume != nil {
		defer resume()
	}
	if _, timed := ctx.Deadline(); timed {
		return blockUntil(ctx, done, closed)
	}
	return blockForGood(ctx, done, closed)
}

// blockForGood is block without a deadline. It has a name of its own so that a test can tell by the stack of the
// goroutine that somebody else has to wake it.
//
//go:noinline
func blockForGood(ctx context.Context, done, closed <-chan struct{}) error {
	return blockUntil(ctx, done, closed)
}

func blockUntil(ctx context.Context, done, closed <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		select {
		case <-done: // both: what has come counts
			return nil
		default:
		}
		return EndOf(ctx).Wait
	case <-closed:
		return ErrLoopClosed
	}
}

// Sleep waits for d. If d is not positive, it lets all that is ready run once. If ctx is cancelled,
// it returns the error of the cancellation, after one tick at the earliest. On a plain goroutine it
// blocks.
func Sleep(ctx context.Context, d time.Duration) error {
	if d > 0 {
		return sleep(ctx, d)
	}
	t, err := Current(ctx)
	if t == nil || ctx != context.Context(t) || t.w.spot == besideLoop {
		return yield(ctx, t, err)
	}
	// The usual case, without a further frame.
	t.state = woken
	t.loop.pushInside(t)
	if p := t.depart(); p != nil {
		if p.Turn {
			p.Turn = false
			p.Yield(struct{}{})
		} else {
			p.Turn = true
			p.Next()
		}
		t.w.Arrive()
	}
	t.w.on = true
	t.state = running
	if t.cause.Load() == nil {
		return nil
	}
	return t.deliver(t.cause.Load())
}

// yield is Sleep for no time in the unusual cases.
func yield(ctx context.Context, t *Task, err error) error {
	switch {
	case err != nil:
		return err
	case t == nil:
		runtime.Gosched()
		if c := CauseOf(ctx); c != nil {
			return c.Wait
		}
		return nil
	}
	w := t.w
	if w.spot == besideLoop {
		defer w.leave(w.enter())
	}
	w.observe(ctx)
	t.yield()
	c := w.cancelCause()
	w.unobserve()
	if c != nil {
		return t.deliver(c)
	}
	return nil
}

// sleep is Sleep for some time.
func sleep(ctx context.Context, d time.Duration) error {
	t, err := Current(ctx)
	switch {
	case err != nil:
		return err
	case t == nil:
		return sleepOutside(ctx, d)
	}
	w, l := t.w, t.loop
	if w.spot == besideLoop {
		defer w.leave(w.enter())
	}
	w.observe(ctx)
	c := w.cancelCause()
	if c != nil {
		t.yield()
		w.unobserve()
		return t.deliver(c)
	}
	when := l.After(d)
	if l.sched != nil {
		w.more().until = when
	}
	l.timers.add(when, (*sleeper)(w))
	for {
		t.park()
		if c = w.cancelCause(); c != nil || w.timer == 0 {
			break
		}
	}
	l.timers.cancel((*sleeper)(w))
	w.unobserve()
	if c != nil {
		return t.deliver(c)
	}
	return nil
}

// sleepOutside is Sleep on a plain goroutine. If ctx belongs to a loop, the time is that of the
// loop's clock.
func sleepOutside(ctx context.Context, d time.Duration) error {
	if l := Of(ctx); l != nil {
		var c Completion
		h := NewHandle(l, func() {
			if c.Begin() {
				c.Commit(Succeeded)
			}
		})
		if !h.At(l.After(d)) {
			return ErrLoopClosed
		}
		defer h.Cancel()
		return block(ctx, c.Done(), nil)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return EndOf(ctx).Wait
	}
}
