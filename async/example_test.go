package async_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// asyncio.run(main()).
func ExampleRun() {
	err := async.Run(func(ctx context.Context) error {
		fmt.Println("hello")
		if err := async.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		fmt.Println("world")
		return nil
	})
	fmt.Println(err)
	// Output:
	// hello
	// world
	// <nil>
}

// The value that main returns is the value of the whole run.
func ExampleRunResult() {
	answer, err := async.RunResult(func(ctx context.Context) (int, error) {
		half, err := async.After(time.Millisecond, 21)(ctx)
		return 2 * half, err
	})
	fmt.Println(answer, err)
	// Output:
	// 42 <nil>
}

// A Runner keeps its loop, and with it the tasks that a main leaves behind: they stand still until the next main runs.
func ExampleRunner() {
	runner := async.NewRunner()
	defer runner.Close()

	var greeting *async.Future[string]
	var greeter *async.Task[async.Void]
	err := runner.Run(func(ctx context.Context) error {
		greeting = async.NewFuture[string](ctx)
		greeter = async.Go(ctx, func(ctx context.Context) error {
			text, err := greeting.Await(ctx)
			fmt.Println("the task gets:", text)
			return err
		})
		return async.Sleep(ctx, 0)
	})
	fmt.Println("between two runs:", err, greeter.IsDone())
	err = runner.Run(func(ctx context.Context) error {
		if err := greeting.SetResult("good morning"); err != nil {
			return err
		}
		_, err := greeter.Await(ctx)
		return err
	})
	fmt.Println("after both:", err, greeter.IsDone())
	// Output:
	// between two runs: <nil> false
	// the task gets: good morning
	// after both: <nil> true
}

