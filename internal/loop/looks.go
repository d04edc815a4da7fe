package loop

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A Look is what a task does, or waits for, at the moment.
type Look struct {
	Task    *Task
	Does    string        // in words, as "sleeps", and "waits for" with For
	For     string        // what it waits for
	At      string        // file:line, in debug mode
	Since   time.Duration // for how long it does that, in debug mode
	By      []Identity    // those that hold what it waits for, or the tasks that it is
	Created string        // file:line of where the task was made, in debug mode

	// Joins is set if By are tasks whose end the task waits for.
	Joins bool
}

// Waits returns what the tasks that wait for something wait for, in order of creation. It is called inside, or while
// the loop stands still.
func (l *Loop) Waits() (all []Look) {
	for _, k := range l.Looks() {
		if k.For != "" {
			all = append(all, k)
		}
	}
	return all
}

// Looks returns what all tasks do, in order of creation. It is called inside, or while the loop stands still.
func (l *Loop) Looks() (all []Look) {
	tasks := l.Tasks()
	feeds := make(map[*Task][]Identity, len(tasks)) // the tasks that each one waits for
	for _, t := range tasks {
		for _, by := range t.Awaiters() {
			feeds[by] = append(feeds[by], Identity{Task: t})
		}
	}
	for _, t := range tasks {
		k := t.look()
		if k.For != "" && len(k.By) == 0 && len(feeds[t]) > 0 {
			k.By, k.Joins = feeds[t], true
			k.For = namesOf(feeds[t])
		}
		all = append(all, k)
	}
	return all
}

// manyNames is how many tasks are named by their names.
const manyNames = 3

// namesOf names tasks that somebody waits for.
func namesOf(tasks []Identity) string {
	var names []string
	for i, t := range tasks {
		if i == manyNames && len(tasks) > manyNames+1 {
			names = append(names, fmt.Sprintf("%d others", len(tasks)-i))
			break
		}
		names = append(names, describeWait(t.Task.Body()))
	}
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " and " + names[last]
	}
	return names[0]
}

// look says what the task does, without the tasks that a gather or a group stands for.
func (t *Task) look() Look {
	k := Look{Task: t, Created: t.CreatedAt()}
	w := t.w
	switch {
	case w == nil || w.task != t || t.state == created: // which may have a worker, and wait for a place
		k.Does = "is about to begin"
		return k
	case t.state == running:
		k.Does = "runs"
		return k
	case t.state == woken:
		k.Does = "is about to go on"
	case t.state == blocking:
		k.Does = "blocks outside"
	case w.timer != 0 && w.waitsFor == nil:
		k.Does, k.For = "sleeps", "a timer"
	default:
		k.Does, k.For = "waits", "a timer"
	}
	if k.For != "" && w.waitsFor != nil {
		k.For = describeWait(w.waitsFor)
		switch on := w.waitsFor.(type) {
		case Keeper:
			k.By = holders(on)
		case interface{ LoopTask() *Task }:
			k.By, k.Joins = []Identity{{Task: on.LoopTask()}}, true
		}
	}
	if w.rare != nil && w.rare.at != nil {
		k.At = position(w.rare.at)
		k.Since = t.loop.Now() - w.rare.since
	}
	return k
}

// CallStack returns the functions that the task is in, the innermost first, without those of asyncgo. Of a task that does
// not run it is known in debug mode. It is called inside.
func (t *Task) CallStack() []runtime.Frame {
	if w := t.w; w != nil && w.task == t && w.rare != nil {
		return slices.Collect(outerFrames(w.rare.at))
	}
	return nil
}

// CallStack returns the functions that the calling goroutine is in.
func CallStack() []runtime.Frame {
	pcs := make([]uintptr, 64)
	return slices.Collect(outerFrames(pcs[:runtime.Callers(2, pcs)]))
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

// departs notes where the task leaves off, and when, in debug mode.
func (w *worker) departs() {
	x := w.more()
	x.at, x.since = callers(), w.loop.Now()
}

// returns ends what departs began.
func (w *worker) returns() {
	if w.rare != nil {
		w.rare.at = nil
	}
}
