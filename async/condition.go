package async

import (
	"context"
	"sync"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Condition is asyncio.Condition: whoever has its [Lock] can wait until somebody else, who has it then,
// tells that something has changed. The zero value has a lock of its own. It serves tasks of any
// number of loops and plain goroutines at the same time, and must not be copied.
//
// A party can be woken although what it waits for is not so, or not any more: another one was faster, or
// passed on a notification that it had no use for. So Wait belongs in a loop, which
// [Condition.WaitFor] is.
//
// Python's wait(timeout=d) is a Wait with the context of this line:
//
//	ctx, cancel := async.WithTimeout(ctx, d); defer cancel()
type Condition struct {
	lock *Lock // nil for own
	own  Lock

	mu   sync.Mutex // never held across a wait
	line loop.Line
}

// ConditionStats tells what a [Condition] is doing.
type ConditionStats struct {
	Locked  bool // somebody has the lock
	Waiters int  // for a notification; those who have it count until they run
}

// NewCondition makes a Condition of a lock, which others may use too, also other Conditions. With nil it has
// a lock of its own.
func NewCondition(lock *Lock) *Condition { return &Condition{lock: lock} }

// lockOf returns the lock.
func (c *Condition) lockOf() *Lock {
	if c.lock != nil {
		return c.lock
	}
	return &c.own
}

// Acquire takes the lock, as [Lock.Acquire] does: acquire().
func (c *Condition) Acquire(ctx context.Context) error { return c.lockOf().Acquire(ctx) }

// Release frees the lock, as [Lock.Release] does: release().
func (c *Condition) Release() { c.lockOf().Release() }

// Locked reports whether somebody has the lock: locked().
func (c *Condition) Locked() bool { return c.lockOf().Locked() }

// With calls fn with the lock held: "async with cond". It suspends as [Lock.Acquire] does, whose error it
// returns, or else that of fn. The lock is released also if fn panics.
func (c *Condition) With(ctx context.Context, fn func(ctx context.Context) error) error {
	return with(ctx, c, fn)
}

// Wait frees the lock, waits for a notification, and takes the lock again: wait(). It always suspends the
// calling task; a plain goroutine blocks. Those who are woken queue for the lock in the order in which
// they are.
//
// If ctx is cancelled, Wait returns the error of that, [ErrCancelled] or [ErrTimeout]. The caller has the
// lock also then, so this may take as long as others hold it; one who was queueing for it goes to the
// end of that line, as in asyncio. A notification that it was given, and one
// more than was given in any case, goes to the next one, as in Python 3.13.
//
// A callback gets [ErrNotInTask]. Wait panics if the lock is not locked.
func (c *Condition) Wait(ctx context.Context) (err error) {
	l := c.lockOf()
	if !l.Locked() {
		panic("async: cannot wait on un-acquired lock")
	}
	if _, err := loop.Current(ctx); err != nil {
		return err
	}
	held := false
	defer func() {
		if !held { // The task is being unwound, and whoever called Wait is going to release the lock.
			l.abandon()
		}
		if err != nil || !held {
			c.notify(1)
		}
	}()
	c.mu.Lock() // Before the release, so that no notification comes too early.
	l.Release()
	err = c.line.Wait(ctx, &c.mu, (*conditionKeeper)(c))
	c.mu.Unlock()
	if err == nil {
		if err = l.Acquire(ctx); err == nil {
			held = true
			return nil
		}
		// asyncio asks again, and so at the end of the line.
	}
	held = l.acquireAnyway(ctx)
	return err
}

// WaitFor waits until pred returns true: wait_for(). It is called with the lock held, before the first wait
// and after each. WaitFor suspends and fails as [Condition.Wait] does; if pred is true at once, it does
// neither.
func (c *Condition) WaitFor(ctx context.Context, pred func() bool) error {
	if pred == nil {
		panic("async: WaitFor was called with a nil predicate")
	}
	for !pred() {
		if err := c.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Notify wakes up to n of those who wait, in the order in which they came: notify(n). It does not suspend.
// They go on when they have the lock, so not before the caller has released it. Where nobody waits, it is
// forgotten.
//
// Notify panics if the lock is not locked.
func (c *Condition) Notify(n int) {
	c.checkNotify()
	c.notify(n)
}

// NotifyAll is [Condition.Notify] for all who wait: notify_all().
func (c *Condition) NotifyAll() {
	c.checkNotify()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line.WakeAll()
}

func (c *Condition) checkNotify() {
	if !c.Locked() {
		panic("async: cannot notify on un-acquired lock")
	}
}

func (c *Condition) notify(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for ; n > 0 && c.line.Wake(); n-- {
		continue
	}
}

// Stats tells what the condition is doing, at this moment.
func (c *Condition) Stats() ConditionStats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return ConditionStats{Locked: c.Locked(), Waiters: c.line.Len()}
}

// String describes the condition, as Condition(locked, waiters: 1).
func (c *Condition) String() string {
	s := c.Stats()
	return "Condition(" + describe(s.Locked, s.Waiters) + ")"
}

// conditionKeeper is a Condition as those who wait for it know it.
type conditionKeeper Condition

// GaveUp implements [loop.Keeper]. Wait passes the notification on itself, when it has the lock.
func (*conditionKeeper) GaveUp(*loop.Line, bool) {}

func (k *conditionKeeper) String() string { return (*Condition)(k).String() }

// Booked implements what the books of [loop.Took] ask: nobody can notify without the Lock, so who has that is who
// all the others wait for.
func (k *conditionKeeper) Booked() loop.Keeper { return (*lockKeeper)((*Condition)(k).lockOf()) }
