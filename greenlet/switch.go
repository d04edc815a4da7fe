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
	to := g
	if g.state.Load() != live || g == t.root {
		me, err := t.caller()
		if err != nil {
			return nil, err
		}
		if to, err = t.find(me, g); err != nil {
			return nil, err
		}
		if to.state.Load() == fresh {
			to.args = slices.Clone(args)
			args = nil
		}
	}
	var v any
	switch len(args) {
	case 0:
	case 1:
		v = args[0]
	default:
		v = slices.Clone(args)
	}
	// From here on as send, without its frame. The processor foresees no return after a switch, so every
	// frame less is a good part of what a switch costs beside the swap.
	me, p, err := t.depart(to)
	if err != nil {
		return nil, err
	}
	t.val = v
	switch {
	case p == nil:
		me.routine.Switch(&to.routine)
	case p.Turn:
		p.Turn = false
		p.Yield(struct{}{})
		me.routine.Arrive()
	default:
		p.Turn = true
		p.Next()
		me.routine.Arrive()
	}
	return me.receive()
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
		if to, v, err, wrong = t.route(me, g, nil, err, false); wrong != nil {
			return nil, wrong
		}
	}
	return t.send(to, v, err)
}

// find returns the nearest of g and its ancestors that has not ended.
func (t *tree) find(me, g *Greenlet) (*Greenlet, error) {
	for g.state.Load() == dead {
		g = g.parent
	}
	if g == t.root {
		g = t.top(me)
	}
	if g.tree.Load() != t {
		return nil, ErrOtherThread
	}
	return g, nil
}

// route finds who gets a value or an error that is meant for g. With an error, ancestors that have not
// started never do.
func (t *tree) route(me, g *Greenlet, v any, err error, goexit bool) (*Greenlet, any, error, error) {
	for {
		switch s := g.state.Load(); {
		case g == t.root:
			return t.top(me), v, err, nil
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

// send switches from the caller to another greenlet, which gets a value or an error.
func (t *tree) send(to *Greenlet, v any, err error) (any, error) {
	me, p, wrong := t.depart(to)
	if wrong != nil {
		return nil, wrong
	}
	t.val, t.err = v, err
	switch {
	case p == nil:
		me.routine.Switch(&to.routine)
	default:
		p.Swap()
		me.routine.Arrive()
	}
	return me.receive()
}

// depart is the first half of a switch to another greenlet: it makes sure that the caller may do that, leaves
// the message, and starts the other one if it is new. It returns who calls, and the place to swap in, see
// [coro.Routine.Depart], or nil if it takes more than a swap.
func (t *tree) depart(to *Greenlet) (*Greenlet, *coro.Place, error) {
	id := goid.Get()
	for {
		if t.task != nil && t.ended(id) {
			return nil, nil, errRootEnded
		}
		if id == t.rootID {
			next := to.gid.Load()
			if next == id { // It is on its way to itself, and nobody may come meanwhile.
				next = 0
			}
			if t.running.CompareAndSwap(id, next) {
				break
			}
		} else if t.running.Load() == id {
			if to != t.root && to != t.driver { // They write it themselves, see arrive.
				t.running.Store(to.gid.Load())
			}
			break
		}
		if err := t.awaitTurn(id); err != nil {
			return nil, nil, err
		}
	}
	me := t.current
	t.current = to
	if t.tracer != nil {
		t.from = me
	}
	if to.state.Load() == fresh {
		to.start()
	}
	return me, me.routine.Depart(&to.routine), nil
}

// arrive is what a greenlet does when it has got control, and has taken what came with it. For a root that is
// the moment from which on somebody else may come; if those who leave said so, he could come too early.
func (t *tree) arrive(me *Greenlet) {
	if id := me.gid.Load(); t.running.Load() != id {
		t.running.Store(id)
	}
}

// receive takes the message for a greenlet that was switched to.
func (me *Greenlet) receive() (any, error) {
	t := me.tree.Load()
	v, err, goexit, traced := t.val, t.err, t.goexit, t.tracer != nil
	t.val, t.err, t.goexit = nil, nil, false
	t.arrive(me)
	if goexit {
		runtime.Goexit()
	}
	if traced {
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
	to, v, err, wrong := t.route(g, g.parent, v, err, goexit)
	if wrong != nil { // a parent that was moved to another tree before it started
		to, v, err = t.top(g), nil, wrong
	}
	t.val, t.err, t.from, t.goexit = v, err, g, goexit
	t.current = to
	next := to.gid.Load()
	if to == t.root || to == t.driver {
		next = 0 // see arrive
	}
	t.running.Store(next)
	if to.state.Load() == fresh {
		to.start()
	}
	g.routine.SetSuccessor(&to.routine)
}
