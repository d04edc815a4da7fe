package loop

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"

	"github.com/petermattis/goid"
)

// A virtual clock must not jump while somebody outside is about to make something ready. outside is what it
// has to know about them.
type outside struct {
	mu      sync.Mutex
	jobs    int       // that run elsewhere and will come back
	sources int       // that may wake the loop at any time, see Source
	paused  list.List // of *paused: jobs that wait for the loop themselves
	// followers is what runs when a context of package context ends. That package starts a goroutine for
	// it, which nobody counts; so before a jump the loop has a look itself.
	followers list.List // of *follower
}

// Busy reports whether work outside the loop is under way that will come back to it.
func (l *Loop) Busy() bool {
	o := &l.outside
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.jobs > 0 {
		return true
	}
	for e := o.paused.Front(); e != nil; e = e.Next() {
		if e.Value.(*paused).due() {
			return true
		}
	}
	return false
}

// External counts work outside the loop that will come back to it, so that a virtual clock does not run
// ahead of it, and nobody takes the loop for stuck. The clock on the wall runs by itself.
func (l *Loop) External(by int) {
	if l.RealTime() && l.quiet.after == 0 && l.Stuck == nil {
		return
	}
	o := &l.outside
	o.mu.Lock()
	o.jobs += by
	over := by < 0 && o.jobs == 0 && !l.RealTime()
	o.mu.Unlock()
	if over {
		l.post(nop{}) // the clock may jump now
	}
}

type nop struct{}

func (nop) RunReady() {}

// Moot implements [Moot].
func (nop) Moot() bool { return true }

// RealTime reports whether the loop's clock is the one on the wall.
func (l *Loop) RealTime() bool {
	_, ok := l.clock.(*Real)
	return ok
}

// jobs has the loops with virtual clocks whose jobs run now, by the goroutine's id.
var (
	jobs    sync.Map
	anyJobs atomic.Int64
)

// Job calls fn, which External has counted, and notes that it is that. So when it waits for the
// loop, for a timer above all, the clock does not wait for it.
func (l *Loop) Job(fn func()) {
	defer l.beginJob()()
	fn()
}

// beginJob is the first half of Job; what it returns is the second.
func (l *Loop) beginJob() (end func()) {
	if l.RealTime() {
		return func() {}
	}
	id := goid.Get()
	outer, nested := jobs.Swap(id, l)
	anyJobs.Add(1)
	return func() {
		anyJobs.Add(-1)
		if nested {
			jobs.Store(id, outer)
		} else {
			jobs.Delete(id)
		}
	}
}

// paused is a job that waits.
type paused struct {
	ctx  context.Context
	done <-chan struct{}
	by   signal
}

// A signal is what a plain goroutine waits for, if a look at its channel would take something out of it.
type signal interface{ given() bool }

// due reports whether the job is about to go on.
func (p *paused) due() bool {
	if p.ctx.Err() != nil {
		return true
	}
	if p.by != nil {
		return p.by.given()
	}
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// pause is called by a plain goroutine that is going to wait. If it is a job of a loop with a virtual clock,
// it does not count until resume is called; unless it comes back by itself, because ctx has a deadline on
// the wall.
func pause(ctx context.Context, done <-chan struct{}, by signal) (resume func()) {
	if anyJobs.Load() == 0 {
		return nil
	}
	x, ok := jobs.Load(goid.Get())
	if !ok {
		return nil
	}
	if _, timed := ctx.Deadline(); timed && !ours(ctx) {
		return nil
	}
	l := x.(*Loop)
	o := &l.outside
	o.mu.Lock()
	e := o.paused.PushBack(&paused{ctx, done, by})
	o.jobs--
	o.mu.Unlock()
	l.post(nop{})
	return func() {
		o.mu.Lock()
		o.paused.Remove(e)
		o.jobs++
		o.mu.Unlock()
	}
}

// A follower is what context.AfterFunc was given.
type follower struct {
	ctx context.Context
	fn  func()
}

// AfterFunc is context.AfterFunc for an fn that concerns the loop: a virtual clock does not jump over it.
func (l *Loop) AfterFunc(ctx context.Context, fn func()) (stop func() bool) {
	if l.RealTime() {
		return context.AfterFunc(ctx, fn)
	}
	o := &l.outside
	f := &follower{ctx, sync.OnceFunc(fn)}
	o.mu.Lock()
	e := o.followers.PushBack(f)
	o.mu.Unlock()
	std := context.AfterFunc(ctx, f.fn)
	return func() bool {
		o.mu.Lock()
		o.followers.Remove(e)
		o.mu.Unlock()
		return std()
	}
}

// catchUp runs the functions of contexts that have ended.
func (l *Loop) catchUp() {
	o := &l.outside
	o.mu.Lock()
	var due []*follower
	for e := o.followers.Front(); e != nil; {
		next := e.Next()
		if f := e.Value.(*follower); f.ctx.Err() != nil {
			due = append(due, f)
			o.followers.Remove(e)
		}
		e = next
	}
	o.mu.Unlock()
	for _, f := range due {
		f.fn()
	}
}
