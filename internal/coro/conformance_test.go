package coro_test

import (
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/petermattis/goid"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestSwitch(t *testing.T) {
	onEach(t, "nothing of a body runs before it is switched to", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		r := start(func(*coro.Routine) { tr.Add("body") })
		tr.Add("root")
		if r.Ended() || r.Unwinding() || r.Goexited() || r.Panicked() != nil {
			t.Error("a fresh routine says that it has begun or ended")
		}
		root.Resume(r)
		tr.Expect(t, "root body")
	})

	onEach(t, "a body goes on where it suspended", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		r := start(func(r *coro.Routine) {
			for i := range 3 {
				tr.Add("body%d", i)
				r.Suspend()
			}
			tr.Add("end")
		})
		for i := range 4 {
			if r.Ended() {
				t.Errorf("the body has ended before resume %d", i)
			}
			tr.Add("root%d", i)
			root.Resume(r)
		}
		if !r.Ended() {
			t.Error("the body has not ended")
		}
		tr.Expect(t, "root0 body0 root1 body1 root2 body2 root3 end")
	})

	onEach(t, "values travel both ways in variables beside the switch", func(t *testing.T, root *coro.Routine, start maker) {
		type message struct {
			number int
			path   []string
		}
		var in, out message
		r := start(func(r *coro.Routine) {
			for in.number != 0 {
				out = message{number: in.number * in.number, path: append(in.path, "body")}
				r.Suspend()
			}
			out = message{number: -1}
		})
		for i := 1; i <= 100; i++ {
			in = message{number: i, path: []string{"root"}}
			root.Resume(r)
			if out.number != i*i || !slices.Equal(out.path, []string{"root", "body"}) {
				t.Fatalf("for %v the body answers %v", in, out)
			}
		}
		in = message{}
		if root.Resume(r); out.number != -1 || !r.Ended() {
			t.Errorf("the last answer is %v", out)
		}
	})

	onEach(t, "a switch to oneself returns at once", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		r := start(func(r *coro.Routine) {
			r.Switch(r)
			tr.Add("body")
			r.Suspend()
			r.Switch(r)
			tr.Add("end")
		})
		root.Switch(root)
		root.Resume(r)
		root.Switch(root)
		tr.Add("root")
		root.Resume(r)
		tr.Expect(t, "body root end")
	})

	onEach(t, "Suspend and the end lead to whoever resumed last", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		c := start(func(r *coro.Routine) {
			tr.Add("c1")
			r.Suspend()
			tr.Add("c2")
			r.Suspend()
			tr.Add("c3")
		})
		resumer := func(name string) func(*coro.Routine) {
			return func(r *coro.Routine) {
				tr.Add("%s1", name)
				r.Resume(c)
				tr.Add("%s2", name)
				r.Suspend()
				tr.Add("%s3", name)
			}
		}
		a, b := start(resumer("a")), start(resumer("b"))
		root.Resume(a)
		root.Resume(b)
		tr.Expect(t, "a1 c1 a2 b1 c2 b2")
		root.Resume(a)
		tr.Expect(t, "a3")
		root.Resume(c)
		tr.Add("root")
		root.Resume(b)
		tr.Expect(t, "c3 root b3")
	})

	onEach(t, "a plain Switch leaves it to the other one whom to go back to", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		var a, b *coro.Routine
		a = start(func(r *coro.Routine) {
			tr.Add("a1")
			r.Switch(b)
			tr.Add("a2")
			r.Suspend()
			tr.Add("a3")
		})
		b = start(func(r *coro.Routine) {
			tr.Add("b1")
			r.Suspend()
			tr.Add("b2")
			r.Switch(a)
			tr.Add("b3")
		})
		root.Resume(b)
		root.Resume(a) // It switches to b, which switches back.
		tr.Add("root")
		root.Resume(a)
		root.Resume(b)
		tr.Expect(t, "b1 a1 b2 a2 root a3 b3")
	})

	onEach(t, "siblings hand control round in a ring", func(t *testing.T, root *coro.Routine, start maker) {
		const siblings, rounds = 7, 500
		ring := make([]*coro.Routine, siblings)
		steps := 0
		for i := range ring {
			ring[i] = start(func(r *coro.Routine) {
				for round := range rounds {
					if want := round*siblings + i; steps != want {
						t.Errorf("sibling %d runs at step %d, and should at %d", i, steps, want)
					}
					steps++
					r.Switch(ring[(i+1)%siblings])
				}
				r.SetSuccessor(root)
				if i < siblings-1 {
					r.SetSuccessor(ring[i+1])
				}
			})
		}
		root.Switch(ring[0])
		if steps != siblings*rounds {
			t.Errorf("the ring took %d steps", steps)
		}
		for i, r := range ring {
			if !r.Ended() {
				t.Errorf("sibling %d has not ended", i)
			}
		}
	})

	onEach(t, "a thousand bodies resume each other, one inside the other", func(t *testing.T, root *coro.Routine, start maker) {
		const depth = 1000
		var levels []int
		var open func(level int) *coro.Routine
		open = func(level int) *coro.Routine {
			return start(func(r *coro.Routine) {
				var inner *coro.Routine
				if level < depth {
					inner = open(level + 1)
				}
				for range 2 {
					levels = append(levels, level)
					if inner != nil {
						r.Resume(inner)
					}
					levels = append(levels, -level)
					r.Suspend()
				}
				if inner != nil {
					r.Resume(inner)
					if !inner.Ended() {
						t.Errorf("the body at level %d has not ended", level+1)
					}
				}
			})
		}
		var want []int
		for i := 1; i <= depth; i++ {
			want = append(want, i)
		}
		for i := depth; i >= 1; i-- {
			want = append(want, -i)
		}
		outer := open(1)
		for range 2 {
			levels = nil
			root.Resume(outer)
			if !slices.Equal(levels, want) {
				t.Errorf("the levels are entered and left as %v", levels)
			}
		}
		if root.Resume(outer); !outer.Ended() {
			t.Error("the outermost body has not ended")
		}
	})

	onEach(t, "ten thousand are alive at once", func(t *testing.T, root *coro.Routine, start maker) {
		n := 10_000
		if raceEnabled {
			n = 4_000 // The race detector dies of more than 8128 goroutines.
		}
		all := make([]*coro.Routine, n)
		visits := make([]int, n)
		ending := false
		for i := range all {
			all[i] = start(func(r *coro.Routine) {
				for !ending {
					if coro.Current() != r {
						t.Errorf("routine %d is not the current one in its own body", i)
					}
					visits[i]++
					r.Suspend()
				}
			})
		}
		for range 2 {
			for _, r := range all {
				root.Resume(r)
			}
			for _, r := range slices.Backward(all) {
				root.Resume(r)
			}
		}
		for i, v := range visits {
			if v != 4 {
				t.Fatalf("routine %d ran %d times, and should 4 times", i, v)
			}
		}
		ending = true
		for i, r := range all {
			if i%3 == 0 {
				root.Unwind(r)
			} else {
				root.Resume(r)
			}
			if !r.Ended() || r.Goexited() != (i%3 == 0) {
				t.Fatalf("routine %d has not ended as it should", i)
			}
		}
	})

	onEach(t, "a stack that grew and shrank is the same after a switch", func(t *testing.T, root *coro.Routine, start maker) {
		const depth = 20_000
		var sums [2]int
		pair := []*coro.Routine{
			start(func(r *coro.Routine) { sums[0] = dig(r, depth) }),
			start(func(r *coro.Routine) { sums[1] = dig(r, depth/2) }),
		}
		for len(pair) > 0 {
			for _, r := range pair {
				root.Resume(r)
			}
			// The collector shrinks the stacks of goroutines that wait.
			runtime.GC()
			pair = slices.DeleteFunc(pair, (*coro.Routine).Ended)
		}
		if sums[0] != depth*(depth+1)/2 || sums[1] != depth/2*(depth/2+1)/2 {
			t.Errorf("the sums are %v", sums)
		}
	})

	onEach(t, "a switch to a routine that has ended panics", func(t *testing.T, root *coro.Routine, start maker) {
		dead := start(func(*coro.Routine) {})
		root.Resume(dead)
		var tr trace
		orphan := start(func(r *coro.Routine) {
			tr.Add("orphan")
			r.Suspend()
			if v := caught(r.Suspend); !isRefusal(v) {
				t.Errorf("Suspend to a resumer that has ended panics with %v", v)
			}
			tr.Add("orphan")
			r.SetSuccessor(root)
		})
		parent := start(func(r *coro.Routine) {
			if v := caught(func() { r.Switch(dead) }); !isRefusal(v) {
				t.Errorf("Switch panics with %v", v)
			}
			if v := caught(func() { r.Resume(dead) }); !isRefusal(v) {
				t.Errorf("Resume panics with %v", v)
			}
			r.Resume(orphan)
			tr.Add("parent")
		})
		if v := caught(func() { root.Switch(dead) }); !isRefusal(v) {
			t.Errorf("a root's Switch panics with %v", v)
		}
		root.Resume(parent)
		root.Switch(orphan)
		tr.Add("root")
		tr.Expect(t, "orphan parent orphan root")
	})
}

