package async_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// told waits for f and returns the cancellation, which it adds to the chronicle together with who was told.
func (c *chronicle) told(ctx context.Context, who string, f async.Awaitable[int]) error {
	_, err := f.Await(ctx)
	c.add("%s: %v", who, err)
	return err
}

func TestFactsOfCancellation(t *testing.T) {
	errBad := errors.New("bad")

	t.Run("D1 a task that is cancelled before its start never runs", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		task := async.Go(ctx, func(context.Context) error {
			defer c.add("NEVER, a deferred call")
			c.add("NEVER, the body")
			return nil
		})
		task.AddDoneCallback(func(f *async.Future[async.Void]) { c.add("callback: cancelled %v", f.Cancelled()) })
		expectEqual(t, "Cancel", task.Cancel("early"), true)
		expectEqual(t, "IsDone right after", task.IsDone(), false)
		expectEqual(t, "Cancelled right after", task.Cancelled(), false)
		expectEqual(t, "Cancelling right after", task.Cancelling(), 1)
		c.expect(t)
		ticks(ctx, 1)
		expectEqual(t, "IsDone after a tick", task.IsDone(), true)
		c.expect(t)
		ticks(ctx, 1)
		c.expect(t, "callback: cancelled true")
		_, err := task.Await(ctx)
		expectError(t, "the task", err, async.ErrCancelled)
		expectEqual(t, "the message", cancelMessage(err), "early")
	}))

	t.Run("D2 cancelling a task cancels at once the future that it waits for", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		f := async.NewFuture[int](ctx)
		task := async.Go(ctx, func(ctx context.Context) error { return c.told(ctx, "task", f) })
		ticks(ctx, 1)
		expectEqual(t, "Cancel", task.Cancel("msg"), true)
		expectEqual(t, "Cancelled of the future", f.Cancelled(), true)
		expectEqual(t, "IsDone of the task", task.IsDone(), false)
		c.expect(t)
		ticks(ctx, 1)
		c.expect(t, "task: cancelled: msg")
		expectEqual(t, "Cancelled of the task", task.Cancelled(), true)
		expectEqual(t, "the message", cancelMessage(task.Err()), "msg")
	}))

	t.Run("D2 cancelling the future ends the task in the same way", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		f := async.NewFuture[int](ctx)
		task := async.Go(ctx, func(ctx context.Context) error { return c.told(ctx, "task", f) })
		ticks(ctx, 1)
		expectEqual(t, "Cancel", f.Cancel("msg"), true)
		expectEqual(t, "Cancelling of the task", task.Cancelling(), 0)
		ticks(ctx, 1)
		c.expect(t, "task: cancelled: msg")
		expectEqual(t, "Cancelled of the task", task.Cancelled(), true)
		expectEqual(t, "the message", cancelMessage(task.Err()), "msg")
	}))

	t.Run("D2 everybody else who waits for the future is told as well", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		f := async.NewFuture[int](ctx)
		task := async.Go(ctx, func(ctx context.Context) error { return c.told(ctx, "task", f) })
		other := async.Go(ctx, func(ctx context.Context) error { return c.told(ctx, "other", f) })
		ticks(ctx, 1)
		task.Cancel("msg")
		waitFor(ctx, task, other)
		c.expect(t, "task: cancelled: msg", "other: cancelled: msg")
		expectEqual(t, "Cancelling of the other", other.Cancelling(), 0)
		expectEqual(t, "Cancelled of the other", other.Cancelled(), true)
	}))

	t.Run("D3 cancelling both the future and the task is told once", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		f := async.NewFuture[int](ctx)
		task := async.Go(ctx, func(ctx context.Context) error { return c.told(ctx, "task", f) })
		ticks(ctx, 1)
		expectEqual(t, "Cancel of the future", f.Cancel(), true)
		expectEqual(t, "Cancel of the task", task.Cancel(), true)
		waitFor(ctx, task)
		c.expect(t, "task: cancelled")
		expectEqual(t, "Cancelled of the task", task.Cancelled(), true)
		expectEqual(t, "Cancelled of the future", f.Cancelled(), true)
	}))

	t.Run("D4 a sleep for no time is a cancellation point", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		task := async.Go(ctx, func(ctx context.Context) error {
			for {
				if err := giveWay(ctx); err != nil {
					c.add("told: %v", err)
					return err
				}
				c.add("turn")
			}
		})
		ticks(ctx, 2)
		task.Cancel()
		ticks(ctx, 1)
		c.expect(t, "turn", "told: cancelled")
		expectEqual(t, "Cancelled", task.Cancelled(), true)
	}))

	t.Run("D5 a task that returns a value when it is told ends with the value", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			if _, err := forever(ctx); !errors.Is(err, async.ErrCancelled) {
				return 0, err
			}
			return 42, nil
		})
		ticks(ctx, 1)
		task.Cancel()
		expectEqual(t, "the result", must(task.Await(ctx)), 42)
		expectEqual(t, "Cancelled", task.Cancelled(), false)
		expectEqual(t, "Cancelling", task.Cancelling(), 1)
	}))

	// Here asyncio and we differ on purpose: cancellation is a level, as that of every context.
	t.Run("D6 a task that waits again with the same ctx is told again, one tick later", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		f := async.NewFuture[int](ctx)
		task := async.Go(ctx, func(ctx context.Context) error {
			_, err := forever(ctx)
			for _, wait := range []func(ctx context.Context) error{
				func(ctx context.Context) error { return giveWay(ctx) },
				func(ctx context.Context) error { return async.Sleep(ctx, time.Hour) },
				func(ctx context.Context) error { _, err := forever(ctx); return err },
				func(ctx context.Context) error { _, err := f.Await(ctx); return err },
			} {
				before, at := tickNumber(ctx), now(ctx)
				err := wait(ctx)
				c.add("%v after %d tick and %v", err, tickNumber(ctx)-before, now(ctx)-at)
			}
			return err
		})
		ticks(ctx, 1)
		task.Cancel()
		waitFor(ctx, task)
		c.expect(t, "cancelled after 1 tick and 0s", "cancelled after 1 tick and 0s", "cancelled after 1 tick and 0s", "cancelled after 1 tick and 0s")
		expectEqual(t, "Cancelled of the future", f.Cancelled(), true)
	}))

	t.Run("D6 a task that decides to go on uncancels and waits as if nothing had been", func(t *testing.T) {
		for name, goOn := range map[string]struct {
			with       func(ctx context.Context) context.Context
			cancelling int
		}{
			"with Uncancel":      {async.Uncancel, 0},
			"with WithoutCancel": {context.WithoutCancel, 1},
		} {
			t.Run(name, onLoop(func(ctx context.Context, t *testing.T) {
				f := async.NewFuture[int](ctx)
				task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
					if _, err := forever(ctx); !errors.Is(err, async.ErrCancelled) {
						return 0, err
					}
					ctx = goOn.with(ctx)
					check(async.Sleep(ctx, time.Second))
					return f.Await(ctx)
				})
				ticks(ctx, 1)
				task.Cancel()
				check(async.Sleep(ctx, 2*time.Second))
				expectEqual(t, "IsDone while it goes on", task.IsDone(), false)
				check(f.SetResult(42))
				expectEqual(t, "the result", must(task.Await(ctx)), 42)
				expectEqual(t, "Cancelled", task.Cancelled(), false)
				expectEqual(t, "Cancelling", task.Cancelling(), goOn.cancelling)
			}))
		}
	})

	t.Run("D7 a task that cancels itself is told at its next wait, after a tick", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		task := async.Go(ctx, func(ctx context.Context) error {
			expectEqual(t, "Cancel", async.CurrentTask(ctx).Cancel(), true)
			c.add("goes on")
			running(ctx).CallSoon(c.adding("others"))
			at := now(ctx)
			err := async.Sleep(ctx, 100*time.Second)
			c.add("told after %v: %v", now(ctx)-at, err)
			return err
		})
		waitFor(ctx, task)
		c.expect(t, "goes on", "others", "told after 0s: cancelled")
		expectEqual(t, "Cancelled", task.Cancelled(), true)
		expectEqual(t, "Cancel afterwards", task.Cancel(), false)
	}))

	t.Run("D8 a task that cancels itself and returns without a wait ends cancelled", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, func(ctx context.Context) (string, error) {
			async.CurrentTask(ctx).Cancel("at the end")
			return "lost", nil
		})
		v, err := task.Await(ctx)
		expectEqual(t, "the result", v, "")
		expectEqual(t, "the message", cancelMessage(err), "at the end")
		expectEqual(t, "Cancelled", task.Cancelled(), true)
	}))

	t.Run("D8 a task that has asked its ctx knows, and ends with what it returns", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, func(ctx context.Context) (string, error) {
			async.CurrentTask(ctx).Cancel()
			if ctx.Err() == nil {
				t.Error("the ctx of a task that was cancelled has no error")
			}
			return "in spite of it", nil
		})
		expectEqual(t, "the result", must(task.Await(ctx)), "in spite of it")
		expectEqual(t, "Cancelled", task.Cancelled(), false)
	}))

	t.Run("D9 a task that cancels itself and fails without a wait has failed", onLoop(func(ctx context.Context, t *testing.T) {
		for _, fail := range []func() error{func() error { return errBad }, func() error { panic(errBad) }} {
			task := async.Go(ctx, func(ctx context.Context) error {
				async.CurrentTask(ctx).Cancel()
				return fail()
			})
			_, err := task.Await(ctx)
			expectError(t, "the task", err, errBad)
			expectEqual(t, "Cancelled", task.Cancelled(), false)
		}
	}))

	t.Run("D10 a wait that does not have to wait is no cancellation point", onLoop(func(ctx context.Context, t *testing.T) {
		done := async.NewFuture[int](ctx)
		check(done.SetResult(5))
		var c chronicle
		task := async.Go(ctx, func(ctx context.Context) error {
			async.CurrentTask(ctx).Cancel()
			for range 2 { // told once or not at all, it makes no difference
				v, err := done.Await(ctx)
				c.add("done future: %v %v", v, err)
				v, err = async.Coroutine[int](func(context.Context) (int, error) { return 6, nil }).Await(ctx)
				c.add("coroutine: %v %v", v, err)
				all, err := async.Gather(ctx, async.Awaitable[int](done))
				c.add("gather: %v %v", all, err)
				v, err = async.Shield(ctx, done)
				c.add("shield: %v %v", v, err)
				c.add("TaskGroup: %v", async.WithTaskGroup(ctx, func(context.Context, *async.TaskGroup) error { return nil }))
				c.add("sleep: %v", giveWay(ctx))
			}
			return ctx.Err()
		})
		waitFor(ctx, task)
		turn := []string{"done future: 5 <nil>", "coroutine: 6 <nil>", "gather: [5] <nil>", "shield: 5 <nil>", "TaskGroup: <nil>", "sleep: cancelled"}
		c.expect(t, append(turn, turn...)...)
		expectEqual(t, "Cancelled", task.Cancelled(), true)
	}))

	t.Run("D11 a task that cancels itself and then waits cancels at once what it waits for", onLoop(func(ctx context.Context, t *testing.T) {
		f := async.NewFuture[int](ctx)
		nested := async.CreateTask(ctx, f.Await)
		ticks(ctx, 1)
		task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			async.CurrentTask(ctx).Cancel("all of us")
			running(ctx).CallSoon(func() {
				expectEqual(t, "Cancelled of the future when the others have their turn", f.Cancelled(), true)
			})
			return nested.Await(ctx)
		})
		waitFor(ctx, task)
		expectEqual(t, "Cancelled of the future", f.Cancelled(), true)
		expectEqual(t, "Cancelled of the nested task", nested.Cancelled(), true)
		expectEqual(t, "Cancelled of the task", task.Cancelled(), true)
		expectEqual(t, "the message", cancelMessage(task.Err()), "all of us")
	}))

	t.Run("D12 in a chain of tasks the innermost one unwinds first", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		leaf := async.Go(ctx, func(ctx context.Context) error { return c.told(ctx, "leaf", async.NewFuture[int](ctx)) })
		middle := async.Go(ctx, func(ctx context.Context) error {
			_, err := leaf.Await(ctx)
			c.add("middle: %v, leaf cancelled %v", err, leaf.Cancelled())
			return err
		})
		ticks(ctx, 2)
		middle.Cancel()
		_, err := middle.Await(ctx)
		c.add("main: %v", err)
		c.expect(t, "leaf: cancelled", "middle: cancelled, leaf cancelled true", "main: cancelled")
	}))

	t.Run("D12 in nested coroutines the innermost one handles it first", onLoop(func(ctx context.Context, t *testing.T) {
		proof := 0
		inner := async.Coroutine[int](func(ctx context.Context) (int, error) {
			v, err := forever(ctx)
			if errors.Is(err, async.ErrCancelled) {
				expectEqual(t, "the proof before", proof, 0)
				proof++
			}
			return v, err
		})
		task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			v, err := inner.Await(ctx)
			if errors.Is(err, async.ErrCancelled) {
				proof += 100
			}
			return v, err
		})
		ticks(ctx, 1)
		task.Cancel()
		waitFor(ctx, task)
		expectEqual(t, "the proof", proof, 101)
		expectEqual(t, "Cancelled", task.Cancelled(), true)
	}))

	t.Run("D12 a ring of tasks that wait for each other is ended by cancelling one of them", func(t *testing.T) {
		for n := 2; n <= 4; n++ {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				inProcess(t, onLoop(func(ctx context.Context, t *testing.T) {
					ring := make([]*async.Task[int], n)
					for i := range ring {
						ring[i] = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return ring[(i+1)%n].Await(ctx) })
					}
					ticks(ctx, 2)
					expectEqual(t, "Cancel", ring[0].Cancel(), true)
					ticks(ctx, n+1)
					for i, task := range ring {
						expectEqual(t, fmt.Sprintf("Cancelled of task %d", i), task.Cancelled(), true)
					}
				}))
			})
		}
	})

	t.Run("D12 a ring of tasks that wait for each other does not survive the run", func(t *testing.T) {
		inProcess(t, func(t *testing.T) {
			var a, b *async.Task[int]
			onLoop(func(ctx context.Context, t *testing.T) {
				a = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return b.Await(ctx) })
				b = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return a.Await(ctx) })
				ticks(ctx, 2)
			})(t)
			expectEqual(t, "Cancelled of the first", a.Cancelled(), true)
			expectEqual(t, "Cancelled of the second", b.Cancelled(), true)
		})
	})

	t.Run("D13 a cancellation in the tick of the result takes the result from the task", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		f := async.NewFuture[int](ctx)
		task := async.Go(ctx, func(ctx context.Context) error { return c.told(ctx, "task", f) })
		ticks(ctx, 1)
		check(f.SetResult(7))
		expectEqual(t, "Cancel", task.Cancel(), true)
		waitFor(ctx, task)
		c.expect(t, "task: cancelled")
		expectEqual(t, "Cancelled of the task", task.Cancelled(), true)
		expectEqual(t, "the result of the future", must(f.Result()), 7)
	}))

	t.Run("D13 a cancellation in the tick in which a child has ended takes its result from the awaiter", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		child := async.CreateTask(ctx, async.After(0, 7))
		task := async.Go(ctx, func(ctx context.Context) error { return c.told(ctx, "task", child) })
		for !child.IsDone() {
			ticks(ctx, 1)
		}
		c.expect(t)
		expectEqual(t, "Cancel", task.Cancel(), true)
		waitFor(ctx, task)
		c.expect(t, "task: cancelled")
		expectEqual(t, "Cancelled of the task", task.Cancelled(), true)
		expectEqual(t, "the result of the child", must(child.Result()), 7)
	}))

	t.Run("D14 after the cancellation of the task the future takes no result", onLoop(func(ctx context.Context, t *testing.T) {
		f := async.NewFuture[int](ctx)
		task := async.CreateTask(ctx, f.Await)
		ticks(ctx, 1)
		task.Cancel()
		expectError(t, "SetResult", f.SetResult(7), async.ErrInvalidState)
		waitFor(ctx, task)
		expectEqual(t, "Cancelled of the task", task.Cancelled(), true)
	}))

	t.Run("D15 of two cancellations one is told, with the message of the first", func(t *testing.T) {
		for name, waits := range map[string]bool{"before its start": false, "while it waits": true} {
			t.Run(name, onLoop(func(ctx context.Context, t *testing.T) {
				var c chronicle
				task := async.Go(ctx, func(ctx context.Context) error {
					err := c.told(ctx, "task", async.NewFuture[int](ctx))
					if errors.Is(async.Sleep(async.Uncancel(async.Uncancel(ctx)), 0), async.ErrCancelled) {
						c.add("told twice")
					}
					return err
				})
				if waits {
					ticks(ctx, 1)
				}
				expectEqual(t, "the first Cancel", task.Cancel("one"), true)
				expectEqual(t, "the second Cancel", task.Cancel("two"), true)
				expectEqual(t, "Cancelling", task.Cancelling(), 2)
				waitFor(ctx, task)
				if waits {
					c.expect(t, "task: cancelled: one")
				} else {
					c.expect(t)
				}
				expectEqual(t, "the message", cancelMessage(task.Err()), "one")
			}))
		}
	})

	t.Run("D16 every cancellation of a pending task is accepted and counted", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, forever)
		ticks(ctx, 1)
		for i := 1; i <= 3; i++ {
			expectEqual(t, "Cancel", task.Cancel(), true)
			expectEqual(t, "Cancelling", task.Cancelling(), i)
			if !strings.Contains(task.String(), "cancelling") {
				t.Errorf("%s does not say that it is cancelling", task)
			}
		}
		waitFor(ctx, task)
		expectEqual(t, "Cancel of the ended task", task.Cancel(), false)
		expectEqual(t, "Cancelling of the ended task", task.Cancelling(), 3)
	}))

	t.Run("D17 a second cancellation interrupts the handling of the first", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		task := async.Go(ctx, func(ctx context.Context) error {
			err := c.told(ctx, "task", async.NewFuture[int](ctx))
			ctx = async.Uncancel(ctx)
			c.told(ctx, "handler", async.NewFuture[int](ctx))
			return err
		})
		ticks(ctx, 1)
		task.Cancel("one")
		ticks(ctx, 1)
		c.expect(t, "task: cancelled: one")
		expectEqual(t, "IsDone while it handles the first", task.IsDone(), false)
		task.Cancel("two")
		waitFor(ctx, task)
		c.expect(t, "task: cancelled: one", "handler: cancelled: two")
	}))

	t.Run("D17 a second cancellation reaches an inner task that went on after the first, with its own message", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		inner := async.CreateTask(ctx, func(ctx context.Context) (string, error) {
			for range 2 {
				c.told(ctx, "inner", async.NewFuture[int](ctx))
				ctx = async.Uncancel(ctx)
			}
			return "v", nil
		})
		outer := async.CreateTask(ctx, inner.Await)
		ticks(ctx, 2)
		outer.Cancel("one")
		ticks(ctx, 2)
		outer.Cancel("two")
		expectEqual(t, "the result of the outer task", must(outer.Await(ctx)), "v")
		c.expect(t, "inner: cancelled: one", "inner: cancelled: two")
	}))

	t.Run("D17 cleanup without cancellation is finished in spite of a second cancellation", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		task := async.Go(ctx, func(ctx context.Context) error {
			err := c.told(ctx, "task", async.NewFuture[int](ctx))
			c.add("cleanup: %v", async.Sleep(context.WithoutCancel(ctx), time.Second))
			return err
		})
		ticks(ctx, 1)
		task.Cancel("one")
		ticks(ctx, 1)
		task.Cancel("two")
		waitFor(ctx, task)
		c.expect(t, "task: cancelled: one", "cleanup: <nil>")
		expectEqual(t, "Cancelled", task.Cancelled(), true)
	}))

	t.Run("D17 a cleanup task behind a shield is finished too", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		task := async.Go(ctx, func(ctx context.Context) error {
			err := c.told(ctx, "task", async.NewFuture[int](ctx))
			cleanup := async.CreateTask(ctx, async.After(time.Second, "clean"))
			ctx = async.Uncancel(ctx)
			_, shielded := async.Shield(ctx, cleanup)
			c.add("shield: %v", shielded)
			c.add("cleanup: %s", must(cleanup.Await(async.Uncancel(ctx))))
			return err
		})
		ticks(ctx, 1)
		task.Cancel("one")
		ticks(ctx, 2)
		task.Cancel("two")
		waitFor(ctx, task)
		c.expect(t, "task: cancelled: one", "shield: cancelled: two", "cleanup: clean")
	}))

	t.Run("D18 a task that answers its cancellation with another error has failed with that", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.Go(ctx, func(ctx context.Context) error {
			if _, err := forever(ctx); !errors.Is(err, async.ErrCancelled) {
				return err
			}
			return errBad
		})
		ticks(ctx, 1)
		task.Cancel()
		_, err := task.Await(ctx)
		expectEqual(t, "the error", err, errBad)
		expectEqual(t, "Cancelled", task.Cancelled(), false)
	}))

	t.Run("D18 an error that wraps the cancellation is still a cancellation", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.Go(ctx, func(ctx context.Context) error {
			_, err := forever(ctx)
			return fmt.Errorf("reading the page: %w", err)
		})
		ticks(ctx, 1)
		task.Cancel("why")
		_, err := task.Await(ctx)
		expectError(t, "the task", err, async.ErrCancelled)
		expectEqual(t, "the text of the error", err.Error(), "reading the page: cancelled: why")
		expectEqual(t, "Cancelled", task.Cancelled(), true)
	}))

	t.Run("D18 a deferred function can put a value in place of the cancellation", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, func(ctx context.Context) (v string, err error) {
			defer func() { v, err = "x", nil }()
			_, err = forever(ctx)
			return "", err
		})
		ticks(ctx, 1)
		task.Cancel()
		expectEqual(t, "the result", must(task.Await(ctx)), "x")
		expectEqual(t, "Cancelled", task.Cancelled(), false)
	}))

	t.Run("D19 a task that returns a cancellation on its own ends cancelled", onLoop(func(ctx context.Context, t *testing.T) {
		for _, own := range []error{async.ErrCancelled, &async.CancelledError{Msg: "my own"}} {
			task := async.Go(ctx, func(context.Context) error { return own })
			waitFor(ctx, task)
			expectEqual(t, "Cancelled", task.Cancelled(), true)
			expectEqual(t, "Cancelling", task.Cancelling(), 0)
			expectEqual(t, "the error", task.Err(), own)
		}
	}))

	t.Run("D20 the awaiter of a sleeper that is cancelled is told at that time", onLoop(func(ctx context.Context, t *testing.T) {
		sleeper := async.CreateTask(ctx, async.After(5000*time.Second, 1))
		at := now(ctx)
		running(ctx).CallLater(100*time.Millisecond, func() { sleeper.Cancel() })
		_, err := sleeper.Await(ctx)
		expectError(t, "the sleeper", err, async.ErrCancelled)
		expectEqual(t, "the time it took", now(ctx)-at, 100*time.Millisecond)
	}))

	t.Run("D21 the message reaches whoever waits or asks", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, forever)
		outer := async.CreateTask(ctx, task.Await)
		ticks(ctx, 1)
		outer.Cancel("msg")
		_, err := outer.Await(ctx)
		expectEqual(t, "the message to the awaiter", cancelMessage(err), "msg")
		_, err = outer.Result()
		expectEqual(t, "the message of the result", cancelMessage(err), "msg")
		expectEqual(t, "the message of Err", cancelMessage(outer.Err()), "msg")
		expectEqual(t, "the message of the inner task", cancelMessage(task.Err()), "msg")
	}))

	t.Run("D21 an error that is joined with the cancellation is what the task fails with", onLoop(func(ctx context.Context, t *testing.T) {
		// This is what "return errors.Join(err, cleanup())" comes to. In Python the error of the cleanup wins, and keeps the
		// CancelledError as its context.
		fails := func(cleanup error) *async.Task[async.Void] {
			task := async.Go(ctx, func(ctx context.Context) error {
				_, err := forever(ctx)
				return errors.Join(err, cleanup)
			})
			ticks(ctx, 1)
			task.Cancel("msg")
			waitFor(ctx, task)
			return task
		}
		task := fails(errBad)
		expectError(t, "the task whose cleanup fails", task.Err(), errBad)
		expectEqual(t, "the message", cancelMessage(task.Err()), "msg")
		expectEqual(t, "Cancelled of the task whose cleanup fails", task.Cancelled(), false)
		task = fails(nil)
		expectError(t, "the task whose cleanup succeeds", task.Err(), async.ErrCancelled)
		expectEqual(t, "Cancelled of the task whose cleanup succeeds", task.Cancelled(), true)
	}))

	t.Run("D23 a task that waits for data is cancelled without any data coming", onLoop(func(ctx context.Context, t *testing.T) {
		listener := must(net.Listen("tcp", "127.0.0.1:0"))
		defer listener.Close()
		conn := must(net.Dial("tcp", listener.Addr().String()))
		reading := make(chan struct{})
		read := make(chan error, 1)
		task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			return async.ToThread(ctx, func(context.Context) (int, error) {
				close(reading)
				n, err := conn.Read(make([]byte, 1))
				read <- err
				return n, err
			})
		})
		ticks(ctx, 1)
		<-reading // the loop stands still, which is what the test wants: the thread is in Read, or just before it
		task.Cancel()
		before := tickNumber(ctx)
		waitFor(ctx, task)
		if n := tickNumber(ctx) - before; n > 3 {
			t.Errorf("the task has ended %d ticks after it was cancelled", n)
		}
		_, err := task.Result()
		expectError(t, "the task", err, async.ErrCancelled)
		select {
		case err := <-read:
			t.Errorf("the read is over, with %v", err)
		default:
		}
		check(conn.Close()) // or the end of the run would wait for the thread
		expectError(t, "the read", <-read, net.ErrClosed)
	}))
}

