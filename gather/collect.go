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

	mu      sync.Mutex
	ended   []int
	left    int                        // watched and not yet taken
	waiters []*future.Future[struct{}] // of those who want to take, in order
}

type collectNode struct {
	w loop.Waiter
	c *collector
	i int
}

// collect returns a collector of fs, numbered as they are.
func collect[F Waitable](ctx context.Context, fs []F) *collector {
	c := &collector{home: loop.Near(ctx)}
	for i, f := range fs {
		c.watch(f.Completion(), i)
	}
	return c
}

// watch adds a future under the number i.
func (c *collector) watch(comp *loop.Completion, i int) {
	n := &collectNode{c: c, i: i}
	n.w = loop.MakeWaiter(n)
	c.mu.Lock()
	c.left++
	c.mu.Unlock()
	if !comp.Add(&n.w) && n.Notify(loop.Inside()) {
		n.RunReady()
	}
}

// Notify implements loop.Party.
func (n *collectNode) Notify(in *loop.Loop) (run bool) {
	return !n.c.home.Push(n, in) // without a loop that runs it, it is done here
}

// Feeds implements loop.Feeder.
func (n *collectNode) Feeds() (feeds []*loop.Completion) {
	n.c.mu.Lock()
	defer n.c.mu.Unlock()
	for _, w := range n.c.waiters {
		feeds = append(feeds, w.Completion())
	}
	return feeds
}

// RunReady implements loop.Runnable.
func (n *collectNode) RunReady() {
	c := n.c
	c.mu.Lock()
	c.ended = append(c.ended, n.i)
	c.mu.Unlock()
	c.wake()
}

// wake has the first of those who want to take look again, or all of them if there is nothing to come.
func (c *collector) wake() {
	for {
		c.mu.Lock()
		if len(c.ended) == 0 && c.left > 0 || len(c.waiters) == 0 {
			c.mu.Unlock()
			return
		}
		w := c.waiters[0]
		c.waiters = c.waiters[1:]
		over := c.left == 0
		c.mu.Unlock()
		if w.Promise().Complete(struct{}{}, nil, false) && !over {
			return
		}
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
			last := c.left == 0
			c.mu.Unlock()
			if last {
				c.wake() // there is nothing to come for the others
			}
			return i, true, nil
		}
		w := future.New[struct{}]()
		w.Promise().Bind(c.home, nil)
		c.waiters = append(c.waiters, w)
		c.mu.Unlock()
		if _, err := w.Await(ctx); err != nil {
			if w.Cancel(); !w.Cancelled() {
				c.wake() // it was told, and does not come
			}
			return 0, false, err
		}
	}
}
