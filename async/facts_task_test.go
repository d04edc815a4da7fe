package async_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// newTickCounter returns a count of ticks made in the way that any program could, by a callback that schedules itself; stop ends it.
// The callback runs before the calling task in each tick. The loop is never idle meanwhile, so that a virtual clock stands still.
func newTickCounter(ctx context.Context) (count func() int, stop func()) {
	l := running(ctx)
	n, stopped := 0, false
	var tick func()
	tick = func() {
		n++
		if !stopped {
			l.CallSoon(tick)
		}
	}
	l.CallSoon(tick)
	ticks(ctx, 1)
	return func() int { return n }, func() { stopped = true }
}

// inProcess runs a test in a process of its own, because what it shows would end the process if it did not hold, or because it
// depends on what the process has done before.
func inProcess(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	const marker = "ASYNCGO_TEST_IN_PROCESS"
	if os.Getenv(marker) == t.Name() {
		test(t)
		return
	}
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(t.Name()), "/", "$/^") + "$"
	cmd := exec.Command(os.Args[0], "-test.v", "-test.timeout=1m", "-test.run="+pattern)
	// The race detector makes a process sleep for a second at its end, in which it would wait for reports of others.
	cmd.Env = append(os.Environ(), marker+"="+t.Name(), "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	out, err := cmd.CombinedOutput()
	text := string(out)
	if len(text) > 3000 {
		text = text[:3000] + "…"
	}
	switch {
	case err != nil:
		t.Errorf("the process ended with %v and said:\n%s", err, text)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()+" "):
		t.Errorf("the process did not run the test and said:\n%s", text)
	}
}

// panicsHere panics. Its name is looked for in stacks.
func panicsHere(context.Context) (int, error) { panic("as it should") }

