package coro

import (
	"runtime"

	"github.com/petermattis/goid"
	"github.com/sourcegraph/conc/panics"
)

// A Routine is one member of a group of goroutines that run one at a time.
//
// Its methods Switch, Resume and Suspend may be called only by the Routine's own
// goroutine while it runs, Unwind by the running member of the group.
//
// The fields are in the order in which a switch needs them: what one switch touches of a
// Routine is in one cache line, and its place, which somebody else is parked in, in another. With
// thousands of routines that is what a switch costs.
type Routine struct {
	// at is the place where the routine is parked; nil while it runs, or waits on a channel.
	at *Place
	// errand is what the routine has to do at once when it wakes, before anything else; see
	// finish. It is nil nearly always.
	errand  *errand
	state   state
	carrier carrier
	gid     int64

	// own is the place that belongs to the routine's goroutine, on the runtime carrier.
	own Place
	// back is where Suspend and the end of the body lead.
	back  *Routine
	owner Owner
	rare  *rare
}

// rare is what few routines have.
type rare struct {
	channels // on the channel carrier, and while waiting for a routine of it
	panicked *panics.Recovered
}

func (r *Routine) more() *rare {
	if r.rare == nil {
		r.rare = new(rare)
	}
	return r.rare
}

// An Owner is what a Routine is part of.
type Owner interface {
	// Live is the body of the Routine.
	Live(*Routine)
}

// body is the Owner of a Routine that is part of nothing.
type body func(*Routine)

// Live implements [Owner].
func (b body) Live(r *Routine) { b(r) }

type state uint8

const (
	fresh state = iota
	live
	unwinding
	ended
	goexited
)

type carrier uint8

const (
	onRuntime carrier = iota
	onThread
	onRoot
)

// New makes a Routine on the runtime carrier. Its body starts when it is switched
// to for the first time. A body that is never started holds a goroutine until
// [Routine.Unwind] lets it go.
func New(fn func(*Routine)) *Routine {
	r := new(Routine)
	r.Init(body(fn))
	return r
}

// Init is [New] for a Routine that is part of something else.
func (r *Routine) Init(o Owner) {
	r.owner = o
	r.own.create(r)
}

// NewOn makes a Routine on the channel carrier. Its body runs on the goroutine that
// spawn provides, as a worker pool's Submit does, from the first switch on. It may
// lock its OS thread, but must unlock it before it ends.
func NewOn(spawn func(func()), fn func(*Routine)) *Routine {
	r := new(Routine)
	r.InitOn(spawn, body(fn))
	return r
}

// InitOn is [NewOn] for a Routine that is part of something else.
func (r *Routine) InitOn(spawn func(func()), o Owner) {
	r.owner, r.carrier = o, onThread
	r.more().channels = channels{spawn: spawn, wake: make(chan struct{})}
}

// Root makes a Routine that stands for the calling goroutine, so that it can switch
// to others and they to it. [Routine.Leave] ends that.
func Root() *Routine {
	r := new(Routine)
	r.InitRoot(nil)
	return r
}

// InitRoot is [Root] for a Routine that is part of something else, whose Live is not called.
func (r *Routine) InitRoot(o Owner) {
	r.gid, r.state, r.carrier, r.owner = goid.Get(), live, onRoot, o
	r.join()
}

// InitAside is [Routine.InitRoot] for a Routine that [Current] does not know, so that the calling
// goroutine can be a second Routine beside the one that it is known as. Leave must not be called. The
// goroutine can have only one of the two parked at a time.
func (r *Routine) InitAside(o Owner) {
	r.gid, r.state, r.carrier, r.owner = goid.Get(), live, onRoot, o
}

// Owner returns what the Routine is part of.
func (r *Routine) Owner() Owner { return r.owner }

// Leave ends what [Root] began. The calling goroutine is r's own, and may be another Routine afterwards.
func (r *Routine) Leave() {
	r.part()
	r.state = ended
}

// Detach makes [Current] forget the calling goroutine, which is r's own, and Attach makes
// it known again. In between it can run at the same time as the others, if something else
// takes r's part: a fresh root that makes the first switch in its stead. r is of the runtime carrier, or
// a root.
func (r *Routine) Detach() { r.part() }

// Attach ends what Detach began.
func (r *Routine) Attach() { r.join() }

// Current returns the Routine whose goroutine calls, or nil.
func Current() *Routine { return routines.find(goid.Get()) }

// Each calls fn with every Routine of the process that has started, or is a root, and has not ended, in no
// order. fn must not start or end one. What it may ask of a Routine that runs is its Owner.
func Each(fn func(*Routine)) { routines.each(fn) }

