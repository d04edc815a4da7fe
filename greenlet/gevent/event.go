package gevent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// An Event is a flag that greenlets wait for: gevent.event.Event. The zero value is one that is not set.
type Event struct {
	mu     sync.Mutex
	set    bool
	change *loop.Completion // done by the next Set
	last   *loop.Completion // done by the last one
}

// pending returns the completion that the next Set does. mu is held.
func (e *Event) pending() *loop.Completion {
	if e.change == nil {
		e.change = new(loop.Completion)
	}
	return e.change
}

// Set sets the flag and wakes all who wait, in the order in which they came: set(). They run when the caller
// waits, even if the flag is cleared before.
func (e *Event) Set() {
	e.mu.Lock()
	c := e.change
	e.set, e.change = true, nil
	if c != nil {
		e.last = c
	}
	e.mu.Unlock()
	if c != nil && c.Begin() {
		c.Commit(loop.Succeeded)
	}
}

// Clear takes the flag back: clear().
func (e *Event) Clear() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.set = false
}

// IsSet reports whether the flag is set: is_set().
func (e *Event) IsSet() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.set
}

// Ready is [Event.IsSet].
func (e *Event) Ready() bool { return e.IsSet() }

// Wait waits for Set and reports true, or false when the limit is over: wait(timeout). If the flag is set it
// returns at once, or behind those whom the last Set has woken and who have not run yet.
func (e *Event) Wait(limit ...time.Duration) (bool, error) {
	if len(limit) > 0 {
		return e.waitWithin(limit)
	}
	c, err := e.next()
	if c == nil {
		return true, err
	}
	// As wait, without its closures, whose frames would have the stack of who waits grow from 2 KB to 4 KB.
	me, err := me()
	if err == nil {
		me.mark()
		_, err = c.Wait(me.task, refuser{e})
		err = me.after(err)
	}
	return err == nil, err
}

// next returns what is done by the next Set, or nil if there is nothing to wait for.
func (e *Event) next() (*loop.Completion, error) {
	e.mu.Lock()
	if !e.set {
		c := e.pending()
		e.mu.Unlock()
		return c, nil
	}
	last := e.last
	e.last = nil
	e.mu.Unlock()
	if last == nil || loop.Here() == nil {
		return nil, nil
	}
	return nil, Sleep(0)
}

func (e *Event) waitWithin(limit []time.Duration) (bool, error) {
	c, err := e.next()
	switch {
	case c == nil:
		return true, err
	case limit[0] <= 0:
		return false, nil
	}
	over, err := within(limit, func() error {
		return wait(func(ctx context.Context) error {
			_, err := c.Wait(ctx, refuser{e})
			return err
		})
	})
	return !over && err == nil, err
}

// RawLink has fn called by the hub of the caller after the next Set, once; soon if the flag is set: rawlink.
func (e *Event) RawLink(fn func(*Event)) {
	l := homeLoop()
	e.mu.Lock()
	c := e.pending()
	if e.set {
		c = doneCompletion
	}
	e.mu.Unlock()
	linkTo(c, l, func() { fn(e) })
}

// Waiters returns how many wait or are linked: linkcount().
func (e *Event) Waiters() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.change == nil {
		return 0
	}
	return e.change.Waiting()
}

// String describes the event.
func (e *Event) String() string { return fmt.Sprintf("Event(set: %v)", e.IsSet()) }

func (e *Event) completion() *loop.Completion {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.pending()
}

// doneCompletion is one that is done.
var doneCompletion = func() *loop.Completion {
	c := new(loop.Completion)
	c.Begin()
	c.Commit(loop.Succeeded)
	return c
}()

// homeLoop returns the loop that the callbacks of the caller run in. A goroutine without one gets a hub.
func homeLoop() *loop.Loop {
	if l := loop.Inside(); l != nil {
		return l
	}
	c, err := me()
	if err != nil {
		panic(err.Error())
	}
	return c.l
}

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
	if a.done.Begin() {
		a.done.Commit(loop.Succeeded)
	}
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
	return wait(func(ctx context.Context) error {
		_, err := a.done.Wait(ctx, refuser{a})
		return err
	})
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

// RawLink has fn called by the hub of the caller when there is an outcome: rawlink.
func (a *AsyncResult[T]) RawLink(fn func(*AsyncResult[T])) {
	linkTo(&a.done, homeLoop(), func() { fn(a) })
}

// String describes the result.
func (a *AsyncResult[T]) String() string { return fmt.Sprintf("AsyncResult(ready: %v)", a.Ready()) }

func (a *AsyncResult[T]) completion() *loop.Completion { return &a.done }
