package gevent_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/greenlet"
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

func TestHub(t *testing.T) {
	t.Run("M1 M2 M3 what nothing can end is a LoopExit of the goroutine, with a report", func(t *testing.T) {
		witness.NoLeaks(t)
		var never gevent.Event
		stuck := gevent.Spawn(func() (bool, error) { return never.Wait() })
		stuck.SetName("stuck")
		err := stuck.Join()
		if !errors.Is(err, gevent.ErrLoopExit) || stuck.Dead() {
			t.Fatalf("the error is %v", err)
		}
		for _, want := range []string{"main waits for Greenlet(stuck, running)", "stuck waits for Event(set: false)", "facts_test.go:", "spawned by main"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the report does not say %q:\n%v", want, err)
			}
		}
		check(gevent.Go(func() {}).Join()) // The hub is usable.
		check(stuck.Kill())
		var q gevent.Queue[int]
		if _, err := q.Peek(); !errors.Is(err, gevent.ErrLoopExit) {
			t.Errorf("without anything else the error is %v", err)
		}
	})

	t.Run("M4 a timer prevents it", func(t *testing.T) {
		witness.NoLeaks(t)
		var never gevent.Event
		stuck := gevent.Spawn(func() (bool, error) { return never.Wait() })
		if ended, err := gevent.JoinAll([]gevent.Joinable{stuck}, gevent.Within(ms(5))); len(ended) != 0 || err != nil {
			t.Error(ended, err)
		}
		check(stuck.Kill())
	})

	t.Run("M5 two that wait for each other's lock are found, and can be killed", func(t *testing.T) {
		witness.NoLeaks(t)
		a, b := gevent.NewSemaphore(1), gevent.NewSemaphore(1)
		both := func(x, y *gevent.Semaphore) *gevent.Greenlet[any] {
			return gevent.Spawn(func() (any, error) {
				return nil, x.With(func() error {
					if err := gevent.Sleep(0); err != nil {
						return err
					}
					return y.With(func() error { return nil })
				})
			})
		}
		gs := []*gevent.Greenlet[any]{both(a, b), both(b, a)}
		if _, err := gevent.JoinAll(gs); !errors.Is(err, gevent.ErrLoopExit) {
			t.Errorf("the error is %v", err)
		}
		check(gevent.KillAll(gs))
		if a.Locked() || b.Locked() {
			t.Error("a lock is held")
		}
	})

	t.Run("M10 a panic in a timer does not stop the hub", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		previous := gevent.SetErrorHandler(func(f gevent.Failure) { tr.Add("%s", f.Name) })
		defer func() { gevent.SetErrorHandler(previous) }()
		l := must(async.RunningLoop(gevent.Context()))
		l.SetExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) { tr.Add("%v", errors.Is(c.Err, errFault)) })
		l.CallLater(ms(1), func() { panic(errFault) })
		g := gevent.SpawnLater(ms(2), func() (any, error) { return nil, nil })
		g.RawLink(func(*gevent.Greenlet[any]) { panic(errFault) })
		late := gevent.SpawnLater(time.Hour, func() (any, error) { return nil, nil })
		check(gevent.Sleep(ms(5)))
		tr.Add("slept")
		tr.Expect(t, "true callback slept")
		check(late.Kill())
	})

	t.Run("M11 a callback cannot wait", func(t *testing.T) {
		witness.NoLeaks(t)
		var errs []error
		g := gevent.Go(func() {})
		g.RawLink(func(*gevent.Greenlet[gevent.Void]) {
			var e gevent.Event
			_, err := e.Wait()
			errs = append(errs, gevent.Sleep(0), err)
		})
		check(g.Join())
		for _, err := range errs {
			if err != gevent.ErrBlockingInHub {
				t.Errorf("the error is %v", err)
			}
		}
	})

	t.Run("M13 an outcome that comes before Get is kept", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		var good, bad gevent.AsyncResult[int]
		good.Set(1)
		bad.SetException(errFault)
		gevent.Go(func() { tr.Add("other") })
		v, err := good.Get()
		_, wrong := bad.Get()
		tr.Add("%d %v %v", v, err, wrong)
		must(gevent.WaitAll())
		tr.Expect(t, "1 <nil> fault other")
	})

	t.Run("M14 WaitAll ends with the hub, again and again, and only in its goroutine", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		for i := range 3 {
			gevent.Go(func() {
				_, err := gevent.WaitAll()
				tr.Add("%v", err == gevent.ErrBlockingInHub)
			})
			gevent.SpawnLater(ms(1), func() (any, error) { tr.Add("%d", i); return nil, nil })
			tr.Add("%v", must(gevent.WaitAll()))
		}
		tr.Expect(t, "true 0 true true 1 true true 2 true")
	})

	t.Run("L14 hubs of two goroutines work together", func(t *testing.T) {
		witness.NoLeaks(t)
		defer gevent.Ref()() // the other one may not have begun
		var there, back gevent.Queue[int]
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer gevent.Ref()() // who puts has no hub while it does not wait
			g := gevent.Spawn(func() (any, error) {
				for {
					v, err := there.Get()
					if err != nil || v < 0 {
						return nil, err
					}
					check(back.Put(v * v))
				}
			})
			check(g.Join())
		}()
		sum := 0
		for i := range 100 {
			check(there.Put(i))
			sum += must(back.Get())
		}
		check(there.Put(-1))
		<-done
		if sum != 328350 {
			t.Errorf("the sum is %d", sum)
		}
	})

	t.Run("Ref keeps the hub waiting for a plain goroutine", func(t *testing.T) {
		witness.NoLeaks(t)
		release := gevent.Ref()
		defer release()
		var r gevent.AsyncResult[int]
		var wg sync.WaitGroup
		wg.Go(func() { r.Set(5) })
		if v := must(r.Get()); v != 5 {
			t.Errorf("the result is %d", v)
		}
		wg.Wait()
	})

	t.Run("a task of package async spawns and joins, and can be awaited", func(t *testing.T) {
		witness.NoLeaks(t)
		check(async.Run(func(ctx context.Context) error {
			g := gevent.Spawn(func() (int, error) {
				err := gevent.Sleep(ms(1))
				v, wrong := async.CreateTask(gevent.Context(), async.After(0, 20)).Await(gevent.Context())
				return v + 1, errors.Join(err, wrong)
			})
			if v := must(g.Get()); v != 21 {
				t.Errorf("the value is %d", v)
			}
			return nil
		}))
	})

	t.Run("a raw greenlet in a greenlet of the hub waits for it", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		g := gevent.Spawn(func() (any, error) {
			return greenlet.New(func(...any) (any, error) {
				tr.Add("raw")
				err := gevent.Sleep(ms(1))
				tr.Add("raw")
				return "done", err
			}).Switch()
		})
		gevent.Go(func() { tr.Add("other") })
		if v := must(g.Get()); v != "done" {
			t.Errorf("the value is %v", v)
		}
		tr.Expect(t, "raw other raw")
		greenlet.VerifyNone(t)
	})
}

