package loop

import "context"

// spendable is how many operations in a row a task may find done already. It is what tokio takes, and costs a tick for
// each 128 of them; a smaller one would not make the others' turns come noticeably sooner.
const spendable = 128

// Spend is called by an operation on something that others fill outside the loop, a socket above all, before it looks whether it has
// to wait. It counts what the calling task has done so since it was last woken, and reports true for one that is too many: the
// caller lets the others have a tick first. Without that a peer that is faster than the task would keep the loop to itself.
//
// Elsewhere than in a task it reports false.
func Spend(ctx context.Context) bool {
	var w *worker
	if t, ok := ctx.(*Task); ok {
		w = t.w
	} else if c, ok := ctx.(*Child); ok && c.task != nil {
		w = c.task.w
	}
	if w == nil || !w.IsCurrent() {
		if w = here(); w == nil {
			return false
		}
	}
	switch {
	case w.on:
		// A task has one turn in a tick.
		if now := uint32(w.loop.ticks); w.spentIn != now {
			w.spentIn, w.spent = now, 0
		}
	case !w.computes(): // beside the loop the ticks say nothing
		return false
	}
	if w.spent++; w.spent < spendable {
		return false
	}
	w.spent = 0
	return true
}
