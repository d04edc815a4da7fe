package loop

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/petermattis/goid"
	"github.com/sourcegraph/conc/panics"
)

// A worker is a coroutine that runs one task after another, and what the task needs while it is under way; or,
// for a root, the goroutine that called into the loop.
//
// The fields are in the order in which a switch needs them; see [coro.Routine].
type worker struct {
	loop *Loop
	task *Task // whose body is under way here
	on   bool  // the body runs; else the goroutine runs the loop, or nothing
	// special is set when suspending takes more than the usual; see suspendSlowly.
	special bool

	// The current wait. It obeys scope, or a derived context, or nothing.
	obeysRare bool // derived is set
	notified  bool // woken by the list it waited in
	delegated bool // cancelled, and that was passed on to what it waits for
	passing   passing
	retired   bool
	spot      spot // where the body, or a callback, runs

	coro.Routine

	scope    *Scope
	timer    uint64 // see timed
	waiter   Waiter
	waitsFor any // a Canceller that a cancellation is passed on to, or a Keeper
	waitsIn  *Completion
	rare     *workerRare

	spentIn uint32 // the tick that spent is of
	spent   uint8  // see Spend
}

// A spot is where a worker's goroutine is, seen from the loop.
type spot uint8

const (
	inLoop      spot = iota
	besideLoop       // see parallel
	outsideLoop      // for a while, see Block
)

// workerRare is what few workers have.
type workerRare struct {
	// vars is what context variables a callback sees, while one runs.
	vars atomic.Pointer[Vars]
	// creator waits until the eager task on this worker suspends for the first time.
	creator *worker
	standIn *worker       // runs the loop on while the body blocks its goroutine
	back    chan struct{} // tells the body, which was outside, that the stand-in has made room
	placed  bool          // it has a place outside, see TakePlace
	away    *absence      // in debug mode, while it is outside
	section *section      // see Section
	derived *derived
	at      []uintptr     // where the last step has ended, in debug mode
	since   time.Duration // when it has
	doom    any           // what the task is to panic with, see InjectPanic
	until   time.Duration // when its sleep ends, with a Scheduler
	passed  *Cause        // the travelling request that the current wait has passed on
	drives  bool          // it is the driver of a loop that was entered
	beside  *beside       // nil unless the task runs beside the loop
}

// passing is whether a request to cancel is being passed on right now, and whether it has come back
// meanwhile.
type passing uint8

const (
	notPassing passing = iota
	isPassing
	cameBack
)

func (w *worker) more() *workerRare {
	if w.rare == nil {
		w.rare = new(workerRare)
	}
	return w.rare
}

// standIn returns what runs the loop while the body blocks its goroutine, or nil.
func (w *worker) standIn() *worker {
	if w.rare == nil {
		return nil
	}
	return w.rare.standIn
}

// takeCreator returns what waits until the eager task on this worker suspends, once.
func (w *worker) takeCreator() *worker {
	if w.rare == nil {
		return nil
	}
	c := w.rare.creator
	w.rare.creator = nil
	w.special = w.loop.sched != nil
	return c
}

// minSpare is how many idle workers a loop keeps for good. The others are released
// after a while, see trim. The value is a guess at what a busy program needs from one
// moment to the next.
const minSpare = 64

// newWorker starts a coroutine for l.
func (l *Loop) newWorker() *worker {
	w := &worker{loop: l, special: l.sched != nil}
	w.waiter.party = w
	w.Init(w)
	return w
}

// root makes a worker of the calling goroutine.
func (l *Loop) newRoot() *worker {
	w := &worker{loop: l}
	w.InitRoot(w)
	return w
}

// here returns the worker whose goroutine calls, or nil.
func here() *worker {
	if r := coro.Current(); r != nil {
		switch o := r.Owner().(type) {
		case *worker:
			return o
		case Guest:
			return hostOf(o)
		}
	}
	return nil
}

// Inside returns the loop that the calling goroutine is inside of, or nil.
func Inside() *Loop {
	if w := here(); w != nil && w.spot != besideLoop {
		return w.loop
	}
	return nil
}

// Within returns the loop whose task or callback calls, or nil. It is inside, or runs beside the loop.
func Within() *Loop {
	if w := here(); w != nil {
		return w.loop
	}
	return nil
}

