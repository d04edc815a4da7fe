package gevent_test

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

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
