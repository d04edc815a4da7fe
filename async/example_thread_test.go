package async_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
)

// What blocks or computes for long goes to another goroutine, and the other tasks go on meanwhile.
func ExampleToThread() {
	err := async.Run(func(ctx context.Context) error {
		proceed := make(chan struct{})
		sum := async.CreateTask(ctx, func(ctx context.Context) ([32]byte, error) {
			return async.ToThread(ctx, func(context.Context) ([32]byte, error) {
				<-proceed // stands for a call that blocks
				return sha256.Sum256([]byte("asyncgo")), nil
			})
		})
		if err := async.Sleep(ctx, 0); err != nil {
			return err
		}
		fmt.Println("the loop is free:", !sum.IsDone())
		close(proceed)
		digest, err := sum.Await(ctx)
		fmt.Printf("%x\n", digest[:4])
		return err
	})
	fmt.Println(err)
	// Output:
	// the loop is free: true
	// 5a2d747b
	// <nil>
}

// A pool of one's own bounds how much of one kind of work runs at once: here one job after the other, in the order of the calls.
func ExampleRunInExecutor() {
	pool := future.NewPool(1)
	err := async.Run(func(ctx context.Context) error {
		var jobs []*async.Future[string]
		for _, table := range []string{"users", "orders", "items"} {
			jobs = append(jobs, async.RunInExecutor(ctx, pool, func() (string, error) {
				fmt.Println("dumping", table)
				return table + ".csv", nil
			}))
		}
		files, err := async.GatherOf(ctx, jobs)
		fmt.Println(files)
		return err
	})
	fmt.Println(err, pool.Shutdown(context.Background()))
	// Output:
	// dumping users
	// dumping orders
	// dumping items
	// [users.csv orders.csv items.csv]
	// <nil> <nil>
}

// Block is for a call that blocks for a moment and would not be worth a worker: the loop goes on under another goroutine until the
// call returns.
func ExampleBlock() {
	err := async.Run(func(ctx context.Context) error {
		line := make(chan string, 1)
		async.Go(ctx, func(context.Context) error {
			line <- "written by another task meanwhile"
			return nil
		})
		text, err := async.Block(ctx, func(context.Context) (string, error) { return <-line, nil })
		fmt.Println(text)
		return err
	})
	fmt.Println(err)
	// Output:
	// written by another task meanwhile
	// <nil>
}

// A plain goroutine hands work to a loop that runs elsewhere and waits for the answer.
func ExampleRunCoroutineThreadsafe() {
	loops := make(chan *async.Loop)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		loop := <-loops
		answer := async.RunCoroutineThreadsafe(loop, async.After(time.Millisecond, "from the loop"))
		fmt.Println(answer.Await(context.Background()))
	}()
	err := async.Run(func(ctx context.Context) error {
		loop, err := async.RunningLoop(ctx)
		if err != nil {
			return err
		}
		_, err = async.ToThread(ctx, func(context.Context) (async.Void, error) {
			loops <- loop
			<-answered
			return async.Void{}, nil
		})
		return err
	})
	fmt.Println(err)
	// Output:
	// from the loop <nil>
	// <nil>
}

// With Parallel the tasks of a loop compute at the same time. What they share needs a lock, or is a result.
func ExampleParallel() {
	sum := func(from, to int) async.Coroutine[int] {
		return func(context.Context) (s int, err error) {
			for n := from; n < to; n++ {
				s += n
			}
			return s, nil
		}
	}
	err := async.Run(func(ctx context.Context) error {
		low, high, err := async.Gather2(ctx, sum(0, 500_000), sum(500_000, 1_000_000))
		fmt.Println(low + high)
		return err
	}, async.Parallel(0))
	fmt.Println(err)
	// Output:
	// 499999500000
	// <nil>
}
