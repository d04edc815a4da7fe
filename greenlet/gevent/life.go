package gevent

import (
	"context"
	"errors"

	"github.com/sourcegraph/conc/panics"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A function is a [Greenlet] without its type.
type function interface{ call() error }

// call runs the function of the greenlet and keeps its value.
func (g *Greenlet[T]) call() error {
	v, err := g.run()
	if err == nil {
		g.value = v
	}
	return err
}

// life is a greenlet as the loop sees it: the body of its task.
type life core

// coreOf returns the greenlet that a task is, or nil if it is none.
func coreOf(t *loop.Task) *core {
	switch b := t.Owner().Canceller.(type) {
	case *life:
		return (*core)(b)
	case *mainBody:
		return &b.core
	}
	c, _ := t.Local().(*core)
	return c
}

// launch puts the task of the greenlet into the queue, inside. It has the values of ctx.
func (c *core) launch(ctx context.Context) {
	t := &c.own
	t.Init(ctx, c.l, (*life)(c))
	if loop.Snapshot() != nil { // A greenlet starts with no context variables.
		t.SetVars(new(loop.Vars))
	}
	if !t.StartFrom(ctx) {
		c.finish(async.ErrLoopClosed)
	}
}

// Run implements [loop.Body].
func (b *life) Run(context.Context) {
	c := (*core)(b)
	t := &c.own
	if c.state != finished { // killed before
		c.task = t
		c.state = running
		c.live()
	}
	t.Ending()
	t.Over()
}

// live calls the function and ends the greenlet with what comes of it.
func (c *core) live() {
	returned := false
	defer func() {
		if returned {
			return
		}
		if p := recover(); p != nil {
			r := panics.NewRecovered(2, p)
			c.fail(loop.Spell.Panic(&r))
			return
		}
		c.finish(errGoexit)
	}()
	err := c.fn.call()
	returned = true
	switch {
	case err == nil:
		c.finish(nil)
	case errors.Is(err, ErrGreenletExit):
		c.exit = true
		c.finish(err)
	default:
		c.fail(err)
	}
}

// Crash implements [loop.Body]. It is for the panic of an error handler.
func (b *life) Crash(p *panics.Recovered) { b.quit(loop.Spell.Panic(p)) }

// Quit implements [loop.Body].
func (b *life) Quit() { b.quit(errGoexit) }

// Drop implements [loop.Body].
func (b *life) Drop(c *loop.Cause) { b.quit(c.Wait) }

// quit ends a greenlet whose function cannot do that any more.
func (b *life) quit(err error) {
	c := (*core)(b)
	if c.state != finished {
		c.finish(err)
	}
	c.own.Over()
}

// Ended implements [loop.Body].
func (b *life) Ended() bool { return b.done.State() != loop.Pending }

// CancelWaited implements [loop.Canceller].
func (b *life) CancelWaited(c *loop.Cause) bool {
	if b.Ended() {
		return false
	}
	b.own.Cancel(c)
	return true
}

// Info implements [loop.Body].
func (b *life) Info() any { return async.AnyTask(b) }

// LoopTask returns the task of the greenlet.
func (b *life) LoopTask() *loop.Task { return &b.own }

// Completion returns what those wait for who wait for the end of the greenlet, as in package async.
func (b *life) Completion() *loop.Completion { return &b.done }

// Name implements [async.AnyTask], as the rest does.
func (b *life) Name() string { return (*core)(b).describe() }

// ID returns a number that no task of package async has.
func (b *life) ID() uint64                { return 1<<63 | b.id }
func (b *life) Cancel(msg ...string) bool { return b.CancelWaited(loop.Spell.Cancel(msg)) }
func (b *life) Cancelled() bool           { return false }
func (b *life) IsDone() bool              { return b.Ended() }
func (b *life) Err() error                { return nil } // It was reported when it happened.
func (b *life) String() string            { return (*core)(b).String() }
