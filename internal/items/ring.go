package items

// ringKept is the number of slots that a ring does not go below when it shrinks, so that a queue
// which fills and drains all the time does not allocate all the time. The value is picked out of
// thin air.
const ringKept = 128

// A Ring holds the items of a queue, in the order in which they were added. It grows and shrinks by
// powers of two, and forgets what was taken out. The zero value is empty.
type Ring[T any] struct {
	slots []T // a power of two of them, or none
	head  int // where the first is
	n     int
}

// At returns the place of item i.
func (r *Ring[T]) At(i int) *T { return &r.slots[(r.head+i)&(len(r.slots)-1)] }

// Push appends v.
func (r *Ring[T]) Push(v T) {
	if r.n == len(r.slots) {
		r.resize(max(8, 2*r.n))
	}
	r.n++
	*r.At(r.n - 1) = v
}

// Shift takes the first item.
func (r *Ring[T]) Shift() T {
	v := r.clear(0)
	r.head = (r.head + 1) & (len(r.slots) - 1)
	r.lose()
	return v
}

// Pop takes the last item.
func (r *Ring[T]) Pop() T {
	v := r.clear(r.n - 1)
	r.lose()
	return v
}

// clear takes item i and leaves a hole.
func (r *Ring[T]) clear(i int) (v T) {
	p := r.At(i)
	v, *p = *p, v
	return v
}

// lose notes that there is one item less.
func (r *Ring[T]) lose() {
	if r.n--; len(r.slots) > ringKept && r.n < len(r.slots)/4 {
		r.resize(len(r.slots) / 2)
	}
}

// resize moves the items to a new ring of that size.
func (r *Ring[T]) resize(size int) {
	slots := make([]T, size)
	copied := copy(slots, r.slots[r.head:])
	copy(slots[copied:], r.slots[:r.head])
	r.slots, r.head = slots, 0
}

// First returns a copy of the first n items, or of all if there are less.
func (r *Ring[T]) First(n int) []T {
	items := make([]T, min(n, r.n))
	for i := range items {
		items[i] = *r.At(i)
	}
	return items
}

// Len returns how many items there are.
func (r *Ring[T]) Len() int { return r.n }

// Clear forgets all items, and the room for them.
func (r *Ring[T]) Clear() { *r = Ring[T]{} }

// InOrder returns the items in the order in which they would be taken out.
func (r *Ring[T]) InOrder(o Order[T]) []T {
	rest := Ring[T]{n: r.n, slots: make([]T, len(r.slots))}
	copy(rest.slots, r.slots)
	rest.head = r.head
	all := make([]T, 0, r.n)
	for rest.n > 0 {
		all = append(all, o.Take(&rest))
	}
	return all
}
