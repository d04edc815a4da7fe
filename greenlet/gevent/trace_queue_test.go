package gevent_test

import (
	"fmt"
	"slices"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

func trace60(p *printer) {
	t := func(tag string, v any, err error) {
		if err != nil {
			p.println(tag, "raises", class(err))
			return
		}
		p.println(tag, "->", v)
	}
	q := gevent.NewQueue[int](2)
	v, err := q.GetNowait()
	t("get_nowait empty", v, err)
	v, err = q.Get(0)
	t("get(block=False)", v, err)
	v, err = q.Get(ms(10))
	t("get(timeout)", v, err)
	check(q.Put(1))
	check(q.Put(2))
	p.println("len", q.Len(), "full", q.Full(), "empty", q.Empty(), "bool", true, "maxsize", q.MaxSize())
	t("put_nowait full", nil, q.PutNowait(3))
	t("put(timeout) full", nil, q.Put(3, ms(10)))
	t("block=False ignores timeout", nil, q.Put(3, 0))
	p.println("peek", must(q.Peek()), must(q.Get()), must(q.Get()))
	v, err = q.PeekNowait()
	t("peek_nowait empty", v, err)
	q = gevent.NewQueue(0, 1, 2)
	q.Shutdown(false)
	p.println("items=", slices.Collect(q.All()))
	q = gevent.NewQueue(0, 3, 4)
	p.println("copy", must(gevent.NewQueue(0, q.Items()...).Get()), q.Len())
	q = gevent.NewQueue(0, 1)
	q.Shutdown(false)
	p.println("iteration stops at the shutdown:", slices.Collect(q.All()))
}

type pair struct {
	n int
	s string
}

func (x pair) String() string { return fmt.Sprintf("(%d, '%s')", x.n, x.s) }

func trace62(p *printer) {
	q := gevent.NewLifoQueue(0, 1, 2, 3)
	top := must(q.Peek())
	p.println("lifo peek", top, []int{must(q.Get()), must(q.Get()), must(q.Get())})
	pq := gevent.NewPriorityQueue[pair](0, func(a, b pair) bool { return a.n < b.n || a.n == b.n && a.s < b.s })
	for _, x := range []pair{{2, "b"}, {1, "z"}, {1, "a"}, {3, "c"}} {
		check(pq.Put(x))
	}
	least := must(pq.Peek())
	var all []any
	for range 4 {
		all = append(all, must(pq.Get()))
	}
	p.println("priority", least, all)
	less := func(a, b int) bool { return a < b }
	p.println("items heapified", must(gevent.NewPriorityQueue(0, less, 5, 1, 4).Get()))
	one := gevent.NewPriorityQueue(1, less, 5)
	for _, x := range []int{9, 1} {
		gevent.Go(func() { check(one.Put(x)) })
	}
	check(gevent.Sleep(0))
	p.println("blocked putters enter FIFO, not by priority:", []int{must(one.Get()), must(one.Get()), must(one.Get())})
}

func trace64(p *printer) {
	var ch gevent.Channel[string]
	var ev []string
	g := gevent.Go(func() {
		ev = append(ev, must(ch.Get()))
		ev = append(ev, must(ch.Get()))
	})
	ev = append(ev, "sending")
	check(ch.Put("hello"))
	ev = append(ev, "sent hello")
	check(ch.Put("world"))
	ev = append(ev, "sent world")
	check(g.Join())
	p.println(ev)
	ev = nil
	gevent.Go(func() {
		ev = append(ev, "s1")
		check(ch.Put("hello"))
		ev = append(ev, "s2")
		check(ch.Put("world"))
		ev = append(ev, "s3")
	})
	ev = append(ev, "waiting")
	ev = append(ev, must(ch.Get()))
	ev = append(ev, must(ch.Get()))
	p.println(ev)
	check(gevent.Sleep(0))
	p.println(ev)
	p.println("always empty and full, qsize 0:", ch.Empty(), ch.Full(), ch.Len(), 0, ch.Balance())
	_, err := ch.Get(ms(10))
	p.println("get(timeout) raises", class(err))
	p.println("put(timeout) raises", class(ch.Put("1", ms(10))))
	p.println("put_nowait without getter raises", class(ch.PutNowait("1")))
	_, err = ch.GetNowait()
	p.println("get_nowait without putter raises", class(err))
	gevent.Go(func() { check(ch.Put("p")) })
	check(gevent.Sleep(0))
	balance := ch.Balance()
	got := must(ch.Get())
	p.println("balance", balance, got, ch.Balance())
	var numbers gevent.Channel[int]
	gevent.Go(func() {
		check(numbers.Put(1))
		check(numbers.Put(2))
		numbers.Shutdown()
	})
	p.println(slices.Collect(numbers.All()))
}
