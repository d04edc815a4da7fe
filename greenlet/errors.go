package greenlet

import (
	"errors"
	"fmt"

	"github.com/asyncgo/asyncgo/future"
)

// PanicError is what the parent of a greenlet gets that has panicked: package future's, which has the value and the stack.
type PanicError = future.PanicError

// Errors of this package.
var (
	// ErrExit asks a greenlet to end, and is no failure when it does: GreenletExit. A greenlet whose
	// function returns it, or an error that wraps it, gives it to its parent as a result.
	ErrExit = errors.New("greenlet: exit")
	// ErrCycle is returned by [Greenlet.SetParent] when the new parent is the greenlet itself or
	// comes after it. It stands for Python's ValueError "cyclic parent chain".
	ErrCycle = errors.New("greenlet: the chain of parents would be a cycle")
	// ErrOtherThread is returned when a greenlet is used by a goroutine to whose tree it does not
	// belong. It stands for greenlet.error "cannot switch to a different thread".
	ErrOtherThread = errors.New("greenlet: the greenlet belongs to the tree of another goroutine")
	// ErrDead is returned, together with [ErrOtherThread], for a greenlet whose root was a task that
	// has ended, so that nobody can switch to it any more. Switching to a greenlet that has ended itself
	// is no error, see [Greenlet.Switch].
	ErrDead = errors.New("greenlet: the root has ended")
	// ErrRootParent is returned by [Greenlet.SetParent] of a root. It stands for Python's
	// AttributeError "cannot set the parent of a main greenlet".
	ErrRootParent = errors.New("greenlet: a root has no parent")
	// ErrSurvived is returned by [Greenlet.Kill] when the greenlet has caught ErrExit and goes on.
	ErrSurvived = errors.New("greenlet: the greenlet has survived its killing")
)

// errRootEnded is what a greenlet of a task that has ended returns.
var errRootEnded = fmt.Errorf("%w, and %w", ErrOtherThread, ErrDead)
