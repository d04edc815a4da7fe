package loop

import (
	"context"
	"maps"
	"sync/atomic"
)

// Vars is a set of context variables, by the identity of the variable. A copy shares its map until one of
// the two changes.
type Vars struct {
	m atomic.Pointer[map[any]any]
}

// varsUsed is set when the first context variable is. Until then tasks and handles save the
// trouble of looking for some to copy.
var varsUsed atomic.Bool

type varsKeyType struct{ _ byte }

var varsKey any = new(varsKeyType)

// Get returns the value of the variable.
func (v *Vars) Get(key any) (any, bool) {
	if v == nil {
		return nil, false
	}
	m := v.m.Load()
	if m == nil {
		return nil, false
	}
	x, ok := (*m)[key]
	return x, ok
}

// Set changes the variable. Without ok it is removed.
func (v *Vars) Set(key, value any, ok bool) {
	varsUsed.Store(true)
	m := map[any]any{}
	if old := v.m.Load(); old != nil {
		m = maps.Clone(*old)
	}
	if ok {
		m[key] = value
	} else {
		delete(m, key)
	}
	v.m.Store(&m)
}

// Copy returns a copy.
func (v *Vars) Copy() *Vars {
	c := new(Vars)
	if v != nil {
		c.m.Store(v.m.Load())
	}
	return c
}

// VarsOf returns the variables that code with ctx sees: those of the task or callback that
// calls, else of the thread's job, else of the task that ctx belongs to. They are made if
// create is true, and nil is returned if there are none.
func VarsOf(ctx context.Context, create bool) *Vars {
	var place *atomic.Pointer[Vars]
	if w := here(); w != nil {
		if t := w.task; t != nil && (w.on || w.computes()) {
			place = &t.more().vars
		} else {
			place = &w.more().vars
		}
	} else if v, ok := ctx.Value(varsKey).(*Vars); ok {
		return v
	} else if _, t := scopeOf(ctx); t != nil {
		place = &t.more().vars
	} else {
		return nil
	}
	if create {
		place.CompareAndSwap(nil, new(Vars))
	}
	return place.Load()
}

// copyVars returns a copy of what code with ctx sees, or nil if that is nothing.
func copyVars(ctx context.Context) *Vars {
	if !varsUsed.Load() {
		return nil
	}
	if v := VarsOf(ctx, false); v != nil {
		return v.Copy()
	}
	return nil
}

// Snapshot is copyVars for callers that have no context.
func Snapshot() *Vars { return copyVars(context.Background()) }

// SetVars gives the task a set of variables that it shares with whoever else has it.
func (t *Task) SetVars(v *Vars) { t.more().vars.Store(v) }

// Run calls fn, a callback, with the variables v, inside.
func (v *Vars) Run(fn func()) {
	w := here()
	if w == nil {
		fn()
		return
	}
	if v != nil {
		x := w.more()
		old := x.vars.Swap(v)
		defer x.vars.Store(old)
	}
	if w.loop.par != nil {
		aside(fn)
		return
	}
	fn()
}
