package items

// An Order is what tells the kinds of queues from each other: which of the items comes next.
type Order[T any] interface {
	Name() string
	Add(r *Ring[T], v T)
	Take(r *Ring[T]) T
	// Next is Take, but the item stays.
	Next(r *Ring[T]) T
}

// FIFO gives the item first that came first.
type FIFO[T any] struct{}

// Name returns the name of the queue of this order.
func (FIFO[T]) Name() string { return "Queue" }

// Add implements [Order].
func (FIFO[T]) Add(r *Ring[T], v T) { r.Push(v) }

// Take implements [Order].
func (FIFO[T]) Take(r *Ring[T]) T { return r.Shift() }

// Next implements [Order].
func (FIFO[T]) Next(r *Ring[T]) T { return *r.At(0) }

// LIFO gives the item first that came last.
type LIFO[T any] struct{}

// Name returns the name of the queue of this order.
func (LIFO[T]) Name() string { return "LifoQueue" }

// Add implements [Order].
func (LIFO[T]) Add(r *Ring[T], v T) { r.Push(v) }

// Take implements [Order].
func (LIFO[T]) Take(r *Ring[T]) T { return r.Pop() }

// Next implements [Order].
func (LIFO[T]) Next(r *Ring[T]) T { return *r.At(r.n - 1) }
