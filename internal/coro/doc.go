// Package coro carries stackful coroutines: goroutines of which exactly one of a
// group runs at a time, and which hand control to each other by name.
//
// A member of such a group is a [Routine]. [Root] makes one for the calling
// goroutine, [New] makes a fresh one. [Routine.Switch] parks the caller and runs
// another; on top of it stand [Routine.Resume], which remembers who called, and
// [Routine.Suspend], which goes back there. Values travel beside the switch, in
// variables of the caller's own: a switch orders memory like a channel operation
// does, also in the eyes of the race detector.
//
// There are two carriers under one contract, and one suite of tests runs against
// both of them.
//
// The runtime carrier (the default) stands on [iter.Pull], the public face of
// the runtime's coroutine switch: no scheduler in between, no other thread. Pull is
// made for a caller that resumes and a body that yields, and a scheduler on top of
// that pays two switches for every change of task: body to scheduler, scheduler to
// body. But what Pull really gives is a place where one goroutine is parked, and two
// functions that swap the caller with the goroutine parked there. So a Routine is
// not tied to its own place: it parks wherever the Routine stood that it switched
// to, and the next one finds it there. With n routines and n places every place is
// always taken, every switch is one swap, and any routine can switch to any other.
// The one moment when the places matter is the end of a routine, because then its
// own place vanishes together with it; see [Routine.finish].
//
// The channel carrier hands control over by unbuffered channels, from any
// goroutine. It costs a trip through the scheduler, but its bodies may lock their
// OS thread, which would be fatal on the runtime carrier. It is also the reference
// that the suite compares with.
//
// A panic never crosses a carrier: it is caught at the foot of the body, together
// with its stack, and kept in [Routine.Panicked]. The same holds for
// [runtime.Goexit].
package coro
