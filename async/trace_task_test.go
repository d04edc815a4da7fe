package async_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/gather"
	"github.com/asyncgo/asyncgo/internal/pytrace"
)

var trace19 = port{
	name: "19_contextvars",
	run: func(tr *trace) {
		v := async.NewContextVar("v", "default")
		child := async.Do(func(ctx context.Context) error {
			tr.println("child sees", v.Get(ctx))
			v.Set(ctx, "child")
			if err := async.Sleep(ctx, 0); err != nil {
				return err
			}
			tr.println("child keeps", v.Get(ctx))
			return nil
		})
		tr.run(func(ctx context.Context) error {
			l := running(ctx)
			v.Set(ctx, "main-1")
			t := async.CreateTask(ctx, child) // the variables are copied here, not when it starts
			v.Set(ctx, "main-2")
			must(t.Await(ctx))
			tr.println("main sees", v.Get(ctx))
			must(child.Await(ctx)) // no task: the variables are shared
			tr.println("main after plain await", v.Get(ctx))
			v.Set(ctx, "A")
			l.CallSoon(func() { tr.println("call_soon sees", v.Get(ctx)) })
			v.Set(ctx, "B")
			ticks(ctx, 1)
			f := async.NewFuture[any](ctx)
			v.Set(ctx, "C")
			f.AddDoneCallback(func(*async.Future[any]) { tr.println("done callback sees", v.Get(ctx)) })
			v.Set(ctx, "D")
			check(f.SetResult(nil))
			ticks(ctx, 1)
			vars := async.CopyVars(ctx)
			setter := func(x string) func(context.Context) error {
				return func(ctx context.Context) error {
					if err := async.Sleep(ctx, 0); err != nil {
						return err
					}
					v.Set(ctx, x)
					return nil
				}
			}
			must(async.Go(ctx, setter("E"), async.InVars(vars)).Await(ctx))
			must(async.Go(ctx, setter(v.ValueIn(vars)+"F"), async.InVars(vars)).Await(ctx))
			tr.println("explicit context", v.ValueIn(vars), "| main", v.Get(ctx))
			seen := must(async.ToThread(ctx, func(ctx context.Context) (string, error) {
				r := v.Get(ctx)
				v.Set(ctx, "thread")
				return r, nil
			}))
			tr.println("to_thread sees", seen, "| main", v.Get(ctx))
			// The function of RunInExecutor gets no ctx, so it has none but the empty one.
			seen = must(async.RunInExecutor(ctx, nil, func() (string, error) {
				return v.Get(context.Background()), nil
			}).Await(ctx))
			tr.println("run_in_executor sees", seen)
			return nil
		})
	},
}

// reprWork is the coroutine of 77. It has a name, so that String can show it.
func reprWork(f *async.Future[int]) async.Coroutine[int] {
	return func(ctx context.Context) (int, error) { return f.Await(ctx) }
}

var trace77 = port{
	name: "77_repr",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			f := async.NewFuture[int](ctx)
			tr.println(f.String())
			t := async.CreateTask(ctx, reprWork(f), async.Name("N"))
			tr.println(t.String())
			ticks(ctx, 1)
			tr.println(t.String())
			t.Cancel()
			tr.println(t.String())
			waitFor(ctx, t)
			tr.println(t.String())
			s := async.NewFuture[string](ctx)
			check(s.SetResult(strings.Repeat("x", 100)))
			tr.println(s.String())
			f = async.NewFuture[int](ctx)
			check(f.SetError(valueError(1)))
			tr.println(f.String())
			if f.Err() == nil {
				tr.println("the future did not fail")
			}
			m := async.CreateTask(ctx, async.After(0, "r"), async.Name("M"))
			must(m.Await(ctx))
			tr.println(m.String())
			var l async.Lock
			check(l.Acquire(ctx))
			w := async.Go(ctx, l.Acquire)
			ticks(ctx, 1)
			tr.println(l.String())
			l.Release()
			must(w.Await(ctx))
			var e async.Event
			tr.println(e.String())
			e.Set()
			tr.println(e.String())
			tr.println(async.NewSemaphore(2).String())
			tr.println(async.NewBarrier(2).String())
			q := async.NewQueue[int](3)
			check(q.PutNowait(1))
			tr.println(q.String())
			var q2 async.Queue[int]
			g := async.CreateTask(ctx, q2.Get)
			ticks(ctx, 1)
			tr.println(q2.String())
			g.Cancel()
			check(async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
				return async.Timeout(ctx, async.Forever, func(_ context.Context, ts *async.TimeoutScope) error {
					// Here belongs a StreamReader.
					tr.println(tg.String(), ts.String())
					return nil
				})
			}))
			return nil
		})
	},
	deviations: []pytrace.Deviation{
		{Line: 1, Python: `<Future pending>`, Ours: `Future(pending)`, Why: freeForm},
		{Line: 2, Python: `<Task pending name='N' coro=<work() running>>`, Ours: `Task("N", pending, reprWork)`, Why: freeForm},
		{Line: 3, Python: `<Task pending name='N' coro=<work() running> wait_for=<Future pending cb=[Task.task_wakeup()]>>`, Ours: `Task("N", pending, reprWork, waiting for Future(pending, 1 waiting))`, Why: freeForm},
		{Line: 4, Python: `<Task cancelling name='N' coro=<work() running> wait_for=<Future cancelled>>`, Ours: `Task("N", cancelling, reprWork, waiting for Future(cancelled))`, Why: freeForm},
		{Line: 5, Python: `<Task cancelled name='N' coro=<work() done, defined>>`, Ours: `Task("N", cancelled, reprWork)`, Why: freeForm},
		{Line: 6, Python: `<Future finished result='xxxxxxxxxxxx...xxxxxxxxxxxxx'>`, Ours: `Future(finished, result: "xxxxxxxxxxxxxxxxx…xxxxxxxxxxxxxxxxx")`, Why: freeForm},
		{Line: 7, Python: `<Future finished exception=ValueError(1)>`, Ours: `Future(finished, error: ValueError(1))`, Why: freeForm},
		{Line: 8, Python: `<Task finished name='M' coro=<sleep() done, defined> result='r'>`, Ours: `Task("M", finished, result: "r", After)`, Why: freeForm},
		{Line: 9, Python: `<asyncio.locks.Lock object at 0x [locked, waiters:1]>`, Ours: `Lock(locked, waiters: 1)`, Why: freeForm},
		{Line: 10, Python: `<asyncio.locks.Event object at 0x [unset]>`, Ours: `Event(unset)`, Why: freeForm},
		{Line: 11, Python: `<asyncio.locks.Event object at 0x [set]>`, Ours: `Event(set)`, Why: freeForm},
		{Line: 12, Python: `<asyncio.locks.Semaphore object at 0x [unlocked, value:2]>`, Ours: `Semaphore(unlocked, value: 2)`, Why: freeForm},
		{Line: 13, Python: `<asyncio.locks.Barrier object at 0x [filling, waiters:0/2]>`, Ours: `Barrier(filling, waiters: 0/2)`, Why: freeForm},
		{Line: 14, Python: `<Queue maxsize=3 _queue=[1] tasks=1>`, Ours: `Queue(max: 3, items: [1], unfinished: 1)`, Why: freeForm},
		{Line: 15, Python: `<Queue maxsize=0 _getters[1]>`, Ours: `Queue(getters: 1)`, Why: freeForm},
		{Line: 16, Python: `<TaskGroup> <Timeout [created]> <StreamReader limit=5>`, Ours: `TaskGroup() Timeout(active)`, Why: freeForm},
	},
}

