package loop

import (
	"runtime"
	"sync"
	"time"
)

// parallel is what a loop has in addition whose tasks run beside it, each on a goroutine of its own, and at
// the same time.
//
// Everything in the loop stays as it is: one party is inside at a time, and what belongs to the inside has no locks of
// its own. But being inside is not a matter of whose turn it is any more, it is a mutex, and it is held for as
// long as the loop's own work takes and no longer. The body of a task runs without it, and so do
// callbacks. A call that waits takes it first, waits as ever, and gives it back as it returns; see
// [worker.enter]. Calls that do not wait take the way of goroutines outside, most of them.
//
// So the mutex comes before those of locks, queues and futures, which are taken inside. Whoever has one of those
// must not enter; and code that belongs to others never runs inside.
type parallel struct {
	// inside is the mutex. The driver has it too, except while it sleeps.
	inside sync.Mutex
	bodies Bodies
	until  time.Duration // when the driver that sleeps will wake by itself

	bound int       // how many bodies may compute at the same time; 0 for any number
	busy  int       // so many do
	up    int       // tasks that run or could, and are in no wait
	queue []*worker // those that could; they come in the order in which they were ready
}

// beside is what the worker of such a task has.
type beside struct {
	turn   chan struct{} // its turn has come to go on after a wait
	joined bool          // it is in the line that it is about to wait in
	called bool          // turn was sent to, and the goroutine has not come back inside
	ended  chan struct{} // closed when the goroutine is done
	first  chan struct{} // closed, if set, when an eager task has come to its first wait
	begun  bool          // its goroutine was started
	seated bool          // it counts as busy
	gone   bool          // its goroutine is being unwound, and cannot wait any more
	began  time.Time     // debug: the current step
}

// beside returns what w has as the worker of such a task, or nil.
func (w *worker) beside() *beside {
	if w.rare == nil {
		return nil
	}
	return w.rare.beside
}

// Bodies is where the goroutines come from that run the tasks beside a loop. There is no bound on their number: a body that
// waits keeps its goroutine, and only its place is free.
type Bodies struct {
	Go      func(live func()) // has a goroutine call live; called inside
	Release func()            // called when the loop is closed, and live has returned everywhere, or is about to
}

// SetParallel has the tasks run beside the loop, at most n of them at a time if n is not 0. The loop has not run
// yet.
func (l *Loop) SetParallel(n int, bodies Bodies) {
	l.par = &parallel{bound: n, bodies: bodies}
}

// Parallel reports whether SetParallel was called.
func (l *Loop) Parallel() bool { return l.par != nil }

// computes reports whether the body of the worker's task runs beside the loop. Deferred calls of a task that is being unwound
// are no body: they cannot wait.
func (w *worker) computes() bool {
	return w.spot == besideLoop && w.task != nil && !w.beside().gone
}

// enter takes a worker that is away, and calls, inside the loop. It reports false if it is there already.
func (w *worker) enter() (entered bool) {
	if w.spot != besideLoop {
		return false
	}
	l := w.loop
	l.par.inside.Lock()
	w.on = w.computes()
	w.spot = inLoop
	if l.inboxed.Load() {
		l.flush()
	}
	return true
}

// leave ends what enter began.
func (w *worker) leave(entered bool) {
	if !entered || w.spot == besideLoop { // it was unwound in between
		return
	}
	w.spot, w.on = besideLoop, false
	w.loop.letIn()
}

// letIn gives the inside free, and wakes the driver if there is something for it to do.
func (l *Loop) letIn() {
	l.rouse()
	l.par.inside.Unlock()
}

// hold takes the inside of a loop that does not run. Who is inside of another loop does not wait for it: the two could
// wait for each other.
func (p *parallel) hold() bool {
	if Inside() != nil {
		return p.inside.TryLock()
	}
	p.inside.Lock()
	return true
}

// rouse wakes the driver if it sleeps and there is something for it to do.
func (l *Loop) rouse() {
	if !l.sleeping.Load() {
		return
	}
	if len(l.ready) == 0 && !l.stop && !l.goexit {
		if when, ok := l.timers.next(); !ok || when >= l.par.until {
			return
		}
	}
	if l.sleeping.CompareAndSwap(true, false) {
		l.wakeUps.Add(1)
		l.wakeUp <- struct{}{}
	}
}

