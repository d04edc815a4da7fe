package greenlet

import (
	"fmt"
	"sync/atomic"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Greenlet is a function that can be left in the middle and gone on with: greenlet.greenlet. It must be
// made by [New] and must not be copied.
//
// Its methods are for the running greenlet of the same tree. From another goroutine Switch, Throw and
// SetParent return [ErrOtherThread]; Kill, Dead, Started and String work.
type Greenlet struct {
	routine coro.Routine
	tree    atomic.Pointer[tree]
	gid     atomic.Int64 // of the goroutine, once there is one
	state   atomic.Uint32
	thread  bool
	parent  *Greenlet // nil for a root
	run     func(args ...any) (any, error)
	args    []any // for run
}

// The states of a greenlet. A root is live, always.
const (
	fresh uint32 = iota
	live
	dead
)

// An Option changes how a greenlet is made.
type Option func(*Greenlet)

// Parent sets the parent. Without it, or with nil, that is the greenlet that calls New.
func Parent(p *Greenlet) Option {
	return func(g *Greenlet) {
		if p != nil {
			g.parent = p
		}
	}
}

// OnThread has the greenlet run on a goroutine from a pool, which control is handed to by a channel. That
// is several times slower, and lets the greenlet lock its OS thread, which would be fatal otherwise. It
// must unlock it before it ends.
func OnThread() Option { return func(g *Greenlet) { g.thread = true } }

// New makes a greenlet that will run a function: greenlet(run, parent). The function is called by the
// first [Greenlet.Switch], with its arguments. Until then it costs no goroutine, and may be forgotten.
//
// What the function returns goes to the parent, see [Greenlet.Switch]. New panics if run is nil.
func New(run func(args ...any) (any, error), opts ...Option) *Greenlet {
	if run == nil {
		panic("greenlet: New was called with a nil function")
	}
	g := &Greenlet{run: run}
	for _, opt := range opts {
		if opt != nil {
			opt(g)
		}
	}
	if g.parent == nil {
		g.parent = Current()
	}
	g.tree.Store(g.parent.tree.Load())
	return g
}

// Parent returns who gets the result of g when it ends, or nil for a root: the attribute parent.
func (g *Greenlet) Parent() *Greenlet {
	g.check("Parent")
	return g.parent
}

// SetParent changes the parent. Who counts is the parent at the moment in which g ends. A parent that
// comes after g returns [ErrCycle], one of another goroutine [ErrOtherThread] unless g has not started, and
// a root, which has no parent, [ErrRootParent]. SetParent panics if p is nil.
func (g *Greenlet) SetParent(p *Greenlet) error {
	g.check("SetParent")
	if p == nil {
		panic("greenlet: SetParent was called with a nil Greenlet")
	}
	t := p.tree.Load()
	switch {
	case g.parent == nil:
		return ErrRootParent
	case g.tree.Load() != t && g.state.Load() != fresh:
		return ErrOtherThread
	}
	if _, err := t.caller(); err != nil {
		return err
	}
	for q := p; q != nil; q = q.parent {
		if q == g {
			return ErrCycle
		}
	}
	g.parent = p
	g.tree.Store(t)
	return nil
}

// Dead reports whether g has ended: the attribute dead. A root never is.
func (g *Greenlet) Dead() bool {
	g.check("Dead")
	return g.state.Load() == dead
}

// Started reports whether g has started and not ended: bool(g) in Python.
func (g *Greenlet) Started() bool {
	g.check("Started")
	return g.state.Load() == live
}

// String says what g runs and in which state it is, from any goroutine: pending before it has started, then
// current or suspended, and dead. It stands for Python's repr.
func (g *Greenlet) String() string {
	if g == nil {
		return "Greenlet(nil)"
	}
	name := "main"
	if g.run != nil {
		name = loop.FuncName(g.run)
	}
	state := "suspended"
	switch s := g.state.Load(); {
	case s == fresh:
		state = "pending"
	case s == dead:
		state = "dead"
	case g.gid.Load() == g.tree.Load().running.Load():
		state = "current"
	}
	return fmt.Sprintf("Greenlet(%s, %s)", name, state)
}

// check refuses a nil Greenlet and one that New has not made.
func (g *Greenlet) check(method string) {
	if g == nil || g.tree.Load() == nil {
		panic("greenlet: " + method + " was called on a Greenlet that New has not made")
	}
}
