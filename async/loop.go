package async

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Loop is the low-level face of the event loop: callbacks, timers, signals, and scripts in the
// old style that make a loop and run it by hand. Programs use [Run]. It stands for asyncio's loop
// objects. All methods are safe for use from any goroutine, unlike asyncio's.
type Loop struct {
	l     *loop.Loop
	opts  *options
	eager bool

	pool     atomic.Pointer[future.Pool] // the default executor, made on first use
	mu       sync.Mutex
	shutdown bool // of the default executor
	signals  map[os.Signal]*signalHandler

	jobs  jobs
	wires wires
}

// jobs counts functions that run elsewhere for a loop, so that the end of Run can wait for them.
type jobs struct {
	n    atomic.Int64
	over atomic.Bool                  // no more are taken
	idle atomic.Pointer[Future[Void]] // done when n comes to zero, if somebody waits
}

// begin adds a job, or reports false if none are taken any more.
func (j *jobs) begin() bool {
	j.n.Add(1)
	if j.over.Load() {
		j.end()
		return false
	}
	return true
}

// end takes a job off. Whoever waits writes idle and then looks at n, and this the other way round, so
// that one of the two sees the other.
func (j *jobs) end() {
	if j.n.Add(-1) == 0 {
		j.tell()
	}
}

func (j *jobs) tell() {
	if idle := j.idle.Swap(nil); idle != nil {
		idle.SetResult(Void{})
	}
}

// refuse has begin report false from now on.
func (j *jobs) refuse() { j.over.Store(true) }

// any reports whether there are jobs.
func (j *jobs) any() bool { return j.n.Load() > 0 }

// wait waits until there are no jobs, or ctx ends.
func (j *jobs) wait(ctx context.Context) error {
	if !j.any() {
		return nil
	}
	idle := NewFuture[Void](ctx)
	if !j.idle.CompareAndSwap(nil, idle) {
		panic("async: two wait for the jobs of one loop") // only the end of Run does
	}
	if !j.any() {
		j.tell()
	}
	_, err := idle.Await(ctx)
	j.idle.CompareAndSwap(idle, nil)
	return err
}

// NewLoop returns a loop that does not run yet: asyncio.new_event_loop. It must be closed by [Loop.Close].
func NewLoop(opts ...Option) *Loop { return newLoop(makeOptions(opts)) }

func newLoop(o *options) *Loop {
	if o == nil {
		panic("async: a Runner that NewRunner has not made was used")
	}
	clock := o.clock
	if clock == nil {
		clock = loop.NewReal()
	}
	l := &Loop{l: loop.New(o.ctx, clock), opts: o, eager: o.eager}
	l.l.Face = l
	l.l.Expects = l.jobs.any
	l.l.Logger = o.logger
	if o.parallel >= 0 {
		l.l.SetParallel(o.parallel, newBodies())
	}
	l.l.SetDebug(o.debug)
	if o.slow > 0 {
		l.l.SetSlow(o.slow)
	}
	if o.places > 0 {
		l.l.Places = o.places
	}
	l.l.BeginJob, l.l.EndJob = l.jobs.begin, l.jobs.end
	l.SetExceptionHandler(o.handler)
	l.watchIdle()
	return l
}

func faceOf(l *loop.Loop) *Loop { return l.Face.(*Loop) }

// engine returns what is behind the face.
func (l *Loop) engine() *loop.Loop {
	switch {
	case l == nil:
		panic("async: a method of a nil Loop was called")
	case l.l == nil:
		panic("async: a method of a Loop that NewLoop has not made was called")
	}
	return l.l
}

// RunningLoop returns the loop that ctx belongs to, if it runs, or [ErrNoLoop]. It stands for
// asyncio.get_running_loop.
func RunningLoop(ctx context.Context) (*Loop, error) {
	if l := loop.Near(ctx); l != nil && l.Running() {
		return faceOf(l), nil
	}
	return nil, ErrNoLoop
}

