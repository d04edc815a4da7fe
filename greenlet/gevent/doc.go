// Package gevent is Python's gevent: greenlets that look like threads, wait like threads, and run one at a
// time, without a ctx in sight.
//
//	a := gevent.Spawn(func() (string, error) { return fetch("a") })
//	b := gevent.Spawn(func() (string, error) { return fetch("b") })
//	gevent.JoinAll([]*gevent.Greenlet[string]{a, b})
//	fmt.Println(a.Get())
//
// # The hub
//
// Every goroutine that spawns has a hub, an event loop of its own, made on first use. The loop runs
// whenever that goroutine waits for something in this package: its greenlets run meanwhile, in the order in
// which they became ready, and at no other time. When the goroutine comes back from a wait and there is
// neither a greenlet nor a timer left, the hub is closed; nothing stays behind. A function that still runs in a [ThreadPool]
// does not hold it: the next hub of the goroutine takes that over. What does hold a hub is a callback of such a function, a
// [SignalHandler], [Ref], and work that was begun through package async with [Context]; it is closed then at the end of the
// goroutine's first wait after that. [Destroy] ends one with all that is in it. Inside a task of package async the hub is the loop of that task.
//
// # Waits and errors
//
// What raises in Python returns an error here. A greenlet that is killed gets the error of the kill,
// [ErrGreenletExit] in most cases, from the wait that it is in, once. A [Timeout] is the error itself that
// the wait returns, so errors.Is(err, t) tells whose timeout it is. A function that gets an error that it
// does not know has to return it. If nothing can ever wake the goroutine of the hub, its wait returns an
// error that is [ErrLoopExit] and says which greenlet waits for what.
//
// In a callback of the hub, as RawLink's, nothing can wait: waits return [ErrBlockingInHub].
//
// # With other goroutines
//
// All types can be used from any goroutine. A hub does not know of other goroutines that may wake its
// greenlets, and takes it for a deadlock when only these are left: hold it open with [Ref].
//
// # At a glance
//
//   - to begin: [Spawn], [Go], [SpawnLater]; to end: [JoinAll], [KillAll], [Wait], [IWait]
//   - to bound: [NewPool] with [Map], [IMap] and [SpawnIn]
//   - to limit: [NewTimeout] with [Timeout.Do], [WithTimeout], and the last argument of most waits
//   - to hand over: [Queue], [Channel], [Event], [AsyncResult]; to take turns: [Semaphore], [RLock]
//   - to reach the world: [Dial], [Listen], [NewStreamServer], [Popen], [NewThreadPool]
//   - to look inside: [RunInfo], [StartMonitor], [AssertSwitches]
//
// docs/porting-gevent.md has scripts and their ports, docs/gevent.md every name of gevent beside ours. [Context] gives the ctx of
// the current greenlet, for package async, net/http and all else that wants one. To make blocking calls of code that is not
// yours cooperative there is package monkey.
package gevent
