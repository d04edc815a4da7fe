package coro_test

import (
	"runtime"
	"testing"

	"github.com/petermattis/goid"

	"github.com/asyncgo/asyncgo/internal/coro"
)

func TestWorkers(t *testing.T) {
	t.Run("one worker of a pool runs one body after the other", func(t *testing.T) {
		root := enter(t)
		pool := newPool(t, 1)
		start := on(pool)
		var workers []int64
		var before *coro.Routine
		for i := range 20 {
			r := start(func(r *coro.Routine) {
				workers = append(workers, goid.Get())
				if coro.Current() != r || before != nil && before.IsCurrent() {
					t.Error("the worker is taken for that of a body that it ran before")
				}
				r.Suspend()
				if i%2 == 1 {
					explode("end")
				}
			})
			root.Resume(r)
			root.Resume(r)
			if !r.Ended() || (r.Panicked() != nil) != (i%2 == 1) {
				t.Errorf("body %d has ended with %v", i, r.Panicked())
			}
			before = r
		}
		for _, id := range workers {
			if id != workers[0] {
				t.Fatalf("the bodies run on the goroutines %v", workers)
			}
		}
		// The pool has one worker, so this runs where the bodies ran.
		current := make(chan *coro.Routine)
		if err := pool.Submit(func() { current <- coro.Current() }); err != nil {
			t.Fatal(err)
		}
		if r := <-current; r != nil {
			t.Error("a worker without a body still has a current routine")
		}
	})

	t.Run("a pool replaces the worker that an unwinding or a Goexit ends", func(t *testing.T) {
		root := enter(t)
		pool := newPool(t, 1)
		start := on(pool)
		seen := map[int64]bool{}
		for i := range 10 {
			r := start(func(r *coro.Routine) {
				seen[goid.Get()] = true
				if i%2 == 1 {
					exit()
				}
				r.Suspend()
			})
			root.Resume(r)
			root.Unwind(r)
			checkEnd(t, r, true, nil)
			// The pool cannot be relied on to notice the end of a worker while
			// somebody waits for one.
			for pool.Running() > 0 {
				runtime.Gosched()
			}
		}
		if len(seen) != 10 {
			t.Errorf("ten bodies that ended their goroutines ran on %d", len(seen))
		}
	})

	t.Run("a body that is unwound before it starts costs no worker", func(t *testing.T) {
		root := enter(t)
		r := coro.NewOn(func(func()) { t.Error("a worker is asked for") }, func(*coro.Routine) {})
		root.Unwind(r)
		if !r.Ended() {
			t.Error("the body has not ended")
		}
	})
}
