package coro_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"

	"github.com/petermattis/goid"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestRegistry(t *testing.T) {
	for _, ids := range []struct {
		name     string
		universe int
		id       func(n int) int64
	}{
		{"dense", 3000, func(n int) int64 { return int64(n) + 1 }},
		{"far apart", 3000, func(n int) int64 { return int64(n)*1_000_003 + 5 }},
		// A hash by multiplication sends all of these to the same entry, from where on
		// the table is a list.
		{"crowded", 100, func(n int) int64 { return int64(n) << 48 }},
	} {
		t.Run(fmt.Sprintf("finds what a map finds when ids are %s", ids.name), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 6))
			var reg coro.Registry
			want := map[int64]*coro.Routine{}
			check := func(id int64) {
				if got := reg.Find(id); got != want[id] {
					t.Fatalf("with %d entries, find of %d returns %p instead of %p", len(want), id, got, want[id])
				}
			}
			check(ids.id(0)) // Nothing was ever added.
			for step := range 40_000 {
				// The tide lets the table grow and shrink several times.
				tide := step / 5000 % 2
				id := ids.id(rng.IntN(ids.universe))
				switch r := want[id]; {
				case r == nil && rng.IntN(4) > 2*tide:
					r = coro.WithID(id)
					want[id] = r
					reg.Add(r)
				case r != nil && rng.IntN(4) < 1+2*tide:
					delete(want, id)
					reg.Remove(r)
				}
				check(id)
				check(ids.id(rng.IntN(ids.universe)))
				if step%1000 == 0 {
					for n := range ids.universe {
						check(ids.id(n))
					}
				}
			}
		})
	}

	t.Run("takes a routine back that left", func(t *testing.T) {
		var reg coro.Registry
		r, other := coro.WithID(7), coro.WithID(8)
		reg.Add(other)
		for range 1000 {
			reg.Add(r)
			if reg.Find(7) != r {
				t.Fatal("a routine that was added again is not found")
			}
			reg.Remove(r)
			if reg.Find(7) != nil {
				t.Fatal("a routine that was removed again is found")
			}
		}
		if reg.Find(8) != other {
			t.Error("a routine that stayed is not found")
		}
	})

	t.Run("does not grow by coming and going", func(t *testing.T) {
		var reg coro.Registry
		reg.Add(coro.WithID(-1))
		size := reg.Size()
		for id := range int64(10_000) {
			r := coro.WithID(id)
			reg.Add(r)
			reg.Remove(r)
		}
		if reg.Size() != size {
			t.Errorf("the table for at most two routines grows from %d to %d", size, reg.Size())
		}
	})

	t.Run("shrinks after a burst", func(t *testing.T) {
		const burst, stay = 30_000, 10
		var reg coro.Registry
		all := make([]*coro.Routine, burst)
		for i := range all {
			all[i] = coro.WithID(int64(i))
			reg.Add(all[i])
		}
		peak := reg.Size()
		for _, r := range all[stay:] {
			reg.Remove(r)
		}
		if size := reg.Size(); size > peak/100 {
			t.Errorf("the table has %d entries for %d routines, and had %d for %d", size, stay, peak, burst)
		}
		for i, r := range all {
			if got := reg.Find(int64(i)); (got == r) != (i < stay) {
				t.Fatalf("routine %d is found as %p", i, got)
			}
		}
	})

	t.Run("goroutines find themselves while the table grows and shrinks", func(t *testing.T) {
		witness.NoLeaks(t)
		const finders, rounds, burst = 4, 20, 500
		stop := make(chan struct{})
		var wg, ready sync.WaitGroup
		// Some stay and ask all the time, and one asks that was never added.
		for i := range finders {
			ready.Add(1)
			wg.Go(func() {
				var own *coro.Routine
				if i > 0 {
					own = coro.Root()
					defer own.Leave()
				}
				ready.Done()
				for {
					if got := coro.Current(); got != own {
						t.Errorf("finder %d finds %p instead of %p", i, got, own)
						return
					}
					select {
					case <-stop:
						return
					default:
						runtime.Gosched()
					}
				}
			})
		}
		ready.Wait()
		for range rounds {
			var crowd sync.WaitGroup
			for range burst {
				crowd.Go(func() {
					for range 3 {
						if coro.Current() != nil {
							t.Error("a goroutine is found that has not come or has left")
						}
						own := coro.Root()
						for range 3 {
							if coro.Current() != own {
								t.Error("a goroutine does not find itself")
							}
							runtime.Gosched()
						}
						own.Leave()
					}
				})
			}
			crowd.Wait()
		}
		close(stop)
		wg.Wait()
		if coro.Current() != nil {
			t.Errorf("goroutine %d was never added and is found", goid.Get())
		}
	})
}
