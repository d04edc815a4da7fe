package gevent

import "time"

// A DummySemaphore is one that never blocks and counts nothing: gevent.lock.DummySemaphore.
type DummySemaphore struct{}

// Acquire reports true at once.
func (DummySemaphore) Acquire(...time.Duration) (bool, error) { return true, nil }

// TryAcquire reports true.
func (DummySemaphore) TryAcquire() bool { return true }

// Release does nothing.
func (DummySemaphore) Release() {}

// With calls fn.
func (DummySemaphore) With(fn func() error) error { return fn() }

// Wait returns 1 at once.
func (DummySemaphore) Wait(...time.Duration) (int, error) { return 1, nil }

// Counter returns 1.
func (DummySemaphore) Counter() int { return 1 }

// Locked reports false.
func (DummySemaphore) Locked() bool { return false }

// Ready reports true.
func (DummySemaphore) Ready() bool { return true }
