package async_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/asyncgo/asyncgo/internal/pytrace"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// The traces under testdata/traces are what CPython prints for small asyncio scripts, each about one thing: the order in which
// tasks go on, who is cancelled when, how many ticks a wait costs. A port is such a script in Go, statement by statement. It
// has to print the same lines in the same order.
var ports = []port{
	trace01, trace02, trace03, trace04, trace05, trace07, trace09, trace11, trace13, trace15,
	trace17, trace19, trace21, trace23, trace25, trace27, trace29, trace31, trace33, trace35,
	trace37, trace39, trace41, trace43, trace45, trace47, trace49, trace51, trace53, trace55,
	trace57, trace59, trace60, trace61, trace63, trace65, trace67, trace69, trace71, trace73, trace77, trace79,
	trace80, trace81, trace83, trace85, trace89, trace91, trace93, trace95, trace97, trace99,
}

// A port is a script in Go.
type port struct {
	name       string // of the file with CPython's output
	run        func(tr *trace)
	deviations []pytrace.Deviation // their reasons are a rule of decisions.md, or a plain sentence
}

// Rules of decisions.md that several deviations go by.
const (
	compilersJob = `decisions.md, Types: "TypeErrors about non-coroutines: the compiler's job".`
	simplyWorks  = `decisions.md, Threads: "Every primitive is safe from any goroutine, so B20/B21 (wrap_future), U14 (thread check) and N11 (bound to another loop) become: it simply works".`
	freeForm     = `decisions.md, Types: "repr is String(), in Go's spelling. Same information as the Python repr, free form".`
)

func TestTrace(t *testing.T) {
	for _, p := range ports {
		t.Run(p.name, func(t *testing.T) {
			want := pytrace.Want(t, p.name, p.deviations)
			tr := new(trace)
			guarded(t, func() { p.run(tr) })
			if t.Failed() {
				t.Fatalf("after these lines:\n%s", strings.Join(tr.Lines(), "\n"))
			}
			witness.Compare(t, tr.Lines(), want)
		})
	}
}

// TestTracesArePorted shows that no file of testdata/traces lies there without a port.
func TestTracesArePorted(t *testing.T) {
	var names []string
	for _, p := range ports {
		names = append(names, p.name)
	}
	pytrace.Ported(t, names)
}

// A trace is what a port has printed. It prints as Python does, and from any goroutine.
type trace struct{ pytrace.Printer }

func (tr *trace) println(args ...any) { tr.Print(str, args...) }

// run is asyncio.run(main()) on a clock that jumps over waits, so that a sleep of a minute costs nothing and the order of deadlines is
// exact. An error that main does not handle becomes a line that no trace has.
func (tr *trace) run(main func(ctx context.Context) error, opts ...async.Option) {
	opts = append([]async.Option{async.Clock(loop.NewVirtual())}, opts...)
	if err := async.Run(main, opts...); err != nil {
		tr.println("Traceback:", repr(err))
	}
}

// must returns the result of what cannot fail in a script.
func must[T any](v T, err error) T {
	check(err)
	return v
}

// check raises an error that the script does not expect. In main the panic leaves Run and fails the test with its stack; in a task
// it is the error of whoever awaits the task.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

// ticks is a row of "await asyncio.sleep(0)".
func ticks(ctx context.Context, n int) {
	for range n {
		check(giveWay(ctx))
	}
}

// untilCancelled sleeps for a minute, which is for ever in a script. It returns the cancellation.
func untilCancelled(ctx context.Context) error { return async.Sleep(ctx, time.Minute) }

// cancelling is asyncio.current_task().cancelling().
func cancelling(ctx context.Context) int {
	return async.CurrentTask(ctx).(interface{ Cancelling() int }).Cancelling()
}

// running is asyncio.get_running_loop().
func running(ctx context.Context) *async.Loop { return must(async.RunningLoop(ctx)) }

// waitFor waits until all tasks are done, however they end: asyncio.wait.
func waitFor[F async.Waitable](ctx context.Context, fs ...F) {
	_, _, err := async.Wait(ctx, fs)
	check(err)
}
