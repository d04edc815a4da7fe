// Package loop is the engine below asyncgo's public packages: an event loop that runs
// tasks on stackful coroutines, one at a time and in the order of one FIFO queue. It is untyped
// and knows neither futures nor asyncio's names; package future adds the value, package
// async the face.
//
// # The loop has no goroutine of its own
//
// A task that suspends looks at the next entry of the ready queue. If that is a task which can go
// on, it switches there directly, which costs one switch and not the two of a scheduler in the
// middle; if it is the task itself, it just goes on. Everything else, callbacks, timers, new
// coroutines and waiting for all of them, is left to the driver, the goroutine of [Loop.Run],
// whose stack may be deep. A worker whose task has ended runs callbacks, and takes the next task
// that wants to start without any switch. So everything the loop knows lives in [Loop], nothing on
// a stack.
//
// # Inside and outside
//
// A goroutine is inside a loop while it is the one that runs: a task's body, a
// callback. What belongs to the inside has no lock, because switches order memory. From the
// outside everything goes through a mutex into an inbox, which the inside merges into
// the ready queue before it appends anything itself: the queue is one FIFO for both.
// [Loop.Inside] tells the sides apart by the goroutine's id, in a few nanoseconds.
//
// # Ticks
//
// A tick runs what was ready at its start, in order, with the timers that were due behind
// it; what becomes ready meanwhile waits for the next tick. This is asyncio's
// _run_once, and programs can see it, so it is part of the contract.
package loop
