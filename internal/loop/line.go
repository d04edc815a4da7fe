package loop

import (
	"context"
	"sync"
)

// A Line is where tasks and goroutines wait for their turn at something, first come, first served. Locks,
// queues and their like are made of Lines. It has no lock of its own: all methods are called with
// the mutex of its [Keeper] held. The zero value is an empty line.
//
// Who is woken leaves the line at once, but counts as under way until it runs. So a newcomer can see that
// others come first, although nobody holds what they wait for.
type Line struct {
	list     waiters
	n        int  // in the list
	passed   int  // passed over, because their contexts have ended; they are about to leave
	underWay int  // woken, but not running yet
	ahead    bool // the next to join comes first
}

// A Keeper is the lock, queue and so on that a [Line] belongs to.
type Keeper interface {
	// GaveUp is called, with the mutex held, when a party leaves the line without having had its turn:
	// because its context has ended, or because its loop is closed and its task unwound. With woken
	// the party was woken before, and its turn goes to somebody else now.
	GaveUp(line *Line, woken bool)
	// String describes the keeper for somebody who looks at a task that waits for it.
	String() string
}

// Waiting returns how many have neither been woken nor passed over.
func (q *Line) Waiting() int { return q.n }

// UnderWay returns how many have been woken and do not run yet.
func (q *Line) UnderWay() int { return q.underWay }

// Len returns how many there are in all.
func (q *Line) Len() int { return q.n + q.passed + q.underWay }

// Idle reports whether nobody in the line will have a turn: nobody is under way, and the contexts of all
// who wait have ended. So a newcomer may go first.
func (q *Line) Idle() bool {
	if q.underWay > 0 {
		return false
	}
	if q.list.last == nil {
		return true
	}
	for w := q.list.last.next; w.gaveUp(); w = w.next {
		if w == q.list.last {
			return true
		}
	}
	return false
}

// Wake wakes the first who was not woken yet, and reports whether there is one. Tasks whose contexts have
// ended are passed over.
func (q *Line) Wake() bool { return q.WakeIn(Inside()) }

// WakeIn is Wake for a caller that knows which loop it is inside of.
func (q *Line) WakeIn(in *Loop) bool {
	for w := q.list.pop(); w != nil; w = q.list.pop() {
		q.n--
		if w.gaveUp() {
			w.next = w // see leave
			q.passed++
			continue
		}
		q.underWay++
		w.party.Notify(in)
		return true
	}
	return false
}

// WakeFirst is Wake for a keeper whose first one hands on when it gives up: a task whose context has ended
// is not passed over, and nobody is woken then.
func (q *Line) WakeFirst() {
	if last := q.list.last; last != nil && !last.next.gaveUp() {
		q.Wake()
	}
}

// WakeAll wakes all who wait, in order.
func (q *Line) WakeAll() {
	if q.n == 0 {
		return
	}
	for in := Inside(); q.WakeIn(in); {
		continue
	}
}

// Wait joins the end of the line and waits to be woken, in whatever way the calling goroutine can: a
// task is suspended, a plain goroutine blocked. mu is unlocked meanwhile, and is locked when Wait returns.
//
// If ctx ends, Wait returns the error of that: for a task also if it was woken in the
// same tick. The keeper has been told by GaveUp then. A callback gets [ErrNotInTask].
//
// If the task is unwound, Wait does not return and leaves mu unlocked; so its Unlock must not be deferred.
func (q *Line) Wait(ctx context.Context, mu *sync.Mutex, k Keeper) error {
	return q.wait(ctx, mu, k, false)
}

// WaitAhead is Wait for a task that was woken in vain, because somebody was faster, and keeps its place at the head
// of the line.
func (q *Line) WaitAhead(ctx context.Context, mu *sync.Mutex, k Keeper) error {
	q.ahead = true
	err := q.Wait(ctx, mu, k)
	q.ahead = false // It has not joined if it is no task, and the next one must not inherit that.
	return err
}

// WaitAnyway is Wait for a turn that has to come, whatever happens to ctx. It reports whether the turn has
// come, which it never has for a callback.
func (q *Line) WaitAnyway(ctx context.Context, mu *sync.Mutex, k Keeper) (turn bool) {
	return q.wait(ctx, mu, k, true) == nil
}

