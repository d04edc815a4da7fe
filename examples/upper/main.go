// Upper is the upper-casing chat server of many a tutorial: a client sends a line and gets it back in capitals. The
// tutorials write the server three times, with a thread for each client, with greenlets, and with asyncio, and let many
// clients talk to it at once. Here are two of them side by side: a goroutine for each client over plain net, and a task
// for each client in one loop. The clients are the same for both.
//
//	go run ./examples/upper
//
// Scripts, by tutorial as in examples/README.md: II, the upper-casing server with threads.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"

	"github.com/asyncgo/asyncgo/async"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Stdout, 500, 10); err != nil {
		log.Fatal("upper: ", err)
	}
}

// run lets the clients talk to both servers, a number of lines each.
func run(out io.Writer, clients, lines int) error {
	return async.Run(func(ctx context.Context) error {
		server, err := async.StartServer(ctx, serve, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		err = server.Serve(ctx, func(ctx context.Context) error {
			return talk(ctx, out, "tasks", server.Addr().String(), clients, lines)
		})
		if err != nil {
			return err
		}
		threads, err := startThreads()
		if err != nil {
			return err
		}
		defer threads.stop()
		return talk(ctx, out, "goroutines", threads.ln.Addr().String(), clients, lines)
	})
}

// serve is a task for a client. It looks like one for a thread.
func serve(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		if _, err := w.Write(bytes.ToUpper(line)); err != nil {
			return err
		}
		if err := w.Drain(ctx); err != nil {
			return err
		}
	}
	return nil
}

// threads is the server with a goroutine for each client.
type threads struct {
	ln net.Listener
	wg sync.WaitGroup
}

func startThreads() (*threads, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &threads{ln: ln}
	s.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.wg.Go(func() {
				defer conn.Close()
				in := bufio.NewScanner(conn)
				for in.Scan() {
					if _, err := conn.Write(append(bytes.ToUpper(in.Bytes()), '\n')); err != nil {
						return
					}
				}
			})
		}
	})
	return s, nil
}

// stop waits for the clients that are there.
func (s *threads) stop() {
	s.ln.Close()
	s.wg.Wait()
}

// talk has many clients talk to a server at once, and counts what comes back.
func talk(ctx context.Context, out io.Writer, kind, addr string, clients, lines int) error {
	answers := 0
	err := async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
		for i := range clients {
			tg.Go(func(ctx context.Context) error {
				r, w, err := async.OpenConnection(ctx, "tcp", addr)
				if err != nil {
					return err
				}
				defer w.Close()
				for j := range lines {
					fmt.Fprintf(w, "client %d says hello %d\n", i, j)
					answer, err := r.ReadLine(ctx)
					if err != nil {
						return err
					}
					if want := fmt.Sprintf("CLIENT %d SAYS HELLO %d\n", i, j); string(answer) != want {
						return fmt.Errorf("the answer is %q and not %q", answer, want)
					}
					answers++ // one task at a time: there is nothing to lock
				}
				return nil
			})
		}
		return nil
	})
	fmt.Fprintf(out, "%s: %d clients, %d answers\n", kind, clients, answers)
	return err
}
