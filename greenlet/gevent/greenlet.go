package gevent

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc/panics"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// core is what all greenlets have, whatever their result.
type core struct {
	l     *loop.Loop
	task  *loop.Task // nil before the first step
	main  *hub       // if it is the goroutine of a hub
	state state
	err   error
	exit  bool // it has ended by ErrGreenletExit
	done  loop.Completion
	timer *loop.Handle // of SpawnLater

	name      string
	id        uint64
	spawner   string
	spawnedAt [4]uintptr
	waitsAt   [6]uintptr
	thrown    []error // besides the one that is on its way
	links     []*link
	shot      bool // by its group
	waitsAll  bool // the goroutine is in Wait without objects
	locals    map[any]any
	lineage   *lineage  // if that is tracked
	switches  *switches // if that is asked for
}

type state uint8

const (
	created state = iota
	scheduled
	running
	finished
)

// A Greenlet runs a function beside others: gevent.Greenlet. It is made by [Spawn] or [New] and belongs to
// the hub of the goroutine that has made it. It must not be copied.
type Greenlet[T any] struct {
	core
	value T
	fn    func() (T, error)
}

var lastID atomic.Uint64

// New makes a greenlet that does not run before [Greenlet.Start]: gevent.Greenlet(fn). It panics if fn is
// nil.
func New[T any](fn func() (T, error)) *Greenlet[T] {
	if fn == nil {
		panic("gevent: New was called with a nil function")
	}
	return &Greenlet[T]{fn: fn, core: core{id: lastID.Add(1)}}
}

// Spawn makes a greenlet and puts it at the end of the queue: gevent.spawn. It runs when the caller waits
// for something, after all that was ready before. It panics if fn is nil.
func Spawn[T any](fn func() (T, error)) *Greenlet[T] {
	if fn == nil {
		panic("gevent: Spawn was called with a nil function")
	}
	g := New(fn)
	g.Start()
	return g
}

// SpawnLater is [Spawn] after some time: gevent.spawn_later.
func SpawnLater[T any](d time.Duration, fn func() (T, error)) *Greenlet[T] {
	if fn == nil {
		panic("gevent: SpawnLater was called with a nil function")
	}
	g := New(fn)
	g.StartLater(d)
	return g
}

// Go is [Spawn] for a function without a result.
func Go(fn func()) *Greenlet[Void] {
	if fn == nil {
		panic("gevent: Go was called with a nil function")
	}
	return Spawn(func() (Void, error) {
		fn()
		return Void{}, nil
	})
}

// Start puts the greenlet at the end of the queue: start(). It does nothing if that was done before, or the
// greenlet was killed.
func (g *Greenlet[T]) Start() {
	if g.begin() {
		g.launch()
		spawned(g)
	}
}

// StartLater is [Greenlet.Start] after some time: start_later(seconds).
func (g *Greenlet[T]) StartLater(d time.Duration) {
	if !g.begin() {
		return
	}
	g.timer = loop.NewHandle(g.l, func() {
		g.timer = nil
		g.l.First(g.launch)
	})
	l := g.l
	g.timer.At(l.Now() + max(d, 0))
	spawned(g)
}

// begin gives a greenlet its hub, and reports false if it has one.
func (c *core) begin() bool {
	if c.state != created {
		return false
	}
	by, err := me()
	switch {
	case err == nil:
		c.l, c.spawner = by.l, by.describe()
		runtime.Callers(3, c.spawnedAt[:])
	case loop.Inside() != nil: // a callback
		c.l, c.spawner = loop.Inside(), "a callback"
	default:
		panic(err.Error())
	}
	c.state = scheduled
	c.done.SetHome(c.l)
	return true
}

// launch makes the task of the greenlet.
func (g *Greenlet[T]) launch() {
	ctx := g.l.Context()
	if t := loop.Here(); t != nil && t.Loop() == g.l {
		ctx = t
	}
	var opts []async.TaskOption
	if loop.Snapshot() != nil { // A greenlet starts with no context variables.
		opts = []async.TaskOption{async.InVars(new(async.Vars))}
	}
	async.Go(ctx, g.body, opts...)
}

// body is the life of the greenlet as a task.
func (g *Greenlet[T]) body(context.Context) error {
	if g.state == finished { // killed before
		return nil
	}
	t := loop.Here()
	g.task = t
	t.SetLocal(&g.core)
	g.state = running
	returned := false
	defer func() {
		if returned {
			return
		}
		if p := recover(); p != nil {
			r := panics.NewRecovered(2, p)
			g.fail(loop.Spell.Panic(&r))
			return
		}
		g.finish(errGoexit)
	}()
	v, err := g.fn()
	returned = true
	switch {
	case err == nil:
		g.value = v
		g.finish(nil)
	case errors.Is(err, ErrGreenletExit):
		g.exit = true
		g.finish(err)
	default:
		g.fail(err)
	}
	return nil
}

