package loop

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
)

// A Waiter is an entry of a FIFO list of parties that wait for one thing: a task, or a
// callback. It is embedded in the party, so that a wait allocates nothing.
type Waiter struct {
	next, prev *Waiter // prev is nil when the waiter is in no list, see waiters
	party      Party
}

// A Party is told when what it waits for has come.
type Party interface {
	// Notify is called once, under the lock of the list, so it only makes the party
	// ready. in is the loop that the calling goroutine is inside of, or nil. If it
	// returns true, the party is a [Runnable] that wants to be run after the
	// lock is released, on the same goroutine.
	Notify(in *Loop) (run bool)
}

// waits reports whether the waiter is in a list.
func (w *Waiter) waits() bool { return w.prev != nil }

// MakeWaiter returns a waiter that stands for p.
func MakeWaiter(p Party) Waiter { return Waiter{party: p} }

// waiters is a doubly linked ring, known by its last element. A waiter outside of every list has no prev.
type waiters struct{ last *Waiter }

func (ws *waiters) append(w *Waiter) {
	if last := ws.last; last == nil {
		w.next, w.prev = w, w
	} else {
		w.next, w.prev = last.next, last
		last.next.prev = w
		last.next = w
	}
	ws.last = w
}

func (ws *waiters) remove(w *Waiter) bool {
	if !w.waits() {
		return false
	}
	if w.next == w {
		ws.last = nil
	} else {
		w.prev.next, w.next.prev = w.next, w.prev
		if ws.last == w {
			ws.last = w.prev
		}
	}
	w.next, w.prev = nil, nil
	return true
}

// pop removes and returns the first waiter, or returns nil.
func (ws *waiters) pop() *Waiter {
	if ws.last == nil {
		return nil
	}
	w := ws.last.next
	ws.remove(w)
	return w
}

// all yields the waiters, in order. The list must not change meanwhile.
func (ws *waiters) all() iter.Seq[*Waiter] {
	return func(yield func(*Waiter) bool) {
		if ws.last == nil {
			return
		}
		for w := ws.last.next; yield(w) && w != ws.last; w = w.next {
		}
	}
}

// A State is what a [Completion] has come to.
type State uint32

// The states of a Completion, and the flag that goes with a failure.
const (
	Pending State = iota
	Succeeded
	Failed
	Cancelled
)

// A Completion is a one-time event with a FIFO list of the parties that wait for it. The
// zero value is ready for use. All methods are safe for use from any goroutine.
type Completion struct {
	state atomic.Uint32
	mu    sync.Mutex
	// home is where callbacks run; written before the Completion is shared.
	home *Loop
	list waiters // guarded by mu
	rare *rare   // guarded by mu until the Completion is done
}

// rare is what few Completions have.
type rare struct {
	done    chan struct{} // made on first use
	failure *Failure      // set by Watch
	created []uintptr     // where, in debug mode; written before the Completion is shared
}

// SetHome binds the Completion to a loop, before anybody else sees it.
func (c *Completion) SetHome(l *Loop) {
	if c.home = l; l != nil && l.debug.Load() {
		c.rare = &rare{created: callers()}
	}
}

// CreatedAt returns where the Completion was made, as file:line, in debug mode.
func (c *Completion) CreatedAt() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rare == nil {
		return ""
	}
	return position(c.rare.created)
}

// Home returns the loop that the Completion is bound to, or nil.
func (c *Completion) Home() *Loop { return c.home }

// State returns what the Completion has come to.
func (c *Completion) State() State { return State(c.state.Load()) }

// Begin locks a pending Completion, so that the caller can write the outcome, and reports
// false if it is not pending any more. [Completion.Commit] has to follow.
func (c *Completion) Begin() bool {
	if c.State() != Pending {
		return false
	}
	c.mu.Lock()
	if c.State() != Pending {
		c.mu.Unlock()
		return false
	}
	return true
}

// Commit ends what Begin began and tells the waiters, in order.
func (c *Completion) Commit(s State) { c.CommitIn(s, nil) }

// CommitIn is Commit for a caller that knows which loop it is inside of.
func (c *Completion) CommitIn(s State, in *Loop) {
	c.state.Store(uint32(s))
	if c.rare != nil && c.rare.done != nil {
		close(c.rare.done)
	}
	w := c.list.pop()
	if w == nil {
		c.mu.Unlock()
		return
	}
	if in == nil {
		in = Inside()
	}
	var later waiters
	for ; w != nil; w = c.list.pop() {
		if w.party.Notify(in) {
			later.append(w)
		}
	}
	c.mu.Unlock()
	for w = later.pop(); w != nil; w = later.pop() {
		if x := w.party.(Runnable); in != nil && (in.par != nil || in.flushing && !in.shut) {
			// Who is inside of a parallel loop runs nothing that belongs to others; and who takes in the mail does so
			// perhaps with the mutex of another Completion held, which x may want.
			in.pushInside(errand{x})
		} else {
			x.RunReady()
		}
	}
}

