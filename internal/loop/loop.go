package loop

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc/panics"
)

// A Loop runs tasks and callbacks, one at a time.
type Loop struct {
	// Inside.
	ready   []Runnable // for the next tick
	batch   []Runnable // of this tick; the first pos entries are taken
	pos     int
	timers  timers
	idle    []*worker
	trim    trimming
	tasks   roster // those that are not done
	ticks   uint64
	started uint64  // tasks in all
	driver  *worker // the goroutine that Run was given; parked while another one drives
	stop    bool
	first   bool // the first tick of a run is made in any case
	goexit  bool
	closing bool
	// flushing is set inside flush, which must not nest: what was posted later would come first.
	flushing  bool
	step      time.Time // debug: when the current step began
	scheduled bool      // written before the loop runs; see Scheduled
	sched     *schedule // nil unless a test chooses the order
	par       *parallel // nil unless tasks run beside the loop; see SetParallel
	quiet     quiet
	lines     map[*Line]visited // see books

	// life is held while the loop runs, and by whoever needs it to stand still: then that goroutine's id is
	// in holder, and it counts as inside.
	life   sync.Mutex
	holder atomic.Int64

	// The outside's way in.
	mu       sync.Mutex
	inbox    []Runnable
	emptied  []Runnable // the inbox of before, for the one after this
	shut     bool
	inboxed  atomic.Bool  // inbox is not empty
	asked    atomic.Int64 // questions that have no answer yet, see Ask
	sleeping atomic.Bool  // the inside waits for wakeUp
	wakeUp   chan struct{}
	wakeUps  atomic.Uint64
	outside  outside

	tree sync.Mutex // guards the tree of scopes

	// For a loop that was entered: Stuck is called inside when it would wait for ever, and Lost when a task was
	// left by a Goexit. They are written before the loop runs.
	Stuck, Lost func()
	Ignore      int // how many timers do not count as something to wait for

	// Places is how many tasks may be outside at once, see [Task.TakePlace]. BeginJob and EndJob count them as functions that
	// run elsewhere; BeginJob reports false if none are taken any more. All are written before the loop is shared.
	Places   int
	BeginJob func() bool
	EndJob   func()
	places   places

	// Expects reports whether functions run elsewhere that may come back at any moment. It is written before the loop is shared.
	Expects func() bool

	// Face is what package async shows of the loop. It is written before the loop is shared.
	Face any

	clock     Clock
	root      Child // the loop's own context
	running   atomic.Bool
	abandoned atomic.Bool // see Abandon
	closed    chan struct{}
	poll      atomic.Pointer[func()] // see Poll

	debug   atomic.Bool
	booked  atomic.Bool  // see keepBooks
	slow    atomic.Int64 // nanoseconds
	Logger  *slog.Logger // written before the loop is shared
	handler atomic.Pointer[func(Exception)]

	failures failures
}

// Runnable is an entry of the ready queue.
type Runnable interface {
	// RunReady runs the entry, inside the loop.
	RunReady()
}

// Errors of the loop's life cycle.
var (
	ErrRunning      = errors.New("async: this event loop is already running")
	ErrCloseRunning = errors.New("async: cannot close a running event loop")
	ErrBlocking     = errors.New("async: cannot close an event loop while one of its tasks is in Block")
)

// DefaultSlow is how long a step may take in debug mode before it is logged.
const DefaultSlow = 100 * time.Millisecond

// New returns a loop that does not run yet. Its context has the values of ctx.
func New(ctx context.Context, clock Clock) *Loop {
	l := &Loop{Places: DefaultPlaces, clock: clock, wakeUp: make(chan struct{}, 1), closed: make(chan struct{})}
	l.root.values, l.root.loop = valuesOf(ctx), l
	l.slow.Store(int64(DefaultSlow))
	return l
}

// Context returns a context that leads to the loop and belongs to no task.
func (l *Loop) Context() context.Context { return &l.root }

