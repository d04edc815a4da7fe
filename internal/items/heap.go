package items

// Heap gives the smallest item first: it is a binary heap, in which no item is less than its
// parent, (i-1)/2.
//
// Among equals the order is an accident of the algorithm, and of what is compared with what. It is
// the one of CPython's heapq, whose pop is not the one of most textbooks: the hole at the top goes
// all the way down to a leaf, along the smaller children, and only then the item that has to be put
// somewhere climbs up from there. That takes fewer comparisons, because that item was a leaf and
// mostly belongs near the bottom.
//
// All that is compared is compared before anything moves, so that a less which panics does no harm.
type Heap[T any] struct{ Less func(a, b T) bool }

// Name returns the name of the queue of this order.
func (Heap[T]) Name() string { return "PriorityQueue" }

// Add implements [Order].
func (p Heap[T]) Add(r *Ring[T], v T) {
	at := p.climb(r, r.n, v)
	r.Push(v)
	// The ancestors below that place go down by one.
	i := r.n - 1
	for ; i > at; i = (i - 1) / 2 {
		*r.At(i) = *r.At((i - 1) / 2)
	}
	*r.At(i) = v
}

// Take implements [Order].
func (p Heap[T]) Take(r *Ring[T]) T {
	n := r.n - 1 // without the last one, which has to be put somewhere else
	if n == 0 {
		return r.Pop()
	}
	leaf := 0
	for 2*leaf+1 < n {
		child := 2*leaf + 1
		if right := child + 1; right < n && !p.Less(*r.At(child), *r.At(right)) {
			child = right
		}
		leaf = child
	}
	// On the way up the last one is compared with what will have moved to the parent by then.
	last := *r.At(n)
	at := leaf
	for at > 0 && p.Less(last, *r.At(at)) {
		at = (at - 1) / 2
	}
	r.Pop()
	for moved := last; ; at = (at - 1) / 2 {
		moved, *r.At(at) = *r.At(at), moved
		if at == 0 {
			return moved
		}
	}
}

// Next implements [Order].
func (Heap[T]) Next(r *Ring[T]) T { return *r.At(0) }

// climb returns how far v, which is to be added at i, rises.
func (p Heap[T]) climb(r *Ring[T], i int, v T) int {
	for i > 0 && p.Less(v, *r.At((i - 1) / 2)) {
		i = (i - 1) / 2
	}
	return i
}
