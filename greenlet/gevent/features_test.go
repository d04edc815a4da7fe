package gevent_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestSpawnCallbacks(t *testing.T) {
	t.Run("E9 they are called once for every start, until they are removed", func(t *testing.T) {
		witness.NoLeaks(t)
		var names []string
		remove := gevent.AddSpawnCallback(func(g gevent.Joinable) { names = append(names, fmt.Sprintf("%v", g)) })
		a := gevent.Go(func() {})
		b := gevent.SpawnLater(0, func() (int, error) { return 0, nil })
		c := gevent.New(func() (int, error) { return 0, nil })
		c.Start()
		c.Start()
		gevent.New(func() (int, error) { return 0, nil })
		remove()
		remove()
		d := gevent.Go(func() {})
		if len(names) != 3 {
			t.Errorf("they were called with %v", names)
		}
		must(gevent.JoinAll([]gevent.Joinable{a, b, c, d}))
	})
}

func TestTree(t *testing.T) {
	t.Run("N24 it shows who was spawned by whom, and what has become of them", func(t *testing.T) {
		witness.NoLeaks(t)
		defer gevent.TrackGreenletTree(gevent.TrackGreenletTree(true))
		var kids []*gevent.Greenlet[int]
		mid := gevent.Go(func() {
			kids = append(kids, gevent.Spawn(func() (int, error) { return 42, nil }))
			kids = append(kids, gevent.Spawn(func() (int, error) { return 0, errFault }))
			gevent.Sleep(time.Hour)
		})
		mid.SetName("mid")
		check(gevent.Sleep(0))
		check(gevent.Sleep(0))
		kids[0].SetName("good")
		kids[1].SetName("bad")
		tree := gevent.CurrentTree()
		if tree.Name != "main" || len(tree.Children) != 1 {
			t.Fatalf("the tree is\n%v", tree)
		}
		m := tree.Children[0]
		if m.Name != "mid" || m.State != "" || !strings.Contains(m.SpawnedAt, "features_test.go") || len(m.Children) != 2 {
			t.Fatalf("the tree is\n%v", tree)
		}
		if g, b := m.Children[0], m.Children[1]; g.State != "finished with value 42" || b.State != "finished with exception fault" {
			t.Errorf("the tree is\n%v", tree)
		}
		check(mid.Kill())
	})

	t.Run("without tracking all are children of main, and without a hub there is main alone", func(t *testing.T) {
		witness.NoLeaks(t)
		if tree := gevent.CurrentTree(); tree.Name != "main" || len(tree.Children) != 0 {
			t.Errorf("the tree is\n%v", tree)
		}
		g := gevent.Go(func() { gevent.Sleep(time.Hour) })
		check(gevent.Sleep(0))
		if tree := gevent.CurrentTree(); len(tree.Children) != 1 {
			t.Errorf("the tree is\n%v", tree)
		}
		check(g.Kill())
	})
}

func TestRunInfo(t *testing.T) {
	t.Run("it tells of all hubs, also of those that do not come to their loops", func(t *testing.T) {
		witness.NoLeaks(t)
		var q gevent.Queue[int]
		g := gevent.Spawn(func() (int, error) { return q.Get() })
		g.SetName("consumer")
		check(gevent.Sleep(0))
		stay, ready := make(chan bool), make(chan bool)
		var busy sync.WaitGroup
		busy.Go(func() {
			gevent.Go(func() {})
			close(ready)
			<-stay // outside of the hub
			check(gevent.Sleep(0))
		})
		<-ready
		var b strings.Builder
		check(gevent.PrintRunInfo(&b))
		for _, want := range []string{"* Goroutines", "* Greenlets", "consumer waits for Queue", "spawned by main", "does not come to its loop"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("it does not say %q", want)
			}
		}
		close(stay)
		busy.Wait()
		check(g.Kill())
	})

	t.Run("a wait with a limit is told with the line that calls it, and not with one of this package", func(t *testing.T) {
		witness.NoLeaks(t)
		var group gevent.Group
		check(group.Add(sleeper(time.Hour)))
		queue, pool := gevent.NewQueue[int](0), gevent.NewThreadPool(1)
		check(queue.Put(1))
		end := make(chan bool)
		gevent.SpawnThread(pool, func() (bool, error) { return <-end, nil })
		for _, wait := range []func(){
			func() { must(group.Join(time.Minute)) },
			func() { must(queue.Join(time.Minute)) },
			func() { must(pool.Join(time.Minute)) },
		} {
			gevent.Go(wait)
		}
		check(gevent.Sleep(0))
		info := gevent.RunInfo()
		for _, what := range []string{"Group(1)", "Queue(size: 1, max: 0)", "a ThreadPool"} {
			if !regexp.MustCompile(`waits for ` + regexp.QuoteMeta(what) + ` at \S*features_test\.go:`).MatchString(info) {
				t.Errorf("it does not say where somebody waits for %s:\n%s", what, info)
			}
		}
		close(end)
		gevent.Destroy()
		check(pool.Close())
		gevent.Destroy()
	})
}

