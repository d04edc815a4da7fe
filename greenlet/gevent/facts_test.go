package gevent_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

var errFault = errors.New("fault")

// hourly is a greenlet that sleeps for an hour, and has begun to.
func hourly() *gevent.Greenlet[any] {
	g := sleeper(time.Hour)
	check(gevent.Sleep(0))
	return g
}

func TestScheduling(t *testing.T) {
	t.Run("E3 E4 a child goes to the end of the queue, and outlives its spawner", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		p := gevent.Go(func() {
			tr.Add("p")
			gevent.Go(func() { tr.Add("child") })
		})
		s := gevent.Go(func() { tr.Add("sibling") })
		must(gevent.JoinAll([]gevent.Joinable{p, s}))
		must(gevent.WaitAll())
		tr.Expect(t, "p sibling child")
	})

	t.Run("E6 timers come in the order of their deadlines, behind what is ready", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		for _, n := range []int{40, 20, 0} {
			gevent.SpawnLater(ms(n), func() (any, error) { tr.Add("%d", n); return nil, nil })
		}
		gevent.Go(func() { tr.Add("now") })
		must(gevent.WaitAll())
		tr.Expect(t, "now 0 20 40")
	})

	t.Run("E10 E12 a greenlet starts once, and says in which state it is", func(t *testing.T) {
		witness.NoLeaks(t)
		runs := 0
		g := gevent.New(func() (int, error) { runs++; return 7, nil })
		if g.Started() || g.Ready() || g.Dead() {
			t.Errorf("a new one is %v", g)
		}
		g.Start()
		g.Start()
		if !g.Started() || g.Ready() {
			t.Errorf("a started one is %v", g)
		}
		check(g.Join())
		g.Start()
		if runs != 1 || g.Started() || !g.Ready() || !g.Successful() || g.Value() != 7 {
			t.Errorf("after %d runs it is %v", runs, g)
		}
	})

	t.Run("E11 callbacks run in the order in which they came, a cancelled one never, a new one behind the others", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		l := must(async.RunningLoop(gevent.Context()))
		var second *async.Handle
		l.CallSoon(func() {
			tr.Add("1")
			second.Cancel()
			l.CallSoon(func() { tr.Add("4") })
		})
		second = l.CallSoon(func() { tr.Add("2") })
		l.CallSoon(func() { tr.Add("3") })
		tr.Add("main")
		must(gevent.WaitAll())
		tr.Expect(t, "main 1 3 4")
	})

	t.Run("E13 the greenlet that runs is never dead", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		var g *gevent.Greenlet[any]
		g = gevent.Spawn(func() (any, error) {
			defer func() { tr.Add("%v", g.Dead()) }()
			tr.Add("%v", g.Dead())
			err := gevent.Sleep(0)
			tr.Add("%v", g.Dead())
			return nil, err
		})
		g.RawLink(func(g *gevent.Greenlet[any]) { tr.Add("link:%v", g.Dead()) })
		check(g.Join())
		tr.Expect(t, "false false false link:true")
	})
}

