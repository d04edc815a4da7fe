package gevent

import (
	"errors"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// Kill throws [ErrGreenletExit], or the given error, at the greenlet and waits until it has ended:
// kill(exception). The wait that it is in returns the error, once; it may catch it and go on, then Kill
// waits for its end. One that has not run yet never does. Killing one that has ended does nothing. Who kills
// himself gets the error, to return it.
func (c *core) Kill(err ...error) error { return c.kill(err, true, nil) }

// KillNowait is [Greenlet.Kill] without the wait: kill(block=False). Who kills himself like that gets the error from his next
// wait.
func (c *core) KillNowait(err ...error) { c.kill(err, false, nil) }

// KillWithin is [Greenlet.Kill] with a limit for the wait: kill(timeout). It returns nil also when that is
// over, and the greenlet lives on.
func (c *core) KillWithin(d time.Duration, err ...error) error {
	return c.kill(err, true, []time.Duration{d})
}

// dieUnborn ends a greenlet that has not run.
func (c *core) dieUnborn(err error) {
	if c.timer != nil {
		c.timer.Cancel()
		c.timer = nil
	}
	if c.l == nil {
		c.l = homeLoop()
		c.done.SetHome(c.l)
	}
	if c.exit = errors.Is(err, ErrGreenletExit); c.exit {
		c.finish(err)
		return
	}
	c.fail(err)
}

func (c *core) kill(with []error, block bool, limit []time.Duration) error {
	err := killError(with)
	if c.Ready() {
		return nil
	}
	if t := loop.Here(); block && t != nil && t == c.task {
		return err
	}
	defer settle()
	left, b := strike([]*core{c}, err)
	if len(left) == 0 || !block {
		return nil
	}
	if err := b.await(); err != nil {
		return err
	}
	_, err = within(limit, c.await)
	return err
}

func killError(with []error) error {
	if len(with) > 0 && with[0] != nil {
		return with[0]
	}
	return ErrGreenletExit
}

// strike kills greenlets. Those that have not run are dead at once, as they never will; the others are hit by a callback,
// and are returned.
func strike(targets []*core, err error) ([]*core, *blow) {
	b := &blow{l: loop.Inside(), err: err}
	var left []*core
	for _, c := range targets {
		switch {
		case c.Ready():
		case c.l == nil: // never started
			c.dieUnborn(err)
		case c.l != b.l: // of another hub
			if c.shoot(err) {
				left = append(left, c)
			}
		case c.state == scheduled:
			c.dieUnborn(err)
		default:
			left = append(left, c)
			b.targets = append(b.targets, c)
		}
	}
	if len(b.targets) > 0 {
		b.l.Push(b, b.l)
	} else {
		commit(&b.done)
	}
	return left, b
}

// shoot throws at a greenlet of another hub, or ends it if it does not run yet. It reports whether there is something to
// wait for.
func (c *core) shoot(err error) bool {
	alive := true
	c.l.Do(func() {
		switch c.state {
		case scheduled:
			c.dieUnborn(err)
			alive = false
		case running:
			c.hit(err)
		}
	})
	return alive
}

// hit throws at a greenlet, which runs before what else is ready.
func (c *core) hit(err error) {
	queued := c.task != nil && c.task.Yielding()
	c.throw(err)
	if queued { // else it is at the end of the queue now
		c.task.Hurry()
	}
}

// A blow is the callback of a kill. It hits one greenlet after the other, each of which runs at once, and then whoever
// waits for that.
type blow struct {
	l       *loop.Loop
	targets []*core
	err     error
	done    loop.Completion
}

// RunReady implements [loop.Runnable].
func (b *blow) RunReady() {
	b.l.First(func() {
		if len(b.targets) == 0 {
			commit(&b.done)
			return
		}
		c := b.targets[0]
		b.targets = b.targets[1:]
		if c.state == running {
			c.hit(b.err)
		}
		if len(b.targets) > 0 || b.done.Awaited() {
			b.l.Push(b, b.l)
		} else {
			commit(&b.done)
		}
	})
}

// await waits until all were hit.
func (b *blow) await() error {
	if b.done.State() != loop.Pending {
		return nil
	}
	return waitFor(&b.done, waitsFor("a kill"))
}
