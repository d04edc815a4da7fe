package gevent_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

// These are the ports of our own scripts, which stand beside what gevent 22.10 prints for them. They are about the order in
// which things happen that the others look at one by one.
var ownPorts = []port{
	{"own1_order", own1, nil},
	{"own2_kill", own2, nil},
	{"own3_timeout", own3, nil},
	{"own4_pool", own4, nil},
	{"own5_queue", own5, nil},
	{"own6_locks", own6, nil},
}

func init() { ports = append(ports, ownPorts...) }

// A pyLog is a list that is printed and cleared.
type pyLog []any

func (l *pyLog) add(x any) { *l = append(*l, x) }

// adds is gevent.spawn(log.append, x).
func (l *pyLog) adds(x any) *gevent.Greenlet[gevent.Void] { return gevent.Go(func() { l.add(x) }) }

func (l *pyLog) print(p *printer, more ...any) {
	p.println(append([]any{[]any(*l)}, more...)...)
	*l = nil
}

func (l *pyLog) printWords(p *printer) {
	words := make([]string, len(*l))
	for i, x := range *l {
		if s, ok := x.(string); ok {
			words[i] = s
		} else {
			words[i] = repr(x)
		}
	}
	p.println(strings.Join(words, " "))
	*l = nil
}

func own1(p *printer) {
	var log pyLog
	w := func(name string, fn func()) {
		gevent.Go(func() { fn(); log.add(name) })
	}
	var q gevent.Queue[int]
	var e gevent.Event
	var r gevent.AsyncResult[int]
	get, wait := func() { must(q.Get()) }, func() { must(e.Wait()) }
	w("g1", get)
	w("g2", get)
	w("e1", wait)
	w("e2", wait)
	w("r1", func() { must(r.Get()) })
	check(gevent.Sleep(0))
	check(q.Put(1))
	log.adds("s1")
	e.Set()
	log.adds("s2")
	check(q.Put(2))
	r.Set(3)
	log.adds("s3")
	check(gevent.Sleep(0))
	log.printWords(p)
	var chain func(n int)
	chain = func(n int) {
		log.add(fmt.Sprint("c", n))
		if n > 0 {
			g := gevent.Go(func() { chain(n - 1) })
			g.Link(func(*gevent.Greenlet[gevent.Void]) { log.add(fmt.Sprint("l", n)) })
		}
		check(gevent.Sleep(0))
		log.add(fmt.Sprint("d", n))
	}
	g := gevent.Go(func() { chain(2) })
	g.RawLink(func(*gevent.Greenlet[gevent.Void]) { log.add("raw") })
	g.Link(func(*gevent.Greenlet[gevent.Void]) { log.add("link") })
	check(g.Join())
	log.add("joined")
	must(gevent.WaitAll())
	log.printWords(p)
}

func own2(p *printer) {
	var log pyLog
	body := func(name string, waits ...func() (any, error)) *gevent.Greenlet[any] {
		return gevent.Spawn(func() (any, error) {
			defer func() {
				log.adds(name + " child")
				log.add(name + " end")
			}()
			for _, f := range waits {
				v, err := f()
				if errors.Is(err, gevent.ErrGreenletExit) {
					log.add(tuple{name, "exit"})
					return nil, nil
				}
				log.add(tuple{name, must(v, err)})
			}
			return nil, nil
		})
	}
	sleep := func(n int) func() (any, error) {
		return func() (any, error) { return nil, gevent.Sleep(ms(n)) }
	}
	var e gevent.Event
	var q gevent.Queue[int]
	a := body("a", func() (any, error) { return e.Wait() }, sleep(1000))
	b := body("b", func() (any, error) { return q.Get() }, sleep(1000))
	c := body("c", sleep(0), sleep(1000))
	check(gevent.Sleep(0))
	log.adds("other")
	e.Set()
	check(a.Kill())
	log.add("killed a")
	check(q.Put(1))
	b.KillNowait()
	log.add("kill b asked")
	check(c.Kill())
	log.add("killed c")
	check(gevent.Sleep(0))
	for _, l := range log {
		p.println(l)
	}
	log = nil
	var gs []*gevent.Greenlet[any]
	for i := range 3 {
		gs = append(gs, body(fmt.Sprint("k", i), sleep(1000)))
	}
	check(gevent.Sleep(0))
	gs = append(gs, body("never"))
	check(gevent.KillAll(append(slices.Clone(gs[1:]), gs[0])))
	log.add("all")
	check(gevent.Sleep(0))
	log.print(p)
	g := gevent.Go(func() {
		if err := gevent.Sleep(ms(1000)); err != nil {
			log.add("cleaning")
			check(gevent.Sleep(ms(10)))
			log.add("clean")
		}
	})
	h := gevent.Spawn(func() (any, error) {
		if err := g.Join(); err != nil {
			return nil, err
		}
		log.add("joined")
		return nil, nil
	})
	check(gevent.Sleep(0))
	k := gevent.Go(func() {
		check(g.Kill())
		log.add("killer")
	})
	check(gevent.Sleep(0))
	check(h.Kill())
	log.add("killed joiner")
	check(k.Join())
	log.print(p)
}

