// Package future has the value that is not there yet: [Future], the errors that
// asyncgo's packages share, and the executors that run blocking work.
//
// A Future is asyncio's Future and concurrent.futures' Future in one. It can be completed
// and awaited from any goroutine, by tasks of any loop and by plain goroutines at the
// same time; a task that awaits is suspended, a plain goroutine blocks. A Future made by [New] is bound to no
// loop, and its done callbacks run on the goroutine that completes it. One made by
// async.NewFuture belongs to a loop, which runs the callbacks.
//
//	pool := future.NewPool(8)
//	defer pool.Shutdown(ctx)
//	f := future.Submit(pool, func() (int, error) { return compute(7) })
//	n, err := f.Await(ctx)
//
// # Futures
//
// Who makes a Future completes it, once, by [Future.SetResult] or [Future.SetError]; the second time is [ErrInvalidState].
// [Future.Await] waits for that, and ends earlier only with its ctx, which does the future no harm. [Future.Result] never waits,
// [Future.Done] is a channel for a select, and [Future.AddDoneCallback] adds a function. [Future.Cancel] ends it with
// [ErrCancelled]: a job in the queue never runs then, one that runs cannot be cancelled, and a task is asked to end.
// Many futures are combined by package gather.
//
// # Pools
//
// A [Pool] is Python's ThreadPoolExecutor on an ants pool of goroutines. Submitting never blocks: the queue has no bound.
// [Submit] gives a Future of the result, and [Map] goes through the results of many in order. [Pool.Limit] is a view that lets only
// so many of one kind of work run at once. A panic in a job is a [PanicError] for whoever awaits it, and the worker goes on.
//
// Use a pool for what blocks or computes and is to be bounded. A single goroutine whose result nobody needs is better a go
// statement.
//
// # Processes
//
// A [ProcessPool] is ProcessPoolExecutor: its workers are this program, started again, and run functions that were named by
// [Register], through [Call] and [CallMap]. It is for work that may crash, leaks, or must be killed when it takes too long. To use all
// processors no process is needed in Go.
//
// docs/porting-threads.md has the names of concurrent.futures, threading and multiprocessing beside ours, docs/executors.md what they do, fact by
// fact.
package future
