package gevent

import (
	"fmt"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// An AsyncResult is a result or an error that greenlets wait for: gevent.event.AsyncResult. The zero value has
// none yet.
type AsyncResult[T any] struct {
	mu    sync.Mutex
	value T
	err   error
	done  loop.Completion
}

// Set sets the result and wakes all who wait: set(). A second one takes the place of the first.
func (a *AsyncResult[T]) Set(v T) { a.put(v, nil) }

// SetException sets an error: set_exception(). It panics if err is nil.
func (a *AsyncResult[T]) SetException(err error) {
	if err == nil {
		panic("gevent: SetException was called with a nil error")
	}
	a.put(*new(T), err)
}

func (a *AsyncResult[T]) put(v T, err error) {
	a.mu.Lock()
	a.value, a.err = v, err
	a.mu.Unlock()
	commit(&a.done)
}

// SetFrom sets the outcome of a greenlet that has ended. It is for Link.
func (a *AsyncResult[T]) SetFrom(g *Greenlet[T]) { a.put(g.Value(), g.Exception()) }

func (a *AsyncResult[T]) outcome() (T, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.value, a.err
}

func (a *AsyncResult[T]) await() error {
	if a.Ready() {
		return nil
	}
	return waitFor(&a.done, a)
}

// Get waits for the outcome and returns it, each time: get().
func (a *AsyncResult[T]) Get() (T, error) {
	if err := a.await(); err != nil {
		return *new(T), err
	}
	return a.outcome()
}

// GetTimeout is [AsyncResult.Get] with a limit; when it is over, the error is a [Timeout]: get(timeout). With d ≤ 0
// it does not wait.
func (a *AsyncResult[T]) GetTimeout(d time.Duration) (T, error) {
	if d <= 0 && !a.Ready() {
		return *new(T), newTimeout(Forever)
	}
	if err := newTimeout(d).limit(a.await); err != nil {
		return *new(T), err
	}
	return a.outcome()
}

// GetNowait returns the outcome, or [ErrNotReady] if there is none yet, where Python raises a Timeout: get_nowait().
func (a *AsyncResult[T]) GetNowait() (T, error) {
	if !a.Ready() {
		return *new(T), ErrNotReady
	}
	return a.outcome()
}

// Wait waits for the outcome and returns the value, zero if it is an error or the limit is over: wait(timeout).
func (a *AsyncResult[T]) Wait(limit ...time.Duration) (T, error) {
	if over, err := within(limit, a.await); over || err != nil {
		return *new(T), err
	}
	v, _ := a.outcome()
	return v, nil
}

// Ready reports whether there is an outcome: ready().
func (a *AsyncResult[T]) Ready() bool { return a.done.State() != loop.Pending }

// Successful reports whether there is a value: successful().
func (a *AsyncResult[T]) Successful() bool {
	_, err := a.outcome()
	return a.Ready() && err == nil
}

// Value returns the value, zero if there is none: value.
func (a *AsyncResult[T]) Value() T {
	v, _ := a.outcome()
	return v
}

// Exception returns the error, or nil: exception.
func (a *AsyncResult[T]) Exception() error {
	_, err := a.outcome()
	return err
}

// RawLink has fn called by the hub of the caller when there is an outcome: rawlink. Calling unlink takes that back.
func (a *AsyncResult[T]) RawLink(fn func(*AsyncResult[T])) (unlink func()) {
	return linkTo(&a.done, homeLoop(), func() { fn(a) }).from(&a.done)
}

// String describes the result.
func (a *AsyncResult[T]) String() string { return fmt.Sprintf("AsyncResult(ready: %v)", a.Ready()) }

func (a *AsyncResult[T]) completion() *loop.Completion { return &a.done }
