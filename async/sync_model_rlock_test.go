package async_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// A simRLock is a simLock that has an owner. The owner nil is the one who runs the operations.
type simRLock struct {
	lock  simLock
	owner *simTask
	depth int
}

func (r *simRLock) tryAcquire(t *simTask) bool {
	switch {
	case r.depth > 0 && r.owner == t:
		r.depth++
		return true
	case !r.lock.tryAcquire():
		return false
	}
	r.owner, r.depth = t, 1
	return true
}

func (r *simRLock) acquire(t *simTask, then func(cancelled bool)) {
	if r.tryAcquire(t) {
		then(false)
		return
	}
	r.lock.acquire(t, func(cancelled bool) {
		if !cancelled {
			r.owner, r.depth = t, 1
		}
		then(cancelled)
	})
}

func (r *simRLock) release(t *simTask) string {
	switch {
	case r.depth == 0:
		return "RLock is not acquired"
	case r.owner != t:
		return "somebody else has it"
	}
	if r.depth--; r.depth == 0 {
		r.owner = nil
		r.lock.release()
	}
	return ""
}

// followRLock has tasks take the lock twice and give it back step by step, and one more who takes it, and gives back also what
// it does not have.
func followRLock(t *testing.T, ops []byte) {
	follow(t, ops, func(ctx context.Context, m *machine) {
		var r async.RLock
		m.spawning(ctx, func(ctx context.Context, say func(string, ...any)) error {
			return r.With(ctx, func(ctx context.Context) error {
				say("has it")
				return r.With(ctx, func(ctx context.Context) error {
					say("has it %d times", r.Stats().Depth)
					err := async.Sleep(ctx, 0)
					say("leaves")
					return err
				})
			})
		})
		m.spawning(ctx, func(ctx context.Context, say func(string, ...any)) error {
			say("tries: %t", r.TryAcquire())
			if err := r.Acquire(ctx); err != nil {
				return err
			}
			say("has it %d times", r.Stats().Depth)
			err := async.Sleep(ctx, 0)
			for r.Stats().Depth > 1 {
				r.Release()
			}
			say("has it still")
			if err == nil {
				err = async.Sleep(ctx, 0)
			}
			r.Release()
			return err
		})
		m.act = []func() string{
			func() string {
				did := ""
				func() {
					defer func() {
						if v := recover(); v != nil {
							did = strings.TrimPrefix(fmt.Sprint(v), "async: ")
						}
					}()
					r.Release()
				}()
				if strings.Contains(did, " is released by ") {
					did = "somebody else has it"
				}
				return did
			},
			func() string { return fmt.Sprint(r.TryAcquire()) },
		}
		m.state = func() string {
			s := r.Stats()
			return fmt.Sprint(r.Locked(), " ", s.Owner != "", s.Depth, s.Waiters)
		}
	}, func(s *sim, m *machine) {
		var r simRLock
		m.simulating(s, func(t *simTask) {
			r.acquire(t, func(cancelled bool) {
				if cancelled {
					return
				}
				t.say("has it")
				r.tryAcquire(t)
				t.say("has it %d times", r.depth)
				t.sleep(func(bool) {
					t.say("leaves")
					r.release(t)
					r.release(t)
				})
			})
		})
		m.simulating(s, func(t *simTask) {
			t.say("tries: %t", r.tryAcquire(t))
			r.acquire(t, func(cancelled bool) {
				if cancelled {
					return
				}
				t.say("has it %d times", r.depth)
				t.sleep(func(cancelled bool) {
					for r.depth > 1 {
						r.release(t)
					}
					t.say("has it still")
					if cancelled {
						r.release(t)
						return
					}
					t.sleep(func(bool) { r.release(t) })
				})
			})
		})
		m.act = []func() string{
			func() string { return r.release(nil) },
			func() string { return fmt.Sprint(r.tryAcquire(nil)) },
		}
		m.state = func() string {
			return fmt.Sprint(r.lock.locked, " ", r.depth > 0, r.depth, len(r.lock.waiters))
		}
	})
}
