package gevent_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/petermattis/goid"

	"github.com/asyncgo/asyncgo/async"
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

func trace30(p *printer) {
	var log []string
	var gs []*gevent.Greenlet[gevent.Void]
	for n := range 3 {
		gs = append(gs, gevent.Go(func() {
			log = append(log, fmt.Sprint(n, " start"))
			check(gevent.Sleep(0))
			log = append(log, fmt.Sprint(n, " end"))
		}))
	}
	log = append(log, "main after spawn")
	check(gevent.Sleep(0))
	log = append(log, "main after sleep(0)")
	must(gevent.JoinAll(gs))
	p.println(log)
	log = nil
	parent := gevent.Go(func() {
		log = append(log, "p start")
		gevent.Go(func() { log = append(log, "child") })
		log = append(log, "p end")
	})
	sibling := gevent.Go(func() { log = append(log, "sibling") })
	must(gevent.JoinAll([]gevent.Joinable{parent, sibling}))
	check(gevent.Sleep(0))
	p.println(log)
	p.println(caught(func() { gevent.Spawn[int](nil) }).(string))
}

func trace32(p *printer) {
	var lst []string
	s := func(name string) {
		gevent.Go(func() {
			lst = append(lst, name+"A")
			check(gevent.Sleep(0))
			lst = append(lst, name+"B")
		})
	}
	s("1")
	s("2")
	p.println("wait() ->", must(gevent.WaitAll()))
	p.println(strings.Join(lst, " "))
	n := 0
	check(gevent.NewTimeout(ms(20), gevent.Silent()).Do(func() error {
		for {
			n++
			if err := gevent.Sleep(0); err != nil {
				return err
			}
		}
	}))
	p.println("spinner interrupted", n > 0)
	check(gevent.Sleep(-1))
	p.println("negative sleep behaves as 0:", nil)
}

func trace34(p *printer) {
	fail := func(d time.Duration, m string) *gevent.Greenlet[string] {
		return gevent.Spawn(func() (string, error) {
			check(gevent.Sleep(d))
			return "", valueError(m)
		})
	}
	gs := []*gevent.Greenlet[string]{fail(ms(200), "later"), fail(ms(100), "earlier"), gevent.Spawn(func() (string, error) {
		return "ok", gevent.Sleep(ms(300))
	})}
	_, err := gevent.JoinAll(gs, gevent.RaiseError())
	var running []bool
	for _, g := range gs {
		running = append(running, !g.Ready())
	}
	p.println("raised the FIRST in time:", err.Error(), "| others still running:", running)
	done := must(gevent.JoinAll(gs))
	var stored []string
	for _, g := range gs {
		if err := g.Exception(); err != nil {
			stored = append(stored, repr(err))
		} else {
			stored = append(stored, repr(nil))
		}
	}
	p.println("no raise by default; exceptions stored:", stored, len(done))
	_, err = gevent.JoinAll(gs, gevent.RaiseError())
	p.println("on finished ones: first in list order:", err.Error())
}

// exitValue is what Python has as the value of a greenlet.
func exitValue[T any](g *gevent.Greenlet[T]) string {
	if g.Killed() {
		return "GreenletExit()"
	}
	return repr(g.Value())
}

func orNone(err error) any {
	if err == nil {
		return nil
	}
	return err
}

func trace36(p *printer) {
	var log []string
	body := func() (any, error) {
		log = append(log, "RAN")
		return nil, nil
	}
	for _, c := range []struct {
		name  string
		start func(g *gevent.Greenlet[any])
	}{
		{"unstarted", func(*gevent.Greenlet[any]) {}},
		{"start()", func(g *gevent.Greenlet[any]) { g.Start() }},
		{"start_later", func(g *gevent.Greenlet[any]) { g.StartLater(ms(10)) }},
	} {
		g := gevent.New(body)
		g.Link(func(*gevent.Greenlet[any]) { log = append(log, c.name+" link") })
		c.start(g)
		check(g.Kill())
		p.println(c.name, "dead", g.Dead(), "ready", g.Ready(), "successful", g.Successful(), "value", exitValue(g), "exc", orNone(g.Exception()))
		g.Start()
	}
	check(gevent.Sleep(ms(30)))
	p.println(log)
	g := gevent.Spawn(body)
	check(g.Kill(valueError("why")))
	p.println("kill(exc): successful", g.Successful(), g.Exception().(*pyError))
	g1, g2 := gevent.Spawn(body), gevent.Spawn(body)
	check(gevent.KillAll([]*gevent.Greenlet[any]{g1, g2}))
	p.println("killall", g1.Dead(), g2.Dead())
	g1 = gevent.Spawn(body)
	gevent.Kill(g1)
	check(gevent.Sleep(ms(10)))
	ran := 0
	for _, s := range log {
		if s == "RAN" {
			ran++
		}
	}
	p.println("gevent.kill", g1.Dead(), ran)
}

