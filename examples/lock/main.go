// Lock is a tutorial's counter: a hundred tasks each take one from a number,
// and wait between reading it and writing it back. Without a lock all read the
// same number, and 99 of the hundred steps are lost. With one, nothing is.
//
//	go run ./examples/lock
//
// Scripts, by tutorial as in examples/README.md: II, the counter with a lock; III, a hundred threads count down,
// without and with a lock.
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
	if err := run(os.Stdout, time.Millisecond); err != nil {
		log.Fatal("lock: ", err)
	}
}

// run counts down from a hundred in both ways. pause is how long a task thinks
// about the number that it has read.
func run(out io.Writer, pause time.Duration) error {
	without, err := countDown(100, func(ctx context.Context, step func(context.Context) error) error {
		return step(ctx)
	}, pause)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "without a lock:", without)

	// lock.With is Python's "async with lock".
	var lock async.Lock
	with, err := countDown(100, lock.With, pause)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "with a lock:", with)
	return nil
}

// countDown starts n tasks that each take one from n, and returns what is left.
// guard calls the step of a task, when it is the task's turn.
func countDown(n int, guard func(context.Context, func(context.Context) error) error, pause time.Duration) (int, error) {
	left := n
	err := async.Run(func(ctx context.Context) error {
		return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			for range n {
				tg.Go(func(ctx context.Context) error {
					return guard(ctx, func(ctx context.Context) error {
						old := left
						err := async.Sleep(ctx, pause)
						left = old - 1
						return err
					})
				})
			}
			return nil
		})
	})
	return left, err
}