func own3(p *printer) {
	var log pyLog
	limited := func(name string, n int, f func() (any, error)) *gevent.Greenlet[any] {
		return gevent.Spawn(func() (any, error) {
			t := gevent.StartTimeout(ms(n))
			defer t.Cancel()
			v, err := f()
			switch {
			case errors.Is(err, t):
				log.add(tuple{name, "mine"})
			case err != nil:
				log.add(tuple{name, "other"})
			default:
				log.add(tuple{name, v})
			}
			return nil, nil
		})
	}
	var e gevent.Event
	var q gevent.Queue[string]
	wait := func() (any, error) { return e.Wait() }
	gs := []*gevent.Greenlet[any]{limited("a", 50, wait), limited("b", 500, wait), limited("c", 50, func() (any, error) {
		return "slept", gevent.Sleep(ms(10))
	})}
	gevent.SpawnLater(ms(200), func() (any, error) { e.Set(); return nil, nil })
	must(gevent.JoinAll(gs))
	log.print(p)
	check(gevent.NewTimeout(ms(20), gevent.Silent()).Do(func() error {
		err := gevent.NewTimeout(ms(1000)).Do(func() error {
			_, err := q.Get()
			return err
		})
		log.add("inner left")
		if err == nil {
			log.add("not reached")
		}
		return err
	}))
	log.print(p)
	if _, err := q.Get(ms(10)); err == gevent.ErrEmpty {
		log.add("Empty")
	}
	check(gevent.NewTimeout(ms(10), gevent.Silent()).Do(func() error {
		_, err := q.Get(ms(1000))
		return err
	}))
	check(q.Put("x"))
	log.add(must(q.Get(ms(1000))))
	log.print(p)
	slow := func() (string, error) {
		err := gevent.Sleep(ms(1000))
		log.add("cleanup")
		check(gevent.Sleep(ms(10)))
		log.add("cleaned")
		return "", err
	}
	if _, err := gevent.WithTimeout(ms(10), slow); err != nil {
		log.add(err.Error())
	}
	log.add(must(gevent.WithTimeout(ms(10), func() (string, error) { return "", gevent.Sleep(ms(1000)) }, "default")))
	log.print(p)
	t1, t2 := gevent.StartTimeout(ms(30)), gevent.StartTimeout(ms(10))
	for range 2 {
		if err := gevent.Sleep(ms(1000)); errors.Is(err, t1) {
			log.add("t1")
		} else if errors.Is(err, t2) {
			log.add("t2")
		}
	}
	log.print(p, t1.Pending(), t2.Pending())
}