// Now returns the time of the loop's clock.
func (l *Loop) Now() time.Duration { return l.clock.Now() }

// Never is a time that no clock reaches.
const Never time.Duration = math.MaxInt64

// After returns the time that is d from now, or [Never] if that is further away than a Duration can tell.
func (l *Loop) After(d time.Duration) time.Duration {
	now := l.Now()
	if when := now + d; d < 0 || when >= now {
		return when
	}
	return Never
}

// Running reports whether the loop runs now.
func (l *Loop) Running() bool { return l.running.Load() }

// Closed returns a channel that is closed together with the loop.
func (l *Loop) Closed() <-chan struct{} { return l.closed }

// IsClosed reports whether the loop is closed.
func (l *Loop) IsClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}

// SetDebug turns debug mode on or off: creation stacks are kept and slow steps logged, and the books say who holds
// what.
func (l *Loop) SetDebug(on bool) {
	l.debug.Store(on)
	l.keepBooks(on && !l.IsClosed())
}

// Debug reports whether debug mode is on.
func (l *Loop) Debug() bool { return l.debug.Load() }

// SetSlow sets how long a step may take in debug mode before it is logged.
func (l *Loop) SetSlow(d time.Duration) { l.slow.Store(int64(d)) }

// Slow returns what SetSlow has set.
func (l *Loop) Slow() time.Duration { return time.Duration(l.slow.Load()) }

// Run runs the loop until [Loop.Stop], on a goroutine of its own, because the caller's may be
// locked to its thread. It reports whether the run was ended by runtime.Goexit in a task or callback.
func (l *Loop) Run() (goexit bool, err error) {
	if !l.running.CompareAndSwap(false, true) {
		return false, ErrRunning
	}
	l.life.Lock() // who holds it now only looks at it, and will be done soon
	defer l.settle()
	defer l.life.Unlock()
	if l.par != nil {
		l.par.inside.Lock() // for the driver
		defer l.par.inside.Unlock()
	}
	defer l.running.Store(false)
	if l.IsClosed() {
		return false, ErrLoopClosed
	}
	l.goexit = false
	l.first = true
	l.apart(func(w *worker) {
		l.driver = w
		l.drive(w)
	})
	l.driver = nil
	l.stop = false
	goexit, l.goexit = l.goexit, false
	return goexit, nil
}

// apart runs fn on a fresh goroutine that is inside the loop, and waits for it.
func (l *Loop) apart(fn func(*worker)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		w := l.newRoot()
		defer w.Leave()
		l.drives()
		defer l.leaves()
		normal := false
		defer func() {
			if !normal {
				l.goexit = true
			}
		}()
		fn(w)
		normal = true
	}()
	<-done
}

// drive runs the loop on the goroutine that Run was given. Most of the time it is parked, and the
// tasks do this among themselves.
func (l *Loop) drive(w *worker) {
	for {
		switch x := l.next(w).(type) {
		case nil:
			return
		case *Task:
			l.enter(w, x)
		default:
			l.call(w, x)
		}
	}
}

// next takes the next entry to run, or returns nil if the run is to end.
func (l *Loop) next(w *worker) Runnable {
	if l.sched != nil {
		return l.pick(w)
	}
	for {
		switch {
		case l.goexit:
			return nil
		case l.pos < len(l.batch):
			return l.take()
		case l.stop && !l.first:
			return nil
		}
		l.turn(w)
	}
}

// take removes and returns the next entry of this tick.
func (l *Loop) take() Runnable {
	x := l.batch[l.pos]
	l.batch[l.pos] = nil
	l.pos++
	return x
}

