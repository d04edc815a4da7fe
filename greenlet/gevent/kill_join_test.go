package gevent_test

import (
	"errors"
	"testing"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// A kill that hits somebody in a join, whoever waits for whom.
func TestKillDuringJoin(t *testing.T) {
	type G = *gevent.Greenlet[int]
	forever := func() (int, error) { var e gevent.Event; _, err := e.Wait(); return 0, err }

	t.Run("the one that joins ends, and the one it waits for goes on", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		target := gevent.Spawn(forever)
		joiner := gevent.Spawn(func() (int, error) {
			defer tr.Add("left")
			err := target.Join()
			tr.Add("%v", errors.Is(err, gevent.ErrGreenletExit))
			return 0, err
		})
		check(gevent.Sleep(0))
		check(joiner.Kill())
		tr.Add("killed")
		tr.Expect(t, "true left killed")
		if target.Ready() || !joiner.Ready() || target.HasLinks() != 0 {
			t.Errorf("target: %v, joiner: %v", target, joiner)
		}
		check(target.Kill())
	})

	t.Run("the one that is waited for ends, and all who wait go on in order", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		target := gevent.Spawn(forever)
		joiners := make([]G, 3)
		for i := range joiners {
			joiners[i] = gevent.Spawn(func() (int, error) {
				err := target.Join()
				tr.Add("%d:%v", i, err)
				return i, err
			})
		}
		check(gevent.Sleep(0))
		check(target.Kill())
		must(gevent.JoinAll(joiners))
		tr.Expect(t, "0:<nil> 1:<nil> 2:<nil>")
	})

	t.Run("two that wait for each other are killed together", func(t *testing.T) {
		witness.NoLeaks(t)
		gs := make([]G, 2)
		for i := range gs {
			gs[i] = gevent.Spawn(func() (int, error) { return i, gs[1-i].Join() })
		}
		check(gevent.Sleep(0))
		check(gevent.KillAll(gs))
		for _, g := range gs {
			if !g.Ready() || !errors.Is(g.Exception(), gevent.ErrGreenletExit) && g.Exception() != nil {
				t.Errorf("%v has ended with %v", g, g.Exception())
			}
		}
	})

	t.Run("a kill in the tick in which the target ends wins", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		var joiner G
		target := gevent.Spawn(func() (int, error) {
			check(gevent.Sleep(0))
			joiner.KillNowait()
			return 1, nil
		})
		joiner = gevent.Spawn(func() (int, error) {
			v, err := target.Get()
			tr.Add("%d %v", v, errors.Is(err, gevent.ErrGreenletExit))
			return v, err
		})
		check(joiner.Join())
		check(target.Join())
		tr.Expect(t, "0 true")
	})
}
