package gevent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Semaphore is a number of permits, which greenlets take and give back: gevent.lock.Semaphore. The zero value
// has none; make others by [NewSemaphore]. Who waits is served first come, first served, but TryAcquire may take a
// permit that was just given back before the one who was woken for it.
type Semaphore struct {
	mu    sync.Mutex
	value int
	bound int // at most; 0 for none
	line  loop.Line
	free  *loop.Completion // of those who wait for a permit, and do not take it

	company company
	round   *round
}

// NewSemaphore makes a semaphore of n permits. It panics if n is negative.
func NewSemaphore(n int) *Semaphore {
	if n < 0 {
		panic("gevent: the initial value of a semaphore must be at least 0")
	}
	return &Semaphore{value: n}
}

// NewBoundedSemaphore makes a semaphore that never has more than n permits: Release panics when it would.
func NewBoundedSemaphore(n int) *BoundedSemaphore {
	if n < 1 {
		panic("gevent: the initial value of a bounded semaphore must be at least 1")
	}
	return &BoundedSemaphore{Semaphore{value: n, bound: n}}
}

// A BoundedSemaphore is a [Semaphore] that never has more permits than in the beginning.
type BoundedSemaphore struct{ Semaphore }

// Acquire takes a permit and reports true, or false when the limit is over: acquire(timeout).
func (s *Semaphore) Acquire(limit ...time.Duration) (bool, error) {
	s.mu.Lock()
	if s.value > s.line.UnderWay() { // more than is promised to those who were woken
		s.value--
		s.mu.Unlock()
		return true, nil
	}
	s.mu.Unlock()
	if len(limit) > 0 && limit[0] <= 0 {
		return false, nil
	}
	over, err := within(limit, func() error { return wait(s.await) })
	return !over && err == nil, err
}

func (s *Semaphore) await(ctx context.Context) error {
	s.mu.Lock()
	s.company.join(!s.awaited() && s.line.UnderWay() == 0)
	for ahead := false; s.value == 0 || !ahead && s.value <= s.line.UnderWay(); ahead = true {
		join := s.line.Wait
		if ahead {
			join = s.line.WaitAhead
		}
		if err := join(ctx, &s.mu, (*semaphoreKeeper)(s)); err != nil {
			s.mu.Unlock()
			return err
		}
	}
	s.value--
	s.mu.Unlock()
	return nil
}

// TryAcquire takes a permit if there is one, and reports whether it did: acquire(blocking=False).
func (s *Semaphore) TryAcquire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.value == 0 {
		return false
	}
	s.value--
	return true
}

// Release gives a permit back, or adds one, and wakes the one who has waited longest: release(). It does not
// wait.
func (s *Semaphore) Release() {
	s.mu.Lock()
	if s.bound > 0 && s.value == s.bound {
		s.mu.Unlock()
		panic("gevent: Semaphore released too many times")
	}
	s.value++
	c := s.notify()
	s.mu.Unlock()
	commit(c)
}

// awaited reports whether anybody waits, whatever for.
func (s *Semaphore) awaited() bool {
	return s.line.Waiting() > 0 || s.free != nil && s.free.Awaited()
}

// notify has one of those go on who wait, by a round if that is possible. Otherwise the caller has to commit what it
// returns.
func (s *Semaphore) notify() *loop.Completion {
	if !s.awaited() {
		return nil
	}
	if l := s.company.hub(); l != nil {
		if !s.round.alive() {
			s.round = startRound(l, s)
		}
		return nil
	}
	c, _ := s.wake()
	return c
}

// wake wakes the first one if there is a permit for him, or else those who only wait for there being one.
func (s *Semaphore) wake() (c *loop.Completion, woken bool) {
	if s.value > s.line.UnderWay() {
		if s.line.Wake() {
			return nil, true
		}
		c, s.free = s.free, nil
	}
	return c, false
}

// gone implements [crowd].
func (s *Semaphore) gone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.awaited()
}

// step implements [crowd].
func (s *Semaphore) step() (more bool) {
	s.mu.Lock()
	c, woken := s.wake()
	if more = woken && s.awaited(); !more {
		s.round = nil
	}
	s.mu.Unlock()
	commit(c)
	return more
}

// With calls fn with a permit: "with sem". It returns what was thrown while it waited for that, or what fn
// returns.
func (s *Semaphore) With(fn func() error) error {
	if _, err := s.Acquire(); err != nil {
		return err
	}
	defer s.Release()
	return fn()
}

// Wait waits until there is a permit, without taking it, in one line with those who take one, and returns how many there
// are, 0 when the limit is over: wait(timeout).
func (s *Semaphore) Wait(limit ...time.Duration) (int, error) {
	if n := s.Counter(); n > 0 {
		return n, nil
	}
	if len(limit) > 0 && limit[0] <= 0 {
		return 0, nil
	}
	_, err := within(limit, func() error { return wait(s.awaitPermit) })
	return s.Counter(), err
}

func (s *Semaphore) awaitPermit(ctx context.Context) error {
	s.mu.Lock()
	s.company.join(!s.awaited() && s.line.UnderWay() == 0)
	for join := s.line.Wait; s.value == 0; join = s.line.WaitAhead {
		if err := join(ctx, &s.mu, (*semaphoreKeeper)(s)); err != nil {
			s.mu.Unlock()
			return err
		}
	}
	c := s.notify() // The permit is still there.
	s.mu.Unlock()
	commit(c)
	return nil
}

// RawLink has fn called by the hub of the caller when there is a permit, once, behind those who wait to take one: rawlink.
// Calling unlink takes that back.
func (s *Semaphore) RawLink(fn func(*Semaphore)) (unlink func()) {
	l := homeLoop()
	c := s.completion()
	k := linkTo(c, l, func() { fn(s) })
	s.mu.Lock()
	var now *loop.Completion
	if s.value > 0 {
		now = s.notify()
	}
	s.mu.Unlock()
	commit(now)
	return k.from(c)
}

// Counter returns how many permits there are: counter.
func (s *Semaphore) Counter() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value
}

// Locked reports whether there is no permit: locked().
func (s *Semaphore) Locked() bool { return s.Counter() == 0 }

// Ready reports whether there is a permit: ready().
func (s *Semaphore) Ready() bool { return s.Counter() > 0 }

// String describes the semaphore.
func (s *Semaphore) String() string { return fmt.Sprintf("Semaphore(%d)", s.Counter()) }

func (s *Semaphore) completion() *loop.Completion {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.company.join(!s.awaited() && s.line.UnderWay() == 0)
	if s.free == nil {
		s.free = new(loop.Completion)
	}
	return s.free
}

type semaphoreKeeper Semaphore

// GaveUp implements [loop.Keeper].
func (k *semaphoreKeeper) GaveUp(line *loop.Line, woken bool) {
	if woken && k.value > 0 {
		line.Wake() // A permit goes to the next one at once.
	}
}

func (k *semaphoreKeeper) String() string { return "Semaphore" }
