package async

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A CallGraph is a task or future, what it is in the middle of, and who waits for it. It stands for
// asyncio.FutureCallGraph and is made by [CaptureCallGraph] and [CaptureCallGraphOf].
type CallGraph struct {
	// Task is the name of the task; it is empty for a future that is no task.
	Task string
	// CallStack is where the task is, its innermost function first, without asyncgo's own. Of a task that does not run it
	// is known in debug mode only.
	CallStack []runtime.Frame
	// AwaitedBy are the tasks that wait for it, directly or by Gather, Wait, AsCompleted, Shield or a TaskGroup, in the
	// order in which they came. In a ring of tasks that wait for each other the one that was there before has none. A task
	// that is reached on several ways is one CallGraph, so that there are never more than tasks; who walks a graph has to note
	// which it has seen.
	AwaitedBy []*CallGraph
}

// CaptureCallGraph returns the calling task, the functions that it is in, and who waits for it. It stands for
// asyncio.capture_call_graph(), does not suspend, and returns nil if the caller is no task.
func CaptureCallGraph(ctx context.Context) *CallGraph {
	t, err := loop.Current(ctx)
	if t == nil || err != nil {
		return nil
	}
	defer t.Stay().End()
	return &CallGraph{
		Task:      nameOf(loop.Identity{Task: t}),
		CallStack: loop.CallStack(),
		AwaitedBy: captor{t: nil}.awaitedBy(t.Awaiters()),
	}
}

// CaptureCallGraphOf is [CaptureCallGraph] for a task, which can be the calling one, or a future:
// asyncio.capture_call_graph(future). It does not suspend;
// from another goroutine than that of the loop it waits until the loop has an answer. Of what is done, or belongs to a
// loop that is closed, only the name is known. It panics if f is nil.
func CaptureCallGraphOf[F Waitable](f F) *CallGraph {
	if f == *new(F) {
		panic("async: CaptureCallGraphOf was called with a nil future")
	}
	g := &CallGraph{}
	me := loop.Here()
	capture := func() {
		seen := captor{}
		if task, ok := any(f).(interface{ untyped() *loop.Task }); ok {
			t := task.untyped()
			seen[t] = nil
			if g.CallStack = stackOf(t); t == me {
				g.CallStack = loop.CallStack()
			}
		}
		g.AwaitedBy = seen.awaitedBy(f.Completion().Awaiters())
	}
	if home := f.Completion().Home(); home != nil {
		home.Ask(capture)
	} else {
		capture()
	}
	if named, ok := any(f).(AnyTask); ok {
		g.Task = named.Name()
	}
	return g
}

// A captor has the graphs of the tasks that were followed, and nil for those that still are.
type captor map[*loop.Task]*CallGraph

// awaitedBy returns graphs of those who wait. Each task is followed once: there are as many ways to the top as there are
// choices at each of several tasks, multiplied.
func (c captor) awaitedBy(awaiters []*loop.Task) (all []*CallGraph) {
	for _, t := range awaiters {
		by, seen := c[t]
		if by == nil {
			by = &CallGraph{Task: nameOf(loop.Identity{Task: t}), CallStack: stackOf(t)}
		}
		if !seen {
			c[t] = nil
			by.AwaitedBy = c.awaitedBy(t.Awaiters())
			c[t] = by
		}
		all = append(all, by)
	}
	return all
}

// stackOf returns the call stack of a task, if the caller is inside of its loop.
func stackOf(t *loop.Task) []runtime.Frame {
	if !t.Loop().Inside() {
		return nil
	}
	return t.CallStack()
}

// String returns the graph in several lines: asyncio.format_call_graph. Who awaits a task is written the first time that the task
// is; later the line of the task says "see above".
func (g *CallGraph) String() string {
	var b strings.Builder
	g.write(&b, "", map[*CallGraph]bool{})
	return strings.TrimSuffix(b.String(), "\n")
}

