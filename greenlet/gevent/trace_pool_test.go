package gevent_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

func trace50(p *printer) {
	var log []string
	pool := gevent.NewPool(2)
	for n := 1; n <= 4; n++ {
		must(pool.Go(func() {
			log = append(log, fmt.Sprint("s", n))
			for range 5 * n {
				check(gevent.Sleep(0))
			}
			log = append(log, fmt.Sprint("e", n))
		}))
		log = append(log, fmt.Sprintf("spawned%d free=%d len=%d", n, pool.FreeCount(), pool.Len()))
	}
	p.println(log)
	log = nil
	joined := must(pool.Join())
	p.println("join ->", joined, log, pool.Len(), pool.FreeCount())
	pool = gevent.NewPool(1)
	sleep := func() error { return gevent.Sleep(time.Second) }
	must(pool.Spawn(sleep))
	g := gevent.New(func() (any, error) { return nil, nil })
	for _, c := range []struct {
		kw    string
		limit time.Duration
	}{{"{'blocking': False}", 0}, {"{'timeout': 0.1}", ms(100)}} {
		err := pool.Add(g, c.limit)
		p.println(class(err), c.kw, "full", pool.Full(), "is queue.Full", errors.Is(err, gevent.ErrFull))
	}
	p.println("wait_available(timeout) when full", must(pool.WaitAvailable(ms(100))))
	must(pool.Join())
	p.println("when free", must(pool.WaitAvailable()))
	busy := gevent.NewPool(1)
	must(busy.Spawn(sleep))
	p.println("join(timeout) of a busy pool:", must(busy.Join(ms(100))), "| empty pool:", must(gevent.NewPool(1).Join()))
	z := gevent.NewPool(0)
	p.println("size 0: full", z.Full(), "free", z.FreeCount(), must(z.WaitAvailable(ms(100))))
	p.println("ValueError", strings.TrimPrefix(strings.Replace(fmt.Sprint(caught(func() { gevent.NewPool(-1) })), "the size of a pool must", "size must", 1), "gevent: "))
	var u gevent.Group
	p.println("unlimited: full", u.Full(), "free_count", u.FreeCount())
}

func inverse(x float64) (float64, error) {
	if x == 0 {
		return 0, errZeroDivision
	}
	return 1 / x, nil
}

func trace52(p *printer) {
	items := slices.Values([]float64{1, 0, 2})
	if _, err := gevent.Map(gevent.NewPool(3), items, inverse); class(err) == "ZeroDivisionError" {
		p.println("map raises the error")
	}
	for _, c := range []struct {
		name string
		imap func(*gevent.Pool, iter.Seq[float64], func(float64) (float64, error), ...int) iter.Seq2[float64, error]
	}{{"imap", gevent.IMap[float64, float64]}, {"imap_unordered", gevent.IMapUnordered[float64, float64]}} {
		var out []any
		for v, err := range c.imap(gevent.NewPool(1), items, inverse) {
			if err != nil {
				out = append(out, class(err))
			} else {
				out = append(out, v)
			}
		}
		p.println(c.name, "error is positional, iteration goes on:", append(out, "StopIteration"))
	}
	src := func(yield func(int) bool) {
		if yield(1) && yield(2) {
			panic(&pyError{"KeyError", "in iterator"})
		}
	}
	str := func(x int) (string, error) { return fmt.Sprint(x), nil }
	p.println("map: error in the input iterator", caught(func() { gevent.Map(gevent.NewPool(3), src, str) }))
	for _, err := range gevent.IMapUnordered(gevent.NewPool(3), src, str) {
		if err != nil {
			p.println("imap_unordered:", repr(err))
		}
	}
	var g gevent.Group
	fail := func() (float64, error) { return inverse(0) }
	must(gevent.SpawnIn(&g, fail))
	must(g.Spawn(func() error { return gevent.Sleep(ms(10)) }))
	if err := g.JoinRaise(); class(err) == "ZeroDivisionError" {
		p.println("Group.join(raise_error=True) raises AFTER all finished", g.Len())
	}
	must(gevent.SpawnIn(&g, fail))
	p.println("join() default swallows", must(g.Join()))
	pool := gevent.NewPool(1)
	if _, err := gevent.Apply(pool, fail); class(err) == "ZeroDivisionError" {
		p.println("apply re-raises; the slot is free again", pool.FreeCount())
	}
	p.println("nested apply from inside a worker does not deadlock:", must(gevent.Apply(pool, func() (int, error) {
		return gevent.Apply(pool, func() (int, error) { return 5 + 1, nil })
	})))
}

func trace54(p *printer) {
	var log []string
	w := func(n int) func() error {
		return func() error {
			err := gevent.Sleep(10 * time.Second)
			if errors.Is(err, gevent.ErrGreenletExit) {
				log = append(log, fmt.Sprint("x", n))
			}
			return err
		}
	}
	sorted := func() []string {
		s := append([]string{}, log...)
		sort.Strings(s)
		return s
	}
	var g gevent.Group
	first := must(g.Spawn(w(0)))
	must(g.Spawn(w(1)))
	must(g.Spawn(w(2)))
	check(gevent.Sleep(0))
	p.println(g.Len(), g.Contains(first), g.Len() > 0)
	check(g.Kill())
	p.println("kill(block) empties:", g.Len(), g.Len() > 0, sorted())
	log = []string{}
	must(g.Spawn(w(0)))
	must(g.Spawn(w(1)))
	check(gevent.Sleep(0))
	g.KillNowait()
	p.println("non-block: still tracked", g.Len(), log)
	check(gevent.Sleep(ms(1)))
	p.println(g.Len(), sorted())
	log = nil
	u := must(g.Spawn(func() error {
		for n := 0; n < 2; {
			if err := gevent.Sleep(10 * time.Second); errors.Is(err, gevent.ErrGreenletExit) {
				n++
				log = append(log, "shot")
			}
		}
		return nil
	}))
	check(gevent.Sleep(0))
	g.KillOneNowait(u)
	g.KillOneNowait(u)
	check(gevent.Sleep(ms(1)))
	p.println("killone shoots a member only once:", log, g.Len())
	check(u.Kill())
	p.println("direct kill is not limited:", log, u.Dead())
	g = gevent.Group{}
	sleep := func() error { return gevent.Sleep(10 * time.Second) }
	a := must(g.Spawn(sleep))
	g.Discard(a)
	p.println("discard: untracked but alive", g.Len(), a.Dead())
	check(a.Kill())
	pool := gevent.NewPool(1)
	a = must(pool.Spawn(sleep))
	pool.Discard(a)
	p.println("Pool.discard frees the slot", pool.FreeCount())
	check(a.Kill())
	check(g.Add(sleeper(ms(10))))
	n := g.Len()
	joined := must(g.Join())
	p.println("add existing", n, joined, g.Len())
	log = []string{}
	x := must(g.Spawn(w(9)))
	check(g.Kill())
	p.println("killed before it ran:", log, x.Dead())
}
