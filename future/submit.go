package future

import (
	"sync/atomic"

	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/sourcegraph/conc/panics"
)

// An Executor runs functions somewhere else. It stands for concurrent.futures.Executor.
type Executor interface {
	// Execute has fn run, some time. It never blocks; after a shutdown it returns ErrShutdown.
	Execute(fn func()) error
}

// jobState is where a submitted job stands.
type jobState = uint32

const (
	queued jobState = iota
	ahead           // of a process pool: a worker has it already, and has not begun it
	started
	withdrawn
)

// submitted is a future of work on an executor, and that work.
type submitted[T any] struct {
	fut      Future[T]
	owner    loop.Owner
	fn       func() (T, error) // belongs to whoever moves state away from queued
	state    atomic.Uint32
	returned bool
}

// Submit has fn run by ex and returns the future of its outcome. It stands for Executor.submit. It
// does not block. The future belongs to no loop; tasks and goroutines can await it, and its done
// callbacks run on the worker that completes it, before that takes its next job.
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
	s := &submitted[T]{fn: fn}
	s.owner.Canceller = s
	s.fut.p.Bind(nil, &s.owner)
	var err error
	if p, ok := ex.(*Pool); ok {
		err = p.enqueue(s, false)
	} else {
		err = ex.Execute(func() { s.RunJob() })
	}
	if err != nil {
		s.state.Store(withdrawn)
		s.fut.p.Complete(*new(T), err, false)
	}
	return &s.fut
}

// RunJob implements promise.Job.
func (s *submitted[T]) RunJob() (ran bool) {
	if !s.state.CompareAndSwap(queued, started) {
		return false
	}
	defer s.crashed()
	fn := s.fn
	s.fn = nil
	v, err := fn()
	s.returned = true
	s.fut.p.Complete(v, err, false)
	return true
}

// crashed is deferred by RunJob, and completes the future if the function has not returned.
func (s *submitted[T]) crashed() {
	if s.returned {
		return
	}
	if v := recover(); v != nil {
		p := panics.NewRecovered(1, v)
		s.fut.p.Complete(*new(T), newPanicError(&p), false)
		return
	}
	s.fut.p.Complete(*new(T), ErrCancelled, true)
}

// DropJob implements promise.Job.
func (s *submitted[T]) DropJob() { s.CancelWaited(plainCause) }

// CancelWaited implements loop.Canceller.
func (s *submitted[T]) CancelWaited(c *loop.Cause) bool {
	if !s.state.CompareAndSwap(queued, withdrawn) {
		return false
	}
	s.fn = nil
	return s.fut.p.Complete(*new(T), cancelledBy(c), true)
}
