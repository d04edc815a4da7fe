package gevent_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/pytrace"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// The traces under testdata/traces are what Python prints for small scripts with gevent. A port is such a script in
// Go, statement by statement, and has to print the same lines in the same order.
var ports = []port{
	{"30_spawn_order", trace30, []pytrace.Deviation{
		{Line: 3, Python: "TypeError at spawn: The run argument or self._run must be ca", Ours: "gevent: Spawn was called with a nil function", Why: "A nil function is misuse, which panics."},
	}},
	{"32_sleep0", trace32, nil},
	{"34_joinall_raise_error", trace34, nil},
	{"36_kill_before_start", trace36, nil},
	{"38_kill_exception", trace38, nil},
	{"39_links", trace39, nil},
	{"40_get", trace40, []pytrace.Deviation{
		{Line: 1, Python: "get(block=False) unfinished: Timeout, seconds None", Ours: "get(block=False) unfinished: Timeout", Why: "Seconds of a Timeout are a number."},
		{Line: 6, Python: "join never raises: None | exception stored True value None exc_info type KeyError", Ours: "join never raises: None | exception stored True", Why: "Errors have no exc_info, and a missing value is the zero value."},
	}},
	{"42_timeout_basic", trace42, []pytrace.Deviation{
		{Line: 12, Python: "True False", Why: "Errors have no families in Go."},
	}},
	{"44_timeout_object", trace44, []pytrace.Deviation{
		{Line: 9, Python: "bare raise: seconds None pending False", Why: "A Timeout that was never started cannot be raised by its class."},
	}},
	{"50_pool_blocking_spawn", trace50, nil},
	{"52_pool_errors", trace52, nil},
	{"54_group_kill", trace54, nil},
	{"60_queue_basic", trace60, []pytrace.Deviation{
		{Line: 12, Python: "iteration stops at the StopIteration class: [1]", Ours: "iteration stops at the shutdown: [1]", Why: "A queue ends by its shutdown."},
		{Line: 13, Python: "empty queue is truthy: True Full/Empty are the stdlib classes: True", Why: "Go has neither truth of objects nor such classes."},
	}},
	{"62_lifo_priority", trace62, nil},
	{"64_channel", trace64, nil},
	{"70_event", trace70, nil},
	{"72_semaphore", trace72, []pytrace.Deviation{
		{Line: 11, Python: "Dummy True True False 1", Why: "What never blocks needs no type."},
	}},
	{"74_local", trace74, []pytrace.Deviation{
		{Line: 4, Python: "plain local: AttributeError 1", Ours: "plain local: 0 1", Why: "A Local starts with the zero value, or what its function returns."},
		{Line: 5, Python: "TypeError", Why: "That is the compiler's job."},
		{Line: 6, Python: "values freed when the greenlet ends, though it is still referenced: ['freed']", Why: "Go has no destructors that run at once; TestLocal shows the same with a cleanup."},
	}},
	{"76_hub_errors", trace76, []pytrace.Deviation{
		{Line: 1, Python: "first: Traceback (most recent call last):", Why: "The report is a line of package slog, or what SetErrorHandler does."},
		{Line: 2, Python: "exc  : ValueError: bad thing", Ours: "exc  : bad thing", Why: "An error has a text, and no class that the report names."},
		{Line: 3, Python: "ctx  : TIMESTAMP <Greenlet at X: boom('thing')> failed with ValueError", Why: "See the first line."},
		{Line: 5, Python: "[('Greenlet', 'ValueError', 'bad y'), ('callback', 'ValueError', 'bad raw'), ('callback', 'ValueError', 'bad cb')]", Ours: "[('Greenlet', 'bad y'), ('callback', 'bad cb')]", Why: "There is no spawn_raw; callbacks are links."},
		{Line: 6, Python: "system error raised in MAIN: SystemExit('bye') | also stored: SystemExit('bye')", Why: "Go has no system errors. runtime.Goexit in a greenlet goes on in the goroutine of the hub, see TestFaults."},
		{Line: 7, Python: "system error raised in MAIN: KeyboardInterrupt() | also stored: KeyboardInterrupt()", Why: "See above."},
		{Line: 8, Python: "system error raised in MAIN: SystemError('sys') | also stored: SystemError('sys')", Why: "See above."},
		{Line: 9, Python: "NOT_ERROR ['GreenletExit', 'SystemExit'] SYSTEM_ERROR ['KeyboardInterrupt', 'SystemExit', 'SystemError']", Why: "See above."},
	}},
	{"78_misuse_errors", trace78, []pytrace.Deviation{
		{Line: 1, Python: "switch() into a sleeping greenlet -> it sees raises InvalidSwitchError | Invalid switch into ", Why: "Nobody can switch into a greenlet of a hub."},
		{Line: 3, Python: "socket closed while another greenlet reads raises cancel_wait_ex | [Errno 9] File descriptor was closed in another greenlet", Ours: "socket closed while another greenlet reads raises net.ErrClosed", Why: "The error is that of package net."},
		{Line: 4, Python: "Waiter stores early value: early", Why: "The Waiter is gevent's own affair."},
		{Line: 6, Python: "non-blocking recv raises BlockingIOError | [Errno 11] Resource temporarily unavailable", Why: "Connections of package net have no such mode."},
		{Line: 7, Python: "shutdown wakes own reader raises cancel_wait_ex | [Errno 9] File descriptor was closed in another greenlet", Why: "Shutting down one side of a connection ends a read with io.EOF in Go."},
	}},
	{"80_threadpool", trace80, []pytrace.Deviation{
		{Line: 7, Python: "size 1 runs in order ['a', 'b'] size 1 maxsize 1", Ours: "size 1 runs in order ['a', 'b'] maxsize 1", Why: "How many goroutines a pool has at the moment is its own affair."},
		{Line: 8, Python: "spawn from a foreign thread: InvalidThreadUseError", Why: "It simply works from every goroutine."},
		{Line: 9, Python: "hub.threadpool default maxsize 10", Why: "There is no default pool."},
		{Line: 10, Python: "maxsize 0: first submit is accepted (capacity is maxsize+1), second is parked, nothing runs: True False []", Why: "SpawnThread never waits, and the size is fixed."},
		{Line: 11, Python: "raised to 1: both run [1, 2]", Why: "See above."},
	}},
	{"86_greenlet_tree", trace86, []pytrace.Deviation{
		{Line: 1, Python: ` +--- <Greenlet "mid": mid>`, Ours: ` +--- <Greenlet "mid">`, Why: "A closure has no name that says much; SpawnedAt says where it is."},
		{Line: 2, Python: ` |    +--- <Greenlet "leaf": _run>; finished with value 42`, Ours: ` |    +--- <Greenlet "leaf">; finished with value 42`, Why: "See above."},
		{Line: 3, Python: ` |    +--- <Greenlet "bad": _run>; finished with exception ZeroDivisionError('division by zero')`, Ours: ` |    +--- <Greenlet "bad">; finished with exception division by zero`, Why: "An error has a text, and no class."},
		{Line: 4, Python: "sections: ['* Threads', '* Greenlets', 'Spawned at:', 'Running:', 'Parent:']", Ours: "sections: ['* Goroutines', '* Greenlets', 'spawned by', 'waits for']", Why: "The report says what a greenlet waits for and where; the parent is always the hub."},
	}},
	{"90_context_isolation", trace90, []pytrace.Deviation{
		{Line: 2, Python: "explicit copy: main", Why: "The context variables of another task are shared by async.InVars, for tasks."},
	}},
}

