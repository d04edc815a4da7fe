package async

import "github.com/asyncgo/asyncgo/internal/items"

// A LifoQueue is a [Queue] that gives the item first that was put in last, as a stack:
// asyncio.LifoQueue. The zero value is an empty queue without a limit. A LifoQueue must not be
// copied.
//
// Everything else is as with Queue, also that the tasks and goroutines which wait are served first
// come, first served, and the timeout of a Get or Put:
//
//	ctx, cancel := async.WithTimeout(ctx, d); defer cancel()
type LifoQueue[T any] struct{ queue[T, items.LIFO[T]] }

// NewLifoQueue returns a queue that has room for max items: asyncio.LifoQueue(maxsize). With max ≤
// 0 there is no limit.
func NewLifoQueue[T any](max int) *LifoQueue[T] {
	return &LifoQueue[T]{queue[T, items.LIFO[T]]{max: max}}
}
