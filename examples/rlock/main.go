// Rlock is a tutorial's dead lock and its cure. Two tasks take lock A, then B,
// and on the way back B, then A. One has B and wants A, the other one has A and
// wants B: both wait for ever. A timeout finds it out. With one RLock in place
// of both locks, which its owner can take twice, they do not get in each
// other's way.
//
//	go run ./examples/rlock
//
// Scripts, by tutorial as in examples/README.md: III, a dead lock, and `RLock`.
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
	if err := run(os.Stdout, 100*time.Millisecond); err != nil {
		log.Fatal("rlock: ", err)
	}
}

// locker is what both kinds of lock can do.
type locker interface {
	Acquire(ctx context.Context) error
	Release()
}

// run runs the tutorial's program with two locks, and then with one RLock. pause
// is how long a task keeps its first lock before it asks for the second.
func run(out io.Writer, pause time.Duration) error {
	err := meet(out, new(async.Lock), new(async.Lock), pause)
	if !errors.Is(err, async.ErrTimeout) {
		return fmt.Errorf("two locks did not lead to a dead lock: %w", err)
	}
	fmt.Fprintln(out, "dead lock: nobody goes on")

	var one async.RLock
	if err := meet(out, &one, &one, pause); err != nil {
		return err
	}
	fmt.Fprintln(out, "with an RLock all are through")
	return nil
}

// meet runs both tasks, and gives up when they take much longer than they need.
func meet(out io.Writer, a, b locker, pause time.Duration) error {
	return async.Run(func(ctx context.Context) error {
		return async.Timeout(ctx, 10*pause, func(ctx context.Context, _ *async.TimeoutScope) error {
			return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				for _, name := range []string{"task 1", "task 2"} {
					p := person{out, name, pause}
					tg.Go(func(ctx context.Context) error {
						if err := p.both(ctx, "A", a, "B", b, 0); err != nil {
							return err
						}
						return p.both(ctx, "B", b, "A", a, p.pause)
					})
				}
				return nil
			})
		})
	})
}

type person struct {
	out   io.Writer
	name  string
	pause time.Duration
}

// both takes one lock, pauses, takes the other one, and releases them.
func (p person) both(ctx context.Context, firstName string, first locker, secondName string, second locker, pause time.Duration) error {
	if err := p.obtain(ctx, firstName, first); err != nil {
		return err
	}
	defer first.Release()
	if pause > 0 {
		if err := async.Sleep(ctx, pause); err != nil {
			return err
		}
	}
	if err := p.obtain(ctx, secondName, second); err != nil {
		return err
	}
	second.Release()
	return nil
}

func (p person) obtain(ctx context.Context, name string, l locker) error {
	if err := l.Acquire(ctx); err != nil {
		return err
	}
	fmt.Fprintln(p.out, p.name, "obtains lock", name)
	return nil
}
