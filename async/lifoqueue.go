package async

// A LifoQueue is a [Queue] that gives the item first that was put in last, as a stack:
// asyncio.LifoQueue. The zero value is an empty queue without a limit. A LifoQueue must not be
// copied.
//
// Everything else is as with Queue, also that the tasks and goroutines which wait are served first
// come, first served, and the timeout of a Get or Put:
//
//	ctx, cancel := async.WithTimeout(ctx, d); defer cancel()
type LifoQueue[T any] struct{ queue[T, lifo[T]] }

// NewLifoQueue returns a queue that has room for max items: asyncio.LifoQueue(maxsize). With max ≤
// 0 there is no limit.
func NewLifoQueue[T any](max int) *LifoQueue[T] {
	return &LifoQueue[T]{queue[T, lifo[T]]{max: max}}
}

// lifo is the order of a [LifoQueue].
type lifo[T any] struct{}

func (lifo[T]) name() string          { return "LifoQueue" }
func (lifo[T]) add(r *ring[T], v T)   { r.push(v) }
func (lifo[T]) take(r *ring[T]) (v T) { return r.pop() }