func TestMonitor(t *testing.T) {
	t.Run("N22 a hub that does not run is told once, one that does never", func(t *testing.T) {
		witness.NoLeaks(t)
		events := make(chan any, 100)
		off := gevent.Subscribe(func(e any) { events <- e })
		defer off()
		m := gevent.StartMonitor(5 * time.Millisecond)
		defer m.Stop()
		if e, ok := (<-events).(gevent.PeriodicMonitorStarted); !ok || e.Monitor != m {
			t.Error("the start was not told")
		}
		g := gevent.Go(func() {
			for e := range events { // blocks the hub
				if b, ok := e.(gevent.EventLoopBlocked); ok {
					if b.For < 5*time.Millisecond || !strings.Contains(b.Report, "appears to be blocked") {
						t.Errorf("the event is %v %v", b.For, b.Report)
					}
					return
				}
			}
		})
		check(g.Join())
	})

	t.Run("N23 functions are called in their period, until they are removed", func(t *testing.T) {
		witness.NoLeaks(t)
		m := gevent.StartMonitor(time.Hour)
		calls := make(chan bool)
		remove := m.Add(time.Millisecond, func() {
			select {
			case calls <- true:
			default:
			}
		})
		<-calls
		<-calls
		remove()
		remove()
		m.Stop()
		m.Stop()
		m.Add(time.Millisecond, func() { t.Error("called after Stop") })()
		for want, fn := range map[string]func(){
			"gevent: the period of Monitor.Add must be positive":      func() { m.Add(0, func() {}) },
			"gevent: Monitor.Add was called with a nil function":      func() { m.Add(1, nil) },
			"gevent: the time of StartMonitor must be positive":       func() { gevent.StartMonitor(0) },
			"gevent: Subscribe was called with a nil function":        func() { gevent.Subscribe(nil) },
			"gevent: AddSpawnCallback was called with a nil function": func() { gevent.AddSpawnCallback(nil) },
		} {
			if got := caught(fn); got != want {
				t.Errorf("it panics with %v and should with %q", got, want)
			}
		}
	})
}

