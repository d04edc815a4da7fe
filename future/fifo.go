package future

import "slices"

// fifo is a queue in a slice.
type fifo[T any] struct {
	items []T
	head  int
}

func (q *fifo[T]) len() int { return len(q.items) - q.head }

func (q *fifo[T]) push(x T) {
	if q.head > 32 && q.head > len(q.items)/2 {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, x)
}

// pushFront puts x before all others.
func (q *fifo[T]) pushFront(x T) {
	if q.head == 0 {
		q.items = slices.Insert(q.items, 0, x)
		return
	}
	q.head--
	q.items[q.head] = x
}

func (q *fifo[T]) pop() T {
	x := q.items[q.head]
	q.items[q.head] = *new(T)
	if q.head++; q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
		if cap(q.items) > maxQueue {
			q.items = nil // a burst is over
		}
	}
	return x
}

// maxQueue is how long an empty queue may stay. The value is a guess.
const maxQueue = 4096