// dig goes down n levels, switches away at some of them, on the way down and on the
// way back, and returns the sum of all levels if nothing on its stack was changed.
func dig(r *coro.Routine, n int) int {
	if n == 0 {
		return 0
	}
	var level [8]int
	p := &level[n%8] // A pointer into the stack must move with the stack.
	*p = n
	if n%4096 == 0 {
		r.Suspend()
	}
	sum := dig(r, n-1)
	if n%4096 == 0 {
		r.Suspend()
	}
	if level[n%8] != *p {
		return -1 << 40
	}
	return sum + *p
}

func TestCurrent(t *testing.T) {
	onEach(t, "each body is the current one while it runs", func(t *testing.T, root *coro.Routine, start maker) {
		all := []*coro.Routine{root}
		check := func(self *coro.Routine, where string) {
			t.Helper()
			if coro.Current() != self {
				t.Errorf("%s: the current routine is another one", where)
			}
			for i, r := range all {
				if r.IsCurrent() != (r == self) {
					t.Errorf("%s: routine %d says IsCurrent is %v", where, i, r.IsCurrent())
				}
			}
		}
		inner := start(func(r *coro.Routine) {
			defer check(r, "in a deferred call while unwinding")
			check(r, "at the beginning")
			r.Suspend()
			check(r, "after a switch")
			r.Suspend()
		})
		outer := start(func(r *coro.Routine) {
			defer check(r, "in a deferred call")
			check(r, "at the beginning")
			r.Suspend()
			check(r, "after a switch")
			r.Resume(inner)
			check(r, "after it resumed another one")
		})
		all = append(all, outer, inner)
		check(root, "before anything else ran")
		for _, r := range []*coro.Routine{outer, inner, outer} {
			root.Resume(r)
			check(root, "after a switch")
		}
		root.Unwind(inner)
		check(root, "after an unwinding")
	})

	onEach(t, "a goroutine outside of every group has none", func(t *testing.T, root *coro.Routine, start maker) {
		r := start(func(r *coro.Routine) { r.Suspend() })
		root.Resume(r)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if coro.Current() != nil {
				t.Error("a goroutine that never was in a group has a current routine")
			}
			if r.IsCurrent() || root.IsCurrent() {
				t.Error("a routine takes a strange goroutine for its own")
			}
			own := coro.Root()
			if coro.Current() != own || !own.IsCurrent() {
				t.Error("a root is not the current routine of its goroutine")
			}
			own.Leave()
			if coro.Current() != nil {
				t.Error("a goroutine that left its group still has a current routine")
			}
		}()
		<-done
		root.Resume(r)
	})

	t.Run("what a routine is part of is at hand in the body", func(t *testing.T) {
		root := enter(t)
		all := make([]part, 3)
		for i := range all {
			all[i].Init(&all[i])
		}
		for range 2 {
			for i := range all {
				root.Resume(&all[i].Routine)
			}
		}
		for i := range all {
			if all[i].seen != 2 {
				t.Errorf("routine %d has seen what it is part of %d times", i, all[i].seen)
			}
			root.Resume(&all[i].Routine)
			checkEnd(t, &all[i].Routine, false, nil)
		}
	})

	t.Run("a root that is part of something is known by it", func(t *testing.T) {
		witness.NoLeaks(t)
		var p part
		p.InitRoot(&p)
		if r := coro.Current(); r != &p.Routine || r.Owner() != coro.Owner(&p) || !p.IsCurrent() {
			t.Errorf("the current routine is %p, and should be %p", r, &p.Routine)
		}
		r := coro.New(func(*coro.Routine) {})
		p.Resume(r)
		p.Leave()
		if coro.Current() != nil || !r.Ended() {
			t.Error("the root has left and is still known")
		}
	})
}