// Context returns a context that belongs to the loop, for [CreateTask] and its like before the loop
// runs and from other goroutines.
func (l *Loop) Context() context.Context { return l.engine().Context() }

// RunUntilComplete runs the loop until aw is done and returns its outcome: loop.run_until_complete.
// A coroutine becomes a task. At least one tick is run. If the loop is stopped before, the error is
// [ErrStopped], and aw can be finished in a later run. Inside a loop the error is [ErrLoopRunning].
func RunUntilComplete[T any](l *Loop, aw Awaitable[T]) (T, error) {
	switch {
	case l == nil:
		panic("async: RunUntilComplete was called with a nil Loop")
	case aw == nil:
		panic("async: RunUntilComplete was called with nil")
	}
	if err := l.canRun(); err != nil {
		return *new(T), err
	}
	f := EnsureFuture(l.Context(), aw)
	if home := f.Completion().Home(); home != nil && home != l.engine() {
		// Its callbacks are run by another loop, which may stand still.
		f = CreateTask(l.Context(), f.Await).Future()
	}
	remove := f.AddDoneCallback(func(*Future[T]) { l.Stop() })
	err := l.RunForever()
	remove()
	switch {
	case err != nil:
		return *new(T), err
	case !f.IsDone():
		return *new(T), ErrStopped
	}
	return f.Result()
}

func (l *Loop) canRun() error {
	switch {
	case l.engine().IsClosed():
		return ErrLoopClosed
	case l.engine().Running(), loop.Within() != nil:
		return ErrLoopRunning
	}
	return nil
}

// RunForever runs the loop until [Loop.Stop]: loop.run_forever. If Stop was called before, it runs
// one tick. If a task or callback calls runtime.Goexit, as testing.T.FailNow does, so does
// RunForever.
func (l *Loop) RunForever() error {
	if err := l.canRun(); err != nil {
		return err
	}
	goexit, err := l.engine().Run()
	if goexit {
		l.goexit()
	}
	return err
}

// Stop ends the run after the current tick: loop.stop.
func (l *Loop) Stop() { l.engine().Stop() }

// Close releases what the loop holds: loop.close. Tasks that are not done are ended without a
// chance to wait, their deferred calls run; callbacks are dropped. Signal handlers are removed, and
// connections, servers and processes that were opened in the loop are closed, processes killed.
// Jobs of the default executor are not waited for. Closing again does nothing. Closing a loop that
// runs returns [ErrCloseRunning], as does a call by one of its own tasks, and one that has a task in [Block] [ErrBlocking].
func (l *Loop) Close() error {
	if err := l.engine().Close(); err != nil {
		return err
	}
	l.closeSignals()
	l.closeWires()
	l.mu.Lock()
	pool := l.pool.Load()
	l.shutdown = true
	l.mu.Unlock()
	if pool == nil {
		return nil
	}
	pool.CancelPending()
	if l.jobs.any() {
		pool.Shutdown(ended) // it goes on, and its goroutines end with the last job
		return nil
	}
	return pool.Shutdown(context.Background())
}

// ended is a context for those who do not want to wait.
var ended = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// IsRunning reports whether the loop runs.
func (l *Loop) IsRunning() bool { return l.engine().Running() }

// IsClosed reports whether the loop is closed.
func (l *Loop) IsClosed() bool { return l.engine().IsClosed() }

// Time returns the time of the loop's clock, which starts anywhere and never goes back: loop.time.
func (l *Loop) Time() time.Duration { return l.engine().Now() }

// A Handle is a scheduled callback: asyncio.Handle.
type Handle struct{ h *loop.Handle }

// handle returns what is behind the face.
func (h *Handle) handle() *loop.Handle {
	if h == nil || h.h == nil {
		panic("async: a method of a Handle that no loop has made was called")
	}
	return h.h
}

