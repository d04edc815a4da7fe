package async_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// What a loop holds at the moment: the main task, two that have not begun, and a timer.
func ExampleStats() {
	async.Run(func(ctx context.Context) error {
		l, err := async.RunningLoop(ctx)
		if err != nil {
			return err
		}
		timer := l.CallLater(time.Hour, func() {})
		defer timer.Cancel()
		a := async.CreateTask(ctx, async.After(time.Millisecond, "a"))
		b := async.CreateTask(ctx, async.After(time.Millisecond, "b"))
		s := async.Stats(l)
		fmt.Println("tasks:", s.Tasks, "ready:", s.Ready, "timers:", s.Timers)

		_, err = async.Gather(ctx, a, b)
		s = async.Stats(l)
		fmt.Println("tasks:", s.Tasks, "of", s.Started, "ready:", s.Ready)
		return err
	})
	// Output:
	// tasks: 3 ready: 2 timers: 1
	// tasks: 1 of 3 ready: 0
}

// In debug mode the loop tells of a task that holds it up.
func ExampleDebug() {
	short := func(_ []string, a slog.Attr) slog.Attr { // only what is the same each time
		if a.Key == slog.LevelKey || a.Key == slog.MessageKey {
			return a
		}
		return slog.Attr{}
	}
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: short}))
	async.Run(func(ctx context.Context) error {
		time.Sleep(101 * time.Millisecond) // and not async.Sleep
		return nil
	}, async.Debug(), async.Logger(log))
	// Output: level=WARN msg="a step of a task took long"
}