// A function that returns a Coroutine is Python's "async def" with arguments. Each call of CreateTask starts one; tasks take turns
// at every wait.
func ExampleCreateTask() {
	work := func(name string, steps int) async.Coroutine[string] {
		return func(ctx context.Context) (string, error) {
			for i := range steps {
				fmt.Println(name, "step", i)
				if err := async.Sleep(ctx, 0); err != nil {
					return "", err
				}
			}
			return name + " is done", nil
		}
	}
	err := async.Run(func(ctx context.Context) error {
		a := async.CreateTask(ctx, work("a", 2))
		b := async.CreateTask(ctx, work("b", 2), async.Name("second"))
		fmt.Println("both are created, none has started")
		for _, task := range []*async.Task[string]{a, b} {
			text, err := task.Await(ctx)
			if err != nil {
				return err
			}
			fmt.Println(text)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// both are created, none has started
	// a step 0
	// b step 0
	// a step 1
	// b step 1
	// a is done
	// b is done
	// <nil>
}

// Cancel is a request: the task sees it as the error of the wait it is in, can clean up, and passes the error on.
func ExampleTask_Cancel() {
	err := async.Run(func(ctx context.Context) error {
		task := async.Go(ctx, func(ctx context.Context) error {
			err := async.Sleep(ctx, time.Hour)
			fmt.Println("cleaning up after:", err)
			// The task's ctx is done from here on. A cleanup that has to wait uses one that is not.
			if err := async.Sleep(context.WithoutCancel(ctx), time.Millisecond); err != nil {
				return err
			}
			return err
		})
		if err := async.Sleep(ctx, 0); err != nil { // so that the task starts; one that has not never does
			return err
		}
		task.Cancel("no longer needed")
		fmt.Println("asked, but not yet cancelled:", task.Cancelled())
		_, err := task.Await(ctx)
		fmt.Println(err, task.Cancelled(), errors.Is(err, context.Canceled))
		return nil
	})
	fmt.Println(err)
	// Output:
	// asked, but not yet cancelled: false
	// cleaning up after: cancelled: no longer needed
	// cancelled: no longer needed true true
	// <nil>
}

// A task that decides not to stop goes on with the ctx that Uncancel returns. The old one is done for good, like every cancelled
// context in Go.
func ExampleUncancel() {
	err := async.Run(func(ctx context.Context) error {
		task := async.CreateTask(ctx, func(ctx context.Context) (string, error) {
			if err := async.Sleep(ctx, time.Hour); errors.Is(err, async.ErrCancelled) {
				fmt.Println("with the old ctx:", async.Sleep(ctx, 0))
				ctx = async.Uncancel(ctx)
				fmt.Println("with the new one:", async.Sleep(ctx, 0))
			}
			return "finished all the same", nil
		})
		if err := async.Sleep(ctx, 0); err != nil {
			return err
		}
		task.Cancel()
		text, err := task.Await(ctx)
		fmt.Println(text)
		return err
	})
	fmt.Println(err)
	// Output:
	// with the old ctx: cancelled
	// with the new one: <nil>
	// finished all the same
	// <nil>
}

// The callback runs in the loop, one tick after the task has ended, in one order with the tasks that await it.
func ExampleTask_AddDoneCallback() {
	err := async.Run(func(ctx context.Context) error {
		task := async.CreateTask(ctx, async.After(time.Millisecond, "the page"))
		task.AddDoneCallback(func(f *async.Future[string]) {
			// A callback cannot wait. The outcome is there, so it does not have to.
			page, err := f.Result()
			fmt.Println("callback:", page, err)
		})
		remove := task.AddDoneCallback(func(*async.Future[string]) { fmt.Println("never called") })
		fmt.Println("removed:", remove())
		page, err := task.Await(ctx)
		fmt.Println("awaiter:", page)
		return err
	})
	fmt.Println(err)
	// Output:
	// removed: true
	// callback: the page <nil>
	// awaiter: the page
	// <nil>
}

// EnsureFuture makes one type of coroutines, tasks and futures. A coroutine is started; a task and a future stay what they are.
func ExampleEnsureFuture() {
	err := async.Run(func(ctx context.Context) error {
		task := async.CreateTask(ctx, async.After(0, "a task"))
		futures := []*async.Future[string]{
			async.EnsureFuture(ctx, async.After(0, "a coroutine")),
			async.EnsureFuture(ctx, task),
		}
		fmt.Println("the task's own:", futures[1] == task.Future())
		for _, f := range futures {
			text, err := f.Await(ctx)
			if err != nil {
				return err
			}
			fmt.Println(text)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// the task's own: true
	// a coroutine
	// a task
	// <nil>
}

// A future is how the world of callbacks hands a value to a task. Any goroutine may complete it.
func ExampleNewFuture() {
	err := async.Run(func(ctx context.Context) error {
		answer := async.NewFuture[string](ctx)
		time.AfterFunc(time.Millisecond, func() {
			if err := answer.SetResult("from the runtime's timer"); err != nil {
				fmt.Println(err)
			}
		})
		text, err := answer.Await(ctx)
		fmt.Println(text)
		fmt.Println("a second time:", answer.SetResult("too late"))
		return err
	})
	fmt.Println(err)
	// Output:
	// from the runtime's timer
	// a second time: invalid state
	// <nil>
}

// With zero, Sleep gives way to the other tasks for exactly one tick; a long computation that calls it now and then stays polite.
func ExampleSleep() {
	err := async.Run(func(ctx context.Context) error {
		ticker := async.Go(ctx, func(ctx context.Context) error {
			for i := range 3 {
				fmt.Println("  tick", i)
				if err := async.Sleep(ctx, 0); err != nil {
					return err
				}
			}
			return nil
		})
		for i := range 2 {
			fmt.Println("computing part", i)
			if err := async.Sleep(ctx, 0); err != nil {
				return err
			}
		}
		_, err := ticker.Await(ctx)
		return err
	})
	fmt.Println(err)
	// Output:
	// computing part 0
	//   tick 0
	// computing part 1
	//   tick 1
	//   tick 2
	// <nil>
}

// After is asyncio.sleep with a result: a coroutine to stand in for a slow one.
func ExampleAfter() {
	err := async.Run(func(ctx context.Context) error {
		slow := async.After(time.Hour, "slow")
		fast := async.After(time.Millisecond, "fast")
		winner, err := async.Race(ctx, slow, fast)
		fmt.Println(winner)
		return err
	})
	fmt.Println(err)
	// Output:
	// fast
	// <nil>
}

// requestID belongs to the top of a package; what it holds belongs to the task.
var requestID = async.NewContextVar("request id", "none")

// A task starts with a copy of its creator's variables, so what it sets is its own.
func ExampleContextVar() {
	err := async.Run(func(ctx context.Context) error {
		token := requestID.Set(ctx, "main")
		task := async.Go(ctx, func(ctx context.Context) error {
			fmt.Println("the task begins with:", requestID.Get(ctx))
			requestID.Set(ctx, "task")
			fmt.Println("the task has set:", requestID.Get(ctx))
			return nil
		})
		_, err := task.Await(ctx)
		fmt.Println("main still has:", requestID.Get(ctx))
		requestID.Reset(ctx, token)
		fmt.Println("after the reset:", requestID.Get(ctx))
		return err
	})
	fmt.Println(err)
	// Output:
	// the task begins with: main
	// the task has set: task
	// main still has: main
	// after the reset: none
	// <nil>
}

// A script from before asyncio.run makes its loop itself: tasks are created first, the loop runs until they are done, and the
// results are read when it is closed.
func ExampleRunUntilComplete() {
	loop := async.NewLoop()
	tasks := []*async.Future[int]{
		async.EnsureFuture(loop.Context(), async.After(time.Millisecond, 1)),
		async.EnsureFuture(loop.Context(), async.After(time.Millisecond, 2)),
	}
	_, err := async.RunUntilComplete(loop, async.Do(func(ctx context.Context) error {
		_, _, err := async.Wait(ctx, tasks)
		return err
	}))
	fmt.Println(err, loop.Close())
	for _, task := range tasks {
		fmt.Println(task.Result())
	}
	// Output:
	// <nil> <nil>
	// 1 <nil>
	// 2 <nil>
}

// RunForever runs until a callback stops the loop.
func ExampleNewLoop() {
	loop := async.NewLoop()
	loop.CallSoon(func() {
		fmt.Println("running:", loop.IsRunning())
		loop.Stop()
	})
	fmt.Println(loop.RunForever())
	fmt.Println(loop.Close(), loop.IsClosed())
	// Output:
	// running: true
	// <nil>
	// <nil> true
}

// Callbacks run behind what is ready already; timers run in the order of their deadlines.
func ExampleLoop_CallLater() {
	err := async.Run(func(ctx context.Context) error {
		loop, err := async.RunningLoop(ctx)
		if err != nil {
			return err
		}
		done := async.NewFuture[async.Void](ctx)
		never := loop.CallLater(time.Millisecond, func() { fmt.Println("never called") })
		loop.CallLater(50*time.Millisecond, func() {
			fmt.Println("later")
			if err := done.SetResult(async.Void{}); err != nil {
				fmt.Println(err)
			}
		})
		loop.CallLater(time.Millisecond, func() { fmt.Println("sooner") })
		loop.CallSoon(func() { fmt.Println("soon") })
		never.Cancel()
		fmt.Println("cancelled:", never.Cancelled())
		_, err = done.Await(ctx)
		return err
	})
	fmt.Println(err)
	// Output:
	// cancelled: true
	// soon
	// sooner
	// later
	// <nil>
}

// A function of a ctx that has no result becomes a task by Go. It starts when its creator waits.
func ExampleGo() {
	err := async.Run(func(ctx context.Context) error {
		task := async.Go(ctx, func(context.Context) error {
			fmt.Println("runs")
			return errors.New("no water")
		})
		fmt.Println("created")
		_, err := task.Await(ctx)
		return err
	})
	fmt.Println(err)
	// Output:
	// created
	// runs
	// no water
}
