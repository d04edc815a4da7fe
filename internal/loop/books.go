package loop

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/petermattis/goid"
)

// The books say who holds what, and which lines tasks have waited in. They are kept for tests only, because a Lock
// that is free costs one atomic operation, and to know who takes it costs more.
var books struct {
	on   atomic.Int32
	mu   sync.Mutex
	held map[Keeper][]*Task
	// hands are the goroutines of loops that run tasks or callbacks, and were started with the books on.
	hands map[int64]*Loop
}

// KeepBooks turns the books on until stop is called.
func KeepBooks() (stop func()) {
	books.on.Add(1)
	return func() {
		if books.on.Add(-1) == 0 {
			books.mu.Lock()
			defer books.mu.Unlock()
			books.held, books.hands = nil, nil
		}
	}
}

// Took notes that the calling task holds k from now on, once more if it does already.
func Took(k Keeper) {
	if books.on.Load() > 0 {
		took(k)
	}
}

func took(k Keeper) {
	t := Here()
	if t == nil {
		return
	}
	books.mu.Lock()
	defer books.mu.Unlock()
	if books.held == nil {
		books.held = map[Keeper][]*Task{}
	}
	books.held[k] = append(books.held[k], t)
}

// Gave ends what Took began, for the calling task or, if it does not hold k, for whoever does: a lock may be released
// by anybody.
func Gave(k Keeper) {
	if books.on.Load() > 0 {
		gave(k)
	}
}

func gave(k Keeper) {
	t := Here()
	books.mu.Lock()
	defer books.mu.Unlock()
	held := books.held[k]
	i := slices.Index(held, t)
	switch {
	case len(held) <= 1:
		delete(books.held, k)
		return
	case i < 0:
		i = 0
	}
	books.held[k] = slices.Delete(held, i, i+1)
}

// holders returns the tasks that hold k, as far as the books say.
func holders(k Keeper) []*Task {
	if other, ok := k.(interface{ Booked() Keeper }); ok {
		k = other.Booked()
	}
	books.mu.Lock()
	defer books.mu.Unlock()
	return slices.Clone(books.held[k])
}

// enrol notes that the calling goroutine is going to run tasks of l.
func (l *Loop) enrol() {
	books.mu.Lock()
	defer books.mu.Unlock()
	if books.hands == nil {
		books.hands = map[int64]*Loop{}
	}
	books.hands[goid.Get()] = l
}

// Hand reports whether the goroutine with this id runs, or has run, tasks or callbacks of the loop.
func (l *Loop) Hand(id int64) bool {
	books.mu.Lock()
	defer books.mu.Unlock()
	return books.hands[id] == l
}

// A visited line is one that a task of the loop has waited in.
type visited struct {
	mu *sync.Mutex
	k  Keeper
}

// visit notes that a task of l waits in q.
func (l *Loop) visit(q *Line, mu *sync.Mutex, k Keeper) {
	if l.lines == nil {
		l.lines = map[*Line]visited{}
	}
	l.lines[q] = visited{mu, k}
}

// Audit returns what the books find wrong when all tasks of the loop have ended, and clears them of the loop. It is
// called inside, or while the loop stands still.
func (l *Loop) Audit() (faults []string) {
	books.mu.Lock()
	for k, tasks := range books.held {
		others := tasks[:0]
		for _, t := range tasks {
			if t.loop != l {
				others = append(others, t)
				continue
			}
			if _, owned := k.(interface{ Owned() }); !owned {
				continue // a semaphore, which one may take and another one release
			}
			faults = append(faults, fmt.Sprintf("%s is held by %s, which has ended", k, t.Body().Info()))
		}
		if clear(tasks[len(others):]); len(others) == 0 {
			delete(books.held, k)
		} else {
			books.held[k] = others
		}
	}
	books.mu.Unlock()
	for q, v := range l.lines {
		v.mu.Lock()
		n := q.Len()
		var in, out, here int
		if b, ok := v.k.(interface{ Balance() (in, out, here int) }); ok {
			in, out, here = b.Balance()
		}
		v.mu.Unlock()
		if n > 0 {
			faults = append(faults, fmt.Sprintf("%s counts %d as waiting, and there are no tasks", v.k, n))
		}
		if in != out+here {
			faults = append(faults, fmt.Sprintf("%s was given %d items, has given away %d and holds %d", v.k, in, out, here))
		}
	}
	clear(l.lines)
	slices.Sort(faults)
	return slices.Compact(faults) // a queue has several lines
}

// A Wait is what a task waits for.
type Wait struct {
	Task    *Task
	For     string  // what
	At      string  // file:line, in debug mode
	By      []*Task // those that hold it, or the task that it is
	Created string  // file:line of where the task was made, in debug mode
}

// Waits returns what the tasks that wait for something wait for, in order of creation. It is called inside, or while
// the loop stands still.
func (l *Loop) Waits() (all []Wait) {
	for _, t := range l.Tasks() {
		w := t.w
		if w == nil || w.task != t || t.state != parked {
			continue
		}
		x := Wait{Task: t, For: "a timer", Created: t.CreatedAt()}
		if w.waitsFor != nil {
			x.For = describeWait(w.waitsFor)
		}
		switch on := w.waitsFor.(type) {
		case Keeper:
			x.By = holders(on)
		case interface{ LoopTask() *Task }:
			x.By = []*Task{on.LoopTask()}
		}
		if w.rare != nil {
			if x.At = position(w.rare.waits); x.At == "" {
				x.At = position(w.rare.at)
			}
		}
		all = append(all, x)
	}
	return all
}

// StepEnd describes how the last step of a suspended task has ended, and where, for a Scheduler.
func (t *Task) StepEnd() (what, at string) {
	w := t.w
	if w == nil || w.task != t {
		return "ends", ""
	}
	switch {
	case w.waitsFor != nil:
		what = "waits for " + describeWait(w.waitsFor)
	case t.state == woken:
		what = "gives way"
	case t.state == blocking:
		what = "blocks"
	default:
		what = "sleeps"
	}
	if w.rare != nil {
		at = position(w.rare.at)
	}
	return what, at
}
