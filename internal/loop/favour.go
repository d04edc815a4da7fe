package loop

// A favour is a function that belongs to others, and is called when its turn comes, and if that is not before, when the loop is
// closed.
type favour func()

// RunReady implements [Runnable].
func (f favour) RunReady() { aside(f) }

// Call has fn called, which belongs to others: at once if the caller is inside or the loop stands still, else as a callback. It
// does not wait for that, and reports false if the loop is closed.
func (l *Loop) Call(fn func()) bool {
	return l.atOnce(fn) || l.bring(favour(fn))
}

// lastFavours calls what is left, for a loop that is about to be closed.
func (l *Loop) lastFavours(w *worker) {
	for x := range l.queued() {
		if f, ok := (*x).(favour); ok {
			*x = nop{}
			l.call(w, f)
		}
	}
}
