// Package goroutines ends the pools of ants that asyncgo has made.
package goroutines

import (
	"context"
	"runtime"

	"github.com/panjf2000/ants/v2"
)

// Release ends the goroutines of a pool that nobody gives work any more, and returns when they are gone, or the error of ctx if
// that ends before. It is ReleaseContext of the pool, which waits by looking all the time and never gives way: on one processor
// those that it waits for come to their end when the runtime interrupts it, after ten milliseconds.
func Release(ctx context.Context, pool *ants.Pool) error {
	pool.Release()
	for pool.Running() > 0 {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		runtime.Gosched()
	}
	// The pool's own two, which look after the time and what is idle, are not counted. They are ready to end, and here is the
	// moment for it.
	for range 4 {
		runtime.Gosched()
	}
	return nil
}