func TestPools(t *testing.T) {
	// naps is what the calls take, in milliseconds.
	naps := slices.Values([]int{30, 10, 20})
	nap := func(n int) (int, error) { return n, gevent.Sleep(ms(n)) }
	read := func(results iter.Seq2[int, error]) string {
		var tr trace
		for n, err := range results {
			check(err)
			tr.Add("%d", n)
		}
		return strings.Join(tr, " ")
	}

	t.Run("J4 Map keeps the order of the items, and the size of the pool", func(t *testing.T) {
		witness.NoLeaks(t)
		for size := 1; size <= 3; size++ {
			now, most := 0, 0
			all := must(gevent.Map(gevent.NewPool(size), naps, func(n int) (int, error) {
				now++
				most = max(most, now)
				defer func() { now-- }()
				return nap(n)
			}))
			if fmt.Sprint(all) != "[30 10 20]" || most != size {
				t.Errorf("with size %d there are %d at once, and the result is %v", size, most, all)
			}
		}
	})

	t.Run("members that end in one tick leave neither themselves nor the hub behind", func(t *testing.T) {
		witness.NoLeaks(t)
		p := gevent.NewPool(3)
		var gs []*gevent.Greenlet[int]
		for range 3 {
			gs = append(gs, must(gevent.SpawnIn(p, func() (int, error) { return 0, gevent.Sleep(ms(1)) })))
		}
		check(gevent.Sleep(0))
		time.Sleep(ms(5)) // outside of the hub, so that all are due in its next turn
		must(gevent.JoinAll(gs, gevent.RaiseError()))
		if p.Len() != 0 || p.FreeCount() != 3 {
			t.Errorf("there are %d members, and there is room for %d", p.Len(), p.FreeCount())
		}
	})

	t.Run("J5 IMap keeps the order of the items, IMapUnordered that of the ends", func(t *testing.T) {
		witness.NoLeaks(t)
		for _, c := range []struct {
			size int
			want string
		}{{3, "10 20 30"}, {1, "30 10 20"}} {
			if got := read(gevent.IMap(gevent.NewPool(c.size), naps, nap)); got != "30 10 20" {
				t.Errorf("with size %d the order is %s", c.size, got)
			}
			if got := read(gevent.IMapUnordered(gevent.NewPool(c.size), naps, nap)); got != c.want {
				t.Errorf("with size %d the order of the ends is %s", c.size, got)
			}
		}
	})

	t.Run("J6 of nothing comes nothing", func(t *testing.T) {
		witness.NoLeaks(t)
		p, none := gevent.NewPool(1), slices.Values([]int(nil))
		if all := must(gevent.Map(p, none, nap)); len(all) != 0 {
			t.Errorf("Map returns %v", all)
		}
		if got := read(gevent.IMap(p, none, nap)) + read(gevent.IMapUnordered(p, none, nap)); got != "" {
			t.Errorf("there is %s", got)
		}
	})

	t.Run("J9 IMap of a queue ends by the shutdown, behind a slow last item", func(t *testing.T) {
		witness.NoLeaks(t)
		var q gevent.Queue[int]
		gevent.Go(func() {
			for _, n := range []int{1, 2, 20} {
				check(q.Put(n))
				check(gevent.Sleep(ms(1)))
			}
			q.Shutdown(false)
		})
		if got := read(gevent.IMap(gevent.NewPool(2), q.All(), nap)); got != "1 2 20" {
			t.Errorf("the results are %s", got)
		}
	})

	t.Run("J10 IMap runs as far ahead of its reader as it is told", func(t *testing.T) {
		witness.NoLeaks(t)
		five := slices.Values([]int{0, 1, 2, 3, 4})
		for _, c := range []struct {
			ahead []int
			want  string
		}{{nil, "5 5 5 5 5"}, {[]int{1}, "2 3 4 5 5"}, {[]int{2}, "3 4 5 5 5"}} {
			for _, f := range []func(*gevent.Group, iter.Seq[int], func(int) (int, error), ...int) iter.Seq2[int, error]{
				gevent.IMap[int, int], gevent.IMapUnordered[int, int],
			} {
				var tr trace
				begun := 0
				for _, err := range f(new(gevent.Group), five, func(n int) (int, error) { begun++; return n, nil }, c.ahead...) {
					check(err)
					for range 10 {
						check(gevent.Sleep(0))
					}
					tr.Add("%d", begun)
				}
				tr.Expect(t, c.want)
			}
		}
	})

	t.Run("J13 ApplyAsync never waits, and calls back with a value only", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		p := gevent.NewPool(1)
		back := func(n int) { tr.Add("back:%d", n) }
		for n := range 3 {
			gevent.ApplyAsync(p, func() (int, error) {
				tr.Add("run:%d", n)
				if n == 1 {
					return 0, errFault
				}
				return n, gevent.Sleep(0)
			}, back)
			tr.Add("called")
		}
		must(gevent.WaitAll())
		tr.Expect(t, "called called called run:0 back:0 run:1 run:2 back:2")
	})

	t.Run("J18 a member leaves when it ends", func(t *testing.T) {
		witness.NoLeaks(t)
		var p gevent.Group
		a, b := sleeper(ms(1)), sleeper(time.Hour)
		check(p.Add(a))
		check(p.Add(b))
		if p.Len() != 2 || !p.Contains(a) || !p.Contains(b) {
			t.Errorf("the members are %v", p.Members())
		}
		check(a.Join())
		check(gevent.Sleep(0))
		if p.Len() != 1 || p.Contains(a) || !p.Contains(b) {
			t.Errorf("the members are %v", p.Members())
		}
		check(b.Kill())
		must(p.Join())
		if p.Len() != 0 {
			t.Errorf("the members are %v", p.Members())
		}
	})

	t.Run("J19 Kill ends a Map that runs", func(t *testing.T) {
		witness.NoLeaks(t)
		p := gevent.NewPool(2)
		m := gevent.Spawn(func() ([]int, error) {
			return gevent.Map(p, slices.Values(make([]int, 7)), func(int) (int, error) { return 0, gevent.Sleep(time.Hour) })
		})
		check(gevent.Sleep(0))
		check(p.Kill())
		check(m.Join(time.Minute))
		if !m.Ready() || p.Len() != 0 {
			t.Errorf("it is %v, and the members are %v", m, p.Members())
		}
		check(m.Kill())
	})
}

