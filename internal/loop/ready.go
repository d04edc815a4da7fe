package loop

import (
	"iter"

	"github.com/petermattis/goid"
)

// pushInside appends to the ready queue, inside. What came from outside before goes first.
func (l *Loop) pushInside(x Runnable) {
	if l.inboxed.Load() || len(l.ready) == cap(l.ready) {
		l.makeRoom()
	}
	l.ready = append(l.ready, x)
}

func (l *Loop) makeRoom() {
	if l.inboxed.Load() {
		l.flush()
	}
	l.ready = grown(l.ready)
}

// push appends to the ready queue, from anywhere. It reports false if the loop is closed.
func (l *Loop) push(x Runnable) bool {
	if !l.Inside() {
		return l.post(x)
	}
	if l.closing {
		return false
	}
	l.pushInside(x)
	if t, ok := x.(*Task); ok {
		l.enlist(t)
	}
	return true
}

// post appends to the inbox and wakes the loop if it sleeps. However many post meanwhile, it is woken
// once. It reports false if the loop is closed.
func (l *Loop) post(x Runnable) bool {
	l.mu.Lock()
	if l.shut {
		l.mu.Unlock()
		return false
	}
	l.inbox = append(l.inbox, x)
	l.inboxed.Store(true)
	l.mu.Unlock()
	if l.sleeping.CompareAndSwap(true, false) {
		l.wakeUps.Add(1)
		l.wakeUp <- struct{}{}
	}
	return true
}

// arriving is what wants to do its work when it comes in, and not take a place in the queue.
type arriving interface{ arrive() }

// flush takes in what was posted.
func (l *Loop) flush() {
	if l.flushing {
		return
	}
	l.flushing = true
	defer func() { l.flushing = false }()
	l.mu.Lock()
	posted := l.inbox
	l.inbox, l.emptied = l.emptied, nil
	l.inboxed.Store(false)
	l.mu.Unlock()
	for i, x := range posted {
		posted[i] = nil
		switch x := x.(type) {
		case *Task:
			l.enlist(x)
			l.ready = append(l.ready, x)
		case *notice:
			x.RunReady()
		case arriving:
			x.arrive()
		default:
			l.ready = append(l.ready, x)
		}
	}
	if cap(posted) <= maxSpare {
		l.emptied = posted[:0] // belongs to the inside
	}
}

// Push appends x to the ready queue, from anywhere. in is the loop that the caller is inside of, or nil.
// It reports false if the loop is closed.
// A nil Loop takes nothing.
func (l *Loop) Push(x Runnable, in *Loop) bool {
	if l == nil {
		return false
	}
	if in == l && !l.closing {
		l.pushInside(x)
		return true
	}
	return l.post(x)
}

type arrival func()

// RunReady implements [Runnable].
func (a arrival) RunReady() { a() }

func (a arrival) arrive() { a() }

// Do runs fn inside the loop: at once if the caller is inside or the loop stands still, else as soon as the
// loop looks at its inbox. It reports false if the loop is closed.
//
// The loop looks at its inbox in the middle of other things too, with the mutex of a lock or a future held: fn must not take one.
// [Loop.Ask] is for those that do.
func (l *Loop) Do(fn func()) bool {
	return l.atOnce(fn) || l.bring(arrival(fn))
}

// bring posts x to a loop that may stand still. It reports false if the loop is closed.
func (l *Loop) bring(x Runnable) bool {
	if !l.post(x) {
		return false
	}
	l.settle()
	return true
}

// queued yields the places of the entries that are ready, in order. Those that come meanwhile are not among them.
func (l *Loop) queued() iter.Seq[*Runnable] {
	return func(yield func(*Runnable) bool) {
		for _, queue := range [][]Runnable{l.batch[l.pos:], l.ready} {
			for i := range queue {
				if !yield(&queue[i]) {
					return
				}
			}
		}
	}
}

// atOnce runs fn if the caller is inside or the loop stands still, and is not closed; else it reports false.
func (l *Loop) atOnce(fn func()) bool {
	if l.Inside() {
		fn()
		return true
	}
	if l.par != nil && Within() == l {
		defer l.Stay().End()
		fn()
		return true
	}
	if l.hold() {
		defer l.settle()
		defer l.letGo()
		if l.shut {
			return false
		}
		l.flush()
		fn()
		return true
	}
	return false
}

// hold makes the calling goroutine the inside of a loop that stands still, and reports false if it does not.
func (l *Loop) hold() bool {
	if !l.life.TryLock() {
		return false
	}
	if l.par != nil && !l.par.hold() {
		l.life.Unlock()
		return false
	}
	l.holder.Store(goid.Get())
	return true
}

// letGo ends what hold began.
func (l *Loop) letGo() {
	l.holder.Store(0)
	if l.par != nil {
		l.par.inside.Unlock()
	}
	l.life.Unlock()
}

// settle takes in what was posted while somebody held the loop that does not run now, and answers what a run has left
// unanswered. Whoever posts and whoever lets go of the loop both call it, so that nothing is left lying.
func (l *Loop) settle() {
	for (l.inboxed.Load() || l.asked.Load() > 0) && l.hold() {
		shut := l.shut
		if !shut {
			l.flush()
			l.answer()
		}
		l.letGo()
		if shut {
			return
		}
	}
}