func TestWaiting(t *testing.T) {
	t.Run("F1 F2 F3 F4 JoinAll returns who has ended, in that order", func(t *testing.T) {
		witness.NoLeaks(t)
		var gs []*gevent.Greenlet[any]
		for _, n := range []int{90, 30, 60} {
			gs = append(gs, sleeper(ms(n)))
		}
		names := func(of []*gevent.Greenlet[any]) (all []int) {
			for _, g := range of {
				all = append(all, slices.Index(gs, g))
			}
			return all
		}
		if first := must(gevent.JoinAll(gs, gevent.Count(1))); fmt.Sprint(names(first)) != "[1]" {
			t.Errorf("the first is %v", names(first))
		}
		if some := must(gevent.JoinAll(gs, gevent.Within(ms(1)))); len(some) != 1 {
			t.Errorf("in time are %v", names(some))
		}
		rest := must(gevent.JoinAll([]*gevent.Greenlet[any]{gs[0], gs[2], gs[0]}))
		if fmt.Sprint(names(rest)) != "[2 0 0]" {
			t.Errorf("the rest is %v", names(rest))
		}
	})

	t.Run("F5 F7 F11 errors stay in their greenlets, and RaiseError gives the first one, each time", func(t *testing.T) {
		witness.NoLeaks(t)
		other := errors.New("other")
		fails := func(d time.Duration, err error) *gevent.Greenlet[any] {
			return gevent.Spawn(func() (any, error) { check(gevent.Sleep(d)); return nil, err })
		}
		a, b := fails(ms(5), errFault), fails(0, other)
		ok := gevent.Spawn(func() (any, error) { return 1, nil })
		gs := []*gevent.Greenlet[any]{ok, a, b}
		if err := a.Join(time.Microsecond); err != nil || a.Ready() {
			t.Errorf("after a short join it is %v, with %v", a, err)
		}
		if err := a.Join(); err != nil || !a.Ready() {
			t.Errorf("after the join it is %v, with %v", a, err)
		}
		if all, err := gevent.JoinAll(gs); len(all) != 3 || err != nil {
			t.Errorf("it returns %v and %v", all, err)
		}
		if a.Exception() != errFault || b.Exception() != other || ok.Exception() != nil {
			t.Errorf("the errors are %v, %v and %v", a.Exception(), b.Exception(), ok.Exception())
		}
		for range 2 {
			if _, err := gevent.JoinAll(gs, gevent.RaiseError()); err != errFault {
				t.Errorf("the error is %v", err)
			}
		}
	})

	t.Run("F10 the limit of a Get can be a Timeout object", func(t *testing.T) {
		witness.NoLeaks(t)
		g := hourly()
		limit := gevent.NewTimeout(ms(1))
		get := func() error { _, err := g.Get(); return err }
		if err := limit.Do(get); err != error(limit) {
			t.Errorf("the error is %v", err)
		}
		if err := gevent.NewTimeout(ms(1), gevent.WithError(errFault)).Do(get); err != errFault {
			t.Errorf("the error is %v", err)
		}
		if g.Dead() {
			t.Error("the greenlet does not go on")
		}
		check(g.Kill())
	})

	t.Run("F12 an outer timeout comes through a longer limit", func(t *testing.T) {
		witness.NoLeaks(t)
		g := hourly()
		outer := gevent.StartTimeout(ms(10))
		if _, err := g.GetTimeout(time.Hour); err != error(outer) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
		outer.Cancel()
		check(g.Kill())
	})

	t.Run("F14 F15 F16 F19 IWait gives what becomes ready, of any kind", func(t *testing.T) {
		witness.NoLeaks(t)
		var e gevent.Event
		var r gevent.AsyncResult[int]
		s := gevent.NewSemaphore(0)
		g := gevent.Go(func() { e.Set(); r.Set(1); s.Release() })
		objects := []gevent.Waitable{s, &r, &e, g}
		var order []int
		for x := range gevent.IWait(objects) {
			order = append(order, slices.Index(objects, x))
		}
		if fmt.Sprint(order) != "[2 1 0 3]" {
			t.Errorf("the order is %v", order)
		}
		for range 2 {
			if len(must(gevent.Wait([]*gevent.Event{&e}))) != 1 {
				t.Error("a set event is not ready")
			}
		}
		var idle gevent.Event
		for range gevent.IWait([]gevent.Waitable{&idle, &e}) {
			break
		}
		if idle.Waiters() != 0 {
			t.Error("leaving early leaves something behind")
		}
	})

	t.Run("F17 WaitAll runs all that can run", func(t *testing.T) {
		witness.NoLeaks(t)
		if !must(gevent.WaitAll()) {
			t.Error("without a hub there is something left")
		}
		g := sleeper(ms(5))
		if must(gevent.WaitAll(gevent.Within(time.Microsecond))) || g.Ready() {
			t.Error("it did not wait")
		}
		if !must(gevent.WaitAll()) || !g.Ready() {
			t.Error("it did not wait long enough")
		}
	})
}

func TestKill(t *testing.T) {
	t.Run("G2 G3 a kill is raised at the wait, once", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		g := gevent.Spawn(func() (any, error) {
			defer tr.Add("finally")
			err := gevent.Sleep(time.Hour)
			tr.Add("%v", errors.Is(err, gevent.ErrGreenletExit))
			check(gevent.Sleep(0)) // waits after that work
			return nil, err
		})
		check(gevent.Sleep(0))
		tr.Add("kill")
		g.KillNowait()
		tr.Add("called")
		check(g.Join())
		tr.Add("dead")
		tr.Expect(t, "kill called true finally dead")
		if !g.Killed() || !g.Successful() {
			t.Errorf("it is %v", g)
		}
	})

	t.Run("G6 G8 a kill that is ignored, and one of oneself", func(t *testing.T) {
		witness.NoLeaks(t)
		g := gevent.Spawn(func() (int, error) {
			gevent.Sleep(time.Hour)
			return 3, gevent.Sleep(ms(20))
		})
		check(gevent.Sleep(0))
		check(g.KillWithin(ms(1)))
		if g.Dead() {
			t.Error("it is dead")
		}
		if v := must(g.Get()); v != 3 {
			t.Errorf("it returns %d", v)
		}
		check(g.Kill())
		var self *gevent.Greenlet[any]
		self = gevent.Spawn(func() (any, error) { return nil, self.Kill(errFault) })
		if _, err := self.Get(); err != errFault {
			t.Errorf("the error is %v", err)
		}
	})

	t.Run("G11 who is killed while it waits takes nothing along", func(t *testing.T) {
		witness.NoLeaks(t)
		var q gevent.Queue[int]
		s := gevent.NewSemaphore(0)
		first := gevent.Spawn(func() (int, error) { return q.Get() })
		second := gevent.Spawn(func() (int, error) { return q.Get() })
		a := gevent.Spawn(func() (bool, error) { return s.Acquire() })
		b := gevent.Spawn(func() (bool, error) { return s.Acquire() })
		check(gevent.Sleep(0))
		first.KillNowait()
		a.KillNowait()
		check(q.Put(1))
		s.Release()
		if v := must(second.Get()); v != 1 {
			t.Errorf("it gets %d", v)
		}
		if !must(b.Get()) || s.Counter() != 0 {
			t.Error("the permit is lost")
		}
		must(gevent.JoinAll([]gevent.Joinable{first, a}))
	})
}

