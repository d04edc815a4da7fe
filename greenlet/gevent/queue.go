package gevent

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Queue passes items from those who put them in to those who take them out, first in, first out:
// gevent.queue.Queue and JoinableQueue. The zero value is an empty queue without a limit. Who waits is served first
// come, first served.
type Queue[T any] struct{ queue[T] }

// A LifoQueue is a [Queue] that gives the item first that came last: gevent.queue.LifoQueue.
type LifoQueue[T any] struct{ queue[T] }

// A PriorityQueue is a [Queue] that gives the least item first: gevent.queue.PriorityQueue. Items that are equal
// come in the order in which they were put in. It is made by [NewPriorityQueue].
type PriorityQueue[T any] struct{ queue[T] }

// NewQueue makes a queue that has room for max items, any number with max ≤ 0, and has items in it.
func NewQueue[T any](max int, items ...T) *Queue[T] {
	q := &Queue[T]{queue[T]{max: max}}
	q.fill(items)
	return q
}

// NewLifoQueue makes a [LifoQueue].
func NewLifoQueue[T any](max int, items ...T) *LifoQueue[T] {
	q := &LifoQueue[T]{queue[T]{max: max, order: lifo}}
	q.fill(items)
	return q
}

// NewPriorityQueue makes a [PriorityQueue] in the order of less. It panics if less is nil.
func NewPriorityQueue[T any](max int, less func(a, b T) bool, items ...T) *PriorityQueue[T] {
	if less == nil {
		panic("gevent: NewPriorityQueue was called with a nil less")
	}
	q := &PriorityQueue[T]{queue[T]{max: max, order: sorted, less: less}}
	q.fill(items)
	return q
}

type order uint8

const (
	fifo order = iota
	lifo
	sorted
)

// queue is what the queues have in common.
type queue[T any] struct {
	order order
	less  func(a, b T) bool
	max   int

	mu         sync.Mutex
	items      []T // what comes next is last, but for fifo first
	getters    loop.Line
	putters    loop.Line
	unfinished int
	finished   *loop.Completion
	shut       bool
}

func (q *queue[T]) fill(items []T) {
	for _, x := range items {
		q.add(x)
	}
}

// add puts an item in its place, with mu held.
func (q *queue[T]) add(x T) {
	q.unfinished++
	if q.order != sorted {
		q.items = append(q.items, x)
		return
	}
	i, _ := slices.BinarySearchFunc(q.items, x, func(a, b T) int {
		if q.less(b, a) { // from large to small
			return -1
		}
		return 1
	})
	q.items = slices.Insert(q.items, i, x)
}

// next returns the index of the next item.
func (q *queue[T]) next() int {
	if q.order == fifo {
		return 0
	}
	return len(q.items) - 1
}

func (q *queue[T]) take() T {
	i := q.next()
	x := q.items[i]
	if i == 0 {
		q.items[0] = *new(T)
		q.items = q.items[1:]
	} else {
		q.items[i] = *new(T)
		q.items = q.items[:i]
	}
	q.putters.Wake()
	return x
}

func (q *queue[T]) isFull() bool { return q.max > 0 && len(q.items) >= q.max }

// Put adds an item, and waits while the queue is full: put(item, timeout). When the limit is over it returns
// [ErrFull], when the queue is shut down [ErrShutdown]. A callback of the hub does not wait at all.
func (q *queue[T]) Put(x T, limit ...time.Duration) error {
	err := q.PutNowait(x)
	if err != ErrFull || len(limit) > 0 && limit[0] <= 0 || inCallback() {
		return err
	}
	over, err := within(limit, func() error {
		return wait(func(ctx context.Context) error { return q.put(ctx, x) })
	})
	if over {
		return ErrFull
	}
	return err
}

func (q *queue[T]) put(ctx context.Context, x T) error {
	q.mu.Lock()
	for ahead := false; q.isFull() && !q.shut; ahead = true {
		if err := join(&q.putters, ahead)(ctx, &q.mu, (*queueKeeper[T])(q)); err != nil {
			q.mu.Unlock()
			return err
		}
	}
	if q.shut {
		q.mu.Unlock()
		return ErrShutdown
	}
	q.add(x)
	q.getters.Wake()
	q.mu.Unlock()
	return nil
}

// join returns how to wait in a line: at its end, or at its head after having been woken in vain.
func join(line *loop.Line, ahead bool) func(context.Context, *sync.Mutex, loop.Keeper) error {
	if ahead {
		return line.WaitAhead
	}
	return line.Wait
}

// PutNowait adds an item, or returns [ErrFull] or [ErrShutdown]: put_nowait. It never waits.
func (q *queue[T]) PutNowait(x T) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.shut:
		return ErrShutdown
	case q.isFull():
		return ErrFull
	}
	q.add(x)
	q.getters.Wake()
	return nil
}

// Get takes the next item, and waits while there is none: get(timeout). When the limit is over it returns
// [ErrEmpty], when the queue is shut down and empty [ErrShutdown]. A callback of the hub does not wait at all.
func (q *queue[T]) Get(limit ...time.Duration) (T, error) { return q.await(limit, true) }

// GetNowait takes the next item, or returns [ErrEmpty] or [ErrShutdown]: get_nowait. It never waits.
func (q *queue[T]) GetNowait() (T, error) { return q.now(true) }

