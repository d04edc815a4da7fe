package gevent_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/petermattis/goid"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

func trace76(p *printer) {
	boom := func(x string) func() (any, error) {
		return func() (any, error) { return nil, valueError("bad " + x) }
	}
	var failures []gevent.Failure
	previous := gevent.SetErrorHandler(func(f gevent.Failure) { failures = append(failures, f) })
	defer func() { gevent.SetErrorHandler(previous) }()
	gevent.Spawn(boom("thing"))
	check(gevent.Sleep(0))
	p.println("exc  :", failures[0].Err.Error())
	failures = nil
	gevent.Spawn(boom("x")).Link(func(*gevent.Greenlet[any]) {})
	gevent.Spawn(func() (any, error) { return nil, gevent.ErrGreenletExit })
	check(gevent.Sleep(0))
	p.println("GreenletExit is not printed; errors printed:", len(failures))
	failures = nil
	gevent.Spawn(boom("y")).RawLink(func(*gevent.Greenlet[any]) { panic(valueError("bad cb")) })
	check(gevent.Sleep(ms(10)))
	var calls []any
	for _, f := range failures {
		name, _, _ := strings.Cut(f.Name, "-")
		calls = append(calls, tuple{name, strings.TrimSpace(str(f.Err))})
	}
	p.println(calls)
}

// str is the text of an error, or of the panic that it stands for.
func str(err error) string {
	var e *pyError
	if errors.As(err, &e) {
		return e.arg
	}
	return err.Error()
}

func trace78(p *printer) {
	l := must(gevent.Listen("tcp", "127.0.0.1:0"))
	defer l.Close()
	b := must(gevent.Dial("tcp", l.Addr().String()))
	a := must(l.Accept())
	defer b.Close()
	read := func() *gevent.Greenlet[int] {
		return gevent.Spawn(func() (int, error) { return a.Read(make([]byte, 1)) })
	}
	r1 := read()
	check(gevent.Sleep(0))
	r2 := read()
	if _, err := r2.Get(); errors.Is(err, gevent.ErrConcurrentUse) {
		p.println("two greenlets reading one socket: 2nd raises ConcurrentObjectUseError | This socket is already used")
	}
	a.Close()
	if _, err := r1.Get(); err != nil && strings.Contains(err.Error(), "use of closed network connection") {
		p.println("socket closed while another greenlet reads raises net.ErrClosed")
	}
	c := must(gevent.Dial("tcp", l.Addr().String()))
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(ms(10)))
	if _, err := c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		p.println("recv timeout raises TimeoutError | timed out")
	}
}

func trace80(p *printer) {
	pool := gevent.NewThreadPool(2)
	here := goid.Get()
	p.println("runs in another OS thread:", must(gevent.ApplyThread(pool, func() (int64, error) { return goid.Get(), nil })) != here)
	var log []string
	gevent.Go(func() {
		for range 4 {
			log = append(log, "tick")
			check(gevent.Sleep(ms(5)))
		}
	})
	r := gevent.SpawnThread(pool, func() (any, error) { time.Sleep(ms(400)); return nil, nil })
	p.println("spawn returns AsyncResult:", strings.Split(fmt.Sprintf("%T", r)[len("*gevent."):], "[")[0])
	must(r.Get())
	p.println("loop kept running while the thread blocked:", len(log) == 4)
	sq := func(x int) (int, error) { time.Sleep(ms(50 * (3 - x))); return x * x, nil }
	items := slices.Values([]int{0, 1, 2})
	ordered := must(gevent.MapThread(pool, items, sq))
	inThread := func(x int) (int, error) { return gevent.ApplyThread(pool, func() (int, error) { return sq(x) }) }
	var imap, unordered []int
	for v, err := range gevent.IMap(new(gevent.Group), items, inThread) {
		imap = append(imap, must(v, err))
	}
	for v, err := range gevent.IMapUnordered(new(gevent.Group), items, inThread) {
		unordered = append(unordered, must(v, err))
	}
	slices.Sort(unordered)
	p.println("map ordered", ordered, "imap", imap, "unordered", unordered)
	fail := func() (any, error) { return nil, errZeroDivision }
	if _, err := gevent.ApplyThread(pool, fail); class(err) == "ZeroDivisionError" {
		p.println("apply re-raises")
	}
	q := gevent.SpawnThread(pool, fail)
	v := must(q.Wait())
	p.println("wait ->", v, q.Exception())
	one := gevent.NewThreadPool(1)
	var order []string
	put := func(s string, d time.Duration) *gevent.AsyncResult[any] {
		return gevent.SpawnThread(one, func() (any, error) { time.Sleep(d); order = append(order, s); return nil, nil })
	}
	must(gevent.Wait([]*gevent.AsyncResult[any]{put("a", ms(20)), put("b", 0)}))
	p.println("size 1 runs in order", order, "maxsize", one.Size())
	check(pool.Kill())
	check(one.Kill())
	p.println("kill: size", pool.Len())
}

func trace86(p *printer) {
	defer gevent.TrackGreenletTree(gevent.TrackGreenletTree(true))
	var kids []*gevent.Greenlet[int]
	named := func(name string, fn func() (int, error)) *gevent.Greenlet[int] {
		g := gevent.Spawn(fn)
		g.SetName(name)
		return g
	}
	leaf := func() (int, error) { return 42, gevent.Sleep(ms(50)) }
	m := named("mid", func() (int, error) {
		kids = append(kids, named("leaf", leaf), named("bad", func() (int, error) { return 0, errors.New("division by zero") }))
		return 0, gevent.Sleep(2 * time.Second)
	})
	check(gevent.Sleep(ms(400)))
	for line := range strings.Lines(gevent.CurrentTree().String()) {
		if line = strings.TrimSuffix(line, "\n"); strings.Contains(line, `--- <Greenlet "`) {
			line, _, _ = strings.Cut(line, "; waits for")
			p.println(line)
		}
	}
	info := gevent.RunInfo()
	var sections []string
	for _, s := range []string{"* Goroutines", "* Greenlets", "spawned by", "waits for"} {
		if strings.Contains(info, s) {
			sections = append(sections, s)
		}
	}
	p.println("sections:", sections)
	check(gevent.KillAll(append(kids, m)))
}

func trace90(p *printer) {
	v := async.NewContextVar("v", "unset")
	ctx := func() context.Context { return gevent.Context() }
	release := gevent.Ref() // The variables of a goroutine last as long as its hub.
	defer release()
	v.Set(ctx(), "main")
	in := must(gevent.Spawn(func() (string, error) { return v.Get(ctx()), nil }).Get())
	p.println("in spawned greenlet:", in, "| main", v.Get(ctx()))
	var gs []*gevent.Greenlet[string]
	for i := range 3 {
		gs = append(gs, gevent.Spawn(func() (string, error) {
			v.Set(ctx(), fmt.Sprint(i))
			err := gevent.Sleep(0)
			return v.Get(ctx()), err
		}))
	}
	var got []string
	for _, g := range gs {
		got = append(got, must(g.Get()))
	}
	p.println("isolated between greenlets:", "["+strings.Join(got, ", ")+"]", "| main", v.Get(ctx()))
}
