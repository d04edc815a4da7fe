package loop

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// An alarm is the plainest target of a timer.
type alarm struct {
	seq  uint64
	when time.Duration
}

// RunReady implements Runnable.
func (a *alarm) RunReady() {}

func (a *alarm) armed() *uint64 { return &a.seq }

// A timerGame plays operations on timers and on a model of them, which is a list of the alarms in force in the order in which
// they have to come. It compares the two after each operation.
type timerGame struct {
	t     testing.TB
	ts    timers
	model []*alarm
	now   time.Duration
	last  time.Duration // the deadline that was added last
}

// add arms an alarm. In the model it comes behind all those of the same deadline.
func (g *timerGame) add(when time.Duration) *alarm {
	a := &alarm{when: when}
	g.ts.add(when, a)
	g.last = when
	at, _ := slices.BinarySearchFunc(g.model, a, func(b, a *alarm) int { return cmp.Or(cmp.Compare(b.when, a.when), -1) })
	g.model = slices.Insert(g.model, at, a)
	return a
}

func (g *timerGame) cancel(i int) {
	a := g.model[i]
	g.ts.cancel(a)
	g.ts.cancel(a) // The second time it has nothing left to void.
	g.model = slices.Delete(g.model, i, i+1)
}

// due takes all alarms whose time has come by now.
func (g *timerGame) due(now time.Duration) {
	g.now = now
	for len(g.model) > 0 && g.model[0].when <= now {
		want := g.model[0]
		g.model = g.model[1:]
		got, _ := g.ts.due(now).(*alarm)
		if got != want {
			g.t.Fatalf("due(%d) returns %v instead of %v", now, got, want)
		}
		if got.seq != 0 {
			g.t.Fatalf("an alarm that has come is still armed, as %d", got.seq)
		}
	}
	if got := g.ts.due(now); got != nil {
		g.t.Fatalf("due(%d) returns %v, which is too early", now, got)
	}
}

func (g *timerGame) next() {
	when, ok := g.ts.next()
	switch {
	case ok != (len(g.model) > 0):
		g.t.Fatalf("next says %v with %d alarms in force", ok, len(g.model))
	case ok && when != g.model[0].when:
		g.t.Fatalf("next is at %d, and should be at %d", when, g.model[0].when)
	case !ok && g.ts.len() != 0:
		g.t.Fatalf("next has found none, and has left %d void ones", g.ts.len())
	}
}

// purge checks rule A13: with more than 100 entries and over half of them void these go, else all stay.
func (g *timerGame) purge() {
	before, void := g.ts.len(), g.ts.len()-len(g.model)
	g.ts.purge()
	want := before
	if before > 100 && 2*void > before {
		want -= void
	}
	if g.ts.len() != want {
		g.t.Fatalf("a purge of %d entries, %d of them void, leaves %d and not %d", before, void, g.ts.len(), want)
	}
}

// check looks at what has to hold at any time.
func (g *timerGame) check() {
	ts := &g.ts
	if ts.head > len(ts.run) || ts.head == len(ts.run) && ts.head > 0 {
		g.t.Fatalf("the run begins at %d of %d", ts.head, len(ts.run))
	}
	inForce := 0
	look := func(where string, all []timer, before func(i int) int) {
		for i := range all {
			a := all[i].what.(*alarm)
			if a.seq == all[i].seq {
				inForce++
				if a.when != all[i].when {
					g.t.Fatalf("an alarm for %d is armed for %d", a.when, all[i].when)
				}
			}
			if j := before(i); j >= 0 && !all[j].before(&all[i]) {
				g.t.Fatalf("entry %d of the %s, at %d, stands behind entry %d, at %d", i, where, all[i].when, j, all[j].when)
			}
		}
	}
	look("run", ts.run[ts.head:], func(i int) int { return i - 1 })
	look("heap", ts.heap, func(i int) int {
		if i == 0 {
			return -1
		}
		return (i - 1) / 4
	})
	if inForce != len(g.model) {
		g.t.Fatalf("%d timers are in force instead of %d", inForce, len(g.model))
	}
	if void := ts.len() - inForce; ts.void != void {
		g.t.Fatalf("%d entries are void, and %d were counted", void, ts.void)
	}
	// What is gone must not be held.
	for _, gone := range [][]timer{ts.run[:ts.head], ts.run[len(ts.run):cap(ts.run)], ts.heap[len(ts.heap):cap(ts.heap)]} {
		for i := range gone {
			if gone[i].what != nil {
				g.t.Fatal("an entry that is gone still holds its target")
			}
		}
	}
}

