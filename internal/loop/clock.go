package loop

import (
	"sync"
	"time"
)

// A Clock tells a loop the time and lets it wait.
type Clock interface {
	// Now is the time since some fixed moment. It never goes back.
	Now() time.Duration
	// Wait returns when d has passed on this clock, or earlier when wake
	// delivers; it reports whether it took the delivery. A negative d means
	// forever. busy tells whether work outside the loop may still wake it.
	Wait(d time.Duration, wake <-chan struct{}, busy func() bool) (woken bool)
	// Wall translates a time of this clock.
	Wall(now time.Duration) time.Time
}

// start is where the real clock counts from.
var start = time.Now()

// Real is the clock on the wall, monotonic.
type Real struct {
	timer *time.Timer
}

// NewReal returns a real clock. It serves one loop.
func NewReal() *Real { return &Real{} }

// Now implements [Clock].
func (c *Real) Now() time.Duration { return time.Since(start) }

// Wall implements [Clock].
func (c *Real) Wall(now time.Duration) time.Time { return start.Add(now) }

// Wait implements [Clock].
func (c *Real) Wait(d time.Duration, wake <-chan struct{}, _ func() bool) bool {
	if d < 0 {
		<-wake
		return true
	}
	if c.timer == nil {
		c.timer = time.NewTimer(d)
	} else {
		c.timer.Reset(d)
	}
	select {
	case <-wake:
		c.timer.Stop()
		return true
	case <-c.timer.C:
		return false
	}
}

// Virtual is a clock that stands still while there is something to do, and jumps to the
// next deadline when there is not. While work outside the loop is under way it
// waits for that instead, because the work may make something ready before the
// deadline.
type Virtual struct {
	mu  sync.Mutex
	now time.Duration
}

// virtualStart is an arbitrary round date, so that tests print the same on every day.
var virtualStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// NewVirtual returns a virtual clock that stands at zero.
func NewVirtual() *Virtual { return &Virtual{} }

// Reset sets the clock back to zero, for a loop that has no timers.
func (c *Virtual) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = 0
}

// Now implements [Clock].
func (c *Virtual) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Wall implements [Clock].
func (c *Virtual) Wall(now time.Duration) time.Time { return virtualStart.Add(now) }

// Wait implements [Clock].
func (c *Virtual) Wait(d time.Duration, wake <-chan struct{}, busy func() bool) bool {
	if d < 0 || busy() {
		<-wake
		return true
	}
	select {
	case <-wake: // it came while the clock was asked
		return true
	default:
	}
	c.mu.Lock()
	c.now += d
	c.mu.Unlock()
	return false
}
