package gevent

import (
	"context"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// waitFor waits until c is done, which throwing at the caller does not change; what says what c is.
func waitFor(c *loop.Completion, what fmt.Stringer) error {
	return wait(func(ctx context.Context) error {
		_, err := c.Wait(ctx, refuser{what})
		return err
	})
}

// join is [waitFor] with a limit, if there is one. It reports whether c is done.
func join(limit []time.Duration, c *loop.Completion, what fmt.Stringer) (bool, error) {
	over, err := within(limit, func() error { return waitFor(c, what) })
	return !over && err == nil, err
}

// refuser is what a wait would cancel: nothing.
type refuser struct{ what fmt.Stringer }

// CancelWaited implements [loop.Canceller].
func (refuser) CancelWaited(*loop.Cause) bool { return false }

// String says what is waited for.
func (r refuser) String() string { return r.what.String() }

// waitsFor is a description.
type waitsFor string

func (w waitsFor) String() string { return string(w) }
