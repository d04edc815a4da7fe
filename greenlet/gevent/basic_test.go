package gevent_test

import (
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
}
