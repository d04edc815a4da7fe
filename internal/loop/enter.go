package loop

import (
	"time"
)

// Enter makes the calling goroutine a task of l, whose body is already under way: what follows until
// [Loop.Exit] belongs to it. The loop runs when the task waits, and at no other time. t was prepared by
// Init and not started.
//
// The driver is a coroutine then, and not the goroutine of Run, so that with one goroutine from outside
// there still is one place less than there are routines.
func (l *Loop) Enter(t *Task) error {
	if l.par != nil {
		panic("async: a loop whose tasks run in parallel cannot be entered")
	}
	if !l.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	l.life.Lock()
	if l.IsClosed() {
		l.life.Unlock()
		l.running.Store(false)
		return ErrLoopClosed
	}
	l.goexit, l.stop, l.first = false, false, false
	t.begin(l.newRoot())
	t.w.waiter.party = t.w
	t.state = running
	t.w.on = true
	l.enlist(t)
	l.driver = l.newWorker()
	l.driver.more().drives = true
	return nil
}

// Exit ends what Enter began. The calling goroutine is the task's own.
func (l *Loop) Exit(t *Task) {
	l.tidyUp()
	w := t.w
	w.on = false
	t.retire()
	l.driver.retired = true
	w.Unwind(&l.driver.Routine)
	l.driver = nil
	w.task = nil
	w.Leave()
	l.life.Unlock()
	l.running.Store(false)
	l.settle()
}

// driveAlong is the life of the driver of a loop that was entered. It goes on after whatever ends a run.
func (l *Loop) driveAlong(w *worker) {
	for {
		l.drive(w)
		l.stop = false
		if l.goexit {
			l.goexit = false
			l.Lost()
		}
	}
}

// Moot is a [Runnable] that may have nothing to do any more.
type Moot interface {
	Runnable
	// Moot reports whether it has nothing to do.
	Moot() bool
}

// Tidier is a [Runnable] that may only tidy up behind what has ended. A loop that was entered does not stay for its sake:
// [Loop.Exit] runs it.
type Tidier interface {
	Runnable
	// Tidies reports whether it does nothing else.
	Tidies() bool
}

// tidyUp runs what only tidies up, of all that is ready.
func (l *Loop) tidyUp() {
	if l.inboxed.Load() {
		l.flush()
	}
	for x := range l.queued() {
		if y, ok := (*x).(Tidier); ok && y.Tidies() {
			*x = nop{}
			y.RunReady()
		}
	}
}

// Alone reports whether a loop that was entered has nothing left but the calling task: nothing that has something to
// do but to tidy up is ready, no timer is armed, no other task is there, nobody outside works for it.
func (l *Loop) Alone() bool {
	if l.inboxed.Load() {
		l.flush()
	}
	if _, armed := l.timers.next(); armed || l.tasks.n > 1 || l.Busy() {
		return false
	}
	for x := range l.queued() {
		if m, ok := (*x).(Moot); ok && m.Moot() {
			continue
		}
		if y, ok := (*x).(Tidier); ok && y.Tidies() {
			continue
		}
		return false
	}
	return true
}

// stuck asks whoever runs the loop what to do when it would wait for ever. It reports whether something is ready
// now.
func (l *Loop) stuck(d time.Duration) bool {
	if l.Stuck == nil || d >= 0 && l.timers.len()-l.timers.void > l.Ignore || l.Busy() {
		return false
	}
	l.Stuck()
	return len(l.ready) > 0
}

// Nudge has a loop that waits look again.
func (l *Loop) Nudge() { l.post(nop{}) }

// Throw has the wait that the task is in end with c, or else the next one, and that once: it is no cancellation, and
// over when [Task.Catch] has taken it back. It reports false if there is one on its way already. It is called inside.
func (t *Task) Throw(c *Cause) bool {
	if t.cause.Load() != nil {
		return false
	}
	t.cancel(c, t)
	return true
}

// Catch takes back what Throw has thrown, and returns it, or nil. Contexts that were derived from the task stay
// cancelled. It is called by the task.
func (t *Task) Catch() *Cause {
	c := t.cause.Load()
	if c == nil || t.pending || t.requests.Load() > 0 {
		return nil
	}
	t.cause.Store(nil)
	if x := t.Scope.extra.Load(); x != nil {
		x.std.Store(nil)
	}
	return c
}

// Thrown returns what Throw has thrown and nobody has caught, or nil.
func (t *Task) Thrown() *Cause { return t.cause.Load() }

// Waited is called by a task that has waited by other means than those that package gevent knows: that may have to close
// a hub. Package gevent sets it.
var Waited = func(*Task) {}