func TestFactsOfTasks(t *testing.T) {
	errBad := errors.New("bad")

	t.Run("C1 tasks start in the order of their creation, and not before the creator waits", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		for i := range 3 {
			async.Go(ctx, func(ctx context.Context) error {
				c.add("%d step1", i+1)
				ticks(ctx, 1)
				c.add("%d step2", i+1)
				return nil
			})
		}
		c.expect(t)
		ticks(ctx, 1)
		c.add("main")
		ticks(ctx, 1)
		c.expect(t, "1 step1", "2 step1", "3 step1", "main", "1 step2", "2 step2", "3 step2")
	}))

	t.Run("C2 what does not have to wait does not give way", onLoop(func(ctx context.Context, t *testing.T) {
		coro := async.Coroutine[int](func(context.Context) (int, error) { return 1, nil })
		done := async.NewFuture[int](ctx)
		check(done.SetResult(1))
		task := async.CreateTask(ctx, coro)
		must(task.Await(ctx))
		waitingFor := func(aw async.Awaitable[int], d time.Duration) func() {
			return func() { must(async.WaitFor(ctx, aw, d)) }
		}
		block := func(d time.Duration) func() {
			return func() {
				check(async.Timeout(ctx, d, func(context.Context, *async.TimeoutScope) error { return nil }))
			}
		}
		for what, wait := range map[string]func(){
			"a coroutine that never blocks":  func() { must(coro.Await(ctx)) },
			"a done future":                  func() { must(done.Await(ctx)) },
			"a finished task":                func() { must(task.Await(ctx)) },
			"a gather of nothing":            func() { must(async.Gather[int](ctx)) },
			"a gather of done futures":       func() { must(async.Gather(ctx, async.Awaitable[int](done), task)) },
			"wait_for(done, 0)":              waitingFor(done, 0),
			"wait_for(done, -1)":             waitingFor(done, -time.Second),
			"wait_for(done, 1)":              waitingFor(done, time.Second),
			"wait_for(done, None)":           waitingFor(done, async.Forever),
			"wait_for(coroutine, 1)":         waitingFor(coro, time.Second),
			"wait_for(coroutine, None)":      waitingFor(coro, async.Forever),
			"a shield of a done future":      func() { must(async.Shield(ctx, done)) },
			"a shield of a finished task":    func() { must(async.Shield(ctx, task)) },
			"an empty timeout block":         block(time.Second),
			"an empty timeout(0) block":      block(0),
			"an empty timeout(None) block":   block(async.Forever),
			"wait_for of an Awaitable":       waitingFor(awaitable(coro), time.Second),
			"a wait with a timeout over all": func() { ctx, cancel := async.WithTimeout(ctx, time.Second); defer cancel(); must(done.Await(ctx)) },
			"an empty TaskGroup": func() {
				check(async.WithTaskGroup(ctx, func(context.Context, *async.TaskGroup) error { return nil }))
			},
		} {
			if gaveWay(ctx, wait) {
				t.Errorf("%s gives way", what)
			}
		}
	}))

	t.Run("C2 what has to wait gives way, and so do sleep(0) and wait", onLoop(func(ctx context.Context, t *testing.T) {
		coro := async.Coroutine[int](func(context.Context) (int, error) { return 1, nil })
		done := async.NewFuture[int](ctx)
		check(done.SetResult(1))
		for what, wait := range map[string]func(){
			"a new task":              func() { must(async.CreateTask(ctx, coro).Await(ctx)) },
			"sleep(0)":                func() { check(giveWay(ctx)) },
			"sleep(-1)":               func() { check(async.Sleep(ctx, -time.Second)) },
			"wait({done})":            func() { waitFor(ctx, done) },
			"a shield of a coroutine": func() { must(async.Shield(ctx, coro)) },
			"a gather of a coroutine": func() { must(async.Gather(ctx, coro)) },
		} {
			if !gaveWay(ctx, wait) {
				t.Errorf("%s does not give way", what)
			}
		}
	}))

	t.Run("C3 the ticks between cause and effect are asyncio's", onLoop(func(ctx context.Context, t *testing.T) {
		tick, stop := newTickCounter(ctx)
		defer stop()
		child := async.Coroutine[int](func(context.Context) (int, error) { return tick(), nil })

		t0 := tick()
		task := async.CreateTask(ctx, child)
		started := must(task.Await(ctx))
		expectEqual(t, "create_task → first step", started-t0, 1)
		expectEqual(t, "child end → awaiter", tick()-started, 1)

		f := async.NewFuture[int](ctx)
		async.Go(ctx, func(context.Context) error { return f.SetResult(tick()) })
		at := must(f.Await(ctx))
		expectEqual(t, "set_result → waiter", tick()-at, 1)

		at = must(async.Gather(ctx, child))[0]
		expectEqual(t, "child end → gather", tick()-at, 2)

		task = async.CreateTask(ctx, child)
		waitFor(ctx, task)
		expectEqual(t, "child end → wait", tick()-must(task.Result()), 2)

		at = must(async.Shield(ctx, async.CreateTask(ctx, child)))
		expectEqual(t, "child end → shield", tick()-at, 2)

		check(async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			task = async.Spawn(tg, child)
			return nil
		}))
		expectEqual(t, "child end → TaskGroup left", tick()-must(task.Result()), 2)

		at = must(async.WaitFor(ctx, async.CreateTask(ctx, child), time.Second))
		expectEqual(t, "child end → wait_for", tick()-at, 1)

		var inside int
		task = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			v, err := forever(ctx)
			inside = tick()
			return v, err
		})
		ticks(ctx, 1)
		at = tick()
		task.Cancel()
		_, err := task.Await(ctx)
		expectError(t, "the cancelled task", err, async.ErrCancelled)
		expectEqual(t, "cancel → CancelledError in the task", inside-at, 1)
		expectEqual(t, "cancel → awaiter of the task", tick()-at, 2)
	}))

	t.Run("C4 the result of a task is what its coroutine returns", func(t *testing.T) {
		inner := async.Coroutine[int](func(context.Context) (int, error) { return 42, nil })
		v, err := async.RunResult(func(ctx context.Context) (int, error) {
			v, err := async.CreateTask(ctx, inner).Await(ctx)
			return v + 1000, err
		})
		expectEqual(t, "the result", v, 1042)
		expectError(t, "the run", err, nil)
	})

	t.Run("C5 a finished task can be awaited and asked any number of times", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, async.After(time.Second, "r"))
		for range 3 {
			expectEqual(t, "the result of the wait", must(task.Await(ctx)), "r")
			expectEqual(t, "the result", must(task.Result()), "r")
			expectEqual(t, "the result of its future", must(task.Future().Await(ctx)), "r")
		}
	}))

	t.Run("C5 a coroutine is a function and can be awaited again, which runs it again", onLoop(func(ctx context.Context, t *testing.T) {
		n := 0
		co := async.Coroutine[int](func(context.Context) (int, error) { n++; return n, nil })
		expectSlice(t, "the results", []int{must(co.Await(ctx)), must(co.Await(ctx)), must(async.CreateTask(ctx, co).Await(ctx))}, []int{1, 2, 3})
	}))

	t.Run("C6 a task that awaits itself gets an error", func(t *testing.T) {
		for name, await := range map[string]func(ctx context.Context, self *async.Task[int]) (int, error){
			"as a task": func(ctx context.Context, self *async.Task[int]) (int, error) { return self.Await(ctx) },
			"in a coroutine": func(ctx context.Context, self *async.Task[int]) (int, error) {
				return async.Coroutine[int](self.Await).Await(ctx)
			},
			"with a limit": func(ctx context.Context, self *async.Task[int]) (int, error) {
				return async.WaitFor(ctx, self, time.Hour)
			},
			"without cancellation": func(ctx context.Context, self *async.Task[int]) (int, error) {
				return self.Await(context.WithoutCancel(ctx))
			},
			"as the future of it": func(ctx context.Context, self *async.Task[int]) (int, error) { return self.Future().Await(ctx) },
			"by way of EnsureFuture": func(ctx context.Context, self *async.Task[int]) (int, error) {
				return async.EnsureFuture(ctx, self).Await(ctx)
			},
		} {
			t.Run(name, func(t *testing.T) {
				inProcess(t, onLoop(func(ctx context.Context, t *testing.T) {
					var self *async.Task[int]
					atOnce(ctx, func() {
						self = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
							_, err := await(ctx, self)
							expectError(t, "the wait", err, async.ErrAwaitSelf)
							ticks(ctx, 1) // the task goes on as if nothing had been
							return 42, nil
						})
					})
					// If the wait does not return, this ends the task, and with it the test.
					running(ctx).CallLater(24*time.Hour, func() { self.Cancel() })
					v, err := self.Await(ctx)
					expectEqual(t, "the result", v, 42)
					expectError(t, "the task", err, nil)
				}))
			})
		}
	})

	t.Run("C7 a task awaits a future and a task of another loop", onLoop(func(ctx context.Context, t *testing.T) {
		other := newTestLoop(t)
		f := async.NewFuture[int](other.Context())
		child := async.CreateTask(other.Context(), async.After(time.Second, 2))
		waiter := async.CreateTask(ctx, f.Await)
		ofChild := async.CreateTask(ctx, child.Await)
		ticks(ctx, 1)
		ended := make(chan error, 1)
		go func() {
			_, err := async.RunUntilComplete(other, async.Coroutine[int](func(ctx context.Context) (int, error) {
				check(f.SetResult(1))
				return child.Await(ctx)
			}))
			ended <- err
		}()
		expectEqual(t, "the result of the future", must(waiter.Await(ctx)), 1)
		expectEqual(t, "the result of the task", must(ofChild.Await(ctx)), 2)
		expectError(t, "the other loop", <-ended, nil)
		check(other.Close())
	}))

	t.Run("C8 nobody can force a result on a task", onLoop(func(ctx context.Context, t *testing.T) {
		// Task has neither SetResult nor SetError. Its future has the methods, and stands for the task.
		task := async.CreateTask(ctx, async.After(time.Second, 42))
		if task.Future().SetResult(1) == nil {
			t.Error("the future of a task accepts a result while the task runs")
		}
		task = async.CreateTask(ctx, async.After(time.Second, 42))
		if task.Future().SetError(errBad) == nil {
			t.Error("the future of a task accepts an error while the task runs")
		}
		v, err := task.Await(ctx)
		expectEqual(t, "the result", v, 42)
		expectError(t, "the task", err, nil)
	}))

	t.Run("C9 a coroutine that returns a future has that future as its result", onLoop(func(ctx context.Context, t *testing.T) {
		pending, done := async.NewFuture[int](ctx), async.NewFuture[int](ctx)
		check(done.SetResult(1))
		for _, f := range []*async.Future[int]{pending, done} {
			task := async.CreateTask(ctx, func(context.Context) (*async.Future[int], error) { return f, nil })
			expectEqual(t, "the result", must(task.Await(ctx)), f)
		}
		expectEqual(t, "IsDone of the pending one", pending.IsDone(), false)
	}))

	t.Run("C10 without a coroutine there is no task", onLoop(func(ctx context.Context, t *testing.T) {
		before := len(async.AllTasks(ctx))
		expectPanic(t, "async: CreateTask was called with a nil Coroutine", func() { async.CreateTask[int](ctx, nil) })
		expectPanic(t, "async: Go was called with a nil function", func() { async.Go(ctx, nil) })
		expectPanic(t, "async: Do was called with a nil function", func() { async.Do(nil) })
		expectPanic(t, "async: Await was called on a nil Coroutine", func() { async.Coroutine[int](nil).Await(ctx) })
		expectEqual(t, "the number of tasks", len(async.AllTasks(ctx)), before)
	}))

	t.Run("C11 the future of a task is always the same one, and that of an awaitable is a new task's", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, async.After(0, 1))
		expectEqual(t, "EnsureFuture of a task", async.EnsureFuture(ctx, task), task.Future())
		expectEqual(t, "EnsureFuture of its future", async.EnsureFuture(ctx, task.Future()), task.Future())
		must(task.Await(ctx))
		expectEqual(t, "EnsureFuture of the finished task", async.EnsureFuture(ctx, task), task.Future())
		for _, aw := range []async.Awaitable[int]{async.After(time.Second, 2), awaitable(async.After(time.Second, 2))} {
			before := len(async.AllTasks(ctx))
			f := async.EnsureFuture(ctx, aw)
			expectEqual(t, "the number of new tasks", len(async.AllTasks(ctx))-before, 1)
			expectEqual(t, "the result", must(f.Await(ctx)), 2)
		}
	}))

	t.Run("C12 awaiters and callbacks of a task are served in one order", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		task := async.Go(ctx, func(ctx context.Context) error {
			ticks(ctx, 1)
			c.add("end")
			return nil
		})
		awaiter := func(name string) {
			async.Go(ctx, func(ctx context.Context) error {
				must(task.Await(ctx))
				c.add("%s", name)
				return nil
			})
		}
		task.AddDoneCallback(adder[async.Void](&c, "cb1"))
		awaiter("awaiter1")
		awaiter("awaiter2")
		ticks(ctx, 1)
		task.AddDoneCallback(func(*async.Future[async.Void]) {
			c.add("cb2")
			running(ctx).CallSoon(c.adding("soon of cb2"))
		})
		awaiter("late awaiter, which does not wait")
		ticks(ctx, 1)
		c.expect(t, "end", "late awaiter, which does not wait")
		ticks(ctx, 1)
		c.expect(t, "end", "late awaiter, which does not wait", "cb1", "awaiter1", "awaiter2", "cb2")
		ticks(ctx, 1)
		c.expect(t, "end", "late awaiter, which does not wait", "cb1", "awaiter1", "awaiter2", "cb2", "soon of cb2")
	}))

	t.Run("C13 callbacks come in the order in which the tasks end, each with its task's future", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		var tasks []*async.Task[string]
		for name, d := range map[string]time.Duration{"slow": 3 * time.Second, "fast": time.Second, "cancelled": 2 * time.Second} {
			task := async.CreateTask(ctx, async.After(d, name), async.Name(name))
			task.AddDoneCallback(func(f *async.Future[string]) {
				expectEqual(t, "the argument of the callback", f, task.Future())
				c.add("%s: cancelled %v, cancel() is %v", task.Name(), f.Cancelled(), task.Cancel())
			})
			tasks = append(tasks, task)
		}
		for _, task := range tasks {
			if task.Name() == "cancelled" {
				task.Cancel()
			}
		}
		for _, task := range tasks {
			if task.Name() == "slow" {
				c.add("the awaiter gets %s", must(task.Await(ctx)))
			}
		}
		c.expect(t,
			"cancelled: cancelled true, cancel() is false",
			"fast: cancelled false, cancel() is false",
			"slow: cancelled false, cancel() is false",
			"the awaiter gets slow")
	}))

	t.Run("C14 the panic of a failed task keeps the stack of where it happened", onLoop(func(ctx context.Context, t *testing.T) {
		_, err := async.CreateTask(ctx, panicsHere).Await(ctx)
		var caught *async.PanicError
		if !errors.As(err, &caught) || caught.Value != "as it should" || !strings.Contains(string(caught.Stack), "panicsHere") {
			t.Errorf("the error is %v and not the panic with its stack", err)
		}
	}))

	t.Run("C15 every wait for a failed task returns the same error, which does not grow", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, panicsHere)
		_, first := task.Await(ctx)
		length := len(first.Error())
		for range 5 {
			_, err := task.Await(ctx)
			expectEqual(t, "the error", err, first)
			expectEqual(t, "the length of its text", len(err.Error()), length)
		}
		expectEqual(t, "Err", task.Err(), first)
	}))

	t.Run("C17 a task that panics when it is cancelled has failed and stops nobody", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			_, err := forever(ctx)
			panic(fmt.Errorf("while being told: %w", err))
		})
		ticks(ctx, 1)
		task.Cancel()
		_, err := task.Await(ctx)
		var caught *async.PanicError
		if !errors.As(err, &caught) || !strings.HasPrefix(fmt.Sprint(caught.Value), "while being told: cancelled") {
			t.Errorf("the error is %v and not the panic", err)
		}
		expectEqual(t, "Cancelled", task.Cancelled(), false)
		expectEqual(t, "Err", task.Err(), err)
	}))

	// What SystemExit is in Python, runtime.Goexit is here: it ends what runs without being anybody's error.

	t.Run("C17 a task that calls Goexit when it is cancelled ends the run", func(t *testing.T) {
		var c chronicle
		runsInto(t, &c, func(ctx context.Context) error {
			child := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				_, err := forever(ctx)
				c.add("child is told: %v", err)
				runtime.Goexit()
				return 0, nil
			})
			ticks(ctx, 1)
			child.Cancel()
			_, err := child.Await(ctx)
			c.add("main is told: %v; child is done: %v", err, child.IsDone())
			return nil
		})
		c.expect(t, "child is told: cancelled", "main is told: cancelled; child is done: true", "Goexit goes on")
	})

	t.Run("C18 a task that calls Goexit stops the loop, and the other tasks and main are cancelled", func(t *testing.T) {
		var c chronicle
		runsInto(t, &c, func(ctx context.Context) error {
			async.Go(ctx, func(ctx context.Context) error {
				_, err := forever(ctx)
				c.add("other is told: %v", err)
				return err
			})
			child := async.CreateTask(ctx, func(context.Context) (int, error) {
				running(ctx).CallLater(time.Second, c.adding("NEVER, the loop has stopped"))
				c.add("child leaves")
				runtime.Goexit()
				return 0, nil
			})
			_, err := child.Await(ctx)
			c.add("main is told: %v", err)
			return err
		})
		c.expect(t, "child leaves", "main is told: cancelled", "other is told: cancelled", "Goexit goes on")
	})

	t.Run("C20 a task that nobody holds is held by its loop", onLoop(func(ctx context.Context, t *testing.T) {
		ended := false
		func() {
			async.Go(ctx, func(ctx context.Context) error {
				// Nobody but this task has the future, either.
				f := async.NewFuture[int](ctx)
				running(ctx).CallLater(time.Second, func() { check(f.SetResult(1)) })
				_, err := f.Await(ctx)
				ended = true
				return err
			}, async.Name("left alone"))
			async.CreateTask(ctx, forever, async.Name("left alone for ever"))
		}()
		ticks(ctx, 1)
		for range 3 {
			runtime.GC()
		}
		var names []string
		for _, task := range async.AllTasks(ctx)[1:] {
			names = append(names, task.Name())
		}
		expectSlice(t, "the tasks after the garbage collection", names, []string{"left alone", "left alone for ever"})
		check(async.Sleep(ctx, 2*time.Second))
		expectEqual(t, "the end of the task", ended, true)
	}))
}

// runsInto runs main on a goroutine of its own, and adds to the chronicle whether that is left by Goexit.
func runsInto(t *testing.T, c *chronicle, main func(ctx context.Context) error) {
	t.Helper()
	guarded(t, func() {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			left := true
			defer func() {
				if left {
					c.add("Goexit goes on")
				}
			}()
			err := async.Run(main, async.Clock(loop.NewVirtual()))
			left = false
			c.add("Run has returned %v", err)
		}()
		<-ended
	})
}

// awaitable hides what a coroutine is, so that it is just something with an Await.
func awaitable(co async.Coroutine[int]) async.Awaitable[int] { return &hidden{co} }

type hidden struct{ co async.Coroutine[int] }

func (h *hidden) Await(ctx context.Context) (int, error) { return h.co(ctx) }
