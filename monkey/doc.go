// Package monkey makes blocking calls of the standard library, and of other packages, cooperative: gevent.monkey. A task
// or greenlet that sleeps by time.Sleep, reads from a plain net.Conn or waits for a process is suspended, and its loop goes on with the
// others. Goroutines that are no tasks notice nothing.
//
//	monkey.PatchAll()
//	g1 := gevent.Go(func() { time.Sleep(3 * time.Second) })
//	g2 := gevent.Go(func() { time.Sleep(2 * time.Second) })
//	gevent.JoinAll([]*gevent.Greenlet[gevent.Void]{g1, g2}) // in three seconds
//
// # How
//
// Go cannot replace a function at run time. So this is done when the program is built, by the command gomonkey, which stands
// in front of the go command:
//
//	go run github.com/asyncgo/asyncgo/monkey/cmd/gomonkey run ./cmd/server
//
// It has the go command build copies of the standard library in which blocking functions ask this package what to do. No
// source is changed. [PatchAll] turns that on, and [Unpatch] off, at any time. In a program that was built without it, PatchAll
// does what plain Go can, and its [Report] says what is missing, and the command that would make it whole.
//
// # What a patched call does
//
// In a task or greenlet, time.Sleep is the sleep of the loop, on the clock of the loop. All others run on the goroutine of the task,
// beside the loop, as by async.Block: reads and writes of connections and pipes only if they have to wait, and from that point on;
// calls as a lookup or a request of HTTP, of which nobody can know, from their beginning. In any other goroutine a
// patched call is the original.
//
// Cancellation, kills and timeouts end a time.Sleep early; it has no error to tell so, but the next wait of the task
// does. They do not end the other calls: the task hears of them when the call is over. For that there are
// deadlines, and packages async and gevent.
//
// # Locks
//
// A sync.Mutex that a task holds across a patched call may deadlock the loop: another task that wants it blocks the loop,
// and the first never comes back to unlock it. The locks of the standard library's own are taken care of. For others there is -patch
// aggressive, which patches all locks but asyncgo's own.
//
// Channel operations, select and cgo cannot be patched. docs/monkey.md has the whole table.
package monkey
