// Package gather combines futures: all of them, the first of them, one after the other as they end.
//
//	a, b := future.Submit(pool, readA), future.Submit(pool, readB)
//	pages, err := gather.All(ctx, a, b)
//
//	for f := range gather.Completed(ctx, futures) {
//		page, err := f.Result() // as they end
//	}
//
// At a glance:
//
//   - use [All] when you need every result, in order, and the first error ends the wait: asyncio.gather
//   - use [Settled] when you want to see every error too: gather(…, return_exceptions=True)
//   - use [Wait] to get back what is done and what is pending, and cancel nothing: asyncio.wait
//   - use [AsCompleted] or [Completed] to work on each result as it comes
//   - use [Race] and [Any] for the first end and the first success
//   - use [Map] for many items with bounded concurrency
//
// What is combined can be anything Awaitable. A coroutine becomes a task at the call, in the loop
// of ctx. Everything works in tasks, and on plain goroutines with futures that belong to no loop.
//
// None of the functions stops what still runs when an error ends the wait, except Race, Any and
// Map: All leaves the others running, as asyncio does. Children that must not outlive a block
// belong in an async.TaskGroup.
//
// The functions take arguments; those whose names end in Of take a slice, of futures, tasks or coroutines. [All2] to [All4] are for
// arguments of different types, and [AllFuture] gives a future of all. Package async has the same under asyncio's names.
package gather
