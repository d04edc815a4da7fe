package gevent

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// Joinable is a [Greenlet] of any type.
type Joinable interface {
	Waitable
	// Dead reports whether the greenlet has ended.
	Dead() bool
	// Exception returns the error that it has failed with.
	Exception() error
	// Kill throws at it and waits for its end.
	Kill(err ...error) error
	base() *core
}

// Waitable is what [Wait] can wait for: a [Greenlet], an [Event], an [AsyncResult] or a [Semaphore].
type Waitable interface {
	// Ready reports whether there is nothing to wait for.
	Ready() bool
	completion() *loop.Completion
}

func (c *core) completion() *loop.Completion { return &c.done }

// A WaitOption changes what [JoinAll], [KillAll], [Wait] and [IWait] do.
type WaitOption func(*waitOptions)

type waitOptions struct {
	limit  []time.Duration
	count  int
	raise  bool
	nowait bool
	err    error
}

// Within limits the time: timeout.
func Within(d time.Duration) WaitOption {
	return func(o *waitOptions) { o.limit = []time.Duration{d} }
}

// Count ends the wait when so many are ready: count.
func Count(n int) WaitOption { return func(o *waitOptions) { o.count = n } }

// RaiseError has [JoinAll] return the error of the first greenlet that fails, at once: raise_error.
func RaiseError() WaitOption { return func(o *waitOptions) { o.raise = true } }

// NoWait has [KillAll] not wait: block=False.
func NoWait() WaitOption { return func(o *waitOptions) { o.nowait = true } }

// With has [KillAll] throw err: exception.
func With(err error) WaitOption { return func(o *waitOptions) { o.err = err } }

func waitOptionsOf(opts []WaitOption) (o waitOptions) {
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	return o
}

// A collector takes in what becomes ready, in order.
type collector struct {
	// l is the loop in whose queue things become ready, if they do so in different ways: some when they say so, some in
	// a round; or if the one who waits looks at each of them: then those who were there before have been told of it, as a
	// group has that it has lost a member, and of those behind nobody has. Nil takes them as they come, which is cheaper.
	l       *loop.Loop
	mu      sync.Mutex
	line    loop.Line
	ready   []int
	need    int // wakes the one who waits
	watches []watch
	over    bool // nobody waits any more
}

// A watch is a collector in the list of one object.
type watch struct {
	waiter loop.Waiter
	of     *collector
	done   *loop.Completion
	i      int
}

// Notify implements [loop.Party].
func (w *watch) Notify(in *loop.Loop) bool {
	if l := w.of.l; l == nil || !l.Push(w, in) {
		w.note(in)
	}
	return false
}

// RunReady implements [loop.Runnable].
func (w *watch) RunReady() { w.of.l.First(func() { w.note(w.of.l) }) }

// Moot implements [loop.Moot].
func (w *watch) Moot() bool {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	return w.of.over
}

func (w *watch) note(in *loop.Loop) {
	c := w.of
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = append(c.ready, w.i)
	if len(c.ready) >= c.need {
		c.line.WakeIn(in)
	}
}

// GaveUp implements [loop.Keeper].
func (c *collector) GaveUp(*loop.Line, bool) {}

// String says what is waited for.
func (c *collector) String() string { return fmt.Sprintf("%d objects", len(c.watches)) }

// queueOf returns the loop of the caller if one of the objects makes rounds.
func queueOf[W Waitable](objects []W) *loop.Loop {
	for _, x := range objects {
		switch any(x).(type) {
		case *Event, *Semaphore, *BoundedSemaphore:
			return loop.Inside()
		}
	}
	return nil
}

func collect[W Waitable](objects []W) *collector { return collectIn(queueOf(objects), objects) }

func collectIn[W Waitable](l *loop.Loop, objects []W) *collector {
	c := &collector{l: l, watches: make([]watch, len(objects)), ready: make([]int, 0, len(objects))}
	for i, x := range objects {
		w := &c.watches[i]
		w.of, w.i, w.done = c, i, x.completion()
		w.waiter = loop.MakeWaiter(w)
		if x.Ready() || !w.done.Add(&w.waiter) {
			c.mu.Lock()
			c.ready = append(c.ready, i)
			c.mu.Unlock()
		}
	}
	return c
}

// await waits until so many are ready.
func (c *collector) await(n int) error {
	c.mu.Lock()
	if c.need = n; len(c.ready) >= n {
		c.mu.Unlock()
		return nil
	}
	c.mu.Unlock()
	return wait(func(ctx context.Context) error {
		c.mu.Lock()
		for len(c.ready) < c.need {
			if err := c.line.Wait(ctx, &c.mu, c); err != nil {
				c.mu.Unlock()
				return err
			}
		}
		c.mu.Unlock()
		return nil
	})
}

// remove takes the collector out of the lists that it still is in.
func (c *collector) remove() {
	for i := range c.watches {
		if w := &c.watches[i]; !w.done.Remove(&w.waiter) {
			continue
		}
	}
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
}

