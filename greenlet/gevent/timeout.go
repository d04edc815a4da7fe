package gevent

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Timeout interrupts the greenlet that has started it, by throwing itself: gevent.Timeout. The wait that
// the greenlet is in then, or its next one, returns it as the error. So errors.Is(err, t) tells a timeout
// from somebody else's; errors.Is(err, context.DeadlineExceeded) holds for all.
type Timeout struct {
	d       time.Duration
	err     error
	silent  bool
	message string
	handle  *loop.Handle
	own     *core
}

// A TimeoutOption changes what a [Timeout] does.
type TimeoutOption func(*Timeout)

// WithError has the timeout throw err in place of itself.
func WithError(err error) TimeoutOption { return func(t *Timeout) { t.err = err } }

// Silent has [Timeout.Do] return nil when it was ended by the timeout: Timeout(seconds, False).
func Silent() TimeoutOption { return func(t *Timeout) { t.silent = true } }

// Message adds to the text of the timeout.
func Message(text string) TimeoutOption { return func(t *Timeout) { t.message = text } }

// NewTimeout makes a timeout, which does nothing before [Timeout.Start]. [Forever] never comes; zero comes
// in the next wait.
func NewTimeout(d time.Duration, opts ...TimeoutOption) *Timeout {
	t := newTimeout(d)
	for _, opt := range opts {
		if opt != nil {
			opt(t)
		}
	}
	return t
}

func newTimeout(d time.Duration) *Timeout { return &Timeout{d: d} }

// StartTimeout makes a timeout and starts it: Timeout.start_new.
func StartTimeout(d time.Duration, opts ...TimeoutOption) *Timeout {
	t := NewTimeout(d, opts...)
	t.Start()
	return t
}

// Start starts the time for the calling greenlet. It panics if the timeout runs already, and in a callback.
func (t *Timeout) Start() {
	if t.handle != nil {
		panic("gevent: the Timeout is already started")
	}
	if t.d == Forever {
		return
	}
	c, err := me()
	if err != nil {
		panic(err.Error())
	}
	t.own = c
	t.handle = loop.NewHandle(c.l, func() {
		t.handle = nil
		var err error = t
		if t.err != nil {
			err = t.err
		}
		c.l.First(func() { c.hit(err) })
	})
	if t.d <= 0 {
		t.handle.Soon()
	} else {
		t.handle.At(max(c.l.Now()+t.d, 0))
	}
}

// Cancel stops the time: cancel(). It may be started again.
func (t *Timeout) Cancel() {
	if t.own == nil {
		return
	}
	if t.handle != nil {
		t.handle.Cancel()
		t.handle = nil
	} else if t.err == nil {
		t.own.retract(t)
	}
	t.own = nil
	settle()
}

// Pending reports whether the time runs: pending.
func (t *Timeout) Pending() bool { return t.handle != nil }

// Seconds returns the time in seconds: seconds.
func (t *Timeout) Seconds() float64 { return t.d.Seconds() }

// Do calls fn with the time running: "with Timeout(…)". It returns what fn does, and nil in place of the
// timeout itself if that is [Silent].
func (t *Timeout) Do(fn func() error) error {
	t.Start()
	defer t.Cancel()
	err := fn()
	if t.silent && errors.Is(err, t) {
		return nil
	}
	return err
}

// limit calls op with the time running.
func (t *Timeout) limit(op func() error) error {
	t.Start()
	defer t.Cancel()
	return op()
}

// Error returns the text, as "2 seconds: message".
func (t *Timeout) Error() string {
	if t.d == Forever {
		return t.message
	}
	text := strconv.FormatFloat(t.d.Seconds(), 'f', -1, 64) + " seconds"
	if t.d == time.Second {
		text = "1 second"
	}
	if t.silent {
		text += " (silent)"
	}
	if t.message != "" {
		text += ": " + t.message
	}
	return text
}

// Is reports whether target is [context.DeadlineExceeded].
func (t *Timeout) Is(target error) bool { return target == context.DeadlineExceeded }

// Timeout reports true, as net.Error has it.
func (t *Timeout) Timeout() bool { return true }

// WithTimeout calls fn with a limit: gevent.with_timeout. When that is over, it returns otherwise if one is
// given, or else the zero T and a [Timeout]. A timeout of somebody else passes through.
func WithTimeout[T any](d time.Duration, fn func() (T, error), otherwise ...T) (v T, err error) {
	if fn == nil {
		panic("gevent: WithTimeout was called with a nil function")
	}
	t := newTimeout(d)
	err = t.limit(func() error {
		v, err = fn()
		return err
	})
	if len(otherwise) > 0 && err != nil && errors.Is(err, t) {
		return otherwise[0], nil
	}
	return v, err
}

// within calls op, with a limit if there is one, and reports whether that is over.
func within(limit []time.Duration, op func() error) (over bool, err error) {
	if len(limit) == 0 || limit[0] == Forever {
		return false, op()
	}
	t := newTimeout(max(limit[0], 0))
	err = t.limit(op)
	if err == error(t) {
		return true, nil
	}
	return false, err
}

// String describes the timeout.
func (t *Timeout) String() string { return fmt.Sprintf("Timeout(%s)", t.Error()) }