// A part has a Routine inside.
type part struct {
	coro.Routine
	seen int
}

// Live implements [coro.Owner].
func (p *part) Live(r *coro.Routine) {
	for range 2 {
		if coro.Current().Owner() == coro.Owner(p) && r == &p.Routine {
			p.seen++
		}
		r.Suspend()
	}
}

func TestDriver(t *testing.T) {
	onEach(t, "a routine is resumed by one goroutine after the other", func(t *testing.T, root *coro.Routine, start maker) {
		const drivers = 50
		count := 0
		var own int64
		r := start(func(r *coro.Routine) {
			own = goid.Get()
			for {
				if goid.Get() != own || coro.Current() != r {
					t.Error("the body has changed its goroutine")
				}
				count++
				r.Suspend()
			}
		})
		for i := range drivers {
			done := make(chan struct{})
			go func() {
				defer close(done)
				driver := coro.Root()
				defer driver.Leave()
				driver.Resume(r)
				if coro.Current() != driver || goid.Get() == own {
					t.Errorf("driver %d comes back on another goroutine", i)
				}
			}()
			<-done
		}
		root.Resume(r)
		if root.Unwind(r); count != drivers+1 {
			t.Errorf("the body ran %d times", count)
		}
	})

	onEach(t, "drivers that stay take turns with a group", func(t *testing.T, root *coro.Routine, start maker) {
		const drivers, rounds = 4, 50
		var driver *coro.Routine // whose turn it is
		var group [3]*coro.Routine
		visits := 0
		for i := range group {
			group[i] = start(func(r *coro.Routine) {
				for {
					visits++
					if i < len(group)-1 {
						r.Switch(group[i+1])
					} else {
						r.Switch(driver)
					}
				}
			})
		}
		baton := make([]chan int, drivers)
		for i := range baton {
			baton[i] = make(chan int)
		}
		var wg sync.WaitGroup
		for i := range drivers {
			wg.Go(func() {
				me := coro.Root()
				defer me.Leave()
				for range rounds {
					n := <-baton[i]
					driver = me
					me.Switch(group[n%len(group)]) // Everybody behind that one runs too.
					if n+1 < drivers*rounds {
						baton[(i+1)%drivers] <- n + 1
					}
				}
			})
		}
		baton[0] <- 0
		wg.Wait()
		want := 0
		for n := range drivers * rounds {
			want += len(group) - n%len(group)
		}
		if visits != want {
			t.Errorf("the group ran %d times, and should %d times", visits, want)
		}
		for _, r := range group {
			root.Unwind(r)
		}
	})

	onEach(t, "a goroutine steps outside while another one takes its part", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		other := start(func(r *coro.Routine) {
			tr.Add("other1")
			r.Suspend()
			tr.Add("other2")
		})
		takePart := func() {
			out := coro.Current()
			out.Detach()
			if coro.Current() != nil {
				t.Error("a goroutine that stepped outside is still known")
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				part := coro.Root()
				defer part.Leave()
				part.Resume(other)
				tr.Add("part")
			}()
			<-done
			out.Attach()
			if coro.Current() != out {
				t.Error("a goroutine that came back in is not known")
			}
		}
		r := start(func(r *coro.Routine) {
			tr.Add("in")
			takePart()
			tr.Add("in")
			r.Suspend()
			tr.Add("end")
		})
		root.Resume(r)
		tr.Add("root")
		takePart()
		tr.Add("root")
		root.Resume(r)
		tr.Expect(t, "in other1 part in root other2 part root end")
	})

	onEach(t, "groups on different goroutines do not disturb each other", func(t *testing.T, _ *coro.Routine, start maker) {
		const groups, lives, siblings, rounds = 8, 10, 5, 20
		var wg sync.WaitGroup
		for range groups {
			wg.Go(func() {
				root := coro.Root()
				defer root.Leave()
				for range lives {
					sum := 0
					ring := make([]*coro.Routine, siblings)
					for i := range ring {
						ring[i] = start(func(r *coro.Routine) {
							for range rounds {
								if coro.Current() != r {
									t.Error("a body is not the current routine")
								}
								sum++
								r.Switch(ring[(i+1)%siblings])
							}
							r.SetSuccessor(root)
						})
					}
					root.Switch(ring[0])
					if sum != siblings*rounds {
						t.Errorf("a ring took %d steps", sum)
					}
					for _, r := range ring[1:] {
						root.Unwind(r)
					}
					if coro.Current() != root {
						t.Error("a root is not the current routine")
					}
				}
			})
		}
		wg.Wait()
	})
}
