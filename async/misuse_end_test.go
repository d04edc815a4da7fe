package async_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/gather"
	"github.com/asyncgo/asyncgo/internal/loop"
)

func TestEndOfRunAmongOtherGoroutines(t *testing.T) {
	t.Run("the leftovers are cancelled and waited for while other goroutines use the loop", func(t *testing.T) {
		guarded(t, func() {
			for range 25 {
				var over atomic.Bool
				var users sync.WaitGroup
				var cleaned bool
				expectError(t, "Run", async.Run(func(ctx context.Context) error {
					l := running(ctx)
					for range 2 {
						users.Go(func() {
							for !over.Load() {
								l.CallLater(time.Hour, func() {}).Cancel()
							}
						})
					}
					async.Go(ctx, func(ctx context.Context) error {
						err := hanging(ctx)
						ticks(context.WithoutCancel(ctx), 3)
						cleaned = true
						return err
					})
					ticks(ctx, 3)
					return nil
				}), nil)
				over.Store(true)
				users.Wait()
				if !cleaned {
					t.Error("a leftover was not cancelled, or not waited for")
					return
				}
			}
		})
	})
	t.Run("a task that another goroutine creates is done in the end, also if the loop closes that moment", func(t *testing.T) {
		guarded(t, func() {
			for range 20 {
				var users sync.WaitGroup
				var tasks [2][]*async.Task[int]
				expectError(t, "Run", async.Run(func(ctx context.Context) error {
					l := running(ctx)
					for i := range tasks {
						users.Go(func() {
							// Without a limit they would keep the loop busy for ever.
							for refused := false; !refused && len(tasks[i]) < 1500; {
								task := async.CreateTask(l.Context(), async.After(0, 1))
								tasks[i] = append(tasks[i], task)
								refused = errors.Is(task.Err(), async.ErrLoopClosed)
							}
						})
					}
					return nil
				}), nil)
				users.Wait()
				for _, task := range slices.Concat(tasks[0], tasks[1]) {
					if !task.IsDone() {
						t.Errorf("%v will never be done", task)
						return
					}
				}
			}
		})
	})
	t.Run("a function of an executor that needs the loop gets it, and Run waits for both", func(t *testing.T) {
		guarded(t, func() {
			var job *async.Future[int]
			expectError(t, "Run", async.Run(func(ctx context.Context) error {
				l := running(ctx)
				over := async.CurrentTask(ctx).(*async.Task[async.Void])
				job = async.RunInExecutor(ctx, nil, func() (int, error) {
					<-over.Done()
					return async.RunCoroutineThreadsafe(l, async.After(0, 42)).Await(context.Background())
				})
				return nil
			}), nil)
			// Whether the coroutine still runs or is cancelled like all that is left, the function must not wait for ever.
			expectEqual(t, "the function has returned", job.IsDone(), true)
		})
	})
	t.Run("functions can be handed to the executor from other goroutines until the end", func(t *testing.T) {
		guarded(t, func() {
			for range 25 {
				var users sync.WaitGroup
				expectError(t, "Run", async.Run(func(ctx context.Context) error {
					l := running(ctx)
					for range 2 {
						users.Go(func() {
							for range 20 {
								async.RunInExecutor(l.Context(), nil, func() (int, error) { return 1, nil })
							}
						})
					}
					return nil
				}), nil)
				users.Wait()
			}
		})
	})
	t.Run("a Goexit in the handler of errors that nobody looked at does not keep the loop open", func(t *testing.T) {
		guarded(t, func() {
			var l *async.Loop
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				async.Run(func(ctx context.Context) error {
					l = running(ctx)
					async.Go(ctx, func(context.Context) error { return errors.New("nobody looks at it") })
					ticks(ctx, 2)
					return nil
				}, async.ExceptionHandler(func(*async.Loop, async.ExceptionContext) { runtime.Goexit() }))
			}()
			<-ended
			expectEqual(t, "the loop is closed", l.IsClosed(), true)
		})
	})
	t.Run("a second Goexit, in the cleanup of a leftover, does not take the cleanup from the others", func(t *testing.T) {
		var c chronicle
		runsInto(t, &c, func(ctx context.Context) error {
			async.Go(ctx, func(ctx context.Context) error {
				hanging(ctx)
				runtime.Goexit()
				return nil
			})
			async.Go(ctx, func(ctx context.Context) error {
				err := hanging(ctx)
				check(async.Sleep(context.WithoutCancel(ctx), time.Second))
				c.add("cleaned up")
				return err
			})
			ticks(ctx, 1)
			runtime.Goexit()
			return nil
		})
		c.expect(t, "cleaned up", "Goexit goes on")
	})
	t.Run("a second Goexit while a task blocks in place does not panic", func(t *testing.T) {
		inProcess(t, func(t *testing.T) {
			var c chronicle
			released := make(chan struct{})
			runsInto(t, &c, func(ctx context.Context) error {
				async.Go(ctx, func(ctx context.Context) error {
					_, err := async.Block(ctx, func(context.Context) (int, error) {
						<-released
						return 0, nil
					})
					return err
				})
				async.Go(ctx, func(ctx context.Context) error {
					hanging(ctx)
					close(released)
					runtime.Goexit()
					return nil
				})
				ticks(ctx, 1)
				runtime.Goexit()
				return nil
			})
			c.expect(t, "Goexit goes on")
		})
	})
}

