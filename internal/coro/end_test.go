package coro_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/internal/coro"
)

// explode is a name to look for in the stack of a panic.
func explode(v any) { panic(v) }

// exit is a name too, and a frame more than runtime.Goexit itself.
func exit() { runtime.Goexit() }

// checkEnd compares how a routine has ended.
func checkEnd(t testing.TB, r *coro.Routine, goexited bool, panicked any) {
	t.Helper()
	if !r.Ended() || r.Unwinding() {
		t.Errorf("ended: %v, unwinding: %v", r.Ended(), r.Unwinding())
	}
	if r.Goexited() != goexited {
		t.Errorf("goexited: %v", r.Goexited())
	}
	var got any
	if p := r.Panicked(); p != nil {
		got = p.Value
	}
	if got != panicked {
		t.Errorf("panicked with %v, and should with %v", got, panicked)
	}
}

func TestEnd(t *testing.T) {
	onEach(t, "a return ends a body without a panic and without a Goexit", func(t *testing.T, root *coro.Routine, start maker) {
		r := start(func(r *coro.Routine) { r.Suspend() })
		root.Resume(r)
		root.Resume(r)
		checkEnd(t, r, false, nil)
	})

	onEach(t, "a panic stays in its body and keeps the stack of where it happened", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		fault := errors.New("fault")
		early := start(func(r *coro.Routine) { explode(fault) })
		late := start(func(r *coro.Routine) {
			defer tr.Add("deferred")
			r.Suspend()
			explode(fault)
		})
		root.Resume(late)
		for _, r := range []*coro.Routine{early, late} {
			root.Resume(r)
			checkEnd(t, r, false, fault)
			p := r.Panicked()
			if p == nil {
				continue
			}
			if !strings.Contains(string(p.Stack), "coro_test.explode(") {
				t.Errorf("the stack does not name the function that panicked:\n%s", p.Stack)
			}
			if !errors.Is(p.AsError(), fault) {
				t.Errorf("as an error the panic is %v", p.AsError())
			}
			named := false
			for frames := runtime.CallersFrames(p.Callers); !named; {
				f, more := frames.Next()
				named = strings.HasSuffix(f.Function, "coro_test.explode")
				if !more {
					break
				}
			}
			if !named {
				t.Error("the callers do not name the function that panicked")
			}
		}
		tr.Expect(t, "deferred")
	})

	onEach(t, "a panic of the runtime's own and one with nil are panics too", func(t *testing.T, root *coro.Routine, start maker) {
		var none []int
		index := start(func(*coro.Routine) { none[0]++ })
		null := start(func(*coro.Routine) { panic(nil) })
		incomparable := start(func(*coro.Routine) { panic([]int{1}) })
		for _, r := range []*coro.Routine{index, null, incomparable} {
			root.Resume(r)
			if p := r.Panicked(); p == nil || !r.Ended() || r.Goexited() {
				t.Fatalf("panicked: %v, ended: %v, goexited: %v", p, r.Ended(), r.Goexited())
			}
		}
		if v, ok := index.Panicked().Value.(runtime.Error); !ok {
			t.Errorf("an index out of range panics with %v", v)
		}
		if v, ok := null.Panicked().Value.(*runtime.PanicNilError); !ok {
			t.Errorf("a panic with nil is one with %v", v)
		}
		if v, ok := incomparable.Panicked().Value.([]int); !ok {
			t.Errorf("a panic with a slice is one with %v", v)
		}
	})

	onEach(t, "a panic that the body recovers ends nothing", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		r := start(func(r *coro.Routine) {
			tr.Add("%v", caught(func() {
				r.Suspend()
				explode("caught")
			}))
			r.Suspend()
			tr.Add("end")
		})
		for range 3 {
			root.Resume(r)
			tr.Add("root")
		}
		tr.Expect(t, "root caught root end root")
		checkEnd(t, r, false, nil)
	})

	onEach(t, "a panic goes no further than the body it happens in", func(t *testing.T, root *coro.Routine, start maker) {
		const depth = 1000
		var tr trace
		all := make([]*coro.Routine, depth)
		for i := range all {
			all[i] = start(func(r *coro.Routine) {
				defer func() {
					if i < depth-1 && recover() != nil {
						t.Errorf("a panic arrives at level %d", i)
					}
				}()
				if i == depth-1 {
					explode("bottom")
				}
				r.Resume(all[i+1])
				tr.Add("%d", i)
			})
		}
		root.Resume(all[0])
		if len(tr) != depth-1 || tr[0] != "998" || tr[depth-2] != "0" {
			t.Errorf("the levels go on as %v", tr)
		}
		for _, r := range all[:depth-1] {
			checkEnd(t, r, false, nil)
		}
		checkEnd(t, all[depth-1], false, "bottom")
	})

	onEach(t, "Goexit ends a body, runs its deferred calls, and goes no further", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		inner := start(func(r *coro.Routine) {
			defer tr.Add("first")
			defer func() {
				defer tr.Add("second")
				if v := recover(); v != nil {
					t.Errorf("a Goexit is recovered as %v", v)
				}
			}()
			r.Suspend()
			exit()
			tr.Add("never")
		})
		outer := start(func(r *coro.Routine) {
			r.Resume(inner)
			r.Resume(inner)
			tr.Add("outer")
		})
		root.Resume(outer)
		tr.Add("root")
		tr.Expect(t, "second first outer root")
		checkEnd(t, inner, true, nil)
		checkEnd(t, outer, false, nil)
	})

	onEach(t, "Goexit ends a body that never switched", func(t *testing.T, root *coro.Routine, start maker) {
		r := start(func(*coro.Routine) { exit() })
		root.Resume(r)
		checkEnd(t, r, true, nil)
	})

	onEach(t, "the last of several ends is the one that counts", func(t *testing.T, root *coro.Routine, start maker) {
		for _, c := range []struct {
			name     string
			body     func(*coro.Routine)
			goexited bool
			panicked any
		}{
			{"panic, then panic", func(*coro.Routine) {
				defer explode("second")
				explode("first")
			}, false, "second"},
			{"panic, then Goexit", func(*coro.Routine) {
				defer exit()
				explode("first")
			}, true, nil},
			{"Goexit, then panic", func(*coro.Routine) {
				defer explode("second")
				exit()
			}, false, "second"},
			{"Goexit, then a panic that is recovered", func(*coro.Routine) {
				defer func() { caught(func() { explode("first") }) }()
				exit()
			}, true, nil},
			{"return, then panic", func(*coro.Routine) {
				defer explode("second")
			}, false, "second"},
			{"return, then Goexit", func(*coro.Routine) {
				defer exit()
			}, true, nil},
		} {
			r := start(c.body)
			root.Resume(r)
			t.Log(c.name)
			checkEnd(t, r, c.goexited, c.panicked)
		}
	})

	onEach(t, "a deferred call switches, whatever end it waits for", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		lingering := func(end func()) *coro.Routine {
			return start(func(r *coro.Routine) {
				defer func() {
					for range 2 {
						tr.Add("deferred")
						r.Suspend()
					}
				}()
				r.Suspend()
				end()
			})
		}
		returns, panics, exits := lingering(func() {}), lingering(func() { explode("late") }), lingering(exit)
		all := []*coro.Routine{returns, panics, exits}
		for range 3 {
			for _, r := range all {
				root.Resume(r)
				if r.Ended() {
					t.Error("a body has ended before its deferred call")
				}
			}
		}
		for _, r := range all {
			root.Resume(r)
		}
		checkEnd(t, returns, false, nil)
		checkEnd(t, panics, false, "late")
		checkEnd(t, exits, true, nil)
		if p := panics.Panicked(); p != nil && !strings.Contains(string(p.Stack), "coro_test.explode(") {
			t.Errorf("the stack does not name the function that panicked:\n%s", p.Stack)
		}
		tr.Expect(t, "deferred deferred deferred deferred deferred deferred")
	})
}

