package future

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"

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
// A worker gets one call ahead of the one it is at, so that it need not wait between them. Until it comes
// to that, another may take it over.
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
	Queued    int    // calls that have not begun, cancelled ones included until their turn comes
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

// CallLimit has a worker killed that takes longer for a call, which then fails with [ErrTimeout]. The start of a worker counts as
// part of its first call. A chunk
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

// submit puts a call at the end of the queue.
func (p *ProcessPool) submit(c remoteCall) {
	p.mu.Lock()
	if p.shut {
		p.mu.Unlock()
		if c.place().claim() {
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
		go p.run(&runner{number: n, name: fmt.Sprintf("%s-%d", p.name, n)})
	}
	p.mu.Unlock()
}

// A runner has one worker process after the other do what is queued.
type runner struct {
	number int
	name   string
	w      *process // or nil
}

// run is the goroutine of a runner.
func (p *ProcessPool) run(r *runner) {
	id := goid.Get()
	p.mu.Lock()
	p.runners[id] = struct{}{}
	p.mu.Unlock()
	busy := false
	defer func() {
		if r.w != nil && !busy {
			p.end(r.w, false)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.runners, id)
		if busy { // a done callback has left by runtime.Goexit
			p.stats.Running--
			p.stats.Done++
			go p.run(r)
			return
		}
		p.free = append(p.free, r.number)
		if p.live--; p.live == 0 && p.drained != nil {
			close(p.drained)
			p.drained = nil
		}
	}()
	for c, sent := p.next(r.w); c != nil; c, sent = p.next(r.w) {
		busy = true
		p.do(r, c, sent)
		busy = false
		p.count(func(s *ProcessStats) { s.Running--; s.Done++ })
		if r.w != nil && p.max > 0 && r.w.calls >= p.max {
			w := r.w
			r.w = nil
			p.end(w, false)
		}
	}
}

// do has a call done by the worker of a runner, which may have it already, or by a new one.
func (p *ProcessPool) do(r *runner, c remoteCall, sent bool) {
	// A worker that was killed while it was idle has not seen the call, and the next one may do it. That a
	// fresh one ends before it has begun, again and again, is no accident.
	for tries := 0; ; tries++ {
		if r.w != nil && r.w.isGone() && !sent {
			p.lose(r)
		}
		if r.w == nil {
			var err error
			if r.w, err = p.start(r.name); err != nil {
				c.fail(fmt.Errorf("future: starting %s: %w", r.name, err))
				return
			}
		}
		w := r.w
		ended := w.killAfter(p.limit * time.Duration(c.size()))
		if !sent {
			if err := w.encode(c); err != nil {
				if !ended() {
					p.lose(r)
				}
				c.fail(err)
				return
			}
			w.tickets.issue(c.place())
			w.to.send(w.in, frameCall) // if it fails, so does what comes
		}
		w.calls++
		p.sendAhead(w)
		usable, again := w.await(c, ended)
		if again && tries == 3 {
			again = false
			c.fail(w.broken())
		}
		if usable {
			return
		}
		p.lose(r)
		if !again {
			return
		}
		sent = false
	}
}

// lose ends the worker of a runner, which is broken.
func (p *ProcessPool) lose(r *runner) {
	p.count(func(s *ProcessStats) { s.Broken++ })
	w := r.w
	r.w = nil // whatever callbacks do
	p.end(w, true)
}

func (p *ProcessPool) count(change func(*ProcessStats)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.stats)
}

// stale is for how long a call may be ahead at a worker before another takes it that comes for a call. The
// one that it waits for is a long one then, so that little is lost.
const stale = 20 * time.Millisecond

// next waits for the next call, and returns nil when there will be none. It may be one that the worker w,
// if not nil, was sent.
func (p *ProcessPool) next(w *process) (c remoteCall, sent bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w != nil {
		if c := w.tickets.promote(); c != nil {
			p.stats.Running++
			return c, true
		}
	}
	for {
		if c = p.oldest(); c == nil {
			c = p.takeAhead(0)
		}
		switch {
		case c != nil:
			if c.place().claim() {
				p.stats.Running++
				return c, false
			}
		case p.shut:
			return nil, false
		default:
			p.idle++
			p.more.Wait()
			p.idle--
		}
	}
}

