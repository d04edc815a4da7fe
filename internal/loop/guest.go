package loop

import "github.com/asyncgo/asyncgo/internal/coro"

// A Guest is the owner of a coroutine that a task has switched to by itself, without the loop: a
// greenlet. While it runs, the task's own goroutine is parked, and the guest's is the one that runs for
// the task.
//
// That needs no more than that the guest is taken for the task's worker. When it waits, it is the worker
// that departs and whom the loop switches to later, and the goroutine that is parked in the worker's name
// is the guest's: whatever switches to the worker wakes that. The worker's own goroutine is parked under
// another name meanwhile, that of the root of the greenlets, see [coro.Routine.InitAside].
type Guest interface {
	// Host returns the coroutine that the guest runs for now, or nil.
	Host() *coro.Routine
}

// hostOf returns the worker that a guest, which runs, stands for; nil if that is none or has left the loop.
func hostOf(g Guest) *worker {
	r := g.Host()
	if r == nil {
		return nil
	}
	w, ok := r.Owner().(*worker)
	if !ok || w.spot == outsideLoop {
		return nil
	}
	return w
}

// Ended reports whether the task has ended, from any goroutine.
func (t *Task) Ended() bool { return t.Body().Ended() }
