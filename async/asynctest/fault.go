package asynctest

import (
	"context"
	"errors"
	"fmt"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// ErrInjected is what a function on another goroutine fails with when [Sweep] wants it to, and what a panic that
// Sweep injects is, as an error.
var ErrInjected = errors.New("asynctest: injected")

// A fault is what Sweep injects into a suspension point.
type fault struct {
	kind  faultKind
	point int // suspension points are numbered from one
}

// A faultKind is written into tokens as it is.
type faultKind rune

const (
	noFault     faultKind = 0
	cancelFault faultKind = 'c'
	timeFault   faultKind = 't'
	panicFault  faultKind = 'p'
	jobFault    faultKind = 'j'
)

var faultKinds = []faultKind{cancelFault, timeFault, panicFault, jobFault}

func (k faultKind) known() bool {
	switch k {
	case cancelFault, timeFault, panicFault, jobFault:
		return true
	}
	return false
}

func (k faultKind) String() string {
	switch k {
	case cancelFault:
		return "a cancellation"
	case timeFault:
		return "a timeout"
	case panicFault:
		return "a panic"
	case jobFault:
		return "the failure of the job"
	}
	return "nothing"
}

// An injectedPanic is the value of a panic that Sweep injects.
type injectedPanic struct{}

func (injectedPanic) Error() string { return ErrInjected.Error() + " panic" }
func (injectedPanic) Unwrap() error { return ErrInjected }

// timedOut is how the context of a wait ends whose time is over.
var timedOut = &loop.Cause{Err: context.DeadlineExceeded, Cause: async.ErrTimeout, Wait: async.ErrTimeout}

// inject does to a task that has just been suspended what the kind says, if that is possible.
func inject(t *loop.Task, kind faultKind) bool {
	switch kind {
	case cancelFault:
		t.Cancel(loop.Spell.Cancel([]string{"injected"}))
		return true
	case timeFault:
		return t.InjectTimeout(timedOut)
	case panicFault:
		return t.InjectPanic(injectedPanic{})
	case jobFault:
		return t.InjectFailure(fmt.Errorf("%w failure", ErrInjected))
	}
	return false
}

// expected reports whether err is what a program may end with that a fault was injected into: nothing but
// what the fault itself causes.
func expected(err error) bool {
	if err == nil {
		return true
	}
	var group *future.ErrorGroup
	if errors.As(err, &group) {
		for _, e := range group.Errs {
			if !expected(e) {
				return false
			}
		}
		return true
	}
	return future.IsCancelled(err) || errors.Is(err, async.ErrTimeout) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) || injected(err)
}

// injected reports whether err says that something was injected, as an error or as a panic.
func injected(err error) bool {
	var p *future.PanicError
	if errors.As(err, &p) {
		cause, ok := p.Value.(error)
		return ok && errors.Is(cause, ErrInjected)
	}
	return errors.Is(err, ErrInjected)
}
