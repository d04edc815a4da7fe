package async

import "github.com/asyncgo/asyncgo/internal/items"

// A PriorityQueue is a [Queue] that gives the smallest item first: asyncio.PriorityQueue. It is
// made by [NewPriorityQueue] and must not be copied.
//
// Items of which neither is less than the other come in no particular order, but in the very one in
// which they come from Python's: that of its module heapq. For them to come as they were put in,
// less has to look at a number that counts up.
//
// Everything else is as with Queue, also that the tasks and goroutines which wait are served first
// come, first served, and the timeout of a Get or Put:
//
//	ctx, cancel := async.WithTimeout(ctx, d); defer cancel()
type PriorityQueue[T any] struct{ queue[T, byPriority[T]] }

// NewPriorityQueue returns a queue that has room for max items and gives them in the order of less,
// which stands for the method __lt__ of Python's items: asyncio.PriorityQueue(maxsize). With max ≤
// 0 there is no limit. A nil less panics.
//
// less is called while the queue is locked, so it must not use the queue, nor wait. If it panics,
// so does the method that has called it, and the queue is as it was before.
func NewPriorityQueue[T any](max int, less func(a, b T) bool) *PriorityQueue[T] {
	if less == nil {
		panic("async: NewPriorityQueue was called with a nil less")
	}
	return &PriorityQueue[T]{queue[T, byPriority[T]]{max: max, order: byPriority[T]{items.Heap[T]{Less: less}}}}
}

// byPriority is the order of a [PriorityQueue].
type byPriority[T any] struct{ items.Heap[T] }

// Add implements [items.Order].
func (p byPriority[T]) Add(r *items.Ring[T], v T) {
	if p.Less == nil {
		panic("async: a PriorityQueue was not made by NewPriorityQueue")
	}
	p.Heap.Add(r, v)
}