func (g *CallGraph) write(b *strings.Builder, indent string, written map[*CallGraph]bool) {
	what := "Future"
	if g.Task != "" {
		what = fmt.Sprintf("Task(%q)", g.Task)
	}
	if written[g] && len(g.AwaitedBy) > 0 {
		fmt.Fprintf(b, "%s* %s, see above\n", indent, what)
		return
	}
	written[g] = true
	fmt.Fprintf(b, "%s* %s\n", indent, what)
	if len(g.CallStack) > 0 {
		fmt.Fprintf(b, "%s  + Call stack:\n", indent)
	}
	for _, f := range g.CallStack {
		fmt.Fprintf(b, "%s  |   %s:%d, in %s\n", indent, f.File, f.Line, f.Function)
	}
	if len(g.AwaitedBy) > 0 {
		fmt.Fprintf(b, "%s  + Awaited by:\n", indent)
	}
	for _, by := range g.AwaitedBy {
		by.write(b, indent+"    ", written)
	}
}

// WriteTaskTree writes the tasks of l that are not done to w, a line each: below every task those that it awaits, directly or
// by Gather, Wait, AsCompleted, Shield or a TaskGroup; in debug mode also where it does so, as file:line, and for how long by
// the clock of the loop. It stands for the tree of "python -m asyncio pstree", from inside of the program.
//
// A task that several others await has its own tree below the first of them; so has, instead of an error, one of a ring of
// tasks that await each other. WriteTaskTree does not suspend. From another goroutine it waits until the loop has an answer;
// a task that looks at another loop holds up its own for so long, and does so in [ToThread] if the two may look at each other. Of
// a loop that is closed it writes nothing. It returns the error of w. The tree is a text for people, which may change.
func WriteTaskTree(w io.Writer, l *Loop) error {
	if w == nil {
		panic("async: WriteTaskTree was called with a nil Writer")
	}
	var looks []loop.Look
	l.engine().Ask(func() { looks = l.l.Looks() })
	t := taskTree{w: bufio.NewWriter(w), looks: make(map[*loop.Task]loop.Look, len(looks)), written: map[*loop.Task]bool{}}
	awaited := make(map[*loop.Task]bool, len(looks))
	for _, k := range looks {
		t.looks[k.Task] = k
		for _, by := range awaits(k) {
			awaited[by.Task] = true
		}
	}
	for _, k := range looks {
		if !awaited[k.Task] {
			t.write(k.Task, "", "")
		}
	}
	for _, k := range looks {
		if !t.written[k.Task] { // it is in a ring, or below one
			t.write(k.Task, "", "")
		}
	}
	return t.w.Flush()
}

// awaits returns the tasks that a task awaits.
func awaits(k loop.Look) []loop.Identity {
	if k.Joins {
		return k.By
	}
	return nil
}

// A taskTree is what WriteTaskTree writes.
type taskTree struct {
	w       *bufio.Writer
	looks   map[*loop.Task]loop.Look
	written map[*loop.Task]bool
}

// write writes a task whose line begins with branch, and those below it, whose lines begin with indent.
func (t *taskTree) write(task *loop.Task, branch, indent string) {
	k, ours := t.looks[task]
	name := nameOf(loop.Identity{Task: task})
	switch {
	case !ours:
		fmt.Fprintf(t.w, "%s%s, of another loop\n", branch, name)
		return
	case t.written[task]:
		fmt.Fprintf(t.w, "%s%s, see above\n", branch, name)
		return
	}
	t.written[task] = true
	children := awaits(k)
	does := k.Does
	switch {
	case len(children) > 0:
		does = "awaits"
	case k.For != "" && does == "waits":
		does += " for " + k.For
	}
	fmt.Fprintf(t.w, "%s%s %s", branch, name, does)
	if k.At != "" {
		fmt.Fprintf(t.w, " at %s for %v", k.At, k.Since.Round(time.Millisecond))
	}
	fmt.Fprintln(t.w)
	for i, c := range children {
		if i < len(children)-1 {
			t.write(c.Task, indent+"├── ", indent+"│   ")
		} else {
			t.write(c.Task, indent+"└── ", indent+"    ")
		}
	}
}
