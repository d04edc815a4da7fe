package async

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Barrier is asyncio.Barrier: parties wait at it until there are enough of them, and then all go on.
// It can be used again and again. It serves tasks of any number of loops and plain goroutines at the
// same time, and must not be copied. It is made by [NewBarrier].
//
// A round has two halves. While the barrier is filling, parties come and wait. The last one that is
// needed does not wait, and with it the barrier is draining: all leave, and who comes now waits
// outside until the last one has left. So rounds never mix.
//
// Python's wait with a timeout is a Wait with the context of this line:
//
//	ctx, cancel := async.WithTimeout(ctx, d); defer cancel()
//
// In contrast to a threading.Barrier, an asyncio one does not break when a party gives up: the others go
// on waiting for another one in its place.
type Barrier struct {
	parties int

	mu      sync.Mutex // never held across a wait; guards what follows
	state   barrierState
	count   int // parties inside, who wait or leave
	inside  loop.Line
	outside loop.Line // who came while the barrier was draining or resetting
}

type barrierState uint8

const (
	barrierFilling barrierState = iota
	barrierDraining
	barrierResetting // Reset has sent those inside away
	barrierBroken
)

func (s barrierState) String() string {
	return [...]string{"filling", "draining", "resetting", "broken"}[s]
}

// ErrBrokenBarrier is asyncio.BrokenBarrierError: somebody has called Abort or Reset.
var ErrBrokenBarrier = errors.New("async: the Barrier is broken")

// brokenBarrier says how it happened.
type brokenBarrier string

func (e brokenBarrier) Error() string        { return "async: " + string(e) }
func (e brokenBarrier) Is(target error) bool { return target == ErrBrokenBarrier }

const (
	errBarrierLeft    brokenBarrier = "Abort or reset of barrier"
	errBarrierAborted brokenBarrier = "Barrier aborted"
)

// BarrierStats tells what a [Barrier] is doing.
type BarrierStats struct {
	State   string // filling, draining, resetting or broken
	Parties int    // how many it needs
	Waiting int    // while it is filling
	Inside  int    // also while they leave
	Outside int    // who waits for the next round
}

// NewBarrier makes a Barrier for a number of parties. It panics if that is less than one.
func NewBarrier(parties int) *Barrier {
	if parties < 1 {
		panic("async: parties must be > 0")
	}
	return &Barrier{parties: parties}
}

// Wait waits until as many parties as the barrier needs have called it: wait(). It returns how many were
// inside when the caller came, from 0 to one less than there are parties, so that one of them can be
// told apart. It suspends the calling task, and a plain goroutine blocks; but the last one goes on
// at once, does not give way and does not look at ctx.
//
// If ctx is cancelled while it waits, Wait returns the error of that, [ErrCancelled] or [ErrTimeout],
// and the caller has left; the barrier needs another one in its place. If somebody calls Reset or Abort,
// Wait returns an [ErrBrokenBarrier]. A callback that would have to wait gets [ErrNotInTask].
//
// Wait panics if the barrier was not made by NewBarrier.
func (b *Barrier) Wait(ctx context.Context) (int, error) {
	if b.parties == 0 {
		panic("async: the Barrier was not made by NewBarrier")
	}
	b.mu.Lock()
	for b.state == barrierDraining || b.state == barrierResetting {
		if err := b.outside.Wait(ctx, &b.mu, (*barrierKeeper)(b)); err != nil {
			b.passOn()
			b.mu.Unlock()
			return 0, err
		}
	}
	if b.state == barrierBroken {
		b.mu.Unlock()
		return 0, errBarrierAborted
	}
	return b.enter(ctx)
}

// enter is Wait for one who comes in. It is called with mu held and unlocks it.
func (b *Barrier) enter(ctx context.Context) (index int, err error) {
	index = b.count
	b.count++
	locked := true
	defer func() {
		if !locked { // The task is being unwound.
			b.mu.Lock()
		}
		b.leave()
		b.mu.Unlock()
	}()
	if b.count == b.parties {
		b.state = barrierDraining
		b.inside.WakeAll()
		return index, nil
	}
	for b.state == barrierFilling {
		locked = false
		err := b.inside.Wait(ctx, &b.mu, (*barrierKeeper)(b))
		locked = true
		if err != nil {
			b.passOn()
			return 0, err
		}
	}
	if b.state != barrierDraining {
		return 0, errBarrierLeft
	}
	return index, nil
}

// passOn wakes the first who waits, for nothing: asyncio's Barrier stands on a Condition, where each wait that
// is cancelled notifies another one, and one who waits again is the last. mu is held.
func (b *Barrier) passOn() {
	if !b.inside.Wake() {
		b.outside.Wake()
	}
}

// leave takes one party off. The last one opens the barrier for those outside. mu is held.
func (b *Barrier) leave() {
	if b.count--; b.count > 0 {
		return
	}
	if b.state != barrierBroken {
		b.state = barrierFilling
	}
	b.outside.WakeAll()
}

// With calls fn when the barrier has let the caller through: "async with barrier as position". It suspends
// as [Barrier.Wait] does, whose error it returns, or else that of fn. An error of fn does not break
// the barrier.
func (b *Barrier) With(ctx context.Context, fn func(ctx context.Context, position int) error) error {
	if fn == nil {
		panic("async: With was called with a nil function")
	}
	position, err := b.Wait(ctx)
	if err != nil {
		return err
	}
	return fn(ctx, position)
}

// Reset makes the barrier as new: reset(). Those who are inside get an [ErrBrokenBarrier]; those outside come
// in when they have left. If nobody is inside, nothing happens but that an aborted barrier works again. It
// does not suspend.
func (b *Barrier) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = barrierFilling
	if b.count > 0 {
		b.state = barrierResetting
	}
	b.wakeAll()
}

// Abort breaks the barrier: abort(). Those who are there, and all who come, get an [ErrBrokenBarrier], until
// Reset is called. It does not suspend.
func (b *Barrier) Abort() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = barrierBroken
	b.wakeAll()
}

func (b *Barrier) wakeAll() {
	b.inside.WakeAll()
	b.outside.WakeAll()
}

// Parties returns how many the barrier needs: parties.
func (b *Barrier) Parties() int { return b.parties }

// Waiting returns how many wait, while the barrier is filling: n_waiting.
func (b *Barrier) Waiting() int { return b.Stats().Waiting }

// Broken reports whether the barrier is aborted: broken.
func (b *Barrier) Broken() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state == barrierBroken
}

// Stats tells what the barrier is doing, at this moment.
func (b *Barrier) Stats() BarrierStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := BarrierStats{State: b.state.String(), Parties: b.parties, Inside: b.count, Outside: b.outside.Len()}
	if b.state == barrierFilling {
		s.Waiting = b.count
	}
	return s
}

// String describes the barrier, as Barrier(filling, waiters: 1/2).
func (b *Barrier) String() string {
	s := b.Stats()
	if s.State == barrierBroken.String() {
		return "Barrier(broken)"
	}
	return fmt.Sprintf("Barrier(%s, waiters: %d/%d)", s.State, s.Waiting, s.Parties)
}

// barrierKeeper is a Barrier as those who wait at it know it.
type barrierKeeper Barrier

// GaveUp implements [loop.Keeper]. Whoever was inside leaves by itself.
func (*barrierKeeper) GaveUp(*loop.Line, bool) {}

func (k *barrierKeeper) String() string { return (*Barrier)(k).String() }
