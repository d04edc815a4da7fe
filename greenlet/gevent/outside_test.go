package gevent_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/petermattis/goid"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// hasHub reports whether a goroutine has a hub.
func hasHub(id int64) bool {
	return strings.Contains(gevent.RunInfo(), fmt.Sprintf("\nHub of goroutine %d", id))
}

// abroad is a job of a thread pool that lasts until it is told to end.
type abroad struct {
	pool *gevent.ThreadPool
	over chan struct{}
	end  func()
}

func goAbroad(t *testing.T) *abroad {
	a := &abroad{pool: gevent.NewThreadPool(2), over: make(chan struct{})}
	a.end = sync.OnceFunc(func() { close(a.over) })
	t.Cleanup(func() {
		a.end()
		check(a.pool.Close())
		if hasHub(goid.Get()) {
			t.Error("the test has left a hub")
		}
	})
	return a
}

func (a *abroad) spawn() *gevent.AsyncResult[int] {
	return gevent.SpawnThread(a.pool, func() (int, error) { <-a.over; return 7, nil })
}

// inGoroutine calls fn in a goroutine of its own, waits for its end, and returns its number.
func inGoroutine(fn func()) (id int64) {
	var wg sync.WaitGroup
	wg.Go(func() {
		id = goid.Get()
		fn()
	})
	wg.Wait()
	return id
}

func TestWorkOutside(t *testing.T) {
	t.Run("no hub stays for a job that outlives the last wait of its goroutine", func(t *testing.T) {
		witness.NoLeaks(t)
		a := goAbroad(t)
		var r *gevent.AsyncResult[int]
		id := inGoroutine(func() {
			check(gevent.Go(func() { r = a.spawn() }).Join())
		})
		if hasHub(id) {
			t.Fatal("the hub of a goroutine that has ended is still there")
		}
		a.end()
		if v := must(r.Get()); v != 7 {
			t.Errorf("the result is %d", v)
		}
	})
	t.Run("nor for one whose goroutine never waits", func(t *testing.T) {
		witness.NoLeaks(t)
		a := goAbroad(t)
		if id := inGoroutine(func() { a.spawn() }); hasHub(id) {
			t.Fatal("the hub of a goroutine that has ended is still there")
		}
		a.end()
	})
	t.Run("who waits for the job of a goroutine without a hub is not stuck before the job has ended, and then is", func(t *testing.T) {
		witness.NoLeaks(t)
		a := goAbroad(t)
		var r *gevent.AsyncResult[int]
		if id := inGoroutine(func() { r = a.spawn(); check(gevent.Go(func() {}).Join()) }); hasHub(id) {
			t.Fatal("the hub of a goroutine that has ended is still there")
		}
		var never gevent.Event
		var stuck error
		g := gevent.Go(func() { gevent.Sleep(ms(1)); a.end() })
		if _, stuck = r.Get(); stuck != nil {
			t.Errorf("the wait for the result ended with %v", stuck)
		}
		check(g.Join())
		if _, stuck = never.Wait(); !errors.Is(stuck, gevent.ErrLoopExit) {
			t.Errorf("the wait for nothing ended with %v", stuck)
		}
	})
	t.Run("the next hub of the goroutine waits for its jobs", func(t *testing.T) {
		witness.NoLeaks(t)
		a := goAbroad(t)
		r := a.spawn()
		check(gevent.Go(func() {}).Join())
		if hasHub(goid.Get()) {
			t.Error("the hub was not closed")
		}
		go a.end()
		if !must(gevent.WaitAll()) || !r.Ready() {
			t.Error("WaitAll has not waited for the job")
		}
	})
	t.Run("a hub stays for the callback of a job, which nobody else can run", func(t *testing.T) {
		witness.NoLeaks(t)
		a := goAbroad(t)
		r := a.spawn()
		called := false
		r.RawLink(func(*gevent.AsyncResult[int]) { called = true })
		check(gevent.Go(func() {}).Join())
		if !hasHub(goid.Get()) {
			t.Error("the hub was closed")
		}
		a.end()
		must(gevent.WaitAll())
		if !called {
			t.Error("the callback was not called")
		}
	})
	t.Run("jobs end while goroutines leave and make hubs", func(t *testing.T) {
		witness.NoLeaks(t)
		pool := gevent.NewThreadPool(2)
		defer pool.Close()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := range 300 {
					r := gevent.SpawnThread(pool, func() (int, error) { return i, nil })
					check(gevent.Go(func() {}).Join())
					other := gevent.SpawnThread(pool, func() (int, error) { return i, nil })
					if i%3 == 0 {
						gevent.Destroy()
					}
					if v := must(r.Get()) + must(other.Get()); v != 2*i {
						t.Errorf("the sum is %d and should be %d", v, 2*i)
					}
				}
			})
		}
		wg.Wait()
	})
}