// play makes the operation op with the argument arg.
func (g *timerGame) play(op, arg byte) {
	d := time.Duration(arg)
	switch op % 11 {
	case 0:
		g.add(g.last)
	case 1:
		g.add(later(g.last, d))
	case 2:
		g.add(g.last - min(d, g.last-math.MinInt64))
	case 3:
		g.add(later(g.now, d))
	case 4: // the ends of time
		g.add([]time.Duration{math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, 0, -1}[arg%5])
	case 5, 6:
		if n := len(g.model); n > 0 {
			g.cancel(int(arg) * n / 256)
		}
	case 7:
		g.due(later(g.now, d/8))
	case 8:
		g.purge()
	case 9:
		g.next()
	case 10: // what many sleeps of the same duration do, and then timeouts that are not needed any more
		for range min(int(arg)/4, 300-len(g.model)) {
			g.add(later(g.now, d))
		}
		if arg%2 == 0 {
			for range min(int(arg)/5, len(g.model)) {
				g.cancel(len(g.model) / 2)
			}
		}
	}
	g.check()
}

// later adds without running over.
func later(when, d time.Duration) time.Duration { return when + min(d, math.MaxInt64-max(when, 0)) }

// end takes what is left.
func (g *timerGame) end() {
	g.due(math.MaxInt64)
	g.next()
	g.check()
	if g.ts.len() != 0 || g.ts.void != 0 {
		g.t.Fatalf("at the end there are %d entries, %d of them void", g.ts.len(), g.ts.void)
	}
}

func TestTimersAgainstTheModel(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("they come in order of deadline and insertion with seed %d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			g := &timerGame{t: t}
			for range 300 {
				g.play(byte(rng.Uint32()), byte(rng.Uint32()))
			}
			g.end()
		})
	}
}

// FuzzTimers reads the operations from its input, two bytes each.
func FuzzTimers(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("some timers that come and go"))
	f.Add([]byte{10, 255, 1, 1, 2, 9, 10, 254, 8, 0, 9, 0, 7, 255, 7, 255})
	rng := rand.New(rand.NewPCG(5, 6))
	for range 8 {
		ops := make([]byte, 300)
		for i := range ops {
			ops[i] = byte(rng.Uint32())
		}
		f.Add(ops)
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		g := &timerGame{t: t}
		for i := 0; i+1 < min(len(ops), 300); i += 2 {
			g.play(ops[i], ops[i+1])
		}
		g.end()
	})
}