// Peek returns the next item and leaves it there: peek(timeout). It waits as [Queue.Get] does.
func (q *queue[T]) Peek(limit ...time.Duration) (T, error) { return q.await(limit, false) }

// PeekNowait is [Queue.Peek] without waiting: peek_nowait.
func (q *queue[T]) PeekNowait() (T, error) { return q.now(false) }

func (q *queue[T]) now(take bool) (T, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case len(q.items) > 0 && take:
		return q.take(), nil
	case len(q.items) > 0:
		return q.items[q.next()], nil
	case q.shut:
		return *new(T), ErrShutdown
	}
	return *new(T), ErrEmpty
}

func (q *queue[T]) await(limit []time.Duration, take bool) (x T, err error) {
	x, err = q.now(take)
	if err != ErrEmpty || len(limit) > 0 && limit[0] <= 0 || inCallback() {
		return x, err
	}
	over, err := within(limit, func() error {
		return wait(func(ctx context.Context) error {
			q.mu.Lock()
			for ahead := false; len(q.items) == 0; ahead = true {
				err := ErrShutdown
				if !q.shut {
					err = join(&q.getters, ahead)(ctx, &q.mu, (*queueKeeper[T])(q))
				}
				if err != nil {
					q.mu.Unlock()
					return err
				}
			}
			if take {
				x = q.take()
			} else {
				x = q.items[q.next()]
				q.getters.Wake() // The item stays for others.
			}
			q.mu.Unlock()
			return nil
		})
	})
	if over {
		return x, ErrEmpty
	}
	return x, err
}

// All takes the items one after the other, and waits for more, until the queue is shut down and empty, or
// something is thrown at the caller. In Python a queue ends by the item StopIteration.
func (q *queue[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			x, err := q.Get()
			if err != nil || !yield(x) {
				return
			}
		}
	}
}

// Len returns how many items there are: qsize().
func (q *queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

// Empty reports whether there is no item: empty().
func (q *queue[T]) Empty() bool { return q.Len() == 0 }

// Full reports whether there is no room: full().
func (q *queue[T]) Full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.isFull()
}

// MaxSize returns for how many items there is room; not positive for any number: maxsize.
func (q *queue[T]) MaxSize() int { return q.max }

// Items returns the items in the order in which they would come. With [NewQueue] it makes a copy: copy().
func (q *queue[T]) Items() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	items := slices.Clone(q.items)
	if q.order != fifo {
		slices.Reverse(items)
	}
	return items
}

// TaskDone says that the work on an item is done: task_done(). It panics if that is said more often than items
// were put in.
func (q *queue[T]) TaskDone() {
	q.mu.Lock()
	if q.unfinished == 0 {
		q.mu.Unlock()
		panic("gevent: TaskDone was called too many times")
	}
	q.finish(1)
}

// finish ends n tasks, and unlocks mu.
func (q *queue[T]) finish(n int) {
	q.unfinished -= n
	c := q.finished
	if q.unfinished > 0 {
		c = nil
	} else {
		q.finished = nil
	}
	q.mu.Unlock()
	if c != nil && c.Begin() {
		c.Commit(loop.Succeeded)
	}
}

// Unfinished returns how many items were put in and are not done: unfinished_tasks.
func (q *queue[T]) Unfinished() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.unfinished
}

// Join waits until TaskDone was called for every item and reports true, or false when the limit is over:
// join(timeout).
func (q *queue[T]) Join(limit ...time.Duration) (bool, error) {
	q.mu.Lock()
	if q.unfinished == 0 {
		q.mu.Unlock()
		return true, nil
	}
	if q.finished == nil {
		q.finished = new(loop.Completion)
	}
	c := q.finished
	q.mu.Unlock()
	over, err := within(limit, func() error {
		return wait(func(ctx context.Context) error {
			_, err := c.Wait(ctx, refuser{q})
			return err
		})
	})
	return !over && err == nil, err
}

// Shutdown has Put return [ErrShutdown] from now on, and Get when the queue is empty. With immediate the items are
// dropped, and count as done: shutdown(immediate).
func (q *queue[T]) Shutdown(immediate bool) {
	q.mu.Lock()
	q.shut = true
	q.getters.WakeAll()
	q.putters.WakeAll()
	n := 0
	if immediate {
		n = min(len(q.items), q.unfinished)
		q.items = nil
	}
	q.finish(n)
}

// String describes the queue.
func (q *queue[T]) String() string { return fmt.Sprintf("Queue(size: %d, max: %d)", q.Len(), q.max) }

type queueKeeper[T any] queue[T]

// GaveUp implements [loop.Keeper].
func (k *queueKeeper[T]) GaveUp(line *loop.Line, woken bool) {
	if woken {
		line.Wake() // it looks again
	}
}

func (k *queueKeeper[T]) String() string { return "Queue" }

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
				loop.NewHandle(loop.Inside(), ch.introduce).Soon()
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

// introduce has those meet who can.
func (ch *Channel[T]) introduce() {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	for len(ch.getters) > 0 && len(ch.putters) > 0 {
		g, p := ch.getters[0], ch.putters[0]
		ch.getters, ch.putters = ch.getters[1:], ch.putters[1:]
		g.item = p.item
		for _, x := range []*party[T]{g, p} {
			if x.met.Begin() {
				x.met.Commit(loop.Succeeded)
			}
		}
	}
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
