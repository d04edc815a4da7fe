// Threading is the threading chapters of Python tutorials in Go, script by script. Where the script has a Thread,
// there is a task: it has a name, it can be waited for, and what is left when main returns is a daemon.
//
// The scripts are in the order of the tutorials, in a file for each topic:
//
//   - threads.go: starting and joining threads, a class with a run method, daemons, shared variables, process ids,
//     names, active_count and enumerate, Timer, and three threads that pass lines on;
//   - locks.go: a mutex with a timeout, what a lock costs and what join costs, a mutex around a loop, dead locks,
//     and RLock;
//   - events.go: waiting for a server by asking and by an Event, and a Semaphore.
//
// Seconds are a tenth as long as in the tutorials:
//
//	go run ./examples/threading
//
// Scripts, by tutorial as in examples/README.md: I, `Thread(target=run)` and a subclass; I, daemon threads; I, `join`,
// and without it; I, a mutex with a timeout; I, a lock taken twice, and `RLock`; I, `Timer`; III, two ways to start a
// thread; III, the id of the process in threads; III, `n = 99` in threads; III, say, format, save; III, `active_count`,
// `enumerate`, `current_thread`; III, daemon threads, and one beside another thread; III, join instead of a lock, and
// what each costs; III, `Timer`; IV, a thread changes a variable; IV, a subclass of `Thread`; IV, threads share one
// process; IV, a daemon thread; IV, names, counts; IV, a mutex around a loop; IV, a fork and a plate; IV, `RLock`,
// alone and in threads; IV, a server, by asking and by an `Event`; IV, `Semaphore` and `active_count`.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func main() {
	log.SetFlags(0)
	s := &script{out: os.Stdout, in: strings.NewReader("hello\nworld\n"), second: time.Second / 10}
	for _, part := range s.parts() {
		fmt.Fprintf(s.out, "-- %s\n", part.title)
		if err := async.Run(part.main); err != nil {
			log.Fatal("threading: ", err)
		}
	}
}

// script is what Python finds around it: where print goes, what is typed, and how long a second is.
type script struct {
	out    io.Writer
	in     io.Reader
	second time.Duration
}

// A part is one script of the tutorials.
type part struct {
	title string
	main  func(ctx context.Context) error
}

func (s *script) parts() []part {
	return []part{
		{"two threads", s.twoThreads},
		{"a class with a run method", s.class},
		{"without join", s.withoutJoin},
		{"with join", s.withJoin},
		{"daemons", s.daemons},
		{"a daemon and another one", s.daemonAndOther},
		{"a shared variable", s.shared},
		{"process ids", s.processIDs},
		{"names and counts", s.names},
		{"a timer", s.timer},
		{"say, format, save", s.sayFormatSave},
		{"a mutex with a timeout", s.mutex},
		{"join or lock", s.joinOrLock},
		{"a mutex around a loop", s.blocks},
		{"a lock taken twice", s.takenTwice},
		{"an RLock taken twice", s.reentrant},
		{"an RLock in two threads", s.reentrantThreads},
		{"a fork and a plate", s.forkAndPlate},
		{"a server, by asking", s.polling},
		{"a server, by an event", s.event},
		{"a semaphore", s.semaphore},
	}
}

func (s *script) print(args ...any) { fmt.Fprintln(s.out, args...) }

// sleep is time.sleep. The error is that of a cancelled thread, which has to end.
func (s *script) sleep(ctx context.Context, seconds float64) error {
	return async.Sleep(ctx, s.seconds(seconds))
}

func (s *script) seconds(n float64) time.Duration { return time.Duration(n * float64(s.second)) }

// name is current_thread().name.
func name(ctx context.Context) string { return async.CurrentTask(ctx).Name() }

// thread is Thread(target=fn), started: a task called Thread-1 and so on.
func thread(ctx context.Context, n int, fn func(ctx context.Context) error) *async.Task[async.Void] {
	return async.Go(ctx, fn, async.Name(fmt.Sprintf("Thread-%d", n)))
}

// threads starts n of them and joins them all.
func threads(ctx context.Context, n int, fn func(ctx context.Context) error) error {
	return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
		for i := range n {
			tg.Go(fn, async.Name(fmt.Sprintf("Thread-%d", i+1)))
		}
		return nil
	})
}
