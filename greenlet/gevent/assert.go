package gevent

import (
	"errors"
	"fmt"
	"time"
)

// ErrNoSwitch is returned by [AssertSwitches] for a function that has not let others run.
var ErrNoSwitch = errors.New("gevent: the function has not let others run")

// AssertSwitches calls fn and returns its error. If it has none, but fn has never let the hub run by a wait, or, with
// maxBlocking > 0, not for longer than that at a time, the error is [ErrNoSwitch]: gevent.util.assert_switches. Only waits of the
// caller in this package count, as hub_only=True has it.
func AssertSwitches(maxBlocking time.Duration, fn func() error) error {
	if fn == nil {
		panic("gevent: AssertSwitches was called with a nil function")
	}
	c, err := me()
	if err != nil {
		return err
	}
	w := &switches{outer: c.switches, since: time.Now()}
	err = c.counted(w, fn)
	switch {
	case err != nil:
		return err
	case maxBlocking > 0 && w.longest > maxBlocking:
		return fmt.Errorf("%w for %v", ErrNoSwitch, w.longest)
	case maxBlocking <= 0 && w.n == 0:
		return ErrNoSwitch
	}
	return nil
}

// counted calls fn, whose waits w counts. The hub stays as long as that: waits that this package knows nothing of, as those that
// package monkey has made of time.Sleep, could close it in between, and the next one would not be seen.
func (c *core) counted(w *switches, fn func() error) error {
	c.switches = w
	defer func() {
		w.leave()
		c.switches = w.outer
		if h := c.main; h != nil && w.n > 0 && !h.left.Load() {
			h.leaveIfAlone()
		}
	}()
	return fn()
}

// switches counts the waits of a greenlet, for those who have asked.
type switches struct {
	outer   *switches
	n       int
	since   time.Time // when it has begun to run
	longest time.Duration
}

// leave notes that the greenlet stops running, for all who have asked.
func (s *switches) leave() {
	for ; s != nil; s = s.outer {
		s.longest = max(s.longest, time.Since(s.since))
	}
}

// enter notes that it runs again.
func (s *switches) enter() {
	for ; s != nil; s = s.outer {
		s.n++
		s.since = time.Now()
	}
}

// WrapErrors returns a function that calls fn and returns an error that is one of errs as its value, and other errors as
// errors: gevent.util.wrap_errors.
func WrapErrors[T any](fn func() (T, error), errs ...error) func() (any, error) {
	if fn == nil {
		panic("gevent: WrapErrors was called with a nil function")
	}
	return func() (any, error) {
		v, err := fn()
		if err == nil {
			return v, nil
		}
		for _, e := range errs {
			if errors.Is(err, e) {
				return err, nil
			}
		}
		return nil, err
	}
}
