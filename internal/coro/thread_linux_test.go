package coro_test

import (
	"runtime"
	"syscall"
	"testing"

	"github.com/asyncgo/asyncgo/internal/coro"
)

// lockedBody returns a body that holds an OS thread until it ends, and between
// switches checks that it is the same one. It notes the thread in *id.
func lockedBody(t *testing.T, id *int, switches int, next func(r *coro.Routine)) func(*coro.Routine) {
	return func(r *coro.Routine) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		*id = syscall.Gettid()
		for range switches {
			next(r)
			if got := syscall.Gettid(); got != *id {
				t.Errorf("the body was on thread %d and is on %d", *id, got)
			}
		}
	}
}

func TestLockOSThread(t *testing.T) {
	t.Run("bodies of the channel carrier keep their threads", func(t *testing.T) {
		root := enter(t)
		start := on(newPool(t, 0))
		const bodies, switches = 4, 100
		var threads [bodies]int
		all := make([]*coro.Routine, bodies)
		for i := range all {
			all[i] = start(lockedBody(t, &threads[i], switches, (*coro.Routine).Suspend))
		}
		for range switches {
			for _, r := range all {
				root.Resume(r)
			}
		}
		seen := map[int]bool{}
		for i, r := range all {
			seen[threads[i]] = true
			if i%2 == 0 {
				root.Resume(r)
			} else {
				root.Unwind(r)
			}
			if !r.Ended() || r.Goexited() != (i%2 == 1) {
				t.Errorf("body %d has not ended as it should", i)
			}
		}
		// All of them held their threads at the same time.
		if len(seen) != bodies {
			t.Errorf("%d bodies were on %d threads", bodies, len(seen))
		}
	})

	t.Run("a root that locked its thread resumes bodies of the channel carrier", func(t *testing.T) {
		root := enter(t)
		start := on(newPool(t, 0))
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		own, other := syscall.Gettid(), 0
		r := start(lockedBody(t, &other, 100, (*coro.Routine).Suspend))
		for !r.Ended() {
			root.Resume(r)
			if got := syscall.Gettid(); got != own {
				t.Fatalf("the root was on thread %d and is on %d", own, got)
			}
		}
		if other == own {
			t.Error("the body runs on the root's thread")
		}
	})

	t.Run("a locked body switches with bodies of the runtime carrier", func(t *testing.T) {
		root := enter(t)
		start := on(newPool(t, 0))
		const switches = 100
		var thread int
		var locked, a, b *coro.Routine
		count := 0
		body := func(to **coro.Routine) func(*coro.Routine) {
			return func(r *coro.Routine) {
				for {
					if syscall.Gettid() == thread {
						t.Error("a body of the runtime carrier runs on the locked thread")
					}
					count++
					r.Switch(*to)
				}
			}
		}
		a, b = coro.New(body(&b)), coro.New(body(&locked))
		locked = start(lockedBody(t, &thread, switches, func(r *coro.Routine) { r.Switch(a) }))
		root.Resume(locked)
		if count != 2*switches || !locked.Ended() {
			t.Errorf("the others ran %d times", count)
		}
		root.Unwind(a)
		root.Unwind(b)
	})
}
