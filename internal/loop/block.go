package loop

import "runtime"

// Block calls fn on the goroutine of the calling task, which is outside the loop meanwhile: fn may
// block. The loop goes on under another goroutine, the task's stand-in, which takes part in all the
// switching in the place of the task's own, and makes room for it when it is the task's turn again.
func (t *Task) Block(fn func()) {
	if t.loop.par != nil {
		t.blockBeside(fn)
		return
	}
	t.Leave()
	defer t.Return()
	fn()
}

// Leave is the first half of Block: what follows until Return is outside the loop. It waits for nobody: the
// loop goes on when the stand-in runs, and until then nobody is inside.
func (t *Task) Leave() {
	l, w := t.loop, t.w
	l.External(1)
	x := w.more()
	if x.back == nil {
		x.back = make(chan struct{}, 1)
	}
	t.state = blocking
	w.on = false
	w.spot = outsideLoop
	w.Detach()
	if l.debug.Load() {
		w.departs()
		w.absent()
	}
	go l.standIn(w)
}

// Return is the second half. It has to be deferred, or called for sure, on the goroutine that has called Leave; it
// waits for the task's turn.
func (t *Task) Return() {
	l, w := t.loop, t.w
	w.present()
	if !l.post((*returner)(w)) {
		w.givePlace()
		l.External(-1)
	}
	l.settle()
	<-w.rare.back
	w.Attach()
	w.spot = inLoop
	if l.closing {
		runtime.Goexit() // release wants it to end
	}
	w.returns()
	w.on = true
	t.state = running
}

// A returner is a worker whose task has returned from outside.
type returner worker

// RunReady implements [Runnable].
func (r *returner) RunReady() { r.arrive() }

func (r *returner) arrive() {
	l, t := r.loop, r.task
	t.state = woken
	l.ready = append(l.ready, t)
	(*worker)(r).givePlace()
	l.External(-1) // not before, or a virtual clock could jump in between
}

// standIn runs the loop in the place of w until it is the turn of w's task.
func (l *Loop) standIn(w *worker) {
	s := l.newRoot()
	l.drives()
	x := w.more()
	x.standIn = s
	// From here on this goroutine is the one inside.
	to := l.driver
	if c := w.takeCreator(); c != nil {
		to = c
	}
	s.Switch(&to.Routine)
	x.standIn = nil
	s.Leave()
	l.leaves()
	x.back <- struct{}{}
}
