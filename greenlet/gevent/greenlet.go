package gevent

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/asyncgo/asyncgo/internal/callers"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// core is what all greenlets have, whatever their result. It holds the task of the greenlet, so that a greenlet is one
// allocation.
type core struct {
	own   loop.Task // the greenlet's, or a hub's
	l     *loop.Loop
	task  *loop.Task // own, or a task of package async; nil before the first step
	main  *hub       // if it is the goroutine of a hub
	fn    function   // the typed side
	state state
	exit  bool // it has ended by ErrGreenletExit
	shot  bool // by its group
	// waitsAll is set while the goroutine is in Wait without objects.
	waitsAll bool
	err      error
	done     loop.Completion
	timer    *loop.Handle // of SpawnLater

	name      string
	id        uint64
	spawner   spawner
	spawnedAt [5]uintptr
	waitsAt   [9]uintptr
	thrown    []error // besides the one that is on its way
	links     []*link
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
	run   func() (T, error)
}

var lastID atomic.Uint64

// New makes a greenlet that does not run before [Greenlet.Start]: gevent.Greenlet(fn). It panics if fn is
// nil.
func New[T any](fn func() (T, error)) *Greenlet[T] {
	if fn == nil {
		panic("gevent: New was called with a nil function")
	}
	g := &Greenlet[T]{run: fn}
	g.fn, g.id = g, lastID.Add(1)
	return g
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
	if by, ok := g.begin(); ok {
		g.launch(by)
		spawned(g)
	}
}

// StartLater is [Greenlet.Start] after some time: start_later(seconds).
func (g *Greenlet[T]) StartLater(d time.Duration) {
	if _, ok := g.begin(); !ok {
		return
	}
	g.timer = loop.NewHandle(g.l, func() {
		g.timer = nil
		g.l.First(func() { g.launch(g.l.Context()) })
	})
	l := g.l
	g.timer.At(l.Now() + max(d, 0))
	spawned(g)
}

// begin gives a greenlet its hub, and reports false if it has one. It returns a context of who calls.
func (c *core) begin() (ctx context.Context, ok bool) {
	if c.state != created {
		return nil, false
	}
	by, err := me()
	switch {
	case err == nil:
		ctx = by.task
		c.l, c.spawner = by.l, spawner{by.name, by.id}
		callers.Get(c.spawnedAt[:])
	case loop.Inside() != nil: // a callback
		ctx = loop.Inside().Context()
		c.l, c.spawner = loop.Inside(), spawner{name: "a callback"}
	default:
		panic(err.Error())
	}
	c.state = scheduled
	c.done.SetHome(c.l)
	return ctx, true
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

// A spawner is who has spawned a greenlet, which does not hold it.
type spawner struct {
	name string // if it had one
	id   uint64
}

// String returns the name.
func (s spawner) String() string {
	if s.name == "" {
		return fmt.Sprintf("Greenlet-%d", s.id)
	}
	return s.name
}

// describe returns the name.
func (c *core) describe() string { return spawner{c.name, c.id}.String() }

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
	return waitFor(&c.done, c)
}

// Join waits until the greenlet has ended, however: join(timeout). With a limit it returns nil also when that is
// over; see Ready. The error is what was thrown at the caller.
func (c *core) Join(limit ...time.Duration) error {
	_, err := within(limit, c.await)
	return err
}

// base returns the untyped side.
func (c *core) base() *core { return c }