func sleeper(d time.Duration) *gevent.Greenlet[any] {
	return gevent.Spawn(func() (any, error) { return nil, gevent.Sleep(d) })
}

func trace38(p *printer) {
	stop := &pyError{"Stop", "now"}
	g := gevent.Spawn(func() (any, error) {
		err := gevent.Sleep(10 * time.Second)
		if errors.Is(err, stop) {
			return tuple{"handled", err.Error()}, nil
		}
		return nil, err
	})
	check(gevent.Sleep(0))
	check(g.Kill(stop))
	p.println(g.Value(), g.Successful())
	g = sleeper(10 * time.Second)
	check(gevent.Sleep(0))
	check(g.Kill(&pyError{class: "Stop"}))
	p.println(g.Exception().(*pyError), g.Successful())
	_, err := g.Get()
	p.println("get re-raises", err)
	g = sleeper(10 * time.Second)
	check(gevent.Sleep(0))
	check(g.Kill())
	must(g.Get())
	p.println("get returns", exitValue(g))
	g = gevent.Spawn(func() (any, error) {
		err := gevent.Sleep(10 * time.Second)
		check(gevent.Sleep(ms(10)))
		return nil, err
	})
	check(gevent.Sleep(0))
	check(g.Kill())
	p.println("blocked kill waited for cleanup", g.Dead())
	var log []int
	var gs []*gevent.Greenlet[any]
	for i := range 3 {
		gs = append(gs, gevent.Spawn(func() (any, error) {
			if err := gevent.Sleep(10 * time.Second); errors.Is(err, gevent.ErrGreenletExit) {
				log = append(log, i)
			}
			return nil, nil
		}))
	}
	check(gevent.Sleep(0))
	check(gevent.KillAll(gs))
	p.println("killall order", log)
	g = gevent.Spawn(func() (any, error) {
		if err := gevent.Sleep(10 * time.Second); errors.Is(err, gevent.ErrGreenletExit) {
			return nil, gevent.Sleep(2 * time.Second)
		}
		return nil, nil
	})
	check(gevent.Sleep(0))
	err = gevent.KillAll([]*gevent.Greenlet[any]{g}, gevent.Within(ms(100)))
	var t *gevent.Timeout
	if errors.As(err, &t) {
		p.println("killall(timeout) raises Timeout", t.Error(), "dead", g.Dead())
	}
	check(g.Kill())
}

func trace39(p *printer) {
	var log []any
	mk := func(tag string) func(*gevent.Greenlet[int]) {
		return func(g *gevent.Greenlet[int]) {
			var what any = g.Value()
			if !g.Successful() {
				what = class(g.Exception())
			}
			where := "own greenlet"
			if async.CurrentTask(context.Background()) == nil {
				where = "in hub"
			}
			log = append(log, tuple{tag, what, where})
		}
	}
	g := gevent.Spawn(func() (int, error) { return 5, nil })
	g.Link(mk("link1"))
	g.RawLink(mk("raw"))
	g.LinkValue(mk("value"))
	g.LinkException(mk("exception"))
	g.Link(mk("link2"))
	check(g.Join())
	p.println("at join return:", len(log))
	check(gevent.Sleep(0))
	for _, l := range log {
		p.println(l)
	}
	log = []any{}
	g.Link(mk("late link"))
	p.println("late link is async:", log)
	check(gevent.Sleep(0))
	p.println(log)
	log = nil
	f := gevent.Spawn(func() (int, error) { return 0, errZeroDivision })
	f.Link(mk("link"))
	f.LinkValue(mk("value"))
	f.LinkException(mk("exception"))
	check(f.Join())
	check(gevent.Sleep(0))
	p.println(log)
	log = nil
	var errs []string
	previous := gevent.SetErrorHandler(func(f gevent.Failure) { errs = append(errs, repr(f.Err)) })
	defer func() { gevent.SetErrorHandler(previous) }()
	bad := func(*gevent.Greenlet[int]) {
		log = append(log, "bad")
		panic(valueError("in link"))
	}
	zero := func() (int, error) { return 0, nil }
	k := gevent.Spawn(zero)
	k.Link(bad)
	k.Link(mk("next link still runs"))
	k.RawLink(bad)
	k.RawLink(mk("raw after bad raw"))
	check(k.Join())
	check(gevent.Sleep(0))
	p.println(log, errs)
	log = []any{}
	u := gevent.Spawn(zero)
	cb := mk("unlinked")
	u.Link(cb)
	u.Unlink(cb)
	p.println("links", u.HasLinks() > 0)
	check(u.Join())
	check(gevent.Sleep(0))
	p.println(log)
}

