package async

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Lock is asyncio.Lock: one party has it at a time, and the others get it in the order in which they
// have asked. The zero value is an unlocked Lock. It serves tasks of any number of loops and plain
// goroutines at the same time, and must not be copied.
//
// The order is strict. After Release the lock is free, but it is kept for the one who has waited
// longest: whoever asks now waits behind all others, also the one who has just released it. A Lock is
// not owned: anybody may release it, and whoever has it and asks again waits for ever. For that there
// is [RLock].
//
// Python's acquire(timeout=d) is an Acquire with the context of this line:
//
//	ctx, cancel := async.WithTimeout(ctx, d); defer cancel()
//
// Taking and releasing a Lock that nobody else wants costs one atomic operation each.
type Lock struct {
	// state is changed with mu held, except from lockFree to lockTaken and back. So whoever has mu
	// and sets lockQueued is alone.
	state atomic.Uint32

	mu     sync.Mutex // never held across a wait; guards what follows
	held   bool       // whether somebody has the lock, while the state is lockQueued
	line   loop.Line
	unheld []loop.Identity // see abandon
}

const (
	lockFree uint32 = iota
	lockTaken
	lockQueued // somebody waits, or is woken and does not run yet
)

// LockStats tells what a [Lock] is doing.
type LockStats struct {
	Locked  bool // somebody has the lock
	Waiters int  // those whose turn has come count until they run
}

// Acquire takes the lock: acquire(). It suspends the calling task while somebody else has the lock or
// comes first; a plain goroutine blocks. If the lock is free it does not give way, and does not look
// at ctx.
//
// If ctx is cancelled while it waits, Acquire returns the error of that, [ErrCancelled] or
// [ErrTimeout], and the caller does not have the lock; if its turn had come, the next one has it. A
// callback that would have to wait gets [ErrNotInTask].
func (l *Lock) Acquire(ctx context.Context) error {
	return l.acquire(ctx, (*lockKeeper)(l))
}

// grab takes a lock that is free and that nobody waits for, without mu.
func (l *Lock) grab() bool {
	return l.state.Load() == lockFree && l.state.CompareAndSwap(lockFree, lockTaken)
}

// acquire is Acquire for those who say that they wait for k.
func (l *Lock) acquire(ctx context.Context, k loop.Keeper) error {
	if l.grab() {
		loop.Took((*lockKeeper)(l))
		return nil
	}
	l.mu.Lock()
	if l.take() {
		l.mu.Unlock()
		return nil
	}
	err := l.line.Wait(ctx, &l.mu, k)
	l.stop()
	if err == nil {
		l.held = true
		loop.Took((*lockKeeper)(l))
	}
	l.settle()
	l.mu.Unlock()
	return err
}

// acquireAnyway is Acquire for one who goes on only with the lock. It reports false only if the calling task
// cannot wait any more.
func (l *Lock) acquireAnyway(ctx context.Context) (held bool) {
	if l.grab() {
		loop.Took((*lockKeeper)(l))
		return true
	}
	l.mu.Lock()
	if l.take() {
		l.mu.Unlock()
		return true
	}
	held = l.line.WaitAnyway(ctx, &l.mu, (*lockKeeper)(l))
	l.stop()
	if held {
		l.held = true
		loop.Took((*lockKeeper)(l))
	}
	l.settle()
	l.mu.Unlock()
	return held
}