// Cancel keeps the callback from being called, also if it is due in this tick.
func (h *Handle) Cancel() { h.handle().Cancel() }

// Cancelled reports whether Cancel was called.
func (h *Handle) Cancelled() bool { return h.handle().Cancelled() }

// A TimerHandle is a callback that is scheduled for a time: asyncio.TimerHandle.
type TimerHandle struct{ Handle }

// When returns the time, on the loop's clock.
func (h *TimerHandle) When() time.Duration {
	if h == nil {
		panic("async: When was called on a nil TimerHandle")
	}
	return h.handle().When()
}

// CallSoon has fn called by the loop in the next tick, behind what is ready already:
// loop.call_soon. Callbacks are called in the order in which they were scheduled. A panic in fn
// goes to the exception handler. If the loop is closed, fn is not called, and the handle is
// cancelled.
func (l *Loop) CallSoon(fn func()) *Handle {
	checkCallback("CallSoon", fn)
	h := loop.NewHandle(l.engine(), fn)
	if !h.Soon() {
		h.Cancel()
	}
	return &Handle{h}
}

// CallSoonThreadsafe is [Loop.CallSoon], which is safe from any goroutine: loop.call_soon_threadsafe.
func (l *Loop) CallSoonThreadsafe(fn func()) *Handle { return l.CallSoon(fn) }

// CallLater has fn called by the loop after d: loop.call_later. Timers that are due run in the
// order of their deadlines, equal ones in that of their making, behind what is ready in that tick.
func (l *Loop) CallLater(d time.Duration, fn func()) *TimerHandle {
	checkCallback("CallLater", fn)
	return l.callAt(l.engine().After(d), fn)
}

// CallAt is [Loop.CallLater] with a time of the loop's clock: loop.call_at.
func (l *Loop) CallAt(when time.Duration, fn func()) *TimerHandle {
	checkCallback("CallAt", fn)
	return l.callAt(when, fn)
}

func (l *Loop) callAt(when time.Duration, fn func()) *TimerHandle {
	h := loop.NewHandle(l.engine(), fn)
	if !h.At(when) {
		h.Cancel()
	}
	return &TimerHandle{Handle{h}}
}

func checkCallback(name string, fn func()) {
	if fn == nil {
		panic(fmt.Sprintf("async: %s was called with a nil function", name))
	}
}

// SetDebug turns debug mode on or off; see [Debug].
func (l *Loop) SetDebug(on bool) { l.engine().SetDebug(on) }

// Debug reports whether debug mode is on: get_debug.
func (l *Loop) Debug() bool { return l.engine().Debug() }

// An ExceptionContext describes an error that nobody gets, because it happened in a callback or in
// a task that nobody awaits.
type ExceptionContext struct {
	// Message says what happened.
	Message string
	// Err is the error; a panic is a [PanicError].
	Err error
	// Task is the task that failed, or nil.
	Task AnyTask
	// Handle is the callback that failed, or nil.
	Handle *Handle
	// Created says, in debug mode, where the task or future was created, as file:line.
	Created string
}

// SetExceptionHandler sets what is called, inside the loop, with errors that nobody gets; nil logs
// them, which is the default. If the handler panics, that is logged.
func (l *Loop) SetExceptionHandler(fn func(l *Loop, c ExceptionContext)) {
	if fn == nil {
		l.engine().SetHandler(nil)
		return
	}
	l.engine().SetHandler(func(e loop.Exception) {
		c := ExceptionContext{Message: e.Message, Err: e.Err, Created: e.Created}
		if e.Task != nil {
			c.Task = e.Task.Body().Info().(AnyTask)
		}
		if e.Handle != nil {
			c.Handle = &Handle{e.Handle}
		}
		fn(l, c)
	})
}

// CallExceptionHandler passes an error to the exception handler: call_exception_handler.
func (l *Loop) CallExceptionHandler(c ExceptionContext) { l.engine().Report(exceptionOf(c)) }

