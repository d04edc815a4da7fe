package gevent

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Channel passes items from hand to hand: gevent.queue.Channel. Put returns when somebody has taken the item. The
// zero value is ready for use.
type Channel[T any] struct {
	mu      sync.Mutex
	getters []*party[T]
	putters []*party[T]
	shut    bool
}

// A party is one side of a hand-over.
type party[T any] struct {
	item T
	met  loop.Completion
	gone bool
	shut bool
}

// Put waits until somebody takes the item: put(item, timeout). When the limit is over it returns [ErrFull], and after
// Shutdown [ErrShutdown]. In a callback of the hub it is PutNowait.
func (ch *Channel[T]) Put(x T, limit ...time.Duration) error {
	if inCallback() {
		return ch.PutNowait(x)
	}
	p := &party[T]{item: x}
	if over, err := ch.meet(&ch.putters, p, limit); over {
		return ErrFull
	} else if err != nil {
		return err
	}
	return nil
}

// Get waits for an item: get(timeout). When the limit is over it returns [ErrEmpty], and after Shutdown
// [ErrShutdown]. In a callback of the hub it is GetNowait.
func (ch *Channel[T]) Get(limit ...time.Duration) (T, error) {
	if inCallback() {
		return ch.GetNowait()
	}
	p := &party[T]{}
	over, err := ch.meet(&ch.getters, p, limit)
	if over {
		err = ErrEmpty
	}
	return p.item, err
}

// meet waits on one side until there is somebody on the other.
func (ch *Channel[T]) meet(side *[]*party[T], p *party[T], limit []time.Duration) (over bool, err error) {
	ch.mu.Lock()
	if ch.shut {
		ch.mu.Unlock()
		return false, ErrShutdown
	}
	*side = append(*side, p)
	both := len(ch.getters) > 0 && len(ch.putters) > 0
	ch.mu.Unlock()
	over, err = within(limit, func() error {
		return wait(func(ctx context.Context) error {
			if both { // behind what is ready already
				startRound(loop.Inside(), ch)
			}
			_, err := p.met.Wait(ctx, refuser{ch})
			return err
		})
	})
	if over || err != nil {
		ch.mu.Lock()
		met := p.met.State() != loop.Pending
		p.gone = true
		*side = slices.DeleteFunc(*side, func(q *party[T]) bool { return q == p })
		ch.mu.Unlock()
		if met && over {
			return false, nil
		}
	}
	if p.shut {
		return false, ErrShutdown
	}
	return over, err
}

// step implements [crowd]: two meet.
func (ch *Channel[T]) step() (more bool) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if len(ch.getters) == 0 || len(ch.putters) == 0 {
		return false
	}
	g, p := ch.getters[0], ch.putters[0]
	ch.getters, ch.putters = ch.getters[1:], ch.putters[1:]
	g.item = p.item
	for _, x := range []*party[T]{g, p} {
		if x.met.Begin() {
			x.met.Commit(loop.Succeeded)
		}
	}
	return len(ch.getters) > 0 && len(ch.putters) > 0
}

// gone implements [crowd].
func (ch *Channel[T]) gone() bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return len(ch.getters) == 0 || len(ch.putters) == 0
}

// PutNowait gives the item to somebody who waits for one, or returns [ErrFull] or [ErrShutdown]: put_nowait.
func (ch *Channel[T]) PutNowait(x T) error {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.shut {
		return ErrShutdown
	}
	if len(ch.getters) == len(ch.putters) || len(ch.getters) == 0 {
		return ErrFull
	}
	g := ch.getters[0]
	ch.getters = ch.getters[1:]
	g.item = x
	if g.met.Begin() {
		g.met.Commit(loop.Succeeded)
	}
	return nil
}

// GetNowait takes the item of somebody who waits to give it away, or returns [ErrEmpty] or [ErrShutdown]:
// get_nowait.
func (ch *Channel[T]) GetNowait() (x T, err error) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.shut {
		return x, ErrShutdown
	}
	if len(ch.putters) == 0 {
		return x, ErrEmpty
	}
	p := ch.putters[0]
	ch.putters = ch.putters[1:]
	if p.met.Begin() {
		p.met.Commit(loop.Succeeded)
	}
	return p.item, nil
}

// Balance returns how many more wait to give than to take: balance.
func (ch *Channel[T]) Balance() int {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return len(ch.putters) - len(ch.getters)
}

// Shutdown ends all waits, and those to come, with [ErrShutdown].
func (ch *Channel[T]) Shutdown() {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.shut = true
	for _, p := range append(ch.getters, ch.putters...) {
		p.shut = true
		if p.met.Begin() {
			p.met.Commit(loop.Succeeded)
		}
	}
	ch.getters, ch.putters = nil, nil
}

// All takes items until the channel is shut down, or something is thrown at the caller.
func (ch *Channel[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			x, err := ch.Get()
			if err != nil || !yield(x) {
				return
			}
		}
	}
}

// Len returns 0: a channel is always empty and full.
func (ch *Channel[T]) Len() int { return 0 }

// Empty returns true: a channel is always empty.
func (ch *Channel[T]) Empty() bool { return true }

// Full returns true: a channel is always full.
func (ch *Channel[T]) Full() bool { return true }

// String describes the channel.
func (ch *Channel[T]) String() string { return "Channel" }