// Watch has the error that the Completion is about to be done with watched over, between Begin and Commit.
func (c *Completion) Watch(f *Failure) {
	if c.rare == nil {
		c.rare = new(rare)
	}
	f.created = c.rare.created
	c.rare.failure = f
}

// Failure returns what Watch was given, or nil. The Completion is done.
func (c *Completion) Failure() *Failure {
	if c.rare == nil || c.State() != Failed {
		return nil
	}
	return c.rare.failure
}

// Add appends a waiter, or reports false if there is nothing left to wait for.
func (c *Completion) Add(w *Waiter) bool {
	if c.State() != Pending {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.State() != Pending {
		return false
	}
	c.list.append(w)
	return true
}

// Remove takes a waiter out of the list and reports whether it was still there.
func (c *Completion) Remove(w *Waiter) bool {
	c.mu.Lock() // also if it is done: the waiter is free only when CommitIn has come past it
	defer c.mu.Unlock()
	return c.State() == Pending && c.list.remove(w)
}

// Awaited reports whether anybody waits.
func (c *Completion) Awaited() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.list.last != nil
}

// Parties yields who waits, in order. The caller must not come back to the Completion meanwhile.
func (c *Completion) Parties() iter.Seq[Party] {
	return func(yield func(Party) bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for w := range c.list.all() {
			if !yield(w.party) {
				return
			}
		}
	}
}

// Waiting returns how many wait.
func (c *Completion) Waiting() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range c.list.all() {
		n++
	}
	return n
}

var closed = func() chan struct{} { ch := make(chan struct{}); close(ch); return ch }()

// Done returns a channel that is closed when the Completion is done.
func (c *Completion) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.State() != Pending {
		return closed
	}
	if c.rare == nil {
		c.rare = new(rare)
	}
	if c.rare.done == nil {
		c.rare.done = make(chan struct{})
	}
	return c.rare.done
}

// A Canceller is something that can be asked to come to an early end, as a task that
// waits for it is cancelled.
type Canceller interface {
	// CancelWaited asks, and reports false if it is done already.
	CancelWaited(*Cause) bool
}

// endsSoon reports whether a Canceller that has refused is about to end by itself, in one of the next ticks: a
// gather whose children are done, and which does not know yet. asyncio waits for that.
func endsSoon(c Canceller) bool {
	s, ok := c.(interface{ EndsSoon() bool })
	return ok && s.EndsSoon()
}

// An Owner is what stands behind a future and is cancelled in its place. It is a pointer's worth in the future.
type Owner struct{ Canceller }

// Wait waits until the Completion is done, in whatever way the calling goroutine can: a
// task is suspended, a plain goroutine blocked. A cancellation that reaches a task in the
// wait is passed on to what it waits for, and the task goes on waiting for the end of
// that; only if target does not accept it, Wait returns the cause's error. A plain goroutine
// whose ctx ends just stops waiting.
//
// Wait returns nil when the Completion is done, and cancelled when it is done because the wait
// was cancelled.
func (c *Completion) Wait(ctx context.Context, target Canceller) (cancelled *Cause, err error) {
	t, err := Current(ctx)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, block(ctx, c.Done(), nil)
	}
	if target == t.owner.Canceller {
		return nil, ErrAwaitSelf
	}
	w := t.w
	if w.spot == besideLoop {
		return c.waitBeside(ctx, target, w)
	}
	w.observe(ctx)
	cause := w.cancelCause()
	if cause != nil {
		accepted, ring := w.passOn(target, cause)
		w.delegated = accepted && !ring
		if !w.delegated && (ring || !endsSoon(target)) {
			t.yield()
			w.unobserve()
			return nil, t.deliver(cause)
		}
	}
	if c.Add(&w.waiter) {
		w.beginWait(target)
		w.waitsIn = c
		for {
			t.park()
			if w.notified || c.State() != Pending || w.cancelCause() != nil && !w.delegated {
				break
			}
		}
		if !w.notified {
			c.Remove(&w.waiter)
		}
		w.waitsIn = nil
		w.endWait()
	} else if w.delegated {
		t.yield() // It has ended at once, but a cancelled wait gives way all the same.
	}
	delegated := w.delegated
	w.delegated = false
	cause = w.cancelCause()
	w.unobserve()
	switch {
	case cause == nil:
		return nil, nil
	case !delegated:
		return nil, t.deliver(cause)
	}
	t.pending = false
	return cause, nil
}

// waitBeside is Wait for a task that runs beside its loop.
func (c *Completion) waitBeside(ctx context.Context, target Canceller, w *worker) (cancelled *Cause, err error) {
	defer w.leave(w.enter())
	return c.Wait(ctx, target)
}
