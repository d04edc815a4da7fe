package async

import (
	"context"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A ContextVar is a variable whose value belongs to the running task: contextvars.ContextVar. A
// task gets a copy of all variables when it is created, so what it sets is seen in the task alone,
// and in the coroutines it awaits. A callback sees the variables as they were when it was scheduled
// or added. [ToThread] takes a copy along to the other goroutine.
//
// A ContextVar is made once, at the top of a package. For values that are set once and passed down,
// context.WithValue is the better tool.
type ContextVar[T any] struct {
	name     string
	fallback T
}

// NewContextVar returns a variable that has the given value where none was set.
func NewContextVar[T any](name string, fallback T) *ContextVar[T] {
	return &ContextVar[T]{name: name, fallback: fallback}
}

// check panics if there is no variable, or no ctx to look for it.
func (v *ContextVar[T]) check(method string, ctx context.Context) {
	switch {
	case v == nil:
		panic("async: " + method + " was called on a nil ContextVar")
	case ctx == nil:
		panic("async: " + method + " of a ContextVar was called with a nil ctx")
	}
}

// Name returns the variable's name.
func (v *ContextVar[T]) Name() string {
	if v == nil {
		panic("async: Name was called on a nil ContextVar")
	}
	return v.name
}

// Get returns the value of the variable in the calling task or callback; elsewhere that of the task
// that ctx belongs to.
func (v *ContextVar[T]) Get(ctx context.Context) T {
	v.check("Get", ctx)
	if x, ok := loop.VarsOf(ctx, false).Get(v); ok {
		return x.(T)
	}
	return v.fallback
}

// A Token remembers what a [ContextVar] was before it was set.
type Token struct {
	key  any
	old  any
	had  bool
	vars *loop.Vars
}

// Set changes the variable in the calling task or callback and returns what [ContextVar.Reset]
// needs to change it back. On a goroutine that has no variables of its own, outside of any task, it
// panics.
func (v *ContextVar[T]) Set(ctx context.Context, value T) Token {
	v.check("Set", ctx)
	vars := loop.VarsOf(ctx, true)
	if vars == nil {
		panic("async: ContextVar.Set was called outside of a task")
	}
	old, had := vars.Get(v)
	vars.Set(v, value, true)
	return Token{key: v, old: old, had: had, vars: vars}
}

// Reset gives the variable the value back that it had before the Set that returned t. It panics if
// t comes from another variable.
func (v *ContextVar[T]) Reset(ctx context.Context, t Token) {
	v.check("Reset", ctx)
	if t.key != any(v) {
		panic("async: ContextVar.Reset was called with the token of another variable")
	}
	t.vars.Set(t.key, t.old, t.had)
}

// Vars is a set of context variables that tasks can share: contextvars.Context. Give it to a task by [InVars].
type Vars struct{ v *loop.Vars }

// CopyVars returns a copy of the variables of the calling task: contextvars.copy_context.
func CopyVars(ctx context.Context) *Vars {
	if ctx == nil {
		panic("async: CopyVars was called with a nil ctx")
	}
	return &Vars{loop.VarsOf(ctx, false).Copy()}
}

// ValueIn returns the value of the variable in a set: ctx[var].
func (v *ContextVar[T]) ValueIn(vars *Vars) T {
	switch {
	case v == nil:
		panic("async: ValueIn was called on a nil ContextVar")
	case vars == nil:
		panic("async: ValueIn was called with a nil Vars")
	}
	if x, ok := vars.v.Get(v); ok {
		return x.(T)
	}
	return v.fallback
}
