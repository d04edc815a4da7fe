package async_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// A simSemaphore is asyncio.Semaphore.
type simSemaphore struct {
	value   int
	waiters []*simFuture
}

func (s *simSemaphore) locked() bool { return s.value == 0 || !allCancelled(s.waiters) }

func (s *simSemaphore) acquire(t *simTask, then func(cancelled bool)) {
	if !s.locked() {
		s.value--
		then(false)
		return
	}
	var f *simFuture
	t.wait(&s.waiters, func(cancelled bool) {
		if cancelled && !f.cancelled {
			s.value++
		}
		for s.value > 0 && s.wakeNext() {
			continue
		}
		then(cancelled)
	})
	f = t.waits
}

func (s *simSemaphore) wakeNext() bool {
	if wake(s.waiters, 1) == 0 {
		return false
	}
	s.value--
	return true
}

func (s *simSemaphore) release() {
	s.value++
	s.wakeNext()
}

// A permits is either kind of semaphore.
type permits interface {
	Acquire(ctx context.Context) error
	TryAcquire() bool
	Release()
	Value() int
	String() string
}

// modelPermits is how many a semaphore of these tests has in the beginning.
const modelPermits = 2

func followSemaphore(t *testing.T, ops []byte) {
	followPermits(t, ops, "Semaphore", math.MaxInt, async.NewSemaphore(modelPermits))
}

func followBoundedSemaphore(t *testing.T, ops []byte) {
	followPermits(t, ops, "BoundedSemaphore", modelPermits, async.NewBoundedSemaphore(modelPermits))
}

func followPermits(t *testing.T, ops []byte, name string, bound int, sem permits) {
	follow(t, ops, func(ctx context.Context, m *machine) {
		release := func() string {
			if sem.Value() >= bound {
				return raised(sem.Release)
			}
			sem.Release()
			return ""
		}
		m.spawning(ctx, func(ctx context.Context, say func(string, ...any)) error {
			err := sem.Acquire(ctx)
			if err == nil {
				say("has one")
			}
			return err
		})
		m.spawning(ctx, func(ctx context.Context, say func(string, ...any)) error {
			if err := sem.Acquire(ctx); err != nil {
				return err
			}
			say("is in")
			err := giveWay(ctx)
			say("is out %s", release()) // Others may have given back more than they had.
			return err
		})
		m.act = []func() string{release, release, func() string { return fmt.Sprint(sem.TryAcquire()) }}
		m.state = func() string { return fmt.Sprint(sem, sem.Value()) }
	}, func(s *sim, m *machine) {
		sem := simSemaphore{value: modelPermits}
		release := func() string {
			if sem.value >= bound {
				return "BoundedSemaphore released too many times"
			}
			sem.release()
			return ""
		}
		m.simulating(s, func(t *simTask) {
			sem.acquire(t, func(cancelled bool) {
				if !cancelled {
					t.say("has one")
				}
			})
		})
		m.simulating(s, func(t *simTask) {
			sem.acquire(t, func(cancelled bool) {
				if cancelled {
					return
				}
				t.say("is in")
				t.sleep(func(bool) {
					t.say("is out %s", release())
				})
			})
		})
		m.act = []func() string{release, release, func() string {
			if sem.locked() {
				return "false"
			}
			sem.value--
			return "true"
		}}
		m.state = func() string {
			state := lockState(name, true, len(sem.waiters))
			if !sem.locked() {
				state = fmt.Sprintf("%s(unlocked, value: %d", name, sem.value)
				if n := len(sem.waiters); n > 0 {
					state += fmt.Sprintf(", waiters: %d", n)
				}
				state += ")"
			}
			return fmt.Sprint(state, " ", sem.value)
		}
	})
}
