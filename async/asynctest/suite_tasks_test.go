package asynctest_test

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

var taskSurvivors = []survivor{
	{"TaskGroup", func(ctx context.Context) error {
		running := 0
		asynctest.Invariant(ctx, func() error { return same("running tasks", running, 0) })
		return three(ctx, func(ctx context.Context, _, _ int) error {
			return async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
				for range 2 {
					tg.Go(func(ctx context.Context) error {
						running++
						defer func() { running-- }()
						return pause(ctx)
					})
				}
				return nil
			})
		})
	}},
	{"Timeout, WaitFor and Shield", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, task, turn int) error {
			work := async.After(time.Duration(task)*time.Second, turn)
			_, err := async.WaitFor(ctx, work, time.Second)
			if err != nil && !errors.Is(err, async.ErrTimeout) {
				return err
			}
			err = async.Timeout(ctx, time.Second, func(ctx context.Context, _ *async.TimeoutScope) error {
				_, err := async.Shield(ctx, async.CreateTask(ctx, work))
				return err
			})
			if errors.Is(err, async.ErrTimeout) {
				return nil
			}
			return err
		})
	}},
	{"Gather", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, task, turn int) error {
			a := async.CreateTask(ctx, async.After(0, task))
			b := async.CreateTask(ctx, async.After(time.Second, turn))
			got, err := async.Gather(ctx, a, b)
			if err != nil {
				return err
			}
			return same("the results", [2]int{got[0], got[1]}, [2]int{task, turn})
		})
	}},
	{"Wait", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, _, _ int) error {
			a := async.Go(ctx, pause)
			b := async.Go(ctx, func(ctx context.Context) error { return async.Sleep(ctx, time.Second) })
			_, _, err := async.Wait(ctx, []*async.Task[async.Void]{a, b})
			return err
		})
	}},
	{"TaskGroup with a child that fails", func(ctx context.Context) error {
		broken := errors.New("broken")
		running := 0
		asynctest.Invariant(ctx, func() error { return same("running tasks", running, 0) })
		return three(ctx, func(ctx context.Context, _, _ int) error {
			err := async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
				tg.Go(func(ctx context.Context) error {
					running++
					defer func() { running-- }()
					return async.Sleep(ctx, time.Hour)
				})
				tg.Go(func(ctx context.Context) error {
					if err := pause(ctx); err != nil {
						return err
					}
					return broken
				})
				return nil
			})
			var group *async.ErrorGroup
			if !errors.As(err, &group) {
				return err
			}
			return errors.Join(slices.DeleteFunc(slices.Clone(group.Errs), func(err error) bool { return err == broken })...)
		})
	}},
	{"AsCompleted", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, task, turn int) error {
			last := -1
			for v, err := range async.AsCompleted(ctx, async.After(2*time.Second, 2), async.After(0, 0), async.After(time.Second, 1)) {
				if err != nil {
					return err
				}
				if v != last+1 {
					return same("the next one to end", v, last+1)
				}
				last = v
			}
			return same("the last one to end", last, 2)
		})
	}},
	{"Completed", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, _, _ int) error {
			a := async.Go(ctx, func(ctx context.Context) error { return async.Sleep(ctx, time.Second) })
			b := async.Go(ctx, pause)
			var order []*async.Task[async.Void]
			for task := range async.Completed(ctx, []*async.Task[async.Void]{a, b}) {
				if !task.IsDone() {
					return errors.New("a task was named that is not done")
				}
				order = append(order, task)
			}
			if len(order) == 2 && order[0].Err() == nil && order[0] != b {
				return errors.New("the later task came first")
			}
			_, err := async.Gather(ctx, a, b)
			return err
		})
	}},
	{"Race", func(ctx context.Context) error {
		running := 0
		asynctest.Invariant(ctx, func() error { return same("running tasks", running, 0) })
		after := func(d time.Duration, v int) async.Coroutine[int] {
			return func(ctx context.Context) (int, error) {
				running++
				defer func() { running-- }()
				return v, async.Sleep(ctx, d)
			}
		}
		l, err := async.RunningLoop(ctx)
		if err != nil {
			return err
		}
		return three(ctx, func(ctx context.Context, _, turn int) error {
			began := l.Time()
			v, err := async.Race(ctx, after(time.Hour, -1), after(time.Duration(turn)*time.Second, turn))
			if err != nil {
				return err
			}
			return errors.Join(same("the winner", v, turn), same("the time", l.Time() < began+time.Hour, true))
		})
	}},
	{"GatherSettled", func(ctx context.Context) error {
		broken := errors.New("broken")
		return three(ctx, func(ctx context.Context, task, turn int) error {
			got, err := async.GatherSettled[int](ctx, async.After(time.Second, turn), async.Coroutine[int](func(ctx context.Context) (int, error) {
				return 0, errors.Join(pause(ctx), broken)
			}))
			if err != nil {
				return err
			}
			if got[0].Err != nil {
				return got[0].Err
			}
			if !errors.Is(got[1].Err, broken) {
				return got[1].Err
			}
			return same("the result", got[0].Value, turn)
		})
	}},
	{"Wait for the first", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, _, _ int) error {
			a := async.Go(ctx, pause)
			b := async.Go(ctx, func(ctx context.Context) error { return async.Sleep(ctx, time.Second) })
			done, pending, err := async.Wait(ctx, []*async.Task[async.Void]{a, b}, async.FirstCompleted)
			if err != nil {
				return err
			}
			for _, task := range pending {
				task.Cancel()
			}
			_, err = async.GatherSettled(ctx, a, b)
			return errors.Join(err, same("all tasks", len(done)+len(pending), 2))
		})
	}},
	{"eager tasks", func(ctx context.Context) error {
		t := asynctest.TB(ctx)
		var l async.Lock
		free(ctx, &l, "Lock(unlocked)")
		use := exclusive(ctx, 1)
		return three(ctx, func(ctx context.Context, _, turn int) error {
			begun := false
			task := async.Go(ctx, func(ctx context.Context) error {
				begun = true
				if turn == 2 {
					return nil
				}
				return l.With(ctx, use)
			}, async.Eager())
			if !begun || turn == 2 && !task.IsDone() {
				t.Error("an eager task has not run at once")
			}
			_, err := task.Await(ctx)
			return err
		})
	}},
	{"eager tasks in a TaskGroup", func(ctx context.Context) error {
		running := 0
		asynctest.Invariant(ctx, func() error { return same("running tasks", running, 0) })
		return three(ctx, func(ctx context.Context, _, _ int) error {
			return async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
				for range 2 {
					tg.Go(func(ctx context.Context) error {
						running++
						defer func() { running-- }()
						return pause(ctx)
					}, async.Eager())
				}
				return pause(ctx)
			})
		})
	}},
	{"Cancel and Uncancel", func(ctx context.Context) error {
		cleaned := 0
		begun := 0
		asynctest.Invariant(ctx, func() error { return same("tasks that have cleaned up", cleaned, begun) })
		return three(ctx, func(ctx context.Context, _, turn int) error {
			task := async.Go(ctx, func(ctx context.Context) error {
				begun++
				defer func() { cleaned++ }()
				err := async.Sleep(ctx, time.Hour)
				if turn == 1 && errors.Is(err, async.ErrCancelled) {
					return pause(async.Uncancel(ctx)) // goes on all the same
				}
				return err
			})
			if err := pause(ctx); err != nil {
				task.Cancel()
				return err
			}
			task.Cancel()
			_, err := async.GatherSettled(ctx, task)
			return err
		})
	}},
	{"done callbacks", func(ctx context.Context) error {
		t := asynctest.TB(ctx)
		called, made := 0, 0
		asynctest.Invariant(ctx, func() error { return same("callbacks", called, made) })
		return three(ctx, func(ctx context.Context, _, _ int) error {
			task := async.Go(ctx, pause)
			last := 0
			for n := 1; n <= 2; n++ {
				made++
				task.AddDoneCallback(func(f *async.Future[async.Void]) {
					if called++; !f.IsDone() || last != n-1 {
						t.Error("a callback is out of order")
					}
					last = n
				})
			}
			_, err := task.Await(ctx)
			return err
		})
	}},
	{"a future that one sets and others await", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, task, turn int) error {
			f := async.NewFuture[int](ctx)
			get := func(ctx context.Context) error {
				v, err := async.Shield(ctx, f)
				if err != nil {
					return err
				}
				return same("the result", v, turn)
			}
			a, b := async.Go(ctx, get), async.Go(ctx, get)
			err := pause(ctx)
			f.SetResult(turn)
			_, other := async.Gather(ctx, a, b)
			return errors.Join(err, other)
		})
	}},
	{"ContextVar", func(ctx context.Context) error {
		v := async.NewContextVar("v", -1)
		return three(ctx, func(ctx context.Context, task, turn int) error {
			token := v.Set(ctx, 10*task+turn)
			child := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				got := v.Get(ctx)
				v.Set(ctx, -2) // nobody else sees it
				return got, pause(ctx)
			})
			got, err := child.Await(ctx)
			if err != nil {
				return err
			}
			err = errors.Join(same("what the child sees", got, 10*task+turn), same("what the task sees", v.Get(ctx), 10*task+turn))
			v.Reset(ctx, token)
			return errors.Join(err, same("what was there before", v.Get(ctx), -1))
		})
	}},
	{"ToThread", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, task, turn int) error {
			got, err := async.ToThread(ctx, func(context.Context) (int, error) { return 10*task + turn, nil })
			if err != nil {
				return err
			}
			return same("the result", got, 10*task+turn)
		})
	}},
	{"RunInExecutor", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, task, turn int) error {
			got, err := async.RunInExecutor(ctx, nil, func() (int, error) { return 10*task + turn, nil }).Await(ctx)
			if err != nil {
				return err
			}
			return same("the result", got, 10*task+turn)
		})
	}},
	{"Block", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, task, turn int) error {
			got, err := async.Block(ctx, func(context.Context) (int, error) { return 10*task + turn, nil })
			if err != nil {
				return err
			}
			return same("the result", got, 10*task+turn)
		})
	}},
}