func TestLinks(t *testing.T) {
	t.Run("H6 a link can take back a later one while they are called", func(t *testing.T) {
		witness.NoLeaks(t)
		for name, link := range map[string]func(*gevent.Greenlet[int], func(*gevent.Greenlet[int])){
			"Link":    (*gevent.Greenlet[int]).Link,
			"RawLink": (*gevent.Greenlet[int]).RawLink,
		} {
			var tr trace
			later := func(*gevent.Greenlet[int]) { tr.Add("later") }
			g := gevent.Spawn(func() (int, error) { return 5, nil })
			link(g, func(g *gevent.Greenlet[int]) { tr.Add("first"); g.Unlink(later) })
			link(g, later)
			link(g, func(*gevent.Greenlet[int]) { tr.Add("%s", name) })
			check(g.Join())
			must(gevent.WaitAll())
			tr.Expect(t, "first "+name)
			if g.HasLinks() != 0 {
				t.Errorf("%d links are left", g.HasLinks())
			}
		}
	})

	t.Run("H8 a result, a queue and a channel can be linked to", func(t *testing.T) {
		witness.NoLeaks(t)
		var good, bad gevent.AsyncResult[int]
		var q gevent.Queue[*gevent.Greenlet[int]]
		var ch gevent.Channel[*gevent.Greenlet[int]]
		g := gevent.Spawn(func() (int, error) { return 7, nil })
		g.Link(good.SetFrom)
		g.Link(func(g *gevent.Greenlet[int]) { check(q.Put(g)) })
		g.Link(func(g *gevent.Greenlet[int]) { check(ch.Put(g)) })
		f := gevent.Spawn(func() (int, error) { return 0, errFault })
		f.Link(bad.SetFrom)
		if v := must(good.Get()); v != 7 {
			t.Errorf("the value is %d", v)
		}
		if _, err := bad.Get(); err != errFault {
			t.Errorf("the error is %v", err)
		}
		if must(q.Get()) != g || must(ch.Get()) != g {
			t.Error("it is not the greenlet")
		}
		must(gevent.WaitAll()) // The one that has put it there ends after us.
	})
}

func TestTimeout(t *testing.T) {
	t.Run("I3 Silent matters only to Do", func(t *testing.T) {
		witness.NoLeaks(t)
		quiet := gevent.StartTimeout(ms(1), gevent.Silent())
		if err := gevent.Sleep(time.Hour); err != error(quiet) {
			t.Errorf("the error is %v", err)
		}
		quiet.Cancel()
		if err := quiet.Do(func() error { return gevent.Sleep(time.Hour) }); err != nil {
			t.Errorf("the error is %v", err)
		}
	})

	t.Run("I5 I6 nested timeouts are told apart", func(t *testing.T) {
		witness.NoLeaks(t)
		outer := gevent.StartTimeout(ms(10))
		inner := gevent.NewTimeout(time.Hour, gevent.Silent())
		err := inner.Do(func() error { return gevent.Sleep(time.Hour) })
		if err != error(outer) || outer.Pending() {
			t.Errorf("the error is %v", err)
		}
		outer.Cancel()
		outer = gevent.StartTimeout(time.Hour)
		inner = gevent.NewTimeout(ms(5))
		if err := inner.Do(func() error { return gevent.Sleep(time.Hour) }); !errors.Is(err, inner) || errors.Is(err, outer) || !outer.Pending() {
			t.Errorf("the error is %v", err)
		}
		outer.Cancel()
	})

	t.Run("I8 a foreign timeout passes WithTimeout", func(t *testing.T) {
		witness.NoLeaks(t)
		outer := gevent.StartTimeout(ms(5))
		defer outer.Cancel()
		v, err := gevent.WithTimeout(time.Hour, func() (string, error) { return "", gevent.Sleep(time.Hour) }, "otherwise")
		if v != "" || err != error(outer) {
			t.Errorf("it returns %q and %v", v, err)
		}
	})
}
