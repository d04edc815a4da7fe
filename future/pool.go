package future

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/panjf2000/ants/v2"
	"github.com/sourcegraph/conc/panics"
)

// An Executor runs functions somewhere else. It stands for concurrent.futures.Executor.
type Executor interface {
	// Execute has fn run, some time. It never blocks; after a shutdown it returns ErrShutdown.
	Execute(fn func()) error
}

// A Pool runs functions on at most a fixed number of goroutines, in the order in which they were
// submitted. It stands for concurrent.futures.ThreadPoolExecutor. The goroutines are those of an
// ants pool, started when there is work and released after a second without; before them is a queue
// without a bound, so that submitting never blocks.
//
// A Pool must be shut down by [Pool.Shutdown], or its goroutines stay. All methods are safe for use
// from any goroutine.
type Pool struct {
	name    string
	workers int

	mu      sync.Mutex
	ants    *ants.Pool // made with the first work
	queue   fifo[job]
	active  int // workers that take from the queue
	running int
	done    uint64
	shut    bool
	idle    chan struct{} // closed when the last worker has stopped after shutdown
}

// job is work in the queue of a pool. drop is called instead of run if it is taken out again.
type job struct{ run, drop func() }

// A PoolOption changes how a [Pool] is made.
type PoolOption func(*Pool)

// PoolName names a pool, for logs. It stands for thread_name_prefix.
func PoolName(name string) PoolOption { return func(p *Pool) { p.name = name } }

// NewPool returns a pool of the given number of workers; zero is min(32, GOMAXPROCS+4), as in
// Python. It panics if the number is negative. No goroutine is started before there is work.
func NewPool(workers int, opts ...PoolOption) *Pool {
	switch {
	case workers < 0:
		panic(fmt.Sprintf("future: a pool of %d workers", workers))
	case workers == 0:
		workers = defaultWorkers()
	}
	p := &Pool{workers: workers, name: "pool"}
	for _, opt := range opts {
		if opt != nil {
			opt(p)
		}
	}
	return p
}

// check panics if there is no pool.
func (p *Pool) check(method string) {
	if p == nil {
		panic("future: " + method + " was called on a nil Pool")
	}
}

func defaultWorkers() int { return min(32, runtime.GOMAXPROCS(0)+4) }

// Execute puts fn at the end of the queue. It does not block, and returns [ErrShutdown] after Shutdown. A panic
// in fn is logged and ends nothing else; use [Submit] to get it as an error.
func (p *Pool) Execute(fn func()) error {
	p.check("Execute")
	if fn == nil {
		panic("future: Execute was called with a nil function")
	}
	return p.enqueue(job{run: fn})
}

func (p *Pool) enqueue(j job) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return ErrShutdown
	}
	if p.workers == 0 { // the zero Pool
		p.workers = defaultWorkers()
	}
	if p.ants == nil {
		// Our own count is the limit. A limit in ants would make Submit block for the moment in which a
		// worker that is free for us is not yet back in its pool.
		pool, err := ants.NewPool(-1)
		if err != nil {
			return fmt.Errorf("future: starting the pool: %w", err)
		}
		p.ants = pool
	}
	if p.active < p.workers {
		if err := p.ants.Submit(p.work); err != nil {
			return fmt.Errorf("future: starting a worker: %w", err)
		}
		p.active++
	}
	p.queue.push(j) // before a worker can look, which takes the lock
	return nil
}

// work is the life of a worker: it runs what is queued until nothing is.
func (p *Pool) work() {
	finished := false
	defer func() {
		// A job that calls runtime.Goexit takes the goroutine with it. Somebody has to
		// do the rest.
		p.mu.Lock()
		defer p.mu.Unlock()
		if !finished {
			p.running--
			p.done++
			if p.queue.len() > 0 && p.ants.Submit(p.work) == nil {
				return
			}
		}
		p.active--
		p.signal()
	}()
	p.mu.Lock()
	for p.queue.len() > 0 {
		j := p.queue.pop()
		p.running++
		p.mu.Unlock()
		if caught := panics.Try(j.run); caught != nil {
			slog.Error("future: a job panicked", "pool", p.name, "error", newPanicError(caught))
		}
		p.mu.Lock()
		p.running--
		p.done++
	}
	finished = true
	p.mu.Unlock()
}

// signal tells Shutdown when nothing is left. The pool is locked.
func (p *Pool) signal() {
	if p.shut && p.active == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
}

