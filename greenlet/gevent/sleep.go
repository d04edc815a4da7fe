package gevent

import (
	"context"
	"runtime"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// Sleep waits for d: gevent.sleep. With d ≤ 0 it goes to the end of the queue, and all that is ready runs
// once. It returns what was thrown at the caller. A goroutine without a hub just sleeps.
func Sleep(d time.Duration) error {
	t := loop.Here()
	if t == nil {
		if loop.Inside() != nil {
			return ErrBlockingInHub
		}
		if d <= 0 {
			runtime.Gosched()
		} else {
			time.Sleep(d)
		}
		return nil
	}
	c := coreOf(t)
	known := c != nil
	if known && c.switches != nil {
		c.switches.leave()
	}
	err := loop.Sleep(t, d)
	switch {
	case !known:
		var wrong error
		if c, wrong = me(); wrong != nil {
			return wrong
		}
	case c.switches != nil:
		c.switches.enter()
	}
	if known && err == nil && c.main == nil {
		return nil
	}
	return c.after(err)
}

// Idle waits until nothing else is ready: gevent.idle. Timers do not count.
func Idle() error {
	c, err := me()
	if err != nil {
		return err
	}
	return c.wait(func(ctx context.Context) error {
		for {
			if err := loop.Sleep(ctx, 0); err != nil || c.l.Stats().Ready == 0 {
				return err
			}
		}
	})
}
