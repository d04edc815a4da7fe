package async

import (
	"context"

	"github.com/asyncgo/asyncgo/internal/goroutines"
	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/panjf2000/ants/v2"
)

// bodies are the goroutines of tasks that run in parallel: those of an ants pool, which keeps them for the next tasks, together with
// the stacks that they have grown, and releases them after a second without. The pool is the loop's own and has no limit; see
// docs/executors.md.
type bodies struct {
	pool *ants.Pool // made with the first of them
}

func newBodies() loop.Bodies {
	b := new(bodies)
	return loop.Bodies{Go: b.run, Release: b.release}
}

// run has a goroutine of the pool call live.
func (b *bodies) run(live func()) {
	if b.pool == nil {
		b.pool, _ = ants.NewPool(-1) // which cannot fail without an option
	}
	if b.pool.Submit(live) != nil {
		go live() // the pool is released, and the loop on its way to be closed
	}
}

// release ends the goroutines.
func (b *bodies) release() {
	if b.pool == nil {
		return
	}
	goroutines.Release(context.Background(), b.pool)
}
