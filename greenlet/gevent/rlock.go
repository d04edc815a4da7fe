package gevent

import (
	"sync"
	"time"
)

// An RLock is a lock that its owner, a greenlet, can take again: gevent.lock.RLock. The zero value is free.
type RLock struct {
	once  sync.Once
	sem   *Semaphore
	mu    sync.Mutex
	owner identity
	depth int
}

func (r *RLock) semaphore() *Semaphore {
	r.once.Do(func() { r.sem = NewSemaphore(1) })
	return r.sem
}

// Acquire takes the lock, once more if the caller has it, and reports true, or false when the limit is over:
// acquire(timeout). With a limit of 0 it does not wait.
func (r *RLock) Acquire(limit ...time.Duration) (bool, error) {
	r.mu.Lock()
	if me := whoami(); r.depth > 0 && r.owner == me {
		r.depth++
		r.mu.Unlock()
		return true, nil
	}
	r.mu.Unlock()
	ok, err := r.semaphore().Acquire(limit...)
	if ok {
		r.mu.Lock()
		r.owner, r.depth = whoami(), 1
		r.mu.Unlock()
	}
	return ok, err
}

// Release gives the lock back as often as it was taken: release(). It returns [ErrNotOwner] to others.
func (r *RLock) Release() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.depth == 0 || r.owner != whoami() {
		return ErrNotOwner
	}
	if r.depth--; r.depth == 0 {
		r.owner = identity{}
		r.semaphore().Release()
	}
	return nil
}

// Locked reports whether somebody has the lock: locked().
func (r *RLock) Locked() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.depth > 0
}

// With calls fn with the lock.
func (r *RLock) With(fn func() error) error {
	if _, err := r.Acquire(); err != nil {
		return err
	}
	defer r.Release()
	return fn()
}
