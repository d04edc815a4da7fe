package async_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// Two tasks take two locks in opposite orders. The loop notices that nothing can go on any more, and the function that
// it calls frees them.
func ExampleDeadlockAfter() {
	var a, b async.Lock
	var left *async.Task[async.Void]
	both := func(first, second *async.Lock) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			return first.With(ctx, func(ctx context.Context) error {
				if err := async.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
				return second.With(ctx, func(context.Context) error { return nil })
			})
		}
	}
	report := func(r *async.DeadlockReport) {
		for _, t := range r.Tasks {
			if slices.Contains(r.Cycle, t.Task) {
				fmt.Println(t.Task, "waits for", t.For, "held by", t.HeldBy)
			}
		}
		left.Cancel()
	}
	err := async.Run(func(ctx context.Context) error {
		left = async.Go(ctx, both(&a, &b), async.Name("left"))
		right := async.Go(ctx, both(&b, &a), async.Name("right"))
		_, err := right.Await(ctx)
		return err
	}, async.Debug(), async.DeadlockAfter(time.Second/10, report))
	fmt.Println("error:", err)
	// Output:
	// left waits for Lock(locked, waiters: 1) held by [right]
	// right waits for Lock(locked, waiters: 1) held by [left]
	// error: <nil>
}

// A report at any time says what each task waits for.
func ExampleReportDeadlock() {
	async.Run(func(ctx context.Context) error {
		l, err := async.RunningLoop(ctx)
		if err != nil {
			return err
		}
		var open async.Event
		async.Go(ctx, open.Wait, async.Name("guest"))
		if err := async.Sleep(ctx, 0); err != nil { // the guest comes to its wait
			return err
		}
		for _, t := range async.ReportDeadlock(l).Tasks {
			if t.Task == "guest" {
				fmt.Println(t.Task, "waits for", t.For)
			}
		}
		return nil
	})
	// Output: guest waits for Event(unset, waiters: 1)
}