// oldest takes the call that has waited for longest, or returns nil if only those are left that are ahead since a moment ago.
func (p *ProcessPool) oldest() remoteCall {
	if c := p.takeAhead(stale); c != nil || p.queue.len() == 0 {
		return c
	}
	return p.queue.pop()
}

// takeAhead takes a call from a worker that has it ahead for so long already.
func (p *ProcessPool) takeAhead(age time.Duration) remoteCall {
	for w := range p.procs {
		if c := w.tickets.takeAhead(age); c != nil {
			return c
		}
	}
	return nil
}

// sendAhead sends the worker the call that it is to do after the one it is at, if there are more than other
// workers come for.
func (p *ProcessPool) sendAhead(w *process) {
	for c := p.reserve(w); c != nil; c = p.reserve(w) {
		if err := w.encode(c); err != nil {
			if ours, _ := w.tickets.takeBack(c.place(), started); ours {
				c.fail(err)
			}
			continue
		}
		if w.tickets.issueAhead(c) {
			w.to.send(w.in, frameCall) // if it fails, so does the call before
			return
		}
		w.to.abandon()
	}
}

// reserve finds the call that sendAhead sends.
func (p *ProcessPool) reserve(w *process) remoteCall {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.max > 0 && w.calls >= p.max || p.limit > 0 {
		return nil // with a limit, it must be certain whose time is over
	}
	for p.queue.len() > p.live-p.stats.Running {
		if c := p.oldest(); w.tickets.reserve(c) {
			return c
		}
	}
	return nil
}

// start starts a worker process.
func (p *ProcessPool) start(name string) (*process, error) {
	p.mu.Lock()
	killed := p.killed
	p.mu.Unlock()
	if killed {
		return nil, fmt.Errorf("%w: its pool was killed", ErrBrokenWorker)
	}
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

// end ends a worker process. The call that it had ahead goes back to the queue.
func (p *ProcessPool) end(w *process, kill bool) {
	w.end(kill)
	p.mu.Lock()
	delete(p.procs, w)
	c, lost := w.tickets.close()
	killed := p.killed
	if c != nil && !lost && !killed {
		p.queue.pushFront(c)
		p.more.Signal()
	}
	p.mu.Unlock()
	switch {
	case c == nil:
	case lost:
		c.fail(w.broken())
	case killed:
		c.drop()
	}
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

// CancelPending takes all calls out of the queue that have not begun, cancels their futures, and returns
// how many that were.
func (p *ProcessPool) CancelPending() int {
	p.check("CancelPending")
	p.mu.Lock()
	calls := p.pending()
	p.mu.Unlock()
	for _, c := range calls {
		c.drop()
	}
	return len(calls)
}

// pending takes all calls out of the queue that have not begun.
func (p *ProcessPool) pending() (calls []remoteCall) {
	for c := p.takeAhead(0); c != nil; c = p.takeAhead(0) {
		calls = append(calls, c)
	}
	for p.queue.len() > 0 {
		calls = append(calls, p.queue.pop())
	}
	return calls
}

// Kill ends the pool at once: what is queued is cancelled, and the worker processes are killed, so that
// the calls they are at fail with [ErrBrokenWorker]. It stands for kill_workers. Shutdown then waits for
// the end.
func (p *ProcessPool) Kill() {
	p.check("Kill")
	p.mu.Lock()
	p.shut, p.killed = true, true
	p.more.Broadcast()
	calls := p.pending()
	for w := range p.procs {
		w.cmd.Process.Kill()
	}
	p.mu.Unlock()
	for _, c := range calls {
		c.drop()
	}
}

// Stats returns what the pool holds and has done.
func (p *ProcessPool) Stats() ProcessStats {
	p.check("Stats")
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Workers, s.Processes, s.Queued = p.workers, len(p.procs), p.queue.len()
	for w := range p.procs {
		if w.tickets.hasAhead() {
			s.Queued++
		}
	}
	return s
}
