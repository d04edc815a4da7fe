package gevent

import (
	"iter"
	"time"

	"github.com/asyncgo/asyncgo/internal/items"
)

// A LifoQueue is a [Queue] that gives the item first that came last: gevent.queue.LifoQueue. The zero value is ready for
// use.
type LifoQueue[T any] struct {
	queue[T, items.LIFO[T]]
}

// NewLifoQueue makes a [LifoQueue].
func NewLifoQueue[T any](max int, items ...T) *LifoQueue[T] {
	q := &LifoQueue[T]{}
	q.fill(max, items)
	return q
}

// A PriorityQueue is a [Queue] that gives the least item first: gevent.queue.PriorityQueue. Items of which neither is
// less come in the order in which Python's heapq gives them. It is made by [NewPriorityQueue].
type PriorityQueue[T any] struct {
	queue[T, byPriority[T]]
}

// NewPriorityQueue makes a [PriorityQueue] in the order of less, which is called while the queue is locked. It panics if
// less is nil.
func NewPriorityQueue[T any](max int, less func(a, b T) bool, first ...T) *PriorityQueue[T] {
	if less == nil {
		panic("gevent: NewPriorityQueue was called with a nil less")
	}
	q := &PriorityQueue[T]{queue[T, byPriority[T]]{order: byPriority[T]{items.Heap[T]{Less: less}}}}
	q.fill(max, first)
	return q
}

// byPriority is the order of a [PriorityQueue].
type byPriority[T any] struct{ items.Heap[T] }

// Add implements [items.Order].
func (p byPriority[T]) Add(r *items.Ring[T], v T) {
	if p.Less == nil {
		panic("gevent: a PriorityQueue was not made by NewPriorityQueue")
	}
	p.Heap.Add(r, v)
}

// A SimpleQueue is a [Queue] without a limit, without Join and without Shutdown: gevent.queue.SimpleQueue. The zero value is
// an empty one.
type SimpleQueue[T any] struct {
	q Queue[T]
}

// Put adds an item: put(item). It never waits.
func (s *SimpleQueue[T]) Put(x T) { _ = s.q.PutNowait(x) } // It is neither full nor shut down.

// Get takes the next item, and waits while there is none: get(timeout). When the limit is over it returns [ErrEmpty]; a
// callback of the hub does not wait at all.
func (s *SimpleQueue[T]) Get(limit ...time.Duration) (T, error) { return s.q.Get(limit...) }

// GetNowait takes the next item, or returns [ErrEmpty]: get_nowait. It never waits.
func (s *SimpleQueue[T]) GetNowait() (T, error) { return s.q.GetNowait() }

// Len returns how many items there are: qsize().
func (s *SimpleQueue[T]) Len() int { return s.q.Len() }

// Empty reports whether there is no item: empty().
func (s *SimpleQueue[T]) Empty() bool { return s.q.Empty() }

// All takes items, and waits for more, until something is thrown at the caller.
func (s *SimpleQueue[T]) All() iter.Seq[T] { return s.q.All() }

// String describes the queue.
func (s *SimpleQueue[T]) String() string { return "Simple" + s.q.String() }
