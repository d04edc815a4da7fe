package loop

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/petermattis/goid"
)

// absences are the tasks that are outside and whose loops are in debug mode, by their goroutines.
var absences struct {
	n   atomic.Int64
	all sync.Map // of *absence
}

// An absence is a task that is outside.
type absence struct {
	w        *worker
	id       int64
	reported bool
}

// absent notes that the calling goroutine, which is that of w, is outside.
func (w *worker) absent() {
	a := &absence{w: w, id: goid.Get()}
	w.rare.away = a
	absences.all.Store(a.id, a)
	absences.n.Add(1)
}

// present ends what absent began.
func (w *worker) present() {
	if a := w.rare.away; a != nil {
		w.rare.away = nil
		absences.all.Delete(a.id)
		absences.n.Add(-1)
	}
}

// Touch is called by a goroutine that is about to use something of a loop and is no task. In debug mode a task that does
// so in Block is reported, once each time: there it waits as any goroutine, and no cancellation ends that.
func Touch() {
	if absences.n.Load() == 0 {
		return
	}
	x, ok := absences.all.Load(goid.Get())
	if !ok {
		return
	}
	a := x.(*absence)
	if a.reported {
		return
	}
	a.reported = true
	l := a.w.loop
	l.log().Warn("a task in Block waits for something of the event loop", slog.Any("task", a.w.task.Body().Info()),
		slog.String("at", position(callers())))
}
