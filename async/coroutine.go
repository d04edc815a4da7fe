package async

import (
	"context"
	"time"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Coroutine is Python's "async def": a function that can wait, with its arguments bound by a closure. It does
// nothing until it is called, awaited or made a task, and, being a function, can be run any number of times.
type Coroutine[T any] func(ctx context.Context) (T, error)

// Await runs the coroutine in the calling task, like Python's "await coro()", and returns what it
// returns. No task is made and nothing gives way, unless the coroutine does.
func (c Coroutine[T]) Await(ctx context.Context) (T, error) {
	if c == nil {
		panic("async: Await was called on a nil Coroutine")
	}
	return c(ctx)
}

// Start makes a task of the coroutine and returns its future. Gather and its like use it;
// [CreateTask] returns the task itself.
func (c Coroutine[T]) Start(ctx context.Context) *future.Future[T] {
	return CreateTask(ctx, c).Future()
}

// Void is the result of what has none.
type Void = struct{}

// Do makes a Coroutine of a function that has no result.
func Do(fn func(ctx context.Context) error) Coroutine[Void] {
	if fn == nil {
		panic("async: Do was called with a nil function")
	}
	return func(ctx context.Context) (Void, error) { return Void{}, fn(ctx) }
}

// Future is a result that is not there yet; see [future.Future].
type Future[T any] = future.Future[T]

// Awaitable is something whose result can be waited for; see [future.Awaitable].
type Awaitable[T any] = future.Awaitable[T]

// NewFuture returns a pending future that belongs to the loop of ctx, which runs its done
// callbacks. It stands for loop.create_future. If ctx belongs to no loop, neither does the future.
func NewFuture[T any](ctx context.Context) *Future[T] {
	f := future.New[T]()
	if l := loop.Near(ctx); l != nil {
		f.Promise().Bind(l, nil)
	}
	return f
}

// EnsureFuture returns the future of aw: a Future itself, the future of a Task, and of anything
// else that of a new task that awaits it. It stands for asyncio.ensure_future. Cancelling the
// future of a task cancels the task.
func EnsureFuture[T any](ctx context.Context, aw Awaitable[T]) *Future[T] {
	switch a := aw.(type) {
	case nil:
		panic("async: EnsureFuture was called with nil")
	case *Future[T]:
		if a == nil {
			panic("async: EnsureFuture was called with a nil Future")
		}
		return a
	case *Task[T]:
		if a == nil {
			panic("async: EnsureFuture was called with a nil Task")
		}
		return a.Future()
	case interface{ Future() *Future[T] }:
		return a.Future()
	case Coroutine[T]:
		return a.Start(ctx)
	}
	return CreateTask(ctx, aw.Await).Future()
}

// After returns a coroutine that sleeps for d and returns v: asyncio.sleep with a result.
func After[T any](d time.Duration, v T) Coroutine[T] {
	return func(ctx context.Context) (T, error) {
		if err := Sleep(ctx, d); err != nil {
			return *new(T), err
		}
		return v, nil
	}
}
