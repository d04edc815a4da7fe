package future

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/asyncgo/asyncgo/internal/loop"
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
	c   loop.Completion
	val T     // written before c is done, read after
	err error // likewise

	// owner, if set, is what Cancel asks instead of completing the future itself. It is written by
	// Bind, before anybody can call Cancel.
	owner *loop.Owner
}

// New returns a pending Future that is bound to no loop: its done callbacks run on the goroutine that completes
// it.
func New[T any]() *Future[T] { return new(Future[T]) }

// Resolved returns a Future that has the result v.
func Resolved[T any](v T) *Future[T] {
	f := New[T]()
	f.Complete(v, nil, false)
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
	if f.owner != nil || !f.Complete(v, nil, false) {
		return ErrInvalidState
	}
	return nil
}

// SetError completes the future with an error, like Python's set_exception. It returns
// [ErrInvalidState] as SetResult does, and panics if err is nil.
func (f *Future[T]) SetError(err error) error {
	if err == nil {
		panic("future: SetError was called with a nil error")
	}
	var zero T
	if f.owner != nil || !f.Complete(zero, err, false) {
		return ErrInvalidState
	}
	return nil
}

// Cancel cancels the future and reports whether that had an effect; it has none on a future that is
// done. A future that stands for a task, for a gather or for a job passes the cancellation on and
// is done when that has ended. The message, if any, is found in the [CancelledError].
func (f *Future[T]) Cancel(msg ...string) bool {
	if f == nil {
		panic("future: Cancel was called on a nil Future")
	}
	return f.CancelWaited(CancelCause(msg...))
}

// CancelWaited is Cancel as a task does it to what it waits for. It is for asyncgo's own packages.
func (f *Future[T]) CancelWaited(c *loop.Cause) bool {
	if f.c.State() != loop.Pending {
		f.retrieved()
		return false
	}
	if f.owner != nil {
		return f.owner.CancelWaited(c)
	}
	return f.Complete(*new(T), CancelledBy(c), true)
}

// CancelledBy returns the CancelledError of something that was cancelled for the given cause. It is
// for asyncgo's own packages.
func CancelledBy(c *loop.Cause) error {
	if IsCancelled(c.Cause) {
		return c.Cause
	}
	return ErrCancelled
}

// Complete completes the future with an outcome and reports false if it is done already. It is
// for asyncgo's own packages: SetResult, SetError and Cancel do it for everybody else.
func (f *Future[T]) Complete(v T, err error, cancelled bool) bool {
	return f.CompleteIn(nil, v, err, cancelled)
}

// CompleteIn is Complete for a caller that knows which loop it is inside of. It is for asyncgo's own packages.
func (f *Future[T]) CompleteIn(in *loop.Loop, v T, err error, cancelled bool) bool {
	if !f.c.Begin() {
		return false
	}
	f.val, f.err = v, err
	state := loop.Succeeded
	switch {
	case cancelled:
		state = loop.Cancelled
	case err != nil:
		state = loop.Failed
		if home := f.c.Home(); home != nil && !IsCancelled(err) {
			failure := home.Watch("future", err)
			f.c.Watch(failure)
			watch(f, failure)
		}
	}
	f.c.CommitIn(state, in)
	return true
}

// Bind binds a future that nobody else has seen yet to a loop, and has Cancel ask owner if that is
// not nil. It is for asyncgo's own packages.
func (f *Future[T]) Bind(home *loop.Loop, owner *loop.Owner) {
	f.c.SetHome(home)
	f.owner = owner
}

// NameFailure sets what the report of an error that nobody looked at says has failed. It is for asyncgo's own
// packages.
func (f *Future[T]) NameFailure(what string) {
	if failure := f.c.Failure(); failure != nil {
		failure.Rename(what)
	}
}

// Completion returns the untyped side of the future. It is for asyncgo's own packages.
func (f *Future[T]) Completion() *loop.Completion { return &f.c }

// Done returns a channel that is closed when the future is done. It is made on first use.
func (f *Future[T]) Done() <-chan struct{} { return f.c.Done() }

// IsDone reports whether the future has a result, an error, or was cancelled. It stands for done().
func (f *Future[T]) IsDone() bool { return f.c.State() != loop.Pending }

// Cancelled reports whether the future was cancelled.
func (f *Future[T]) Cancelled() bool { return f.c.State() == loop.Cancelled }

// Result returns the outcome without waiting: the result, or the error it failed with, or a
// [CancelledError]. While the future is pending, the error is [ErrInvalidState], "result is not set".
func (f *Future[T]) Result() (T, error) {
	if !f.IsDone() {
		return *new(T), errNotSet
	}
	f.retrieved()
	return f.val, f.err
}

// Err returns the error of the outcome: nil while the future is pending and when it succeeded. It
// stands for exception().
func (f *Future[T]) Err() error {
	if !f.IsDone() {
		return nil
	}
	f.retrieved()
	return f.err
}

// retrieved notes that somebody has looked at the error, so that it need not be reported.
func (f *Future[T]) retrieved() {
	if failure := f.c.Failure(); failure != nil {
		failure.Seen()
	}
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
	if f == nil {
		panic("future: Await was called on a nil Future")
	}
	if f.c.State() == loop.Pending {
		var target loop.Canceller = f
		if f.owner != nil {
			target = f.owner.Canceller
		}
		cause, err := f.c.Wait(ctx, target)
		if err != nil {
			return *new(T), err
		}
		// What was cancelled says so itself, in the words of whoever cancelled it. Only a timeout of ctx is
		// something else for those who wait.
		if cause != nil && IsCancelled(f.err) && !IsCancelled(cause.Wait) {
			return *new(T), cause.Wait
		}
	}
	f.retrieved()
	return f.val, f.err
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
	switch {
	case f == nil:
		panic("future: AddDoneCallback was called on a nil Future")
	case fn == nil:
		panic("future: AddDoneCallback was called with a nil function")
	}
	cb := &callback[T]{f: f, fn: fn, vars: loop.Snapshot()}
	cb.w = loop.MakeWaiter(cb)
	if !f.c.Add(&cb.w) {
		if cb.Notify(loop.Inside()) {
			cb.RunReady()
		}
	}
	return func() bool { return f.c.Remove(&cb.w) }
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
	home := cb.f.c.Home()
	if home == nil {
		return true
	}
	home.Push(cb, in)
	return false
}

// RunReady implements loop.Runnable.
func (cb *callback[T]) RunReady() {
	if cb.f.c.Home() != nil {
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
	if at := f.c.CreatedAt(); at != "" {
		return "Future(" + f.Describe() + ", created at " + at + ")"
	}
	return "Future(" + f.Describe() + ")"
}

// Describe returns what String shows between the parentheses. It is for asyncgo's own packages.
func (f *Future[T]) Describe() string {
	switch f.c.State() {
	case loop.Succeeded:
		return "finished, result: " + Abbreviate(fmt.Sprintf("%#v", f.val))
	case loop.Failed:
		return "finished, error: " + Abbreviate(f.err.Error())
	case loop.Cancelled:
		return "cancelled"
	}
	if n := f.c.Waiting(); n > 0 {
		return fmt.Sprintf("pending, %d waiting", n)
	}
	return "pending"
}

// Abbreviate shortens a text for a one-line description.
func Abbreviate(s string) string {
	r := []rune(s)
	for i, c := range r {
		if c == '\n' {
			r = r[:i]
			break
		}
	}
	if len(r) <= 40 {
		return string(r)
	}
	return string(r[:18]) + "…" + string(r[len(r)-18:])
}
