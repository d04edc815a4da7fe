package loop

// Ask has fn run inside the loop and waits until it has: at once if the caller is inside or the loop stands still, else as a
// callback, when everything is in its place and nobody holds the mutex of a lock or a future, which fn may want. It reports
// false if the loop was closed first.
func (l *Loop) Ask(fn func()) bool {
	if l.atOnce(fn) {
		return true
	}
	q := &question{l: l, fn: fn, done: make(chan struct{})}
	l.asked.Add(1)
	if !l.bring(q) {
		l.asked.Add(-1)
		return false
	}
	select {
	case <-q.done:
		return true
	case <-l.closed:
		select {
		case <-q.done:
			return true
		default:
			return false
		}
	}
}

// A question is a function that somebody outside waits for.
type question struct {
	l    *Loop
	fn   func()
	done chan struct{}
}

// RunReady implements [Runnable].
func (q *question) RunReady() {
	defer close(q.done)
	defer q.l.asked.Add(-1)
	q.fn()
}

// answer runs the questions that are ready, for a loop that stands still: there may be no next run.
func (l *Loop) answer() {
	for x := range l.queued() {
		if q, ok := (*x).(*question); ok {
			*x = nop{}
			q.RunReady()
		}
	}
}