// Shutdown ends the pool: no more work is taken, and Shutdown waits until the work that was taken
// is done. If ctx ends first, it returns ctx's error, and the pool goes on with the rest of its
// work. It may be called again. It blocks the calling goroutine, so a task calls it in ToThread. A
// job of the pool must not call it.
func (p *Pool) Shutdown(ctx context.Context) error {
	p.check("Shutdown")
	if ctx == nil {
		panic("future: Shutdown was called with a nil ctx")
	}
	p.mu.Lock()
	p.shut = true
	if p.ants == nil {
		p.mu.Unlock()
		return nil
	}
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
	} else {
		p.mu.Unlock()
	}
	if err := p.ants.ReleaseContext(ctx); err != nil && err != ants.ErrPoolClosed {
		return err
	}
	return nil
}

// CancelPending takes all work out of the queue that has not started, cancels its futures, and
// returns how many jobs that were. It stands for shutdown(cancel_futures=True), which also calls
// Shutdown.
func (p *Pool) CancelPending() int {
	p.check("CancelPending")
	p.mu.Lock()
	var jobs []job
	for p.queue.len() > 0 {
		jobs = append(jobs, p.queue.pop())
	}
	p.mu.Unlock()
	for _, j := range jobs {
		if j.drop != nil {
			j.drop()
		}
	}
	return len(jobs)
}

// PoolStats is what a pool holds and has done.
type PoolStats struct {
	Workers int    // at most
	Running int    // jobs that run now
	Queued  int    // jobs that have not started
	Done    uint64 // jobs that have ended
}

// Stats returns what the pool holds and has done.
func (p *Pool) Stats() PoolStats {
	p.check("Stats")
	p.mu.Lock()
	defer p.mu.Unlock()
	return PoolStats{Workers: p.workers, Running: p.running, Queued: p.queue.len(), Done: p.done}
}

// String returns the pool's name and Stats.
func (p *Pool) String() string {
	p.check("String")
	s := p.Stats()
	return fmt.Sprintf("Pool(%q, %d workers, %d running, %d queued)", p.name, s.Workers, s.Running, s.Queued)
}

// fifo is a queue in a slice.
type fifo[T any] struct {
	items []T
	head  int
}

func (q *fifo[T]) len() int { return len(q.items) - q.head }

func (q *fifo[T]) push(x T) {
	if q.head > 32 && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, x)
}

func (q *fifo[T]) pop() T {
	x := q.items[q.head]
	q.items[q.head] = *new(T)
	if q.head++; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return x
}

// jobState is where a submitted job stands.
type jobState = uint32

const (
	queued jobState = iota
	started
	withdrawn
)

// submitted is a future of work on an executor.
type submitted[T any] struct {
	fut   Future[T]
	owner loop.Owner
	state atomic.Uint32
}

// Submit has fn run by ex and returns the future of its outcome. It stands for Executor.submit. It
// does not block. The future belongs to no loop; tasks and goroutines can await it.
//
// Cancel works as long as fn has not started, which then never does. A panic in fn becomes a
// [PanicError], and [runtime.Goexit] in it cancels the future. If ex takes no more work, the future
// has failed with [ErrShutdown].
func Submit[T any](ex Executor, fn func() (T, error)) *Future[T] {
	switch {
	case ex == nil || ex == Executor((*Pool)(nil)):
		panic("future: Submit was called with a nil Executor")
	case fn == nil:
		panic("future: Submit was called with a nil function")
	}
	s := new(submitted[T])
	s.owner.Canceller = s
	s.fut.p.Bind(nil, &s.owner)
	j := job{run: func() { s.run(fn) }, drop: func() { s.CancelWaited(plainCause) }}
	var err error
	if p, ok := ex.(*Pool); ok {
		err = p.enqueue(j)
	} else {
		err = ex.Execute(j.run)
	}
	if err != nil {
		s.fut.p.Complete(*new(T), err, false)
	}
	return &s.fut
}

func (s *submitted[T]) run(fn func() (T, error)) {
	if !s.state.CompareAndSwap(queued, started) {
		return
	}
	var v T
	var err error = ErrCancelled // if fn does not return
	returned := false
	defer func() {
		if !returned {
			s.fut.p.Complete(v, ErrCancelled, true)
		}
	}()
	if caught := panics.Try(func() { v, err = fn() }); caught != nil {
		err = newPanicError(caught)
	}
	returned = true
	s.fut.p.Complete(v, err, false)
}

// CancelWaited implements loop.Canceller.
func (s *submitted[T]) CancelWaited(c *loop.Cause) bool {
	if !s.state.CompareAndSwap(queued, withdrawn) {
		return false
	}
	return s.fut.p.Complete(*new(T), cancelledBy(c), true)
}
