package asynctest

import (
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A clock is a virtual clock that gives its verdict when nothing can happen any more.
type clock struct {
	*loop.Virtual
	s *session
}

// Wait implements [async.TimeSource]. It is called inside the loop.
func (c *clock) Wait(d time.Duration, wake <-chan struct{}, busy func() bool) bool {
	if d >= 0 {
		return c.Virtual.Wait(d, wake, busy)
	}
	// Nothing is ready, and no timer is in force. What is left is the outside.
	return c.s.await(wake, busy)
}
