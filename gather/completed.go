package gather

import (
	"context"
	"iter"

	"github.com/asyncgo/asyncgo/future"
)

// AsCompleted yields the outcomes of aws in the order in which they end. It stands for
// asyncio.as_completed.
//
// The coroutines among aws are started by the call. Each step suspends the calling task until
// another one has ended. An error of one of them is yielded and the iteration goes on. If ctx ends,
// its error is yielded as the last pair: a deadline (async.WithTimeout) stands for as_completed's
// timeout. Nothing is cancelled: breaking out leaves the rest running, and ranging again continues
// with the rest.
//
// Range over it. In a task iter.Pull is no way to step through it: that calls the iterator on
// another goroutine, where it would block the loop.
func AsCompleted[T any](ctx context.Context, aws ...future.Awaitable[T]) iter.Seq2[T, error] {
	return asCompleted(ctx, futuresOf[T](ctx, aws))
}

// AsCompletedOf is [AsCompleted] for a slice of one type of awaitable.
func AsCompletedOf[T any, A future.Awaitable[T]](ctx context.Context, aws []A) iter.Seq2[T, error] {
	return asCompleted(ctx, futuresOf[T](ctx, aws))
}

func asCompleted[T any](ctx context.Context, futs []*future.Future[T]) iter.Seq2[T, error] {
	futs = unique(futs)
	c := collect(ctx, futs)
	return func(yield func(T, error) bool) {
		for {
			i, ok, err := c.next(ctx)
			if err != nil {
				yield(*new(T), err)
				return
			}
			if !ok || !yield(futs[i].Result()) {
				return
			}
		}
	}
}

// Completed yields the futures or tasks of fs themselves, in the order in which they end. It stands
// for Python 3.13's "async for" over as_completed. If ctx ends, the iteration does too; ctx.Err
// tells. Nothing is cancelled, and ranging again continues with the rest.
func Completed[F Waitable](ctx context.Context, fs []F) iter.Seq[F] {
	checkNil(fs)
	fs = unique(fs)
	c := collect(ctx, fs)
	return func(yield func(F) bool) {
		for {
			i, ok, err := c.next(ctx)
			if err != nil || !ok || !yield(fs[i]) {
				return
			}
		}
	}
}

// unique returns fs without the repetitions.
func unique[F comparable](fs []F) []F {
	seen := make(map[F]struct{}, len(fs))
	us := make([]F, 0, len(fs))
	for _, f := range fs {
		if _, dup := seen[f]; !dup {
			seen[f] = struct{}{}
			us = append(us, f)
		}
	}
	return us
}