func TestQueues(t *testing.T) {
	t.Run("K2 K3 putters come in one by one", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		q := gevent.NewQueue[string](2)
		p := gevent.Go(func() {
			for _, s := range []string{"a", "b", "c"} {
				check(q.Put(s))
				tr.Add("%s", s)
			}
		})
		check(gevent.Sleep(0))
		tr.Add("%s", must(q.Get()))
		check(p.Join())
		tr.Expect(t, "a b a c")
	})

	t.Run("K4 K5 peekers all get the item, a getter that gave up none", func(t *testing.T) {
		witness.NoLeaks(t)
		var q gevent.Queue[int]
		late := gevent.Spawn(func() (int, error) { return q.Get(ms(1)) })
		if _, err := late.Get(); err != gevent.ErrEmpty {
			t.Errorf("the error is %v", err)
		}
		var peekers []*gevent.Greenlet[int]
		for range 3 {
			peekers = append(peekers, gevent.Spawn(func() (int, error) { return q.Peek() }))
		}
		check(gevent.Sleep(0))
		check(q.Put(9))
		for _, p := range peekers {
			if v := must(p.Get()); v != 9 {
				t.Errorf("it sees %d", v)
			}
		}
		if q.Len() != 1 {
			t.Error("the item is gone")
		}
	})

	t.Run("K9 K14 join and shutdown", func(t *testing.T) {
		witness.NoLeaks(t)
		q := gevent.NewQueue(0, 1, 2)
		if must(q.Join(ms(1))) {
			t.Error("it is joined")
		}
		worker := gevent.Go(func() {
			for range q.All() {
				q.TaskDone()
			}
		})
		if !must(q.Join()) {
			t.Error("it is not joined")
		}
		q.Shutdown(false)
		check(worker.Join())
		if err := q.Put(3); err != gevent.ErrShutdown {
			t.Errorf("the error is %v", err)
		}
		if p := caught(q.TaskDone); p != "gevent: TaskDone was called too many times" {
			t.Errorf("it panics with %v", p)
		}
	})

	t.Run("K6 a callback never waits, and hands over to who does", func(t *testing.T) {
		witness.NoLeaks(t)
		full, empty := gevent.NewQueue(1, 1), gevent.NewQueue[int](0)
		var ch, shut gevent.Channel[int]
		shut.Shutdown()
		in := func(fn func()) {
			must(async.RunningLoop(gevent.Context())).CallSoon(fn)
			check(gevent.Sleep(ms(1)))
		}
		in(func() {
			_, get := empty.Get()
			_, peek := empty.Peek(time.Hour)
			_, take := ch.Get()
			_, late := shut.Get()
			for i, c := range [][2]error{
				{full.Put(2), gevent.ErrFull}, {get, gevent.ErrEmpty}, {peek, gevent.ErrEmpty}, {ch.Put(2), gevent.ErrFull},
				{take, gevent.ErrEmpty}, {shut.Put(2), gevent.ErrShutdown}, {late, gevent.ErrShutdown},
			} {
				if c[0] != c[1] {
					t.Errorf("error %d is %v", i, c[0])
				}
			}
		})
		var tr trace
		gevent.Go(func() { tr.Add("get:%d", must(empty.Get())) })
		gevent.Go(func() { check(full.Put(4)); tr.Add("put:%v", full.Items()) })
		gevent.Go(func() { tr.Add("take:%d", must(ch.Get())) })
		check(gevent.Sleep(0))
		in(func() {
			check(empty.Put(3))
			tr.Add("next:%d", must(full.Get()))
			check(ch.Put(5))
		})
		gevent.Go(func() { check(ch.Put(6)); tr.Add("given") })
		check(gevent.Sleep(0))
		in(func() { tr.Add("taken:%d", must(ch.Get())) })
		must(gevent.WaitAll())
		tr.Expect(t, "next:1 get:3 put:[4] take:5 taken:6 given")
	})

	t.Run("K12 K13 a channel has no room, and who gets goes on before who puts", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		var ch gevent.Channel[string]
		if err := ch.PutNowait("x"); err != gevent.ErrFull || !ch.Empty() || !ch.Full() || ch.Len() != 0 {
			t.Errorf("the error is %v", err)
		}
		if err := ch.Put("x", ms(1)); err != gevent.ErrFull {
			t.Errorf("the error is %v", err)
		}
		gevent.Go(func() { check(ch.Put("hi")); tr.Add("done") })
		gevent.Go(func() { tr.Add("%s", must(ch.Get())) })
		must(gevent.WaitAll())
		tr.Expect(t, "hi done")
	})

	t.Run("K15 every queue has Join and TaskDone", func(t *testing.T) {
		witness.NoLeaks(t)
		for _, q := range []interface {
			Put(int, ...time.Duration) error
			Get(...time.Duration) (int, error)
			TaskDone()
			Unfinished() int
			Join(...time.Duration) (bool, error)
		}{
			gevent.NewQueue[int](0), gevent.NewLifoQueue[int](0), gevent.NewPriorityQueue(0, func(a, b int) bool { return a < b }),
		} {
			if !must(q.Join()) {
				t.Error("an empty one is not joined")
			}
			check(q.Put(1))
			must(q.Get())
			if must(q.Join(0)) || q.Unfinished() != 1 {
				t.Error("it is joined without TaskDone")
			}
			gevent.Go(q.TaskDone)
			if !must(q.Join()) {
				t.Error("it is not joined")
			}
		}
	})
}