// TryAcquire takes the lock if that needs no waiting, and reports whether it did. It never suspends.
// asyncio has no such method; threading spells it acquire(blocking=False).
func (l *Lock) TryAcquire() bool {
	if l.grab() {
		loop.Took((*lockKeeper)(l))
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.take() {
		return true
	}
	l.settle()
	return false
}

// Release frees the lock, and wakes the one who has waited longest: release(). It does not suspend and
// may be called by anybody, from anywhere. Locked is false until the woken one runs, and yet nobody can
// overtake it.
//
// Release panics if the lock is not locked.
func (l *Lock) Release() {
	if l.state.Load() == lockTaken && l.state.CompareAndSwap(lockTaken, lockFree) {
		loop.Gave((*lockKeeper)(l))
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
	switch {
	case len(l.unheld) > 0 && l.excuse():
		l.settle()
	case !l.held:
		l.settle()
		panic("async: Lock is not acquired")
	default:
		loop.Gave((*lockKeeper)(l))
		l.next()
	}
}

// Locked reports whether somebody has the lock: locked().
func (l *Lock) Locked() bool {
	if state := l.state.Load(); state != lockQueued {
		return state == lockTaken
	}
	return l.Stats().Locked
}

// With calls fn with the lock held: "async with lock". It suspends as [Lock.Acquire] does, whose error it
// returns, or else that of fn. The lock is released also if fn panics.
func (l *Lock) With(ctx context.Context, fn func(ctx context.Context) error) error {
	return with(ctx, l, fn)
}

// Stats tells what the lock is doing, at this moment.
func (l *Lock) Stats() LockStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
	defer l.settle()
	return LockStats{Locked: l.held, Waiters: l.line.Len()}
}

// String describes the lock, as Lock(locked, waiters: 1).
func (l *Lock) String() string {
	s := l.Stats()
	return "Lock(" + describe(s.Locked, s.Waiters) + ")"
}

// take takes the lock if it is free and nobody comes first. If not, the caller waits, or settles. mu is held,
// as in all that follows.
func (l *Lock) take() bool {
	if l.stop(); l.held || !l.line.Idle() {
		return false
	}
	l.held = true
	loop.Took((*lockKeeper)(l))
	l.settle()
	return true
}

// stop keeps those who have not got mu from taking or releasing the lock.
func (l *Lock) stop() {
	if l.state.Load() != lockQueued {
		l.held = l.state.Swap(lockQueued) == lockTaken
	}
}

// settle ends what stop began, if nobody waits.
func (l *Lock) settle() {
	switch {
	case l.line.Len() > 0 || len(l.unheld) > 0:
	case l.held:
		l.state.Store(lockTaken)
	default:
		l.state.Store(lockFree)
	}
}

// next frees the lock and wakes the first one, if nobody is under way. One who is cancelled already hands
// on as it leaves; that is asyncio's order.
func (l *Lock) next() {
	if l.line.UnderWay() == 0 {
		l.line.WakeFirst()
	}
	l.held = false
	l.settle()
}

// abandon notes that the caller does not have the lock although it is going to release it: its
// task is being unwound out of [Condition.Wait].
func (l *Lock) abandon() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
	l.unheld = slices.DeleteFunc(l.unheld, loop.Identity.Gone) // those who did not release it after all
	l.unheld = append(l.unheld, loop.Me())
}

// excuse reports whether the caller is one who was noted, and strikes it off.
func (l *Lock) excuse() bool {
	i := slices.Index(l.unheld, loop.Me())
	if i < 0 {
		return false
	}
	l.unheld = slices.Delete(l.unheld, i, i+1)
	return true
}

// lockKeeper is a Lock as those who wait for it know it.
type lockKeeper Lock

// GaveUp implements [loop.Keeper].
func (k *lockKeeper) GaveUp(*loop.Line, bool) {
	l := (*Lock)(k)
	if l.stop(); l.held {
		l.settle()
	} else {
		l.next()
	}
}

func (k *lockKeeper) String() string { return (*Lock)(k).String() }

// Owned implements what the books of [loop.Took] ask: whoever has taken a Lock has to release it.
func (k *lockKeeper) Owned() {}

// A holdable can be held: a Lock and its like.
type holdable interface {
	Acquire(ctx context.Context) error
	Release()
}

// with is what all of Python's "async with lock" do.
func with(ctx context.Context, h holdable, fn func(ctx context.Context) error) error {
	if fn == nil {
		panic("async: With was called with a nil function")
	}
	if err := h.Acquire(ctx); err != nil {
		return err
	}
	defer h.Release()
	return fn(ctx)
}

// describe is what the String of a lock tells.
func describe(locked bool, waiters int) string {
	s := "unlocked"
	if locked {
		s = "locked"
	}
	return s + describeWaiters(waiters)
}

func describeWaiters(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", waiters: %d", n)
}
