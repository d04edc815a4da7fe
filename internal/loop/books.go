package loop

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/petermattis/goid"
)

// The books say who holds what, and which lines tasks have waited in. They are kept for tests, and the first part for
// loops in debug mode, because a Lock that is free costs one atomic operation, and to know who takes it costs more.
var books struct {
	on    atomic.Int32 // how many want to know who holds what
	tests atomic.Int32 // those of them that want the rest, too
	mu    sync.Mutex
	held  map[Keeper][]holding
	// hands are the goroutines of loops that run tasks or callbacks.
	hands map[int64]*Loop
}

// A holding is that somebody holds something, and how many times.
type holding struct {
	by Identity
	n  int
}

// KeepBooks turns the books on until stop is called.
func KeepBooks() (stop func()) {
	books.tests.Add(1)
	openBooks()
	return func() {
		if books.tests.Add(-1) == 0 {
			books.mu.Lock()
			books.hands = nil
			books.mu.Unlock()
		}
		closeBooks()
	}
}

// keepBooks has the books say who holds what for the sake of l, or not any more.
func (l *Loop) keepBooks(on bool) {
	switch {
	case l.booked.Swap(on) == on:
	case on:
		openBooks()
	default:
		if books.tests.Load() == 0 { // else there is an Audit to come
			l.forget()
		}
		closeBooks()
	}
}

func openBooks() { books.on.Add(1) }

func closeBooks() {
	if books.on.Add(-1) == 0 {
		books.mu.Lock()
		defer books.mu.Unlock()
		books.held = nil
	}
}

// Took notes that the caller holds k from now on, once more if it does already.
func Took(k Keeper) {
	if books.on.Load() > 0 {
		took(k)
	}
}

// manyHold is from how many holders on those are forgotten that have ended, where that may be right.
const manyHold = 64

func took(k Keeper) {
	me := Me()
	books.mu.Lock()
	defer books.mu.Unlock()
	if books.held == nil {
		books.held = map[Keeper][]holding{}
	}
	held := books.held[k]
	for i := range held {
		if held[i].by == me {
			held[i].n++
			return
		}
	}
	if len(held) >= manyHold && !owned(k) {
		held = slices.DeleteFunc(held, func(h holding) bool { return h.by.Gone() })
	}
	books.held[k] = append(held, holding{me, 1})
}

// owned reports whether whoever has taken k has to give it back. A semaphore may be taken by one and given back by
// another one.
func owned(k Keeper) bool {
	_, ok := k.(interface{ Owned() })
	return ok
}

// Gave ends what Took began, for the caller or, if it does not hold k, for whoever does: a lock may be released by
// anybody.
func Gave(k Keeper) {
	if books.on.Load() > 0 {
		gave(k)
	}
}

func gave(k Keeper) {
	me := Me()
	books.mu.Lock()
	defer books.mu.Unlock()
	held := books.held[k]
	if len(held) == 0 {
		return
	}
	i := max(0, slices.IndexFunc(held, func(h holding) bool { return h.by == me }))
	if held[i].n--; held[i].n > 0 {
		return
	}
	if len(held) == 1 {
		delete(books.held, k)
		return
	}
	books.held[k] = slices.Delete(held, i, i+1)
}

// holders returns who holds k, as far as the books say.
func holders(k Keeper) (by []Identity) {
	if other, ok := k.(interface{ Booked() Keeper }); ok {
		k = other.Booked()
	}
	books.mu.Lock()
	defer books.mu.Unlock()
	for _, h := range books.held[k] {
		by = append(by, h.by)
	}
	return by
}

// forget strikes the tasks of l, and returns what they hold.
func (l *Loop) forget() map[Keeper][]*Task {
	all := map[Keeper][]*Task{}
	books.mu.Lock()
	defer books.mu.Unlock()
	for k, held := range books.held {
		for _, h := range held {
			if h.by.Task != nil && h.by.Task.loop == l {
				all[k] = append(all[k], h.by.Task)
			}
		}
		held = slices.DeleteFunc(held, func(h holding) bool { return h.by.Task != nil && h.by.Task.loop == l })
		if len(held) == 0 {
			delete(books.held, k)
		} else {
			books.held[k] = held
		}
	}
	return all
}

// drivers are the goroutines that wait for loops when those have nothing to do, by id.
var drivers struct {
	mu sync.Mutex
	of map[int64]*Loop
}

// drives notes that the calling goroutine is such a one, until it calls leaves.
func (l *Loop) drives() {
	if books.tests.Load() > 0 {
		l.enrol()
	}
	drivers.mu.Lock()
	defer drivers.mu.Unlock()
	if drivers.of == nil {
		drivers.of = map[int64]*Loop{}
	}
	drivers.of[goid.Get()] = l
}

// leaves ends what drives began.
func (l *Loop) leaves() {
	drivers.mu.Lock()
	defer drivers.mu.Unlock()
	delete(drivers.of, goid.Get())
}

// DrivenBy returns the loop that the goroutine with this id runs or waits for, or nil.
func DrivenBy(id int64) *Loop {
	drivers.mu.Lock()
	defer drivers.mu.Unlock()
	return drivers.of[id]
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
	for k, tasks := range l.forget() {
		for _, t := range tasks {
			if owned(k) {
				faults = append(faults, fmt.Sprintf("%s is held by %s, which has ended", k, t.Body().Info()))
			}
		}
	}
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
