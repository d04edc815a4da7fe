package gevent_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

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