func TestAwaitablesThatNeverStart(t *testing.T) {
	// What becomes a task in a gather can be cancelled before its first step, and then its body never runs.
	combined := map[string]func(ctx context.Context) error{
		"Gather": func(ctx context.Context) error {
			_, err := async.Gather[int](ctx, awaitsLong{}, awaitsLong{})
			return err
		},
		"GatherSettled": func(ctx context.Context) error {
			_, err := async.GatherSettled[int](ctx, awaitsLong{}, awaitsLong{})
			return err
		},
		"Race": func(ctx context.Context) error {
			_, err := async.Race[int](ctx, awaitsLong{}, awaitsLong{})
			return err
		},
		"Any": func(ctx context.Context) error {
			_, err := gather.Any[int](ctx, awaitsLong{}, awaitsLong{})
			return err
		},
		"Map": func(ctx context.Context) error {
			_, err := gather.Map(ctx, 0, slices.Values([]int{1, 2}), func(ctx context.Context, _ int) (int, error) { return forever(ctx) })
			return err
		},
		"Map with a limit": func(ctx context.Context) error {
			_, err := gather.Map(ctx, 1, slices.Values([]int{1, 2}), func(ctx context.Context, _ int) (int, error) { return forever(ctx) })
			return err
		},
	}
	for name, wait := range combined {
		t.Run(name+" in a task that is cancelled already returns", func(t *testing.T) {
			guarded(t, func() {
				onVirtual(t, func(ctx context.Context) error {
					task := async.Go(ctx, func(ctx context.Context) error {
						async.CurrentTask(ctx).Cancel()
						return wait(ctx)
					})
					_, err := task.Await(ctx)
					expectError(t, "the task", err, async.ErrCancelled)
					return nil
				})
			})
		})
	}
	t.Run("the future of a gather that is cancelled at once is done", func(t *testing.T) {
		guarded(t, func() {
			onVirtual(t, func(ctx context.Context) error {
				f := async.GatherFuture[int](ctx, awaitsLong{})
				f.Cancel()
				ticks(ctx, 5)
				expectError(t, "the gather", f.Err(), async.ErrCancelled)
				return nil
			})
		})
	})
	t.Run("Map on a plain goroutine returns when a call is left by Goexit", func(t *testing.T) {
		guarded(t, func() {
			_, err := gather.Map(context.Background(), 0, slices.Values([]int{1, 2}), func(context.Context, int) (int, error) {
				runtime.Goexit()
				return 0, nil
			})
			expectError(t, "Map", err, async.ErrCancelled)
		})
	})
}

// remains is what a program can keep of a run.
type remains struct {
	loop                   *async.Loop
	ctx, taskCtx, groupCtx context.Context
	done, cancelled        *async.Task[int]
	pending                *async.Future[int]
	gather                 *async.Future[[]int]
	group                  *async.TaskGroup
	timeout                *async.TimeoutScope
	soon                   *async.Handle
	later                  *async.TimerHandle
	cancel                 context.CancelFunc
	remove                 func() bool
	v                      *async.ContextVar[int]
	token                  async.Token
}

