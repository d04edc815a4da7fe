package async

import (
	"context"
)

// Shield waits for aw and protects it from the cancellation of the calling task: the wait ends, and
// aw goes on. It stands for "await asyncio.shield(aw)". A coroutine becomes a task. If aw itself is
// cancelled, Shield returns [ErrCancelled].
func Shield[T any](ctx context.Context, aw Awaitable[T]) (T, error) {
	return ShieldFuture(ctx, aw).Await(ctx)
}

// ShieldFuture returns a future that has the outcome of aw, and whose cancellation does not reach
// aw: asyncio.shield. If aw is done, it is the future of aw itself. It does not suspend. If the
// shield is cancelled, a later error of aw counts as not looked at.
func ShieldFuture[T any](ctx context.Context, aw Awaitable[T]) *Future[T] {
	inner := EnsureFuture(ctx, aw)
	if inner.IsDone() {
		return inner
	}
	outer := NewFuture[T](ctx)
	remove := inner.AddDoneCallback(func(inner *Future[T]) {
		if outer.IsDone() {
			return
		}
		v, err := inner.Result()
		outer.Promise().Complete(v, err, inner.Cancelled())
	})
	outer.AddDoneCallback(func(*Future[T]) { remove() })
	return outer
}
