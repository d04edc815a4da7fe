package future

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asyncgo/asyncgo/internal/goroutines"
	"github.com/asyncgo/asyncgo/internal/promise"
	"github.com/panjf2000/ants/v2"
	"github.com/petermattis/goid"
	"github.com/sourcegraph/conc/panics"
)

// ErrOwnWorker is returned by Shutdown when a job of the pool itself calls it, or a done callback of one: it
// would wait for its own end. It stands for Python's "cannot join current thread".
var ErrOwnWorker = errors.New("future: a job cannot wait for the shutdown of its own pool")

// A Pool runs functions on at most a fixed number of goroutines, its workers, in the order in which
// they were submitted. It stands for concurrent.futures.ThreadPoolExecutor. The goroutines are those
// of an ants pool, started when there is work and released after a second without; before them is a
// queue without a bound, so that submitting never blocks.
//
// A Pool must be shut down by [Pool.Shutdown], or its goroutines stay. All methods are safe for use
// from any goroutine. The zero value is a Pool of the default size. A job costs about as much as a
// goroutine; see [Pool.Limit] for how several kinds of work share the workers.
type Pool struct {
	name    string
	workers int
	keep    time.Duration // how long a worker without work stays
	parent  *Pool         // whose workers these are, if this is a view

	mu      sync.Mutex
	ants    *ants.Pool // made with the first work
	queue   fifo[promise.Job]
	queued  atomic.Int64  // the length of the queue, for those who have not locked it
	all     []*poolWorker // made so far
	free    []*poolWorker // of them without a goroutine, last in first out
	active  int           // workers with a goroutine; of a view, its turns under way
	looking int           // of them: those that look for work, and will find what is queued
	running int
	done    uint64
	shut    bool
	idle    chan struct{} // closed when the last worker has stopped after shutdown
	views   map[*Pool]struct{}
}

// executed is a job that nobody has a future of.
type executed struct {
	fn func()
	p  *Pool
}

// RunJob implements promise.Job.
func (e *executed) RunJob() bool {
	if caught := panics.Try(e.fn); caught != nil {
		slog.Error("future: a job panicked", "worker", e.p.Worker(), "error", newPanicError(caught))
	}
	return true
}

// DropJob implements promise.Job.
func (e *executed) DropJob() {}

// A PoolOption changes how a [Pool] is made.
type PoolOption func(*Pool)

// PoolName names a pool, for logs; without a name it is "pool". It stands for thread_name_prefix.
func PoolName(name string) PoolOption { return func(p *Pool) { p.name = name } }

// KeepIdle sets how long a worker without work keeps its goroutine, about; a second if it is not
// set. It panics if d is not positive.
func KeepIdle(d time.Duration) PoolOption {
	if d <= 0 {
		panic("future: the duration of KeepIdle is not positive")
	}
	return func(p *Pool) { p.keep = d }
}

// NewPool returns a pool of the given number of workers; zero is min(32, GOMAXPROCS+4), as in
// Python. It panics if the number is negative. No goroutine is started before there is work.
func NewPool(workers int, opts ...PoolOption) *Pool {
	if workers < 0 {
		panic(fmt.Sprintf("future: a pool of %d workers", workers))
	}
	p := &Pool{workers: workers}
	for _, opt := range opts {
		if opt != nil {
			opt(p)
		}
	}
	p.complete()
	return p
}

// complete fills in what was not said. The zero Pool has said nothing.
func (p *Pool) complete() {
	if p.workers == 0 {
		p.workers = min(32, runtime.GOMAXPROCS(0)+4)
	}
	if p.name == "" {
		p.name = "pool"
	}
	if p.keep == 0 {
		p.keep = time.Second
	}
}

// check panics if there is no pool.
func (p *Pool) check(method string) {
	if p == nil {
		panic("future: " + method + " was called on a nil Pool")
	}
}

// Execute puts fn at the end of the queue. It does not block, and returns [ErrShutdown] after
// Shutdown. A panic in fn is logged and ends nothing else; use [Submit] to get it as an error.
func (p *Pool) Execute(fn func()) error {
	p.check("Execute")
	if fn == nil {
		panic("future: Execute was called with a nil function")
	}
	return p.enqueue(&executed{fn, p}, false)
}

