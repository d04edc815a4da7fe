// Package greenlet is the raw switch of control between coroutines: what the C extension greenlet is for
// Python. There is no event loop and no scheduler in it. A [Greenlet] runs until it switches to another
// one by name, and goes on when somebody switches back.
//
//	var pong *greenlet.Greenlet
//	ping := greenlet.New(func(args ...any) (any, error) {
//		answer, err := pong.Switch("ping")
//		return answer, err
//	})
//	pong = greenlet.New(func(args ...any) (any, error) {
//		return fmt.Sprint(args[0], " pong"), nil
//	})
//	result, err := ping.Switch()
//
// Use package greenlet for generators, parsers that are fed, simulations, and schedulers of your own. For
// programs that wait for time, sockets and each other use package async or package greenlet/gevent, which
// have an event loop.
//
// # Trees
//
// Every goroutine has a tree of greenlets. Its root is the goroutine itself, which becomes a greenlet when
// it first asks for [Current] or makes one with [New]. A greenlet's parent is the one that has made it, and
// gets its result, or its error, when it ends; so errors travel up to the root and cannot get lost on the
// way. Exactly one greenlet of a tree runs at a time, so that what they share needs no lock. They cannot be
// switched to from another goroutine: that returns [ErrOtherThread].
//
// # Values
//
// The first Switch to a greenlet calls its function with the arguments. A later Switch makes the Switch in
// which the greenlet is parked return them: nil for no argument, the argument itself for one, and a slice
// of type []any for several. [Greenlet.Throw] makes that Switch return an error.
//
// # Ends
//
// A greenlet that returns an error, or panics, passes that on to its parent, whose pending Switch returns
// it; a panic as a [PanicError]. A parent that has ended or that was never started passes it
// further up. [ErrExit] is no failure: a greenlet that ends with it gives it to its parent as a result.
// runtime.Goexit ends all greenlets from there up to the root, and then the goroutine of that.
//
// Nothing collects a greenlet that is parked and forgotten, for its stack is that of a goroutine. [All]
// lists those that have not ended, [Greenlet.Kill] ends one, and [VerifyNone] fails a test that leaves
// some behind.
//
// # In tasks
//
// A greenlet inside a task of package async is part of the task: when it waits, with async.Sleep or
// whatever else, the task waits, and when that is over the loop goes on with the greenlet. The task, as
// the root, has its own tree.
//
// # Carriers
//
// A switch is one swap of goroutines by the runtime, without the scheduler: to another greenlet and
// back takes a third of what it takes through two channels. A greenlet that locks its OS thread must be made with [OnThread].
//
// docs/greenlet.md has the names of Python's greenlet beside these, and what each does; docs/porting-gevent.md has scripts and their ports.
package greenlet