func trace40(p *printer) {
	v := func(d time.Duration, v string) *gevent.Greenlet[string] {
		return gevent.Spawn(func() (string, error) { return v, gevent.Sleep(d) })
	}
	g := v(ms(300), "v")
	_, err := g.GetTimeout(0)
	p.println("get(block=False) unfinished:", class(err))
	_, err = g.GetTimeout(ms(50))
	p.println("get(timeout):", err.Error())
	p.println(must(g.Get()), must(g.Get()), must(g.GetTimeout(0)))
	fault := &pyError{"KeyError", "k"}
	f := gevent.Spawn(func() (any, error) { return nil, fault })
	for range 2 {
		_, err := f.Get()
		p.println("same exception object each time:", err == error(fault))
	}
	p.println("join never raises:", orNone(f.Join()), "| exception stored", f.Exception() == error(fault))
	s := sleeper(10 * time.Second)
	p.println("join(timeout) returns", orNone(s.Join(ms(10))), "finished", s.Ready())
	check(s.Kill())
	var log []any
	t := v(ms(10), "shared")
	var ws []*gevent.Greenlet[gevent.Void]
	for i := range 3 {
		ws = append(ws, gevent.Go(func() { log = append(log, tuple{i, must(t.Get())}) }))
	}
	must(gevent.JoinAll(ws))
	p.println("waiters woken FIFO", log)
}

func trace42(p *printer) {
	attempt := func(tag string, fn func() (string, error)) {
		v, err := fn()
		if err != nil {
			p.println(tag, "raised", class(err), err.Error())
			return
		}
		p.println(tag, "returned", v)
	}
	w := func(d time.Duration, opts ...gevent.TimeoutOption) func() (string, error) {
		return func() (string, error) {
			return "after with", gevent.NewTimeout(d, opts...).Do(func() error { return gevent.Sleep(ms(500)) })
		}
	}
	attempt("Timeout(0.01)", w(ms(10)))
	attempt("Timeout(0.01, False)", w(ms(10), gevent.Silent()))
	attempt("Timeout(0.01, ValueError)", w(ms(10), gevent.WithError(valueError(""))))
	attempt(`Timeout(0.01, ValueError("x"))`, w(ms(10), gevent.WithError(valueError("x"))))
	attempt(`Timeout(0.01, "msg")`, w(ms(10), gevent.Message("msg")))
	attempt("Timeout(None)", w(gevent.Forever))
	attempt("Timeout(0)", w(0))
	long := func() (string, error) { return "", gevent.Sleep(ms(500)) }
	attempt("with_timeout", func() (string, error) { return gevent.WithTimeout(ms(10), long) })
	attempt("with_timeout value", func() (string, error) { return gevent.WithTimeout(ms(10), long, "TV") })
	attempt("with_timeout in time", func() (string, error) {
		return gevent.WithTimeout(ms(500), func() (string, error) { return "done", nil }, "TV")
	})
	p.println(gevent.NewTimeout(time.Second).Error(), "|", gevent.NewTimeout(2*time.Second).Error(), "|",
		gevent.NewTimeout(2*time.Second, gevent.Silent()).Error(), "|", gevent.NewTimeout(2*time.Second, gevent.Message("m")).Error(),
		"|", repr(gevent.NewTimeout(gevent.Forever).Error()))
}

func trace44(p *printer) {
	t := gevent.NewTimeout(ms(10))
	p.println("new pending", t.Pending())
	t.Start()
	p.println("started pending", t.Pending())
	p.println("double start AssertionError:", strings.Contains(fmt.Sprint(caught(t.Start)), "is already started"))
	t.Cancel()
	check(gevent.Sleep(ms(30)))
	p.println("cancelled: nothing raised, pending", t.Pending())
	t.Start()
	p.println("restarted, raised itself", gevent.Sleep(time.Second) == error(t))
	t.Cancel()
	t.Cancel()
	p.println("close is idempotent")
	s := gevent.StartTimeout(ms(10))
	p.println("start_new returns started", s.Pending(), "; start_new(Timeout) returns the same", true)
	s.Cancel()
	var log []string
	a := gevent.Go(func() {
		check(gevent.NewTimeout(ms(100), gevent.Silent()).Do(func() error {
			log = append(log, "a in")
			return gevent.Sleep(3 * time.Second)
		}))
		log = append(log, "a out")
	})
	b := gevent.Go(func() {
		check(gevent.Sleep(ms(300)))
		log = append(log, "b end")
	})
	must(gevent.JoinAll([]gevent.Joinable{a, b}))
	p.println(log)
	err := gevent.NewTimeout(ms(50)).Do(func() error {
		time.Sleep(ms(200))
		p.println("CPU-bound part not interrupted")
		return gevent.Sleep(ms(1))
	})
	if class(err) == "Timeout" {
		p.println("delivered at the next yield")
	}
}

