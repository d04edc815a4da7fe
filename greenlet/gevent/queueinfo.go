package gevent

import (
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// TaskDone says that the work on an item is done: task_done(). It panics if that is said more often than items
// were put in.
func (q *queue[T, O]) TaskDone() {
	q.mu.Lock()
	if q.unfinished == 0 {
		q.mu.Unlock()
		panic("gevent: TaskDone was called too many times")
	}
	q.finish(1)
}

// finish ends n tasks, and unlocks mu.
func (q *queue[T, O]) finish(n int) {
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
func (q *queue[T, O]) Unfinished() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.unfinished
}

// Join waits until TaskDone was called for every item and reports true, or false when the limit is over:
// join(timeout).
func (q *queue[T, O]) Join(limit ...time.Duration) (bool, error) {
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
	return join(limit, c, q)
}

// Shutdown has Put return [ErrShutdown] from now on, and Get when the queue is empty. With immediate the items are
// dropped, and count as done: shutdown(immediate).
func (q *queue[T, O]) Shutdown(immediate bool) {
	q.mu.Lock()
	q.shut = true
	q.getters.WakeAll()
	q.putters.WakeAll()
	n := 0
	if immediate {
		n = min(q.items.Len(), q.unfinished)
		q.items.Clear()
	}
	q.finish(n)
}

// Len returns how many items there are: qsize().
func (q *queue[T, O]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.items.Len()
}

// Empty reports whether there is no item: empty().
func (q *queue[T, O]) Empty() bool { return q.Len() == 0 }

// Full reports whether there is no room: full().
func (q *queue[T, O]) Full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.isFull()
}

// MaxSize returns for how many items there is room; not positive for any number: maxsize.
func (q *queue[T, O]) MaxSize() int { return q.max }

// Items returns the items in the order in which they would come. With [NewQueue] it makes a copy: copy().
func (q *queue[T, O]) Items() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.items.InOrder(q.order)
}

// String describes the queue.
func (q *queue[T, O]) String() string {
	return fmt.Sprintf("%s(size: %d, max: %d)", q.order.Name(), q.Len(), q.max)
}
