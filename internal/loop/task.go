package loop

import (
	"context"
	"sync/atomic"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/petermattis/goid"
	"github.com/sourcegraph/conc/panics"
)

// A Body is the typed side of a task.
type Body interface {
	Canceller
	// Run runs the body and records its outcome.
	Run(ctx context.Context)
	// Crash records that the body panicked.
	Crash(*panics.Recovered)
	// Quit records that the body was left by runtime.Goexit.
	Quit()
	// Drop records that the body never ran, because the task was cancelled first.
	Drop(*Cause)
	// Ended reports whether the outcome is recorded, from any goroutine.
	Ended() bool
	// Info is what the task shows of itself.
	Info() any
}

type taskState uint8

const (
	created taskState = iota // not started yet
	running
	parked
	woken    // parked, and in the ready queue
	blocking // outside, in Block
	finished
)

// A Task is a coroutine with an identity, which the loop resumes, and the context of its own body.
// It lives inside a typed task of the packages above, so that both are one allocation. What a task
// needs only while its body is under way is in its worker. The fields belong to the inside of the
// loop unless they are atomic.
//
// What a switch needs comes first, so that it is in one cache line.
type Task struct {
	w     *worker // set when the body starts, and never again
	state taskState
	// pending is set while a cancellation was requested and the body does not know yet.
	pending  bool
	panicked bool
	looked   atomic.Bool // the body has asked its context whether it is cancelled
	requests atomic.Int32
	place    uint32 // in the loop's roster
	Scope           // the context of the body

	owner Owner // the typed side: a Body
	id    uint64
	extra atomic.Pointer[extra]
}

// extra holds what few tasks have.
type extra struct {
	created []uintptr              // where, in debug mode
	vars    atomic.Pointer[Vars]   // context variables
	root    *Child                 // what a cancellation hits since Uncancel
	name    atomic.Pointer[string] // if it has one of its own
	local   any                    // what a package above keeps with the task, for the task itself
}

// more returns the task's extra, which is made on first use.
func (t *Task) more() *extra {
	x := t.extra.Load()
	if x == nil {
		t.extra.CompareAndSwap(nil, new(extra))
		x = t.extra.Load()
	}
	return x
}

// root returns the scope that a cancellation of the task hits: that of its own context, until the task was
// uncancelled and has a fresh one.
func (t *Task) root() *Scope {
	if c := t.rootChild(); c != nil {
		return &c.Scope
	}
	return &t.Scope
}

// rootChild returns the fresh scope of a task that was uncancelled, or nil.
func (t *Task) rootChild() *Child {
	if x := t.extra.Load(); x != nil {
		return x.root
	}
	return nil
}

// retire takes a task that is finished off the books.
func (t *Task) retire() {
	t.loop.tasks.remove(t)
	t.state = finished
}

// Over is called when the outcome of the task is recorded. It ends the context, for those outside who wait
// for its Done: what the standard library has derived from it, and goroutines. Tasks that wait with it
// by mistake are not disturbed.
func (t *Task) Over() {
	if std := t.made(); std != nil {
		std.cancel(context.Canceled)
	}
}

// Init prepares a task of l whose context has the values of ctx. self is what it is
// embedded in. The task does not run before [Task.Start].
func (t *Task) Init(ctx context.Context, l *Loop, self Body) {
	t.values, t.loop, t.owner.Canceller = valuesOf(ctx), l, self
	if v := copyVars(ctx); v != nil {
		t.more().vars.Store(v)
	}
	if l.debug.Load() {
		t.more().created = callers()
	}
}

// Body returns the typed side.
func (t *Task) Body() Body { return t.owner.Canceller.(Body) }

// Panicked reports whether the body has panicked. The task is finished.
func (t *Task) Panicked() bool { return t.panicked }

// Owner returns what the task's future is to ask when it is cancelled.
func (t *Task) Owner() *Owner { return &t.owner }

// Context returns the context that the body is called with.
func (t *Task) Context() context.Context { return t }

// ID returns the task's number, unique in the process; zero before the task is numbered.
func (t *Task) ID() uint64 { return t.id }

// SetID numbers the task.
func (t *Task) SetID(id uint64) { t.id = id }

// Name returns the name that the task was given, if any, from any goroutine.
func (t *Task) Name() (string, bool) {
	if x := t.extra.Load(); x != nil {
		if name := x.name.Load(); name != nil {
			return *name, true
		}
	}
	return "", false
}

// SetName gives the task a name, from any goroutine.
func (t *Task) SetName(name string) { t.more().name.Store(&name) }

// SetLocal keeps something with the task, and Local returns it, or nil. Both are for the inside.
func (t *Task) SetLocal(x any) { t.more().local = x }

// Local returns what SetLocal has set.
func (t *Task) Local() any {
	if x := t.extra.Load(); x != nil {
		return x.local
	}
	return nil
}

// Start puts the task at the end of the ready queue. It reports false if the loop is closed.
func (t *Task) Start() bool { return t.loop.push(t) }

