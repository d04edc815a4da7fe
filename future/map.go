package future

import (
	"context"
	"errors"
	"iter"
	"runtime"
)

// Map has fn called by ex with every item and yields the results in the order of the items. It stands
// for Executor.map.
//
// Nothing happens before the range statement. Then items are taken and submitted ahead of the results
// that are asked for, two for each worker, so that items may be endless. Each step waits for the next result: a
// task is suspended, a plain goroutine blocked. What fn returns as an error, or panics with, is
// yielded in its place, and the iteration goes on; the caller breaks out if it wants to stop, as
// Python does. Leaving the loop early cancels what has not started.
//
// If ctx ends, or ex takes no more work, that error is yielded as the last pair and the rest is
// cancelled. Ranging again begins again, as far as items can.
func Map[A, T any](ctx context.Context, ex Executor, items iter.Seq[A], fn func(A) (T, error)) iter.Seq2[T, error] {
	switch {
	case ctx == nil:
		panic("future: Map was called with a nil ctx")
	case ex == nil || ex == Executor((*Pool)(nil)):
		panic("future: Map was called with a nil Executor")
	case items == nil:
		panic("future: Map was called with nil items")
	case fn == nil:
		panic("future: Map was called with a nil function")
	}
	submit := func(item A) *Future[T] {
		return Submit(ex, func() (T, error) { return fn(item) })
	}
	return inOrder(ctx, 2*width(ex), items, submit, func(f *Future[T], yield func(T, error) bool) bool {
		return yield(f.Result())
	})
}

// width returns how many functions an executor runs at once, as far as that is known.
func width(ex Executor) int {
	if p, ok := ex.(*Pool); ok {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.complete()
		return p.workers
	}
	return runtime.GOMAXPROCS(0)
}

// inOrder submits items, that many ahead, and calls each with the futures in order, when they are
// done, to yield what they hold.
func inOrder[A, F, T any](ctx context.Context, ahead int, items iter.Seq[A], submit func(A) *Future[F],
	each func(f *Future[F], yield func(T, error) bool) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var under fifo[*Future[F]]
		defer func() {
			for under.len() > 0 {
				under.pop().Cancel()
			}
		}()
		next := func() bool {
			f := under.pop()
			_, err := f.Await(ctx)
			if !f.IsDone() || err != nil && ctx.Err() != nil {
				f.Cancel()
				yield(*new(T), err)
				return false
			}
			return each(f, yield) && !errors.Is(err, ErrShutdown)
		}
		for item := range items {
			under.push(submit(item))
			if under.len() > ahead && !next() {
				return
			}
		}
		for under.len() > 0 {
			if !next() {
				return
			}
		}
	}
}