func TestFactsOfUncancel(t *testing.T) {
	t.Run("E1 a task that uncancels goes on until it is cancelled again", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		task := async.Go(ctx, func(ctx context.Context) error {
			c.add("first: %v, cancelling %d", async.Sleep(ctx, 10*time.Second), cancelling(ctx))
			ctx = async.Uncancel(ctx)
			c.add("uncancelled: cancelling %d", cancelling(ctx))
			expectError(t, "the fresh ctx", ctx.Err(), nil)
			err := async.Sleep(ctx, 10*time.Second)
			c.add("second: %v, cancelling %d", err, cancelling(ctx))
			return err
		})
		ticks(ctx, 1)
		atOnce(ctx, func() {
			task.Cancel()
			expectEqual(t, "Cancelling", task.Cancelling(), 1)
			expectEqual(t, "saying that it is cancelling", strings.Contains(task.String(), "cancelling"), true)
		})
		ticks(ctx, 2)
		expectEqual(t, "Cancelling after Uncancel", task.Cancelling(), 0)
		expectEqual(t, "saying after Uncancel that it is cancelling", strings.Contains(task.String(), "cancelling"), false)
		expectEqual(t, "the second Cancel", task.Cancel(), true)
		waitFor(ctx, task)
		c.expect(t, "first: cancelled, cancelling 1", "uncancelled: cancelling 0", "second: cancelled, cancelling 1")
		expectEqual(t, "Cancelled", task.Cancelled(), true)
	}))

	t.Run("E1 the context of before stays cancelled", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.Go(ctx, func(ctx context.Context) error {
			old := ctx
			expectError(t, "the sleep", async.Sleep(ctx, time.Minute), async.ErrCancelled)
			ctx = async.Uncancel(ctx)
			check(async.Sleep(ctx, time.Second))
			expectError(t, "the old context", old.Err(), context.Canceled)
			expectError(t, "a sleep with the old context", async.Sleep(old, time.Second), async.ErrCancelled)
			return async.Sleep(ctx, time.Second)
		})
		ticks(ctx, 1)
		task.Cancel()
		_, err := task.Await(ctx)
		expectError(t, "the task", err, nil)
	}))

	t.Run("E2 each Uncancel takes one request back, and there are never fewer than none", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.Go(ctx, func(ctx context.Context) error {
			same := async.Uncancel(ctx)
			expectEqual(t, "the context of an Uncancel without a request", same, ctx)
			expectEqual(t, "Cancelling after it", cancelling(ctx), 0)
			me := async.CurrentTask(ctx)
			me.Cancel()
			me.Cancel()
			expectEqual(t, "Cancelling", cancelling(ctx), 2)
			expectError(t, "the sleep", giveWay(ctx), async.ErrCancelled)
			for _, left := range []int{1, 0, 0} {
				ctx = async.Uncancel(ctx)
				expectEqual(t, "Cancelling after Uncancel", cancelling(ctx), left)
			}
			return async.Sleep(ctx, time.Second)
		})
		_, err := task.Await(ctx)
		expectError(t, "the task", err, nil)
	}))

	t.Run("E3 a request that is taken back before it is told is withdrawn", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, func(ctx context.Context) (string, error) {
			async.CurrentTask(ctx).Cancel()
			ctx = async.Uncancel(ctx)
			if err := async.Sleep(ctx, time.Second); err != nil {
				return "", err
			}
			return "value", nil
		})
		expectEqual(t, "the result", must(task.Await(ctx)), "value")
		expectEqual(t, "Cancelled", task.Cancelled(), false)
	}))

	t.Run("E3 a task that takes the request back and returns without a wait ends with its value", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, func(ctx context.Context) (string, error) {
			async.CurrentTask(ctx).Cancel()
			async.Uncancel(ctx)
			return "value", nil
		})
		expectEqual(t, "the result", must(task.Await(ctx)), "value")
	}))

	t.Run("E3 one of two requests that is taken back withdraws nothing", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.Go(ctx, func(ctx context.Context) error {
			async.CurrentTask(ctx).Cancel("one")
			async.CurrentTask(ctx).Cancel("two")
			return async.Sleep(async.Uncancel(ctx), time.Second)
		})
		waitFor(ctx, task)
		expectEqual(t, "Cancelled", task.Cancelled(), true)
		expectEqual(t, "the message", cancelMessage(task.Err()), "one")
	}))

	t.Run("E4 a timeout made by hand works as asyncio's own", onLoop(func(ctx context.Context, t *testing.T) {
		errTimedOut := errors.New("timed out by hand")
		// block is "async with make_request_with_timeout(...)" of CPython's test: a timer cancels the task, and the end of the
		// block makes a timeout of that, if nobody else has cancelled the task meanwhile.
		block := func(ctx context.Context, limit time.Duration, body func(context.Context) error) (context.Context, error) {
			fired := false
			me := async.CurrentTask(ctx)
			h := running(ctx).CallLater(limit, func() {
				fired = true
				me.Cancel()
			})
			err := body(ctx)
			h.Cancel()
			if fired {
				ctx = async.Uncancel(ctx)
				if cancelling(ctx) == 0 && errors.Is(err, async.ErrCancelled) {
					return ctx, errTimedOut
				}
			}
			return ctx, err
		}
		for _, x := range []struct {
			work                                        time.Duration
			cancel                                      bool
			timedOut, finished, outerReached, cancelled bool
		}{
			{work: 2 * time.Second, timedOut: true, outerReached: true},
			{work: time.Second / 2, finished: true, outerReached: true},
			{work: 2 * time.Second, cancel: true, cancelled: true},
		} {
			var timedOut, finished, outerReached bool
			task := async.Go(ctx, func(ctx context.Context) error {
				ctx, err := block(ctx, time.Second, func(ctx context.Context) error {
					err := async.Sleep(ctx, x.work)
					finished = err == nil
					return err
				})
				timedOut = errors.Is(err, errTimedOut)
				if err != nil && !timedOut {
					return err
				}
				if err := async.Sleep(ctx, time.Second); err != nil {
					return err
				}
				outerReached = true
				expectEqual(t, "cancelling at the end", cancelling(ctx), 0)
				return nil
			})
			if x.cancel {
				// In the tick of the timer, so that there are two requests.
				running(ctx).CallLater(time.Second, func() { task.Cancel() })
			}
			waitFor(ctx, task)
			expectEqual(t, "having timed out", timedOut, x.timedOut)
			expectEqual(t, "having finished the block", finished, x.finished)
			expectEqual(t, "having reached the code behind it", outerReached, x.outerReached)
			expectEqual(t, "Cancelled", task.Cancelled(), x.cancelled)
		}
	}))
}
