package future

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/sourcegraph/conc/panics"
)

// ErrCancelled is what a wait returns when it was cancelled, and what a cancelled future
// holds. It stands for Python's CancelledError; errors.Is(ErrCancelled,
// context.Canceled) holds.
var ErrCancelled error = &CancelledError{}

// ErrTimeout is what a wait returns when its time is over. It stands for Python's
// TimeoutError; errors.Is(ErrTimeout, context.DeadlineExceeded) holds, and it has the method
// Timeout of net.Error.
var ErrTimeout error = timeoutError{}

// ErrInvalidState is returned when a future is asked for a result it does not have yet, or given
// one when it has one already. It stands for Python's InvalidStateError.
var ErrInvalidState = errors.New("invalid state")

// ErrShutdown is returned by an executor that takes no more work.
var ErrShutdown = errors.New("future: cannot schedule new work after shutdown")

// errNotSet is what Result returns while the future is pending.
var errNotSet error = &stateError{"result is not set"}

type stateError struct{ text string }

func (e *stateError) Error() string        { return e.text }
func (e *stateError) Is(target error) bool { return target == ErrInvalidState }

// A CancelledError is ErrCancelled with the message that was given to Cancel. Find it with
// errors.As.
type CancelledError struct {
	// Msg is Python's args[0] of the CancelledError; empty if none was given.
	Msg   string
	cause error
}

// Error returns "cancelled" and the message.
func (e *CancelledError) Error() string {
	if e.Msg == "" {
		return "cancelled"
	}
	return "cancelled: " + e.Msg
}

// Is reports whether target is [ErrCancelled] or [context.Canceled].
func (e *CancelledError) Is(target error) bool {
	return target == ErrCancelled || target == context.Canceled
}

// Unwrap returns the cause of the standard context that was cancelled, if it has one of its own.
func (e *CancelledError) Unwrap() error { return e.cause }

type timeoutError struct{}

func (timeoutError) Error() string        { return "timed out" }
func (timeoutError) Timeout() bool        { return true }
func (timeoutError) Temporary() bool      { return true }
func (timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// timeoutCause is a timeout for which the context gives a cause of its own.
type timeoutCause struct {
	timeoutError
	cause error
}

func (e *timeoutCause) Error() string { return "timed out: " + e.cause.Error() }
func (e *timeoutCause) Is(target error) bool {
	return target == ErrTimeout || e.timeoutError.Is(target)
}
func (e *timeoutCause) Unwrap() error { return e.cause }

// A PanicError is a panic that was caught where it would have ended somebody else: in a task, a
// callback or a job of a pool.
type PanicError struct {
	// Value is what panic was called with.
	Value any
	// Stack is the stack of the goroutine at the panic, as runtime/debug formats it.
	Stack []byte
}

// Error returns the panic's value and its stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack)
}

// Unwrap returns Value when it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// newPanicError keeps what conc has caught.
func newPanicError(p *panics.Recovered) error {
	// A panic that was carried here from elsewhere keeps its first stack.
	if e, ok := p.Value.(*PanicError); ok {
		return e
	}
	return &PanicError{Value: p.Value, Stack: p.Stack}
}

// An ErrorGroup holds the errors of several tasks that failed together. It stands for Python's
// ExceptionGroup; errors.Is and errors.As look into it.
type ErrorGroup struct {
	// Msg says what failed.
	Msg string
	// Errs holds the errors, in the order in which they happened.
	Errs []error
}

// Error returns Msg, the number of errors, and each of them on a line.
func (g *ErrorGroup) Error() string {
	var b strings.Builder
	plural := "s"
	if len(g.Errs) == 1 {
		plural = ""
	}
	fmt.Fprintf(&b, "%s (%d sub-exception%s)", g.Msg, len(g.Errs), plural)
	for _, err := range g.Errs {
		b.WriteString("\n  - ")
		b.WriteString(strings.ReplaceAll(fmt.Sprint(err), "\n", "\n    "))
	}
	return b.String()
}

// Unwrap returns the errors.
func (g *ErrorGroup) Unwrap() []error { return g.Errs }

// IsCancelled reports whether err says, on its own chain, that something was cancelled: it is a
// [CancelledError] or wraps one. An [ErrorGroup] or a joined error with a cancellation among others
// does not say so, nor does a [PanicError].
func IsCancelled(err error) bool { return chainSays(err, false) }

// isCancellation is IsCancelled, and takes [context.Canceled] for a cancellation too.
func isCancellation(err error) bool { return chainSays(err, true) }

func chainSays(err error, standard bool) bool {
	for err != nil {
		switch err.(type) {
		case *CancelledError:
			return true
		case *PanicError, *ErrorGroup:
			return false
		}
		if several, ok := err.(interface{ Unwrap() []error }); ok {
			// errors.Join of one error and nothing else only wraps it.
			errs := several.Unwrap()
			if len(errs) != 1 {
				return false
			}
			err = errs[0]
			continue
		}
		if standard {
			is, ok := err.(interface{ Is(error) bool })
			if err == context.Canceled || ok && is.Is(context.Canceled) {
				return true
			}
		}
		one, ok := err.(interface{ Unwrap() error })
		if !ok {
			return false
		}
		err = one.Unwrap()
	}
	return false
}

// cancelled returns the CancelledError for a message.
func cancelled(msg []string) error {
	if len(msg) == 0 || msg[0] == "" {
		return ErrCancelled
	}
	return &CancelledError{Msg: strings.Join(msg, " ")}
}

// cancelCause returns the cause of a cancellation with the given message.
func cancelCause(msg []string) *loop.Cause {
	if len(msg) == 0 || msg[0] == "" {
		return plainCause
	}
	err := cancelled(msg)
	return &loop.Cause{Err: context.Canceled, Cause: err, Wait: err}
}

// cancelledBy returns the CancelledError of something that was cancelled for the given cause.
func cancelledBy(c *loop.Cause) error {
	if IsCancelled(c.Cause) {
		return c.Cause
	}
	return ErrCancelled
}

var plainCause = &loop.Cause{Err: context.Canceled, Cause: ErrCancelled, Wait: ErrCancelled}

// spellContext says in our words how a standard context has ended.
func spellContext(err, cause error) *loop.Cause {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		c := &loop.Cause{Err: context.DeadlineExceeded, Cause: cause, Wait: ErrTimeout}
		if cause != nil && cause != err && cause != ErrTimeout {
			c.Wait = &timeoutCause{cause: cause}
		}
		return c
	case cause == nil || cause == err || IsCancelled(cause):
		return plainCause
	}
	return &loop.Cause{Err: context.Canceled, Cause: cause, Wait: &CancelledError{Msg: cause.Error(), cause: cause}}
}

func init() {
	loop.Spell.Context = spellContext
	loop.Spell.Panic = newPanicError
	loop.Spell.Cancel = cancelCause
	loop.Spell.Cancelled = cancelledBy
	loop.Spell.IsCancelled = IsCancelled
	loop.Spell.IsCancellation = isCancellation
}
