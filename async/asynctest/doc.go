// Package asynctest tests programs that use package async: on a clock that jumps, under many schedules, with a
// fault in each wait, and with a verdict on every task that is stuck and every goroutine that is left.
//
// # One run
//
// [Run] takes the place of async.Run in a test. A sleep of an hour takes no time, because the clock jumps to the next
// timer when no task can run. A deadlock fails the test at once, and the report says which task waits for what and
// where, who holds it, and whether tasks wait for each other in a ring:
//
//	func TestTransfer(t *testing.T) {
//		asynctest.Run(t, func(ctx context.Context) error {
//			…
//		})
//	}
//
// There is no such verdict while a goroutine of the process is alive that could still wake a task; see [Patience]. A run
// that takes too long for go test is ended before, with a list of its tasks; see [Timeout].
//
// # Many schedules
//
// The loop of package async runs tasks in FIFO order, on every run the same. That is one of the orders in which they
// could run: with other delays, messages and machines the others happen too. [Explore] runs a program under many
// of them. A failure is shortened, printed as a timeline, and has a token that replays it:
//
//	ASYNCGO_SCHEDULE=17b575e6.BwAB go test -run '^TestTransfer$'
//
// [Random] and [PCT] try orders by chance, [Exhaustive] tries all, which proves small programs right, and [Fuzz]
// lets Go's fuzzer choose. [Replay] makes a regression test of a token.
//
// # Faults
//
// [Sweep] runs a program once for each wait in it and each fault: the task is cancelled there, its time is over, the
// wait panics, or the function on another goroutine fails. What must hold all the same is for [Invariant] to say.
// Locks that nobody will release are found without.
//
// # What main may do
//
// A program under Explore and Sweep is run again and again, so it makes all that it uses itself, and has to
// do the same each time as long as the tasks run in the same order: no maps in their random order, no clock on the
// wall, no plain goroutines that wake tasks. A program that does not is reported, with the first step that differs.
// It fails by its error, or by [TB].
//
// # Leaks
//
// Goroutines that a program has started are known by a profiler label that they inherit, so tests may run in parallel.
// [VerifyTestMain] looks once more at the end of all tests of a package. Tasks that main leaves are cancelled, as by
// asyncio.run; with [NoLeftovers] they fail the test.
//
// docs/testing.md is a guide. trio has a clock like this one in trio.testing; asyncio has nothing like any of it.
package asynctest
