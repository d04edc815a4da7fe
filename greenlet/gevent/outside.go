package gevent

import (
	"github.com/petermattis/goid"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// outside is the functions that a [ThreadPool] runs for the greenlets of one goroutine. They do not hold its hub: one that had
// to stay for their sake would stay for good if the goroutine never waits again, as nobody else can close it. The next hub
// of the goroutine takes over what has not ended.
type outside struct {
	gid  int64
	hub  *hub // nil while the goroutine has none
	jobs map[*job]struct{}
} // guarded by hubs.mu

// A job is a function that runs outside, and whose outcome done stands for.
type job struct {
	of   *outside
	l    *loop.Loop // of package async, if of is nil
	done *loop.Completion
}

// adopt gives the hub of a goroutine what still runs for the goroutine. hubs.mu is held.
func (h *hub) adopt() {
	h.out = hubs.astray[h.gid]
	if h.out == nil {
		h.out = &outside{gid: h.gid}
	}
	delete(hubs.astray, h.gid)
	h.out.hub = h
}

// abandon leaves what still runs to the next hub of the goroutine. hubs.mu is held.
func (h *hub) abandon() {
	o := h.out
	if o.hub = nil; len(o.jobs) > 0 {
		o.stray()
	}
}

// startJob notes that the outcome of done comes from outside to the caller, who has something to wait for. It makes no hub.
func startJob(done *loop.Completion) *job {
	l := loop.Inside()
	if l == nil && coro.Current() != nil {
		l = homeLoop() // which refuses
	}
	hubs.mu.Lock()
	defer hubs.mu.Unlock()
	var o *outside
	if h := hubs.all[l]; h != nil {
		o = h.out
	} else if l != nil {
		l.External(1)
		return &job{l: l, done: done}
	} else if id := goid.Get(); hubs.astray[id] != nil {
		o = hubs.astray[id]
	} else {
		o = &outside{gid: id}
	}
	j := &job{of: o, done: done}
	if o.jobs == nil {
		o.jobs = map[*job]struct{}{}
	}
	o.jobs[j] = struct{}{}
	if o.hub == nil {
		o.stray()
	}
	return j
}

// stray notes that the next hub of the goroutine has something to take over. hubs.mu is held.
func (o *outside) stray() {
	if hubs.astray == nil {
		hubs.astray = map[int64]*outside{}
	}
	hubs.astray[o.gid] = o
}

// end calls fn, in the loop of the goroutine that has begun the job, if it has one, so that the loop sees that the job has ended
// together with what comes of it.
func (j *job) end(fn func()) {
	if j.of == nil {
		backIn(j.l, fn)
		return
	}
	for {
		hubs.mu.Lock()
		h := j.of.hub
		hubs.mu.Unlock()
		if h == nil {
			fn()
			j.over()
			return
		}
		if h.l.Do(func() {
			fn() // first: what it wakes, in whatever hub, is not stuck then
			j.over()
		}) {
			return
		}
		// The hub has been left meanwhile.
	}
}

// over strikes the job off.
func (j *job) over() {
	hubs.mu.Lock()
	defer hubs.mu.Unlock()
	o := j.of
	delete(o.jobs, j)
	switch {
	case o.hub != nil:
		if loop.Inside() != o.hub.l { // it was made while the job ended
			o.hub.l.Nudge()
		}
	case len(o.jobs) == 0:
		delete(hubs.astray, o.gid)
		nudgeIdle()
	}
}

// called reports whether a callback of the hub waits for the end of a job: no other hub can run that.
func (h *hub) called() bool {
	hubs.mu.Lock()
	waited := make([]*loop.Completion, 0, len(h.out.jobs))
	for j := range h.out.jobs {
		waited = append(waited, j.done)
	}
	hubs.mu.Unlock()
	for _, c := range waited { // without the mutex: one who has theirs may want it
		for p := range c.Parties() {
			if k, ok := p.(*link); ok && k.l == h.l && !k.Tidies() {
				return true
			}
		}
	}
	return false
}

// owes reports whether something runs outside for the goroutine of the hub.
func (h *hub) owes() bool {
	hubs.mu.Lock()
	defer hubs.mu.Unlock()
	return len(h.out.jobs) > 0
}

// strays reports whether something runs outside for the calling goroutine, which has no hub.
func strays() bool {
	hubs.mu.Lock()
	defer hubs.mu.Unlock()
	return hubs.astray[goid.Get()] != nil
}

// nudgeIdle has the hubs that wait for ever look again, as one of those that might have helped them is gone. hubs.mu is held.
func nudgeIdle() {
	for _, h := range hubs.all {
		if h.idle {
			h.l.Nudge()
		}
	}
}
