package coro

import "iter"

// A Place is where one goroutine is parked, by leave of an iterator that iter.Pull made:
// its next and its yield both swap the caller with the goroutine parked there, and have to be
// called in turns.
type Place struct {
	Next   func() (struct{}, bool)
	Yield  func(struct{}) bool
	parked *Routine
	Turn   bool // Yield's
}

// create fills the place with a new goroutine that will run r.
//
// This function literal, the body, and what the runtime and iter.Pull have below them are on every
// stack for good. A goroutine begins with 2 KB of it and would grow at about half of that, so it
// matters how much they take.
func (p *Place) create(r *Routine) {
	p.parked = r
	r.at = p
	p.Next, _ = iter.Pull(func(yield func(struct{}) bool) {
		r.own.Yield = yield
		if !r.begin() {
			r.finish(false)
			return
		}
		normal := false
		defer func() {
			r.end(recover(), normal)
			r.finish(!normal)
			if !normal {
				// Goexit goes on when this function is done, also if a panic came on
				// top of it and was recovered, and the iterator would carry it on to
				// the routine that takes over. A panic that this one knows takes its
				// place on that way, see swapFinal.
				panic(errGoexit)
			}
		}()
		r.owner.Live(r)
		normal = true
	})
}

// swap parks r in p and runs whoever was parked there.
func (r *Routine) swap(p *Place) {
	p.parked.at = nil
	p.parked = r
	r.at = p
	p.Swap()
}

// Swap parks the calling goroutine in p and runs the one that was parked there. See [Routine.Depart].
func (p *Place) Swap() {
	if p.Turn {
		p.Turn = false
		p.Yield(struct{}{})
	} else {
		p.Turn = true
		p.Next()
	}
}

// swapFinal is the swap by which the last visitor of a place parks there: the goroutine
// that it wakes is the one the place belongs to, and ends in a panic or a Goexit.
func (r *Routine) swapFinal(p *Place) {
	defer func() {
		if v := recover(); v != nil && v != errGoexit {
			panic(v)
		}
	}()
	r.swap(p)
}

type goexitError struct{ _ int }

var errGoexit = &goexitError{}

// An errand is what a routine finds to do when it wakes: to park in a place, and then to hand control to
// somebody.
type errand struct {
	park   *Place
	final  bool // see swapFinal
	handTo *Routine
}

// orphaned ends the process: a routine has ended and nobody is to run after it, so the whole group would
// stand still for ever. A panic on the routine's own goroutine would be caught on the way.
func orphaned() {
	go panic("coro: a routine has ended, and there is nobody to run after it")
	select {}
}

// runErrands does what the routine that woke r left for it to do.
func (r *Routine) runErrands() {
	for e := r.errand; e != nil; e = r.errand {
		r.errand = nil
		r.run(e)
	}
}

// run does an errand, and returns when r wakes again.
func (r *Routine) run(e *errand) {
	switch {
	case e.final:
		r.swapFinal(e.park)
	case e.park != nil:
		r.swap(e.park)
	}
	if e.handTo != nil {
		wake := r.channel()
		r.hand(e.handTo)
		<-wake
	}
}

// finish prepares the end of a routine of the runtime carrier, whose goroutine calls it as
// its last act. When that goroutine is gone, whoever is parked in its place runs next, and the
// place is gone too. So r's successor has to be parked there, and whoever is parked there
// now has to move to the place that the successor leaves. Nobody can park somebody else,
// so all three take part: r parks in its own place and wakes the tenant, who moves to the
// successor's place and wakes the successor, who moves to r's place and wakes r.
//
// A panic or a Goexit needs the dance even if the successor is the tenant, because the last swap
// must be one that expects it.
func (r *Routine) finish(abruptly bool) {
	own, succ := &r.own, r.back
	tenant := own.parked
	switch {
	case succ == nil || succ.Ended():
		orphaned()
	case succ.at == nil:
		// The successor waits for its channel. The tenant has to see r off, and
		// then hands control over: it becomes the successor's stand-in.
		tenant.errand = &errand{park: own, final: abruptly, handTo: succ}
	case succ == tenant && !abruptly:
		succ.at = nil
		return
	case succ == tenant:
		succ.errand = &errand{park: own, final: true}
	default:
		tenant.errand = &errand{park: succ.at}
		succ.errand = &errand{park: own, final: abruptly}
	}
	r.swap(own)
	own.parked.at = nil // It runs when this goroutine has ended.
}
