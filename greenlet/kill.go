package greenlet

import (
	"cmp"
	"errors"
	"slices"

	"github.com/petermattis/goid"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// Kill ends g: [ErrExit] is thrown at it, and its deferred calls run, with the caller as its parent for
// that time. It is what Python does when the last reference to a greenlet is dropped, which Go cannot
// notice. It returns when g has ended, or has switched away, and may be called from any goroutine, also
// when that of the tree has ended; while a greenlet of the tree other than the root runs, only from
// there: ErrOtherThread. In a tree of a task, a foreign goroutine waits until the loop has done it.
//
// The error is the one that g has ended with; nil for ErrExit. If g has caught ErrExit and gone on, its
// parent is the old one again, and the error is [ErrSurvived]. One that has not started never does. Killing
// one that has ended does nothing. Who kills himself gets ErrExit, to return it. Killing a root returns
// ErrOtherThread to others.
func (g *Greenlet) Kill() (err error) {
	g.check("Kill")
	t := g.tree.Load()
	if t.loop != nil && loop.Inside() != t.loop && t.loop.Ask(func() { err = t.kill(g) }) {
		return err
	}
	return t.kill(g)
}

func (t *tree) kill(g *Greenlet) error {
	if me, err := t.caller(); err == nil {
		return me.kill(g)
	}
	if g.parent == nil {
		return ErrOtherThread
	}
	t.visit.Lock()
	defer t.visit.Unlock()
	driver := t.newRoot(goid.Get())
	driver.parent = t.root
	if !t.running.CompareAndSwap(t.rootID, driver.gid.Load()) {
		return ErrOtherThread
	}
	t.driver, t.current = driver, driver
	defer func() {
		driver.state.Store(dead)
		t.driver, t.current = nil, t.root
		t.running.Store(t.rootID)
	}()
	return driver.kill(g)
}

func (me *Greenlet) kill(g *Greenlet) error {
	switch {
	case g.state.Load() == fresh:
		g.state.Store(dead)
		return nil
	case g.state.Load() == dead:
		return nil
	case g == me:
		return ErrExit
	case g.parent == nil:
		return ErrOtherThread
	}
	parent := g.parent
	for p := me; p != nil; p = p.parent {
		if p == g { // me is a descendant of g, and cannot be its parent
			parent = nil
		}
	}
	if parent != nil {
		g.parent = me
	}
	_, err := me.tree.Load().send(g, nil, ErrExit)
	switch {
	case g.state.Load() == dead:
		return err
	case parent != nil && g.parent == me:
		g.parent = parent
	}
	return errors.Join(ErrSurvived, err)
}

// All returns the greenlets of the process that have started and not ended, in the order of their
// goroutines; roots are not among them. It may be called from any goroutine, to find those that were
// forgotten.
func All() []*Greenlet {
	var all []*Greenlet
	coro.Each(func(r *coro.Routine) {
		if l, ok := r.Owner().(*life); ok && l.state.Load() == live {
			all = append(all, (*Greenlet)(l))
		}
	})
	slices.SortFunc(all, func(a, b *Greenlet) int { return cmp.Compare(a.gid.Load(), b.gid.Load()) })
	return all
}

// TestingT is the part of testing.TB that [VerifyNone] needs.
type TestingT interface {
	// Helper marks the caller as a helper.
	Helper()
	// Errorf reports a failure.
	Errorf(format string, args ...any)
}

// VerifyNone fails a test if there are greenlets that have started and not ended, and names them.
func VerifyNone(t TestingT) {
	t.Helper()
	for _, g := range All() {
		t.Errorf("greenlet: %v was left behind", g)
	}
}
