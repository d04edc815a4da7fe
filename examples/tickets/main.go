// Tickets is a tutorial's ticket sale. The tickets that are left stand in a
// file. Eleven customers look at it at the same time, and all see one ticket.
// Buying means to read the file, wait for the network and write it. Under a
// lock the first one gets the ticket, and nobody else.
//
//	go run ./examples/tickets
//
// Scripts, by tutorial as in examples/README.md: IV, the ticket sale.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Stdout, 100*time.Millisecond); err != nil {
		log.Fatal("tickets: ", err)
	}
}

const customers = 11

// run sells one ticket without a lock, and then one under a lock. delay is the
// network's.
func run(out io.Writer, delay time.Duration) error {
	fmt.Fprintln(out, "without a lock:")
	unguarded := func(ctx context.Context, buy func(context.Context) error) error { return buy(ctx) }
	if err := sell(out, unguarded, delay); err != nil {
		return err
	}
	fmt.Fprintln(out, "under a lock:")
	var lock async.Lock
	return sell(out, lock.With, delay)
}

// sell lets all customers look and buy. guard calls buy when it is the customer's turn.
func sell(out io.Writer, guard func(context.Context, func(context.Context) error) error, delay time.Duration) error {
	dir, err := os.MkdirTemp("", "tickets")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o := office{out: out, file: filepath.Join(dir, "ticket.json"), delay: delay}
	if err := o.write(tickets{Count: 1}); err != nil {
		return err
	}
	sold := 0
	err = async.Run(func(ctx context.Context) error {
		return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			for i := range customers {
				tg.Go(func(ctx context.Context) error {
					if err := o.look(ctx); err != nil {
						return err
					}
					return guard(ctx, func(ctx context.Context) error {
						ok, err := o.buy(ctx)
						if ok {
							sold++
							fmt.Fprintf(out, "  customer %d has a ticket\n", i)
						}
						return err
					})
				})
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  tickets sold: %d\n", sold)
	return nil
}

// tickets is what the file holds.
type tickets struct {
	Count int `json:"count"`
}

// An office sells tickets.
type office struct {
	out   io.Writer
	file  string
	delay time.Duration
}

// look shows how many tickets are left, which all may do at the same time.
func (o office) look(ctx context.Context) error {
	if err := async.Sleep(ctx, o.delay); err != nil {
		return err
	}
	_, err := o.read()
	return err
}

// buy takes a ticket, if one is left.
func (o office) buy(ctx context.Context) (ok bool, err error) {
	t, err := o.read()
	if err != nil || t.Count == 0 {
		return false, err
	}
	t.Count--
	if err := async.Sleep(ctx, o.delay); err != nil {
		return false, err
	}
	return true, o.write(t)
}

func (o office) read() (t tickets, err error) {
	data, err := os.ReadFile(o.file)
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(data, &t)
}

func (o office) write(t tickets) error {
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return os.WriteFile(o.file, data, 0o600)
}
