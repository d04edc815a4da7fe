// Servers has the network servers of the tutorials' chapters on concurrency side by side: one that forks a process for
// each client, one that starts a thread, one with a task in an event loop, and one whose clients share the workers of a
// pool. Each prints what a client says and answers OK.
//
// A Go program cannot fork, because a fork has only one of its threads. What a server does instead is to start the program
// again and hand it the connection. The clients are the same for all.
//
//	go run ./examples/servers
//
// Scripts, by tutorial as in examples/README.md: I, the fork server; I, the thread server; IV, a server on a process
// pool; V, a socket server on a pool.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/asyncgo/asyncgo/async"
)

func main() {
	log.SetFlags(0)
	if isChild() {
		if err := serveAsChild(os.Stdout); err != nil {
			log.Fatal("servers: ", err)
		}
		return
	}
	if err := run(os.Stdout, 3, 2); err != nil {
		log.Fatal("servers: ", err)
	}
}

// A starter starts a server that writes to out what its clients say. stop waits until the last client is served.
type starter func(ctx context.Context, out io.Writer) (addr string, stop func(ctx context.Context) error, err error)

// kinds are the servers, in the order in which run starts them.
var kinds = []struct {
	name  string
	start starter
}{
	{"process", startProcesses},
	{"thread", startThreads},
	{"task", startTasks},
	{"worker of a pool", startPool},
}

// run lets the clients talk to one server after the other.
func run(out io.Writer, clients, messages int) error {
	return async.Run(func(ctx context.Context) error {
		for _, kind := range kinds {
			heard := new(record)
			answers, err := visit(ctx, kind.start, heard, clients, messages)
			if err != nil {
				return fmt.Errorf("a %s for each client: %w", kind.name, err)
			}
			fmt.Fprintf(out, "a %s for each client: %d answers\n", kind.name, answers)
			for _, line := range heard.sorted() {
				fmt.Fprintln(out, line)
			}
		}
		return nil
	})
}

// visit starts a server, lets the clients talk to it, and stops it, also when the talk has failed or was cancelled: only what belongs
// to the loop would end with it.
func visit(ctx context.Context, start starter, heard io.Writer, clients, messages int) (answers int, err error) {
	addr, stop, err := start(ctx, heard)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stop(context.WithoutCancel(ctx))) }() // the clients have hung up by now
	return talk(ctx, addr, clients, messages)
}

// talk has all clients talk at once, and counts the answers.
func talk(ctx context.Context, addr string, clients, messages int) (answers int, err error) {
	err = async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
		for i := range clients {
			tg.Go(func(ctx context.Context) error {
				r, w, err := async.OpenConnection(ctx, "tcp", addr)
				if err != nil {
					return err
				}
				defer w.Close()
				for j := range messages {
					fmt.Fprintf(w, "client %d, message %d", i, j)
					answer, err := r.ReadExactly(ctx, len("OK"))
					if err != nil {
						return err
					}
					if string(answer) != "OK" {
						return fmt.Errorf("the answer is %q", answer)
					}
					answers++ // one task at a time: there is nothing to lock
				}
				return nil
			})
		}
		return nil
	})
	return answers, err
}