// StartFrom is Start for a caller that has a context, which usually is that of the calling task.
func (t *Task) StartFrom(ctx context.Context) bool {
	l := t.loop
	if c, ok := ctx.(*Task); ok && c.loop == l && c.w != nil && c.w.IsCurrent() && c.w.on && !l.closing {
		l.pushInside(t)
		l.enlist(t)
		return true
	}
	return l.push(t)
}

// RunReady implements [Runnable]; the loop knows what to do with a task itself.
func (t *Task) RunReady() {}

// StartEagerly runs the body at once, on top of the calling task or callback, until it has to wait for the
// first time. From elsewhere than inside the loop it is Start.
func (t *Task) StartEagerly() bool {
	l := t.loop
	w := here()
	if w == nil || w.loop != l {
		return t.Start()
	}
	if l.par != nil {
		return t.startBeside(w)
	}
	if l.closing {
		return false
	}
	l.enlist(t)
	t.begin(l.spare())
	t.w.more().creator = w
	t.w.special = true
	w.Switch(&t.w.Routine)
	return true
}

// begin gives a task its worker.
func (t *Task) begin(w *worker) {
	t.w = w
	w.task = t
}

// Ending is called by the body's Run when the coroutine has returned: it reports the
// cancellation that the coroutine has not seen, or nil, and takes the task off the loop's
// books, so that callbacks of its end find it gone.
func (t *Task) Ending() (unseen *Cause) {
	l := t.loop
	if t.w.spot == besideLoop {
		t.w.enter() // for good
	}
	if l.inboxed.Load() {
		l.flush()
	}
	t.retire()
	if t.pending && !t.looked.Load() {
		return t.root().cause.Load()
	}
	return nil
}

// park suspends the task until something wakes it.
func (t *Task) park() {
	t.w.notified = false
	t.state = parked
	t.suspend()
}

// yield lets the others have one tick.
func (t *Task) yield() {
	t.state = woken
	t.loop.pushInside(t)
	t.suspend()
}

// suspend runs others until it is t's turn. If the next entry is another task, that is
// switched to directly; if it is t itself, nothing needs to be done; everything else is left to the
// driver, whose stack may be deep.
func (t *Task) suspend() {
	if p := t.depart(); p != nil {
		if p.Turn {
			p.Turn = false
			p.Yield(struct{}{})
		} else {
			p.Turn = true
			p.Next()
		}
		t.w.Arrive()
	}
	t.w.on = true
	t.state = running
}

// depart is suspend up to the switch: it returns the place where the goroutine has to park itself. It
// returns nil if that has been done already, or need not be. [Sleep] does as suspend does, to be without
// its frame; see [coro.Routine.Depart].
func (t *Task) depart() *coro.Place {
	w := t.w
	l := w.loop
	if w.special || w.Unwinding() || l.debug.Load() {
		t.suspendSlowly()
		return nil
	}
	w.on = false
	to := l.direct()
	if to == w {
		return nil
	}
	p := w.Depart(&to.Routine)
	if p == nil {
		w.Switch(&to.Routine)
	}
	return p
}

func (t *Task) suspendSlowly() {
	w := t.w
	l := w.loop
	if l.debug.Load() {
		w.departs()
	}
	if l.par != nil {
		t.suspendBeside()
		w.returns()
		return
	}
	if w.Unwinding() {
		return
	}
	w.on = false // first, so that what logs does not take itself for the task
	l.stepEnds(t)
	to := l.driver
	creator := w.takeCreator()
	if creator != nil {
		to = creator
	}
	if l.sched != nil {
		l.sched.suspends(t, creator != nil)
	}
	w.Switch(&to.Routine)
	w.returns()
	if l.debug.Load() {
		l.stepBegins()
	}
	if l.sched != nil {
		l.sched.resumed(t)
	}
}

// direct takes the next entry if that is a task which a suspending task can switch to without any
// further ado, and returns its worker. Otherwise it returns the driver, who does what is to be done.
func (l *Loop) direct() *worker {
	t, ok := l.peek().(*Task)
	if !ok {
		return l.driver
	}
	w := t.w
	switch {
	case w == nil:
		if len(l.idle) == 0 {
			return l.driver
		}
		w = l.spare()
		t.begin(w)
	case w.standIn() != nil:
		return l.driver
	}
	l.take()
	return w
}

// wake makes a parked task ready. It does nothing for a task that is not parked.
func (t *Task) wake() {
	if t.state == parked {
		t.state = woken
		t.loop.pushInside(t)
	}
}

// Cancelling returns how many requests were made and not taken back, from any goroutine.
func (t *Task) Cancelling() int { return int(t.requests.Load()) }

// Count adds one to what Cancelling returns, for a scope that cancels what it surrounds, and
// Discount takes one off again, if Uncancel has left one.
func (t *Task) Count() { t.requests.Add(1) }

// Discount ends what Count began, and returns how many requests are left.
func (t *Task) Discount() int {
	for {
		n := t.requests.Load()
		if n <= 0 {
			return 0
		}
		if t.requests.CompareAndSwap(n, n-1) {
			return int(n - 1)
		}
	}
}

