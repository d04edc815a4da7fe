package loop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A ringGame plays operations on a ring of waiters and on a model of it, which is a slice.
type ringGame struct {
	ring  waiters
	model []*Waiter
	out   []*Waiter // in no list
}

// check reads the ring in both directions.
func (g *ringGame) check(t *testing.T) {
	t.Helper()
	var forth, back []*Waiter
	if last := g.ring.last; last != nil {
		for w := last.next; ; w = w.next {
			if forth = append(forth, w); w == last || len(forth) > len(g.model) {
				break
			}
		}
		for w := last; ; w = w.prev {
			if back = append(back, w); w == last.next || len(back) > len(g.model) {
				break
			}
		}
	}
	slices.Reverse(back)
	if !slices.Equal(forth, g.model) || !slices.Equal(back, g.model) {
		t.Fatalf("the ring holds %d waiters forwards and %d backwards, other than the model's %d", len(forth), len(back), len(g.model))
	}
	for _, w := range g.model {
		if !w.waits() {
			t.Fatal("a waiter in the ring says that it does not wait")
		}
	}
	for _, w := range g.out {
		if w.waits() || w.next != nil {
			t.Fatal("a waiter that has left still holds on to others")
		}
	}
}

func TestWaitersRing(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprintf("it does as a slice does with seed %d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			g := new(ringGame)
			for range 1 + rng.IntN(8) {
				g.out = append(g.out, new(Waiter))
			}
			for range 500 {
				switch n := len(g.model); rng.IntN(4) {
				case 0, 1:
					if k := len(g.out); k > 0 {
						i := rng.IntN(k)
						w := g.out[i]
						g.out = slices.Delete(g.out, i, i+1)
						g.ring.append(w)
						g.model = append(g.model, w)
					}
				case 2:
					if n == 0 {
						if w := g.out[0]; g.ring.remove(w) {
							t.Fatal("a waiter that is in no list was removed")
						}
						break
					}
					i := rng.IntN(n)
					w := g.model[i]
					if !g.ring.remove(w) || g.ring.remove(w) {
						t.Fatal("a waiter can be removed, but once")
					}
					g.model = slices.Delete(g.model, i, i+1)
					g.out = append(g.out, w)
				case 3:
					w := g.ring.pop()
					if n == 0 {
						if w != nil {
							t.Fatal("an empty ring has a first waiter")
						}
						break
					}
					if w != g.model[0] {
						t.Fatal("pop returns another waiter than the first")
					}
					g.model = g.model[1:]
					g.out = append(g.out, w)
				}
				g.check(t)
			}
		})
	}
}
