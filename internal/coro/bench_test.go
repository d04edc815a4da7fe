package coro_test

import (
	"testing"

	"github.com/asyncgo/asyncgo/internal/coro"
)

// One operation is two switches, there and back.
func BenchmarkSwitch(b *testing.B) {
	root := coro.Root()
	defer root.Leave()
	c := coro.New(func(r *coro.Routine) {
		for {
			r.Switch(root)
		}
	})
	for b.Loop() {
		root.Switch(c)
	}
	root.Unwind(c)
}

func BenchmarkCurrent(b *testing.B) {
	root := coro.Root()
	defer root.Leave()
	for b.Loop() {
		coro.Current()
	}
}

// One operation is the whole life of a routine: made, run and ended.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	root := coro.Root()
	defer root.Leave()
	for b.Loop() {
		root.Resume(coro.New(func(*coro.Routine) {}))
	}
}