func own4(p *printer) {
	var log pyLog
	work := func(n int) (int, error) {
		log.add(fmt.Sprint("+", n))
		err := gevent.Sleep(0)
		log.add(fmt.Sprint("-", n))
		if n == 3 {
			return 0, valueError("three")
		}
		return n * n, err
	}
	spawn := func(p *gevent.Pool, n int) error {
		_, err := gevent.SpawnIn(p, func() (int, error) { return work(n) })
		return err
	}
	numbers := func(n int) func(func(int) bool) {
		return func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		}
	}
	pool := gevent.NewPool(2)
	for i := range 5 {
		check(spawn(pool, i))
		log.add(fmt.Sprint("s", i))
	}
	log.add(must(pool.Join()))
	log.printWords(p)
	for v, err := range gevent.IMapUnordered(pool, numbers(3), func(n int) (int, error) { return n, gevent.Sleep(ms(10 * (3 - n))) }) {
		log.add(must(v, err))
	}
	for v, err := range gevent.IMap(pool, numbers(4), func(n int) (int, error) { return n + 1, nil }, 1) {
		log.add(must(v, err))
	}
	log.print(p)
	gevent.ApplyAsync(pool, func() (int, error) { return work(2) }, func(v int) { log.add(fmt.Sprint("cb ", v)) })
	log.add("asked")
	must(pool.Join())
	check(gevent.Sleep(0))
	log.print(p)
	four := must(gevent.Apply(pool, func() (int, error) { return work(4) }))
	p.println(four, must(gevent.MapAsync(pool, slices.Values([]int{1, 2}), work, func(v []int) { log.add(v) }).Get()))
	check(gevent.Sleep(0))
	log.print(p)
	var g gevent.Group
	for _, i := range []int{1, 3, 5} {
		check(spawn(&g, i))
	}
	if err := g.JoinRaise(); err != nil {
		log.add(repr(err))
	}
	log.add(g.Len())
	log.print(p)
	pool = gevent.NewPool(1)
	must(pool.Spawn(func() error { return gevent.Sleep(ms(1000)) }))
	w := gevent.Go(func() {
		check(spawn(pool, 9))
		log.add("spawned")
	})
	check(gevent.Sleep(0))
	log.add(pool.Full())
	check(pool.Kill())
	log.add("killed")
	check(w.Join())
	must(pool.Join())
	log.add(pool.FreeCount())
	log.print(p)
}

func own5(p *printer) {
	var log pyLog
	q := gevent.NewQueue[int](1)
	put := func(n int) {
		if err := q.Put(n); err == nil {
			log.add(fmt.Sprint("put ", n))
		}
	}
	get := func(n string) {
		if v, err := q.Get(); err == nil {
			log.add(fmt.Sprint(n, " got ", v))
		}
	}
	var ps []*gevent.Greenlet[gevent.Void]
	for i := range 4 {
		ps = append(ps, gevent.Go(func() { put(i) }))
	}
	check(gevent.Sleep(0))
	for _, c := range []string{"a", "b"} {
		gevent.Go(func() { get(c) })
	}
	check(gevent.Sleep(0))
	log.add("|")
	check(gevent.Sleep(0))
	log.add(q.Len())
	check(ps[3].Kill())
	get("m")
	log.add(q.Len())
	log.print(p)
	q = gevent.NewQueue[int](0)
	var ks []*gevent.Greenlet[gevent.Void]
	for _, c := range []string{"a", "b", "c"} {
		ks = append(ks, gevent.Go(func() { get(c) }))
	}
	check(gevent.Sleep(0))
	ks[0].KillNowait()
	check(q.Put(1))
	check(q.Put(2))
	log.adds("x")
	check(q.Put(3))
	check(gevent.Sleep(0))
	log.add(q.Len())
	log.print(p)
	q = gevent.NewQueue[int](0)
	for range 2 {
		gevent.Go(func() { log.add(tuple{"peek", must(q.Peek())}) })
	}
	gevent.Go(func() { get("g") })
	check(gevent.Sleep(0))
	check(q.Put(7))
	check(gevent.Sleep(0))
	log.print(p, q.Len())
	var j gevent.JoinableQueue[int]
	w := gevent.Spawn(func() (any, error) {
		for {
			n, err := j.Get()
			if err != nil {
				return nil, err
			}
			check(gevent.Sleep(0))
			log.add(n)
			j.TaskDone()
		}
	})
	for i := range 3 {
		check(j.Put(i))
	}
	must(j.Join())
	log.add("joined")
	check(j.Put(9))
	left := j.Unfinished()
	joined := must(j.Join(ms(1000))) // Python prints the list as it is then.
	log.print(p, left, joined)
	check(w.Kill())
	var c gevent.Channel[int]
	cput := func(n int) *gevent.Greenlet[gevent.Void] {
		return gevent.Go(func() { check(c.Put(n)); log.add(fmt.Sprint("put ", n)) })
	}
	cget := func(n string) *gevent.Greenlet[gevent.Void] {
		return gevent.Go(func() { log.add(fmt.Sprint(n, " got ", must(c.Get()))) })
	}
	must(gevent.JoinAll([]*gevent.Greenlet[gevent.Void]{cput(1), cget("a"), cput(2), log.adds("x"), cget("b")}))
	log.print(p, c.Balance())
	pq := gevent.NewPriorityQueue(0, func(a, b int) bool { return a < b }, 3, 1, 2)
	var all []int
	for range 3 {
		all = append(all, must(pq.Get()))
	}
	p.println(all)
}

