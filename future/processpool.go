package future

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/petermattis/goid"
)

// A ProcessPool runs registered functions in worker processes: this very program, started again. It
// stands for concurrent.futures.ProcessPoolExecutor and multiprocessing.Pool. Goroutines use all
// processors by themselves; processes are for work that must not share memory, that leaks or may crash,
// or that has to be killed when it takes too long.
//
// A worker is started when there is work and no other is idle. Arguments and results are copies; see
// [Register]. What a worker writes to its stdout goes to that of the program, what it writes to its
// stderr is passed on with the worker's name before each line. A worker that crashes, or is killed,
// fails the call it was at with [ErrBrokenWorker], and is replaced.
//
// A ProcessPool must be shut down by [ProcessPool.Shutdown]. Workers end when the program does, however it
// ends: their pipe is closed then, and Linux kills those that do not notice. All methods are safe for
// use from any goroutine. It works on Unix; elsewhere calls fail with [errors.ErrUnsupported].
//
// A call is two messages on pipes, some tens of microseconds; [CallMap] puts many in one.
type ProcessPool struct {
	name    string
	workers int
	max     int           // calls a worker does
	limit   time.Duration // for a call
	stderr  together

	mu      sync.Mutex
	more    *sync.Cond // there is work, or none will come
	queue   fifo[remoteCall]
	idle    int                   // runners that wait for work
	live    int                   // runners
	runners map[int64]struct{}    // the goroutines of them
	procs   map[*process]struct{} // that run
	free    []int                 // numbers of runners that have ended, and may be used again
	stats   ProcessStats
	shut    bool
	killed  bool
	drained chan struct{} // closed when the last runner has ended, if somebody waits
}

// ProcessStats is what a [ProcessPool] holds and has done.
type ProcessStats struct {
	Workers   int    // processes at most
	Processes int    // processes now
	Running   int    // calls that run now
	Queued    int    // calls that no worker has yet, cancelled ones included until their turn comes
	Done      uint64 // calls that were answered
	Broken    uint64 // processes that crashed or were killed
	Started   uint64 // processes in all
}

// A ProcessOption changes how a [ProcessPool] is made.
type ProcessOption func(*ProcessPool)

// ProcessName names a pool; its workers are called after it, as in "render-0". Without a name it is
// "worker".
func ProcessName(name string) ProcessOption { return func(p *ProcessPool) { p.name = name } }

// MaxCalls has a worker process replaced after so many calls, so that what they leak is given back. It
// stands for max_tasks_per_child. A chunk of [CallMap] is one call. It panics if n is not positive.
func MaxCalls(n int) ProcessOption {
	if n <= 0 {
		panic("future: the number of MaxCalls is not positive")
	}
	return func(p *ProcessPool) { p.max = n }
}

// CallLimit has a worker killed that takes longer for a call, which then fails with [ErrTimeout]. A chunk
// of [CallMap] may take so long for each of its items. It panics if d is not positive.
func CallLimit(d time.Duration) ProcessOption {
	if d <= 0 {
		panic("future: the duration of CallLimit is not positive")
	}
	return func(p *ProcessPool) { p.limit = d }
}

// WorkerStderr sets where the stderr of the workers goes; os.Stderr without it. Only one goroutine
// writes to it at a time, a line at a time.
func WorkerStderr(w io.Writer) ProcessOption {
	if w == nil {
		panic("future: WorkerStderr was called with a nil Writer")
	}
	return func(p *ProcessPool) { p.stderr.to = w }
}

