package gevent

import (
	"fmt"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// An Event is a flag that greenlets wait for: gevent.event.Event. The zero value is one that is not set. It must not be
// copied.
type Event struct {
	mu      sync.Mutex
	set     bool
	change  *loop.Completion // of those who wait; done by the next Set
	company company          // who they are
	round   *round
	late    *loop.Completion // of those who came while others were being woken
	phase   phase            // of the round
}

type phase uint8

const (
	wakesAll phase = iota
	wakesLate
	ends
)

// pending returns the completion that the next Set does, for the caller to wait for. mu is held.
func (e *Event) pending() *loop.Completion {
	if e.change == nil {
		e.change = new(loop.Completion)
	}
	e.company.join(!e.change.Awaited())
	return e.change
}

// Set sets the flag and wakes all who wait, in the order in which they came: set(). They run when the caller
// waits, even if the flag is cleared before.
func (e *Event) Set() {
	e.mu.Lock()
	e.set = true
	c := e.notify()
	e.mu.Unlock()
	commit(c)
}

// notify has those woken who wait, by a round if that is possible, or else by the caller, who has to commit what it
// returns.
func (e *Event) notify() (c *loop.Completion) {
	if !e.set || e.change == nil || !e.change.Awaited() {
		return nil
	}
	l := e.company.hub()
	if l == nil {
		c, e.change = e.change, nil
		return c
	}
	if !e.round.alive() {
		e.phase = wakesAll
		e.round = startRound(l, e)
	}
	return nil
}

// gone implements [crowd].
func (e *Event) gone() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.late == nil && (e.change == nil || !e.change.Awaited())
}

// step implements [crowd].
func (e *Event) step() (more bool) {
	e.mu.Lock()
	var c *loop.Completion
	switch e.phase {
	case wakesAll:
		c, e.change = e.change, nil
	case wakesLate:
		c, e.late = e.late, nil
	case ends:
		l := e.round.l
		e.round = nil
		c = e.notify() // The flag may have been set again meanwhile.
		if e.late != nil && e.round == nil {
			e.phase = wakesLate
			e.round = startRound(l, e)
		}
		e.mu.Unlock()
		commit(c)
		return false
	}
	e.phase++
	e.mu.Unlock()
	commit(c)
	return true
}

// commit completes c, if there is one.
func commit(c *loop.Completion) {
	if c != nil && c.Begin() {
		c.Commit(loop.Succeeded)
	}
}

// Clear takes the flag back: clear().
func (e *Event) Clear() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.set = false
}

// IsSet reports whether the flag is set: is_set().
func (e *Event) IsSet() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.set
}

// Ready is [Event.IsSet].
func (e *Event) Ready() bool { return e.IsSet() }

// Wait waits for Set and reports true, or false when the limit is over: wait(timeout). If the flag is set it
// returns at once, or, if others are being woken, behind them.
func (e *Event) Wait(limit ...time.Duration) (bool, error) {
	c, set := e.next()
	switch {
	case set && c == nil:
		return true, nil
	case !set && len(limit) > 0 && limit[0] <= 0:
		return false, nil
	case set || len(limit) == 0:
		err := e.await(c)
		return err == nil, err
	}
	over, err := within(limit, func() error { return e.await(nil) })
	return !over && err == nil, err
}

// next reports whether the flag is set, and what the caller waits for all the same, or nil.
func (e *Event) next() (c *loop.Completion, set bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.set && e.round.alive() && e.round.l == loop.Inside() && !inCallback() {
		if e.late == nil {
			e.late = new(loop.Completion)
		}
		c = e.late
	}
	return c, e.set
}

// await waits for c, or, if that is nil, for the next Set. It does as [wait] does, without its closures, whose frames
// would have the stack of who waits grow from 2 KB to 4 KB.
func (e *Event) await(c *loop.Completion) error {
	me, err := me()
	if err != nil {
		return err
	}
	if c == nil {
		if c = e.unlessSet(); c == nil { // set meanwhile, by another goroutine
			return nil
		}
	}
	me.mark()
	_, err = c.Wait(me.task, refuser{e})
	me.unmark()
	return me.after(err)
}

// unlessSet is pending, or nil if the flag is set.
func (e *Event) unlessSet() *loop.Completion {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.set {
		return nil
	}
	return e.pending()
}

// RawLink has fn called by the hub of the caller after the next Set, once; soon if the flag is set: rawlink. Calling
// unlink takes that back.
func (e *Event) RawLink(fn func(*Event)) (unlink func()) {
	l := homeLoop()
	e.mu.Lock()
	c := e.pending()
	if e.set {
		c = doneCompletion
	}
	e.mu.Unlock()
	return linkTo(c, l, func() { fn(e) }).from(c)
}

// Waiters returns how many wait or are linked: linkcount().
func (e *Event) Waiters() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.change == nil {
		return 0
	}
	return e.change.Waiting()
}

// String describes the event.
func (e *Event) String() string { return fmt.Sprintf("Event(set: %v)", e.IsSet()) }

func (e *Event) completion() *loop.Completion {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.set {
		return doneCompletion
	}
	return e.pending()
}

// doneCompletion is one that is done.
var doneCompletion = func() *loop.Completion {
	c := new(loop.Completion)
	c.Begin()
	c.Commit(loop.Succeeded)
	return c
}()

// homeLoop returns the loop that the callbacks of the caller run in. A goroutine without one gets a hub.
func homeLoop() *loop.Loop {
	if l := loop.Inside(); l != nil {
		return l
	}
	c, err := me()
	if err != nil {
		panic(err.Error())
	}
	return c.l
}