func trace50(p *printer) {
	var log []string
	pool := gevent.NewPool(2)
	for n := 1; n <= 4; n++ {
		must(pool.Go(func() {
			log = append(log, fmt.Sprint("s", n))
			for range 5 * n {
				check(gevent.Sleep(0))
			}
			log = append(log, fmt.Sprint("e", n))
		}))
		log = append(log, fmt.Sprintf("spawned%d free=%d len=%d", n, pool.FreeCount(), pool.Len()))
	}
	p.println(log)
	log = nil
	joined := must(pool.Join())
	p.println("join ->", joined, log, pool.Len(), pool.FreeCount())
	pool = gevent.NewPool(1)
	sleep := func() error { return gevent.Sleep(time.Second) }
	must(pool.Spawn(sleep))
	g := gevent.New(func() (any, error) { return nil, nil })
	for _, c := range []struct {
		kw    string
		limit time.Duration
	}{{"{'blocking': False}", 0}, {"{'timeout': 0.1}", ms(100)}} {
		err := pool.Add(g, c.limit)
		p.println(class(err), c.kw, "full", pool.Full(), "is queue.Full", errors.Is(err, gevent.ErrFull))
	}
	p.println("wait_available(timeout) when full", must(pool.WaitAvailable(ms(100))))
	must(pool.Join())
	p.println("when free", must(pool.WaitAvailable()))
	busy := gevent.NewPool(1)
	must(busy.Spawn(sleep))
	p.println("join(timeout) of a busy pool:", must(busy.Join(ms(100))), "| empty pool:", must(gevent.NewPool(1).Join()))
	z := gevent.NewPool(0)
	p.println("size 0: full", z.Full(), "free", z.FreeCount(), must(z.WaitAvailable(ms(100))))
	p.println("ValueError", strings.TrimPrefix(strings.Replace(fmt.Sprint(caught(func() { gevent.NewPool(-1) })), "the size of a pool must", "size must", 1), "gevent: "))
	var u gevent.Group
	p.println("unlimited: full", u.Full(), "free_count", u.FreeCount())
}

func inverse(x float64) (float64, error) {
	if x == 0 {
		return 0, errZeroDivision
	}
	return 1 / x, nil
}

func trace52(p *printer) {
	items := slices.Values([]float64{1, 0, 2})
	if _, err := gevent.Map(gevent.NewPool(3), items, inverse); class(err) == "ZeroDivisionError" {
		p.println("map raises the error")
	}
	for _, c := range []struct {
		name string
		imap func(*gevent.Pool, iter.Seq[float64], func(float64) (float64, error), ...int) iter.Seq2[float64, error]
	}{{"imap", gevent.IMap[float64, float64]}, {"imap_unordered", gevent.IMapUnordered[float64, float64]}} {
		var out []any
		for v, err := range c.imap(gevent.NewPool(1), items, inverse) {
			if err != nil {
				out = append(out, class(err))
			} else {
				out = append(out, v)
			}
		}
		p.println(c.name, "error is positional, iteration goes on:", append(out, "StopIteration"))
	}
	src := func(yield func(int) bool) {
		if yield(1) && yield(2) {
			panic(&pyError{"KeyError", "in iterator"})
		}
	}
	str := func(x int) (string, error) { return fmt.Sprint(x), nil }
	p.println("map: error in the input iterator", caught(func() { gevent.Map(gevent.NewPool(3), src, str) }))
	for _, err := range gevent.IMapUnordered(gevent.NewPool(3), src, str) {
		if err != nil {
			p.println("imap_unordered:", repr(err))
		}
	}
	var g gevent.Group
	fail := func() (float64, error) { return inverse(0) }
	must(gevent.SpawnIn(&g, fail))
	must(g.Spawn(func() error { return gevent.Sleep(ms(10)) }))
	if err := g.JoinRaise(); class(err) == "ZeroDivisionError" {
		p.println("Group.join(raise_error=True) raises AFTER all finished", g.Len())
	}
	must(gevent.SpawnIn(&g, fail))
	p.println("join() default swallows", must(g.Join()))
	pool := gevent.NewPool(1)
	if _, err := gevent.Apply(pool, fail); class(err) == "ZeroDivisionError" {
		p.println("apply re-raises; the slot is free again", pool.FreeCount())
	}
	p.println("nested apply from inside a worker does not deadlock:", must(gevent.Apply(pool, func() (int, error) {
		return gevent.Apply(pool, func() (int, error) { return 5 + 1, nil })
	})))
}

