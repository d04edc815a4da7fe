package loop

import "time"

// Idle sets that fn is called when the loop has had nothing to do for d, although tasks wait, and no timer and nothing
// outside is known that will wake them. It is set before the loop runs.
func (l *Loop) Idle(d time.Duration, fn func()) { l.quiet.after, l.quiet.fn = d, fn }

// quiet is what Idle has set.
type quiet struct {
	after time.Duration
	fn    func()
}

// left returns how long the loop, which is idle since from, has to be so before fn is called; negative is for ever.
// It calls fn if it is time to. A from of zero means since now.
func (q *quiet) left(l *Loop, from *time.Duration) time.Duration {
	switch {
	case *from < 0:
		return -1
	case *from == 0:
		*from = l.clock.Now()
	}
	if left := *from + q.after - l.clock.Now(); left > 0 {
		return left
	}
	if l.MayBeWoken() {
		*from = l.clock.Now() // what is under way may end without waking anybody
		return q.after
	}
	*from = -1 // once
	if l.tasks.n > 0 {
		q.fn()
	}
	return -1
}

// MayBeWoken reports whether something outside is known that may wake a task: work that runs elsewhere, a signal
// handler, a context with a deadline on the wall. It knows nothing of goroutines.
func (l *Loop) MayBeWoken() bool {
	if l.Busy() || l.inboxed.Load() {
		return true
	}
	o := &l.outside
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sources > 0 {
		return true
	}
	for e := o.followers.Front(); e != nil; e = e.Next() {
		if _, timed := e.Value.(*follower).ctx.Deadline(); timed {
			return true
		}
	}
	return false
}

// Source counts what may wake the loop at any time, as a signal handler does.
func (l *Loop) Source(by int) {
	l.outside.mu.Lock()
	defer l.outside.mu.Unlock()
	l.outside.sources += by
}
