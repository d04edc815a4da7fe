package async_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func ExampleWriteTaskTree() {
	async.Run(func(ctx context.Context) error {
		l, err := async.RunningLoop(ctx)
		if err != nil {
			return err
		}
		async.CurrentTask(ctx).(interface{ SetName(string) }).SetName("dinner")
		l.CallLater(10*time.Millisecond, func() { async.WriteTaskTree(os.Stdout, l) })

		var open async.Event
		l.CallLater(20*time.Millisecond, open.Set)
		return async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
			tg.Go(open.Wait, async.Name("guest"))
			tg.Go(func(ctx context.Context) error { return async.Sleep(ctx, 30*time.Millisecond) }, async.Name("cook"))
			return nil
		})
	})
	// Output:
	// dinner awaits
	// ├── guest waits for Event(unset, waiters: 1)
	// └── cook sleeps
}

func ExampleCaptureCallGraph() {
	async.Run(func(ctx context.Context) error {
		child := async.Go(ctx, func(ctx context.Context) error {
			async.Sleep(ctx, 0) // so that the parent comes to its wait
			g := async.CaptureCallGraph(ctx)
			fmt.Println(g.Task, "is awaited by", g.AwaitedBy[0].Task)
			return nil
		}, async.Name("child"))
		parent := async.Go(ctx, func(ctx context.Context) error {
			_, err := async.Gather(ctx, child)
			return err
		}, async.Name("parent"))
		_, err := parent.Await(ctx)
		return err
	})
	// Output:
	// child is awaited by parent
}

// All tasks of the loop that are not done, in the order of their creation. The main one is among them.
func ExampleAllTasks() {
	async.Run(func(ctx context.Context) error {
		async.Go(ctx, func(ctx context.Context) error { return async.Sleep(ctx, time.Hour) }, async.Name("worker"))
		for _, task := range async.AllTasks(ctx) {
			fmt.Println(task.Name() == async.CurrentTask(ctx).Name(), task.IsDone())
		}
		return nil
	})
	// Output:
	// true false
	// false false
}