func trace54(p *printer) {
	var log []string
	w := func(n int) func() error {
		return func() error {
			err := gevent.Sleep(10 * time.Second)
			if errors.Is(err, gevent.ErrGreenletExit) {
				log = append(log, fmt.Sprint("x", n))
			}
			return err
		}
	}
	sorted := func() []string {
		s := append([]string{}, log...)
		sort.Strings(s)
		return s
	}
	var g gevent.Group
	first := must(g.Spawn(w(0)))
	must(g.Spawn(w(1)))
	must(g.Spawn(w(2)))
	check(gevent.Sleep(0))
	p.println(g.Len(), g.Contains(first), g.Len() > 0)
	check(g.Kill())
	p.println("kill(block) empties:", g.Len(), g.Len() > 0, sorted())
	log = []string{}
	must(g.Spawn(w(0)))
	must(g.Spawn(w(1)))
	check(gevent.Sleep(0))
	g.KillNowait()
	p.println("non-block: still tracked", g.Len(), log)
	check(gevent.Sleep(ms(1)))
	p.println(g.Len(), sorted())
	log = nil
	u := must(g.Spawn(func() error {
		for n := 0; n < 2; {
			if err := gevent.Sleep(10 * time.Second); errors.Is(err, gevent.ErrGreenletExit) {
				n++
				log = append(log, "shot")
			}
		}
		return nil
	}))
	check(gevent.Sleep(0))
	g.KillOneNowait(u)
	g.KillOneNowait(u)
	check(gevent.Sleep(ms(1)))
	p.println("killone shoots a member only once:", log, g.Len())
	check(u.Kill())
	p.println("direct kill is not limited:", log, u.Dead())
	g = gevent.Group{}
	sleep := func() error { return gevent.Sleep(10 * time.Second) }
	a := must(g.Spawn(sleep))
	g.Discard(a)
	p.println("discard: untracked but alive", g.Len(), a.Dead())
	check(a.Kill())
	pool := gevent.NewPool(1)
	a = must(pool.Spawn(sleep))
	pool.Discard(a)
	p.println("Pool.discard frees the slot", pool.FreeCount())
	check(a.Kill())
	check(g.Add(sleeper(ms(10))))
	n := g.Len()
	joined := must(g.Join())
	p.println("add existing", n, joined, g.Len())
	log = []string{}
	x := must(g.Spawn(w(9)))
	check(g.Kill())
	p.println("killed before it ran:", log, x.Dead())
}

func trace60(p *printer) {
	t := func(tag string, v any, err error) {
		if err != nil {
			p.println(tag, "raises", class(err))
			return
		}
		p.println(tag, "->", v)
	}
	q := gevent.NewQueue[int](2)
	v, err := q.GetNowait()
	t("get_nowait empty", v, err)
	v, err = q.Get(0)
	t("get(block=False)", v, err)
	v, err = q.Get(ms(10))
	t("get(timeout)", v, err)
	check(q.Put(1))
	check(q.Put(2))
	p.println("len", q.Len(), "full", q.Full(), "empty", q.Empty(), "bool", true, "maxsize", q.MaxSize())
	t("put_nowait full", nil, q.PutNowait(3))
	t("put(timeout) full", nil, q.Put(3, ms(10)))
	t("block=False ignores timeout", nil, q.Put(3, 0))
	p.println("peek", must(q.Peek()), must(q.Get()), must(q.Get()))
	v, err = q.PeekNowait()
	t("peek_nowait empty", v, err)
	q = gevent.NewQueue(0, 1, 2)
	q.Shutdown(false)
	p.println("items=", slices.Collect(q.All()))
	q = gevent.NewQueue(0, 3, 4)
	p.println("copy", must(gevent.NewQueue(0, q.Items()...).Get()), q.Len())
	q = gevent.NewQueue(0, 1)
	q.Shutdown(false)
	p.println("iteration stops at the shutdown:", slices.Collect(q.All()))
}

type pair struct {
	n int
	s string
}

func (x pair) String() string { return fmt.Sprintf("(%d, '%s')", x.n, x.s) }

func trace62(p *printer) {
	q := gevent.NewLifoQueue(0, 1, 2, 3)
	top := must(q.Peek())
	p.println("lifo peek", top, []int{must(q.Get()), must(q.Get()), must(q.Get())})
	pq := gevent.NewPriorityQueue[pair](0, func(a, b pair) bool { return a.n < b.n || a.n == b.n && a.s < b.s })
	for _, x := range []pair{{2, "b"}, {1, "z"}, {1, "a"}, {3, "c"}} {
		check(pq.Put(x))
	}
	least := must(pq.Peek())
	var all []any
	for range 4 {
		all = append(all, must(pq.Get()))
	}
	p.println("priority", least, all)
	less := func(a, b int) bool { return a < b }
	p.println("items heapified", must(gevent.NewPriorityQueue(0, less, 5, 1, 4).Get()))
	one := gevent.NewPriorityQueue(1, less, 5)
	for _, x := range []int{9, 1} {
		gevent.Go(func() { check(one.Put(x)) })
	}
	check(gevent.Sleep(0))
	p.println("blocked putters enter FIFO, not by priority:", []int{must(one.Get()), must(one.Get()), must(one.Get())})
}