// DefaultExceptionHandler logs an error, as is done without a handler: default_exception_handler.
func (l *Loop) DefaultExceptionHandler(c ExceptionContext) { l.engine().LogException(exceptionOf(c)) }

func exceptionOf(c ExceptionContext) loop.Exception {
	e := loop.Exception{Message: c.Message, Err: c.Err, Created: c.Created}
	if t, ok := c.Task.(interface {
		isMade() bool
		untyped() *loop.Task
	}); ok && t.isMade() {
		e.Task = t.untyped()
	}
	if c.Handle != nil {
		e.Handle = c.Handle.h
	}
	return e
}

// AddSignalHandler has fn called by the loop when the process gets the signal:
// loop.add_signal_handler. A second handler for a signal replaces the first. It returns an error
// for a signal that cannot be caught.
func (l *Loop) AddSignalHandler(sig os.Signal, fn func()) error {
	checkCallback("AddSignalHandler", fn)
	switch {
	case sig == nil:
		panic("async: AddSignalHandler was called with a nil signal")
	case l.engine().IsClosed():
		return ErrLoopClosed
	case sig == os.Kill || uncatchable(sig):
		return fmt.Errorf("async: signal %q cannot be caught", sig)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.l.IsClosed() { // and whoever closes it comes to the handlers after that
		return ErrLoopClosed
	}
	if h := l.signals[sig]; h != nil {
		h.fn = fn
		return nil
	}
	if l.signals == nil {
		l.signals = map[os.Signal]*signalHandler{}
	}
	h := &signalHandler{fn: fn, ch: make(chan os.Signal, 4), done: make(chan struct{})}
	l.signals[sig] = h
	signal.Notify(h.ch, sig)
	l.l.Source(1)
	go l.forward(h)
	return nil
}

// A signalHandler is what AddSignalHandler has made of one signal: a channel and a goroutine of its own, so that
// the others do not miss anything when it goes.
type signalHandler struct {
	fn   func() // guarded by the loop's mu
	ch   chan os.Signal
	done chan struct{} // closed when the goroutine has ended
}

// forward brings signals into the loop.
func (l *Loop) forward(h *signalHandler) {
	defer close(h.done)
	defer l.l.Source(-1)
	for range h.ch {
		l.mu.Lock()
		fn := h.fn
		l.mu.Unlock()
		l.CallSoonThreadsafe(fn)
	}
}

// RemoveSignalHandler ends what [Loop.AddSignalHandler] began, and reports whether there was a
// handler. The signal has its default effect again.
func (l *Loop) RemoveSignalHandler(sig os.Signal) bool {
	l.engine()
	l.mu.Lock()
	h := l.signals[sig]
	delete(l.signals, sig)
	l.mu.Unlock()
	h.end()
	return h != nil
}

// end takes the handler away. On nil it does nothing.
func (h *signalHandler) end() {
	if h != nil {
		signal.Stop(h.ch)
		close(h.ch)
		<-h.done
	}
}

func (l *Loop) closeSignals() {
	l.mu.Lock()
	all := l.signals
	l.signals = nil
	l.mu.Unlock()
	for _, h := range all {
		h.end()
	}
}

// LoopStats is what a loop holds and has done.
type LoopStats struct {
	Tasks   int    // not done
	Started uint64 // tasks in all
	Ready   int    // entries of the ready queue
	Timers  int    // armed, cancelled ones included until they are cleared away
	Idle    int    // coroutines kept for reuse
	Ticks   uint64 // in all
	WakeUps uint64 // times that another goroutine woke the idle loop
	Running int    // tasks that do not wait; at most one, unless there is [Parallel]
}

// Stats returns what the loop holds and has done. From another goroutine it waits until the loop
// has an answer; the answer of a closed loop is empty.
func Stats(l *Loop) LoopStats {
	var s loop.Stats
	l.engine().Ask(func() { s = l.engine().Stats() })
	return LoopStats(s)
}