// fail ends the greenlet with an error, and reports that.
func (c *core) fail(err error) {
	report(c.describe(), err)
	c.finish(err)
}

// finish ends the greenlet and wakes, in order, all that wait for it or are linked to it.
func (c *core) finish(err error) {
	c.state = finished
	c.err = err
	c.locals = nil
	s := loop.Failed
	if err == nil || c.exit {
		s = loop.Succeeded
	}
	if c.done.Begin() {
		c.done.Commit(s)
	}
}

// refuser is what a wait would cancel: nothing.
type refuser struct{ what fmt.Stringer }

// CancelWaited implements [loop.Canceller].
func (refuser) CancelWaited(*loop.Cause) bool { return false }

// String says what is waited for.
func (r refuser) String() string { return r.what.String() }

// describe returns the name.
func (c *core) describe() string {
	if c.name == "" {
		return fmt.Sprintf("Greenlet-%d", c.id)
	}
	return c.name
}

// ID returns a number that no other greenlet has: minimal_ident.
func (c *core) ID() uint64 { return c.id }

// Name returns the name, "Greenlet-N" if none was set: name.
func (c *core) Name() string { return c.describe() }

// SetName gives the greenlet a name.
func (c *core) SetName(name string) { c.name = name }

// String says what state the greenlet is in.
func (c *core) String() string {
	states := [...]string{"pending", "scheduled", "running", "finished"}
	s := states[c.state]
	if c.state == finished && c.err != nil {
		s += " with " + c.err.Error()
	}
	return "Greenlet(" + c.describe() + ", " + s + ")"
}

// Ready reports whether the greenlet has ended: ready().
func (c *core) Ready() bool { return c.done.State() != loop.Pending }

// Dead is [Greenlet.Ready]: dead.
func (c *core) Dead() bool { return c.Ready() }

// Started reports whether the greenlet was started and has not ended: started, and bool(g).
func (c *core) Started() bool { return !c.Ready() && c.state != created }

// Successful reports whether the greenlet has returned a value, or was ended by [ErrGreenletExit]:
// successful().
func (c *core) Successful() bool { return c.done.State() == loop.Succeeded }

// Exception returns the error that the greenlet has failed with, or nil: exception.
func (c *core) Exception() error {
	if !c.Ready() || c.exit {
		return nil
	}
	return c.err
}

// Killed reports whether the greenlet was ended by [ErrGreenletExit], which is a success: in Python its
// value is the GreenletExit.
func (c *core) Killed() bool { return c.Ready() && c.exit }

// Value returns what the greenlet has returned, zero if it has not: value.
func (g *Greenlet[T]) Value() T {
	if !g.Ready() {
		return *new(T)
	}
	return g.value
}

// Get waits until the greenlet has ended and returns its value or its error, the same one each time:
// get(). One that was ended by [ErrGreenletExit] gives the zero value and no error; see Killed.
func (g *Greenlet[T]) Get() (T, error) {
	if err := g.await(); err != nil {
		return *new(T), err
	}
	return g.value, g.Exception()
}

// GetTimeout is [Greenlet.Get] with a limit: get(timeout). When it is over, the error is a [Timeout], and the greenlet
// goes on. With d ≤ 0 it does not wait.
func (g *Greenlet[T]) GetTimeout(d time.Duration) (T, error) {
	if d <= 0 && !g.Ready() {
		return *new(T), newTimeout(Forever)
	}
	t := newTimeout(d)
	if err := t.limit(g.await); err != nil {
		return *new(T), err
	}
	return g.value, g.Exception()
}

// With calls fn and then waits for the greenlet; if fn fails, it kills the greenlet with that error instead, does not wait, and
// returns it: the greenlet as a block, "with spawn(f) as g".
func (g *Greenlet[T]) With(fn func() error) error {
	if fn == nil {
		panic("gevent: With was called with a nil function")
	}
	if err := fn(); err != nil {
		g.KillNowait(err)
		return err
	}
	return g.Join()
}

// await waits for the end.
func (c *core) await() error {
	if c.Ready() {
		return nil
	}
	return wait(func(ctx context.Context) error {
		_, err := c.done.Wait(ctx, refuser{c})
		return err
	})
}

// Join waits until the greenlet has ended, however: join(timeout). With a limit it returns nil also when that is
// over; see Ready. The error is what was thrown at the caller.
func (c *core) Join(limit ...time.Duration) error {
	_, err := within(limit, c.await)
	return err
}

// base returns the untyped side.
func (c *core) base() *core { return c }
