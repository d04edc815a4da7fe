package gevent

import (
	"context"
	"reflect"

	"github.com/sourcegraph/conc/panics"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A link is a callback that waits for the end of something. It is an entry of the list in which the waits
// stand, too, so that all go on in the order in which they came.
type link struct {
	waiter  loop.Waiter
	l       *loop.Loop
	fn      func()
	of      uintptr // the function that was given, for Unlink
	removed bool
	tidies  bool // it is a group's own, for the sake of which no hub stays
}

// Tidies implements [loop.Tidier].
func (k *link) Tidies() bool { return k.tidies || k.removed }

// Notify implements [loop.Party].
func (k *link) Notify(in *loop.Loop) bool {
	k.l.Push(k, in)
	return false
}

// RunReady implements [loop.Runnable].
func (k *link) RunReady() {
	if k.removed {
		return
	}
	k.removed = true
	if p := panics.Try(k.fn); p != nil {
		report("callback", loop.Spell.Panic(p))
	}
}

// linkTo adds a callback to a completion. One that is done already has it called soon.
func linkTo(done *loop.Completion, l *loop.Loop, fn func()) *link {
	k := &link{l: l, fn: fn}
	k.add(done)
	return k
}

func (k *link) add(done *loop.Completion) {
	k.waiter = loop.MakeWaiter(k)
	if !done.Add(&k.waiter) {
		k.l.Push(k, loop.Inside())
	}
}

// from returns what takes the link out of a completion.
func (k *link) from(done *loop.Completion) (unlink func()) {
	return func() {
		k.l.Do(func() { k.removed = true })
		done.Remove(&k.waiter)
	}
}

// addLink links a callback to the greenlet.
func (c *core) addLink(of any, fn func(*loop.Loop)) {
	l := c.l
	if l == nil || c.Ready() { // The hub of one that has ended may be closed.
		l = homeLoop()
	}
	k := linkTo(&c.done, l, func() { fn(l) })
	k.of = reflect.ValueOf(of).Pointer()
	c.links = append(c.links, k)
}

// inGreenlet calls fn in a greenlet of its own, at once.
func inGreenlet(l *loop.Loop, fn func()) {
	async.Go(l.Context(), func(context.Context) error {
		if p := panics.Try(fn); p != nil {
			report("link", loop.Spell.Panic(p))
		}
		return nil
	}, async.Eager())
}

// RawLink has fn called by the hub when the greenlet has ended, where it must not wait: rawlink.
func (g *Greenlet[T]) RawLink(fn func(*Greenlet[T])) { g.addLink(fn, func(*loop.Loop) { fn(g) }) }

// Link has fn called in a greenlet of its own when this one has ended: link. Links are called in the order in
// which they were added; one that is added after the end is called soon.
func (g *Greenlet[T]) Link(fn func(*Greenlet[T])) {
	g.addLink(fn, func(l *loop.Loop) { inGreenlet(l, func() { fn(g) }) })
}

// LinkValue is [Greenlet.Link] for a greenlet that succeeds: link_value.
func (g *Greenlet[T]) LinkValue(fn func(*Greenlet[T])) {
	g.addLink(fn, func(l *loop.Loop) {
		if g.Successful() {
			inGreenlet(l, func() { fn(g) })
		}
	})
}

// LinkException is [Greenlet.Link] for a greenlet that fails: link_exception.
func (g *Greenlet[T]) LinkException(fn func(*Greenlet[T])) {
	g.addLink(fn, func(l *loop.Loop) {
		if !g.Successful() {
			inGreenlet(l, func() { fn(g) })
		}
	})
}

// Unlink takes back all links to a function that have not been called: unlink. Functions are told apart by
// their code, so two closures of one place are the same.
func (g *Greenlet[T]) Unlink(fn func(*Greenlet[T])) {
	of := reflect.ValueOf(fn).Pointer()
	for _, k := range g.links {
		if k.of == of {
			g.drop(k)
		}
	}
}

// UnlinkAll takes back all links: unlink_all.
func (c *core) UnlinkAll() {
	for _, k := range c.links {
		c.drop(k)
	}
}

func (c *core) drop(k *link) {
	k.removed = true
	c.done.Remove(&k.waiter)
}

// HasLinks returns how many links there are that have not been called: has_links.
func (c *core) HasLinks() (n int) {
	for _, k := range c.links {
		if !k.removed {
			n++
		}
	}
	return n
}