func TestEvents(t *testing.T) {
	t.Run("L3 Wait reports whether the event was set in time", func(t *testing.T) {
		witness.NoLeaks(t)
		var e gevent.Event
		if must(e.Wait(ms(1))) || must(e.Wait(0)) {
			t.Error("it was not set")
		}
		gevent.Go(e.Set)
		if !must(e.Wait(time.Hour)) || !must(e.Wait()) || !must(e.Wait(0)) {
			t.Error("it was set")
		}
	})

	t.Run("L5 who was woken, clears the event and waits again is not woken by the same Set", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		var e gevent.Event
		gevent.Go(func() {
			tr.Add("%v", must(e.Wait()))
			e.Clear()
			tr.Add("%v", must(e.Wait(ms(1))))
			tr.Add("%d", len(must(gevent.Wait([]*gevent.Event{&e}, gevent.Within(ms(1))))))
		})
		gevent.Go(func() { must(e.Wait()); tr.Add("other") })
		check(gevent.Sleep(0))
		e.Set()
		must(gevent.WaitAll())
		tr.Expect(t, "true other false 0")
	})

	t.Run("L6 RawLink calls once, and later", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		var e gevent.Event
		link := func() { e.RawLink(func(*gevent.Event) { tr.Add("link") }) }
		link()
		for range 2 {
			e.Set()
			tr.Add("set")
			check(gevent.Sleep(0))
			tr.Add("slept")
			e.Clear()
		}
		tr.Expect(t, "set link slept set slept")
		e.Set()
		link()
		tr.Add("linked")
		must(gevent.WaitAll())
		tr.Expect(t, "linked link")
	})

	t.Run("L7 L8 Get gives the outcome each time, Wait never an error", func(t *testing.T) {
		witness.NoLeaks(t)
		var good, bad gevent.AsyncResult[int]
		var limit *gevent.Timeout
		for _, d := range []time.Duration{0, ms(1)} {
			if _, err := good.GetTimeout(d); !errors.As(err, &limit) {
				t.Errorf("the error is %v", err)
			}
			if v := must(good.Wait(d)); v != 0 || good.Ready() {
				t.Errorf("the value is %d", v)
			}
		}
		gevent.Go(func() { good.Set(7); bad.SetException(errFault) })
		for range 2 {
			if v := must(good.Get()); v != 7 || must(good.Wait()) != 7 {
				t.Errorf("the value is %d", v)
			}
			if _, err := bad.Get(); err != errFault {
				t.Errorf("the error is %v", err)
			}
			if v := must(bad.Wait()); v != 0 || bad.Successful() {
				t.Errorf("the value is %d", v)
			}
		}
	})
}

