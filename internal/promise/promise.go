// Package promise is the inside of package future: what a future can do to asyncgo's own packages, and to nobody
// else.
package promise

import (
	"context"
	"fmt"
	"runtime"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Promise is a [loop.Completion] with a result or an error. The zero value is pending, and bound to no
// loop.
type Promise[T any] struct {
	loop.Completion
	val T     // written before the Completion is done, read after
	err error // likewise

	// owner, if set, is what is cancelled instead of the Promise itself. It is written by Bind, before
	// anybody else has the Promise.
	owner *loop.Owner
}

// Bind binds a Promise that nobody else has seen yet to a loop, and has it cancel owner if that is not
// nil.
func (p *Promise[T]) Bind(home *loop.Loop, owner *loop.Owner) {
	p.SetHome(home)
	p.owner = owner
}

// Owned reports whether the Promise is that of a task, a gather or a job, which nobody else can complete.
func (p *Promise[T]) Owned() bool { return p.owner != nil }

// Pending reports whether there is no outcome yet.
func (p *Promise[T]) Pending() bool { return p.State() == loop.Pending }

// Complete sets the outcome, and reports false if there is one already.
func (p *Promise[T]) Complete(v T, err error, cancelled bool) bool {
	return p.CompleteIn(nil, v, err, cancelled)
}

// CompleteIn is Complete for a caller that knows which loop it is inside of.
func (p *Promise[T]) CompleteIn(in *loop.Loop, v T, err error, cancelled bool) bool {
	if !p.Begin() {
		return false
	}
	p.val, p.err = v, err
	state := loop.Succeeded
	switch {
	case cancelled:
		state = loop.Cancelled
	case err != nil:
		state = loop.Failed
		if home := p.Home(); home != nil && !loop.Spell.IsCancelled(err) {
			failure := home.Watch("future", err)
			p.Watch(failure)
			runtime.AddCleanup(p, (*loop.Failure).Dropped, failure)
		}
	}
	p.CommitIn(state, in)
	return true
}

// NameFailure sets what the report of an error that nobody looked at says has failed.
func (p *Promise[T]) NameFailure(what string) {
	if failure := p.Failure(); failure != nil {
		failure.Rename(what)
	}
}

// CancelWaited implements [loop.Canceller].
func (p *Promise[T]) CancelWaited(c *loop.Cause) bool {
	if !p.Pending() {
		p.Retrieved()
		return false
	}
	if p.owner != nil {
		return p.owner.CancelWaited(c)
	}
	return p.Complete(*new(T), loop.Spell.Cancelled(c), true)
}

// Outcome returns the result or the error. The Promise is done.
func (p *Promise[T]) Outcome() (T, error) {
	p.Retrieved()
	return p.val, p.err
}

// Err returns the error of the outcome. The Promise is done.
func (p *Promise[T]) Err() error {
	p.Retrieved()
	return p.err
}

// Retrieved notes that somebody has looked at the error, so that it need not be reported.
func (p *Promise[T]) Retrieved() {
	if failure := p.Failure(); failure != nil {
		failure.Seen()
	}
}

// Await waits for the outcome and returns it.
func (p *Promise[T]) Await(ctx context.Context) (T, error) {
	if p.Pending() {
		var target loop.Canceller = p
		if p.owner != nil {
			target = p.owner.Canceller
		}
		cause, err := p.Wait(ctx, target)
		if err != nil {
			return *new(T), err
		}
		// What was cancelled says so itself, in the words of whoever cancelled it. Only a timeout of ctx is
		// something else for those who wait.
		if cause != nil && loop.Spell.IsCancelled(p.err) && !loop.Spell.IsCancelled(cause.Wait) {
			return *new(T), cause.Wait
		}
	}
	return p.Outcome()
}

// String describes the future that it is the inside of.
func (p *Promise[T]) String() string {
	if at := p.CreatedAt(); at != "" {
		return "Future(" + p.Describe() + ", created at " + at + ")"
	}
	return "Future(" + p.Describe() + ")"
}

// Describe returns the state, and the result or the error, for people.
func (p *Promise[T]) Describe() string {
	switch p.State() {
	case loop.Succeeded:
		return "finished, result: " + abbreviate(fmt.Sprintf("%#v", p.val))
	case loop.Failed:
		return "finished, error: " + abbreviate(p.err.Error())
	case loop.Cancelled:
		return "cancelled"
	}
	if n := p.Waiting(); n > 0 {
		return fmt.Sprintf("pending, %d waiting", n)
	}
	return "pending"
}

// abbreviate shortens a text for a one-line description.
func abbreviate(s string) string {
	r := []rune(s)
	for i, c := range r {
		if c == '\n' {
			r = r[:i]
			break
		}
	}
	if len(r) <= 40 {
		return string(r)
	}
	return string(r[:18]) + "…" + string(r[len(r)-18:])
}
