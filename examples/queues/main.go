// Queues is the queue chapter of a Python tutorial, line by line in Go and in one program. It
// prints what the Python prints, but for the spelling of a list:
//
//   - fifo, lifo and priority: queue.Queue, queue.LifoQueue and queue.PriorityQueue of threads;
//
//   - mixed: items of several types in one queue, as multiprocessing.Queue takes them;
//
//   - noWait: put(block=False) and get(block=False), and what they raise;
//
//   - timeouts: put(timeout=3) and get(timeout=3), and what they raise.
//
//     go run ./examples/queues
//
// Scripts, by tutorial as in examples/README.md: II, `queue.Queue`; III, FIFO, LIFO and priority queues; IV, `Queue`:
// several types, `block=False`, timeouts.
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
	if err := run(os.Stdout); err != nil {
		log.Fatal("queues: ", err)
	}
}

// timeout is the tutorial's.
const timeout = 3 * time.Second

// run runs the chapter's scripts one after the other.
func run(out io.Writer) error {
	s := script{out: out}
	return async.Run(func(ctx context.Context) error {
		for _, part := range []func(context.Context) error{s.fifo, s.lifo, s.priority, s.mixed, s.noWait, s.timeouts} {
			if err := part(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// script is what Python finds in its module: where print goes.
type script struct{ out io.Writer }

// queue is what the scripts do with a queue of any kind.
type queue[T any] interface {
	Put(ctx context.Context, item T) error
	Get(ctx context.Context) (T, error)
}

// fifo is first in, first out:
//
//	q = queue.Queue(3)
//	q.put(1)
//	q.put(2)
//	q.put(3)
//	print(q.get())
//	print(q.get())
//	print(q.get())
func (s script) fifo(ctx context.Context) error {
	return putAndGet(ctx, s, async.NewQueue[int](3), 1, 2, 3)
}

// lifo is the same with a stack: last in, first out.
func (s script) lifo(ctx context.Context) error {
	return putAndGet(ctx, s, async.NewLifoQueue[int](3), 1, 2, 3)
}

// job is the tutorial's tuple: the smaller the number, the more urgent.
type job struct {
	number int
	data   string
}

// String spells a job as Python spells the tuple.
func (j job) String() string { return fmt.Sprintf("(%d, '%s')", j.number, j.data) }

// priority gives the most urgent first. Python compares tuples by itself; here the queue is told
// how to.
func (s script) priority(ctx context.Context) error {
	q := async.NewPriorityQueue(3, func(a, b job) bool { return a.number < b.number })
	return putAndGet(ctx, s, q, job{10, "data1"}, job{12, "data2"}, job{8, "data3"})
}

// mixed puts in whatever there is, as Python's queues let one.
func (s script) mixed(ctx context.Context) error {
	return putAndGet(ctx, s, new(async.Queue[any]), any("hello"), any([]string{"1", "2", "3"}), any(1))
}

// putAndGet puts all items in and prints them in the order in which they come out.
func putAndGet[T any](ctx context.Context, s script, q queue[T], items ...T) error {
	for _, item := range items {
		if err := q.Put(ctx, item); err != nil {
			return err
		}
	}
	for range items {
		item, err := q.Get(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintln(s.out, item)
	}
	return nil
}

// noWait never waits: what cannot be done at once is an error.
func (s script) noWait(context.Context) error {
	q := async.NewQueue[string](3)
	for _, item := range []string{"hello", "world", "!", "one too many"} {
		// q.put(item, block=False)
		if err := q.PutNowait(item); errors.Is(err, async.ErrQueueFull) {
			fmt.Fprintln(s.out, "queue.Full")
		} else if err != nil {
			return err
		}
	}
	for range 4 {
		// q.get(block=False)
		item, err := q.GetNowait()
		switch {
		case errors.Is(err, async.ErrQueueEmpty):
			fmt.Fprintln(s.out, "queue.Empty")
		case err != nil:
			return err
		default:
			fmt.Fprintln(s.out, item)
		}
	}
	return nil
}

// timeouts waits, but not for ever.
func (s script) timeouts(ctx context.Context) error {
	q := async.NewQueue[string](3)
	for _, item := range []string{"q", "q2", "q3", "q4"} {
		if err := s.put(ctx, q, item); errors.Is(err, async.ErrTimeout) {
			fmt.Fprintln(s.out, "queue.Full")
		} else if err != nil {
			return err
		}
	}
	for range 4 {
		item, err := s.get(ctx, q)
		switch {
		case errors.Is(err, async.ErrTimeout):
			fmt.Fprintln(s.out, "queue.Empty")
		case err != nil:
			return err
		default:
			fmt.Fprintln(s.out, item)
		}
	}
	return nil
}

// put is q.put(item, timeout=3).
func (s script) put(ctx context.Context, q *async.Queue[string], item string) error {
	ctx, cancel := async.WithTimeout(ctx, timeout)
	defer cancel()
	return q.Put(ctx, item)
}

// get is q.get(timeout=3).
func (s script) get(ctx context.Context, q *async.Queue[string]) (string, error) {
	ctx, cancel := async.WithTimeout(ctx, timeout)
	defer cancel()
	return q.Get(ctx)
}