// peek returns the next entry without taking it. It goes on to the next tick if that is simple:
// nothing to wait for, no timers, no mail. Otherwise, and if a test chooses the order, it returns nil.
func (l *Loop) peek() Runnable {
	if l.pos == len(l.batch) {
		if len(l.ready) == 0 || l.timers.len() > 0 || l.stop || l.inboxed.Load() || (l.ticks+1)%1024 == 0 || l.sched != nil {
			return nil
		}
		l.ticks++
		l.swap()
	}
	if l.goexit {
		return nil
	}
	return l.batch[l.pos]
}

// swap makes what is ready the batch of a new tick.
func (l *Loop) swap() {
	l.trim.peak = max(l.trim.peak, len(l.ready))
	l.batch, l.ready, l.pos = l.ready, l.batch[:0], 0
}

// turn begins the next tick.
func (l *Loop) turn(w *worker) {
	l.first = false
	l.ticks++
	if l.inboxed.Load() {
		l.flush()
	}
	if len(l.ready) == 0 {
		l.wait(w)
	} else if l.ticks%1024 == 0 {
		l.trimSometimes(w)
	}
	if l.timers.len() > 0 {
		l.timers.purge()
		now := l.clock.Now()
		for what := l.timers.due(now); what != nil; what = l.timers.due(now) {
			l.ready = append(grown(l.ready), what)
		}
	}
	l.swap()
}

// wait waits until something is ready or a timer is due. On the way it releases workers.
func (l *Loop) wait(w *worker) {
	var idle time.Duration // since when, see Idle
	for len(l.ready) == 0 && !l.stop && !l.goexit {
		more := l.trimSometimes(w)
		if l.inboxed.Load() {
			l.flush()
			continue
		}
		if look := l.poll.Load(); look != nil {
			if (*look)(); len(l.ready) > 0 || l.inboxed.Load() {
				continue
			}
		}
		virtual := !l.RealTime()
		if virtual && l.timers.len() > 0 {
			if l.catchUp(); len(l.ready) > 0 {
				return
			}
		}
		d := time.Duration(-1)
		if when, ok := l.timers.next(); ok {
			now := l.clock.Now()
			if when <= now {
				return
			}
			d = when - now
		}
		if d < 0 && !virtual && l.quiet.after > 0 {
			if d = l.quiet.left(l, &idle); len(l.ready) > 0 {
				return
			}
		}
		if l.stuck(d) {
			return
		}
		if more && !virtual && (d < 0 || d > trimEvery) {
			d = trimEvery // and look again how many are needed
		}
		if !virtual && l.glance() {
			continue
		}
		// Dekker: announce, look again. The poster writes, then looks for the
		// announcement.
		l.sleeping.Store(true)
		if l.inboxed.Load() || !l.doze(d) {
			if !l.sleeping.CompareAndSwap(true, false) {
				<-l.wakeUp // its sender is on the way
			}
		}
		if l.inboxed.Load() {
			l.flush()
		}
	}
}

// glances is how often an idle loop gives way before it sleeps, if functions run elsewhere for it. One that is short has
// returned by then, and neither has to wake the other. The value is a guess.
const glances = 8

// glance reports whether something comes in from functions that run elsewhere, if there are some.
func (l *Loop) glance() bool {
	if l.Expects == nil || !l.Expects() {
		return false
	}
	for i := 0; i < glances && !l.inboxed.Load(); i++ {
		runtime.Gosched()
	}
	return l.inboxed.Load()
}

// call runs a callback. A panic in it concerns nobody else.
func (l *Loop) call(w *worker, x Runnable) {
	defer func() {
		if v := recover(); v != nil {
			p := panics.NewRecovered(1, v)
			h, ok := x.(*Handle)
			if !ok { // a done callback
				h = NewHandle(l, x.RunReady)
			}
			l.Report(Exception{Message: "exception in callback", Err: Spell.Panic(&p), Handle: h})
		}
	}()
	if l.debug.Load() {
		l.stepBegins()
		defer l.stepEndsCall(x)
	}
	x.RunReady()
}

