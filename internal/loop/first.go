package loop

// First calls fn, inside and not in a task, and has what fn makes ready run before everything else, in the order in
// which it became so. It is how a callback hands over to those whom it wakes. While a test chooses the order, it only
// calls fn.
func (l *Loop) First(fn func()) {
	if l.inboxed.Load() {
		l.flush() // what came before stays before
	}
	n := len(l.ready)
	fn()
	moved := l.ready[n:]
	if len(moved) == 0 || l.sched != nil {
		return
	}
	if l.pos < len(moved) {
		l.makeWay(len(moved))
	}
	l.pos -= len(moved)
	copy(l.batch[l.pos:], moved)
	clear(moved)
	l.ready = l.ready[:n]
}

// makeWay makes room for n entries in front of what is left of this tick.
func (l *Loop) makeWay(n int) {
	const short, spare = 256, 64
	left := l.batch[l.pos:]
	if len(left) > short { // so that moving it is rare
		n += spare
		l.batch = append(make([]Runnable, n, n+len(left)), left...)
		l.pos = n
		return
	}
	for l.pos < n {
		l.batch = append(l.batch, nil)
		l.pos++
	}
	copy(l.batch[n:], left)
}

// Hurry puts a task that is ready to run at the end of the queue, for First to move. It is called inside, and its time
// grows with the length of the queue.
func (t *Task) Hurry() {
	l := t.loop
	if t.state != woken || l.sched != nil {
		return
	}
	for x := range l.queued() {
		if *x == Runnable(t) {
			*x = nop{}
			l.pushInside(t)
			return
		}
	}
}