// NewProcessPool returns a pool of so many worker processes at most; zero is one for each processor.
// It panics if the number is negative, or if no function is registered. No process is started
// before there is work.
func NewProcessPool(workers int, opts ...ProcessOption) *ProcessPool {
	registry.Lock()
	count := len(registry.byName)
	registry.Unlock()
	switch {
	case workerServes > 0 && !serving.Load():
		// Or each worker would start workers of its own.
		panic("future: a worker process has come to main, because its initialisation registers fewer functions than its parent's")
	case workers < 0:
		panic(fmt.Sprintf("future: a pool of %d processes", workers))
	case count == 0:
		panic("future: a pool of processes, and no function is registered")
	case workers == 0:
		workers = runtime.GOMAXPROCS(0)
	}
	p := &ProcessPool{name: "worker", workers: workers, procs: map[*process]struct{}{}, runners: map[int64]struct{}{}}
	p.stderr.to = os.Stderr
	p.more = sync.NewCond(&p.mu)
	for _, opt := range opts {
		if opt != nil {
			opt(p)
		}
	}
	return p
}

// check panics if there is no pool.
func (p *ProcessPool) check(method string) {
	if p == nil || p.more == nil {
		panic("future: " + method + " was called on a ProcessPool that NewProcessPool has not made")
	}
}

// remoteCall is a call in the queue of a pool.
type remoteCall interface {
	claim() bool // before it is done; false if it was cancelled
	drop()
	size() int
	encode(*gob.Encoder) error
	decode(worker string, dec *gob.Decoder) error
	fail(error)
}

// Call has f called with arg by a worker process and returns the future of its outcome. It stands for
// submit. It does not block.
//
// The future can be cancelled until a worker has got the call. An argument or a result that gob cannot
// encode is an error of this call. A panic in the function is a [PanicError] whose value is its text.
// After Shutdown the future has failed with [ErrShutdown].
func Call[A, T any](p *ProcessPool, f Func[A, T], arg A) *Future[T] {
	p.check("Call")
	c := newCall[A, T](f, []box[A]{{arg}}, func(outcomes []outcome[T], err error) (T, error) {
		if err != nil {
			return *new(T), err
		}
		return outcomes[0].v, outcomes[0].err
	})
	p.submit(c)
	return &c.fut
}

// CallMap is [Map] for a [ProcessPool]. The items go to the workers in chunks of the given size, which is
// chunksize: with many small items a large chunk saves most of the cost. If a worker breaks, all items
// of its chunk fail. It panics if chunk is not positive.
func CallMap[A, T any](ctx context.Context, p *ProcessPool, f Func[A, T], items iter.Seq[A], chunk int) iter.Seq2[T, error] {
	p.check("CallMap")
	switch {
	case ctx == nil:
		panic("future: CallMap was called with a nil ctx")
	case items == nil:
		panic("future: CallMap was called with nil items")
	case chunk <= 0:
		panic(fmt.Sprintf("future: CallMap was called with chunks of %d items", chunk))
	}
	chunks := func(yield func([]box[A]) bool) {
		var args []box[A]
		for item := range items {
			if args = append(args, box[A]{item}); len(args) == chunk {
				if !yield(args) {
					return
				}
				args = nil
			}
		}
		if len(args) > 0 {
			yield(args)
		}
	}
	submit := func(args []box[A]) *Future[[]outcome[T]] {
		c := newCall[A, T](f, args, func(outcomes []outcome[T], err error) ([]outcome[T], error) {
			if err == nil || errors.Is(err, ErrShutdown) {
				return outcomes, err
			}
			outcomes = make([]outcome[T], len(args))
			for i := range outcomes {
				outcomes[i].err = err
			}
			return outcomes, nil
		})
		p.submit(c)
		return &c.fut
	}
	return inOrder(ctx, 2*p.workers, iter.Seq[[]box[A]](chunks), submit, func(f *Future[[]outcome[T]], yield func(T, error) bool) bool {
		outcomes, err := f.Result()
		if err != nil {
			return yield(*new(T), err)
		}
		for _, o := range outcomes {
			if !yield(o.v, o.err) {
				return false
			}
		}
		return true
	})
}

// outcome is what has become of one argument.
type outcome[T any] struct {
	v   T
	err error
}

// call is a remoteCall of some types, and its future.
type call[A, T, R any] struct {
	fut    Future[R]
	owner  loop.Owner
	state  atomic.Uint32 // a jobState
	f      *registered
	args   []box[A]
	finish func([]outcome[T], error) (R, error)
}

