package asynctest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/petermattis/goid"
)

// A brood is the goroutines that a test has started. A goroutine inherits the profiler labels of the one that
// starts it, so a label on the goroutine of the session marks all that come from it, however many generations
// later, and tells them from those of tests that run in parallel.
type brood struct {
	number uint64          // of the session; later ones have larger numbers
	marked context.Context // has the label, so that a pprof.Do in the program adds to it
	mark   string          // as the profile spells the label
	root   int64           // the goroutine of the session
	bubble string          // of testing/synctest, if that goroutine is in one
	caller []uintptr       // the stack of the goroutine that has called Run
}

var broods atomic.Uint64

const label = "asynctest"

// with calls fn on a goroutine of its own, with the mark: the caller's labels are its own affair. It returns when fn has
// returned, or has ended by runtime.Goexit, and reports which. A panic goes on in the caller.
func (b *brood) with(fn func()) (returned bool) {
	b.number = broods.Add(1)
	id := strconv.FormatUint(b.number, 10)
	b.mark = fmt.Sprintf("%q:%q", label, id)
	b.marked = pprof.WithLabels(context.Background(), pprof.Labels(label, id))
	b.caller = make([]uintptr, 16)
	b.caller = b.caller[:runtime.Callers(2, b.caller)]
	done := make(chan struct{})
	var panicked any
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		pprof.SetGoroutineLabels(b.marked)
		b.root = goid.Get()
		b.bubble = here().bubble
		fn()
		returned = true
	}()
	<-done
	if panicked != nil {
		panic(panicked)
	}
	return returned
}

// A goroutine is what the runtime tells of one.
type goroutine struct {
	id, parent int64
	state      string   // what it does, as "chan receive"
	bubble     string   // of testing/synctest, or empty
	fns        []string // the functions of its stack, the innermost first
	text       string
}

