package gather

import (
	"context"
	"sync"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A collector is a queue of futures that have ended, by number, in the order in which they did.
type collector struct {
	home *loop.Loop

	mu     sync.Mutex
	ended  []int
	left   int // watched and not yet taken
	waiter *future.Future[struct{}]
}

type collectNode struct {
	w loop.Waiter
	c *collector
	i int
}

// watch adds a future under the number i.
func (c *collector) watch(comp *loop.Completion, i int) (unwatch func()) {
	n := &collectNode{c: c, i: i}
	n.w = loop.MakeWaiter(n)
	c.mu.Lock()
	c.left++
	c.mu.Unlock()
	if !comp.Add(&n.w) && n.Notify(loop.Inside()) {
		n.RunReady()
	}
	return func() { comp.Remove(&n.w) }
}

// Notify implements loop.Party.
func (n *collectNode) Notify(in *loop.Loop) (run bool) {
	if n.c.home == nil {
		return true
	}
	n.c.home.Push(n, in)
	return false
}

// RunReady implements loop.Runnable.
func (n *collectNode) RunReady() {
	c := n.c
	c.mu.Lock()
	c.ended = append(c.ended, n.i)
	w := c.waiter
	c.waiter = nil
	c.mu.Unlock()
	if w != nil {
		w.Complete(struct{}{}, nil, false)
	}
}

// next waits for the next one to end. ok is false when all were taken.
func (c *collector) next(ctx context.Context) (i int, ok bool, err error) {
	for {
		c.mu.Lock()
		if c.left == 0 {
			c.mu.Unlock()
			return 0, false, nil
		}
		if len(c.ended) > 0 {
			i = c.ended[0]
			c.ended = c.ended[1:]
			c.left--
			c.mu.Unlock()
			return i, true, nil
		}
		if c.waiter == nil {
			c.waiter = future.New[struct{}]()
			c.waiter.Bind(c.home, nil)
		}
		w := c.waiter
		c.mu.Unlock()
		if _, err := w.Await(ctx); err != nil {
			c.mu.Lock()
			if c.waiter == w {
				c.waiter = nil
			}
			c.mu.Unlock()
			return 0, false, err
		}
	}
}
