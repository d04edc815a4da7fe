package coro_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/internal/coro"
)

func TestUnwind(t *testing.T) {
	onEach(t, "the deferred calls of a suspended body run, the last one first", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		r := start(func(r *coro.Routine) {
			check := func(name string) {
				tr.Add("%s", name)
				if !r.Unwinding() || r.Ended() || coro.Current() != r {
					t.Errorf("%s: unwinding: %v, ended: %v", name, r.Unwinding(), r.Ended())
				}
				if v := recover(); v != nil {
					t.Errorf("%s recovers %v", name, v)
				}
			}
			defer check("first")
			defer check("second")
			func() {
				defer check("third")
				r.Suspend()
				tr.Add("never")
			}()
			tr.Add("never")
		})
		root.Resume(r)
		if r.Unwinding() {
			t.Error("a suspended body is unwinding already")
		}
		root.Unwind(r)
		tr.Add("root")
		tr.Expect(t, "third second first root")
		checkEnd(t, r, true, nil)
	})

	onEach(t, "control comes back to the one that unwinds, not to the resumer", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		r := start(func(r *coro.Routine) {
			defer tr.Add("deferred")
			r.Suspend()
		})
		resumer := start(func(self *coro.Routine) {
			self.Resume(r)
			tr.Add("resumer")
			self.Suspend()
			tr.Add("end")
		})
		unwinder := start(func(self *coro.Routine) {
			self.Unwind(r)
			tr.Add("unwinder")
		})
		root.Resume(resumer)
		root.Resume(unwinder)
		tr.Add("root")
		root.Resume(resumer)
		tr.Expect(t, "resumer deferred unwinder root end")
	})

	onEach(t, "a body that never started never does", func(t *testing.T, root *coro.Routine, start maker) {
		ran := false
		body := func(*coro.Routine) { ran = true }
		a, b := start(body), start(body)
		other := start(func(r *coro.Routine) { r.Unwind(b) })
		root.Unwind(a)
		root.Resume(other)
		for _, r := range []*coro.Routine{a, b} {
			if !r.Ended() || r.Panicked() != nil {
				t.Errorf("ended: %v, panicked: %v", r.Ended(), r.Panicked())
			}
			if v := caught(func() { root.Resume(r) }); !isRefusal(v) {
				t.Errorf("a switch to it panics with %v", v)
			}
		}
		if ran {
			t.Error("the body ran")
		}
	})

	onEach(t, "one that has ended stays as it is", func(t *testing.T, root *coro.Routine, start maker) {
		returned := start(func(*coro.Routine) {})
		panicked := start(func(*coro.Routine) { explode("end") })
		exited := start(func(*coro.Routine) { exit() })
		unwound := start(func(r *coro.Routine) { r.Suspend() })
		root.Resume(unwound)
		root.Unwind(unwound)
		for _, r := range []*coro.Routine{returned, panicked, exited} {
			root.Resume(r)
		}
		for range 2 {
			for _, r := range []*coro.Routine{returned, panicked, exited, unwound} {
				root.Unwind(r)
			}
			checkEnd(t, returned, false, nil)
			checkEnd(t, panicked, false, "end")
			checkEnd(t, exited, true, nil)
			checkEnd(t, unwound, true, nil)
		}
	})

	onEach(t, "a panic in a deferred call is kept and lets the others run", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		r := start(func(r *coro.Routine) {
			defer tr.Add("first")
			defer explode("deferred")
			defer tr.Add("second")
			r.Suspend()
		})
		root.Resume(r)
		root.Unwind(r)
		tr.Add("root")
		tr.Expect(t, "second first root")
		checkEnd(t, r, false, "deferred")
		if p := r.Panicked(); p != nil && !strings.Contains(string(p.Stack), "coro_test.explode(") {
			t.Errorf("the stack does not name the function that panicked:\n%s", p.Stack)
		}
	})

	onEach(t, "a panic that a deferred call recovers is none", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		r := start(func(r *coro.Routine) {
			defer tr.Add("first")
			defer func() { tr.Add("%v", recover()) }()
			defer explode("deferred")
			r.Suspend()
		})
		root.Resume(r)
		root.Unwind(r)
		tr.Expect(t, "deferred first")
		checkEnd(t, r, true, nil)
	})

	onEach(t, "a deferred call cannot switch", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		other := start(func(r *coro.Routine) {
			r.Suspend()
			tr.Add("other")
			if v := caught(r.Suspend); v != nil {
				t.Errorf("a resume that was refused has changed whom Suspend goes back to: %v", v)
			}
			tr.Add("other")
			r.SetSuccessor(root)
		})
		r := start(func(r *coro.Routine) {
			for name, f := range map[string]func(){
				"Switch":  func() { r.Switch(other) },
				"Resume":  func() { r.Resume(other) },
				"Suspend": r.Suspend,
			} {
				defer func() {
					if v := caught(f); !isRefusal(v) {
						t.Errorf("%s panics with %v", name, v)
					}
					tr.Add("refused")
				}()
			}
			r.Suspend()
		})
		root.Resume(other)
		root.Resume(r)
		root.Unwind(r)
		checkEnd(t, r, true, nil)
		tr.Expect(t, "refused refused refused")
		root.Switch(other)
		tr.Add("root")
		if !other.Ended() {
			root.Switch(other)
		}
		tr.Expect(t, "other root other")
	})

	onEach(t, "a deferred call unwinds another routine", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		other := start(func(r *coro.Routine) {
			defer tr.Add("other")
			r.Suspend()
		})
		r := start(func(r *coro.Routine) {
			defer tr.Add("first")
			defer func() {
				tr.Add("second")
				r.Unwind(other)
				tr.Add("third")
			}()
			r.Suspend()
		})
		root.Resume(other)
		root.Resume(r)
		root.Unwind(r)
		tr.Expect(t, "second other third first")
		checkEnd(t, other, true, nil)
		checkEnd(t, r, true, nil)
	})

	onEach(t, "a refused switch that nobody recovers is the panic of the body", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		r := start(func(r *coro.Routine) {
			defer tr.Add("first")
			defer r.Suspend()
			defer tr.Add("second")
			r.Suspend()
		})
		root.Resume(r)
		root.Unwind(r)
		tr.Expect(t, "second first")
		if p := r.Panicked(); p == nil || !isRefusal(p.Value) {
			t.Errorf("the body has panicked with %v", p)
		}
	})

	onEach(t, "a body that waits in a deferred call is unwound from there", func(t *testing.T, root *coro.Routine, start maker) {
		for _, e := range ends {
			var tr trace
			r := start(func(r *coro.Routine) {
				defer tr.Add("first")
				defer func() {
					defer tr.Add("third")
					r.Suspend()
					tr.Add("never")
				}()
				defer tr.Add("second")
				e.end()
			})
			root.Resume(r)
			tr.Add("root")
			root.Unwind(r)
			t.Log(e.name)
			tr.Expect(t, "second root third first")
			// A Goexit takes the place of a panic, here as anywhere.
			checkEnd(t, r, true, nil)
		}
	})

	onEach(t, "the members of a chain are unwound in any order", func(t *testing.T, root *coro.Routine, start maker) {
		const depth = 200
		rng := rand.New(rand.NewPCG(1, 2))
		unwound := 0
		var chain []*coro.Routine
		var open func(level int) *coro.Routine
		open = func(level int) *coro.Routine {
			r := start(func(r *coro.Routine) {
				defer func() { unwound++ }()
				if level < depth {
					r.Resume(open(level + 1))
				}
				r.Switch(root)
			})
			chain = append(chain, r)
			return r
		}
		root.Resume(open(1))
		rng.Shuffle(depth, func(i, j int) { chain[i], chain[j] = chain[j], chain[i] })
		for i, r := range chain {
			root.Unwind(r)
			if unwound != i+1 || !r.Goexited() {
				t.Fatalf("after %d unwindings the deferred calls of %d bodies ran", i+1, unwound)
			}
		}
	})
}
