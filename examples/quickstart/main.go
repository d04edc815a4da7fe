// Quickstart is the asyncio chapter of a Python tutorial, line by line in Go and
// in one program. It prints what the Python prints:
//
//   - basics: two coroutines that a loop runs until both are done;
//   - taskObjects: tasks made before the loop runs, the first with a done
//     callback, waited for as scripts did before asyncio.run existed;
//   - newSyntax: the same three tasks with async.Run, CreateTask and Gather.
//
// Three tasks that wait for one, two and three seconds take three seconds, not
// six: while one waits, the loop runs the others.
//
//	go run ./examples/quickstart
//
// Scripts, by tutorial as in examples/README.md: II, `get_event_loop` and `wait`; II, `ensure_future` and a done
// callback; II, `create_task`, `gather`, `run`.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Stdout); err != nil {
		log.Fatal("quickstart: ", err)
	}
}

// run runs the chapter's three programs one after the other.
func run(out io.Writer) error {
	s := script{out: out}
	for _, part := range []func() error{s.basics, s.taskObjects, s.newSyntax} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// script is what Python finds in its module: where print goes.
type script struct{ out io.Writer }

// task is the tutorial's first coroutine. Calling it runs nothing yet, as in
// Python: its argument is bound, and the body waits for a task to run it.
func (s script) task(i int) async.Coroutine[async.Void] {
	return async.Do(func(ctx context.Context) error {
		s.printf("task %d start\n", i)
		if err := async.Sleep(ctx, time.Second); err != nil {
			return err
		}
		s.printf("task %d end\n", i)
		return nil
	})
}

// basics runs two tasks on a loop of its own:
//
//	loop = asyncio.get_event_loop()
//	tasks = [task(1), task(2)]
//	loop.run_until_complete(asyncio.wait(tasks))
//	loop.close()
func (s script) basics() error {
	start := time.Now()
	loop := async.NewLoop()
	tasks := []*async.Task[async.Void]{
		async.CreateTask(loop.Context(), s.task(1)),
		async.CreateTask(loop.Context(), s.task(2)),
	}
	if err := waitFor(loop, tasks); err != nil {
		return err
	}
	s.printf("cost timer: %v\n", time.Since(start).Seconds())
	return nil
}

// work waits for n seconds and returns i + n.
func (s script) work(i, n int) async.Coroutine[int] {
	return func(ctx context.Context) (int, error) {
		s.printf("任务%d等待: %d秒\n", i, n)
		if err := async.Sleep(ctx, time.Duration(n)*time.Second); err != nil {
			return 0, err
		}
		s.printf("任务%d在%d秒后返回结束运行\n", i, n)
		return i + n, nil
	}
}

// taskObjects makes its tasks before the loop runs and looks at their results
// after it is closed.
func (s script) taskObjects() error {
	start := time.Now()
	loop := async.NewLoop()
	tasks := []*async.Future[int]{
		async.EnsureFuture(loop.Context(), s.work(1, 1)),
		async.EnsureFuture(loop.Context(), s.work(2, 2)),
		async.EnsureFuture(loop.Context(), s.work(3, 3)),
	}
	tasks[0].AddDoneCallback(s.task01Callback)
	if err := waitFor(loop, tasks); err != nil {
		return err
	}
	s.printf("运行时间:  %v\n", time.Since(start).Seconds())
	for _, task := range tasks {
		result, err := task.Result()
		if err != nil {
			return err
		}
		s.printf("任务执行结果:  %d\n", result)
	}
	return nil
}

// task01Callback is called by the loop one tick after the first task ended. A
// callback cannot wait; it looks at what is there.
func (s script) task01Callback(task *async.Future[int]) {
	s.printf("任务1执行完成\n")
	result, err := task.Result()
	if err != nil {
		s.printf("%v\n", err)
		return
	}
	s.printf("%s %d\n", pyBool(task.IsDone()), result)
}

// newSyntax is the same work without a loop in sight: Run makes one, runs main
// on it and closes it.
func (s script) newSyntax() error {
	start := time.Now()
	if err := async.Run(s.main); err != nil {
		return err
	}
	s.printf("运行时间:  %v\n", time.Since(start).Seconds())
	return nil
}

func (s script) main(ctx context.Context) error {
	tasks := []*async.Task[int]{
		async.CreateTask(ctx, s.work(1, 1)),
		async.CreateTask(ctx, s.work(2, 2)),
		async.CreateTask(ctx, s.work(3, 3)),
	}
	// Gather gives the results in the order of its arguments, whoever ends first.
	response, err := async.Gather(ctx, tasks[0], tasks[1], tasks[2])
	if err != nil {
		return err
	}
	s.printf("异步任务结果: %s\n", pyList(response))
	return nil
}

// waitFor runs the loop until every task is done and closes it: the last two
// lines of an old-style script. What a task returned is for its owner to look
// at; Wait only waits.
func waitFor[F async.Waitable](loop *async.Loop, tasks []F) error {
	defer loop.Close()
	_, err := async.RunUntilComplete(loop, async.Do(func(ctx context.Context) error {
		_, _, err := async.Wait(ctx, tasks)
		return err
	}))
	return err
}

// printf is Python's print: a script does not ask whether its terminal is there.
func (s script) printf(format string, args ...any) {
	fmt.Fprintf(s.out, format, args...)
}

// pyBool spells a bool as Python does.
func pyBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// pyList spells a slice of ints as Python does.
func pyList(list []int) string {
	items := make([]string, len(list))
	for i, item := range list {
		items[i] = fmt.Sprint(item)
	}
	return "[" + strings.Join(items, ", ") + "]"
}