// Near returns the loop of ctx, else the one whose task or callback calls, else nil.
func Near(ctx context.Context) *Loop {
	if l := Of(ctx); l != nil {
		return l
	}
	return Within()
}

// Inside reports whether the calling goroutine is the one that runs in l now, or holds it while it
// stands still.
func (l *Loop) Inside() bool { return Inside() == l || l.holder.Load() == goid.Get() }

// Live implements [coro.Owner]. It is the foot of every worker's stack. It is entered for a task,
// and when that has ended the worker looks for another one that wants to start, which then starts
// right here.
//
// The frame stays on the stack while the body runs, so it has to be small; see coro's place.create.
func (w *worker) Live(*coro.Routine) {
	defer w.lost()
	if books.tests.Load() > 0 {
		w.loop.enrol()
	}
	if w.rare != nil && w.rare.drives {
		w.loop.drives()
		defer w.loop.leaves()
		w.loop.driveAlong(w)
	}
	for w.task != nil {
		if w.admit() {
			w.on = true
			w.task.Body().Run(w.task)
			w.on = false
		}
		w.endTask()
		w.findTask()
	}
}

// admit prepares a task's first step, or drops the task if it was cancelled before.
func (w *worker) admit() bool {
	l, t := w.loop, w.task
	if l.inboxed.Load() {
		l.flush() // a cancellation from another goroutine may be there
	}
	if t.pending {
		t.retire()
		t.Body().Drop(t.root().cause.Load())
		return false
	}
	t.state = running
	if l.debug.Load() && l.par == nil {
		l.stepBegins()
	}
	return true
}

// endTask takes the worker's task from it.
func (w *worker) endTask() {
	if w.loop.debug.Load() {
		w.loop.stepEnds(w.task)
	}
	w.task = nil
	if c := w.takeCreator(); c != nil {
		w.loop.rest(w, c)
	}
}

// findTask runs callbacks until a task wants to start, which it takes. Otherwise it switches to whoever
// has to go on, and returns when the worker was given a task, or is retired.
func (w *worker) findTask() {
	l := w.loop
	for w.task == nil && !w.retired {
		switch x := l.peek().(type) {
		case nil:
			l.rest(w, l.driver)
		case *Task:
			switch {
			case x.w == nil:
				l.take()
				x.begin(w)
			case x.w.standIn() != nil:
				l.rest(w, l.driver)
			default:
				l.take()
				l.rest(w, x.w)
			}
		default:
			l.take()
			l.call(w, x)
		}
	}
}

// rest puts w among the idle workers and switches to another one. It returns when w has a
// task again, or is retired.
func (l *Loop) rest(w, to *worker) {
	l.idle = append(grown(l.idle), w)
	w.Switch(&to.Routine)
}

// lost is deferred at the foot of every worker. It finds a task if its body has panicked, or was left by
// runtime.Goexit: then the goroutine is lost, and with a Goexit the run is too.
func (w *worker) lost() {
	if w.retired {
		return
	}
	v := recover()
	w.enter()
	l, t := w.loop, w.task
	if !l.closing && l.par != nil {
		l.goexit = l.goexit || v == nil
	} else if !l.closing {
		to := l.driver
		if c := w.takeCreator(); c != nil {
			to = c
		}
		w.SetSuccessor(&to.Routine)
		l.goexit = l.goexit || v == nil
	}
	w.on = false
	if t == nil {
		return
	}
	t.retire()
	w.release()
	if v == nil {
		t.Body().Quit()
		return
	}
	p := panics.NewRecovered(1, v)
	t.panicked = true
	t.Body().Crash(&p)
}

// release takes back what an interrupted wait may have left.
func (w *worker) release() {
	w.unobserve()
	if c := w.waitsIn; c != nil {
		w.waitsIn = nil
		c.Remove(&w.waiter) // it may outlive the loop, and would keep the task
	}
	w.waitsFor = nil
	w.delegated = false
	w.loop.timers.cancel((*sleeper)(w))
}

// enter switches from w, the driver or a stand-in, to the worker of t, which is about to start or go
// on. It returns when somebody switches back to w.
func (l *Loop) enter(w *worker, t *Task) {
	to := t.w
	switch {
	case l.par != nil:
		l.dispatch(t)
		return
	case to == nil:
		to = l.spare()
		t.begin(to)
	case to.standIn() != nil:
		to = to.standIn()
	}
	w.Switch(&to.Routine)
}

