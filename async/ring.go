package async

// ringKept is the number of slots that a ring does not go below when it shrinks, so that a queue
// which fills and drains all the time does not allocate all the time. The value is picked out of
// thin air.
const ringKept = 128

// A ring holds the items of a queue, in the order in which they were added. It grows and shrinks by
// powers of two, and forgets what was taken out. The zero value is empty.
type ring[T any] struct {
	slots []T // a power of two of them, or none
	head  int // where the first is
	n     int
}

// at returns the place of item i.
func (r *ring[T]) at(i int) *T { return &r.slots[(r.head+i)&(len(r.slots)-1)] }

// push appends v.
func (r *ring[T]) push(v T) {
	if r.n == len(r.slots) {
		r.resize(max(8, 2*r.n))
	}
	r.n++
	*r.at(r.n - 1) = v
}

// shift takes the first item.
func (r *ring[T]) shift() T {
	v := r.clear(0)
	r.head = (r.head + 1) & (len(r.slots) - 1)
	r.lose()
	return v
}

// pop takes the last item.
func (r *ring[T]) pop() T {
	v := r.clear(r.n - 1)
	r.lose()
	return v
}

// clear takes item i and leaves a hole.
func (r *ring[T]) clear(i int) (v T) {
	p := r.at(i)
	v, *p = *p, v
	return v
}

// lose notes that there is one item less.
func (r *ring[T]) lose() {
	if r.n--; len(r.slots) > ringKept && r.n < len(r.slots)/4 {
		r.resize(len(r.slots) / 2)
	}
}

// resize moves the items to a new ring of that size.
func (r *ring[T]) resize(size int) {
	slots := make([]T, size)
	copied := copy(slots, r.slots[r.head:])
	copy(slots[copied:], r.slots[:r.head])
	r.slots, r.head = slots, 0
}

// first returns a copy of the first n items, or of all if there are less.
func (r *ring[T]) first(n int) []T {
	items := make([]T, min(n, r.n))
	for i := range items {
		items[i] = *r.at(i)
	}
	return items
}
