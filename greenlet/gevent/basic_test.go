package gevent_test

import (
	"errors"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestBasics(t *testing.T) {
	t.Run("spawn and join", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		var gs []*gevent.Greenlet[int]
		for i := range 3 {
			gs = append(gs, gevent.Spawn(func() (int, error) {
				tr.Add("%d", i)
				err := gevent.Sleep(0)
				tr.Add("%d", i)
				return i, err
			}))
		}
		tr.Add("main")
		must(gevent.JoinAll(gs))
		tr.Expect(t, "main 0 1 2 0 1 2")
		if v, err := gs[2].Get(); v != 2 || err != nil {
			t.Error(v, err)
		}
		g := gevent.Spawn(func() (int, error) { return 0, gevent.Sleep(time.Hour) })
		check(gevent.Sleep(0))
		check(g.Kill())
		if !g.Dead() || !g.Successful() {
			t.Error(g)
		}
	})

	t.Run("Idle waits until nothing is ready, and not for timers", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		late := gevent.SpawnLater(time.Hour, func() (int, error) { return 0, nil })
		gevent.Go(func() {
			for n := range 5 {
				tr.Add("%d", n)
				check(gevent.Sleep(0))
			}
		})
		check(gevent.Idle())
		tr.Add("idle")
		tr.Expect(t, "0 1 2 3 4 idle")
		check(gevent.Idle())
		check(late.Kill())
	})

	t.Run("Idle ends by what is thrown at its caller", func(t *testing.T) {
		witness.NoLeaks(t)
		g := gevent.Spawn(func() (int, error) { return 0, gevent.Idle() })
		busy := gevent.Go(func() {
			for range 3 {
				check(gevent.Sleep(0))
			}
		})
		check(gevent.Sleep(0))
		check(g.Kill(errFault))
		if !errors.Is(g.Exception(), errFault) {
			t.Errorf("its error is %v", g.Exception())
		}
		check(busy.Join())
	})

	t.Run("KillAll throws the error of With at all", func(t *testing.T) {
		witness.NoLeaks(t)
		a, b := hourly(), hourly()
		check(gevent.KillAll([]*gevent.Greenlet[any]{a, b}, gevent.With(errFault)))
		if !errors.Is(a.Exception(), errFault) || !errors.Is(b.Exception(), errFault) {
			t.Errorf("their errors are %v and %v", a.Exception(), b.Exception())
		}
	})
}