// IsCurrent reports whether the calling goroutine is r's own. r has started.
func (r *Routine) IsCurrent() bool {
	// A worker's goroutine may run another routine after this one.
	return r.gid == goid.Get() && !r.Ended()
}

// Ended reports whether the body has ended, in whatever way.
func (r *Routine) Ended() bool { return r.state >= ended }

// Goexited reports whether the body was ended by [runtime.Goexit], which is also how
// [Routine.Unwind] ends it.
func (r *Routine) Goexited() bool { return r.state == goexited }

// Unwinding reports whether the body is being unwound: its deferred calls run and
// it cannot switch any more.
func (r *Routine) Unwinding() bool { return r.state == unwinding }

// Panicked returns the panic that ended the body, or nil.
func (r *Routine) Panicked() *panics.Recovered {
	if r.rare == nil {
		return nil
	}
	return r.rare.panicked
}

// Switch parks r and runs to. It returns when some member of the group switches to
// r again.
func (r *Routine) Switch(to *Routine) {
	if p := r.Depart(to); p != nil {
		p.Swap()
		r.Arrive()
		return
	}
	r.switchSlowly(to)
}

// Depart is the first half of a Switch: it prepares everything and returns the place where r is to
// park itself, by calling Swap and then Arrive. It returns nil if it takes more than that, and then
// nothing was done.
//
// Every stack frame below a suspended body is memory that the next switch to it has to fetch, and a
// return that the processor does not foresee. So a scheduler that switches all the time makes do
// without the frame of Switch.
func (r *Routine) Depart(to *Routine) *Place {
	p := to.at
	if p == nil || r.state != live || r.carrier == onThread || r == to {
		return nil
	}
	to.at = nil
	p.parked = r
	r.at = p
	return p
}

// Arrive is the last half of a Switch.
func (r *Routine) Arrive() {
	if r.errand != nil || r.state != live {
		r.settle()
	}
}

func (r *Routine) switchSlowly(to *Routine) {
	switch {
	case r == to:
		return
	case r.state == unwinding:
		panic("coro: switch out of a routine that is being unwound")
	case to.Ended():
		panic("coro: switch to a routine that has ended")
	}
	r.park(to)
	r.settle()
}

// Resume switches to another routine and has its Suspend, or its end, come back to r.
func (r *Routine) Resume(to *Routine) {
	if r.state == live && !to.Ended() && r != to {
		to.back = r
	}
	r.Switch(to)
}

// Suspend goes back to whoever resumed r last, or to whom SetSuccessor has named since.
func (r *Routine) Suspend() {
	if r.back == nil {
		panic("coro: Suspend of a routine that nobody has resumed")
	}
	r.Switch(r.back)
}

// SetSuccessor sets who runs when r's body has ended or calls Suspend, if that is not who resumed r last.
func (r *Routine) SetSuccessor(to *Routine) { r.back = to }

// Unwind ends a parked routine: its deferred calls run, as if its body had called
// [runtime.Goexit] where it is suspended, then control comes back to r. A body that has
// not started never does. Unwinding a routine that has ended does nothing.
func (r *Routine) Unwind(to *Routine) {
	if to.Ended() {
		return
	}
	if to.state == fresh && to.carrier == onThread {
		to.state = ended // The channel carrier has nothing of it yet.
		return
	}
	to.back = r
	to.state = unwinding
	nested := r.state == unwinding // One of r's deferred calls does this, and is not over yet.
	r.park(to)
	r.runErrands()
	if r.state == unwinding && !nested {
		runtime.Goexit()
	}
}

// park parks r and runs to, whatever carries them.
func (r *Routine) park(to *Routine) {
	if to.at != nil && r.carrier != onThread {
		r.swap(to.at)
	} else {
		wake := r.channel()
		r.hand(to)
		<-wake
	}
}

// settle is what a routine does first when it wakes: the errand that the waker left for it, and
// ending the body if that is what it was woken for.
func (r *Routine) settle() {
	r.runErrands()
	if r.state == unwinding {
		runtime.Goexit()
	}
}

// begin is what a routine does first on its own goroutine. It reports false if there is nothing to run.
func (r *Routine) begin() bool {
	r.gid = goid.Get()
	r.runErrands()            // the first switch to it may be the end of somebody else
	if r.state == unwinding { // before it ever ran
		r.state = ended
		return false
	}
	r.state = live
	r.join()
	return true
}

// end records how the body has ended: panicked is what recover returned, and normal whether it has
// returned.
func (r *Routine) end(panicked any, normal bool) {
	r.part()
	switch {
	case panicked != nil:
		p := panics.NewRecovered(2, panicked)
		r.more().panicked = &p
		r.state = ended
	case !normal:
		r.state = goexited
	default:
		r.state = ended
	}
}
