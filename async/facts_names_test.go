package async_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// numberOf returns N of the name Task-N.
func numberOf(t *testing.T, task interface{ Name() string }) int {
	t.Helper()
	digits, ok := strings.CutPrefix(task.Name(), "Task-")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil {
		t.Errorf("the name of the task is %q", task.Name())
	}
	return n
}

// names returns the names of tasks.
func names(tasks []async.AnyTask) []string {
	var all []string
	for _, task := range tasks {
		all = append(all, task.Name())
	}
	return all
}

// contextKey is the key of a value that is passed down by a context.
type contextKey struct{}

func TestFactsOfNames(t *testing.T) {
	t.Run("F1 tasks without a name are numbered, main first", func(t *testing.T) {
		inProcess(t, onLoop(func(ctx context.Context, t *testing.T) {
			expectEqual(t, "the name of main", async.CurrentTask(ctx).Name(), "Task-1")
			expectEqual(t, "the name of the next task", async.CreateTask(ctx, async.After(0, 1)).Name(), "Task-2")
		}))
	})

	t.Run("F1 the numbers go on from one run to the next", func(t *testing.T) {
		var first, second int
		onLoop(func(ctx context.Context, t *testing.T) { first = numberOf(t, async.CurrentTask(ctx)) })(t)
		onLoop(func(ctx context.Context, t *testing.T) { second = numberOf(t, async.CurrentTask(ctx)) })(t)
		expectEqual(t, "the number of the second main above that of the first", second-first, 1)
	})

	t.Run("F2 a task with a name uses up no number", onLoop(func(ctx context.Context, t *testing.T) {
		body := async.After(0, 1)
		a := async.CreateTask(ctx, body)
		b := async.CreateTask(ctx, body, async.Name("custom"))
		c := async.CreateTask(ctx, body)
		expectEqual(t, "the name", b.Name(), "custom")
		expectEqual(t, "the number of the third above that of the first", numberOf(t, c)-numberOf(t, a), 1)
		if b.ID() == a.ID() || b.ID() == c.ID() || a.ID() == c.ID() {
			t.Errorf("the ids are %d, %d and %d", a.ID(), b.ID(), c.ID())
		}
	}))

	t.Run("F3 a task can be renamed at any time", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, async.After(0, 1))
		task.SetName("before")
		expectEqual(t, "the name", task.Name(), "before")
		must(task.Await(ctx))
		task.SetName("after")
		expectEqual(t, "the name of the ended task", task.Name(), "after")
	}))

	t.Run("F4 the current task is the one that runs, at every point", onLoop(func(ctx context.Context, t *testing.T) {
		main := async.CurrentTask(ctx)
		var all []*async.Task[async.Void]
		for range 2 {
			var me *async.Task[async.Void]
			me = async.Go(ctx, func(ctx context.Context) error {
				for range 3 {
					expectEqual(t, "the current task", async.CurrentTask(ctx), async.AnyTask(me))
					must(async.Coroutine[async.Void](func(ctx context.Context) (async.Void, error) {
						expectEqual(t, "the current task in a coroutine", async.CurrentTask(ctx), async.AnyTask(me))
						return async.Void{}, nil
					}).Await(ctx))
					check(giveWay(ctx))
				}
				return nil
			})
			all = append(all, me)
		}
		for range 3 {
			expectEqual(t, "the current task in main", async.CurrentTask(ctx), main)
			ticks(ctx, 1)
		}
		must(async.GatherOf(ctx, all))
		expectEqual(t, "the current task at the end of main", async.CurrentTask(ctx), main)
	}))

	t.Run("F4 the context of somebody else does not mislead", onLoop(func(ctx context.Context, t *testing.T) {
		outer := ctx
		var me *async.Task[async.Void]
		atOnce(ctx, func() {
			me = async.Go(ctx, func(context.Context) error {
				expectEqual(t, "the current task by the creator's context", async.CurrentTask(outer), async.AnyTask(me))
				expectEqual(t, "the current task by an empty context", async.CurrentTask(context.Background()), async.AnyTask(me))
				return nil
			})
		})
		must(me.Await(ctx))
	}))

	t.Run("F4 in a callback, on another goroutine and without a loop there is no current task", onLoop(func(ctx context.Context, t *testing.T) {
		asked := 0
		none := func(where string) func() {
			return func() {
				asked++
				if task := async.CurrentTask(ctx); task != nil {
					t.Errorf("the current task %s is %v", where, task)
				}
			}
		}
		running(ctx).CallSoon(none("in a callback"))
		running(ctx).CallLater(0, none("in a timer"))
		f := async.NewFuture[int](ctx)
		f.AddDoneCallback(func(*async.Future[int]) { none("in a done callback")() })
		check(f.SetResult(1))
		ticks(ctx, 2) // the timer is due in the first tick, behind this task
		must(async.ToThread(ctx, func(context.Context) (int, error) { none("in a thread")(); return 0, nil }))
		expectEqual(t, "the number of places", asked, 4)
	}))

	t.Run("F4 without a loop there is no current task and no running loop", func(t *testing.T) {
		ctx := context.Background()
		if task := async.CurrentTask(ctx); task != nil {
			t.Errorf("the current task is %v", task)
		}
		_, err := async.RunningLoop(ctx)
		expectError(t, "RunningLoop without a loop", err, async.ErrNoLoop)
		_, err = async.RunningLoop(newTestLoop(t).Context())
		expectError(t, "RunningLoop of a loop that does not run", err, async.ErrNoLoop)
		expectPanic(t, "async: CreateTask was called with a ctx that belongs to no event loop", func() { async.CreateTask(ctx, async.After(0, 1)) })
	})

	t.Run("F5 all tasks are those of the loop that are not done, in the order of their creation", onLoop(func(ctx context.Context, t *testing.T) {
		other := newTestLoop(t)
		async.CreateTask(other.Context(), forever, async.Name("elsewhere"))
		async.CurrentTask(ctx).(interface{ SetName(string) }).SetName("main")
		done := async.CreateTask(ctx, async.After(0, 1), async.Name("done"))
		must(done.Await(ctx))
		async.CreateTask(ctx, forever, async.Name("waiting"))
		ticks(ctx, 1)
		atOnce(ctx, func() {
			early := async.CreateTask(ctx, forever, async.Name("cancelled"))
			async.CreateTask(ctx, forever, async.Name("not started"))
			early.Cancel()
			expectSlice(t, "the tasks", names(async.AllTasks(ctx)), []string{"main", "waiting", "cancelled", "not started"})
		})
		ticks(ctx, 1)
		expectSlice(t, "the tasks a tick later", names(async.AllTasks(ctx)), []string{"main", "waiting", "not started"})
		expectSlice(t, "the tasks of the other loop", names(async.AllTasks(other.Context())), []string{"elsewhere"})
		fromThread := must(async.ToThread(ctx, func(ctx context.Context) ([]async.AnyTask, error) { return async.AllTasks(ctx), nil }))
		expectSlice(t, "the tasks as seen from a thread", names(fromThread), []string{"main", "waiting", "not started"})
		check(other.Close())
	}))

	t.Run("F5 a task is gone when its done callbacks run", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, async.After(0, 1), async.Name("gone"))
		task.AddDoneCallback(func(*async.Future[int]) {
			for _, name := range names(async.AllTasks(ctx)) {
				if name == "gone" {
					t.Error("the task is among all tasks")
				}
			}
		})
		must(task.Await(ctx))
		ticks(ctx, 1)
	}))

	t.Run("F7 a task says what it is, what it waits for and what has become of it", onLoop(func(ctx context.Context, t *testing.T) {
		child := async.CreateTask(ctx, forever, async.Name("C"))
		ofChild := async.CreateTask(ctx, child.Await, async.Name("of child"))
		task := async.CreateTask(ctx, forever, async.Name("N"))
		sleeper := async.CreateTask(ctx, async.After(time.Second, "r"), async.Name("M"))
		bad := async.CreateTask(ctx, failing(valueError("v"), 0), async.Name("bad"))
		expectEqual(t, "before its start", task.String(), `Task("N", pending, forever)`)
		ticks(ctx, 1)
		expectEqual(t, "waiting", task.String(), `Task("N", pending, forever, waiting for Future(pending, 1 waiting))`)
		if s := ofChild.String(); !strings.HasSuffix(s, `, waiting for Task("C"))`) {
			t.Errorf("waiting for a task it is %s", s)
		}
		atOnce(ctx, func() {
			task.Cancel()
			expectEqual(t, "being cancelled", task.String(), `Task("N", cancelling, forever, waiting for Future(cancelled))`)
		})
		waitFor(ctx, task)
		expectEqual(t, "cancelled", task.String(), `Task("N", cancelled, forever)`)
		must(sleeper.Await(ctx))
		expectEqual(t, "finished", sleeper.String(), `Task("M", finished, result: "r", After)`)
		waitFor(ctx, bad)
		expectEqual(t, "failed", bad.String(), `Task("bad", finished, error: ValueError('v'), failing)`)
		if bad.Err() == nil {
			t.Error("the failed task has no error")
		}
	}))
}

