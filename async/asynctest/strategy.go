package asynctest

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// A Search is a way to go through the schedules of a program, for [Strategy].
type Search struct {
	name   string
	chance bool // it depends on the seed
	start  func(r *rand.Rand) search
}

// String returns the name of the search, as PCT(3).
func (s Search) String() string { return s.name }

// search makes the choices of one schedule after the other.
type search interface {
	// begin starts a schedule. It reports false if there is none left.
	begin() bool
	// choose returns the index of one of at least two tasks, which are given by their numbers.
	choose(ready []uint32) int
	// ran tells which task runs next, also when there was no choice.
	ran(task uint32)
}

// FIFO is the one schedule that runs tasks in the order in which they became ready.
var FIFO = Search{"FIFO", false, func(*rand.Rand) search { return &fifo{} }}

type fifo struct{ begun bool }

func (s *fifo) begin() bool {
	first := !s.begun
	s.begun = true
	return first
}
func (*fifo) choose([]uint32) int { return 0 }
func (*fifo) ran(uint32)          {}

// Random chooses each time with equal odds. It is the default, and hard to beat on programs with few tasks.
var Random = Search{"Random", true, func(r *rand.Rand) search { return &random{r} }}

type random struct{ r *rand.Rand }

func (*random) begin() bool                 { return true }
func (s *random) choose(ready []uint32) int { return s.r.IntN(len(ready)) }
func (*random) ran(uint32)                  {}

// PCT is the probabilistic concurrency testing of Burckhardt, Kothari, Musuvathi and Nagarakatte
// (ASPLOS 2010): tasks have random priorities, and at depth-1 random steps the one that runs gets the lowest. In
// a program of n tasks and k steps one schedule finds a bug of this depth, one that needs depth
// things to come in a certain order, with a probability of at least 1/(n·k^(depth-1)). Few bugs are deeper than
// 3. It panics if depth is less than one.
func PCT(depth int) Search {
	if depth < 1 {
		panic("asynctest: the depth of PCT is less than one")
	}
	return Search{fmt.Sprintf("PCT(%d)", depth), true, func(r *rand.Rand) search { return &pct{r: r, depth: depth} }}
}

// pct is [PCT]. The paper gives each thread a priority before the start. Tasks come into being on the way, so each
// one is put into the order of those there are at a random place, which comes to the same. A step that lowers a
// priority does so to the task that is about to run, before it runs.
type pct struct {
	r      *rand.Rand
	depth  int
	steps  int // of the longest schedule so far: the k of the paper
	step   int
	order  []uint32 // tasks, the highest priority first
	points []int    // the steps that lower a priority
	low    []uint32 // by the number of the point: the task that it has lowered; a later one is higher
	one    [1]uint32
}

// nobody stands where no task was lowered. Tasks are numbered from one.
const nobody = 0

func (s *pct) begin() bool {
	s.steps = max(s.steps, s.step)
	s.step = 0
	s.order, s.points, s.low = s.order[:0], s.points[:0], s.low[:0]
	for range s.depth - 1 {
		s.points = append(s.points, s.r.IntN(max(s.steps, 1)))
		s.low = append(s.low, nobody)
	}
	return true
}

func (s *pct) choose(ready []uint32) int {
	for _, t := range ready {
		if !slices.Contains(s.order, t) && !slices.Contains(s.low, t) {
			s.order = slices.Insert(s.order, s.r.IntN(len(s.order)+1), t)
		}
	}
	for i, step := range s.points {
		if step != s.step {
			continue
		}
		t := s.highest(ready)
		if at := slices.Index(s.order, t); at >= 0 {
			s.order = slices.Delete(s.order, at, at+1)
		} else {
			s.low[slices.Index(s.low, t)] = nobody
		}
		s.low[i] = t
		s.points[i] = -1 // done
	}
	return slices.Index(ready, s.highest(ready))
}

// highest returns the one of highest priority.
func (s *pct) highest(ready []uint32) uint32 {
	for _, t := range s.order {
		if slices.Contains(ready, t) {
			return t
		}
	}
	for _, t := range slices.Backward(s.low) {
		if slices.Contains(ready, t) {
			return t
		}
	}
	panic("asynctest: a task has no priority")
}

func (s *pct) ran(task uint32) {
	if slices.Contains(s.points, s.step) {
		s.one[0] = task // there was no choice
		s.choose(s.one[:])
	}
	s.step++
}

// Exhaustive goes through all schedules with at most bound deviations from FIFO order, and through all there are if
// bound is zero: a proof for small programs. Their number grows like a factorial; [Schedules] limits it all the
// same, and the default of that is none with Exhaustive. The bound is the delay bound of Emmi, Qadeer
// and Rakamarić (POPL 2011): most bugs need one or two. It panics if bound is negative.
func Exhaustive(bound int) Search {
	if bound < 0 {
		panic("asynctest: the bound of Exhaustive is negative")
	}
	name := "Exhaustive"
	if bound > 0 {
		name = fmt.Sprintf("Exhaustive(%d)", bound)
	}
	return Search{name, false, func(*rand.Rand) search { return &exhaustive{bound: bound} }}
}

// exhaustive is a depth-first walk: each schedule repeats the one before up to the last choice that has
// another one left.
type exhaustive struct {
	bound int
	path  []branch
	at    int
	begun bool
}

type branch struct{ chosen, of uint16 }

func (s *exhaustive) begin() bool {
	defer func() { s.begun, s.at = true, 0 }()
	if !s.begun {
		return true
	}
	s.path = s.path[:min(s.at, len(s.path))]
	for len(s.path) > 0 {
		last := &s.path[len(s.path)-1]
		if last.chosen+1 < last.of && (last.chosen > 0 || s.deviations() < s.bound || s.bound == 0) {
			last.chosen++
			return true
		}
		s.path = s.path[:len(s.path)-1]
	}
	return false
}

// deviations counts the choices that are not the first.
func (s *exhaustive) deviations() (n int) {
	for _, b := range s.path {
		if b.chosen > 0 {
			n++
		}
	}
	return n
}

func (s *exhaustive) choose(ready []uint32) int {
	if s.at == len(s.path) {
		s.path = append(s.path, branch{0, uint16(len(ready))})
	}
	b := &s.path[s.at]
	s.at++
	b.of = uint16(len(ready)) // the same, unless the program is not deterministic
	if b.chosen >= b.of {
		b.chosen = b.of - 1
	}
	return int(b.chosen)
}

func (*exhaustive) ran(uint32) {}

// replay makes given choices, and the first one where they are at an end.
type replay struct {
	choices []uint16
	at      int
	begun   bool
}

func (s *replay) begin() bool {
	first := !s.begun
	s.begun, s.at = true, 0
	return first
}

func (s *replay) choose(ready []uint32) int {
	c := 0
	if s.at < len(s.choices) {
		c = min(int(s.choices[s.at]), len(ready)-1)
	}
	s.at++
	return c
}

func (*replay) ran(uint32) {}

// fuzzed takes its choices from bytes, one each.
type fuzzed struct {
	bytes []byte
	begun bool
}

func (s *fuzzed) begin() bool {
	first := !s.begun
	s.begun = true
	return first
}

func (s *fuzzed) choose(ready []uint32) int {
	if len(s.bytes) == 0 {
		return 0
	}
	c := int(s.bytes[0]) % len(ready)
	s.bytes = s.bytes[1:]
	return c
}

func (*fuzzed) ran(uint32) {}
