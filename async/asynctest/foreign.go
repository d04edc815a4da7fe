package asynctest

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/petermattis/goid"
)

// A brood is the goroutines that a test has started. A goroutine inherits the profiler labels of the one that
// starts it, so a label on the goroutine that calls Run marks all that come from it, however many generations
// later, and tells them from those of tests that run in parallel.
type brood struct {
	mark   string // as the profile spells the label
	parent int64  // the goroutine that has called Run
}

var broods atomic.Uint64

const label = "asynctest"

// with calls fn with the goroutine marked.
func (b *brood) with(fn func()) {
	id := strconv.FormatUint(broods.Add(1), 10)
	b.mark = fmt.Sprintf("%q:%q", label, id)
	b.parent = goid.Get()
	pprof.Do(context.Background(), pprof.Labels(label, id), func(context.Context) { fn() })
}

// alive returns the stacks of the goroutines that may do something on their own: not those that belong to a
// loop, wait for one, or idle in a pool.
func (b *brood) alive() []string { return b.find(waiting) }

// waiting is the function of a goroutine that waits in a loop's Future, Lock and so on, without a deadline: it can
// do nothing before a task does.
const waiting = module + "internal/loop.blockForGood"

// find returns the stacks of the marked goroutines that are not harmless and do not stand in the function except.
func (b *brood) find(except string) (stacks []string) {
	var buf bytes.Buffer
	pprof.Lookup("goroutine").WriteTo(&buf, 1)
	for group := range strings.SplitSeq(buf.String(), "\n\n") {
		if !strings.Contains(group, b.mark) {
			continue
		}
		if fns := functions(group); !harmless(fns) && !slices.Contains(fns, except) {
			stacks = append(stacks, group)
		}
	}
	return stacks
}

// functions returns the functions of a stack in a profile, the innermost first.
func functions(group string) (fns []string) {
	for line := range strings.Lines(group) {
		if fields := strings.Fields(line); len(fields) >= 3 && fields[0] == "#" && strings.HasPrefix(fields[1], "0x") {
			name, _, _ := strings.Cut(fields[2], "+0x")
			fns = append(fns, name)
		}
	}
	return fns
}

const module = "github.com/asyncgo/asyncgo/"

// harmless reports whether a goroutine with such a stack is one of asyncgo's own that does nothing by itself.
func harmless(fns []string) bool {
	idle := true
	for _, fn := range fns {
		switch {
		case strings.HasPrefix(fn, module+"internal/coro."), // a task, or an idle worker
			strings.HasPrefix(fn, module+"internal/loop.(*Loop).apart"), // the loop, or who waits for it
			strings.HasPrefix(fn, module+"async/asynctest.(*session)"),
			strings.HasPrefix(fn, module+"async/asynctest.(*brood)"),
			fn == "os/signal.loop", fn == "os/signal.signal_recv": // started once, and never ended
			return true
		case strings.HasPrefix(fn, "runtime."), strings.HasPrefix(fn, "sync."), strings.HasPrefix(fn, "internal/"),
			strings.HasPrefix(fn, "github.com/panjf2000/ants/"), strings.HasPrefix(fn, module+"future.(*Pool)"):
		default:
			idle = false
		}
	}
	return idle
}

// older returns how many goroutines there are that the test has started before it called Run.
func (b *brood) older() (n int) {
	buf := make([]byte, 1<<16)
	for {
		if k := runtime.Stack(buf, true); k < len(buf) {
			buf = buf[:k]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	parent := fmt.Sprintf(" in goroutine %d\n", b.parent)
	for stack := range strings.SplitSeq(string(buf)+"\n", "\n\n") {
		_, by, ok := strings.Cut(stack+"\n", "\ncreated by ")
		if ok && strings.Contains(by, parent) && !strings.HasPrefix(by, "testing.") && !strings.HasPrefix(by, module+"internal/loop.") &&
			!strings.HasPrefix(by, module+"async/asynctest.(*") {
			n++
		}
	}
	return n
}

// leaked returns the stacks of goroutines that outlive the run. They get a moment to end.
func (b *brood) leaked() (stacks []string) {
	for wait := 50 * time.Microsecond; ; wait *= 2 {
		if stacks = b.find("nothing"); len(stacks) == 0 || wait > 500*time.Millisecond {
			return stacks
		}
		time.Sleep(wait)
	}
}
