package async

import (
	"context"
	"fmt"
	"sync"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// An RLock is threading.RLock, which asyncio lacks: a [Lock] that belongs to whoever has it, a task or a
// goroutine, and that its owner can take again. It is free when it was released as often as it was
// taken. The zero value is an unlocked RLock. It serves tasks of any number of loops and plain
// goroutines at the same time, first come, first served, and must not be copied.
//
// A function that a task awaits runs in the task, and so may take the lock again. A task that it
// creates is somebody else, and so is what it runs in [Block] or [ToThread].
//
// Python's acquire(timeout=d) is an Acquire with the context of this line:
//
//	ctx, cancel := async.WithTimeout(ctx, d); defer cancel()
type RLock struct {
	lock Lock

	mu    sync.Mutex // guards what follows
	owner loop.Identity
	depth int
}

// RLockStats tells what an [RLock] is doing.
type RLockStats struct {
	Owner   string // the name of the task, or "goroutine N"; empty if nobody has the lock
	Depth   int    // how often the owner has taken it
	Waiters int    // those whose turn has come count until they run
}

// Acquire takes the lock, once more if the caller has it: acquire(). It suspends the calling task while
// somebody else has the lock or comes first; a plain goroutine blocks. Otherwise it does not give way,
// and does not look at ctx.
//
// If ctx is cancelled while it waits, Acquire returns the error of that, [ErrCancelled] or
// [ErrTimeout], and the caller does not have the lock. A callback belongs to no task, and so it always
// gets [ErrNotInTask].
func (r *RLock) Acquire(ctx context.Context) error {
	if _, err := loop.Current(ctx); err != nil {
		return err
	}
	me := loop.Me()
	if r.again(me) {
		return nil
	}
	if !r.lock.TryAcquire() {
		if err := r.lock.acquire(ctx, (*rlockKeeper)(r)); err != nil {
			return err
		}
	}
	r.own(me)
	return nil
}

// TryAcquire takes the lock if that needs no waiting, and reports whether it did:
// acquire(blocking=False). It never suspends. In a callback it is false.
func (r *RLock) TryAcquire() bool {
	me := loop.Me()
	if me.Task == nil && loop.Within() != nil {
		return false
	}
	if r.again(me) {
		return true
	}
	if !r.lock.TryAcquire() {
		return false
	}
	r.own(me)
	return true
}

// again takes the lock once more, if it is me who has it.
func (r *RLock) again(me loop.Identity) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.depth == 0 || r.owner != me {
		return false
	}
	r.depth++
	return true
}

func (r *RLock) own(me loop.Identity) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.owner, r.depth = me, 1
}

// Release takes back one Acquire, and with the last one frees the lock and wakes the one who has waited
// longest: release(). It does not suspend.
//
// Release panics if the caller does not have the lock.
func (r *RLock) Release() {
	if r.disown() {
		r.lock.Release()
	}
}

// disown takes back one Acquire, and reports whether it was the last.
func (r *RLock) disown() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.depth == 0 {
		panic("async: RLock is not acquired")
	}
	if me := loop.Me(); r.owner != me {
		panic(fmt.Sprintf("async: RLock is released by %s, and %s has it", nameOf(me), nameOf(r.owner)))
	}
	if r.depth--; r.depth > 0 {
		return false
	}
	r.owner = loop.Identity{}
	return true
}

// Locked reports whether somebody has the lock.
func (r *RLock) Locked() bool { return r.lock.Locked() }

// With calls fn with the lock held: "with lock". It suspends as [RLock.Acquire] does, whose error it
// returns, or else that of fn. The lock is released also if fn panics.
func (r *RLock) With(ctx context.Context, fn func(ctx context.Context) error) error {
	return with(ctx, r, fn)
}

// Stats tells what the lock is doing, at this moment.
func (r *RLock) Stats() RLockStats {
	s := RLockStats{Waiters: r.lock.Stats().Waiters}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.Depth = r.depth; s.Depth > 0 {
		s.Owner = nameOf(r.owner)
	}
	return s
}

// String describes the lock, as RLock(locked, owner: Task-2, depth: 2, waiters: 1).
func (r *RLock) String() string {
	s := r.Stats()
	if s.Depth == 0 {
		return "RLock(" + describe(false, s.Waiters) + ")"
	}
	return fmt.Sprintf("RLock(locked, owner: %s, depth: %d%s)", s.Owner, s.Depth, describeWaiters(s.Waiters))
}

// nameOf returns the name of a task, or the number of a goroutine.
func nameOf(who loop.Identity) string {
	if who.Task != nil {
		return who.Task.Body().Info().(AnyTask).Name()
	}
	return fmt.Sprintf("goroutine %d", who.Goroutine)
}

// rlockKeeper is an RLock as those who wait for it know it.
type rlockKeeper RLock

// GaveUp implements [loop.Keeper].
func (k *rlockKeeper) GaveUp(line *loop.Line, woken bool) {
	(*lockKeeper)(&k.lock).GaveUp(line, woken)
}

func (k *rlockKeeper) String() string { return (*RLock)(k).String() }

// Booked implements what the books of [loop.Took] ask: it is the Lock below that is taken.
func (k *rlockKeeper) Booked() loop.Keeper { return (*lockKeeper)(&k.lock) }