// spare returns an idle worker. The one that went idle last has the warmest stack.
func (l *Loop) spare() *worker {
	n := len(l.idle)
	if n == 0 {
		return l.newWorker()
	}
	w := l.idle[n-1]
	l.idle[n-1] = nil
	l.idle = l.idle[:n-1]
	l.trim.lowIdle = min(l.trim.lowIdle, n-1)
	return w
}

// retire ends an idle worker.
func (l *Loop) retire(w, old *worker) {
	old.retired = true
	w.Resume(&old.Routine)
}

// Notify implements [Party]: what the task waits for has come.
func (w *worker) Notify(in *Loop) bool {
	if in == w.loop {
		if w.notified = true; w.task != nil { // else it was unwound
			w.task.wake()
		}
	} else {
		w.loop.post((*notice)(w))
	}
	return false
}

// A notice is a Notify on its way into the loop. When it arrives, the worker may have gone on to
// something else already; waits can do with being woken for nothing. That is also why it does not
// set notified: the waiter may be in another list by now.
type notice worker

// RunReady implements [Runnable].
func (n *notice) RunReady() {
	if n.task != nil {
		n.task.wake()
	}
}

// A sleeper is a worker as the target of its task's timer.
type sleeper worker

func (s *sleeper) armed() *uint64 { return &s.timer }

// RunReady implements [Runnable].
func (s *sleeper) RunReady() {
	if s.task != nil {
		s.task.wake()
	}
}

// beginWait notes what the task waits for, for those who cancel it or look at it.
func (w *worker) beginWait(on any) { w.waitsFor = on }

// endWait ends what beginWait began.
func (w *worker) endWait() {
	w.waitsFor = nil
	if w.rare != nil {
		w.rare.passed = nil
	}
}

// derived is how a wait obeys a context that is not one of the task's own scopes.
type derived struct {
	ctx  context.Context
	stop func() bool
	doom *Cause // see InjectPanic
}

// observe makes the next wait obey ctx.
func (w *worker) observe(ctx context.Context) {
	switch c := ctx.(type) {
	case *Task:
		if c == w.task {
			w.scope = &c.Scope
			return
		}
	case *Child:
		if c.task == w.task {
			w.scope = &c.Scope
			return
		}
	}
	w.observeDerived(ctx)
}

// observeDerived does it for a context that the standard library derived, or that belongs to
// another task. The task's own cancellation counts too, unless the context was detached
// from it.
func (w *worker) observeDerived(ctx context.Context) {
	if ctx == nil {
		panic("async: the ctx of a wait is nil")
	}
	done := ctx.Done()
	if done == nil {
		w.scope = nil
		return
	}
	t := w.task
	s, owner := scopeOf(ctx)
	if owner == t && t != nil {
		w.scope = s
		if s.carries(ctx) {
			return // values on top of a scope
		}
	} else {
		w.scope = t.root()
	}
	d := &derived{ctx: ctx}
	w.more().derived, w.obeysRare = d, true
	d.stop = t.loop.AfterFunc(ctx, func() {
		t.loop.Do(func() {
			if w.obeysRare && w.rare.derived == d {
				if c := w.cancelCause(); c != nil {
					t.interrupt(c)
				}
			}
		})
	})
}

func (w *worker) unobserve() {
	w.scope = nil
	if w.obeysRare {
		w.obeysRare = false
		w.rare.derived.stop()
		w.rare.derived = nil
	}
}

// cancelCause returns why the current wait has to end, or nil.
func (w *worker) cancelCause() *Cause {
	if w.obeysRare {
		return w.derivedCause()
	}
	if w.scope == nil {
		return nil
	}
	return w.scope.cause.Load()
}

func (w *worker) derivedCause() *Cause {
	if c := w.rare.derived.doom; c != nil {
		return c
	}
	ctx := w.rare.derived.ctx
	if c := w.scope.cause.Load(); c != nil {
		// A context of somebody else ends by our own cancellation too. One that is
		// derived from our scope was cancelled together with it, unless it was
		// detached on the way.
		if _, owner := scopeOf(ctx); owner != w.task || ctx.Err() != nil {
			return c
		}
	}
	return CauseOf(ctx)
}