func newCall[A, T, R any](f Func[A, T], args []box[A], finish func([]outcome[T], error) (R, error)) *call[A, T, R] {
	if f.r == nil {
		panic("future: a function was called that Register has not made")
	}
	c := &call[A, T, R]{f: f.r, args: args, finish: finish}
	c.owner.Canceller = c
	c.fut.p.Bind(nil, &c.owner)
	return c
}

func (c *call[A, T, R]) claim() bool { return c.state.CompareAndSwap(queued, started) }
func (c *call[A, T, R]) drop()       { c.CancelWaited(plainCause) }
func (c *call[A, T, R]) size() int   { return len(c.args) }

// CancelWaited implements loop.Canceller.
func (c *call[A, T, R]) CancelWaited(cause *loop.Cause) bool {
	if !c.state.CompareAndSwap(queued, withdrawn) {
		return false
	}
	return c.fut.p.Complete(*new(R), cancelledBy(cause), true)
}

func (c *call[A, T, R]) complete(outcomes []outcome[T], err error) {
	v, err := c.finish(outcomes, err)
	c.fut.p.Complete(v, err, false)
}

func (c *call[A, T, R]) fail(err error) { c.complete(nil, err) }

func (c *call[A, T, R]) encode(enc *gob.Encoder) error {
	if err := enc.Encode(callHead{c.f.name, len(c.args)}); err != nil {
		return err
	}
	if err := enc.Encode(c.args); err != nil {
		return fmt.Errorf("future: the argument of %s: %w", c.f.name, err)
	}
	return nil
}

func (c *call[A, T, R]) decode(worker string, dec *gob.Decoder) error {
	var head answerHead
	if err := dec.Decode(&head); err != nil || head.N != len(c.args) {
		return fmt.Errorf("future: the answer of %s: %d outcomes: %w", worker, head.N, err)
	}
	var results []box[T]
	if len(head.Marks) < head.N {
		var err error
		if results, err = decodeSlice[box[T]](dec, head.N); err != nil {
			return fmt.Errorf("future: the result of %s: %w", c.f.name, err)
		}
	}
	outcomes := make([]outcome[T], head.N)
	for i, r := range results {
		outcomes[i].v = r.V
	}
	for _, m := range head.Marks {
		var err error
		switch m.Kind {
		case markPanic:
			err = &PanicError{Value: m.Text, Stack: m.Stack}
		case markText:
			err = &WorkerError{worker, m.Text}
		default:
			var e errorBox
			if err := dec.Decode(&e); err != nil {
				return fmt.Errorf("future: an error of %s: %w", c.f.name, err)
			}
			err = e.Err
		}
		outcomes[m.Index].err = err
	}
	c.complete(outcomes, nil)
	return nil
}

// submit puts a call at the end of the queue.
func (p *ProcessPool) submit(c remoteCall) {
	p.mu.Lock()
	if p.shut {
		p.mu.Unlock()
		if c.claim() {
			c.fail(ErrShutdown)
		}
		return
	}
	p.queue.push(c)
	switch {
	case p.idle >= p.queue.len():
		p.more.Signal()
	case p.live < p.workers:
		n := p.live
		if last := len(p.free) - 1; last >= 0 {
			n, p.free = p.free[last], p.free[:last]
		}
		p.live++
		go p.run(n)
	}
	p.mu.Unlock()
}

