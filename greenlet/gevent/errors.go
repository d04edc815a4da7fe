package gevent

import (
	"errors"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/greenlet"
)

// Forever is a time that never comes: Python's None in place of seconds.
const Forever = async.Forever

// Void is the result of what has none.
type Void = async.Void

// A PanicError is the error of a greenlet that has panicked.
type PanicError = async.PanicError

// Errors of this package.
var (
	// ErrGreenletExit is what Kill throws by default. A greenlet that returns it has succeeded, with
	// nothing. It is [greenlet.ErrExit]: GreenletExit.
	ErrGreenletExit = greenlet.ErrExit
	// ErrLoopExit is returned by a wait that nothing can ever end: LoopExit, "This operation would
	// block forever". The error that is returned wraps it and tells who waits for what.
	ErrLoopExit = errors.New("gevent: this operation would block forever")
	// ErrBlockingInHub is returned by a wait in a callback of the hub: BlockingSwitchOutError.
	ErrBlockingInHub = errors.New("gevent: a callback of the hub cannot wait")
	// ErrEmpty and ErrFull are returned by queues that cannot give or take now: queue.Empty, queue.Full.
	ErrEmpty = errors.New("gevent: the queue is empty")
	ErrFull  = errors.New("gevent: the queue is full")
	// ErrShutdown is returned by a queue that is shut down: queue.ShutDown.
	ErrShutdown = errors.New("gevent: the queue is shut down")
	// ErrPoolFull is returned by a [Group] that has no room in time. It is an [ErrFull], too.
	ErrPoolFull error = poolFull{}
	// ErrNotReady is returned for a result that is not there yet.
	ErrNotReady = errors.New("gevent: not ready")
	// ErrNotOwner is returned by an [RLock] that is released by who does not have it.
	ErrNotOwner = errors.New("gevent: cannot release an RLock that somebody else has")
	// ErrConcurrentUse is returned by a connection that two greenlets read from, or write to, at the
	// same time: ConcurrentObjectUseError.
	ErrConcurrentUse = errors.New("gevent: another greenlet reads or writes here already")
)

type poolFull struct{}

func (poolFull) Error() string        { return "gevent: the pool is full" }
func (poolFull) Is(target error) bool { return target == ErrFull }
