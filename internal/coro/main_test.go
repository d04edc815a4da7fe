package coro_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/panjf2000/ants/v2"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestMain(m *testing.M) { witness.Main(m) }

type trace = witness.Trace

// A maker makes a routine of one carrier.
type maker func(body func(*coro.Routine)) *coro.Routine

// The carriers that the suite runs against. Open prepares a carrier for one test.
var carriers = []struct {
	name string
	open func(testing.TB) maker
}{
	{"on the runtime carrier", func(testing.TB) maker { return coro.New }},
	{"on the channel carrier", func(t testing.TB) maker { return on(newPool(t, 0)) }},
}

// onEach runs a test against each carrier. The goroutine of the test is root.
func onEach(t *testing.T, name string, test func(t *testing.T, root *coro.Routine, start maker)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		for _, c := range carriers {
			t.Run(c.name, func(t *testing.T) {
				root := enter(t)
				test(t, root, c.open(t))
			})
		}
	})
}

// enter makes a routine of the test's goroutine until the test ends, which must leave
// no other goroutine behind.
func enter(t *testing.T) *coro.Routine {
	witness.NoLeaks(t)
	root := coro.Root()
	t.Cleanup(root.Leave)
	return root
}

// newPool makes an ants pool of at most size workers, 0 for any number, that lives as
// long as the test.
func newPool(t testing.TB, size int) *ants.Pool {
	p, err := ants.NewPool(size, ants.WithDisablePurge(true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.ReleaseTimeout(time.Minute); err != nil {
			t.Errorf("a worker of the pool does not come home: %v", err)
		}
	})
	return p
}

// on makes routines of the channel carrier that run on the workers of p.
func on(p *ants.Pool) maker {
	spawn := func(f func()) {
		if err := p.Submit(f); err != nil {
			panic(err)
		}
	}
	return func(body func(*coro.Routine)) *coro.Routine { return coro.NewOn(spawn, body) }
}

// caught returns what f panics with, or nil.
func caught(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// isRefusal reports whether a recovered value is the sentence by which this package
// refuses misuse.
func isRefusal(v any) bool {
	return v != nil && strings.HasPrefix(fmt.Sprint(v), "coro: ")
}

// permutations returns all orders of the numbers from first to last.
func permutations(first, last int) [][]int {
	if first > last {
		return [][]int{nil}
	}
	var all [][]int
	for _, p := range permutations(first, last-1) {
		for i := range len(p) + 1 {
			all = append(all, slices.Insert(slices.Clone(p), i, last))
		}
	}
	return all
}
