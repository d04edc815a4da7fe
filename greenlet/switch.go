package greenlet

import (
	"errors"
	"runtime"
	"slices"

	"github.com/petermattis/goid"
	"github.com/sourcegraph/conc/panics"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// Switch suspends the calling greenlet and runs g: g.switch(*args). It returns when somebody switches to
// the caller, and then it returns what that one has sent, or the error that it has thrown; or, if g or
// another child of the caller ends meanwhile, its result and its error.
//
// The first Switch to g starts it, with args as the arguments of its function. A later one makes the
// Switch return in which g is parked, with nil, with the argument, or with a []any of several. If g has
// ended, its nearest ancestor that has not gets the values, which may be the caller. A Switch to oneself
// returns at once.
//
// A caller on another goroutine gets [ErrOtherThread], and nothing runs.
func (g *Greenlet) Switch(args ...any) (any, error) {
	g.check("Switch")
	t := g.tree.Load()
	me, err := t.caller()
	if err != nil {
		return nil, err
	}
	to := g
	if g.state.Load() != live || g.parent == nil {
		if to, err = t.find(g); err != nil {
			return nil, err
		}
		if to.state.Load() == fresh {
			to.args = slices.Clone(args)
			return me.send(to, nil, nil)
		}
	}
	switch len(args) {
	case 0:
		return me.send(to, nil, nil)
	case 1:
		return me.send(to, args[0], nil)
	}
	return me.send(to, slices.Clone(args), nil)
}

// Throw is [Greenlet.Switch] with an error: the Switch in which g is parked returns it. It stands for
// g.throw(err), and nil stands for [ErrExit].
//
// If g has not started, it never does: it is dead and the error is its parent's. If g has ended, the
// error goes to its nearest ancestor that has not; ErrExit becomes a result on that way. Throwing at
// oneself returns the error at once.
func (g *Greenlet) Throw(err error) (any, error) {
	g.check("Throw")
	if err == nil {
		err = ErrExit
	}
	t := g.tree.Load()
	me, wrong := t.caller()
	if wrong != nil {
		return nil, wrong
	}
	var v any
	to := g
	if g.state.Load() != live || g.parent == nil {
		if to, v, err, wrong = t.route(g, nil, err, false); wrong != nil {
			return nil, wrong
		}
	}
	return me.send(to, v, err)
}

// find returns the nearest of g and its ancestors that has not ended.
func (t *tree) find(g *Greenlet) (*Greenlet, error) {
	for g.state.Load() == dead {
		g = g.parent
	}
	if g == t.root {
		g = t.top()
	}
	if g.tree.Load() != t {
		return nil, ErrOtherThread
	}
	return g, nil
}

// route finds who gets a value or an error that is meant for g. With an error, ancestors that have not
// started never do.
func (t *tree) route(g *Greenlet, v any, err error, goexit bool) (*Greenlet, any, error, error) {
	for {
		switch s := g.state.Load(); {
		case g == t.root:
			return t.top(), v, err, nil
		case g.tree.Load() != t:
			return nil, nil, nil, ErrOtherThread
		case s == live:
			return g, v, err, nil
		case s == fresh && err == nil && !goexit:
			g.args = []any{v}
			return g, nil, nil, nil
		case s == fresh:
			g.state.Store(dead)
		}
		if err != nil && errors.Is(err, ErrExit) {
			v, err = err, nil
		}
		g = g.parent
	}
}

// send switches from me to another greenlet, which gets a value or an error.
func (me *Greenlet) send(to *Greenlet, v any, err error) (any, error) {
	t := me.tree.Load()
	if to == me && t.tracer == nil {
		return v, err
	}
	for !t.current.CompareAndSwap(me, to) {
		// The caller is the root, and another goroutine has just come to end a greenlet.
		if _, err := t.callerSlowly(); err != nil {
			return nil, err
		}
	}
	t.val, t.err, t.from = v, err, me
	if to.state.Load() == fresh {
		to.start()
	}
	if p := me.routine.Depart(&to.routine); p != nil {
		p.Swap()
		me.routine.Arrive()
	} else {
		me.routine.Switch(&to.routine)
	}
	return me.receive()
}

// receive takes the message for a greenlet that was switched to.
func (me *Greenlet) receive() (any, error) {
	t := me.tree.Load()
	v, err := t.val, t.err
	t.val, t.err = nil, nil
	if t.goexit {
		t.goexit = false
		runtime.Goexit()
	}
	if t.tracer != nil {
		return t.trace(me, v, err)
	}
	return v, err
}

// start makes the coroutine of a greenlet, which runs from the next switch on.
func (g *Greenlet) start() {
	g.state.Store(live)
	if g.thread {
		g.routine.InitOn(onPool, (*life)(g))
	} else {
		g.routine.Init((*life)(g))
	}
}

// life is a Greenlet as its coroutine sees it.
type life Greenlet

// Live implements [coro.Owner].
func (l *life) Live(*coro.Routine) {
	g := (*Greenlet)(l)
	g.gid.Store(goid.Get())
	returned := false
	defer func() {
		if returned {
			return
		}
		p := recover()
		if p == nil {
			g.end(nil, nil, true)
			return
		}
		r := panics.NewRecovered(2, p)
		g.end(nil, loop.Spell.Panic(&r), false)
	}()
	v, err := g.receive()
	if err == nil {
		args := g.args
		g.args = nil
		v, err = g.run(args...)
	}
	returned = true
	g.end(v, err, false)
}

// end hands the outcome of g to its parent. Control goes there when the body returns.
func (g *Greenlet) end(v any, err error, goexit bool) {
	t := g.tree.Load()
	g.state.Store(dead)
	if g.thread {
		defer leavePool()
	}
	if err != nil && errors.Is(err, ErrExit) {
		v, err = err, nil
	}
	to, v, err, wrong := t.route(g.parent, v, err, goexit)
	if wrong != nil { // a parent that was moved to another tree before it started
		to, v, err = t.top(), nil, wrong
	}
	t.val, t.err, t.from, t.goexit = v, err, g, goexit
	t.current.Store(to)
	if to.state.Load() == fresh {
		to.start()
	}
	g.routine.SetSuccessor(&to.routine)
}
