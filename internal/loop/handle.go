package loop

import (
	"sync/atomic"
	"time"
)

// A Handle is a callback that was scheduled and can be cancelled.
type Handle struct {
	fn        func()
	loop      *Loop
	vars      *Vars
	cancelled atomic.Bool
	timer     uint64
	when      time.Duration
	created   []uintptr
}

// NewHandle prepares fn to be called by l, with the context variables as they are now.
func NewHandle(l *Loop, fn func()) *Handle {
	h := &Handle{fn: fn, loop: l, vars: Snapshot()}
	if l.debug.Load() {
		h.created = callers()
	}
	return h
}

// String returns the name of the callback.
func (h *Handle) String() string { return FuncName(h.fn) }

// Soon puts the handle at the end of the ready queue.
func (h *Handle) Soon() bool { return h.loop.push(h) }

// At arms a timer that makes the handle ready.
func (h *Handle) At(when time.Duration) bool {
	h.when = when
	if h.loop.Inside() {
		h.loop.timers.add(when, h)
		return true
	}
	return h.loop.Do(func() {
		if !h.cancelled.Load() {
			h.loop.timers.add(when, h)
		}
	})
}

func (h *Handle) armed() *uint64 { return &h.timer }

// When returns the deadline of the timer.
func (h *Handle) When() time.Duration { return h.when }

// Cancel keeps the callback from being called, even if it is in the ready queue already.
func (h *Handle) Cancel() {
	if h.cancelled.Swap(true) {
		return
	}
	h.loop.Do(func() {
		h.loop.timers.cancel(h)
		h.fn, h.vars = nil, nil // what they hold is not needed any more
	})
}

// Cancelled reports whether Cancel was called.
func (h *Handle) Cancelled() bool { return h.cancelled.Load() }

// RunReady implements [Runnable].
func (h *Handle) RunReady() {
	if h.cancelled.Load() {
		return
	}
	h.vars.Run(h.fn)
}
