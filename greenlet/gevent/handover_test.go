package gevent_test

import (
	"testing"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// outside calls fn in a goroutine without a hub, while the caller's hub stands still.
func outside(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}

func TestHandOver(t *testing.T) {
	t.Run("a permit of somebody who was woken and killed at the same time goes to the next one", func(t *testing.T) {
		witness.NoLeaks(t)
		s := gevent.NewSemaphore(0)
		var tr trace
		take := func(name string) *gevent.Greenlet[int] {
			return gevent.Spawn(func() (int, error) {
				_, err := s.Acquire()
				if err == nil {
					tr.Add("%s", name)
				}
				return 0, err
			})
		}
		a, b := take("a"), take("b")
		check(gevent.Sleep(0))
		outside(func() {
			s.Release()
			a.KillNowait(errFault)
		})
		must(gevent.JoinAll([]gevent.Joinable{a, b}, gevent.Within(ms(2000)), gevent.Count(2)))
		if a.Exception() == nil { // Then the permit was a's, and the error came too late.
			t.Fatalf("a was not killed: %v", a)
		}
		tr.Expect(t, "b")
		check(b.Kill())
	})

	t.Run("who only waits for a permit passes it on", func(t *testing.T) {
		witness.NoLeaks(t)
		s := gevent.NewSemaphore(0)
		var tr trace
		a := gevent.Go(func() { tr.Add("a %d", must(s.Wait())) })
		b := gevent.Go(func() { tr.Add("b %v", must(s.Acquire())) })
		check(gevent.Sleep(0))
		outside(s.Release)
		must(gevent.JoinAll([]gevent.Joinable{a, b}, gevent.Within(ms(2000))))
		tr.Expect(t, "a 1 b true")
		check(b.Kill())
	})

	t.Run("an event that is set again while others are being woken wakes who has come meanwhile", func(t *testing.T) {
		witness.NoLeaks(t)
		var e gevent.Event
		var tr trace
		a := gevent.Go(func() {
			must(e.Wait())
			tr.Add("a")
			e.Clear()
			must(e.Wait())
			tr.Add("a again")
		})
		b := gevent.Go(func() {
			must(e.Wait())
			tr.Add("b")
			e.Set()
		})
		check(gevent.Sleep(0))
		e.Set()
		must(gevent.JoinAll([]gevent.Joinable{a, b}))
		tr.Expect(t, "a b a again")
	})
}
