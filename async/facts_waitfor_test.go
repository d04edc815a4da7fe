package async_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func TestFactsWaitFor(t *testing.T) {
	errBad := errors.New("bad")

	// asCoroutine and asTask are the two forms in which WaitFor gets what it waits for. A coroutine runs in the
	// calling task.
	forms := []struct {
		name string
		of   func(ctx context.Context, co async.Coroutine[int]) async.Awaitable[int]
	}{
		{"coroutine", func(_ context.Context, co async.Coroutine[int]) async.Awaitable[int] { return co }},
		{"task", func(ctx context.Context, co async.Coroutine[int]) async.Awaitable[int] {
			return async.CreateTask(ctx, co)
		}},
	}
	cancelledOf := func(aw async.Awaitable[int]) bool {
		task, ok := aw.(*async.Task[int])
		return !ok || task.Cancelled()
	}

	for _, form := range forms {
		t.Run("K1 the timeout is raised when the "+form.name+" has cleaned up", onLoop(func(ctx context.Context, t *testing.T) {
			var c chronicle
			start := now(ctx)
			aw := form.of(ctx, func(ctx context.Context) (int, error) {
				_, err := forever(ctx)
				c.add("inner cancelled after %v", now(ctx)-start)
				check(async.Sleep(context.WithoutCancel(ctx), time.Second))
				c.add("inner cleanup done")
				return 0, err
			})
			_, err := async.WaitFor(ctx, aw, hundredth)
			c.add("%s after %v", className(err), now(ctx)-start)
			c.expect(t, "inner cancelled after 10ms", "inner cleanup done", "TimeoutError after 1.01s")
			expectEqual(t, "cancelled", cancelledOf(aw), true)
			expectEqual(t, "the number of requests to cancel the waiting task", cancelling(ctx), 0)
			expectError(t, "a wait that follows", giveWay(ctx), nil)
		}))

		t.Run("K2 the value of a "+form.name+" that swallows the cancellation is returned", onLoop(func(ctx context.Context, t *testing.T) {
			v, err := async.WaitFor(ctx, form.of(ctx, func(ctx context.Context) (int, error) {
				if _, err := forever(ctx); !errors.Is(err, async.ErrCancelled) {
					return 0, err
				}
				return 1, nil
			}), hundredth)
			expectError(t, "WaitFor", err, nil)
			expectEqual(t, "the value", v, 1)
			expectEqual(t, "the time", now(ctx), hundredth)
		}))

		t.Run("K3 the error of a "+form.name+" in its cleanup is returned in place of the timeout", onLoop(func(ctx context.Context, t *testing.T) {
			_, err := async.WaitFor(ctx, form.of(ctx, func(ctx context.Context) (int, error) {
				if _, err := forever(ctx); !errors.Is(err, async.ErrCancelled) {
					return 0, err
				}
				return 0, errBad
			}), hundredth)
			expectEqual(t, "the error", err, errBad)
		}))
	}

	t.Run("where tasks are eager a coroutine without time runs up to its first wait", func(t *testing.T) {
		guarded(t, func() {
			check(async.Run(func(ctx context.Context) error {
				v, err := async.WaitFor(ctx, async.Coroutine[int](func(context.Context) (int, error) { return 42, nil }), 0)
				expectError(t, "WaitFor of one that does not wait", err, nil)
				expectEqual(t, "the value", v, 42)
				started := false
				_, err = async.WaitFor(ctx, async.Do(func(ctx context.Context) error {
					started = true
					_, err := forever(ctx)
					return err
				}), 0)
				expectError(t, "WaitFor of one that waits", err, async.ErrTimeout)
				expectEqual(t, "whether it was started", started, true)
				return nil
			}, async.EagerTasks()))
		})
	})

	for _, d := range []time.Duration{0, -time.Second} {
		t.Run("K4 a coroutine with a timeout of "+d.String()+" is never started", onLoop(func(ctx context.Context, t *testing.T) {
			ran := false
			_, err := async.WaitFor(ctx, async.Do(func(context.Context) error {
				ran = true
				return nil
			}), d)
			expectError(t, "WaitFor", err, async.ErrTimeout)
			ticks(ctx, 3)
			expectEqual(t, "whether it ran", ran, false)
			expectEqual(t, "the time", now(ctx), 0)
		}))

		t.Run("K5 a timeout of "+d.String()+" gives what is done and cancels and awaits what runs", onLoop(func(ctx context.Context, t *testing.T) {
			f := async.NewFuture[int](ctx)
			check(f.SetResult(42))
			before := tickNumber(ctx)
			v, err := async.WaitFor(ctx, f, d)
			expectError(t, "WaitFor of a future that is done", err, nil)
			expectEqual(t, "the value", v, 42)
			expectEqual(t, "the number of ticks", tickNumber(ctx)-before, 0)
			var c chronicle
			task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				c.add("started")
				_, err := forever(ctx)
				ticks(context.WithoutCancel(ctx), 3)
				c.add("cleaned up")
				return 0, err
			})
			ticks(ctx, 1)
			_, err = async.WaitFor(ctx, task, d)
			c.add("%s", className(err))
			c.expect(t, "started", "cleaned up", "TimeoutError")
			expectEqual(t, "cancelled", task.Cancelled(), true)
		}))
	}

	t.Run("K6 Forever waits without limit", onLoop(func(ctx context.Context, t *testing.T) {
		const years = 100 * 365 * 24 * time.Hour
		v, err := async.WaitFor(ctx, async.CreateTask(ctx, async.After(years, "done")), async.Forever)
		expectError(t, "WaitFor", err, nil)
		expectEqual(t, "the value", v, "done")
		expectEqual(t, "the time", now(ctx), years)
	}))

	for _, d := range []time.Duration{minute, async.Forever} {
		limit := "a minute"
		if d == async.Forever {
			limit = "Forever"
		}
		for _, form := range forms {
			t.Run("K7 cancelling who waits "+limit+" for a "+form.name+" cancels that and lets it clean up first", onLoop(func(ctx context.Context, t *testing.T) {
				var c chronicle
				var aw async.Awaitable[int]
				outer := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
					aw = form.of(ctx, func(ctx context.Context) (int, error) {
						_, err := forever(ctx)
						c.add("inner cancelled")
						ticks(context.WithoutCancel(ctx), 3)
						c.add("inner cleaned up")
						return 0, err
					})
					v, err := async.WaitFor(ctx, aw, d)
					c.add("outer %s", className(err))
					return v, err
				})
				ticks(ctx, 3)
				expectEqual(t, "Cancel", outer.Cancel(), true)
				waitFor(ctx, outer)
				c.expect(t, "inner cancelled", "inner cleaned up", "outer CancelledError")
				expectEqual(t, "cancelled of the outer task", outer.Cancelled(), true)
				expectEqual(t, "cancelled of the inner one", cancelledOf(aw), true)
			}))
		}
	}

	for _, swallows := range []bool{true, false} {
		name := "a cancellation after the timeout reaches the inner task too"
		want := []string{"inner swallows the timeout's", "inner gets another one", "WaitFor: 0, CancelledError"}
		if swallows {
			name = "a value is returned if the inner task swallows the timeout's cancellation and the caller's"
			want[2] = "WaitFor: 42, no error"
		}
		t.Run("K8 "+name, onLoop(func(ctx context.Context, t *testing.T) {
			var c chronicle
			var inner *async.Task[int]
			outer := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				inner = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
					if err := untilCancelled(ctx); errors.Is(err, async.ErrCancelled) {
						c.add("inner swallows the timeout's")
					}
					if err := untilCancelled(async.Uncancel(ctx)); errors.Is(err, async.ErrCancelled) {
						c.add("inner gets another one")
						if !swallows {
							return 0, err
						}
					}
					return 42, nil
				})
				v, err := async.WaitFor(ctx, inner, hundredth)
				says := "no error"
				if err != nil {
					says = className(err)
				}
				c.add("WaitFor: %d, %s", v, says)
				return v, err
			})
			check(async.Sleep(ctx, 5*hundredth))
			expectEqual(t, "Cancel", outer.Cancel(), true)
			waitFor(ctx, outer)
			c.expect(t, want...)
			expectEqual(t, "cancelled of the outer task", outer.Cancelled(), !swallows)
			expectEqual(t, "cancelled of the inner task", inner.Cancelled(), !swallows)
		}))
	}

	t.Run("K9 a cancellation in the tick of the result is not lost", onLoop(func(ctx context.Context, t *testing.T) {
		f := async.NewFuture[int](ctx)
		outer := async.CreateTask(ctx, func(ctx context.Context) (int, error) { return async.WaitFor(ctx, f, minute) })
		ticks(ctx, 1)
		check(f.SetResult(42))
		expectEqual(t, "Cancel", outer.Cancel(), true)
		_, err := outer.Await(ctx)
		expectError(t, "the outer task", err, async.ErrCancelled)
		expectEqual(t, "cancelled", outer.Cancelled(), true)
	}))

	t.Run("K10 a result in time is returned", onLoop(func(ctx context.Context, t *testing.T) {
		v, err := async.WaitFor(ctx, async.After(10*hundredth, "ok"), 20*hundredth)
		expectError(t, "WaitFor", err, nil)
		expectEqual(t, "the value", v, "ok")
		expectEqual(t, "the time", now(ctx), 10*hundredth)
		check(async.Sleep(ctx, minute)) // the timeout is gone
		expectEqual(t, "the number of requests to cancel the waiting task", cancelling(ctx), 0)
	}))

	for _, form := range forms {
		t.Run("K11 a "+form.name+" that waits for a Condition has its lock again after the timeout", onLoop(func(ctx context.Context, t *testing.T) {
			cond := async.NewCondition(nil)
			err := cond.With(ctx, func(ctx context.Context) error {
				_, err := async.WaitFor(ctx, form.of(ctx, func(ctx context.Context) (int, error) { return 0, cond.Wait(ctx) }), hundredth)
				expectEqual(t, "locked after the timeout", cond.Locked(), true)
				return err
			})
			expectError(t, "the block", err, async.ErrTimeout)
			expectEqual(t, "the time", now(ctx), hundredth)
			expectEqual(t, "locked behind the block", cond.Locked(), false)
		}))
	}

	t.Run("K12 a shield keeps the timeout from cancelling", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, async.After(time.Second, 42))
		_, err := async.WaitFor(ctx, async.ShieldFuture(ctx, task), hundredth)
		expectError(t, "WaitFor", err, async.ErrTimeout)
		expectEqual(t, "the time", now(ctx), hundredth)
		expectEqual(t, "the number of requests to cancel the task", task.Cancelling(), 0)
		expectEqual(t, "the result of the task", must(task.Await(ctx)), 42)
	}))

	for _, form := range forms {
		t.Run("K13 a "+form.name+" that waits for an item leaves the line of the Queue, and swallows no later one", onLoop(func(ctx context.Context, t *testing.T) {
			q := async.NewQueue[int](0)
			_, err := async.WaitFor(ctx, form.of(ctx, q.Get), hundredth)
			expectError(t, "WaitFor", err, async.ErrTimeout)
			expectEqual(t, "how many wait for an item", q.Stats().Getters, 0)
			check(q.Put(ctx, 7))
			check(async.Sleep(ctx, 0))
			expectEqual(t, "the length", q.Len(), 1)
			expectEqual(t, "the item", must(q.GetNowait()), 7)
		}))
	}
}
