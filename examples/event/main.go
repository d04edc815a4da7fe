// Event is a tutorial's client that waits for its server. The server tells by
// an event that it runs. The client asks three times, each time for a moment,
// and then gives up: the first server starts in time, the second one does not.
//
//	go run ./examples/event
//
// Scripts, by tutorial as in examples/README.md: III, `Event`: connecting to MySQL, with retries.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Stdout, 500*time.Millisecond); err != nil {
		log.Fatal("event: ", err)
	}
}

const tries = 3

// errConnect is the tutorial's ConnectionError.
var errConnect = errors.New("connect error: the server does not answer")

// run connects to a server that needs one and a half moments to start, and to
// one that needs ten. A moment is what a client waits for each time.
func run(out io.Writer, moment time.Duration) error {
	if err := connect(out, moment+moment/2, moment); err != nil {
		return err
	}
	if err := connect(out, 10*moment, moment); !errors.Is(err, errConnect) {
		return fmt.Errorf("the slow server: %w", err)
	}
	fmt.Fprintln(out, errConnect)
	return nil
}

// connect starts a server and a client, and returns what came of it.
func connect(out io.Writer, start, moment time.Duration) error {
	return async.Run(func(ctx context.Context) error {
		var started async.Event
		server := async.Go(ctx, func(ctx context.Context) error {
			fmt.Fprintln(out, "the server is starting")
			if err := async.Sleep(ctx, start); err != nil {
				return err
			}
			fmt.Fprintln(out, "the server is running")
			started.Set()
			return nil
		})
		defer server.Cancel()
		return client(ctx, out, &started, moment)
	})
}

// client waits for the server, a moment at a time.
func client(ctx context.Context, out io.Writer, started *async.Event, moment time.Duration) error {
	if err := async.Sleep(ctx, 0); err != nil { // the server says the first word
		return err
	}
	for try := range tries {
		fmt.Fprintf(out, "the client tries for the %s time\n", [tries]string{"first", "second", "third"}[try])
		err := waitFor(ctx, started, moment)
		if err == nil {
			fmt.Fprintln(out, "the client is connected")
			return nil
		}
		if !errors.Is(err, async.ErrTimeout) {
			return err
		}
	}
	return errConnect
}

// waitFor is Python's event.wait(timeout).
func waitFor(ctx context.Context, event *async.Event, d time.Duration) error {
	ctx, cancel := async.WithTimeout(ctx, d)
	defer cancel()
	return event.Wait(ctx)
}