func TestTimers(t *testing.T) {
	const second = time.Second
	t.Run("equal deadlines come in the order in which they were set, also across the run and the heap", func(t *testing.T) {
		g := &timerGame{t: t}
		g.add(5 * second) // run
		g.add(3 * second) // heap
		g.add(5 * second) // run
		g.add(3 * second) // heap
		g.add(4 * second) // heap
		g.add(9 * second) // run
		g.add(5 * second) // heap, behind those in the run
		if len(g.ts.run) != 3 || len(g.ts.heap) != 4 {
			t.Errorf("%d timers are in the run and %d in the heap", len(g.ts.run), len(g.ts.heap))
		}
		g.due(4 * second)
		g.due(5 * second)
		g.end()
	})
	t.Run("an alarm may be set again after it has come or was cancelled, and what is left of the first time is void", func(t *testing.T) {
		var ts timers
		a := new(alarm)
		ts.add(1, a)
		ts.cancel(a)
		ts.add(2, a)
		if when, ok := ts.next(); !ok || when != 2 || ts.len() != 1 {
			t.Errorf("next is %d, %v, and %d entries are left", when, ok, ts.len())
		}
		if ts.due(1) != nil || ts.due(2) != a || ts.due(math.MaxInt64) != nil {
			t.Error("the alarm comes at another time than the second")
		}
		ts.add(3, a)
		if ts.due(3) != a {
			t.Error("the alarm does not come when it is set for the third time")
		}
	})
	t.Run("A13: void entries go when there are more than 100 entries and over half of them are void", func(t *testing.T) {
		for _, c := range []struct{ n, cancel, left int }{
			{100, 99, 100}, // too few in all
			{101, 50, 101}, // under half
			{101, 51, 50},
			{102, 51, 102}, // just half
			{102, 52, 50},
			{1000, 999, 1},
			{1000, 1000, 0},
		} {
			for where, step := range map[string]time.Duration{"run": 1, "heap": -1} {
				g := &timerGame{t: t}
				if step < 0 {
					g.add(0)
				}
				for i := range c.n - len(g.model) {
					g.add(time.Duration(i+1) * step)
				}
				for range c.cancel {
					g.cancel(len(g.model) - 1) // The head goes last.
				}
				g.purge()
				if g.ts.len() != c.left {
					t.Errorf("%d of %d in the %s are void, and the purge leaves %d, not %d", c.cancel, c.n, where, g.ts.len(), c.left)
				}
				g.check()
				g.end()
			}
		}
	})
	t.Run("A13: a purge leaves the others in order, also if the head was void and nobody has looked at it", func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			g := &timerGame{t: t}
			for range 150 {
				g.add(time.Duration(rng.IntN(1000)))
			}
			for range 90 {
				g.cancel(0)
			}
			g.purge()
			g.check()
			g.end()
		}
	})
	t.Run("A13: void entries at the head go with a look at the next, however few they are", func(t *testing.T) {
		for _, step := range []time.Duration{1, -1} {
			g := &timerGame{t: t}
			for i := range 20 {
				g.add(time.Duration(i) * step)
			}
			for range 5 {
				g.cancel(0)
			}
			g.cancel(7)
			g.next()
			if g.ts.len() != 15 {
				t.Errorf("%d entries are left, and should be the 14 in force and the one in the middle", g.ts.len())
			}
			g.end()
		}
	})
	t.Run("deadlines at the ends of time keep their order", func(t *testing.T) {
		g := &timerGame{t: t}
		for _, when := range []time.Duration{math.MaxInt64, 0, math.MinInt64, math.MaxInt64, math.MaxInt64 - 1, -1, math.MinInt64, 1} {
			g.add(when)
			g.check()
		}
		g.due(math.MinInt64)
		g.due(0)
		g.due(math.MaxInt64 - 1)
		if len(g.model) != 2 {
			t.Errorf("%d timers for the end of time are left, and should be 2", len(g.model))
		}
		g.end()
	})
	t.Run("the run moves to the front of its room when most of it is gone, and does not grow for ever", func(t *testing.T) {
		g := &timerGame{t: t}
		for i := range time.Duration(100) {
			g.add(i)
		}
		for i := range time.Duration(10_000) {
			g.due(i)
			g.add(100 + i)
			if i%100 == 0 {
				g.check()
			}
		}
		if len(g.model) != 100 || cap(g.ts.run) > 1000 {
			t.Errorf("the run has room for %d timers and holds %d", cap(g.ts.run), len(g.model))
		}
		g.end()
	})
	for where, step := range map[string]time.Duration{"run": 1, "heap": -1} {
		const many = 2 * maxSpare
		fill := func() (*timers, []alarm) {
			ts, all := new(timers), make([]alarm, many)
			for i := range all {
				ts.add(step*time.Duration(i), &all[i])
			}
			return ts, all
		}
		room := func(ts *timers) int { return cap(ts.run) + cap(ts.heap) }
		t.Run("the memory of many timers in the "+where+" is given back when they have come", func(t *testing.T) {
			ts, _ := fill()
			for ts.due(many) != nil {
				continue
			}
			if ts.trim(); room(ts) > 0 {
				t.Errorf("empty timers keep room for %d", room(ts))
			}
		})
		t.Run("the memory of many timers in the "+where+" is given back when they were cancelled one by one and looked at", func(t *testing.T) {
			ts, all := fill()
			for i := range all {
				ts.cancel(&all[i])
			}
			if _, ok := ts.next(); ok {
				t.Error("there is a timer in force")
			}
			if ts.trim(); room(ts) > 0 {
				t.Errorf("empty timers keep room for %d", room(ts))
			}
		})
		t.Run("the memory of many timers in the "+where+" is given back by a purge", func(t *testing.T) {
			ts, all := fill()
			for i := range all {
				ts.cancel(&all[i])
			}
			ts.purge()
			if ts.trim(); room(ts) > 0 {
				t.Errorf("empty timers keep room for %d", room(ts))
			}
		})
		t.Run("a small number of timers in the "+where+" keeps its room for the next", func(t *testing.T) {
			ts, a, b := new(timers), new(alarm), new(alarm)
			round := func() {
				ts.add(step*5, a)
				ts.add(step*6, b)
				for ts.due(6) != nil {
					continue
				}
			}
			round()
			if n := testing.AllocsPerRun(100, round); n != 0 {
				t.Errorf("a timer allocates, %v times", n)
			}
		})
	}
}
