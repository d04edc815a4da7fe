package loop

import "runtime"

// Block calls fn on the goroutine of the calling task, which is outside the loop meanwhile: fn may
// block. The loop goes on under another goroutine, the task's stand-in, which takes part in all the
// switching in the place of the task's own, and makes room for it when it is the task's turn again.
func (t *Task) Block(fn func()) {
	l, w := t.loop, t.w
	l.External(1)
	back := make(chan struct{})
	t.state = blocking
	w.on = false
	w.outside = true
	w.Detach()
	in := make(chan struct{})
	go l.standIn(t, w, in, back)
	<-in
	defer func() {
		arrived := l.post(arrival(func() {
			t.state = woken
			l.ready = append(l.ready, t)
			l.External(-1) // not before, or a virtual clock could jump in between
		}))
		if !arrived {
			l.External(-1)
		}
		l.settle()
		<-back
		w.Attach()
		w.outside = false
		if l.closing {
			runtime.Goexit() // release wants it to end
		}
		w.on = true
		t.state = running
	}()
	fn()
}

// standIn runs the loop in the place of w until it is t's turn.
func (l *Loop) standIn(t *Task, w *worker, in, back chan struct{}) {
	s := l.newRoot()
	w.more().standIn = s
	close(in)
	// From here on this goroutine is the one inside.
	to := l.driver
	if c := w.takeCreator(); c != nil {
		to = c
	}
	s.Switch(&to.Routine)
	w.rare.standIn = nil
	s.Leave()
	close(back)
}
