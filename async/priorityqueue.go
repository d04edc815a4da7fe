package async

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
	return &PriorityQueue[T]{queue[T, byPriority[T]]{max: max, order: byPriority[T]{less}}}
}

// byPriority is the order of a [PriorityQueue]: a binary heap, in which no item is less than its
// parent, (i-1)/2.
//
// Among equals the order is an accident of the algorithm, and of what is compared with what. It is
// the one of CPython's heapq, whose pop is not the one of most textbooks: the hole at the top goes
// all the way down to a leaf, along the smaller children, and only then the item that has to be put
// somewhere climbs up from there. That takes fewer comparisons, because that item was a leaf and
// mostly belongs near the bottom.
//
// All that is compared is compared before anything moves, so that a less which panics does no harm.
type byPriority[T any] struct{ less func(a, b T) bool }

func (byPriority[T]) name() string { return "PriorityQueue" }

func (p byPriority[T]) add(r *ring[T], v T) {
	if p.less == nil {
		panic("async: a PriorityQueue was not made by NewPriorityQueue")
	}
	at := p.climb(r, r.n, v)
	r.push(v)
	// The ancestors below that place go down by one.
	i := r.n - 1
	for ; i > at; i = (i - 1) / 2 {
		*r.at(i) = *r.at((i - 1) / 2)
	}
	*r.at(i) = v
}

func (p byPriority[T]) take(r *ring[T]) T {
	n := r.n - 1 // without the last one, which has to be put somewhere else
	if n == 0 {
		return r.pop()
	}
	leaf := 0
	for 2*leaf+1 < n {
		child := 2*leaf + 1
		if right := child + 1; right < n && !p.less(*r.at(child), *r.at(right)) {
			child = right
		}
		leaf = child
	}
	// On the way up the last one is compared with what will have moved to the parent by then.
	last := *r.at(n)
	at := leaf
	for at > 0 && p.less(last, *r.at(at)) {
		at = (at - 1) / 2
	}
	r.pop()
	for moved := last; ; at = (at - 1) / 2 {
		moved, *r.at(at) = *r.at(at), moved
		if at == 0 {
			return moved
		}
	}
}

// climb returns how far v, which is to be added at i, rises.
func (p byPriority[T]) climb(r *ring[T], i int, v T) int {
	for i > 0 && p.less(v, *r.at((i - 1) / 2)) {
		i = (i - 1) / 2
	}
	return i
}
