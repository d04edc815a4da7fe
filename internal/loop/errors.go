package loop

import (
	"context"
	"errors"

	"github.com/sourcegraph/conc/panics"
)

// Errors of the engine. The packages above export them under their own names.
var (
	ErrNotInTask  = errors.New("async: a callback cannot wait, only a task can")
	ErrAwaitSelf  = errors.New("async: a task cannot await itself")
	ErrLoopClosed = errors.New("async: the event loop is closed")
)

// Spell is how package future, which owns the error types, tells the engine to spell
// errors. It is set once, when that package is initialised.
var Spell struct {
	// Context turns the Err and the Cause of a standard context into a Cause.
	Context func(err, cause error) *Cause
	// Panic turns a recovered panic into an error.
	Panic func(*panics.Recovered) error
	// Cancel returns the Cause of a cancellation by hand, with a message if there is one.
	Cancel func(msg []string) *Cause
	// Cancelled returns the error of something that was cancelled for the Cause.
	Cancelled func(*Cause) error
	// IsCancelled reports whether an error says that something was cancelled.
	IsCancelled func(error) bool
	// IsCancellation is IsCancelled, and takes [context.Canceled] for a cancellation too.
	IsCancellation func(error) bool
}

// CauseOf returns why ctx is cancelled, or nil.
func CauseOf(ctx context.Context) *Cause {
	s, _ := scopeOf(ctx)
	if ours(ctx) {
		return s.cause.Load()
	}
	err := ctx.Err()
	if err == nil {
		return nil
	}
	// Values on top of a scope: the scope knows better how its waits end.
	if s != nil && s.carries(ctx) {
		return s.cause.Load()
	}
	return Spell.Context(err, context.Cause(ctx))
}

// EndOf returns why ctx, whose Done is closed, has ended. In contrast to [CauseOf] it also has an
// answer for the context of a task that has ended without being cancelled.
func EndOf(ctx context.Context) *Cause {
	if c := CauseOf(ctx); c != nil {
		return c
	}
	return Spell.Context(context.Canceled, nil)
}

// Spawn is how package async, which has tasks, runs fn as one for the packages below it, and calls ended when
// the task is done, also if fn was never called. It is set once, when that package is initialised; without it
// there are no loops.
var Spawn func(ctx context.Context, fn func(context.Context), ended func()) Canceller