// Cancel requests the end of the task, from any goroutine. The request is a level: every
// wait that obeys the task's context ends from now on.
func (t *Task) Cancel(c *Cause) {
	t.requests.Add(1)
	if t.loop != Within() && !t.loop.Inside() {
		c = c.travelling()
	}
	t.loop.Do(func() { t.cancelInside(c) })
}

func (t *Task) cancelInside(c *Cause) {
	if t.state == finished {
		return
	}
	t.pending = true
	root := t.root()
	if root.cause.Load() != nil {
		t.interrupt(c) // once more
		return
	}
	root.cancel(c, t)
}

// interruptFrom is called when one of the scopes of the task was cancelled, from any
// goroutine.
func (t *Task) interruptFrom(s *Scope) {
	t.loop.Do(func() {
		if w := t.w; w != nil && w.task == t && w.scope == s {
			t.interrupt(s.cause.Load())
		}
	})
}

// interrupt ends the current wait if it obeys a scope that is cancelled: by passing the
// cancellation on to what the task waits for, or else by waking the task.
func (t *Task) interrupt(c *Cause) {
	w := t.w
	if w != nil && w.passing != notPassing {
		// Tasks that wait for each other in a ring: the request has come back to where it began, be it before
		// that one waits itself. Somebody has to give up waiting.
		w.passing = cameBack
		return
	}
	if t.state != parked || w.cancelCause() == nil {
		return
	}
	if c.travels {
		if x := w.more(); x.passed == c { // the same, by way of another loop
			w.delegated = false
			t.wake()
			return
		}
		w.rare.passed = c
	}
	if target, ok := w.waitsFor.(Canceller); ok {
		accepted, ring := w.passOn(target, c)
		if accepted && !ring {
			w.delegated = true
			return
		}
		if !ring && endsSoon(target) {
			return
		}
	}
	t.wake()
}

// passOn passes a request to cancel on to what the task waits for, or is about to. It reports whether that was accepted,
// and whether the request has come back.
func (w *worker) passOn(target Canceller, c *Cause) (accepted, ring bool) {
	w.passing = isPassing
	accepted = target.CancelWaited(c)
	ring = w.passing == cameBack
	w.passing = notPassing
	return accepted, ring
}

// Redeliver notes that the body has lost sight of a cancellation that it was told of,
// because another error took its place.
func (t *Task) Redeliver() {
	defer t.Stay().End()
	if t.root().cause.Load() != nil {
		t.pending = true
	}
}

// Uncancel takes back one request of cancellation and returns the number of those that are
// left, and a context to go on with: ctx itself if it is not cancelled.
func (t *Task) Uncancel(ctx context.Context) (context.Context, int) {
	defer t.Stay().End()
	left := t.Discount()
	if s, owner := scopeOf(ctx); s == nil || owner != t || s.cause.Load() == nil {
		return ctx, left
	}
	if t.pending && left > 0 {
		return ctx, left // another request is still to be delivered
	}
	t.pending = false
	t.looked.Store(false)
	return t.refresh(ctx), left
}

// deliver tells the body, through the wait it is in, that it is cancelled.
func (t *Task) deliver(c *Cause) error {
	t.pending = false
	if c.Panic != nil {
		panic(c.Panic)
	}
	return c.Wait
}

// Current returns the task whose body calls, or nil on a goroutine that belongs to no
// loop. A callback gets [ErrNotInTask].
func Current(ctx context.Context) (*Task, error) {
	// The usual case is the context of the calling task, and costs a
	// comparison of goroutine ids. Everything else is looked up by the id.
	var w *worker
	if t, ok := ctx.(*Task); ok {
		w = t.w
	} else if c, ok := ctx.(*Child); ok && c.task != nil {
		w = c.task.w
	}
	if w == nil || !w.IsCurrent() {
		if ctx == nil {
			panic("async: the ctx is nil")
		}
		if w = here(); w == nil {
			if l := Of(ctx); l != nil && l.holder.Load() == goid.Get() {
				return nil, ErrNotInTask // a callback of a loop that stands still
			}
			Touch()
			return nil, nil
		}
	}
	switch {
	case w.on, w.computes():
		return w.task, nil
	case w.spot == outsideLoop:
		Touch()
		return nil, nil
	}
	return nil, ErrNotInTask
}

// An Identity tells who calls: a task, or a goroutine that runs none.
type Identity struct {
	Task      *Task
	Goroutine int64 // only if there is no task
}

// Gone reports whether it was that of a task that has ended.
func (i Identity) Gone() bool { return i.Task != nil && i.Task.Body().Ended() }

// Me returns the identity of the caller. Deferred calls of a task that is unwound are the task too; what it
// runs in Block is not.
func Me() Identity {
	if w := here(); w != nil && w.task != nil {
		return Identity{Task: w.task}
	}
	return Identity{Goroutine: goid.Get()}
}

// Here returns the task whose body calls, for callers that have no context.
func Here() *Task {
	if w := here(); w != nil && (w.on || w.computes()) {
		return w.task
	}
	return nil
}

// Own returns the context that the body is to go on with, for callers that have none: the one that it was called
// with, or the fresh one since it was uncancelled.
func (t *Task) Own() context.Context {
	if c := t.rootChild(); c != nil {
		return c
	}
	return t
}
