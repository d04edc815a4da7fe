package gevent_test

import (
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestQueues(t *testing.T) {
	t.Run("K2 K3 putters come in one by one", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		q := gevent.NewQueue[string](2)
		p := gevent.Go(func() {
			for _, s := range []string{"a", "b", "c"} {
				check(q.Put(s))
				tr.Add("%s", s)
			}
		})
		check(gevent.Sleep(0))
		tr.Add("%s", must(q.Get()))
		check(p.Join())
		tr.Expect(t, "a b a c")
	})

	t.Run("K4 K5 peekers all get the item, a getter that gave up none", func(t *testing.T) {
		witness.NoLeaks(t)
		var q gevent.Queue[int]
		late := gevent.Spawn(func() (int, error) { return q.Get(ms(1)) })
		if _, err := late.Get(); err != gevent.ErrEmpty {
			t.Errorf("the error is %v", err)
		}
		var peekers []*gevent.Greenlet[int]
		for range 3 {
			peekers = append(peekers, gevent.Spawn(func() (int, error) { return q.Peek() }))
		}
		check(gevent.Sleep(0))
		check(q.Put(9))
		for _, p := range peekers {
			if v := must(p.Get()); v != 9 {
				t.Errorf("it sees %d", v)
			}
		}
		if q.Len() != 1 {
			t.Error("the item is gone")
		}
	})

	t.Run("K9 K14 join and shutdown", func(t *testing.T) {
		witness.NoLeaks(t)
		q := gevent.NewQueue(0, 1, 2)
		if must(q.Join(ms(1))) {
			t.Error("it is joined")
		}
		worker := gevent.Go(func() {
			for range q.All() {
				q.TaskDone()
			}
		})
		if !must(q.Join()) {
			t.Error("it is not joined")
		}
		q.Shutdown(false)
		check(worker.Join())
		if err := q.Put(3); err != gevent.ErrShutdown {
			t.Errorf("the error is %v", err)
		}
		if p := caught(q.TaskDone); p != "gevent: TaskDone was called too many times" {
			t.Errorf("it panics with %v", p)
		}
	})

	t.Run("K6 a callback never waits, and hands over to who does", func(t *testing.T) {
		witness.NoLeaks(t)
		full, empty := gevent.NewQueue(1, 1), gevent.NewQueue[int](0)
		var ch, shut gevent.Channel[int]
		shut.Shutdown()
		in := func(fn func()) {
			must(async.RunningLoop(gevent.Context())).CallSoon(fn)
			check(gevent.Sleep(ms(1)))
		}
		in(func() {
			_, get := empty.Get()
			_, peek := empty.Peek(time.Hour)
			_, take := ch.Get()
			_, late := shut.Get()
			for i, c := range [][2]error{
				{full.Put(2), gevent.ErrFull}, {get, gevent.ErrEmpty}, {peek, gevent.ErrEmpty}, {ch.Put(2), gevent.ErrFull},
				{take, gevent.ErrEmpty}, {shut.Put(2), gevent.ErrShutdown}, {late, gevent.ErrShutdown},
			} {
				if c[0] != c[1] {
					t.Errorf("error %d is %v", i, c[0])
				}
			}
		})
		var tr trace
		gevent.Go(func() { tr.Add("get:%d", must(empty.Get())) })
		gevent.Go(func() { check(full.Put(4)); tr.Add("put:%v", full.Items()) })
		gevent.Go(func() { tr.Add("take:%d", must(ch.Get())) })
		check(gevent.Sleep(0))
		in(func() {
			check(empty.Put(3))
			tr.Add("next:%d", must(full.Get()))
			check(ch.Put(5))
		})
		gevent.Go(func() { check(ch.Put(6)); tr.Add("given") })
		check(gevent.Sleep(0))
		in(func() { tr.Add("taken:%d", must(ch.Get())) })
		must(gevent.WaitAll())
		tr.Expect(t, "next:1 get:3 put:[4] take:5 taken:6 given")
	})

	t.Run("K12 K13 a channel has no room, and who gets goes on before who puts", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		var ch gevent.Channel[string]
		if err := ch.PutNowait("x"); err != gevent.ErrFull || !ch.Empty() || !ch.Full() || ch.Len() != 0 {
			t.Errorf("the error is %v", err)
		}
		if err := ch.Put("x", ms(1)); err != gevent.ErrFull {
			t.Errorf("the error is %v", err)
		}
		gevent.Go(func() { check(ch.Put("hi")); tr.Add("done") })
		gevent.Go(func() { tr.Add("%s", must(ch.Get())) })
		must(gevent.WaitAll())
		tr.Expect(t, "hi done")
	})

	t.Run("K15 every queue has Join and TaskDone", func(t *testing.T) {
		witness.NoLeaks(t)
		for _, q := range []interface {
			Put(int, ...time.Duration) error
			Get(...time.Duration) (int, error)
			TaskDone()
			Unfinished() int
			Join(...time.Duration) (bool, error)
		}{
			gevent.NewQueue[int](0), gevent.NewLifoQueue[int](0), gevent.NewPriorityQueue(0, func(a, b int) bool { return a < b }),
		} {
			if !must(q.Join()) {
				t.Error("an empty one is not joined")
			}
			check(q.Put(1))
			must(q.Get())
			if must(q.Join(0)) || q.Unfinished() != 1 {
				t.Error("it is joined without TaskDone")
			}
			gevent.Go(q.TaskDone)
			if !must(q.Join()) {
				t.Error("it is not joined")
			}
		}
	})
}