func TestAssertSwitches(t *testing.T) {
	t.Run("N21 who does not wait is found", func(t *testing.T) {
		witness.NoLeaks(t)
		block := func() error { time.Sleep(3 * time.Millisecond); return nil }
		yield := func() error { return gevent.Sleep(ms(1)) }
		for _, c := range []struct {
			name string
			max  time.Duration
			fn   func() error
			want error
		}{
			{"who never waits", 0, block, gevent.ErrNoSwitch},
			{"who waits", 0, yield, nil},
			{"who runs too long at a time", time.Millisecond, func() error { return errors.Join(yield(), block()) }, gevent.ErrNoSwitch},
			{"who is slow, but waits", time.Hour, func() error { return errors.Join(block(), yield()) }, nil},
			{"who fails", 0, func() error { return errFault }, errFault},
			{"a nested one that never waits", 0, func() error {
				if err := gevent.AssertSwitches(0, block); !errors.Is(err, gevent.ErrNoSwitch) {
					return fmt.Errorf("the inner error is %v", err)
				}
				return yield()
			}, nil},
		} {
			if err := gevent.AssertSwitches(c.max, c.fn); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		gevent.Destroy()
	})

	t.Run("a function that is asked about may destroy its hub, and panic", func(t *testing.T) {
		witness.NoLeaks(t)
		if err := gevent.AssertSwitches(0, func() error {
			defer gevent.Destroy()
			return gevent.Sleep(0)
		}); err != nil {
			t.Error(err)
		}
		func() {
			defer func() { recover() }()
			gevent.AssertSwitches(0, func() error { panic(gevent.Sleep(ms(1))) })
		}()
		// It counts no waits any more, so the hub of one closes behind it.
		if err := gevent.Sleep(ms(1)); err != nil {
			t.Error(err)
		}
	})

	t.Run("N25 WrapErrors returns the errors that it is told as values", func(t *testing.T) {
		witness.NoLeaks(t)
		fn := func() (int, error) { return 0, errFault }
		if v, err := gevent.WrapErrors(fn, gevent.ErrEmpty, errFault)(); v != errFault || err != nil {
			t.Error(v, err)
		}
		if v, err := gevent.WrapErrors(fn, gevent.ErrEmpty)(); v != nil || err != errFault {
			t.Error(v, err)
		}
		if v, err := gevent.WrapErrors(func() (int, error) { return 7, nil })(); v != 7 || err != nil {
			t.Error(v, err)
		}
	})
}

func TestWith(t *testing.T) {
	t.Run("F20 leaving the block joins, an error kills with it", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		g := gevent.Go(func() { check(gevent.Sleep(0)); tr.Add("end") })
		check(g.With(func() error { tr.Add("block"); return nil }))
		tr.Expect(t, "block end")
		h := gevent.Spawn(func() (int, error) { return 0, gevent.Sleep(time.Hour) })
		check(gevent.Sleep(0))
		if err := h.With(func() error { return errFault }); err != errFault {
			t.Errorf("the error is %v", err)
		}
		if _, err := h.Get(); err != errFault {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestSmallThings(t *testing.T) {
	t.Run("a SimpleQueue has no limit and no end", func(t *testing.T) {
		witness.NoLeaks(t)
		var q gevent.SimpleQueue[int]
		gevent.Go(func() { q.Put(1); q.Put(2) })
		if v := must(q.Get()); v != 1 || q.Len() != 1 || q.Empty() {
			t.Errorf("it gives %d, %v", v, &q)
		}
		if v := must(q.GetNowait()); v != 2 {
			t.Errorf("it gives %d", v)
		}
		if _, err := q.GetNowait(); err != gevent.ErrEmpty {
			t.Error(err)
		}
		if _, err := q.Get(ms(1)); err != gevent.ErrEmpty {
			t.Error(err)
		}
		gevent.Go(func() { q.Put(3) })
		for v := range q.All() {
			if v != 3 {
				t.Errorf("it gives %d", v)
			}
			break
		}
	})

	t.Run("a DummySemaphore never blocks", func(t *testing.T) {
		var s gevent.DummySemaphore
		for range 3 {
			if ok, err := s.Acquire(); !ok || err != nil || !s.TryAcquire() || s.Locked() || !s.Ready() || s.Counter() != 1 || must(s.Wait()) != 1 {
				t.Error("it blocks")
			}
		}
		s.Release()
		if err := s.With(func() error { return errFault }); err != errFault {
			t.Error(err)
		}
	})

	t.Run("links of events, results and semaphores can be taken back", func(t *testing.T) {
		witness.NoLeaks(t)
		var e gevent.Event
		var r gevent.AsyncResult[int]
		s := gevent.NewSemaphore(0)
		var tr trace
		g := gevent.Go(func() { check(gevent.Sleep(0)); e.Set(); r.Set(1); s.Release() })
		e.RawLink(func(*gevent.Event) { tr.Add("e") })
		r.RawLink(func(*gevent.AsyncResult[int]) { tr.Add("r") })
		s.RawLink(func(*gevent.Semaphore) { tr.Add("s") })
		for _, unlink := range []func(){
			e.RawLink(func(*gevent.Event) { tr.Add("no") }),
			r.RawLink(func(*gevent.AsyncResult[int]) { tr.Add("no") }),
			s.RawLink(func(*gevent.Semaphore) { tr.Add("no") }),
		} {
			unlink()
			unlink()
		}
		if _, err := r.GetNowait(); err != gevent.ErrNotReady {
			t.Error(err)
		}
		check(g.Join())
		must(gevent.WaitAll())
		tr.Expect(t, "e r s")
		s.RawLink(func(*gevent.Semaphore) { tr.Add("late") })
		must(gevent.WaitAll())
		tr.Expect(t, "late")
		if v := must(r.GetNowait()); v != 1 {
			t.Errorf("it is %d", v)
		}
	})

	t.Run("groups start greenlets, kill one, and call back", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		p := gevent.NewPool(1)
		g := gevent.New(func() (int, error) { return 0, gevent.Sleep(time.Hour) })
		check(p.Start(g))
		if err := p.Start(gevent.New(func() (int, error) { return 0, nil }), 0); !errors.Is(err, gevent.ErrPoolFull) {
			t.Errorf("the error is %v", err)
		}
		check(gevent.Sleep(0))
		check(p.KillOne(g))
		check(gevent.Sleep(0)) // The group is told behind who has killed.
		if !g.Dead() || p.Len() != 0 {
			t.Error("it lives")
		}
		v := must(gevent.ApplyCallback(p, func() (int, error) { return 7, nil }, func(v int) { tr.Add("%d", v) }))
		all := must(gevent.MapCallback(p, slices.Values([]int{1, 2}), func(n int) (int, error) { return 2 * n, nil },
			func(v []int) { tr.Add("%v", v) }))
		tr.Add("%d %v", v, all)
		must(gevent.WaitAll())
		tr.Expect(t, "7 7 [2 4] [2 4]")
		if _, err := gevent.MapAsync(p, slices.Values([]int{1}), func(int) (int, error) { return 0, errFault }, nil).Get(); err != errFault {
			t.Errorf("the error is %v", err)
		}
	})

	t.Run("a thread pool maps lazily, calls back and can be joined", func(t *testing.T) {
		witness.NoLeaks(t)
		p := gevent.NewThreadPool(2)
		square := func(n int) (int, error) { return n * n, nil }
		var got []int
		for v, err := range gevent.IMapThread(p, slices.Values([]int{1, 2, 3}), square) {
			got = append(got, must(v, err))
		}
		sum := 0
		for v, err := range gevent.IMapUnorderedThread(p, slices.Values([]int{1, 2, 3}), square) {
			sum += must(v, err)
		}
		if fmt.Sprint(got, sum) != "[1 4 9] 14" {
			t.Errorf("it gives %v and %d", got, sum)
		}
		var called gevent.AsyncResult[int]
		gevent.ApplyThreadAsync(p, func() (int, error) { return 5, nil }, func(v int) { called.Set(v) })
		if v := must(called.Get()); v != 5 {
			t.Errorf("it is called with %d", v)
		}
		hold := make(chan bool)
		gevent.SpawnThread(p, func() (int, error) { <-hold; return 0, nil })
		if must(p.Join(ms(1))) {
			t.Error("it is empty")
		}
		close(hold)
		if !must(p.Join()) || p.Len() != 0 || p.Size() != 2 {
			t.Error("it is not empty")
		}
		check(p.Close())
	})
}

func TestHubIsGoneWhenIdle(t *testing.T) {
	t.Run("it is made on first use, and gone after the last wait", func(t *testing.T) {
		witness.NoLeaks(t)
		here := func() bool { return strings.Contains(gevent.RunInfo(), "Hub of goroutine") }
		if here() {
			t.Error("there is a hub before")
		}
		g := gevent.Go(func() { check(gevent.Sleep(0)) })
		if !here() {
			t.Error("there is none with a greenlet")
		}
		check(g.Join())
		if here() {
			t.Error("there is one afterwards")
		}
		release := gevent.Ref()
		if !here() {
			t.Error("Ref does not hold it")
		}
		release()
		if here() {
			t.Error("there is one afterwards")
		}
	})
}

func TestHundredThousand(t *testing.T) {
	t.Run("100,000 greenlets wait at the same time, and are killed in order", func(t *testing.T) {
		witness.NoLeaks(t)
		n := 100_000
		if testing.Short() || raceEnabled { // The race detector has no room for more than some thousand.
			n = 1000
		}
		var e gevent.Event
		last, woken := -1, 0
		gs := make([]*gevent.Greenlet[int], n)
		for i := range gs {
			gs[i] = gevent.Spawn(func() (int, error) {
				_, err := e.Wait()
				woken++
				if i != last+1 {
					t.Errorf("%d comes after %d", i, last)
				}
				last = i
				if i%2 == 0 {
					return i, err
				}
				return i, gevent.Sleep(time.Hour)
			})
		}
		check(gevent.Sleep(0))
		if e.Waiters() != n {
			t.Fatalf("%d wait", e.Waiters())
		}
		e.Set()
		check(gevent.Sleep(0))
		if woken != n {
			t.Errorf("%d were woken", woken)
		}
		check(gevent.KillAll(gs))
		for i, g := range gs {
			if !g.Ready() || g.Killed() != (i%2 == 1) {
				t.Fatal(g)
			}
		}
	})
}