func TestFactsOfContext(t *testing.T) {
	v := async.NewContextVar("v", "none")
	get := async.Coroutine[string](func(ctx context.Context) (string, error) { return v.Get(ctx), nil })

	t.Run("F9 a task has a copy of the variables as they were when it was created", onLoop(func(ctx context.Context, t *testing.T) {
		v.Set(ctx, "before")
		var seen []string
		task := async.Go(ctx, func(ctx context.Context) error {
			seen = append(seen, v.Get(ctx))
			v.Set(ctx, "by the task")
			check(giveWay(ctx))
			seen = append(seen, v.Get(ctx))
			return nil
		})
		v.Set(ctx, "after")
		ticks(ctx, 1)
		expectEqual(t, "what main sees meanwhile", v.Get(ctx), "after")
		v.Set(ctx, "later")
		must(task.Await(ctx))
		expectSlice(t, "what the task sees", seen, []string{"before", "by the task"})
		expectEqual(t, "what main sees", v.Get(ctx), "later")
	}))

	t.Run("F9 a task has the values of the context that it is created with", onLoop(func(ctx context.Context, t *testing.T) {
		read := async.Coroutine[any](func(ctx context.Context) (any, error) { return ctx.Value(contextKey{}), nil })
		with := context.WithValue(ctx, contextKey{}, "passed down")
		expectEqual(t, "the value in a task", must(async.CreateTask(with, read).Await(ctx)), any("passed down"))
		expectEqual(t, "the value without it", must(async.CreateTask(ctx, read).Await(ctx)), nil)
		grandchild := async.Coroutine[any](func(ctx context.Context) (any, error) { return async.CreateTask(ctx, read).Await(ctx) })
		expectEqual(t, "the value in a task of a task", must(async.CreateTask(with, grandchild).Await(ctx)), any("passed down"))
	}))

	t.Run("F10 a callback sees the variables as they were when it was added, and what it sets stays in it", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		sees := func(what string) func() {
			return func() {
				c.add("%s sees %s", what, v.Get(ctx))
				v.Set(ctx, "set by a callback")
			}
		}
		f := async.NewFuture[int](ctx)
		v.Set(ctx, "A")
		f.AddDoneCallback(func(*async.Future[int]) { sees("the done callback")() })
		v.Set(ctx, "B")
		running(ctx).CallSoon(sees("call_soon"))
		v.Set(ctx, "C")
		running(ctx).CallLater(0, sees("call_later"))
		v.Set(ctx, "D")
		check(f.SetResult(1))
		ticks(ctx, 2) // the timer is due in the first tick, behind this task
		c.expect(t, "call_soon sees B", "the done callback sees A", "call_later sees C")
		expectEqual(t, "what main sees", v.Get(ctx), "D")
	}))

	t.Run("F11 a coroutine that is awaited shares the variables", onLoop(func(ctx context.Context, t *testing.T) {
		v.Set(ctx, "before")
		must(async.Do(func(ctx context.Context) error {
			expectEqual(t, "what the coroutine sees", v.Get(ctx), "before")
			v.Set(ctx, "by the coroutine")
			return giveWay(ctx)
		}).Await(ctx))
		expectEqual(t, "what main sees", v.Get(ctx), "by the coroutine")
	}))

	t.Run("F12 tasks that are given the same variables share them", onLoop(func(ctx context.Context, t *testing.T) {
		number := async.NewContextVar("number", 0)
		vars := async.CopyVars(ctx)
		next := func(ctx context.Context) (int, error) {
			seen := number.Get(ctx)
			number.Set(ctx, seen+1)
			return seen, giveWay(ctx)
		}
		var seen []int
		for range 2 {
			seen = append(seen, must(async.CreateTask(ctx, next, async.InVars(vars)).Await(ctx)))
		}
		check(async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
			seen = append(seen, must(async.Spawn(tg, next, async.InVars(vars)).Await(ctx)))
			return nil
		}))
		expectSlice(t, "the values seen", seen, []int{0, 1, 2})
		expectEqual(t, "the value in the variables", number.ValueIn(vars), 3)
		expectEqual(t, "the value in main", number.Get(ctx), 0)
	}))

	t.Run("F13 a hundred tasks that set a variable and sleep read their own values", onLoop(func(ctx context.Context, t *testing.T) {
		number := async.NewContextVar("number", -1)
		var tasks []*async.Task[int]
		for i := range 100 {
			tasks = append(tasks, async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				for n := range 5 {
					number.Set(ctx, i*10+n)
					check(async.Sleep(ctx, time.Duration((i*7+n*13)%10)*time.Millisecond))
					expectEqual(t, fmt.Sprintf("what task %d sees", i), number.Get(ctx), i*10+n)
				}
				return number.Get(ctx), nil
			}))
		}
		for i, last := range must(async.GatherOf[int](ctx, tasks)) {
			expectEqual(t, "the last value", last, i*10+4)
		}
		expectEqual(t, "the value in main", number.Get(ctx), -1)
	}))

	t.Run("F14 a thread has a copy of the variables, and a function of an executor has none", onLoop(func(ctx context.Context, t *testing.T) {
		v.Set(ctx, "main")
		with := context.WithValue(ctx, contextKey{}, "passed down")
		must(async.ToThread(with, func(ctx context.Context) (int, error) {
			expectEqual(t, "what the thread sees", v.Get(ctx), "main")
			v.Set(ctx, "thread")
			expectEqual(t, "what the thread sees after setting it", v.Get(ctx), "thread")
			expectEqual(t, "the context's value in the thread", ctx.Value(contextKey{}), any("passed down"))
			return 0, nil
		}))
		expectEqual(t, "what main sees", v.Get(ctx), "main")
		seen := must(async.RunInExecutor(ctx, nil, func() (string, error) { return v.Get(context.Background()), nil }).Await(ctx))
		expectEqual(t, "what the function sees", seen, "none")
	}))

	t.Run("F15 a coroutine with a limit runs in the caller's own task", onLoop(func(ctx context.Context, t *testing.T) {
		me := async.CurrentTask(ctx)
		for _, limit := range []time.Duration{async.Forever, 5 * time.Second} {
			set := "set with the limit " + limit.String()
			must(async.WaitFor(ctx, async.Coroutine[int](func(ctx context.Context) (int, error) {
				expectEqual(t, "the current task", async.CurrentTask(ctx), me)
				v.Set(ctx, set)
				return 0, nil
			}), limit))
			expectEqual(t, "what main sees", v.Get(ctx), set)
		}
	}))

	t.Run("F16 a Runner keeps the variables from one run to the next", func(t *testing.T) {
		guarded(t, func() {
			r := async.NewRunner(async.Clock(loop.NewVirtual()))
			defer r.Close()
			expectEqual(t, "what the first run sees", must(async.RunIn(r, get)), "none")
			check(r.Run(func(ctx context.Context) error {
				v.Set(ctx, "first")
				async.Go(ctx, func(ctx context.Context) error { v.Set(ctx, "by a task"); return nil })
				return giveWay(ctx)
			}))
			expectEqual(t, "what the next run sees", must(async.RunIn(r, get)), "first")
			expectEqual(t, "what is seen outside", v.Get(context.Background()), "none")
			other := async.NewRunner(async.Clock(loop.NewVirtual()))
			defer other.Close()
			expectEqual(t, "what another Runner sees", must(async.RunIn(other, get)), "none")
		})
	})
}
