package async

import (
	"context"
	"iter"
	"time"

	"github.com/asyncgo/asyncgo/gather"
)

// Result is the outcome of one of several awaitables; see [gather.Result].
type Result[T any] = gather.Result[T]

// Waitable is what [Wait] takes: futures and tasks; see [gather.Waitable].
type Waitable = gather.Waitable

// WaitOption changes what [Wait] waits for.
type WaitOption = gather.WaitOption

// Options of [Wait]; see [gather.FirstCompleted], [gather.FirstException] and [gather.AllCompleted].
var (
	FirstCompleted WaitOption = gather.FirstCompleted
	FirstException WaitOption = gather.FirstException
	AllCompleted   WaitOption = gather.AllCompleted
)

// Within is the timeout of [Wait]; see [gather.Within].
func Within(d time.Duration) WaitOption { return gather.Within(d) }

// Gather waits for all of aws and returns their results in the order of the arguments:
// asyncio.gather. See [gather.All].
func Gather[T any](ctx context.Context, aws ...Awaitable[T]) ([]T, error) {
	return gather.All(ctx, aws...)
}

// GatherOf is [Gather] for a slice of one type of awaitable: gather(*tasks). See [gather.AllOf].
func GatherOf[T any, A Awaitable[T]](ctx context.Context, aws []A) ([]T, error) {
	return gather.AllOf[T](ctx, aws)
}

// GatherFuture is [Gather] as a future; see [gather.AllFuture].
func GatherFuture[T any](ctx context.Context, aws ...Awaitable[T]) *Future[[]T] {
	return gather.AllFuture(ctx, aws...)
}

// GatherSettled waits for all of aws and returns what became of each: gather(…,
// return_exceptions=True). See [gather.Settled].
func GatherSettled[T any](ctx context.Context, aws ...Awaitable[T]) ([]Result[T], error) {
	return gather.Settled(ctx, aws...)
}

// GatherSettledOf is [GatherSettled] for a slice of one type of awaitable. See [gather.SettledOf].
func GatherSettledOf[T any, A Awaitable[T]](ctx context.Context, aws []A) ([]Result[T], error) {
	return gather.SettledOf[T](ctx, aws)
}

// Gather2 is [Gather] for two awaitables of different types; see [gather.All2].
func Gather2[A, B any](ctx context.Context, a Awaitable[A], b Awaitable[B]) (A, B, error) {
	return gather.All2(ctx, a, b)
}

// Gather3 is [Gather] for three awaitables of different types; see [gather.All3].
func Gather3[A, B, C any](ctx context.Context, a Awaitable[A], b Awaitable[B], c Awaitable[C]) (A, B, C, error) {
	return gather.All3(ctx, a, b, c)
}

// Gather4 is [Gather] for four awaitables of different types; see [gather.All4].
func Gather4[A, B, C, D any](ctx context.Context, a Awaitable[A], b Awaitable[B], c Awaitable[C], d Awaitable[D]) (A, B, C, D, error) {
	return gather.All4(ctx, a, b, c, d)
}

// Wait waits until fs are done, as the options say, and returns those that are and those that are
// not: asyncio.wait. See [gather.Wait].
func Wait[F Waitable](ctx context.Context, fs []F, opts ...WaitOption) (done, pending []F, err error) {
	return gather.Wait(ctx, fs, opts...)
}

// AsCompleted yields the outcomes of aws in the order in which they end: asyncio.as_completed. See
// [gather.AsCompleted].
func AsCompleted[T any](ctx context.Context, aws ...Awaitable[T]) iter.Seq2[T, error] {
	return gather.AsCompleted(ctx, aws...)
}

// AsCompletedOf is [AsCompleted] for a slice of one type of awaitable. See [gather.AsCompletedOf].
func AsCompletedOf[T any, A Awaitable[T]](ctx context.Context, aws []A) iter.Seq2[T, error] {
	return gather.AsCompletedOf[T](ctx, aws)
}

// Completed yields the futures or tasks of fs themselves, in the order in which they end: "async
// for" over as_completed. See [gather.Completed].
func Completed[F Waitable](ctx context.Context, fs []F) iter.Seq[F] {
	return gather.Completed(ctx, fs)
}

// Race returns the outcome of the first of aws to end, and ends the others. See [gather.Race].
func Race[T any](ctx context.Context, aws ...Awaitable[T]) (T, error) {
	return gather.Race(ctx, aws...)
}