// Enqueue is Execute for a job that can be withdrawn. It is for asyncgo's own packages.
func (p *Pool) Enqueue(j promise.Job) error { return p.enqueue(j, false) }

// enqueue puts a job at the end of the queue. With more it is the next turn of a view, which is taken
// after a shutdown too.
func (p *Pool) enqueue(j promise.Job, more bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.shut && !more:
		return ErrShutdown
	case p.parent != nil:
		return p.enqueueView(j, more)
	case p.ants == nil:
		p.complete()
		// Our own count is the limit. A limit in ants would make Submit block for the moment in which a
		// worker that is free for us is not yet back in its pool.
		pool, err := ants.NewPool(-1, ants.WithExpiryDuration(p.keep))
		if err != nil {
			return fmt.Errorf("future: starting the pool: %w", err)
		}
		p.ants = pool
	}
	// Who looks for work will find this.
	if p.looking == 0 && p.active < p.workers {
		if err := p.startWorker(); err != nil && p.active == 0 {
			return err
		}
	}
	p.push(j) // before a worker can look, which takes the lock
	return nil
}

func (p *Pool) push(j promise.Job) {
	p.queue.push(j)
	p.queued.Store(int64(p.queue.len()))
}

func (p *Pool) pop() promise.Job {
	j := p.queue.pop()
	p.queued.Store(int64(p.queue.len()))
	return j
}

// A poolWorker is what a goroutine is while it works for a pool.
type poolWorker struct {
	p    *Pool
	n    int
	goid atomic.Int64 // of the goroutine, or zero
	live func()       // p.live of this worker, made once

	// Guarded by the pool's lock.
	looks bool // counted in looking
	busy  bool // counted in running
}

// startWorker starts another worker, which looks for work. The pool is locked.
func (p *Pool) startWorker() error {
	var w *poolWorker
	if last := len(p.free) - 1; last >= 0 {
		w, p.free = p.free[last], p.free[:last]
	} else {
		w = &poolWorker{p: p, n: len(p.all)}
		w.live = func() { p.live(w) }
		p.all = append(p.all, w)
	}
	if err := p.ants.Submit(w.live); err != nil {
		p.free = append(p.free, w)
		return fmt.Errorf("future: starting a worker: %w", err)
	}
	p.active++
	p.looking++
	w.looks = true
	return nil
}

// looks is how often a worker that has found nothing looks again before it stops: starting another
// one costs as much as a few of them. The value is a guess.
const looks = 8

// live is the life of a worker: it runs what is queued until nothing is.
func (p *Pool) live(w *poolWorker) {
	w.goid.Store(goid.Get())
	defer p.left(w)
	p.mu.Lock()
	for p.find(w) {
		j := p.pop()
		if w.looks {
			w.looks = false
			// Nobody who has submitted something meanwhile has started a worker.
			if p.looking--; p.looking == 0 && p.queue.len() > 0 && p.active < p.workers {
				p.startWorker() // if that fails, the jobs wait for this one
			}
		}
		w.busy = true
		p.running++
		p.mu.Unlock()
		ran := j.RunJob()
		p.mu.Lock()
		w.busy = false
		p.running--
		if ran {
			p.done++
		}
	}
	p.mu.Unlock()
}

// find waits a moment for something to be queued, and reports false if nothing is. The pool is locked.
func (p *Pool) find(w *poolWorker) bool {
	for range looks {
		if p.queue.len() > 0 {
			return true
		}
		if p.shut {
			return false
		}
		if !w.looks {
			w.looks = true
			p.looking++
		}
		p.mu.Unlock()
		for i := 0; i < looks && p.queued.Load() == 0; i++ {
			runtime.Gosched()
		}
		p.mu.Lock()
	}
	return p.queue.len() > 0
}

// left is deferred by live. A job that calls runtime.Goexit takes the goroutine with it, and somebody
// has to do the rest.
func (p *Pool) left(w *poolWorker) {
	w.goid.Store(0)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, w)
	p.active--
	if w.looks {
		w.looks = false
		p.looking--
	}
	if w.busy {
		w.busy = false
		p.running--
		p.done++
	}
	if p.queue.len() > 0 && p.looking == 0 && p.startWorker() == nil {
		return
	}
	p.signal()
}