func trace64(p *printer) {
	var ch gevent.Channel[string]
	var ev []string
	g := gevent.Go(func() {
		ev = append(ev, must(ch.Get()))
		ev = append(ev, must(ch.Get()))
	})
	ev = append(ev, "sending")
	check(ch.Put("hello"))
	ev = append(ev, "sent hello")
	check(ch.Put("world"))
	ev = append(ev, "sent world")
	check(g.Join())
	p.println(ev)
	ev = nil
	gevent.Go(func() {
		ev = append(ev, "s1")
		check(ch.Put("hello"))
		ev = append(ev, "s2")
		check(ch.Put("world"))
		ev = append(ev, "s3")
	})
	ev = append(ev, "waiting")
	ev = append(ev, must(ch.Get()))
	ev = append(ev, must(ch.Get()))
	p.println(ev)
	check(gevent.Sleep(0))
	p.println(ev)
	p.println("always empty and full, qsize 0:", ch.Empty(), ch.Full(), ch.Len(), 0, ch.Balance())
	_, err := ch.Get(ms(10))
	p.println("get(timeout) raises", class(err))
	p.println("put(timeout) raises", class(ch.Put("1", ms(10))))
	p.println("put_nowait without getter raises", class(ch.PutNowait("1")))
	_, err = ch.GetNowait()
	p.println("get_nowait without putter raises", class(err))
	gevent.Go(func() { check(ch.Put("p")) })
	check(gevent.Sleep(0))
	balance := ch.Balance()
	got := must(ch.Get())
	p.println("balance", balance, got, ch.Balance())
	var numbers gevent.Channel[int]
	gevent.Go(func() {
		check(numbers.Put(1))
		check(numbers.Put(2))
		numbers.Shutdown()
	})
	p.println(slices.Collect(numbers.All()))
}

func trace70(p *printer) {
	var log []any
	e := new(gevent.Event)
	spawn := func(n int) *gevent.Greenlet[gevent.Void] {
		return gevent.Go(func() { log = append(log, tuple{n, must(e.Wait())}) })
	}
	gs := []*gevent.Greenlet[gevent.Void]{spawn(0), spawn(1), spawn(2)}
	check(gevent.Sleep(0))
	p.println("linkcount", e.Waiters())
	e.Set()
	log = append(log, "set returned")
	must(gevent.JoinAll(gs))
	p.println("woken FIFO, never inside set():", log)
	p.println("already set: wait returns at once", must(e.Wait()), must(e.Wait(0)), e.IsSet(), e.Ready())
	e.Clear()
	p.println("timeout ->", must(e.Wait(ms(10))))
	log = nil
	gs = []*gevent.Greenlet[gevent.Void]{spawn(0), spawn(1)}
	check(gevent.Sleep(0))
	e.Set()
	e.Clear()
	must(gevent.JoinAll(gs))
	p.println("set+clear without a switch still wakes all:", log, e.IsSet())
	log = nil
	e = new(gevent.Event)
	gs = []*gevent.Greenlet[gevent.Void]{spawn(1), spawn(2)}
	check(gevent.Sleep(0))
	e.Set()
	log = append(log, tuple{3, must(e.Wait())})
	p.println("a wait() that arrives while set() is still notifying runs last:", log)
	must(gevent.JoinAll(gs))
	log = []any{}
	e = new(gevent.Event)
	e.RawLink(func(*gevent.Event) { log = append(log, "raw") })
	e.Set()
	p.println("rawlink is async:", log)
	check(gevent.Sleep(0))
	p.println(log)
	e.RawLink(func(*gevent.Event) { log = append(log, "raw2") })
	check(gevent.Sleep(0))
	p.println("on a set event fires too:", log, "links are one-shot", e.Waiters())
	k := new(gevent.Event)
	g := gevent.Spawn(func() (bool, error) { return k.Wait() })
	check(gevent.Sleep(0))
	check(g.Kill())
	p.println("killed waiter is unlinked", k.Waiters())
}

