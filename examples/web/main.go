// Web serves one application in two ways: by an HTTP/1.1 server that is written on asyncio's streams, a task for each
// connection, and by net/http, whose handlers run on goroutines of their own and call into the loop. The application
// belongs to the loop, where one task runs at a time, so it has no lock.
//
//	go run ./examples/web
//	curl http://127.0.0.1:8080/visits http://127.0.0.1:8081/visits
//	curl --data 'say it louder' http://127.0.0.1:8080/upper
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func main() {
	log.SetFlags(0)
	streams := flag.String("streams", "127.0.0.1:8080", "where the server on streams listens")
	nethttp := flag.String("nethttp", "127.0.0.1:8081", "where the one of net/http listens")
	flag.Parse()
	err := async.Run(func(ctx context.Context) error {
		return run(ctx, os.Stdout, *streams, *nethttp, func(ctx context.Context, _ *site) error {
			var never async.Event
			return never.Wait(ctx) // until the interrupt
		})
	}, async.Signals(os.Interrupt))
	if err != nil && !errors.Is(err, async.ErrInterrupted) {
		log.Fatal("web: ", err)
	}
}

// A site is where the two servers listen.
type site struct{ streams, nethttp net.Addr }

// grace is how long those have who are in the middle of a request when the program ends.
const grace = 5 * time.Second

// run serves until body returns.
func run(ctx context.Context, out io.Writer, streams, nethttp string, body func(ctx context.Context, s *site) error) error {
	a := &app{visits: map[string]int{}}
	server, err := async.StartServer(ctx, serveHTTP(a.answer), "tcp", streams)
	if err != nil {
		return err
	}
	return server.Serve(ctx, func(ctx context.Context) error {
		loop, err := async.RunningLoop(ctx)
		if err != nil {
			return err
		}
		ln, err := net.Listen("tcp", nethttp)
		if err != nil {
			return err
		}
		threads := &http.Server{Handler: bridge{loop, a.answer}}
		served := make(chan error, 1)
		go func() { served <- threads.Serve(ln) }()
		fmt.Fprintf(out, "streams: http://%s\nnet/http: http://%s\n", server.Addr(), ln.Addr())
		err = body(ctx, &site{server.Addr(), ln.Addr()})
		// Shutdown waits for handlers, and those wait for tasks of the loop, which therefore must not stand still meanwhile.
		_, stopped := async.ToThread(context.WithoutCancel(ctx), func(ctx context.Context) (async.Void, error) {
			ctx, cancel := context.WithTimeout(ctx, grace)
			defer cancel()
			err := threads.Shutdown(ctx)
			if err != nil {
				err = threads.Close() // of those who are in the middle of a request, and do not go on
			}
			<-served
			return async.Void{}, err
		})
		server.Close()
		server.CloseClients() // who keeps a connection open for later does not hold up the end
		return errors.Join(err, stopped)
	})
}
