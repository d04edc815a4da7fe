package future

import (
	"context"
	"log/slog"

	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/asyncgo/asyncgo/internal/promise"
	"github.com/sourcegraph/conc/panics"
)

// An Awaitable is something whose result can be waited for: a [Future], a task, a
// coroutine of package async, or a type of yours.
type Awaitable[T any] interface {
	// Await waits for the result.
	Await(ctx context.Context) (T, error)
}

// A Future is a result that is not there yet. It is pending until it is completed, once: with a
// result, with an error, or by cancellation. It stands for asyncio.Future and
// concurrent.futures.Future.
//
// All methods are safe for use from any goroutine. A Future must not be copied. The zero value is a
// pending Future that is bound to no loop.
type Future[T any] struct {
	p promise.Promise[T]
}

// check panics if there is no future.
func (f *Future[T]) check(method string) {
	if f == nil {
		panicNil(method)
	}
}

// panicNil is apart, so that check is small enough to be inlined.
func panicNil(method string) { panic("future: " + method + " was called on a nil Future") }

// New returns a pending Future that is bound to no loop: its done callbacks run on the goroutine that completes
// it.
func New[T any]() *Future[T] { return new(Future[T]) }

// Resolved returns a Future that has the result v.
func Resolved[T any](v T) *Future[T] {
	f := New[T]()
	f.p.Complete(v, nil, false)
	return f
}

// Failed returns a Future that has failed with err, which must not be nil.
func Failed[T any](err error) *Future[T] {
	f := New[T]()
	if e := f.SetError(err); e != nil {
		panic(e) // cannot be: nobody else has it
	}
	return f
}

// SetResult completes the future with a result. It returns [ErrInvalidState] if it is done already,
// or is the future of a task, of a gather or of a job, which nobody else can complete.
//
// Those who wait are made ready in the order in which they began to; done callbacks are among them.
// None of them runs before SetResult returns, unless the future is bound to no loop: then the
// callbacks run here.
func (f *Future[T]) SetResult(v T) error {
	f.check("SetResult")
	if f.p.Owned() || !f.p.Complete(v, nil, false) {
		return ErrInvalidState
	}
	return nil
}

// SetError completes the future with an error, like Python's set_exception. It returns
// [ErrInvalidState] as SetResult does, and panics if err is nil.
func (f *Future[T]) SetError(err error) error {
	f.check("SetError")
	if err == nil {
		panic("future: SetError was called with a nil error")
	}
	var zero T
	if f.p.Owned() || !f.p.Complete(zero, err, false) {
		return ErrInvalidState
	}
	return nil
}

// Cancel cancels the future and reports whether that had an effect; it has none on a future that is
// done. A future that stands for a task, for a gather or for a job passes the cancellation on and
// is done when that has ended. The message, if any, is found in the [CancelledError].
func (f *Future[T]) Cancel(msg ...string) bool {
	f.check("Cancel")
	return f.p.CancelWaited(cancelCause(msg))
}

// Promise returns the inside of the future. It is for asyncgo's own packages.
func (f *Future[T]) Promise() *promise.Promise[T] { return &f.p }

// Completion returns the untyped inside of the future. It is for asyncgo's own packages.
func (f *Future[T]) Completion() *loop.Completion { return &f.p.Completion }

// Done returns a channel that is closed when the future is done. It is made on first use.
func (f *Future[T]) Done() <-chan struct{} {
	f.check("Done")
	return f.p.Done()
}

// IsDone reports whether the future has a result, an error, or was cancelled. It stands for done().
func (f *Future[T]) IsDone() bool {
	f.check("IsDone")
	return !f.p.Pending()
}

// Cancelled reports whether the future was cancelled.
func (f *Future[T]) Cancelled() bool {
	f.check("Cancelled")
	return f.p.State() == loop.Cancelled
}

// Result returns the outcome without waiting: the result, or the error it failed with, or a
// [CancelledError]. While the future is pending, the error is [ErrInvalidState], "result is not set".
func (f *Future[T]) Result() (T, error) {
	f.check("Result")
	if f.p.Pending() {
		return *new(T), errNotSet
	}
	return f.p.Outcome()
}

// Err returns the error of the outcome: nil while the future is pending and when it succeeded. It
// stands for exception().
func (f *Future[T]) Err() error {
	f.check("Err")
	if f.p.Pending() {
		return nil
	}
	return f.p.Err()
}

// Await waits for the outcome and returns it, like Result. A future that is done returns it at
// once, without giving way to other tasks. Otherwise a task is suspended, and goes on one tick
// after the future is completed; a plain goroutine blocks. Those who wait go on in the order in
// which they began to.
//
// If a task is cancelled while it waits, what it waits for is cancelled too; Shield prevents that.
// If the future is done by then, or it cannot be cancelled, Await returns [ErrCancelled], or
// [ErrTimeout] if ctx ended by async.WithTimeout. If ctx ends while a plain goroutine waits, Await
// returns and leaves the future alone.
//
// In a callback, which cannot wait, Await returns async.ErrNotInTask.
func (f *Future[T]) Await(ctx context.Context) (T, error) {
	f.check("Await")
	return f.p.Await(ctx)
}

// AddDoneCallback has fn called with the future when it is done. Callbacks and tasks that wait are
// served in one order, that of registration. A future that belongs to a loop has its callbacks run
// by the loop, each as an entry of its own in the ready queue, never inline; if the loop is closed
// by then, they are not called. A future without a loop has them run by the goroutine that
// completes it, or at once if it is done. A panic in a callback is reported and does no harm to
// others.
//
// remove takes the callback back and reports whether it did: once the future is done it is too
// late.
func (f *Future[T]) AddDoneCallback(fn func(*Future[T])) (remove func() bool) {
	f.check("AddDoneCallback")
	if fn == nil {
		panic("future: AddDoneCallback was called with a nil function")
	}
	cb := &callback[T]{f: f, fn: fn, vars: loop.Snapshot()}
	cb.w = loop.MakeWaiter(cb)
	if !f.p.Add(&cb.w) {
		if cb.Notify(loop.Inside()) {
			cb.RunReady()
		}
	}
	return func() bool { return f.p.Remove(&cb.w) }
}

// callback is a done callback.
type callback[T any] struct {
	w    loop.Waiter
	f    *Future[T]
	fn   func(*Future[T])
	vars *loop.Vars
}

// Notify implements loop.Party.
func (cb *callback[T]) Notify(in *loop.Loop) (run bool) {
	home := cb.f.p.Home()
	if home == nil {
		return true
	}
	home.Push(cb, in)
	return false
}

// RunReady implements loop.Runnable.
func (cb *callback[T]) RunReady() {
	if cb.f.p.Home() != nil {
		cb.vars.Run(func() { cb.fn(cb.f) })
		return
	}
	var catcher panics.Catcher
	catcher.Try(func() { cb.fn(cb.f) })
	if p := catcher.Recovered(); p != nil {
		slog.Error("future: a done callback panicked", "error", newPanicError(p))
	}
}

// String describes the future as Python's repr does: its state, and its result or error.
func (f *Future[T]) String() string {
	f.check("String")
	return f.p.String()
}
