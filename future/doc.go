// Package future has the value that is not there yet: [Future], the errors that
// asyncgo's packages share, and the executors that run blocking work.
//
// A Future is asyncio's Future and concurrent.futures' Future in one. It can be completed
// and awaited from any goroutine, by tasks of any loop and by plain goroutines at the
// same time; a task that awaits is suspended, a plain goroutine blocks. A Future made by [New] is bound to no
// loop, and its done callbacks run on the goroutine that completes it. One made by
// async.NewFuture belongs to a loop, which runs the callbacks.
//
// A [Pool] is Python's ThreadPoolExecutor on an ants pool of goroutines: submitting never blocks,
// and [Submit] gives a Future of the result.
package future