// afterRun returns what is left of a run.
func afterRun(t *testing.T) (r remains) {
	t.Helper()
	expectError(t, "Run", async.Run(func(ctx context.Context) error {
		r.ctx, r.loop = ctx, running(ctx)
		r.v = async.NewContextVar("v", 0)
		r.token = r.v.Set(ctx, 1)
		r.pending = async.NewFuture[int](ctx)
		r.remove = r.pending.AddDoneCallback(func(*async.Future[int]) { t.Error("a callback is called after the run") })
		r.gather = async.GatherFuture[int](ctx, r.pending)
		r.done = async.CreateTask(ctx, async.After(0, 42))
		r.cancelled = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			r.taskCtx = ctx
			return forever(ctx)
		})
		r.soon = running(ctx).CallSoon(func() {})
		r.later = running(ctx).CallLater(time.Hour, func() { t.Error("a timer fires after the run") })
		_, r.cancel = async.WithTimeout(ctx, time.Minute)
		check(async.Timeout(ctx, time.Minute, func(_ context.Context, ts *async.TimeoutScope) error {
			r.timeout = ts
			return nil
		}))
		check(async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
			r.group, r.groupCtx = tg, ctx
			return nil
		}))
		ticks(ctx, 3)
		return nil
	}, async.Clock(loop.NewVirtual())), nil)
	return r
}

