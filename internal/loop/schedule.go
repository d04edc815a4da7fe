package loop

import (
	"reflect"
	"time"
)

// A Scheduler takes the order of a loop's tasks into its hand, for tests. All its methods are called inside the
// loop, on the driver's goroutine if nothing else is said.
//
// With a Scheduler the shortcuts step aside by which tasks switch to each other, and the driver picks. Callbacks and
// timers that are due run first, in FIFO order; then one of all the tasks that are ready, of this tick and the next
// alike.
type Scheduler interface {
	// Choose returns the index of the task that runs next. ready has at least one, in the order in which they
	// became ready.
	Choose(ready []*Task) int
	// Suspended is called after a step that has ended with a wait, before anything else happens.
	// For an eager task it is called on the task's own goroutine, when its first step has come to a wait.
	Suspended(t *Task)
	// Resumed is called on the task's goroutine as it goes on after a wait. It may panic.
	Resumed(t *Task)
}

// schedule is what the loop needs to have a [Scheduler] choose.
type schedule struct {
	by    Scheduler
	calls []Runnable // not run yet
	first int        // of calls
	ready []*Task
	last  *Task // whose step was the last thing that ran
}

// jobGrace is how long a choice waits for work outside the loop, so that the work's end comes between the same two
// steps each time. Work that takes longer may itself wait for a task. The value is a guess.
const jobGrace = 200 * time.Millisecond

// SetScheduler has s choose from now on. The loop has not run yet.
func (l *Loop) SetScheduler(s Scheduler) {
	if l.par != nil {
		panic("async: nobody can choose the order of tasks that run in parallel")
	}
	l.sched, l.scheduled = &schedule{by: s}, true
}

// Scheduled reports whether SetScheduler was called, from any goroutine. Then work outside comes back by a callback, so
// that it does so between two steps of tasks, and never in one.
func (l *Loop) Scheduled() bool { return l.scheduled }

// pick takes the next entry to run, or returns nil if the run is to end, as next does.
func (l *Loop) pick(w *worker) Runnable {
	s := l.sched
	if t := s.last; t != nil {
		s.last = nil
		if t.state != finished && !l.goexit {
			s.by.Suspended(t)
		}
	}
	for {
		switch {
		case l.goexit:
			return nil
		case l.stop && !l.first:
			l.unsort()
			return nil
		}
		l.first = false
		l.ticks++
		if l.inboxed.Load() {
			l.flush()
		}
		l.sort()
		switch {
		case s.first < len(s.calls):
			x := s.calls[s.first]
			s.calls[s.first] = nil
			s.first++
			return x
		case len(s.ready) == 0:
			l.wait(w)
		case l.awaitJobs():
			return s.choose()
		}
	}
}

// sort puts what is ready, and the timers that are due, where it belongs.
func (l *Loop) sort() {
	s := l.sched
	if s.first == len(s.calls) {
		s.calls, s.first = s.calls[:0], 0
	}
	if l.timers.len() > 0 {
		l.timers.purge()
		now := l.clock.Now()
		for what := l.timers.due(now); what != nil; what = l.timers.due(now) {
			l.ready = append(l.ready, what)
		}
	}
	for i, x := range l.ready {
		if t, ok := x.(*Task); ok {
			s.ready = append(s.ready, t)
		} else {
			s.calls = append(s.calls, x)
		}
		l.ready[i] = nil
	}
	l.ready = l.ready[:0]
}

// unsort takes back what sort did, for the loop's next run.
func (l *Loop) unsort() {
	s := l.sched
	all := append([]Runnable(nil), s.calls[s.first:]...)
	for _, t := range s.ready {
		all = append(all, t)
	}
	l.ready = append(all, l.ready...)
	clear(s.calls)
	clear(s.ready)
	s.calls, s.first, s.ready = s.calls[:0], 0, s.ready[:0]
}

