package async_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// The results come in the order of the arguments, whoever ends first. Coroutines become tasks; tasks and futures can stand beside
// them.
func ExampleGather() {
	err := async.Run(func(ctx context.Context) error {
		second := async.CreateTask(ctx, async.After(time.Millisecond, "two"))
		results, err := async.Gather(ctx, async.After(2*time.Millisecond, "one"), second, async.After(0, "three"))
		fmt.Println(results)
		return err
	})
	fmt.Println(err)
	// Output:
	// [one two three]
	// <nil>
}

// GatherOf takes a slice of tasks: gather(*tasks).
func ExampleGatherOf() {
	err := async.Run(func(ctx context.Context) error {
		var tasks []*async.Task[int]
		for i := range 5 {
			tasks = append(tasks, async.CreateTask(ctx, async.After(0, i*i)))
		}
		squares, err := async.GatherOf(ctx, tasks)
		fmt.Println(squares)
		return err
	})
	fmt.Println(err)
	// Output:
	// [0 1 4 9 16]
	// <nil>
}

// An error of one does not hide the results of the others.
func ExampleGatherSettled() {
	err := async.Run(func(ctx context.Context) error {
		broken := func(context.Context) (string, error) { return "", errors.New("connection refused") }
		results, err := async.GatherSettled(ctx,
			async.After(time.Millisecond, "the first page"),
			async.Coroutine[string](broken),
			async.After(0, "the third page"))
		for _, r := range results {
			if r.Err != nil {
				fmt.Println("failed:", r.Err)
				continue
			}
			fmt.Println(r.Value)
		}
		return err
	})
	fmt.Println(err)
	// Output:
	// the first page
	// failed: connection refused
	// the third page
	// <nil>
}

// With FirstCompleted, Wait returns as soon as one is done. It cancels nothing: what to do with the rest is the caller's to say.
func ExampleWait() {
	err := async.Run(func(ctx context.Context) error {
		tasks := []*async.Task[string]{
			async.CreateTask(ctx, async.After(time.Hour, "slow"), async.Name("slow")),
			async.CreateTask(ctx, async.After(time.Millisecond, "fast"), async.Name("fast")),
		}
		done, pending, err := async.Wait(ctx, tasks, async.FirstCompleted)
		if err != nil {
			return err
		}
		for _, task := range done {
			fmt.Println("done:", task.Name())
		}
		for _, task := range pending {
			fmt.Println("pending:", task.Name())
			task.Cancel()
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// done: fast
	// pending: slow
	// <nil>
}

// The end of Within is no error. Who is late is found among the pending ones.
func ExampleWait_within() {
	err := async.Run(func(ctx context.Context) error {
		early, late := async.NewFuture[int](ctx), async.NewFuture[int](ctx)
		if err := early.SetResult(1); err != nil {
			return err
		}
		both := []*async.Future[int]{early, late}
		done, pending, err := async.Wait(ctx, both, async.Within(time.Millisecond))
		fmt.Println(len(done), "done,", len(pending), "pending")
		fmt.Println("cancelled:", late.Cancelled())
		return err
	})
	fmt.Println(err)
	// Output:
	// 1 done, 1 pending
	// cancelled: false
	// <nil>
}

// The results come in the order in which the awaitables end.
func ExampleAsCompleted() {
	err := async.Run(func(ctx context.Context) error {
		gate := async.NewFuture[string](ctx)
		opened := func(ctx context.Context) (string, error) { return gate.Await(ctx) }
		for text, err := range async.AsCompleted(ctx, async.Coroutine[string](opened), async.After(0, "at once")) {
			if err != nil {
				return err
			}
			fmt.Println(text)
			if !gate.IsDone() {
				if err := gate.SetResult("after the gate was opened"); err != nil {
					return err
				}
			}
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// at once
	// after the gate was opened
	// <nil>
}

// Completed yields the tasks themselves, so that each result is seen together with what it belongs to.
func ExampleCompleted() {
	err := async.Run(func(ctx context.Context) error {
		// ticks waits for a number of ticks, not for a time, so that the order is the same on every machine.
		ticks := func(n int) async.Coroutine[int] {
			return func(ctx context.Context) (int, error) {
				for range n {
					if err := async.Sleep(ctx, 0); err != nil {
						return 0, err
					}
				}
				return n, nil
			}
		}
		tasks := []*async.Task[int]{
			async.CreateTask(ctx, ticks(30), async.Name("long")),
			async.CreateTask(ctx, ticks(10), async.Name("short")),
			async.CreateTask(ctx, ticks(20), async.Name("middle")),
		}
		for task := range async.Completed(ctx, tasks) {
			n, err := task.Result()
			fmt.Println(task.Name(), n, err)
		}
		return ctx.Err()
	})
	fmt.Println(err)
	// Output:
	// short 10 <nil>
	// middle 20 <nil>
	// long 30 <nil>
	// <nil>
}

// The first to end wins. The others are cancelled, and Race waits until they have cleaned up.
func ExampleRace() {
	err := async.Run(func(ctx context.Context) error {
		mirror := func(name string, d time.Duration) async.Coroutine[string] {
			return func(ctx context.Context) (string, error) {
				if err := async.Sleep(ctx, d); err != nil {
					fmt.Println(name, "hangs up:", err)
					return "", err
				}
				return name, nil
			}
		}
		winner, err := async.Race(ctx, mirror("Berlin", time.Hour), mirror("Lisbon", time.Millisecond))
		fmt.Println("from", winner)
		return err
	})
	fmt.Println(err)
	// Output:
	// Berlin hangs up: cancelled
	// from Lisbon
	// <nil>
}
