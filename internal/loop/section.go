package loop

import (
	"time"

	"github.com/asyncgo/asyncgo/internal/coro"
)

// section is how the calls of a task leave the loop that know nothing of it: those of the standard library
// that package monkey has patched. It is a part of the body that may go on outside from any point, but does so only
// where it would block: so a read that finds its data costs no switch. The task comes back where the section ends, and not
// earlier, because inside it may hold locks that others want, who are in the loop.
type section struct {
	w    *worker
	in   *coro.Routine // whose call it is, while there is one: a greenlet may make one of its own
	left bool          // it is outside
	busy bool          // it is about to leave

	endJob        func()
	end, comeBack func() // made once
}

// caller returns the section of the calling task, and its task. It returns nil for those who cannot leave: other
// goroutines, tasks that are outside already, and the loop's own work on the goroutine of a task.
func caller() (*section, *Task) {
	w := here()
	if w == nil || !w.on || w.task.state != running {
		return nil, nil
	}
	x := w.more()
	if x.section == nil {
		s := &section{w: w}
		s.end, s.comeBack = s.ends, s.returns
		x.section = s
	}
	if x.section.busy {
		return nil, nil
	}
	return x.section, w.task
}

// EnterSection begins a section. It returns what has to be called where that ends, on the same goroutine and in any case;
// or nil if there is nothing to do.
func EnterSection() (end func()) {
	s, _ := caller()
	if s == nil || s.in != nil {
		return nil
	}
	s.in = coro.Current()
	return s.end
}

func (s *section) ends() {
	s.in = nil
	if s.left {
		s.left = false
		s.returns()
	}
}

// LeaveSection takes the calling task out of its loop, for something that blocks. In a section it stays outside up to the
// end of that, and LeaveSection returns nil. Elsewhere it returns what has to be called when it is over, as Enter
// does. It returns nil also for those who cannot leave, or need not.
func LeaveSection() (back func()) {
	s, t := caller()
	if s == nil {
		return nil
	}
	inside := s.in != nil && s.in == coro.Current()
	if !s.leave(t) {
		return nil
	}
	if inside {
		s.left = true
		return nil
	}
	return s.comeBack
}

// InSection reports whether the caller is a task in a section, inside the loop.
func InSection() bool {
	s, _ := caller()
	return s != nil && s.in != nil && s.in == coro.Current()
}

// leave reports false if the loop takes no more jobs, because its run is about to end.
func (s *section) leave(t *Task) bool {
	l := t.loop
	if l.BeginJob != nil && !l.BeginJob() {
		return false
	}
	s.busy = true
	t.TakePlaceAnyway()
	s.busy = false
	t.Leave()
	s.endJob = l.beginJob()
	return true
}

func (s *section) returns() {
	s.endJob()
	t := s.w.task
	defer func() {
		if l := t.loop; l.EndJob != nil {
			l.EndJob()
		}
	}()
	t.Return()
	Waited(t)
}

// SleepHere has the calling task sleep, and reports false if there is none. It ends early if the task is cancelled or
// something is thrown at it, which its next wait hears of.
func SleepHere(d time.Duration) bool {
	s, t := caller()
	if s == nil {
		return false
	}
	if err := Sleep(t.Own(), d); err != nil && t.Cancelling() > 0 {
		t.Redeliver()
	}
	Waited(t)
	return true
}

// Original calls fn with sections and LeaveSection doing nothing for the calling task.
func Original(fn func()) {
	s, _ := caller()
	if s == nil {
		fn()
		return
	}
	s.busy = true
	defer func() { s.busy = false }()
	fn()
}