// look returns all goroutines of the process.
func look() (all []goroutine) {
	buf := make([]byte, 1<<16)
	for {
		if n := runtime.Stack(buf, true); n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	for text := range strings.SplitSeq(strings.TrimSpace(string(buf)), "\n\n") {
		all = append(all, parse(text))
	}
	return all
}

// here returns the calling goroutine.
func here() goroutine {
	buf := make([]byte, 1<<10)
	head, _, _ := strings.Cut(string(buf[:runtime.Stack(buf, false)]), "\n")
	return parse(head)
}

// parse reads what runtime.Stack writes of one goroutine.
func parse(text string) goroutine {
	g := goroutine{text: text}
	for i, line := range strings.Split(text, "\n") {
		switch {
		case i == 0:
			number, rest, _ := strings.Cut(strings.TrimPrefix(line, "goroutine "), " ")
			g.id, _ = strconv.ParseInt(number, 10, 64)
			notes := strings.Split(strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]:"), ", ")
			g.state = strings.TrimSuffix(notes[0], " (durable)")
			if last := notes[len(notes)-1]; strings.HasPrefix(last, "synctest bubble ") {
				g.bubble = last
			}
		case strings.HasPrefix(line, "\t"), strings.HasPrefix(line, "..."):
		case strings.HasPrefix(line, "created by "):
			_, number, _ := strings.Cut(line, " in goroutine ")
			g.parent, _ = strconv.ParseInt(number, 10, 64)
		default:
			if i := strings.LastIndexByte(line, '('); i > 0 {
				line = line[:i]
			}
			g.fns = append(g.fns, line)
		}
	}
	return g
}

const module = "github.com/asyncgo/asyncgo/"

// inert reports whether the goroutine does nothing before somebody else does. When in doubt it says no: a wait for a
// channel may be one for a timer, which nobody can see.
func (g *goroutine) inert() bool {
	switch {
	case g.state == "coroutine", strings.Contains(g.state, "nil chan"), strings.Contains(g.state, "no cases"):
		return true
	case len(g.fns) == 0 || !blocked(g.state):
		return runs(g.fns, "os/signal.loop") || runs(g.fns, "runtime/pprof.profileWriter") || runs(g.fns, "runtime/trace.")
	}
	inner := g.fns[0]
	switch {
	case inner == module+"internal/loop.(*Loop).apart", // waits for a loop, which has a goroutine of its own
		strings.HasPrefix(inner, module+"async/asynctest."), // the same
		strings.HasPrefix(inner, module+"internal/coro."),
		strings.HasPrefix(inner, "testing."), strings.HasPrefix(inner, "testing/synctest."), // waits for a test
		inner == "internal/synctest.Run",
		// It passes on that a context ends, one that is no timer of package context.
		strings.HasPrefix(inner, "context.(*cancelCtx).propagateCancel."):
		return true
	case g.state == "chan receive" && (inner == realClock || inner == virtualClock): // another loop, without a timer
		l := loop.DrivenBy(g.id)
		return l != nil && !l.MayBeWoken()
	case runs(g.fns, blockForGood):
		return true
	}
	return idles(g.fns)
}

const (
	// These are the functions in which loops wait.
	realClock    = module + "internal/loop.(*Real).Wait"
	virtualClock = module + "internal/loop.(*Virtual).Wait"
	// blockForGood is the function of a plain goroutine that waits in a loop's Future, Lock and so on, without a
	// deadline.
	blockForGood = module + "internal/loop.blockForGood"
)

// blocked reports whether a goroutine with this state waits for another one.
func blocked(state string) bool {
	for _, prefix := range []string{"chan ", "select", "sema", "sync.", "synctest."} {
		if strings.HasPrefix(state, prefix) {
			return true
		}
	}
	return false
}

// runs reports whether one of the functions begins with name.
func runs(fns []string, name string) bool {
	return slices.ContainsFunc(fns, func(fn string) bool { return strings.HasPrefix(fn, name) })
}

// idles reports whether the functions are those of a pool's goroutine that has nothing to do.
func idles(fns []string) bool {
	pool := false
	for _, fn := range fns {
		switch {
		case strings.HasPrefix(fn, "github.com/panjf2000/ants/"), strings.HasPrefix(fn, module+"future.(*Pool)"):
			pool = true
		case strings.HasPrefix(fn, "runtime."), strings.HasPrefix(fn, "sync."), strings.HasPrefix(fn, "internal/"):
		default:
			return false
		}
	}
	return pool
}

// suspects has the goroutines of the sessions that are looking for a deadlock, and the numbers of the sessions.
var suspects sync.Map

// outside returns the goroutines that may wake a task of the session, or start what does, whoever has started
// them. Of several sessions that see nothing else than each other, the last one gets its verdict first, since the others
// may be waiting for that: then later is true.
func (b *brood) outside() (others []goroutine, later bool) {
	self := goid.Get()
	for _, g := range look() {
		if g.id == self || g.bubble != b.bubble && b.bubble != "" {
			continue
		}
		if other, ok := suspects.Load(g.id); ok {
			if other.(uint64) > b.number {
				others, later = append(others, g), true
			}
		} else if !g.inert() {
			others = append(others, g)
		}
	}
	return others, later
}

// A profiled is a line of the goroutine profile: the functions of one or several goroutines that do the same.
type profiled struct {
	fns  []string
	text string
}

// own returns those of the profile that have the mark.
func (b *brood) own() (all []profiled) {
	var buf bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&buf, 1)
	for group := range strings.SplitSeq(buf.String(), "\n\n") {
		if !strings.Contains(group, b.mark) {
			continue
		}
		p := profiled{text: group}
		for line := range strings.Lines(group) {
			if fields := strings.Fields(line); len(fields) >= 3 && fields[0] == "#" && strings.HasPrefix(fields[1], "0x") {
				name, _, _ := strings.Cut(fields[2], "+0x")
				p.fns = append(p.fns, name)
			}
		}
		all = append(all, p)
	}
	return all
}

// stacks returns the texts of goroutines, in the order of their creation as far as it is known.
func stacks(gs []goroutine) string {
	slices.SortFunc(gs, func(a, b goroutine) int { return cmp.Compare(a.id, b.id) })
	texts := make([]string, len(gs))
	for i, g := range gs {
		texts[i] = g.text
	}
	return strings.Join(texts, "\n\n")
}
