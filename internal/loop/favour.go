package loop

// A favour is a function that belongs to others, and is called when its turn comes, and if that is not before, when the loop is
// closed.
type favour func()

// RunReady implements [Runnable].
func (f favour) RunReady() { aside(f) }

// Call has fn called, which belongs to others: at once if the caller is inside or the loop stands still, else as a callback. It
// does not wait for that, and reports false if the loop is closed.
func (l *Loop) Call(fn func()) bool {
	if l.atOnce(fn) {
		return true
	}
	if !l.post(favour(fn)) {
		return false
	}
	l.settle()
	return true
}

// lastFavours calls what is left, for a loop that is about to be closed.
func (l *Loop) lastFavours(w *worker) {
	for _, queue := range [][]Runnable{l.batch[l.pos:], l.ready} {
		for i, x := range queue {
			if f, ok := x.(favour); ok {
				queue[i] = nop{}
				l.call(w, f)
			}
		}
	}
}