func TestUseAfterRun(t *testing.T) {
	background := context.Background()
	co := func(context.Context) (int, error) {
		t.Error("a coroutine runs after the run")
		return 0, nil
	}
	for name, use := range map[string]func(t *testing.T, r remains){
		"the loop says that it is closed": func(t *testing.T, r remains) {
			expectEqual(t, "IsClosed", r.loop.IsClosed(), true)
			expectEqual(t, "IsRunning", r.loop.IsRunning(), false)
			expectError(t, "RunForever", r.loop.RunForever(), async.ErrLoopClosed)
			expectError(t, "RunUntilComplete", errorOf(async.RunUntilComplete(r.loop, async.Coroutine[int](co))), async.ErrLoopClosed)
			expectError(t, "RunUntilComplete of a task that is done", errorOf(async.RunUntilComplete(r.loop, r.done)), async.ErrLoopClosed)
			expectError(t, "Close", r.loop.Close(), nil)
			expectEqual(t, "its Stats", async.Stats(r.loop), async.LoopStats{})
			expectError(t, "ShutdownDefaultExecutor", r.loop.ShutdownDefaultExecutor(background), nil)
			r.loop.Stop()
			r.loop.SetDebug(r.loop.Debug())
			r.loop.Time()
		},
		"the loop takes no callbacks": func(t *testing.T, r remains) {
			never := func() { t.Error("a callback is called after the run") }
			expectEqual(t, "Cancelled of CallSoon", r.loop.CallSoon(never).Cancelled(), true)
			expectEqual(t, "Cancelled of CallLater", r.loop.CallLater(0, never).Cancelled(), true)
			expectEqual(t, "Cancelled of CallAt", r.loop.CallAt(0, never).Cancelled(), true)
		},
		"the loop still tells the handler of errors": func(t *testing.T, r remains) {
			var c chronicle
			r.loop.SetExceptionHandler(func(_ *async.Loop, e async.ExceptionContext) { c.add("%s", e.Message) })
			r.loop.CallExceptionHandler(async.ExceptionContext{Message: "bad"})
			c.expect(t, "bad")
		},
		"every ctx of the run belongs to no running loop": func(t *testing.T, r remains) {
			for _, ctx := range []context.Context{r.ctx, r.taskCtx, r.groupCtx, r.loop.Context()} {
				expectError(t, "RunningLoop", errorOf(async.RunningLoop(ctx)), async.ErrNoLoop)
				expectEqual(t, "the number of tasks", len(async.AllTasks(ctx)), 0)
				if async.CurrentTask(ctx) != nil {
					t.Error("there is a current task")
				}
				if async.Uncancel(ctx) != ctx {
					t.Error("Uncancel has made a context")
				}
				expectError(t, "CreateTask", async.CreateTask(ctx, co).Err(), async.ErrLoopClosed)
				expectError(t, "CreateTask of an eager task", async.CreateTask(ctx, co, async.Eager()).Err(), async.ErrLoopClosed)
				expectError(t, "CreateTask with a name", async.CreateTask(ctx, co, async.Name("late")).Err(), async.ErrLoopClosed)
				expectError(t, "Go", async.Go(ctx, func(ctx context.Context) error { return errorOf(co(ctx)) }).Err(), async.ErrLoopClosed)
				expectError(t, "EnsureFuture", async.EnsureFuture(ctx, async.Coroutine[int](co)).Err(), async.ErrLoopClosed)
				expectError(t, "RunInExecutor", async.RunInExecutor(ctx, nil, func() (int, error) { return co(ctx) }).Err(), async.ErrLoopClosed)
			}
			expectError(t, "RunCoroutineThreadsafe", async.RunCoroutineThreadsafe(r.loop, co).Err(), async.ErrLoopClosed)
		},
		"every wait with a ctx of the run returns an error": func(t *testing.T, r remains) {
			for _, w := range wrongWaits {
				if w.name == "ToThread" || w.name == "Await of a future without a loop" {
					continue // ToThread calls the function here, which waits for a ctx that is not done
				}
				for _, ctx := range []context.Context{r.ctx, r.taskCtx, r.groupCtx, r.loop.Context()} {
					if err := w.wait(ctx); err == nil {
						t.Errorf("%s returns no error", w.name)
					}
				}
			}
		},
		"what is done can be asked and awaited": func(t *testing.T, r remains) {
			for _, ctx := range []context.Context{background, r.ctx, r.loop.Context()} {
				expectEqual(t, "the result of the task", must(r.done.Await(ctx)), 42)
				expectError(t, "the task that was cancelled", errorOf(r.cancelled.Await(ctx)), async.ErrCancelled)
				done, _, err := async.Wait(ctx, []*async.Task[int]{r.done, r.cancelled})
				expectError(t, "Wait", err, nil)
				expectEqual(t, "the number of tasks that are done", len(done), 2)
				expectEqual(t, "the result of Race", must(async.Race[int](ctx, r.done)), 42)
				expectEqual(t, "the result of Shield", must(async.Shield[int](ctx, r.done)), 42)
				for v, err := range async.AsCompleted[int](ctx, r.done) {
					expectEqual(t, "the result of AsCompleted", v, 42)
					expectError(t, "AsCompleted", err, nil)
				}
			}
			<-r.done.Done()
			<-r.cancelled.Done()
			expectEqual(t, "Cancel of a task that is done", r.done.Cancel(), false)
			expectEqual(t, "Cancel of one that was cancelled", r.cancelled.Cancel(), false)
			r.done.SetName("late")
			expectEqual(t, "the name", r.done.Name(), "late")
			if r.done.String() == "" {
				t.Error("a task has no text")
			}
			r.done.AddDoneCallback(func(*async.Future[int]) { t.Error("a callback is called after the run") })()
		},
		"a future that is pending can be completed, once": func(t *testing.T, r remains) {
			check(r.pending.SetResult(1))
			expectError(t, "the second time", r.pending.SetResult(2), async.ErrInvalidState)
			expectEqual(t, "the result", must(r.pending.Await(background)), 1)
			expectEqual(t, "taking the callback back", r.remove(), false)
		},
		"a future that is pending is not awaited with the ctx of the loop": func(t *testing.T, r remains) {
			expectError(t, "Await", errorOf(r.pending.Await(r.loop.Context())), async.ErrLoopClosed)
		},
		"a future that is pending can be cancelled, once": func(t *testing.T, r remains) {
			expectEqual(t, "Cancel", r.pending.Cancel(), true)
			expectEqual(t, "Cancel again", r.pending.Cancel(), false)
			expectError(t, "the future", errorOf(r.pending.Await(r.ctx)), async.ErrCancelled)
		},
		"a gather that was pending ends with its children": func(t *testing.T, r remains) {
			check(r.pending.SetResult(1))
			expectEqual(t, "the result", must(r.gather.Await(background))[0], 1)
		},
		"a gather that was pending can be cancelled": func(t *testing.T, r remains) {
			expectEqual(t, "Cancel", r.gather.Cancel(), true)
			expectError(t, "the gather", errorOf(r.gather.Await(background)), async.ErrCancelled)
			expectEqual(t, "the child is cancelled", r.pending.Cancelled(), true)
		},
		"a group takes no tasks": func(t *testing.T, r remains) {
			expectError(t, "Spawn", async.Spawn(r.group, co).Err(), async.ErrShutdown)
			expectError(t, "Go", r.group.Go(func(ctx context.Context) error { return errorOf(co(ctx)) }).Err(), async.ErrShutdown)
			expectEqual(t, "the number of errors", len(r.group.Errs()), 0)
			expectEqual(t, "its text", r.group.String(), "TaskGroup()")
		},
		"a timeout cannot be moved": func(t *testing.T, r remains) {
			expectError(t, "Reschedule", r.timeout.Reschedule(async.Forever), async.ErrTimeoutState)
			expectEqual(t, "Expired", r.timeout.Expired(), false)
		},
		"handles, timers and contexts can be cancelled": func(_ *testing.T, r remains) {
			r.soon.Cancel()
			r.later.Cancel()
			r.later.Cancel()
			r.later.When()
			r.cancel()
			r.cancel()
		},
		"variables can be read": func(t *testing.T, r remains) {
			expectEqual(t, "the variable", r.v.Get(r.ctx), 1)
			r.v.Reset(r.ctx, r.token)
			expectEqual(t, "the variable after Reset", r.v.Get(r.ctx), 0)
			expectEqual(t, "the variable without a ctx of the run", r.v.Get(background), 0)
		},
		"functions for other goroutines are called right here": func(t *testing.T, r remains) {
			for _, ctx := range []context.Context{r.ctx, r.loop.Context()} {
				answer := func(context.Context) (int, error) { return 42, nil }
				expectEqual(t, "the result of ToThread", must(async.ToThread(ctx, answer)), 42)
				expectEqual(t, "the result of Block", must(async.Block(ctx, answer)), 42)
			}
		},
	} {
		t.Run("on a plain goroutine "+name, func(t *testing.T) {
			guarded(t, func() { use(t, afterRun(t)) })
		})
		switch name {
		case "every ctx of the run belongs to no running loop", "the loop says that it is closed", "functions for other goroutines are called right here",
			"every wait with a ctx of the run returns an error", "variables can be read":
			continue // in a task it is the loop of the task, or the task's variables, that count
		}
		t.Run("in a task of the next run "+name, func(t *testing.T) {
			guarded(t, func() {
				r := afterRun(t)
				onVirtual(t, func(context.Context) error {
					use(t, r)
					return nil
				})
			})
		})
	}
	t.Run("what is done can be gathered with a ctx of the run", func(t *testing.T) {
		guarded(t, func() {
			r := afterRun(t)
			expectEqual(t, "the result on a plain goroutine", must(async.Gather[int](r.ctx, r.done))[0], 42)
			onVirtual(t, func(context.Context) error {
				expectEqual(t, "the result in a task", must(async.Gather[int](r.ctx, r.done))[0], 42)
				return nil
			})
		})
	})
	t.Run("children of a gather whose loop is closed can end at the same time", func(t *testing.T) {
		guarded(t, func() {
			for range 200 {
				var children [4]*async.Future[int]
				var all *async.Future[[]int]
				check(async.Run(func(ctx context.Context) error {
					for i := range children {
						children[i] = async.NewFuture[int](ctx)
					}
					all = async.GatherFuture[int](ctx, children[0], children[1], children[2], children[3])
					return nil
				}))
				for _, f := range children {
					go f.SetResult(1)
				}
				expectEqual(t, "the number of results", len(must(all.Await(background))), 4)
			}
		})
	})
	t.Run("a group with the ctx of a loop that is closed waits for its children and says why it ends", func(t *testing.T) {
		onLoop(func(ctx context.Context, t *testing.T) {
			closed := async.NewLoop()
			check(closed.Close())
			var child *async.Task[async.Void]
			err := async.WithTaskGroup(closed.Context(), func(_ context.Context, tg *async.TaskGroup) error {
				child = tg.Go(func(ctx context.Context) error {
					err := hanging(ctx)
					ticks(context.WithoutCancel(ctx), 3)
					return err
				})
				ticks(ctx, 1)
				return nil
			})
			expectError(t, "the group", err, async.ErrLoopClosed)
			expectEqual(t, "the child is done", child.IsDone(), true)
		})(t)
	})
	t.Run("a wait in a task of the next run, with a ctx of the last one, is cancelled with the task", onLoop(func(ctx context.Context, t *testing.T) {
		ended := make(chan remains, 1)
		go func() { ended <- afterRun(t) }()
		r := <-ended
		for _, w := range wrongWaits {
			for _, old := range []context.Context{r.ctx, r.groupCtx, r.loop.Context()} {
				if w.name == "the end of a TaskGroup" && old == r.loop.Context() {
					continue // see the test above
				}
				task := async.Go(ctx, func(context.Context) error { return w.wait(old) })
				ticks(ctx, 3)
				task.Cancel()
				waitFor(ctx, task)
				if task.Err() == nil {
					t.Errorf("%s has ended without an error", w.name)
				}
			}
		}
	}))
}
