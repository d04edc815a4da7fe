package async

import (
	"context"

	"github.com/asyncgo/asyncgo/internal/loop"
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
	s := &shield[T]{inner: inner, outer: NewFuture[T](ctx)}
	s.w = loop.MakeWaiter(s)
	if !inner.Completion().Add(&s.w) && s.Notify(loop.Inside()) {
		s.RunReady()
	}
	s.outer.AddDoneCallback(func(*Future[T]) { inner.Completion().Remove(&s.w) })
	return s.outer
}

// A shield waits for what it protects.
type shield[T any] struct {
	w            loop.Waiter
	inner, outer *Future[T]
}

// Notify implements loop.Party.
func (s *shield[T]) Notify(in *loop.Loop) (run bool) {
	home := s.inner.Completion().Home()
	if home == nil {
		return true
	}
	home.Push(s, in)
	return false
}

// RunReady implements loop.Runnable.
func (s *shield[T]) RunReady() {
	if s.outer.IsDone() {
		return
	}
	v, err := s.inner.Result()
	s.outer.Promise().Complete(v, err, s.inner.Cancelled())
}

// Feeds implements loop.Feeder.
func (s *shield[T]) Feeds() []*loop.Completion { return []*loop.Completion{s.outer.Completion()} }
