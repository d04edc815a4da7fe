package loop

import "time"

// A timed is something a timer makes ready.
type timed interface {
	Runnable
	// armed is where the sequence number of the timer lives that is in force for
	// this target. A timer with another number is void.
	armed() *uint64
}

type timer struct {
	when time.Duration
	seq  uint64
	what timed
}

func (a *timer) before(b *timer) bool {
	return a.when < b.when || a.when == b.when && a.seq < b.seq
}

// timers holds the timers of a loop in order of (deadline, insertion). asyncio's heap is unstable for
// equal deadlines; a stable order costs eight bytes and gives programs one schedule
// instead of many.
//
// Timers tend to be set for the same duration again and again, so that each deadline is
// later than the one before. Such a timer is appended to a sorted run, in constant time; the
// others go to a heap. The nearest timer is the lesser of the two heads.
//
// A timer is cancelled by changing its target's number, which costs nothing; the void entry goes
// when it reaches the top, or when there are many of them (A13 of the specification).
type timers struct {
	run  []timer // sorted; the first head entries are gone
	head int
	heap []timer // 4-ary
	seq  uint64
	void int // void entries
}

func (ts *timers) len() int { return len(ts.run) - ts.head + len(ts.heap) }

// room returns how many entries there is room for in the larger of the two.
func (ts *timers) room() int { return max(cap(ts.run), cap(ts.heap)) }

// trim gives back room that is not used.
func (ts *timers) trim() {
	ts.run, ts.head = fit(ts.run[ts.head:]), 0
	ts.heap = fit(ts.heap)
}

// add arms a timer for what, which has none in force.
func (ts *timers) add(when time.Duration, what timed) {
	ts.seq++
	*what.armed() = ts.seq
	t := timer{when, ts.seq, what}
	if n := len(ts.run); n == ts.head {
		ts.run, ts.head = append(ts.run[:0], t), 0
	} else if !t.before(&ts.run[n-1]) {
		if n == cap(ts.run) && ts.head > n/2 {
			k := copy(ts.run, ts.run[ts.head:])
			clear(ts.run[k:])
			ts.run, ts.head = ts.run[:k], 0
		}
		ts.run = append(grown(ts.run), t)
	} else {
		ts.heap = append(grown(ts.heap), t)
		ts.up(len(ts.heap) - 1)
	}
}

// cancel voids the timer of what, if it has one.
func (ts *timers) cancel(what timed) {
	if p := what.armed(); *p != 0 {
		*p = 0
		ts.void++
	}
}

// next returns the deadline of the nearest timer in force.
func (ts *timers) next() (when time.Duration, ok bool) {
	for {
		t := ts.top()
		switch {
		case t == nil:
			return 0, false
		case *t.what.armed() == t.seq:
			return t.when, true
		}
		ts.void--
		ts.pop()
	}
}

// due removes and returns the nearest timer's target if its deadline has come.
func (ts *timers) due(now time.Duration) timed {
	if when, ok := ts.next(); !ok || when > now {
		return nil
	}
	what := ts.top().what
	*what.armed() = 0
	ts.pop()
	return what
}

// top returns the nearest entry, void or not.
func (ts *timers) top() *timer {
	inRun, inHeap := ts.head < len(ts.run), len(ts.heap) > 0
	switch {
	case inRun && (!inHeap || ts.run[ts.head].before(&ts.heap[0])):
		return &ts.run[ts.head]
	case inHeap:
		return &ts.heap[0]
	}
	return nil
}

// pop removes the entry that top returns.
func (ts *timers) pop() {
	if t := ts.top(); len(ts.heap) == 0 || t != &ts.heap[0] {
		*t = timer{}
		if ts.head++; ts.head == len(ts.run) {
			ts.run, ts.head = ts.run[:0], 0
		}
		return
	}
	n := len(ts.heap) - 1
	ts.heap[0] = ts.heap[n]
	ts.heap[n] = timer{}
	ts.heap = ts.heap[:n]
	ts.down(0)
}

// purge drops all void entries when they are many, once a tick.
func (ts *timers) purge() {
	if n := ts.len(); n <= 100 || ts.void <= n/2 {
		return
	}
	inForce := ts.run[:0]
	for _, t := range ts.run[ts.head:] {
		if *t.what.armed() == t.seq {
			inForce = append(inForce, t)
		}
	}
	clear(ts.run[len(inForce):])
	ts.run, ts.head = inForce, 0

	inForce = ts.heap[:0]
	for _, t := range ts.heap {
		if *t.what.armed() == t.seq {
			inForce = append(inForce, t)
		}
	}
	clear(ts.heap[len(inForce):])
	ts.heap = inForce
	for i := len(ts.heap)/4 + 1; i >= 0; i-- {
		ts.down(i)
	}
	ts.void = 0
}

func (ts *timers) up(i int) {
	h := ts.heap
	t := h[i]
	for i > 0 {
		parent := (i - 1) / 4
		if !t.before(&h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = t
}

func (ts *timers) down(i int) {
	h := ts.heap
	if i >= len(h) {
		return
	}
	t := h[i]
	for {
		least := 4*i + 1
		if least >= len(h) {
			break
		}
		for c := least + 1; c < min(4*i+5, len(h)); c++ {
			if h[c].before(&h[least]) {
				least = c
			}
		}
		if !h[least].before(&t) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = t
}