// doze is the sleep of the driver.
func (l *Loop) doze(d time.Duration) (woken bool) {
	if p := l.par; p != nil {
		p.until = Never
		if d >= 0 {
			p.until = l.After(d)
		}
		p.inside.Unlock()
		defer p.inside.Lock()
	}
	return l.clock.Wait(d, l.wakeUp, l.Busy)
}

// aside calls fn, which belongs to others, without the inside, if the caller has it. While the inbox is being taken in that
// cannot be, and fn is called a moment later.
func aside(fn func()) {
	w := here()
	if w == nil || w.loop.par == nil || w.spot == besideLoop || w.loop.flushing && w.loop.closing {
		fn()
		return
	}
	if l := w.loop; l.flushing {
		l.ready = append(l.ready, favour(fn))
		return
	}
	w.leave(true)
	defer w.enter()
	fn()
}

// An errand is a Runnable of somebody who belongs to no loop, and so knows nothing of this one's inside.
type errand struct{ Runnable }

// RunReady implements [Runnable].
func (e errand) RunReady() { aside(e.Runnable.RunReady) }

// A Stay is a stretch of code that needs a loop for itself.
type Stay struct{ w *worker }

// Stay begins a stretch in which nobody else is inside the loop, up to [Stay.End] or the next wait. The caller is the
// task's body. If tasks do not run beside the loop that is so anyway.
func (t *Task) Stay() Stay { return t.loop.Stay() }

// Stay is [Task.Stay] for callbacks, too. For a goroutine outside it does nothing.
func (l *Loop) Stay() Stay {
	if l.par == nil {
		return Stay{}
	}
	return l.stay()
}

func (l *Loop) stay() Stay {
	if w := here(); w != nil && w.loop == l && w.enter() {
		return Stay{w}
	}
	return Stay{}
}

// End ends the stretch.
func (s Stay) End() {
	if s.w != nil {
		s.w.leave(true)
	}
}

// dispatch has t run beside the loop, from its beginning or from where it waits.
func (l *Loop) dispatch(t *Task) {
	l.rise()
	if t.w == nil {
		t.begin(l.newBeside())
	}
	l.par.seat(t.w)
}

// rise counts a task that is about to run, and fall one that waits or has ended. The caller is inside.
func (l *Loop) rise() {
	l.par.up++
	l.External(1)
}

func (l *Loop) fall() {
	l.par.up--
	l.rouse() // before the rest, or a virtual clock could jump in between
	l.External(-1)
}

// newBeside makes a worker for a task that runs beside the loop.
func (l *Loop) newBeside() *worker {
	w := &worker{loop: l, special: true}
	w.waiter.party = w
	w.more().beside = &beside{turn: make(chan struct{}, 1), ended: make(chan struct{})}
	return w
}

// seat has w go on as soon as it may, be it from its beginning. The caller is inside.
func (p *parallel) seat(w *worker) {
	b := w.beside()
	b.called = true
	if p.bound > 0 && p.busy == p.bound {
		p.queue = append(p.queue, w)
		return
	}
	p.busy++
	p.start(w)
}

func (p *parallel) start(w *worker) {
	b := w.beside()
	if b.seated = true; b.begun {
		b.turn <- struct{}{}
		return
	}
	b.begun = true
	p.bodies.Go(w.live)
}

// stand gives the place of w to the next one. The caller is inside.
func (p *parallel) stand(w *worker) {
	b := w.beside()
	if b == nil || !b.seated {
		return
	}
	b.seated = false
	if len(p.queue) == 0 {
		p.busy--
		return
	}
	next := p.queue[0]
	p.queue[0] = nil
	p.queue = p.queue[1:]
	p.start(next)
}

// sit waits for a place for w, which calls and is inside, and gives that up meanwhile.
func (w *worker) sit() {
	if w.beside() == nil {
		return
	}
	p := w.loop.par
	p.seat(w)
	w.loop.letIn()
	<-w.beside().turn
	p.inside.Lock()
	w.beside().called = false
}

