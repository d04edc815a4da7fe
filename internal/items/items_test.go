package items_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/asyncgo/asyncgo/internal/items"
)

func TestOrders(t *testing.T) {
	less := func(a, b int) bool { return a < b }
	for _, c := range []struct {
		name  string
		order items.Order[int]
		next  func(model []int) int // the index of what comes next
	}{
		{"Queue", items.FIFO[int]{}, func([]int) int { return 0 }},
		{"LifoQueue", items.LIFO[int]{}, func(m []int) int { return len(m) - 1 }},
		{"PriorityQueue", items.Heap[int]{Less: less}, func(m []int) int { return slices.Index(m, slices.Min(m)) }},
	} {
		t.Run(c.name+" gives what a plain slice gives, however it grows and shrinks", func(t *testing.T) {
			if c.order.Name() != c.name {
				t.Errorf("its name is %q", c.order.Name())
			}
			dice := rand.New(rand.NewPCG(1, 2))
			var r items.Ring[int]
			var model []int
			for round := range 20_000 {
				if growing := round/1000%2 == 0; len(model) == 0 || dice.IntN(3) > 0 == growing {
					v := dice.IntN(1000)
					c.order.Add(&r, v)
					model = append(model, v)
				} else {
					i := c.next(model)
					if next := c.order.Next(&r); next != model[i] {
						t.Fatalf("the next one is %d and should be %d", next, model[i])
					}
					if v := c.order.Take(&r); v != model[i] {
						t.Fatalf("it gives %d and should give %d", v, model[i])
					}
					model = slices.Delete(model, i, i+1)
				}
				if r.Len() != len(model) {
					t.Fatalf("there are %d and should be %d", r.Len(), len(model))
				}
			}
			all := r.InOrder(c.order)
			for _, v := range all {
				if got := c.order.Take(&r); got != v {
					t.Fatalf("InOrder has %d where %d comes", v, got)
				}
			}
		})
	}

	t.Run("Clear forgets all", func(t *testing.T) {
		var r items.Ring[int]
		r.Push(1)
		r.Clear()
		if r.Len() != 0 || len(r.First(3)) != 0 {
			t.Error("something is left")
		}
	})
}
