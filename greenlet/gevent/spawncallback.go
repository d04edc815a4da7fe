package gevent

import (
	"slices"
	"sync"
	"sync/atomic"
)

// spawnCallbacks are called with every greenlet that is started.
var spawnCallbacks struct {
	mu  sync.Mutex
	all atomic.Pointer[[]*func(Joinable)]
}

// AddSpawnCallback has fn called whenever a greenlet is started, by any goroutine, in the place where that happens:
// Greenlet.add_spawn_callback. Fn must not wait. Calling remove ends that: remove_spawn_callback. It panics if fn is nil.
func AddSpawnCallback(fn func(g Joinable)) (remove func()) {
	if fn == nil {
		panic("gevent: AddSpawnCallback was called with a nil function")
	}
	s := &spawnCallbacks
	p := &fn
	change := func(to func(all []*func(Joinable)) []*func(Joinable)) {
		s.mu.Lock()
		defer s.mu.Unlock()
		var all []*func(Joinable)
		if old := s.all.Load(); old != nil {
			all = slices.Clone(*old)
		}
		if all = to(all); len(all) == 0 {
			s.all.Store(nil)
			return
		}
		s.all.Store(&all)
	}
	change(func(all []*func(Joinable)) []*func(Joinable) { return append(all, p) })
	return sync.OnceFunc(func() {
		change(func(all []*func(Joinable)) []*func(Joinable) {
			return slices.DeleteFunc(all, func(q *func(Joinable)) bool { return q == p })
		})
	})
}

// spawned tells those who want to know.
func spawned(g Joinable) {
	if all := spawnCallbacks.all.Load(); all != nil {
		for _, fn := range *all {
			(*fn)(g)
		}
	}
	if trackTree.Load() {
		g.base().track(g)
	}
}