func trace72(p *printer) {
	var log []any
	s := gevent.NewSemaphore(1)
	var gs []*gevent.Greenlet[gevent.Void]
	for n := range 3 {
		gs = append(gs, gevent.Go(func() {
			check(s.With(func() error {
				log = append(log, fmt.Sprint(n, " in"))
				err := gevent.Sleep(0)
				log = append(log, fmt.Sprint(n, " out"))
				return err
			}))
		}))
	}
	must(gevent.JoinAll(gs))
	p.println("FIFO:", log)
	s = gevent.NewSemaphore(0)
	p.println("acquire(blocking=False)", s.TryAcquire(), "acquire(timeout)", must(s.Acquire(ms(10))), "locked", s.Locked(), "wait(timeout) = counter", must(s.Wait(ms(10))))
	s.Release()
	n := s.Counter()
	p.println("released by a non-owner: counter", n, must(s.Wait()), must(s.Acquire()), s.Counter())
	log, gs = nil, nil
	s = gevent.NewSemaphore(0)
	for i := range 4 {
		gs = append(gs, gevent.Go(func() {
			must(s.Acquire())
			log = append(log, i)
		}))
	}
	check(gevent.Sleep(0))
	s.Release()
	s.Release()
	log = append(log, "2 released")
	check(gevent.Sleep(0))
	p.println("exactly 2 woken, FIFO:", log)
	s.Release()
	s.Release()
	must(gevent.JoinAll(gs))
	p.println(log)
	log = []any{}
	s = gevent.NewSemaphore(0)
	g := gevent.Go(func() {
		must(s.Acquire())
		log = append(log, "waiter")
	})
	check(gevent.Sleep(0))
	s.Release()
	p.println("barging: releaser can re-acquire before the waiter runs:", s.TryAcquire())
	check(gevent.Sleep(0))
	p.println("waiter still parked:", log)
	s.Release()
	check(g.Join())
	p.println(log)
	p.println("BoundedSemaphore ValueError:", strings.TrimPrefix(fmt.Sprint(caught(gevent.NewBoundedSemaphore(1).Release)), "gevent: "))
	text := fmt.Sprint(caught(func() { gevent.NewSemaphore(-1) }))
	p.println("ValueError:", strings.NewReplacer("gevent: the initial value of a semaphore", "semaphore initial value", "at least", ">=").Replace(text))
}

func trace74(p *printer) {
	var log []any
	type vars struct {
		number int
		color  string
		x      any
	}
	d := gevent.NewLocal(func() *vars {
		log = append(log, "init")
		return &vars{number: 2, color: "red"}
	})
	number, color := d.Get().number, d.Get().color
	p.println(number, color, log)
	f := func() {
		log = append(log, []any{tuple{"color", d.Get().color}})
		d.Get().color = "blue"
		d.Get().x = 1
		check(gevent.Sleep(0))
		log = append(log, tuple{d.Get().color, d.Get().x})
	}
	must(gevent.JoinAll([]*gevent.Greenlet[gevent.Void]{gevent.Go(func() { _ = d.Get(); f() }), gevent.Go(f)}))
	p.println("__init__ re-runs per greenlet with the same args:", log)
	p.println("main", d.Get().color, d.Get().x != nil)
	var plain gevent.Local[int]
	plain.Set(1)
	p.println("plain local:", must(gevent.Spawn(func() (int, error) { return plain.Get(), nil }).Get()), plain.Get())
}

func trace76(p *printer) {
	boom := func(x string) func() (any, error) {
		return func() (any, error) { return nil, valueError("bad " + x) }
	}
	var failures []gevent.Failure
	previous := gevent.SetErrorHandler(func(f gevent.Failure) { failures = append(failures, f) })
	defer func() { gevent.SetErrorHandler(previous) }()
	gevent.Spawn(boom("thing"))
	check(gevent.Sleep(0))
	p.println("exc  :", failures[0].Err.Error())
	failures = nil
	gevent.Spawn(boom("x")).Link(func(*gevent.Greenlet[any]) {})
	gevent.Spawn(func() (any, error) { return nil, gevent.ErrGreenletExit })
	check(gevent.Sleep(0))
	p.println("GreenletExit is not printed; errors printed:", len(failures))
	failures = nil
	gevent.Spawn(boom("y")).RawLink(func(*gevent.Greenlet[any]) { panic(valueError("bad cb")) })
	check(gevent.Sleep(ms(10)))
	var calls []any
	for _, f := range failures {
		name, _, _ := strings.Cut(f.Name, "-")
		calls = append(calls, tuple{name, strings.TrimSpace(str(f.Err))})
	}
	p.println(calls)
}

// str is the text of an error, or of the panic that it stands for.
func str(err error) string {
	var e *pyError
	if errors.As(err, &e) {
		return e.arg
	}
	return err.Error()
}

func trace78(p *printer) {
	l := must(gevent.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	b := must(gevent.Dial("tcp", l.Addr().String()))
	a := must(l.Accept())
	defer b.Close()
	read := func() *gevent.Greenlet[int] {
		return gevent.Spawn(func() (int, error) { return a.Read(make([]byte, 1)) })
	}
	r1 := read()
	check(gevent.Sleep(0))
	r2 := read()
	if _, err := r2.Get(); errors.Is(err, gevent.ErrConcurrentUse) {
		p.println("two greenlets reading one socket: 2nd raises ConcurrentObjectUseError | This socket is already used")
	}
	a.Close()
	if _, err := r1.Get(); err != nil && strings.Contains(err.Error(), "use of closed network connection") {
		p.println("socket closed while another greenlet reads raises net.ErrClosed")
	}
	c := must(gevent.Dial("tcp", l.Addr().String()))
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(ms(10)))
	if _, err := c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		p.println("recv timeout raises TimeoutError | timed out")
	}
}