// Poll has look called, inside, each time before the loop would sleep: it makes ready what it can, and does not wait.
func (l *Loop) Poll(look func()) { l.poll.Store(&look) }

// Stop ends the run after the current tick. If the loop does not run, its next run makes one tick.
func (l *Loop) Stop() { l.Do(func() { l.stop = true }) }

// Close releases what the loop holds: tasks that are not done are unwound, callbacks dropped.
func (l *Loop) Close() error {
	if Within() == l {
		return ErrCloseRunning // by a task, which cannot wait for its own end: it may go on after the run, or be unwound
	}
	if !l.life.TryLock() {
		if l.running.Load() {
			return ErrCloseRunning
		}
		l.life.Lock()
	}
	defer l.life.Unlock()
	if p := l.par; p != nil {
		defer func() {
			if l.IsClosed() {
				p.bodies.Release()
			}
		}()
		p.inside.Lock()
		defer p.inside.Unlock()
	}
	if l.IsClosed() {
		return nil
	}
	l.flush()
	for _, t := range l.tasks.all {
		if t != nil && t.state == blocking {
			return ErrBlocking
		}
	}
	l.apart(l.release)
	close(l.closed)
	l.keepBooks(false)
	return nil
}

// Closing reports, inside, whether the loop is being closed and its tasks unwound.
func (l *Loop) Closing() bool { return l.closing }

// dropped is how a task ends that has not begun when its loop is closed.
var dropped = &Cause{Err: context.Canceled, Cause: ErrLoopClosed, Wait: ErrLoopClosed}

func (l *Loop) release(w *worker) {
	l.mu.Lock()
	l.shut = true // first, so that nothing can come in behind the flush
	l.mu.Unlock()
	l.flush()
	l.closing = true
	for _, t := range l.tasks.tasks() { // nobody joins them any more
		if l.par != nil && t.w != nil {
			l.unwindBeside(t)
			continue
		}
		l.tasks.remove(t)
		if t.w == nil {
			t.state = finished
			t.Body().Drop(dropped)
			continue
		}
		if s := t.w.standIn(); s != nil {
			// The task's goroutine waits for its stand-in to make room.
			t.w.SetSuccessor(&w.Routine)
			w.Switch(&s.Routine)
			continue
		}
		w.Unwind(&t.w.Routine)
	}
	for len(l.idle) > 0 {
		last := len(l.idle) - 1
		old := l.idle[last]
		l.idle = l.idle[:last]
		l.retire(w, old)
	}
	l.lastFavours(w)
	l.root.cancel(dropped, nil)
	l.ready, l.batch, l.timers, l.idle, l.tasks, l.sched = nil, nil, timers{}, nil, roster{}, nil
}

// Tasks returns the tasks that are not done, in order of creation. It is called inside, or while the loop
// stands still.
func (l *Loop) Tasks() []*Task {
	l.flush()
	return l.tasks.tasks()
}

func (l *Loop) enlist(t *Task) {
	if l.tasks.add(t) {
		l.started++
	}
}

// Stats is what a loop has done and holds.
type Stats struct {
	Tasks   int    // not done
	Started uint64 // in all
	Ready   int
	Timers  int
	Idle    int // coroutines kept for reuse
	Ticks   uint64
	WakeUps uint64 // of the idle loop, from other goroutines
	Running int    // tasks whose bodies run, or could if there were a place for them
}

// Stats returns what the loop has done and holds. It is called inside, or while the loop stands still.
func (l *Loop) Stats() Stats {
	running := 0
	if l.par != nil {
		running = l.par.up
	} else if t := Here(); t != nil && t.loop == l {
		running = 1
	}
	return Stats{
		Running: running, Tasks: l.tasks.n, Started: l.started, Ready: len(l.ready) + len(l.batch) - l.pos, Timers: l.timers.len(),
		Idle: len(l.idle), Ticks: l.ticks, WakeUps: l.wakeUps.Load(),
	}
}
