package async_test

import (
	"context"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// A queue with a limit keeps a fast producer from running away: Put waits for room. Shutdown ends the loop of the consumer.
func ExampleQueue() {
	err := async.Run(func(ctx context.Context) error {
		q := async.NewQueue[int](2)
		async.Go(ctx, func(ctx context.Context) error {
			defer q.Shutdown(false)
			for i := range 4 {
				if err := q.Put(ctx, i*i); err != nil {
					return err
				}
				fmt.Println("put", i*i)
			}
			return nil
		})
		for item := range q.All(ctx) {
			fmt.Println("    got", item)
		}
		return ctx.Err()
	})
	fmt.Println(err)
	// Output:
	// put 0
	// put 1
	//     got 0
	//     got 1
	// put 4
	// put 9
	//     got 4
	//     got 9
	// <nil>
}

// Two workers share the work of one producer. Join returns when every item that was put in is done, not only taken out.
func ExampleQueue_Join() {
	err := async.Run(func(ctx context.Context) error {
		var q async.Queue[string]
		worker := func(name string) func(context.Context) error {
			return func(ctx context.Context) error {
				for job := range q.All(ctx) {
					if err := async.Sleep(ctx, 0); err != nil { // the work
						return err
					}
					fmt.Println(name, "has done", job)
					q.TaskDone()
				}
				return ctx.Err()
			}
		}
		workers := []*async.Task[async.Void]{
			async.Go(ctx, worker("Ada")),
			async.Go(ctx, worker("Bob")),
		}
		for _, job := range []string{"wash", "dry", "fold"} {
			if err := q.Put(ctx, job); err != nil {
				return err
			}
		}
		if err := q.Join(ctx); err != nil {
			return err
		}
		fmt.Println("all is done")
		q.Shutdown(false)
		_, err := async.GatherOf(ctx, workers)
		return err
	})
	fmt.Println(err)
	// Output:
	// Ada has done wash
	// Bob has done dry
	// Ada has done fold
	// all is done
	// <nil>
}

// The timeout of a get is that of its ctx. No item is lost by it.
func ExampleQueue_Get_timeout() {
	err := async.Run(func(ctx context.Context) error {
		var q async.Queue[string]
		get := func(ctx context.Context) (string, error) {
			ctx, cancel := async.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			return q.Get(ctx)
		}
		_, err := get(ctx)
		fmt.Println(err)
		if err := q.PutNowait("late"); err != nil {
			return err
		}
		item, err := get(ctx)
		fmt.Println(item)
		return err
	})
	fmt.Println(err)
	// Output:
	// timed out
	// late
	// <nil>
}

// What was put in last is what comes first.
func ExampleLifoQueue() {
	err := async.Run(func(ctx context.Context) error {
		var plates async.LifoQueue[string]
		for _, plate := range []string{"red", "green", "blue"} {
			if err := plates.Put(ctx, plate); err != nil {
				return err
			}
		}
		plates.Shutdown(false)
		for plate := range plates.All(ctx) {
			fmt.Println(plate)
		}
		return ctx.Err()
	})
	fmt.Println(err)
	// Output:
	// blue
	// green
	// red
	// <nil>
}

// The smallest item comes first, whenever it was put in.
func ExamplePriorityQueue() {
	type patient struct {
		urgency int // 1 cannot wait
		name    string
	}
	err := async.Run(func(ctx context.Context) error {
		q := async.NewPriorityQueue(0, func(a, b patient) bool { return a.urgency < b.urgency })
		for _, p := range []patient{{3, "a cold"}, {1, "a broken leg"}, {2, "a burn"}} {
			if err := q.Put(ctx, p); err != nil {
				return err
			}
		}
		for !q.Empty() {
			next, err := q.GetNowait()
			if err != nil {
				return err
			}
			fmt.Println(next.name)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// a broken leg
	// a burn
	// a cold
	// <nil>
}
