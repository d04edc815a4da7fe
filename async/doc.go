// Package async is asyncio for Go: an event loop that runs tasks one at a time, with Python's
// names, guarantees and schedule, so that a script ports line by line and prints the same trace.
//
//	func fetch(name string) async.Coroutine[string] {
//		return func(ctx context.Context) (string, error) {
//			err := async.Sleep(ctx, time.Second) // the request
//			return "page " + name, err
//		}
//	}
//
//	func main() {
//		err := async.Run(func(ctx context.Context) error {
//			a := async.CreateTask(ctx, fetch("a"))
//			b := async.CreateTask(ctx, fetch("b"))
//			pages, err := async.Gather(ctx, a, b) // after one second, not two
//			fmt.Println(pages)
//			return err
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//	}
//
// # At a glance
//
//   - to begin: [Run], [RunResult]; in the style of old scripts [NewLoop] and [RunUntilComplete]
//   - to do things beside each other: [CreateTask], [Go], [WithTaskGroup]
//   - to wait: [Sleep], [Gather], [Wait], [AsCompleted], [Race], and Await of whatever there is
//   - to limit: [WaitFor], [Timeout], [WithTimeout], [Task.Cancel], [Shield]
//   - to take turns: [Lock], [Semaphore], [Event], [Condition], [Barrier]; to hand over: [Queue]
//   - to reach the world: [OpenConnection], [StartServer], [Dial], [Listen], [HTTPTransport], [CreateSubprocess], [ReadFile]
//   - to leave the loop and to come back: [ToThread], [RunInExecutor], [RunCoroutineThreadsafe]
//   - to look inside: [Debug], [Stats], [AllTasks], [WriteTaskTree], [CaptureCallGraph], [ReportDeadlock]
//
// docs/tutorial.md goes through these one by one, docs/porting-asyncio.md has every name of asyncio beside ours, and package
// asynctest is for tests.
//
// # Tasks
//
// Python's "async def" is a [Coroutine]: a function of a context that returns a value and an error,
// its arguments bound by a closure. Called or awaited it runs inline, as in Python; [CreateTask]
// makes a [Task] of it, which the loop runs beside the others. Between two waits nothing else in
// the loop runs. The ready queue is FIFO. So tasks of one loop share data without locks and without
// races, and a program has the same schedule on every run, but for what comes from outside: in which order a server and
// its client in one loop get to their lines is up to the network. Code that computes for long or blocks
// belongs on another goroutine: [ToThread], [RunInExecutor], [Block]. The option [Parallel] runs tasks
// at the same time, and gives up their order and what follows from it.
//
// A function that can suspend the calling task takes a ctx and says so. What does not have to wait
// does not give way: awaiting a future that is done, or an empty TaskGroup. [Sleep] with zero
// always gives way, for one tick.
//
// # Cancellation
//
// [Task.Cancel] is a request. It ends the wait that the task is in, by cancelling what it waits
// for, and the wait returns [ErrCancelled]. Unlike asyncio's, and like every context in Go,
// cancellation is a level: the task's ctx is done, and every further wait with it that would
// suspend returns ErrCancelled too. Cleanup that has to wait uses context.WithoutCancel(ctx); a
// task that decides to go on calls [Uncancel] and uses the context it gets.
//
// A task takes the values of the context it is created with, and not its cancellation: it outlives
// its creator. Children that should not belong in a [TaskGroup].
//
// # Locks
//
// [Lock], [RLock], [Event], [Condition], [Semaphore] and [Barrier] are for tasks that wait in the
// middle of what nobody else may see half done, and for goroutines. Their zero values are ready,
// except where a number is needed. Whoever asked first is served first, and a turn that is given to one who is
// cancelled goes to the next. Taking what is free does not give way.
//
// # Goroutines
//
// Futures, tasks and everything else here can be used from any goroutine. In a task a wait suspends
// the task; on a plain goroutine the same call blocks the goroutine. A callback of the loop cannot
// wait: it gets [ErrNotInTask].
//
// A [Queue] passes items between tasks of any loops and goroutines; [LifoQueue] and [PriorityQueue] do
// so in another order.
//
// A task must not lock its OS thread (runtime.LockOSThread) across a wait: the Go runtime ends the
// process if a coroutine switches while locked. Code that needs its thread runs in [ToThread].
//
// # Mistakes
//
// What can go wrong in a program that is right is an error. A mistake in the program, like a nil
// function, a nil ctx, or a [Task], [Loop] or [TaskGroup] that nothing here has made, is a panic with
// one sentence that begins with the name of the package. A nil option changes nothing.
package async