// run is what a runner does: it has one worker process after the other do what is queued.
func (p *ProcessPool) run(n int) {
	name := fmt.Sprintf("%s-%d", p.name, n)
	var w *process
	calls := 0
	id := goid.Get()
	p.mu.Lock()
	p.runners[id] = struct{}{}
	p.mu.Unlock()
	defer func() {
		if w != nil {
			p.end(w, false)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.free = append(p.free, n)
		delete(p.runners, id)
		if p.live--; p.live == 0 && p.drained != nil {
			close(p.drained)
			p.drained = nil
		}
	}()
	for c := p.next(); c != nil; c = p.next() {
		if !c.claim() {
			continue
		}
		p.count(func(s *ProcessStats) { s.Running++ })
		// A worker that was killed while it was idle has not seen the call, and the next one may do it. That a
		// fresh one ends before it has begun, again and again, is no accident.
		again := true
		for tries := 0; again; tries++ {
			if w != nil && w.isGone() {
				p.end(w, true)
				p.count(func(s *ProcessStats) { s.Broken++ })
				w = nil
			}
			if w == nil {
				var err error
				if w, err = p.start(name); err != nil {
					c.fail(fmt.Errorf("future: starting %s: %w", name, err))
					break
				}
				calls = 0
			}
			usable, retry := w.do(c, p.limit*time.Duration(c.size()))
			if again = retry && tries < 3; retry && !again {
				c.fail(w.broken())
			}
			if !usable {
				p.count(func(s *ProcessStats) { s.Broken++ })
				p.end(w, true)
				w = nil
			}
		}
		p.count(func(s *ProcessStats) { s.Running--; s.Done++ })
		if calls++; w != nil && calls == p.max {
			p.end(w, false)
			w = nil
		}
	}
}

func (p *ProcessPool) count(change func(*ProcessStats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.stats)
}

// next waits for the next call, and returns nil when there will be none.
func (p *ProcessPool) next() remoteCall {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.queue.len() == 0 {
		if p.shut {
			return nil
		}
		p.idle++
		p.more.Wait()
		p.idle--
	}
	return p.queue.pop()
}

// start starts a worker process.
func (p *ProcessPool) start(name string) (*process, error) {
	w, err := startProcess(name, &p.stderr)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.procs[w] = struct{}{}
	p.stats.Started++
	if p.killed {
		w.cmd.Process.Kill()
	}
	return w, nil
}

// end ends a worker process.
func (p *ProcessPool) end(w *process, kill bool) {
	w.end(kill)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.procs, w)
}

// Shutdown ends the pool: no more calls are taken, and Shutdown waits until those that were are done and
// the worker processes have ended. If ctx ends first, it returns ctx's error and the pool goes on with
// the rest; [ProcessPool.Kill] is for those who cannot wait. It may be called again. It blocks the
// calling goroutine, so a task calls it in ToThread. A done callback of a call, which the pool waits for,
// gets [ErrOwnWorker], and the pool takes no more calls.
func (p *ProcessPool) Shutdown(ctx context.Context) error {
	p.check("Shutdown")
	if ctx == nil {
		panic("future: Shutdown was called with a nil ctx")
	}
	p.mu.Lock()
	p.shut = true
	p.more.Broadcast()
	_, own := p.runners[goid.Get()]
	if own || p.live == 0 {
		p.mu.Unlock()
		if own {
			return ErrOwnWorker
		}
		return nil
	}
	if p.drained == nil {
		p.drained = make(chan struct{})
	}
	drained := p.drained
	p.mu.Unlock()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// CancelPending takes all calls out of the queue that no worker has yet, cancels their futures, and
// returns how many that were.
func (p *ProcessPool) CancelPending() int {
	p.check("CancelPending")
	p.mu.Lock()
	var calls []remoteCall
	for p.queue.len() > 0 {
		calls = append(calls, p.queue.pop())
	}
	p.mu.Unlock()
	for _, c := range calls {
		c.drop()
	}
	return len(calls)
}

// Kill ends the pool at once: what is queued is cancelled, and the worker processes are killed, so that
// the calls they are at fail with [ErrBrokenWorker]. It stands for kill_workers. Shutdown then waits for
// the end.
func (p *ProcessPool) Kill() {
	p.check("Kill")
	p.mu.Lock()
	p.shut, p.killed = true, true
	p.more.Broadcast()
	p.mu.Unlock()
	p.CancelPending()
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.procs {
		w.cmd.Process.Kill()
	}
}

// Stats returns what the pool holds and has done.
func (p *ProcessPool) Stats() ProcessStats {
	p.check("Stats")
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Workers, s.Processes, s.Queued = p.workers, len(p.procs), p.queue.len()
	return s
}