// signal tells Shutdown when nothing is left, and ends the goroutines, for whoever wanted to wait may have stopped. The pool is locked.
func (p *Pool) signal() {
	if !p.shut || p.active > 0 {
		return
	}
	if p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
	if p.ants != nil {
		p.ants.Release()
	}
	if p.parent != nil {
		p.parent.forget(p)
	}
}

// Shutdown ends the pool: no more work is taken, and Shutdown waits until the work that was taken
// is done. It stands for shutdown(). If ctx ends first, it returns ctx's error; the pool goes on with
// the rest of its work and then releases its goroutines. It may be called again.
//
// It blocks the calling goroutine, so a task calls it in ToThread. A job of the pool that calls it gets
// [ErrOwnWorker], and the pool takes no more work. Shutdown of a view, see [Pool.Limit], leaves the
// workers to the others; that of the pool waits for the work of its views, too.
func (p *Pool) Shutdown(ctx context.Context) error {
	p.check("Shutdown")
	if ctx == nil {
		panic("future: Shutdown was called with a nil ctx")
	}
	p.mu.Lock()
	p.shut = true
	p.mu.Unlock()
	if p.Worker() != "" {
		return ErrOwnWorker
	}
	p.mu.Lock()
	p.signal() // there may have been no work
	if p.active > 0 {
		if p.idle == nil {
			p.idle = make(chan struct{})
		}
		idle := p.idle
		p.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		p.mu.Lock()
	}
	pool := p.ants
	p.mu.Unlock()
	if pool == nil {
		return nil
	}
	return goroutines.Release(ctx, pool)
}

// CancelPending takes all work out of the queue that has not started, that of the pool's views
// included, cancels its futures, and returns how many jobs that were. It stands for
// shutdown(cancel_futures=True), which also calls Shutdown.
func (p *Pool) CancelPending() int {
	p.check("CancelPending")
	p.mu.Lock()
	var jobs, turns []promise.Job
	for p.queue.len() > 0 {
		if j := p.pop(); isTurn(j) {
			turns = append(turns, j)
		} else {
			jobs = append(jobs, j)
		}
	}
	for _, j := range turns {
		p.push(j) // it will find that there is nothing to do
	}
	views := make([]*Pool, 0, len(p.views))
	for v := range p.views {
		views = append(views, v)
	}
	p.mu.Unlock()
	for _, j := range jobs {
		j.DropJob()
	}
	n := len(jobs)
	for _, v := range views {
		n += v.CancelPending()
	}
	return n
}

// Worker returns the name of the worker that calls, "crawler-3" for one of a pool that is named
// crawler, for logs. On a goroutine that runs no job of the pool it is empty. It stands for
// current_thread().name, and looks through all workers, so it is not for tight loops.
func (p *Pool) Worker() string {
	p.check("Worker")
	for p.parent != nil {
		p = p.parent
	}
	id := goid.Get()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.all {
		if w.goid.Load() == id {
			return fmt.Sprintf("%s-%d", p.name, w.n)
		}
	}
	return ""
}

// PoolStats is what a pool holds and has done.
type PoolStats struct {
	Workers int    // at most
	Running int    // jobs that run now
	Queued  int    // jobs that have not started, cancelled ones included until their turn comes
	Done    uint64 // jobs that have ended
	Idle    int    // goroutines without work, which are kept for a while
}

// Stats returns what the pool holds and has done. A view counts its own jobs; for the pool, a view is
// one more job that runs, or waits, for each of the workers that it has or wants.
func (p *Pool) Stats() PoolStats {
	p.check("Stats")
	p.mu.Lock()
	defer p.mu.Unlock()
	s := PoolStats{Workers: p.workers, Running: p.running, Queued: p.queue.len(), Done: p.done}
	if p.ants != nil {
		s.Idle = max(0, p.ants.Running()-p.running)
	}
	return s
}

// String returns the pool's name and Stats.
func (p *Pool) String() string {
	p.check("String")
	s := p.Stats()
	return fmt.Sprintf("Pool(%q, %d workers, %d running, %d queued)", p.name, s.Workers, s.Running, s.Queued)
}
