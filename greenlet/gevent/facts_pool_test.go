package gevent_test

import (
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

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

	t.Run("what was joined one by one is no member any more, although others have ended in the same tick", func(t *testing.T) {
		witness.NoLeaks(t)
		defer gevent.Destroy()
		late := gevent.SpawnLater(time.Hour, func() (int, error) { return 0, nil }) // keeps the hub open
		p := gevent.NewPool(4)
		spawn := func(err error) *gevent.Greenlet[int] {
			return must(gevent.SpawnIn(p, func() (int, error) { return 0, err }))
		}
		gs := []*gevent.Greenlet[int]{spawn(nil), spawn(nil), spawn(errFault), spawn(nil)}
		ended, err := gevent.JoinAll(gs, gevent.RaiseError())
		if err != errFault || len(ended) != 3 {
			t.Errorf("%d have ended, and the error is %v", len(ended), err)
		}
		if got := p.Members(); len(got) != 1 || got[0] != gevent.Joinable(gs[3]) || p.FreeCount() != 3 {
			t.Errorf("the members are %v, and there is room for %d", got, p.FreeCount())
		}
		more := []*gevent.Greenlet[int]{spawn(nil), spawn(nil), spawn(nil)}
		for g := range gevent.IWait(more) {
			if p.Contains(g) {
				t.Errorf("%v is still a member", g)
			}
		}
		late.Kill()
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