func trace80(p *printer) {
	pool := gevent.NewThreadPool(2)
	here := goid.Get()
	p.println("runs in another OS thread:", must(gevent.ApplyThread(pool, func() (int64, error) { return goid.Get(), nil })) != here)
	var log []string
	gevent.Go(func() {
		for range 4 {
			log = append(log, "tick")
			check(gevent.Sleep(ms(5)))
		}
	})
	r := gevent.SpawnThread(pool, func() (any, error) { time.Sleep(ms(400)); return nil, nil })
	p.println("spawn returns AsyncResult:", strings.Split(fmt.Sprintf("%T", r)[len("*gevent."):], "[")[0])
	must(r.Get())
	p.println("loop kept running while the thread blocked:", len(log) == 4)
	sq := func(x int) (int, error) { time.Sleep(ms(50 * (3 - x))); return x * x, nil }
	items := slices.Values([]int{0, 1, 2})
	ordered := must(gevent.MapThread(pool, items, sq))
	inThread := func(x int) (int, error) { return gevent.ApplyThread(pool, func() (int, error) { return sq(x) }) }
	var imap, unordered []int
	for v, err := range gevent.IMap(new(gevent.Group), items, inThread) {
		imap = append(imap, must(v, err))
	}
	for v, err := range gevent.IMapUnordered(new(gevent.Group), items, inThread) {
		unordered = append(unordered, must(v, err))
	}
	slices.Sort(unordered)
	p.println("map ordered", ordered, "imap", imap, "unordered", unordered)
	fail := func() (any, error) { return nil, errZeroDivision }
	if _, err := gevent.ApplyThread(pool, fail); class(err) == "ZeroDivisionError" {
		p.println("apply re-raises")
	}
	q := gevent.SpawnThread(pool, fail)
	v := must(q.Wait())
	p.println("wait ->", v, q.Exception())
	one := gevent.NewThreadPool(1)
	var order []string
	put := func(s string, d time.Duration) *gevent.AsyncResult[any] {
		return gevent.SpawnThread(one, func() (any, error) { time.Sleep(d); order = append(order, s); return nil, nil })
	}
	must(gevent.Wait([]*gevent.AsyncResult[any]{put("a", ms(20)), put("b", 0)}))
	p.println("size 1 runs in order", order, "maxsize", one.Size())
	check(pool.Kill())
	check(one.Kill())
	p.println("kill: size", pool.Len())
}

func trace86(p *printer) {
	defer gevent.TrackGreenletTree(gevent.TrackGreenletTree(true))
	var kids []*gevent.Greenlet[int]
	named := func(name string, fn func() (int, error)) *gevent.Greenlet[int] {
		g := gevent.Spawn(fn)
		g.SetName(name)
		return g
	}
	leaf := func() (int, error) { return 42, gevent.Sleep(ms(50)) }
	m := named("mid", func() (int, error) {
		kids = append(kids, named("leaf", leaf), named("bad", func() (int, error) { return 0, errors.New("division by zero") }))
		return 0, gevent.Sleep(2 * time.Second)
	})
	check(gevent.Sleep(ms(400)))
	for line := range strings.Lines(gevent.CurrentTree().String()) {
		if line = strings.TrimSuffix(line, "\n"); strings.Contains(line, `--- <Greenlet "`) {
			line, _, _ = strings.Cut(line, "; waits for")
			p.println(line)
		}
	}
	info := gevent.RunInfo()
	var sections []string
	for _, s := range []string{"* Goroutines", "* Greenlets", "spawned by", "waits for"} {
		if strings.Contains(info, s) {
			sections = append(sections, s)
		}
	}
	p.println("sections:", sections)
	check(gevent.KillAll(append(kids, m)))
}

func trace90(p *printer) {
	v := async.NewContextVar("v", "unset")
	ctx := func() context.Context { return gevent.Context() }
	release := gevent.Ref() // The variables of a goroutine last as long as its hub.
	defer release()
	v.Set(ctx(), "main")
	in := must(gevent.Spawn(func() (string, error) { return v.Get(ctx()), nil }).Get())
	p.println("in spawned greenlet:", in, "| main", v.Get(ctx()))
	var gs []*gevent.Greenlet[string]
	for i := range 3 {
		gs = append(gs, gevent.Spawn(func() (string, error) {
			v.Set(ctx(), fmt.Sprint(i))
			err := gevent.Sleep(0)
			return v.Get(ctx()), err
		}))
	}
	var got []string
	for _, g := range gs {
		got = append(got, must(g.Get()))
	}
	p.println("isolated between greenlets:", "["+strings.Join(got, ", ")+"]", "| main", v.Get(ctx()))
}
