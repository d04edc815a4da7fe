package loop

import (
	"context"
	"sync"
)

// DefaultPlaces is how many tasks of a loop may be outside at once. Each may hold an OS thread, of which the runtime
// allows 10,000.
const DefaultPlaces = 8192

// places is how many tasks are outside, and who waits to follow.
type places struct {
	mu   sync.Mutex
	n    int
	line Line
}

// TakePlace takes one of the loop's places outside for the task, which calls it before Leave, and waits for one if
// there is none. Return gives it back. If ctx ends first, TakePlace returns the error of that.
func (t *Task) TakePlace(ctx context.Context) error {
	p := &t.loop.places
	p.mu.Lock()
	if !t.loop.hasPlace() {
		if err := p.line.Wait(ctx, &p.mu, (*placeKeeper)(t.loop)); err != nil {
			p.mu.Unlock()
			return err
		}
	}
	t.placed()
	return nil
}

// TakePlaceAnyway is TakePlace for those who cannot give up.
func (t *Task) TakePlaceAnyway() {
	p := &t.loop.places
	p.mu.Lock()
	if !t.loop.hasPlace() {
		p.line.WaitAnyway(t, &p.mu, (*placeKeeper)(t.loop))
	}
	t.placed()
}

func (l *Loop) hasPlace() bool { return l.places.n < l.Places && l.places.line.Idle() }

func (t *Task) placed() {
	t.loop.places.n++
	t.loop.places.mu.Unlock()
	t.w.more().placed = true
}

// givePlace gives back what TakePlace has taken.
func (w *worker) givePlace() {
	if w.rare == nil || !w.rare.placed {
		return
	}
	w.rare.placed = false
	p := &w.loop.places
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n--
	w.loop.wakeForPlace()
}

// wakeForPlace wakes the next task, if there is a place for it.
func (l *Loop) wakeForPlace() {
	if p := &l.places; p.n+p.line.UnderWay() < l.Places {
		p.line.Wake()
	}
}

// A placeKeeper is a loop as the keeper of its places.
type placeKeeper Loop

// GaveUp implements [Keeper].
func (k *placeKeeper) GaveUp(_ *Line, woken bool) {
	if woken {
		(*Loop)(k).wakeForPlace()
	}
}

// String implements [Keeper].
func (*placeKeeper) String() string { return "a place outside the loop" }