// each calls yield, one after the other, with what becomes ready, until it returns false, n were ready, or the time is over.
func (c *collector) each(limit []time.Duration, n int, yield func(i int) bool) error {
	defer c.remove()
	_, err := within(limit, func() error {
		for k := range n {
			if err := c.await(k + 1); err != nil {
				return err
			}
			c.mu.Lock()
			i := c.ready[k]
			c.mu.Unlock()
			if !yield(i) {
				break
			}
		}
		return nil
	})
	return err
}

// take returns what is ready, at most n.
func take[W any](c *collector, objects []W, n int) []W {
	c.mu.Lock()
	defer c.mu.Unlock()
	ready := make([]W, min(n, len(c.ready)))
	for k := range ready {
		ready[k] = objects[c.ready[k]]
	}
	return ready
}

// awaitAll waits until n of the objects are ready or the time is over, and returns those that are, in the order
// in which they became so.
func awaitAll[W Waitable](objects []W, o waitOptions) ([]W, error) {
	n := len(objects)
	if o.count > 0 {
		n = min(n, o.count)
	}
	c := collect(objects)
	defer c.remove()
	_, err := within(o.limit, func() error { return c.await(n) })
	return take(c, objects, n), err
}

// JoinAll waits until all greenlets have ended, and returns them in the order in which they have:
// gevent.joinall. With [Within] or [Count] it returns those that have ended so far. With [RaiseError] it returns as
// soon as one has failed, with its error; of several that have failed before, that of the first in the
// list. Other errors are what was thrown at the caller.
func JoinAll[J Joinable](gs []J, opts ...WaitOption) ([]J, error) {
	o := waitOptionsOf(opts)
	if !o.raise {
		return awaitAll(gs, o)
	}
	n := len(gs)
	if o.count > 0 {
		n = min(n, o.count)
	}
	var ended []J
	var failed error
	err := collectIn(loop.Inside(), gs).each(o.limit, n, func(i int) bool {
		ended = append(ended, gs[i])
		failed = gs[i].Exception()
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	return ended, err
}

// KillAll throws [ErrGreenletExit], or the error of [With], at all greenlets, in order, and waits until they have
// ended: gevent.killall. Those that have not run never do. If the time of [Within] is over first, the error is
// a [Timeout] and the rest lives on.
func KillAll[J Joinable](gs []J, opts ...WaitOption) error {
	o := waitOptionsOf(opts)
	targets := make([]*core, len(gs))
	for i, g := range gs {
		targets[i] = g.base()
	}
	defer settle()
	left, b := strike(targets, killError([]error{o.err}))
	if len(left) == 0 || o.nowait {
		return nil
	}
	waits := func() error {
		if err := b.await(); err != nil {
			return err
		}
		alive := slices.DeleteFunc(left, (*core).Ready)
		c := collect(alive)
		defer c.remove()
		return c.await(len(alive))
	}
	if len(o.limit) == 0 {
		return waits()
	}
	return newTimeout(o.limit[0]).limit(waits)
}

// Kill is [Greenlet.KillNowait] for any greenlet: gevent.kill.
func Kill(g Joinable, err ...error) { g.base().kill(err, false, nil) }

// Wait waits until the objects are ready and returns them in the order in which they became so: gevent.wait. With
// [Within] or [Count] it returns those that are so far.
func Wait[W Waitable](objects []W, opts ...WaitOption) ([]W, error) {
	return awaitAll(objects, waitOptionsOf(opts))
}

// WaitAll runs the hub of the calling goroutine until nothing is left that could run: gevent.wait() and
// hub.join. It reports false if the time of [Within] is over first, and returns at once without a hub. Greenlets
// that nothing can wake do not count. In a greenlet it returns [ErrBlockingInHub].
func WaitAll(opts ...WaitOption) (bool, error) {
	o := waitOptionsOf(opts)
	t := loop.Here()
	if t == nil && loop.Inside() == nil && strays() {
		c, err := me()
		if err != nil {
			return false, err
		}
		t = c.task
	}
	if t == nil {
		return true, nil
	}
	c := coreOf(t)
	if c == nil || c.main == nil {
		return false, ErrBlockingInHub
	}
	if !c.main.owes() {
		if c.main.leaveIfAlone(); t.Ended() {
			return true, nil
		}
	}
	c.waitsAll = true
	if len(o.limit) > 0 && o.limit[0] != Forever {
		c.l.Ignore = 1 // the timer of the limit
		defer func() { c.l.Ignore = 0 }()
	}
	var never Event
	over, err := within(o.limit, func() error {
		_, err := never.Wait()
		return err
	})
	c.waitsAll = false
	if err == errAllDone {
		err = nil
	}
	return !over && err == nil, err
}

// IWait returns an iterator over the objects as they become ready: gevent.iwait. It ends when all have, after
// [Count] of them, or when the time of [Within] is over, or something is thrown at the caller. Leaving it early
// leaves nothing behind.
func IWait[W Waitable](objects []W, opts ...WaitOption) iter.Seq[W] {
	return func(yield func(W) bool) {
		o := waitOptionsOf(opts)
		n := len(objects)
		if o.count > 0 {
			n = min(n, o.count)
		}
		collectIn(loop.Inside(), objects).each(o.limit, n, func(i int) bool { return yield(objects[i]) })
	}
}
