// Semaphore is a tutorial's noodle shop: ten guests come at the same time, and
// there are three bowls. Who has none waits, and gets the next one that is
// free, in the order in which they came.
//
//	go run ./examples/semaphore
//
// Scripts, by tutorial as in examples/README.md: III, `Semaphore`: eating noodles.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Stdout, time.Second); err != nil {
		log.Fatal("semaphore: ", err)
	}
}

const (
	guests = 10
	bowls  = 3
)

// run opens the shop. A guest eats for the given time.
func run(out io.Writer, meal time.Duration) error {
	sem := async.NewSemaphore(bowls)
	eating, most := 0, 0
	err := async.Run(func(ctx context.Context) error {
		return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			for i := range guests {
				tg.Go(func(ctx context.Context) error {
					return sem.With(ctx, func(ctx context.Context) error {
						eating++
						most = max(most, eating)
						fmt.Fprintf(out, "guest %d is eating noodles\n", i+1)
						err := async.Sleep(ctx, meal)
						eating--
						return err
					})
				})
			}
			return nil
		})
	})
	fmt.Fprintf(out, "at most %d have eaten at the same time\n", most)
	return err
}