// live is the life of a goroutine that runs one task.
func (w *worker) live() {
	w.InitRoot(w)
	w.loop.par.inside.Lock()
	w.beside().called = false
	defer w.end()
	defer w.lost()
	switch {
	case w.loop.closing: // while it was waiting for a place
		w.task.retire()
		w.task.Body().Drop(dropped)
	case w.admit():
		w.beside().begins(w)
		w.leave(true)
		w.task.Body().Run(w.task) // enters in the end
		w.on = false
		w.beside().ends(w)
	}
	w.task = nil
	w.retired = true
}

// end is the last act of the goroutine.
func (w *worker) end() {
	l, b := w.loop, w.beside()
	b.arrived()
	l.par.stand(w)
	l.fall()
	w.Leave()
	l.par.inside.Unlock()
	close(b.ended)
}

// arrived tells who has started an eager task that the first step is over.
func (b *beside) arrived() {
	if b.first != nil {
		close(b.first)
		b.first = nil
	}
}

// suspendBeside waits until it is t's turn. The caller is inside, and gives that up meanwhile.
func (t *Task) suspendBeside() {
	w, l := t.w, t.loop
	b := w.beside()
	if b.gone {
		return
	}
	b.ends(w)
	w.on = false
	b.arrived()
	if !l.closing {
		l.par.stand(w)
		l.fall()
		l.par.inside.Unlock()
		<-b.turn
		l.par.inside.Lock()
		b.called = false
	}
	if l.closing {
		b.gone = true
		w.spot = besideLoop // where the deferred calls run: they belong to others
		l.par.inside.Unlock()
		runtime.Goexit()
	}
	if l.inboxed.Load() {
		l.flush()
	}
	b.begins(w)
}

// unwindBeside ends the goroutine of t, where it waits or will next, while the loop is being closed.
func (l *Loop) unwindBeside(t *Task) {
	b := t.w.beside()
	if t.state == parked || t.state == woken && !b.called {
		l.rise()
		l.par.seat(t.w)
	}
	l.par.inside.Unlock()
	<-b.ended
	l.par.inside.Lock()
}

// startBeside is StartEagerly for tasks that run beside the loop: w, which calls, waits until the task has come to
// its first wait.
func (t *Task) startBeside(w *worker) bool {
	l := t.loop
	entered := w.enter()
	defer func() { w.leave(entered) }()
	if l.closing {
		return false
	}
	l.enlist(t)
	l.rise()
	t.begin(l.newBeside())
	first := make(chan struct{})
	t.w.beside().first = first
	on := w.on
	w.on = false
	l.par.stand(w)
	l.par.seat(t.w)
	l.letIn()
	<-first
	l.par.inside.Lock()
	w.sit()
	w.on = on
	return true
}

// blockBeside is Block for a task that runs beside the loop. It does not take a seat meanwhile.
func (t *Task) blockBeside(fn func()) {
	w := t.w
	stay := t.Stay()
	t.state = blocking
	if t.loop.debug.Load() {
		w.departs()
	}
	w.beside().arrived()
	t.loop.par.stand(w)
	t.loop.par.up--
	stay.End()
	w.spot = outsideLoop
	w.Detach()
	w.more()
	if t.loop.debug.Load() {
		w.absent()
	}
	defer func() {
		w.present()
		w.givePlace()
		w.Attach()
		w.spot = besideLoop
		stay := t.Stay()
		w.sit()
		t.loop.par.up++
		w.returns()
		t.state = running
		stay.End()
	}()
	fn()
}

// begins and ends tell how long a step takes, in debug mode.
func (b *beside) begins(w *worker) {
	if w.loop.debug.Load() {
		b.began = time.Now()
	}
}

func (b *beside) ends(w *worker) {
	if b.began.IsZero() {
		return
	}
	took := time.Since(b.began)
	b.began = time.Time{}
	if t := w.task; t != nil && took >= w.loop.Slow() {
		w.loop.ready = append(w.loop.ready, favour(func() { w.loop.logSlow(t, took) }))
	}
}
