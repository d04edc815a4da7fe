package async

import (
	"context"
	"fmt"
	"sync"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Semaphore is asyncio.Semaphore: a number of permits, which parties take and give back, and wait for
// when none is left. They get them in the order in which they have asked. The zero value has no permit.
// It serves tasks of any number of loops and plain goroutines at the same time, and must not be
// copied.
//
// The order is strict: also if there are permits, nobody can take one while somebody is there who has
// asked before.
//
// Python's acquire(timeout=d) is an Acquire with the context of this line:
//
//	ctx, cancel := async.WithTimeout(ctx, d); defer cancel()
type Semaphore struct {
	mu    sync.Mutex // never held across a wait
	value int        // permits that are neither taken nor on the way to somebody
	line  loop.Line
}

// SemaphoreStats tells what a [Semaphore] is doing.
type SemaphoreStats struct {
	Locked  bool // an Acquire would have to wait
	Value   int  // how many permits are left
	Waiters int  // those whose turn has come count until they run
}

// NewSemaphore makes a Semaphore of value permits. It panics if value is negative.
func NewSemaphore(value int) *Semaphore {
	checkPermits(value)
	return &Semaphore{value: value}
}

func checkPermits(value int) {
	if value < 0 {
		panic("async: Semaphore initial value must be >= 0")
	}
}

// Acquire takes a permit: acquire(). It suspends the calling task while there is none or somebody comes
// first; a plain goroutine blocks. Otherwise it does not give way, and does not look at ctx.
//
// If ctx is cancelled while it waits, Acquire returns the error of that, [ErrCancelled] or
// [ErrTimeout], and takes no permit; one that was on the way to the caller goes to the next. A callback
// that would have to wait gets [ErrNotInTask].
func (s *Semaphore) Acquire(ctx context.Context) error { return s.acquire(ctx, (*semaphoreKeeper)(s)) }

func (s *Semaphore) acquire(ctx context.Context, k loop.Keeper) error {
	s.mu.Lock()
	if s.locked() {
		if err := s.line.Wait(ctx, &s.mu, k); err != nil {
			s.mu.Unlock()
			return err
		}
		s.wake() // those who have come since and had to queue, although there are permits
	} else {
		s.value--
	}
	loop.Took((*semaphoreKeeper)(s))
	s.mu.Unlock()
	return nil
}

// TryAcquire takes a permit if that needs no waiting, and reports whether it did. It never suspends.
// asyncio has no such method; threading spells it acquire(blocking=False).
func (s *Semaphore) TryAcquire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.locked() {
		return false
	}
	s.value--
	loop.Took((*semaphoreKeeper)(s))
	return true
}

// Release gives a permit back, or adds one, and wakes the one who has waited longest: release(). It does
// not suspend.
func (s *Semaphore) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
}

// release is Release with mu held, as in all that follows.
func (s *Semaphore) release() {
	loop.Gave((*semaphoreKeeper)(s))
	s.value++
	if s.line.Wake() {
		s.value--
	}
}

// locked reports whether an Acquire would have to wait.
func (s *Semaphore) locked() bool { return s.value == 0 || !s.line.Idle() }

// wake wakes as many as there are permits.
func (s *Semaphore) wake() {
	for s.value > 0 && s.line.Wake() {
		s.value--
	}
}

// Locked reports whether an Acquire would have to wait: locked(). It is true also if there are permits and
// somebody who was woken for one does not run yet.
func (s *Semaphore) Locked() bool { return s.Stats().Locked }

// Value returns how many permits are left. One that is on the way to somebody is not.
func (s *Semaphore) Value() int { return s.Stats().Value }

// With calls fn with a permit: "async with sem". It suspends as [Semaphore.Acquire] does, whose error it
// returns, or else that of fn. The permit is given back also if fn panics.
func (s *Semaphore) With(ctx context.Context, fn func(ctx context.Context) error) error {
	return with(ctx, s, fn)
}