// withoutPort are the traces of what is not in this package, with the place where it is. docs/gevent.md says why.
var withoutPort = map[string]string{
	"82_monkey_events": "ported in the tests of monkey/cmd/gomonkey",
	"84_monkey_veto":   "ported in the tests of monkey/cmd/gomonkey",
	"92_pywsgi":        "net/http",
}

// portedElsewhere are the traces whose port runs on other systems than this one, with the reason.
var portedElsewhere = map[string]string{}

type port struct {
	name       string
	run        func(p *printer)
	deviations []pytrace.Deviation
}

func TestTrace(t *testing.T) {
	for _, p := range ports {
		t.Run(p.name, func(t *testing.T) {
			witness.NoLeaks(t)
			want := pytrace.Want(t, p.name, p.deviations)
			var out printer
			p.run(&out)
			gevent.Destroy()
			witness.Compare(t, out.Lines(), want)
		})
	}
}

func TestTracesArePorted(t *testing.T) {
	names := slices.AppendSeq(slices.Collect(maps.Keys(withoutPort)), maps.Keys(portedElsewhere))
	for _, p := range ports {
		names = append(names, p.name)
	}
	pytrace.Ported(t, names)
}

// A printer prints as Python does.
type printer struct{ pytrace.Printer }

func (p *printer) println(args ...any) { p.Print(repr, args...) }

type tuple = pytrace.Tuple

// A pyError is an exception.
type pyError struct{ class, arg string }

func (e *pyError) Error() string { return e.arg }

func valueError(arg string) error { return &pyError{"ValueError", arg} }

var errZeroDivision error = &pyError{"ZeroDivisionError", "division by zero"}

// repr is Python's repr.
func repr(v any) string { return pytrace.Repr(v, special) }

func special(v any) (string, bool) {
	switch v := v.(type) {
	case *pyError:
		if v.arg == "" {
			return v.class + "()", true
		}
		return v.class + "('" + v.arg + "')", true
	case *gevent.PanicError:
		return repr(v.Value), true
	}
	return "", false
}

// class is type(e).__name__.
func class(err error) string {
	var e *pyError
	var t *gevent.Timeout
	switch {
	case errors.As(err, &e):
		return e.class
	case errors.As(err, &t):
		return "Timeout"
	case errors.Is(err, gevent.ErrPoolFull):
		return "PoolFull"
	case errors.Is(err, gevent.ErrEmpty):
		return "Empty"
	case errors.Is(err, gevent.ErrFull):
		return "Full"
	case errors.Is(err, gevent.ErrGreenletExit):
		return "GreenletExit"
	}
	return fmt.Sprintf("%T", err)
}

func caught(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// ms is a time in thousandths of a second.
func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }
