package gevent

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/internal/items"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Queue passes items from those who put them in to those who take them out, first in, first out:
// gevent.queue.Queue and JoinableQueue. The zero value is an empty queue without a limit. Who waits is served first
// come, first served. A Queue must not be copied.
type Queue[T any] struct {
	queue[T, items.FIFO[T]]
}

// A JoinableQueue is a [Queue], which has Join and TaskDone: gevent.queue.JoinableQueue.
type JoinableQueue[T any] = Queue[T]

// NewQueue makes a queue that has room for max items, any number with max ≤ 0, and has items in it.
func NewQueue[T any](max int, items ...T) *Queue[T] {
	q := &Queue[T]{}
	q.fill(max, items)
	return q
}

// queue is what the queues have in common. An item is not handed to who waits for one: he is woken, by a round of his
// hub, and takes it.
type queue[T any, O items.Order[T]] struct {
	order O
	max   int // written once, before the queue is used

	mu         sync.Mutex // never held across a wait
	items      items.Ring[T]
	getters    loop.Line
	putters    loop.Line
	company    company
	round      *round
	putterNext bool // whose turn it is in the round
	unfinished int
	finished   *loop.Completion
	shut       bool
}

func (q *queue[T, O]) fill(max int, items []T) {
	q.max = max
	for _, x := range items {
		q.add(x)
	}
}

// add puts an item in its place.
func (q *queue[T, O]) add(x T) {
	q.order.Add(&q.items, x)
	q.unfinished++
}

func (q *queue[T, O]) isFull() bool { return q.max > 0 && q.items.Len() >= q.max }

// unlock has those go on who can, with mu held.
func (q *queue[T, O]) unlock() {
	if q.getters.Waiting()+q.putters.Waiting() == 0 {
		return
	}
	if l := q.company.hub(); l != nil {
		if !q.round.alive() {
			q.putterNext = true
			q.round = startRound(l, q)
		}
		return
	}
	for q.wake() {
		continue
	}
}

// gone implements [crowd].
func (q *queue[T, O]) gone() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.getters.Waiting()+q.putters.Waiting() == 0
}

// step implements [crowd].
func (q *queue[T, O]) step() (more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	woken := q.wake()
	if more = woken && q.getters.Waiting()+q.putters.Waiting() > 0; !more {
		q.round = nil
	}
	return more
}

// wake wakes one who can go on, a putter and a getter in turns, and reports whether there was one.
func (q *queue[T, O]) wake() bool {
	for range 2 {
		turn := q.putterNext
		q.putterNext = !turn
		switch {
		case turn && (q.max <= 0 || q.items.Len()+q.putters.UnderWay() < q.max) && q.putters.Wake(),
			!turn && q.items.Len() > q.getters.UnderWay() && q.getters.Wake():
			return true
		}
	}
	return false
}

// wait waits in a line while blocked says so, with mu held before and after.
func (q *queue[T, O]) wait(ctx context.Context, line *loop.Line, blocked func() bool) error {
	q.company.join(q.getters.Len()+q.putters.Len() == 0)
	for join := line.Wait; blocked() && !q.shut; join = line.WaitAhead { // Who was woken in vain keeps his place.
		if err := join(ctx, &q.mu, (*queueKeeper[T, O])(q)); err != nil {
			return err
		}
	}
	return nil
}

// Put adds an item, and waits while the queue is full: put(item, timeout). When the limit is over it returns
// [ErrFull], when the queue is shut down [ErrShutdown]. A callback of the hub does not wait at all.
func (q *queue[T, O]) Put(x T, limit ...time.Duration) error {
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

func (q *queue[T, O]) put(ctx context.Context, x T) error {
	q.mu.Lock()
	err := q.wait(ctx, &q.putters, q.isFull)
	switch {
	case err == nil && q.shut:
		err = ErrShutdown
	case err == nil:
		q.add(x)
		q.unlock()
	}
	q.mu.Unlock()
	return err
}

// PutNowait adds an item, or returns [ErrFull] or [ErrShutdown]: put_nowait. It never waits.
func (q *queue[T, O]) PutNowait(x T) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.shut:
		return ErrShutdown
	case q.isFull():
		return ErrFull
	}
	q.add(x)
	q.unlock()
	return nil
}

// Get takes the next item, and waits while there is none: get(timeout). When the limit is over it returns
// [ErrEmpty], when the queue is shut down and empty [ErrShutdown]. A callback of the hub does not wait at all.
func (q *queue[T, O]) Get(limit ...time.Duration) (T, error) { return q.get(limit, true) }

// GetNowait takes the next item, or returns [ErrEmpty] or [ErrShutdown]: get_nowait. It never waits.
func (q *queue[T, O]) GetNowait() (T, error) { return q.now(true) }

// Peek returns the next item and leaves it there: peek(timeout). It waits as Get does.
func (q *queue[T, O]) Peek(limit ...time.Duration) (T, error) { return q.get(limit, false) }

// PeekNowait is Peek without waiting: peek_nowait.
func (q *queue[T, O]) PeekNowait() (T, error) { return q.now(false) }

func (q *queue[T, O]) now(take bool) (T, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case !q.isEmpty():
		return q.next(take), nil
	case q.shut:
		return *new(T), ErrShutdown
	}
	return *new(T), ErrEmpty
}

// next returns the next item, and takes it or not. Either way others may be able to go on.
func (q *queue[T, O]) next(take bool) (x T) {
	if take {
		x = q.order.Take(&q.items)
	} else {
		x = q.order.Next(&q.items)
	}
	q.unlock()
	return x
}

func (q *queue[T, O]) isEmpty() bool { return q.items.Len() == 0 }

func (q *queue[T, O]) get(limit []time.Duration, take bool) (x T, err error) {
	x, err = q.now(take)
	if err != ErrEmpty || len(limit) > 0 && limit[0] <= 0 || inCallback() {
		return x, err
	}
	over, err := within(limit, func() error {
		return wait(func(ctx context.Context) error {
			q.mu.Lock()
			err := q.wait(ctx, &q.getters, q.isEmpty)
			switch {
			case err == nil && q.isEmpty():
				err = ErrShutdown
			case err == nil:
				x = q.next(take)
			}
			q.mu.Unlock()
			return err
		})
	})
	if over {
		return x, ErrEmpty
	}
	return x, err
}

// All takes the items one after the other, and waits for more, until the queue is shut down and empty, or
// something is thrown at the caller. In Python a queue ends by the item StopIteration.
func (q *queue[T, O]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			x, err := q.Get()
			if err != nil || !yield(x) {
				return
			}
		}
	}
}

// queueKeeper is a queue as its lines see it.
type queueKeeper[T any, O items.Order[T]] queue[T, O]

// GaveUp implements [loop.Keeper].
func (k *queueKeeper[T, O]) GaveUp(_ *loop.Line, woken bool) {
	if woken {
		(*queue[T, O])(k).unlock()
	}
}

func (k *queueKeeper[T, O]) String() string { return k.order.Name() }