func own6(p *printer) {
	var log pyLog
	s := gevent.NewSemaphore(1)
	user := func(n string) *gevent.Greenlet[gevent.Void] {
		return gevent.Go(func() {
			for i := range 2 {
				check(s.With(func() error {
					log.add(fmt.Sprint(n, i, " in"))
					return gevent.Sleep(0)
				}))
				log.add(fmt.Sprint(n, i, " out"))
			}
		})
	}
	must(gevent.JoinAll([]*gevent.Greenlet[gevent.Void]{user("a"), user("b"), user("c")}))
	log.print(p)
	s = gevent.NewSemaphore(0)
	acq := func(n int) *gevent.Greenlet[gevent.Void] {
		return gevent.Go(func() { log.add(tuple{n, must(s.Acquire())}) })
	}
	wai := func(n int) *gevent.Greenlet[gevent.Void] {
		return gevent.Go(func() { log.add(tuple{n, must(s.Wait())}) })
	}
	gs := []*gevent.Greenlet[gevent.Void]{acq(1), acq(2), wai(3), acq(4)}
	check(gevent.Sleep(0))
	s.Release()
	log.adds("x")
	s.Release()
	check(gevent.Sleep(0))
	log.add("|")
	s.Release()
	check(gevent.Sleep(0))
	s.Release()
	must(gevent.JoinAll(gs))
	log.print(p, s.Counter())
	var r gevent.RLock
	nested := func(n string) *gevent.Greenlet[gevent.Void] {
		return gevent.Go(func() {
			check(r.With(func() error {
				log.add(n + "1")
				check(gevent.Sleep(0))
				return r.With(func() error {
					log.add(n + "2")
					return gevent.Sleep(0)
				})
			}))
			log.add(n + "3")
		})
	}
	must(gevent.JoinAll([]*gevent.Greenlet[gevent.Void]{nested("a"), nested("b")}))
	log.print(p)
	var e gevent.Event
	ev := func(n any) *gevent.Greenlet[gevent.Void] {
		return gevent.Go(func() {
			log.add(tuple{n, must(e.Wait())})
			e.Clear()
		})
	}
	ev(0)
	ev(1)
	check(gevent.Sleep(0))
	e.Set()
	late := ev("late")
	check(gevent.Sleep(0))
	log.add(e.IsSet())
	log.print(p, late.Ready())
	e.Set()
	check(late.Join())
	log = nil
	var a gevent.AsyncResult[string]
	gs = nil
	for i := range 2 {
		gs = append(gs, gevent.Go(func() { log.add(tuple{i, must(a.Get())}) }))
	}
	check(gevent.Sleep(0))
	a.Set("v")
	log.adds("x")
	gs = append(gs, gevent.Go(func() { log.add(tuple{"n", must(a.Get())}) }))
	log.add(must(a.Get()))
	must(gevent.JoinAll(gs))
	log.print(p)
}
