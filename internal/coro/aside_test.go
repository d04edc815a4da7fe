package coro_test

import (
	"testing"

	"github.com/asyncgo/asyncgo/internal/coro"
)

func TestInitAside(t *testing.T) {
	onEach(t, "a goroutine parks under a second name, and another runs under its first", func(t *testing.T, root *coro.Routine, start maker) {
		var tr trace
		var aside coro.Routine
		aside.InitAside(nil)
		if coro.Current() != root {
			t.Error("the goroutine is known by its second name")
		}
		other := start(func(r *coro.Routine) {
			tr.Add("other")
			r.Switch(root)
			tr.Add("end")
		})
		r := start(func(r *coro.Routine) {
			tr.Add("guest")
			root.Switch(other) // It is this goroutine that parks, in the root's name.
			tr.Add("guest")
			r.SetSuccessor(&aside)
		})
		aside.Switch(r)
		tr.Add("root")
		root.Resume(other)
		tr.Expect(t, "guest other guest root end")
	})
}

func TestEach(t *testing.T) {
	onEach(t, "all that have started and not ended are there", func(t *testing.T, root *coro.Routine, start maker) {
		r := start(func(r *coro.Routine) { r.Suspend() })
		is := func(want bool) {
			t.Helper()
			seen, seenRoot := false, false
			coro.Each(func(x *coro.Routine) {
				seen = seen || x == r
				seenRoot = seenRoot || x == root
			})
			if seen != want || !seenRoot {
				t.Errorf("the routine is there: %v, the root: %v", seen, seenRoot)
			}
		}
		is(false)
		root.Resume(r)
		is(true)
		root.Resume(r)
		is(false)
	})
}