// The ways to end a body.
var ends = []struct {
	name string
	end  func()
}{
	{"a return", func() {}},
	{"a panic", func() { explode("end") }},
	{"a Goexit", exit},
}

func TestSetSuccessor(t *testing.T) {
	for _, e := range ends {
		onEach(t, "at "+e.name+" the successor runs, not the resumer", func(t *testing.T, root *coro.Routine, start maker) {
			var tr trace
			succ := start(func(r *coro.Routine) {
				tr.Add("succ1")
				r.Suspend()
				tr.Add("succ2")
			})
			r := start(func(r *coro.Routine) {
				tr.Add("body")
				r.SetSuccessor(succ)
				e.end()
			})
			resumer := start(func(self *coro.Routine) {
				self.Resume(r)
				tr.Add("resumer")
			})
			root.Resume(succ)
			succ.SetSuccessor(root)
			root.Resume(resumer)
			tr.Add("root")
			root.Resume(resumer)
			tr.Expect(t, "succ1 body succ2 root resumer")
		})

		onEach(t, "after "+e.name+" the successor may be a body that has not started", func(t *testing.T, root *coro.Routine, start maker) {
			var tr trace
			last := start(func(r *coro.Routine) {
				tr.Add("last")
				r.SetSuccessor(root)
				e.end()
			})
			next := start(func(r *coro.Routine) {
				tr.Add("next")
				r.SetSuccessor(last)
				e.end()
			})
			first := start(func(r *coro.Routine) {
				tr.Add("first")
				r.SetSuccessor(next)
				e.end()
			})
			root.Resume(first)
			tr.Add("root")
			tr.Expect(t, "first next last root")
		})
	}

	onEach(t, "whoever is parked in whose place, the successor runs", func(t *testing.T, root *coro.Routine, start maker) {
		root.Detach() // Each game makes its own root.
		defer root.Attach()
		everyEnd(t, []maker{start})
		everyEnd(t, []maker{start, start})
		everyEnd(t, []maker{start, start, start})
		if !raceEnabled {
			everyEnd(t, []maker{start, start, start, start})
		}
	})
}
