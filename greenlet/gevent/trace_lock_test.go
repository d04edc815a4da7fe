package gevent_test

import (
	"fmt"
	"strings"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

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