func TestLocks(t *testing.T) {
	t.Run("L9 an acquire with a limit reports false when that is over", func(t *testing.T) {
		witness.NoLeaks(t)
		s := gevent.NewSemaphore(0)
		if s.TryAcquire() || must(s.Acquire(0)) || must(s.Acquire(ms(1))) {
			t.Error("there is no permit")
		}
		s.Release()
		if s.Counter() != 1 || !must(s.Acquire(ms(1))) {
			t.Error("there is a permit")
		}
	})

	t.Run("L13 an RLock belongs to its greenlet", func(t *testing.T) {
		witness.NoLeaks(t)
		var r gevent.RLock
		must(r.Acquire())
		must(r.Acquire())
		other := gevent.Spawn(func() (bool, error) {
			if err := r.Release(); err != gevent.ErrNotOwner {
				t.Errorf("the error is %v", err)
			}
			return r.Acquire(0)
		})
		if must(other.Get()) {
			t.Error("somebody else has it, too")
		}
		check(r.Release())
		check(r.Release())
		if r.Locked() {
			t.Error("it is locked")
		}
	})

	t.Run("L10 a hungry pair does not starve a third one", func(t *testing.T) {
		witness.NoLeaks(t)
		s := gevent.NewSemaphore(1)
		done := false
		hungry := func() {
			for !done {
				check(s.With(func() error { return gevent.Sleep(0) }))
				check(gevent.Sleep(0)) // or it would take it again before the one who was woken
			}
		}
		a, b := gevent.Go(hungry), gevent.Go(hungry)
		third := gevent.Go(func() {
			must(s.Acquire())
			done = true
			s.Release()
		})
		must(gevent.JoinAll([]gevent.Joinable{a, b, third}))
	})
}

