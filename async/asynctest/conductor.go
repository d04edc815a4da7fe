package asynctest

import (
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A conductor is the loop's scheduler: it has a search make the choices, and keeps a record of what happens.
type conductor struct {
	l       *loop.Loop
	search  search
	fault   fault
	inject  func(t *loop.Task, kind faultKind) bool
	endless func() // called when the run does not end, and again when its end does not

	tasks   []*loop.Task // by number, from one
	byPlace []uint32     // the number of the task that had the place when it was last looked up
	ready   []uint32
	choices []uint16
	made    []int // by choice: how many steps there were before
	steps   []step
	points  int  // suspensions so far
	hit     bool // the fault was injected
	fair    bool // there were choices that only fairness has made
	off     bool // the program has ended; what is left is cleaned up
	late    int  // steps since then
	tell    bool
	told    []event
	kinds   map[reflect.Type]uint64
}

// A step is what one step of a task shows of itself.
type step struct {
	task  uint32
	ready uint32 // a digest of which tasks could have run
	end   uint64 // a digest of how it has ended; zero for the end of the task
}

// An event is a line of the timeline.
type event struct {
	task       string
	begins     string
	ends, at   string
	fault      string
	suspension int // its number, if the step has ended with one
}

// fairAfter is after how many steps of a run the order becomes FIFO. A task that looks again and again whether another
// one has got somewhere would keep the one with the lower priority from getting there for ever. mostSteps is how many
// steps a run may take at all. Both values are guesses: programs for Explore are small.
const (
	fairAfter = 2000
	mostSteps = 100_000
)

// reset prepares the conductor for the next schedule.
func (c *conductor) reset(s search, f fault) {
	clear(c.tasks)
	c.search, c.fault = s, f
	c.tasks, c.choices, c.steps, c.told = c.tasks[:0], c.choices[:0], c.steps[:0], nil
	c.made = c.made[:0]
	c.points, c.hit, c.fair, c.off, c.late = 0, false, false, false, 0
}

// number returns the number of the task, which it gets when it is seen for the first time.
func (c *conductor) number(t *loop.Task) uint32 {
	place := int(t.Place())
	if place < len(c.byPlace) {
		if n := c.byPlace[place]; n > 0 && int(n) <= len(c.tasks) && c.tasks[n-1] == t {
			return n
		}
	}
	i := slices.Index(c.tasks, t) // it may have another place by now
	if i < 0 {
		i = len(c.tasks)
		c.tasks = append(c.tasks, t)
	}
	for place >= len(c.byPlace) {
		c.byPlace = append(c.byPlace, 0)
	}
	c.byPlace[place] = uint32(i + 1)
	return c.byPlace[place]
}

// Choose implements [loop.Scheduler].
func (c *conductor) Choose(ready []*loop.Task) int {
	if c.off {
		if c.late++; c.late == mostSteps {
			c.endless()
		}
		return 0
	}
	c.ready = c.ready[:0]
	digest := uint32(2166136261)
	for _, t := range ready {
		n := c.number(t)
		c.ready = append(c.ready, n)
		digest = (digest ^ n) * 16777619
	}
	i := 0
	if len(ready) > 1 {
		if len(c.steps) < fairAfter {
			i = c.search.choose(c.ready)
		} else {
			c.fair = true
		}
		c.choices = append(c.choices, uint16(i))
		c.made = append(c.made, len(c.steps))
	}
	c.search.ran(c.ready[i])
	c.steps = append(c.steps, step{task: c.ready[i], ready: digest})
	if len(c.steps) == mostSteps {
		c.endless()
	}
	if c.tell {
		begins := "goes on"
		if !ready[i].Begun() {
			begins = "starts"
		}
		c.told = append(c.told, event{task: c.name(ready[i], c.ready[i]), begins: begins})
	}
	return i
}

// Suspended implements [loop.Scheduler].
func (c *conductor) Suspended(t *loop.Task) {
	if c.off || len(c.steps) == 0 {
		return
	}
	last := &c.steps[len(c.steps)-1]
	last.end = last.end*31 + c.kind(t)
	c.points++
	if c.tell {
		e := &c.told[len(c.told)-1]
		e.ends, e.at = t.StepEnd()
		e.suspension = c.points
	}
	if c.fault.kind != noFault && c.fault.point == c.points {
		c.hit = c.inject(t, c.fault.kind)
		if c.tell && c.hit {
			c.told[len(c.told)-1].fault = c.fault.kind.String()
		}
	}
}

// Resumed implements [loop.Scheduler].
func (c *conductor) Resumed(*loop.Task) {}

// kind digests what the task waits for.
func (c *conductor) kind(t *loop.Task) uint64 {
	k := t.WaitKind()
	if k == nil {
		if t.Yielding() {
			return 1
		}
		return 2 + uint64(t.TimerDeadline())
	}
	h, ok := c.kinds[k]
	if !ok {
		if c.kinds == nil {
			c.kinds = map[reflect.Type]uint64{}
		}
		f := fnv.New64a()
		f.Write([]byte(k.String()))
		h = f.Sum64()
		c.kinds[k] = h
	}
	return h
}

// hash digests all steps.
func (c *conductor) hash() uint64 {
	h := uint64(14695981039346656037)
	for _, s := range c.steps {
		for _, x := range [...]uint64{uint64(s.task), uint64(s.ready), s.end} {
			h = (h ^ x) * 1099511628211
		}
	}
	return h
}

// name returns the name of a task with this number. One without gets it from the number, as in a program that runs for the
// first time: the number that package async gives it goes up from one run to the next.
func (c *conductor) name(t *loop.Task, number uint32) string {
	name, ok := t.Name()
	if !ok {
		name = fmt.Sprintf("Task-%d", number)
		t.SetName(name)
	}
	return name
}