// awaitJobs waits for work outside the loop to end, for a while. It reports false if something has come in.
func (l *Loop) awaitJobs() bool {
	if !l.Busy() {
		return !l.inboxed.Load()
	}
	end := time.NewTimer(jobGrace)
	defer end.Stop()
	for l.Busy() {
		l.sleeping.Store(true)
		over := false
		if !l.inboxed.Load() {
			select {
			case <-l.wakeUp:
				return false
			case <-end.C:
				over = true
			}
		}
		if !l.sleeping.CompareAndSwap(true, false) {
			<-l.wakeUp
		}
		if l.inboxed.Load() {
			return false
		}
		if over {
			break
		}
	}
	return !l.inboxed.Load()
}

// choose takes one of the tasks that are ready.
func (s *schedule) choose() *Task {
	i := s.by.Choose(s.ready)
	t := s.ready[i]
	n := len(s.ready) - 1
	copy(s.ready[i:], s.ready[i+1:])
	s.ready[n] = nil
	s.ready = s.ready[:n]
	s.last = t
	return t
}

// Begun reports whether the task has run already.
func (t *Task) Begun() bool { return t.state != created }

// Place returns a small number that no other task of the loop has at the same time. It may change.
func (t *Task) Place() uint32 { return t.place }

// WaitKind returns the type of what a suspended task waits for: nil for a sleep and for a task that only gives way.
func (t *Task) WaitKind() reflect.Type {
	if w := t.w; w != nil && w.task == t && w.waitsFor != nil {
		return reflect.TypeOf(w.waitsFor)
	}
	return nil
}

// TimerDeadline returns when a suspended task's timer is due, or zero if it has none.
func (t *Task) TimerDeadline() time.Duration {
	if w := t.w; w != nil && w.task == t && w.timer != 0 && w.rare != nil {
		return w.rare.until
	}
	return 0
}

// Yielding reports whether a suspended task only gives way.
func (t *Task) Yielding() bool { return t.state == woken }

// What follows injects a fault into the wait of a task that has just been suspended, see [Scheduler.Suspended]. It
// reports false if the wait cannot end like that.

// InjectTimeout ends the context that the wait obeys.
func (t *Task) InjectTimeout(c *Cause) bool {
	w := t.w
	if w == nil || w.task != t || t.state == blocking {
		return false
	}
	s := w.scope
	switch {
	case s == nil && t.state == woken:
		s = t.root() // Sleep(ctx, 0) does without
	case s == nil:
		return false
	}
	s.cancel(c, t)
	return true
}

// InjectPanic has the wait panic with v.
func (t *Task) InjectPanic(v any) bool {
	w := t.w
	if w == nil || w.task != t || w.delegated {
		return false
	}
	switch {
	case t.state == woken:
		w.more().doom = v
	case t.state == parked:
		if w.scope == nil && !w.obeysRare {
			return false // a wait that nothing ends
		}
		x := w.more()
		if !w.obeysRare {
			w.obeysRare = true
			x.derived = &derived{stop: func() bool { return false }}
		}
		x.derived.doom = &Cause{Panic: v}
		t.wake()
	default:
		return false
	}
	return true
}

// InjectFailure has the work outside that the task waits for fail with err.
func (t *Task) InjectFailure(err error) bool {
	w := t.w
	if w == nil || w.task != t {
		return false
	}
	job, ok := w.waitsFor.(interface{ FailJob(err error) bool })
	return ok && job.FailJob(err)
}

// suspends is what a task does last before it gives control back.
func (s *schedule) suspends(t *Task, eager bool) {
	if eager {
		s.by.Suspended(t)
	}
}

// resumed is what a task does first after a wait, if there is a Scheduler.
func (s *schedule) resumed(t *Task) {
	s.by.Resumed(t)
	w := t.w
	if w.rare == nil || w.rare.doom == nil {
		return
	}
	v := w.rare.doom
	w.rare.doom = nil
	w.on = true
	t.state = running
	w.unobserve()
	panic(v)
}

// Abandon ends the run, and has those who end the loop not wait for its tasks any more: they will not end by
// themselves. It is called inside.
func (l *Loop) Abandon() {
	l.abandoned.Store(true)
	l.stop = true
}

// Abandoned reports whether Abandon was called.
func (l *Loop) Abandoned() bool { return l.abandoned.Load() }

// Halt ends the run at once. It is called inside.
func (l *Loop) Halt() { l.stop = true }