var trace79 = port{
	name: "79_eager_tasks_312",
	run: func(tr *trace) {
		// The numbers of tasks count up in the whole process, which has had other tests, and main has the first in a script.
		var before int
		name := func(ctx context.Context) string {
			var n int
			name := async.CurrentTask(ctx).Name()
			if _, err := fmt.Sscanf(name, "Task-%d", &n); err != nil {
				return name
			}
			return fmt.Sprintf("Task-%d", n-before)
		}
		child := func(n int, block bool) async.Coroutine[int] {
			return func(ctx context.Context) (int, error) {
				tr.println("child", n, "runs; current task", name(ctx))
				if block {
					if err := async.Sleep(ctx, 0); err != nil {
						return 0, err
					}
					tr.println("child", n, "resumed")
				}
				return n, nil
			}
		}
		tr.run(func(ctx context.Context) error {
			if _, err := fmt.Sscanf(async.CurrentTask(ctx).Name(), "Task-%d", &before); err != nil {
				return err
			}
			before--
			tr.println("before")
			t := async.CreateTask(ctx, child(1, false), async.Name("E1"))
			tr.println("after: done", t.IsDone(), must(t.Result()))
			t = async.CreateTask(ctx, child(2, true), async.Name("E2"))
			tr.println("after: done", t.IsDone(), "in all_tasks", slices.Contains(async.AllTasks(ctx), async.AnyTask(t)))
			tr.println(must(t.Await(ctx)))
			b := async.Go(ctx, func(context.Context) error { return valueError("eager") })
			tr.println("failed eagerly", b.IsDone(), repr(b.Err()))
			g := gather.AllFuture(ctx, child(3, false), async.Awaitable[int](child(4, false)))
			tr.println("gather of eager coroutines is done at once", g.IsDone(), must(g.Result()))
			check(async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				t = async.Spawn(tg, child(5, false))
				tr.println("in TaskGroup", t.IsDone())
				return nil
			}))
			tr.println("me", name(ctx))
			return nil
		}, async.EagerTasks())
	},
	deviations: []pytrace.Deviation{
		{Line: 2, Python: "child 1 runs; current task Task-2", Ours: "child 1 runs; current task E1", Why: namedAtOnce},
		{Line: 4, Python: "child 2 runs; current task Task-3", Ours: "child 2 runs; current task E2", Why: namedAtOnce},
		{Line: 9, Python: "child 3 runs; current task Task-5", Ours: "child 3 runs; current task Task-3", Why: noNumberUsed},
		{Line: 10, Python: "child 4 runs; current task Task-6", Ours: "child 4 runs; current task Task-4", Why: noNumberUsed},
		{Line: 12, Python: "child 5 runs; current task Task-7", Ours: "child 5 runs; current task Task-5", Why: noNumberUsed},
	},
}

// The trace of eager tasks is that of Python 3.12.
const (
	namedAtOnce  = `decisions.md, Version: "Follow 3.13/3.14". Python 3.14 gives the name to the task factory, so that an eager task has it from the start; 3.12 named it afterwards.`
	noNumberUsed = `decisions.md, Version: "named tasks use up no number (Z10)".`
)