// Stats tells what the semaphore is doing, at this moment.
func (s *Semaphore) Stats() SemaphoreStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return SemaphoreStats{Locked: s.locked(), Value: s.value, Waiters: s.line.Len()}
}

// String describes the semaphore, as Semaphore(unlocked, value: 2) or Semaphore(locked, waiters: 1).
func (s *Semaphore) String() string { return s.describe("Semaphore") }

func (s *Semaphore) describe(name string) string {
	st := s.Stats()
	if st.Locked {
		return name + "(" + describe(true, st.Waiters) + ")"
	}
	return fmt.Sprintf("%s(unlocked, value: %d%s)", name, st.Value, describeWaiters(st.Waiters))
}

// semaphoreKeeper is a Semaphore as those who wait for it know it.
type semaphoreKeeper Semaphore

// GaveUp implements [loop.Keeper].
func (k *semaphoreKeeper) GaveUp(_ *loop.Line, woken bool) {
	s := (*Semaphore)(k)
	if woken {
		s.value++
	}
	s.wake()
}

func (k *semaphoreKeeper) String() string { return (*Semaphore)(k).String() }

// A BoundedSemaphore is asyncio.BoundedSemaphore: a [Semaphore] that never has more permits than in the
// beginning. Giving back one too many is a bug, and panics. The zero value has no permit and never
// will.
//
// Python's acquire(timeout=d) is an Acquire with the context of this line:
//
//	ctx, cancel := async.WithTimeout(ctx, d); defer cancel()
type BoundedSemaphore struct {
	sem   Semaphore
	bound int
}

// NewBoundedSemaphore makes a BoundedSemaphore of value permits. It panics if value is negative.
func NewBoundedSemaphore(value int) *BoundedSemaphore {
	checkPermits(value)
	return &BoundedSemaphore{sem: Semaphore{value: value}, bound: value}
}

// Acquire takes a permit: see [Semaphore.Acquire].
func (b *BoundedSemaphore) Acquire(ctx context.Context) error {
	return b.sem.acquire(ctx, (*boundedKeeper)(b))
}

// TryAcquire takes a permit if that needs no waiting: see [Semaphore.TryAcquire].
func (b *BoundedSemaphore) TryAcquire() bool { return b.sem.TryAcquire() }

// Release gives a permit back: see [Semaphore.Release]. It panics if there are as many as in the beginning.
func (b *BoundedSemaphore) Release() {
	b.sem.mu.Lock()
	defer b.sem.mu.Unlock()
	if b.sem.value >= b.bound {
		panic("async: BoundedSemaphore released too many times")
	}
	b.sem.release()
}

// Locked reports whether an Acquire would have to wait: see [Semaphore.Locked].
func (b *BoundedSemaphore) Locked() bool { return b.sem.Locked() }

// Value returns how many permits are left: see [Semaphore.Value].
func (b *BoundedSemaphore) Value() int { return b.sem.Value() }

// With calls fn with a permit: see [Semaphore.With].
func (b *BoundedSemaphore) With(ctx context.Context, fn func(ctx context.Context) error) error {
	return with(ctx, b, fn)
}

// Stats tells what the semaphore is doing, at this moment.
func (b *BoundedSemaphore) Stats() SemaphoreStats { return b.sem.Stats() }

// String describes the semaphore, as BoundedSemaphore(unlocked, value: 2).
func (b *BoundedSemaphore) String() string { return b.sem.describe("BoundedSemaphore") }

// boundedKeeper is a BoundedSemaphore as those who wait for it know it.
type boundedKeeper BoundedSemaphore

// GaveUp implements [loop.Keeper].
func (k *boundedKeeper) GaveUp(line *loop.Line, woken bool) {
	(*semaphoreKeeper)(&k.sem).GaveUp(line, woken)
}

func (k *boundedKeeper) String() string { return (*BoundedSemaphore)(k).String() }

// Booked implements what the books of [loop.Took] ask: it is the Semaphore below that is taken.
func (k *boundedKeeper) Booked() loop.Keeper { return (*semaphoreKeeper)(&k.sem) }
