package gevent

import "github.com/asyncgo/asyncgo/internal/loop"

// A round is a callback of a hub that lets those who wait for something go on, one after the other, each of them at once:
// gevent's notifier and unlock. It is put into the hub's queue when there is something to give; who comes later in
// the queue comes later than all whom the round wakes.
type round struct {
	l  *loop.Loop
	of crowd
}

// A crowd is who waits for something.
type crowd interface {
	// step has one go on, and reports whether there is more to do when that one waits again.
	step() (more bool)
	// gone reports whether nobody waits.
	gone() bool
}

// startRound puts a round at the end of the queue of l, whose inside the caller is.
func startRound(l *loop.Loop, of crowd) *round {
	r := &round{l, of}
	l.Push(r, l)
	return r
}

// RunReady implements [loop.Runnable].
func (r *round) RunReady() {
	r.l.First(func() {
		if r.of.step() {
			r.l.Push(r, r.l)
		}
	})
}

// Moot implements [loop.Moot].
func (r *round) Moot() bool { return r.of.gone() }

// alive reports whether the round is still to end.
func (r *round) alive() bool { return r != nil && !r.l.IsClosed() }

// A company is who waits for something. If all are of one hub, a round of that wakes them; a mixed one is woken at once,
// as nobody knows when some other hub runs. The zero value is empty.
type company struct {
	l     *loop.Loop
	mixed bool
}

// join notes that the caller is about to wait, as the first one or not.
func (c *company) join(first bool) {
	switch l := loop.Inside(); {
	case first:
		c.l, c.mixed = l, l == nil
	case c.l != l:
		c.mixed = true
	}
}

// hub returns the loop of the caller if all who wait are of that, or nil.
func (c *company) hub() *loop.Loop {
	if l := loop.Inside(); !c.mixed && c.l == l {
		return l
	}
	return nil
}