// wait is all the waiting there is. A processor foresees where a function returns to by what it was called
// from, which is wrong for each frame below a switch of stacks. So a task waits in one frame, with suspend
// written out.
func (q *Line) wait(ctx context.Context, mu *sync.Mutex, k Keeper, anyway bool) error {
	t, err := q.caller(ctx, mu)
	switch {
	case err != nil:
		return err
	case t == nil && anyway:
		return q.waitOutside(context.Background(), mu, k)
	case t == nil:
		return q.waitOutside(ctx, mu, k)
	}
	w := t.w
	if w.spot == besideLoop {
		return q.waitBeside(ctx, w, mu, k, anyway)
	}
	if !anyway {
		w.observe(ctx)
	}
	w.beginWait(k)
	if books.tests.Load() > 0 {
		t.loop.visit(q, mu, k)
	}
	woken := false
	if b := w.beside(); b != nil && b.joined {
		b.joined = false
		woken = !w.waiter.waits() // since then
	} else {
		q.join(&w.waiter)
	}
	mu.Unlock()
	there := true
	defer func() {
		if there { // for ever: the loop is being closed
			mu.Lock()
			k.GaveUp(q, q.leave(&w.waiter))
			mu.Unlock()
		}
	}()
	var c *Cause
	for {
		switch {
		case woken: // already
		case w.cancelCause() == nil:
			t.state = parked
			if p := t.depart(); p != nil {
				if p.Turn {
					p.Turn = false
					p.Yield(struct{}{})
				} else {
					p.Turn = true
					p.Next()
				}
				w.Arrive()
			}
			w.on = true
			t.state = running
		default:
			t.yield() // It has a place in the line for a tick, and gets no turn.
		}
		woken = false
		mu.Lock()
		if c = w.cancelCause(); c != nil || !w.waiter.waits() {
			break
		}
		mu.Unlock()
	}
	there = false
	turn := q.leave(&w.waiter)
	w.endWait()
	w.unobserve()
	if c == nil {
		return nil
	}
	k.GaveUp(q, turn)
	if c.Panic != nil {
		mu.Unlock() // as when the task is unwound
	}
	return t.deliver(c)
}

// waitBeside is wait for a task that runs beside its loop. It joins the line at once, because what it waits for must not
// come unnoticed, and goes inside when mu is unlocked.
func (q *Line) waitBeside(ctx context.Context, w *worker, mu *sync.Mutex, k Keeper, anyway bool) error {
	q.join(&w.waiter)
	mu.Unlock()
	defer w.leave(w.enter())
	mu.Lock()
	w.beside().joined = true
	return q.wait(ctx, mu, k, anyway)
}

// caller returns the task that wants to wait, if it is one.
func (q *Line) caller(ctx context.Context, mu *sync.Mutex) (*Task, error) {
	if ctx == nil {
		mu.Unlock() // so that the caller's panic leaves what it guards as it was
		panic("async: the ctx of a wait is nil")
	}
	return Current(ctx)
}

func (q *Line) join(w *Waiter) {
	q.list.append(w)
	if q.ahead {
		q.ahead = false
		q.list.last = w.prev
	}
	q.n++
}

// leave takes w out of the line, and reports whether it had been woken. One that was passed over is in no
// list, but points to itself.
func (q *Line) leave(w *Waiter) (woken bool) {
	switch {
	case q.list.remove(w):
		q.n--
	case w.next != nil:
		w.next = nil
		q.passed--
	default:
		q.underWay--
		return true
	}
	return false
}

// gaveUp reports whether w is a task whose wait is about to end, because its context has ended. A goroutine
// takes its turn if that comes at the same time.
func (w *Waiter) gaveUp() bool {
	t, ok := w.party.(*worker)
	return ok && t.cancelCause() != nil
}

// A lodger is a plain goroutine in a line.
type lodger struct {
	waiter Waiter
	woken  chan struct{} // has room for the one that comes
}

// newLodger makes one. They are not kept for others: a channel that was made in a bubble of testing/synctest must not be
// used outside of it, and one from outside makes a wait in a bubble one that the bubble does not understand.
func newLodger() *lodger {
	g := &lodger{woken: make(chan struct{}, 1)}
	g.waiter.party = g
	return g
}

// Notify implements [Party].
func (g *lodger) Notify(*Loop) bool {
	g.woken <- struct{}{}
	return false
}

// given implements [signal].
func (g *lodger) given() bool { return len(g.woken) > 0 }

// waitOutside is how a plain goroutine waits. If its turn and the end of ctx come together, the turn counts.
func (q *Line) waitOutside(ctx context.Context, mu *sync.Mutex, k Keeper) error {
	g := newLodger()
	q.join(&g.waiter)
	mu.Unlock()
	err := block(ctx, g.woken, g)
	mu.Lock()
	turn := q.leave(&g.waiter)
	switch {
	case err == nil:
		return nil
	case turn:
		<-g.woken
		return nil
	}
	k.GaveUp(q, false)
	return err
}
