package async

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// An Event is asyncio.Event: a flag that parties can wait for. The zero value is an Event that is not
// set. It serves tasks of any number of loops and plain goroutines at the same time, and must not be
// copied.
//
// Python's wait(timeout=d) is a Wait with the context of this line:
//
//	ctx, cancel := async.WithTimeout(ctx, d); defer cancel()
type Event struct {
	flag atomic.Bool // written with mu held

	mu   sync.Mutex // never held across a wait
	line loop.Line
}

// EventStats tells what an [Event] is doing.
type EventStats struct {
	Set     bool // the flag
	Waiters int  // those who are woken count until they run
}

// Set sets the flag and wakes all who wait, in the order in which they came: set(). It does not suspend.
// A Clear right behind it does not take back that they are woken.
func (e *Event) Set() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.flag.Load() {
		e.flag.Store(true)
		e.line.WakeAll()
	}
}

// Clear takes the flag back, so that Wait waits again: clear(). It does not suspend.
func (e *Event) Clear() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.flag.Store(false)
}

// IsSet reports whether the flag is set: is_set().
func (e *Event) IsSet() bool { return e.flag.Load() }

// Wait waits for Set: wait(). It suspends the calling task until then; a plain goroutine blocks. If the
// flag is set it does not give way, and does not look at ctx.
//
// If ctx is cancelled while it waits, Wait returns the error of that, [ErrCancelled] or [ErrTimeout]. A
// callback that would have to wait gets [ErrNotInTask].
func (e *Event) Wait(ctx context.Context) error {
	if e.flag.Load() {
		return nil
	}
	e.mu.Lock()
	if e.flag.Load() {
		e.mu.Unlock()
		return nil
	}
	err := e.line.Wait(ctx, &e.mu, (*eventKeeper)(e))
	e.mu.Unlock()
	return err
}

// Stats tells what the event is doing, at this moment.
func (e *Event) Stats() EventStats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return EventStats{Set: e.flag.Load(), Waiters: e.line.Len()}
}

// String describes the event, as Event(unset, waiters: 1).
func (e *Event) String() string {
	s := e.Stats()
	flag := "unset"
	if s.Set {
		flag = "set"
	}
	return "Event(" + flag + describeWaiters(s.Waiters) + ")"
}

// eventKeeper is an Event as those who wait for it know it.
type eventKeeper Event

// GaveUp implements [loop.Keeper]. Nobody else misses anything.
func (*eventKeeper) GaveUp(*loop.Line, bool) {}

func (k *eventKeeper) String() string { return (*Event)(k).String() }
