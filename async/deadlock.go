package async

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A DeadlockReport says which tasks of a loop wait, and for what. It is made by [ReportDeadlock] and for
// [DeadlockAfter]; package asynctest fails a test with it.
type DeadlockReport struct {
	// Stuck is true if all tasks wait for something, and neither a timer nor anything outside is known
	// that will wake one. Plain goroutines are not known: one of them may still do so.
	Stuck bool
	// Tasks holds the tasks that wait, in the order in which they were created.
	Tasks []WaitingTask
	// Cycle holds tasks that wait for each other in a ring: each one for the next, and the last for the
	// first. All who hold what one of them waits for are stuck as well, so that no permit of a semaphore will come. It
	// is empty if no ring was found.
	Cycle []string
}

// A WaitingTask is one line of a [DeadlockReport].
type WaitingTask struct {
	// Task is the name of the task.
	Task string
	// For says what it waits for, as Lock(locked, waiters: 1).
	For string
	// At says where, as file:line; it is empty unless the loop is in debug mode.
	At string
	// HeldBy names the tasks that hold it, or the tasks that it is, as those of a Gather or TaskGroup; a plain goroutine is
	// named by its number. Locks and
	// semaphores are held by those who have acquired them, a Condition by who has its lock, and the Join of a queue by
	// those who have taken items for which TaskDone was not called. Who holds them is known in debug mode and in
	// tests of package asynctest, of what was taken since.
	HeldBy []string
	// Created says where the task was made, as file:line; it is empty unless the loop is in debug mode.
	Created string
}

// String returns the report in several lines.
func (r *DeadlockReport) String() string {
	var b strings.Builder
	for i, t := range r.Tasks {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s waits for %s", t.Task, t.For)
		if t.At != "" {
			fmt.Fprintf(&b, " at %s", t.At)
		}
		if len(t.HeldBy) > 0 && !strings.HasPrefix(t.For, "Task(") {
			fmt.Fprintf(&b, ", held by %s", strings.Join(t.HeldBy, " and "))
		}
		if t.Created != "" {
			fmt.Fprintf(&b, ", created at %s", t.Created)
		}
	}
	if len(r.Cycle) > 0 {
		fmt.Fprintf(&b, "\ncycle: %s → %s", strings.Join(r.Cycle, " → "), r.Cycle[0])
	}
	return b.String()
}

// ReportDeadlock says which tasks of l wait, and for what, whether they are stuck or not; in debug mode also
// where, and who holds it. From another
// goroutine it waits until the loop has an answer; the answer of a closed loop is empty. asyncio has
// nothing like it.
func ReportDeadlock(l *Loop) *DeadlockReport {
	r := &DeadlockReport{}
	l.engine().Ask(func() {
		waits := l.l.Waits()
		s := l.l.Stats()
		r.Stuck = len(waits) > 0 && len(waits) == s.Tasks && s.Ready == 0 && s.Timers == 0 && !l.l.MayBeWoken()
		for _, w := range waits {
			t := WaitingTask{Task: nameOf(loop.Identity{Task: w.Task}), For: w.For, At: w.At, Created: w.Created}
			for _, by := range w.By {
				t.HeldBy = append(t.HeldBy, nameOf(by))
			}
			r.Tasks = append(r.Tasks, t)
		}
		for _, t := range cycle(waits) {
			r.Cycle = append(r.Cycle, nameOf(loop.Identity{Task: t}))
		}
	})
	return r
}

// cycle returns tasks that wait for each other in a ring, if there are some.
func cycle(waits []loop.Look) []*loop.Task {
	by := blocked(waits)
	done := make(map[*loop.Task]bool, len(waits))
	var path, found []*loop.Task
	var visit func(t *loop.Task) bool
	visit = func(t *loop.Task) bool {
		if i := slices.Index(path, t); i >= 0 {
			found = path[i:]
			return true
		}
		if done[t] || by[t] == nil {
			return false
		}
		path = append(path, t)
		if slices.ContainsFunc(by[t], visit) {
			return true
		}
		path = path[:len(path)-1]
		done[t] = true
		return false
	}
	for _, w := range waits {
		if visit(w.Task) {
			return found
		}
	}
	return nil
}

// blocked returns the tasks that cannot go on before others of them do, and those others: each waits for something, and
// all who hold it are among them. Of two who hold permits of a semaphore one is enough to let a third one go on.
func blocked(waits []loop.Look) map[*loop.Task][]*loop.Task {
	by := make(map[*loop.Task][]*loop.Task, len(waits))
	for _, w := range waits {
		for _, who := range w.By {
			by[w.Task] = append(by[w.Task], who.Task)
		}
	}
	for again := true; again; {
		again = false
		for t, others := range by {
			if slices.ContainsFunc(others, func(o *loop.Task) bool { return by[o] == nil }) {
				delete(by, t)
				again = true
			}
		}
	}
	return by
}

// DeadlockAfter has fn called with a report when the loop has been idle for d although tasks wait, and
// neither a timer nor anything outside is known that will wake one. fn is called inside the loop, once
// until something happens again; with a nil fn the report is logged as a warning. It is for programs
// in production; a test finds out at once, with package asynctest.
//
// Plain goroutines are not known to the loop. If they wake tasks, d has to be longer than that may take.
// A clock other than the one on the wall has no use for the option. DeadlockAfter panics if d is not
// positive.
func DeadlockAfter(d time.Duration, fn func(*DeadlockReport)) Option {
	if d <= 0 {
		panic("async: the duration of DeadlockAfter is not positive")
	}
	return func(o *options) { o.deadlockAfter, o.deadlock = d, fn }
}

// watchIdle does what DeadlockAfter has asked for.
func (l *Loop) watchIdle() {
	if l.opts.deadlockAfter <= 0 {
		return
	}
	l.l.Idle(l.opts.deadlockAfter, func() {
		r := ReportDeadlock(l)
		if l.opts.deadlock != nil {
			l.opts.deadlock(r)
			return
		}
		l.logger().LogAttrs(context.Background(), slog.LevelWarn, "tasks wait and nothing is known that will wake them",
			slog.Duration("idle", l.opts.deadlockAfter), slog.String("tasks", r.String()))
	})
}