func TestLocal(t *testing.T) {
	t.Run("L17 two locals are independent", func(t *testing.T) {
		witness.NoLeaks(t)
		var a, b gevent.Local[int]
		a.Set(1)
		b.Set(2)
		g := gevent.Spawn(func() (int, error) {
			a.Set(3)
			return 10*a.Get() + b.Get(), nil
		})
		if v := must(g.Get()); v != 30 || a.Get() != 1 || b.Get() != 2 {
			t.Errorf("they are %d there, and %d and %d here", v, a.Get(), b.Get())
		}
	})

	t.Run("L16 the value of a greenlet that has ended is freed", func(t *testing.T) {
		witness.NoLeaks(t)
		var v gevent.Local[*[64]int]
		freed := make(chan bool, 1)
		g := gevent.Go(func() {
			x := new([64]int)
			runtime.AddCleanup(x, func(ch chan bool) { ch <- true }, freed)
			v.Set(x)
		})
		check(g.Join())
		runtime.GC()
		select {
		case <-freed:
		case <-time.After(10 * time.Second):
			t.Error("it is not")
		}
		runtime.KeepAlive(g)
	})
}

func TestFaults(t *testing.T) {
	t.Run("a panic is the error of Get", func(t *testing.T) {
		witness.NoLeaks(t)
		g := gevent.Spawn(func() (int, error) { panic(errFault) })
		var p *gevent.PanicError
		if _, err := g.Get(); !errors.As(err, &p) || !errors.Is(err, errFault) {
			t.Errorf("the error is %v", err)
		}
	})

	t.Run("M8 Goexit in a greenlet goes on in the goroutine of the hub", func(t *testing.T) {
		witness.NoLeaks(t)
		done := make(chan struct{})
		var tr trace
		go func() {
			defer close(done)
			defer tr.Add("main")
			g := gevent.Go(func() {
				defer tr.Add("greenlet")
				runtime.Goexit()
			})
			other := sleeper(time.Hour)
			must(gevent.JoinAll([]gevent.Joinable{other, g}))
			tr.Add("never")
		}()
		<-done
		tr.Expect(t, "greenlet main")
	})

	t.Run("Destroy ends all that is there", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		gevent.Spawn(func() (any, error) {
			defer tr.Add("deferred")
			return nil, gevent.Sleep(time.Hour)
		})
		gevent.Go(func() {
			for { // does not give in
				gevent.Sleep(time.Hour)
			}
		})
		check(gevent.Sleep(0))
		gevent.Destroy()
		tr.Expect(t, "deferred")
	})

	t.Run("nil functions are refused", func(t *testing.T) {
		for name, f := range map[string]func(){
			"New":             func() { gevent.New[int](nil) },
			"SpawnLater":      func() { gevent.SpawnLater[int](0, nil) },
			"Go":              func() { gevent.Go(nil) },
			"WithTimeout":     func() { gevent.WithTimeout[int](0, nil) },
			"NewStreamServer": func() { gevent.NewStreamServer("tcp", "", nil) },
			"SignalHandler":   func() { gevent.SignalHandler(nil, nil) },
		} {
			if p := fmt.Sprint(caught(f)); !strings.HasPrefix(p, "gevent: "+name+" was called with a nil ") {
				t.Errorf("%s panics with %s", name, p)
			}
		}
	})
}
