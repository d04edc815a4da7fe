package async_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// expectGroup fails the test if err is not a group of just these errors, in this order.
func expectGroup(t *testing.T, err error, want ...error) {
	t.Helper()
	group, ok := err.(*async.ErrorGroup)
	if !ok {
		t.Errorf("the error is %v, not a group", err)
		return
	}
	expectEqual(t, "the message of the group", group.Msg, "unhandled errors in a TaskGroup")
	expectSlice(t, "the errors of the group", group.Errs, want)
}

// expectNestedGroup fails the test if err is not a group of one group of just these errors.
func expectNestedGroup(t *testing.T, err error, want ...error) {
	t.Helper()
	var group *async.ErrorGroup
	if !errors.As(err, &group) || len(group.Errs) != 1 {
		t.Errorf("the error is %v, not a group of one", err)
		return
	}
	expectGroup(t, group.Errs[0], want...)
}

// cleaningUp returns a function that hangs until it is cancelled, and fails then.
func cleaningUp(err error) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, cancelled := forever(ctx); !errors.Is(cancelled, async.ErrCancelled) {
			return cancelled
		}
		return err
	}
}

// hanging is forever as a function of a group.
func hanging(ctx context.Context) error {
	_, err := forever(ctx)
	return err
}

// failingWith returns a function that fails after some ticks.
func failingWith(err error, n int) func(context.Context) error {
	return func(ctx context.Context) error {
		ticks(ctx, n)
		return err
	}
}

func TestFactsTaskGroup(t *testing.T) {
	type group = *async.TaskGroup
	errBad, errWorse := errors.New("bad"), errors.New("worse")
	empty := func(context.Context, group) error { return nil }

	for _, inBody := range []bool{false, true} {
		name := "the end of the block waits for the children and their results can be read"
		if inBody {
			name = "children that end while the body runs have their results"
		}
		t.Run("M1 "+name, onLoop(func(ctx context.Context, t *testing.T) {
			var t1, t2 *async.Task[int]
			check(async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
				t1, t2 = async.Spawn(tg, async.After(hundredth, 42)), async.Spawn(tg, async.After(2*hundredth, 11))
				if inBody {
					return async.Sleep(ctx, 10*hundredth)
				}
				return nil
			}))
			expectEqual(t, "the first result", must(t1.Result()), 42)
			expectEqual(t, "the second result", must(t2.Result()), 11)
			want := 2 * hundredth
			if inBody {
				want = 10 * hundredth
			}
			expectEqual(t, "the time", now(ctx), want)
		}))
	}

	for _, c := range []struct {
		name  string
		child func(context.Context) error
	}{
		{"is cancelled", hanging},
		{"returns a cancellation of its own", func(context.Context) error { return async.ErrCancelled }},
	} {
		t.Run("M2 a child that "+c.name+" fails nobody", onLoop(func(ctx context.Context, t *testing.T) {
			var t1 *async.Task[async.Void]
			var t2 *async.Task[int]
			check(async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
				t1, t2 = tg.Go(c.child), async.Spawn(tg, async.After(hundredth, 11))
				ticks(ctx, 1)
				t1.Cancel() // which does nothing to one that has ended
				return nil
			}))
			expectEqual(t, "cancelled of the one", t1.Cancelled(), true)
			expectEqual(t, "the result of the other", must(t2.Result()), 11)
		}))
	}

	t.Run("M3 a child that fails cancels its siblings and the body", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
			tg.Go(func(ctx context.Context) error {
				ticks(ctx, 1)
				c.add("bad raises")
				return errBad
			})
			tg.Go(func(ctx context.Context) error {
				err := hanging(ctx)
				c.add("sibling cancelled")
				ticks(context.WithoutCancel(ctx), 1)
				c.add("sibling cleaned up")
				return err
			})
			err := hanging(ctx)
			c.add("body cancelled: %v, cancelling %d", errors.Is(err, async.ErrCancelled), cancelling(ctx))
			return err
		})
		c.add("block left")
		c.expect(t, "bad raises", "sibling cancelled", "body cancelled: true, cancelling 1", "sibling cleaned up", "block left")
		expectGroup(t, err, errBad)
	}))

	for _, inBody := range []bool{false, true} {
		where := "at the end of the block"
		if inBody {
			where = "in the body"
		}
		t.Run("M4 the parent that the group cancelled "+where+" goes on undisturbed", onLoop(func(ctx context.Context, t *testing.T) {
			err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
				tg.Go(failingWith(errBad, 1))
				if inBody {
					return hanging(ctx)
				}
				return nil
			})
			expectGroup(t, err, errBad)
			expectEqual(t, "the number of requests", cancelling(ctx), 0)
			expectError(t, "the context of the parent", ctx.Err(), nil)
			expectError(t, "a wait that follows", async.Sleep(ctx, hundredth), nil)
		}))
	}

	t.Run("M4 an outside request that was swallowed is still counted after the block", onLoop(func(ctx context.Context, t *testing.T) {
		task := async.Go(ctx, func(ctx context.Context) error {
			async.CurrentTask(ctx).Cancel()
			expectError(t, "the first wait", giveWay(ctx), async.ErrCancelled)
			// Cleanup goes on without the cancellation, and the request stays.
			err := async.WithTaskGroup(context.WithoutCancel(ctx), func(ctx context.Context, tg group) error {
				tg.Go(failingWith(errBad, 1))
				return nil
			})
			expectGroup(t, err, errBad)
			expectEqual(t, "the number of requests", cancelling(ctx), 1)
			return nil
		})
		must(task.Await(ctx))
	}))

	t.Run("M4 a body that takes the request of the group back leaves none", onLoop(func(ctx context.Context, t *testing.T) {
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
			tg.Go(failingWith(errBad, 1))
			err := hanging(ctx)
			async.Uncancel(ctx)
			expectEqual(t, "the number of requests inside", cancelling(ctx), 0)
			return err
		})
		expectGroup(t, err, errBad)
		expectEqual(t, "the number of requests outside", cancelling(ctx), 0)
		expectError(t, "a wait that follows", async.Sleep(ctx, hundredth), nil)
	}))

	t.Run("M5 an error of the body cancels the children and comes in a group even when alone", onLoop(func(ctx context.Context, t *testing.T) {
		ran := false
		var t1, t2 *async.Task[async.Void]
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
			t1 = tg.Go(hanging)
			ticks(ctx, 1)
			t2 = tg.Go(func(context.Context) error {
				ran = true
				return nil
			})
			return errBad
		})
		expectGroup(t, err, errBad)
		expectEqual(t, "cancelled of the first child", t1.Cancelled(), true)
		expectEqual(t, "cancelled of the one that has not started", t2.Cancelled(), true)
		expectEqual(t, "whether it ran", ran, false)
		expectEqual(t, "the number of requests", cancelling(ctx), 0)
		expectGroup(t, async.WithTaskGroup(ctx, func(context.Context, group) error { return errWorse }), errWorse)
	}))

	t.Run("M6 the errors of the children come before that of the body", onLoop(func(ctx context.Context, t *testing.T) {
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
			tg.Go(cleaningUp(errWorse))
			ticks(ctx, 1)
			return errBad
		})
		expectGroup(t, err, errWorse, errBad)
	}))

	t.Run("M7 the errors of children that fail together come in the order of the failures", onLoop(func(ctx context.Context, t *testing.T) {
		errs := map[string]error{}
		tasks := map[string]*async.Task[async.Void]{}
		err := async.WithTaskGroup(ctx, func(_ context.Context, tg group) error {
			for _, c := range []struct {
				name string
				n    int
			}{{"a", 2}, {"b", 1}, {"c", 1}, {"d", 2}, {"e", 3}} {
				errs[c.name] = errors.New(c.name)
				tasks[c.name] = tg.Go(func(ctx context.Context) error {
					for range c.n {
						if err := giveWay(ctx); err != nil {
							return err
						}
					}
					return errs[c.name]
				})
			}
			return nil
		})
		// The last step of a comes before the callback of b, which aborts the group.
		expectGroup(t, err, errs["b"], errs["c"], errs["a"])
		expectEqual(t, "cancelled of d", tasks["d"].Cancelled(), true)
		expectEqual(t, "cancelled of e", tasks["e"].Cancelled(), true)
	}))

	for _, inBody := range []bool{false, true} {
		name, want := "cancelling a parent that waits for the children cancels them and is no group", 5
		if inBody {
			name, want = "cancelling a parent in the body cancels the body and the children and is no group", 15
		}
		t.Run("M8 "+name, onLoop(func(ctx context.Context, t *testing.T) {
			var num atomic.Int64
			parent := async.Go(ctx, func(ctx context.Context) error {
				return async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
					for range 5 {
						tg.Go(func(ctx context.Context) error {
							err := hanging(ctx)
							num.Add(1)
							return err
						})
					}
					if !inBody {
						return nil
					}
					err := hanging(ctx)
					num.Add(10)
					return err
				})
			})
			ticks(ctx, 2)
			expectEqual(t, "Cancel", parent.Cancel("m"), true)
			_, err := parent.Await(ctx)
			expectEqual(t, "cancelled", parent.Cancelled(), true)
			expectEqual(t, "the message", cancelMessage(err), "m")
			expectEqual(t, "what has noticed", int(num.Load()), want)
			expectEqual(t, "the number of requests", parent.Cancelling(), 1)
		}))
	}

	for _, inBody := range []bool{false, true} {
		where := "at the end of the block"
		if inBody {
			where = "in the body"
		}
		t.Run("M9 an error of a child wins over a cancellation "+where+" which the next wait delivers again", onLoop(func(ctx context.Context, t *testing.T) {
			parent := async.Go(ctx, func(ctx context.Context) error {
				err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
					tg.Go(cleaningUp(errBad))
					if inBody {
						return hanging(ctx)
					}
					return nil
				})
				expectGroup(t, err, errBad)
				expectEqual(t, "the number of requests", cancelling(ctx), 1)
				err = giveWay(ctx)
				expectError(t, "the next wait", err, async.ErrCancelled)
				return err
			})
			ticks(ctx, 2)
			parent.Cancel()
			waitFor(ctx, parent)
			expectEqual(t, "cancelled", parent.Cancelled(), true)
		}))
	}

	t.Run("M9 a parent that handles the group and does not wait again ends cancelled", onLoop(func(ctx context.Context, t *testing.T) {
		parent := async.Go(ctx, func(ctx context.Context) error {
			expectGroup(t, async.WithTaskGroup(ctx, func(_ context.Context, tg group) error {
				tg.Go(cleaningUp(errBad))
				return nil
			}), errBad)
			return nil
		})
		ticks(ctx, 2)
		parent.Cancel()
		waitFor(ctx, parent)
		expectEqual(t, "cancelled", parent.Cancelled(), true)
	}))

	t.Run("M9 the group that wins is the outcome of a parent that returns it", onLoop(func(ctx context.Context, t *testing.T) {
		parent := async.Go(ctx, func(ctx context.Context) error {
			return async.WithTaskGroup(ctx, func(_ context.Context, tg group) error {
				tg.Go(cleaningUp(errBad))
				return nil
			})
		})
		ticks(ctx, 2)
		parent.Cancel()
		_, err := parent.Await(ctx)
		expectGroup(t, err, errBad)
		expectEqual(t, "cancelled", parent.Cancelled(), false)
	}))

	for _, inBody := range []bool{false, true} {
		where := "at its end"
		if inBody {
			where = "in its body"
		}
		t.Run("M10 errors in the cleanup of a nested group that is cancelled "+where+" come in a group of a group", onLoop(func(ctx context.Context, t *testing.T) {
			parent := async.Go(ctx, func(ctx context.Context) error {
				return async.WithTaskGroup(ctx, func(ctx context.Context, _ group) error {
					return async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
						tg.Go(cleaningUp(errBad))
						tg.Go(cleaningUp(errWorse))
						if inBody {
							return hanging(ctx)
						}
						return nil
					})
				})
			})
			ticks(ctx, 2)
			parent.Cancel()
			_, err := parent.Await(ctx)
			expectNestedGroup(t, err, errBad, errWorse)
		}))
	}

	t.Run("M11 a child of the outer group ends the inner one silently", onLoop(func(ctx context.Context, t *testing.T) {
		var inner *async.Task[async.Void]
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
			tg.Go(failingWith(errBad, 2))
			err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
				inner = tg.Go(hanging)
				return hanging(ctx)
			})
			expectError(t, "the inner block", err, async.ErrCancelled)
			return err
		})
		expectGroup(t, err, errBad)
		expectEqual(t, "cancelled of the inner child", inner.Cancelled(), true)
		expectEqual(t, "the number of requests", cancelling(ctx), 0)
	}))

	t.Run("M12 a child of the inner group fails the outer one with a group of a group", onLoop(func(ctx context.Context, t *testing.T) {
		var outer *async.Task[async.Void]
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
			outer = tg.Go(hanging)
			return async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
				tg.Go(failingWith(errBad, 2))
				return hanging(ctx)
			})
		})
		expectNestedGroup(t, err, errBad)
		expectEqual(t, "cancelled of the outer child", outer.Cancelled(), true)
		expectEqual(t, "the number of requests", cancelling(ctx), 0)
	}))

	t.Run("M13 the errors of a group come through a task between that is cancelled", onLoop(func(ctx context.Context, t *testing.T) {
		outer := async.Go(ctx, func(ctx context.Context) error {
			between := async.Go(ctx, func(ctx context.Context) error {
				return async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
					tg.Go(cleaningUp(errBad))
					return hanging(ctx)
				})
			})
			_, err := between.Await(ctx)
			return err
		})
		ticks(ctx, 3)
		outer.Cancel()
		_, err := outer.Await(ctx)
		expectGroup(t, err, errBad)
	}))

	t.Run("M14 an error that the body makes of the cancellation comes in a group", onLoop(func(ctx context.Context, t *testing.T) {
		parent := async.Go(ctx, func(ctx context.Context) error {
			return async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
				tg.Go(hanging)
				return cleaningUp(errBad)(ctx)
			})
		})
		ticks(ctx, 2)
		parent.Cancel()
		_, err := parent.Await(ctx)
		expectGroup(t, err, errBad)
		expectEqual(t, "the number of requests", parent.Cancelling(), 1)
	}))

	t.Run("M15 the error of a child and that of the body's cleanup come together", onLoop(func(ctx context.Context, t *testing.T) {
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
			tg.Go(failingWith(errBad, 1))
			return cleaningUp(errWorse)(ctx)
		})
		expectGroup(t, err, errBad, errWorse)
		expectEqual(t, "the number of requests", cancelling(ctx), 0)
	}))

	t.Run("M16 a panic of the body cancels and awaits the children and goes on bare", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		task := async.Go(ctx, func(ctx context.Context) error {
			return async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
				tg.Go(func(ctx context.Context) error {
					err := hanging(ctx)
					ticks(context.WithoutCancel(ctx), 2)
					c.add("child cleaned up")
					return err
				})
				ticks(ctx, 1)
				panic(errBad)
			})
		})
		_, err := task.Await(ctx)
		c.add("block left")
		c.expect(t, "child cleaned up", "block left")
		caught, ok := err.(*async.PanicError)
		if !ok {
			t.Fatalf("the error is %T, not a bare PanicError", err)
		}
		expectEqual(t, "the value", caught.Value, any(errBad))
	}))

	t.Run("M17 a panic of a child is an error like others", onLoop(func(ctx context.Context, t *testing.T) {
		var sibling *async.Task[async.Void]
		err := async.WithTaskGroup(ctx, func(_ context.Context, tg group) error {
			sibling = tg.Go(hanging)
			tg.Go(func(context.Context) error { panic(errBad) })
			return nil
		})
		var all *async.ErrorGroup
		var caught *async.PanicError
		if !errors.As(err, &all) || len(all.Errs) != 1 || !errors.As(all.Errs[0], &caught) {
			t.Fatalf("the error is %v, not a group of one panic", err)
		}
		expectEqual(t, "the value", caught.Value, any(errBad))
		expectEqual(t, "cancelled of the sibling", sibling.Cancelled(), true)
	}))

	t.Run("M18 a group drops its children as they end", onLoop(func(ctx context.Context, t *testing.T) {
		check(async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
			for i := range 10 {
				tg.Go(func(ctx context.Context) error { return async.Sleep(ctx, 25*hundredth) })
				check(async.Sleep(ctx, 10*hundredth))
				expectEqual(t, fmt.Sprintf("the group after %d children", i+1), tg.String(), fmt.Sprintf("TaskGroup(tasks: %d)", min(i+1, 2)))
			}
			check(async.Sleep(ctx, time.Second))
			expectEqual(t, "the group in the end", tg.String(), "TaskGroup()")
			return nil
		}))
	}))

	t.Run("M19 a child may start others while the parent waits at the end of the block", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		check(async.WithTaskGroup(ctx, func(_ context.Context, tg group) error {
			tg.Go(func(ctx context.Context) error {
				check(async.Sleep(ctx, hundredth))
				tg.Go(func(ctx context.Context) error {
					check(async.Sleep(ctx, hundredth))
					tg.Go(func(ctx context.Context) error {
						check(async.Sleep(ctx, hundredth))
						c.add("grandchild ends")
						return nil
					})
					c.add("child of a child ends")
					return nil
				})
				c.add("child ends")
				return nil
			})
			c.add("body ends")
			return nil
		}))
		c.add("block left")
		c.expect(t, "body ends", "child ends", "child of a child ends", "grandchild ends", "block left")
		expectEqual(t, "the time", now(ctx), 3*hundredth)
	}))

	t.Run("M20 a child has the name and the context variables that it is given", onLoop(func(ctx context.Context, t *testing.T) {
		v := async.NewContextVar("v", "default")
		v.Set(ctx, "parent's")
		vars := async.CopyVars(ctx)
		check(async.WithTaskGroup(ctx, func(_ context.Context, tg group) error {
			named := tg.Go(func(ctx context.Context) error {
				expectEqual(t, "the name inside", async.CurrentTask(ctx).Name(), "yolo")
				v.Set(ctx, "child's")
				return nil
			}, async.Name("yolo"), async.InVars(vars))
			expectEqual(t, "the name", named.Name(), "yolo")
			return nil
		}))
		expectEqual(t, "the variable in the set that was given", v.ValueIn(vars), "child's")
		expectEqual(t, "the variable of the parent", v.Get(ctx), "parent's")
	}))

	t.Run("M21 a group that is shutting down starts no child", onLoop(func(ctx context.Context, t *testing.T) {
		ran := false
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
			tg.Go(failingWith(errBad, 0))
			err := hanging(ctx)
			late := tg.Go(func(context.Context) error {
				ran = true
				return nil
			})
			expectEqual(t, "done", late.IsDone(), true)
			expectError(t, "the late child", late.Err(), async.ErrShutdown)
			expectEqual(t, "what it says", late.Err().Error(), "async: the TaskGroup is shutting down")
			return err
		})
		expectGroup(t, err, errBad)
		ticks(ctx, 2)
		expectEqual(t, "whether the late child ran", ran, false)
	}))

	t.Run("M22 an error of a deferred call of the body comes together with that of the child", onLoop(func(ctx context.Context, t *testing.T) {
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) (err error) {
			defer func() { err = errWorse }()
			tg.Go(failingWith(errBad, 0))
			return hanging(ctx)
		})
		expectGroup(t, err, errBad, errWorse)
		expectEqual(t, "the number of requests", cancelling(ctx), 0)
	}))

	t.Run("M24 a group that is finished starts no child", onLoop(func(ctx context.Context, t *testing.T) {
		var finished group
		check(async.WithTaskGroup(ctx, func(_ context.Context, tg group) error {
			finished = tg
			return nil
		}))
		late := finished.Go(func(context.Context) error {
			t.Error("the late child ran")
			return nil
		})
		expectEqual(t, "done", late.IsDone(), true)
		expectError(t, "the late child", late.Err(), async.ErrShutdown)
		expectEqual(t, "what it says", late.Err().Error(), "async: the TaskGroup is finished")
		ticks(ctx, 2)
	}))

	t.Run("M25 a group belongs inside a task", onLoop(func(ctx context.Context, t *testing.T) {
		running(ctx).CallSoon(func() {
			expectError(t, "a group in a callback", async.WithTaskGroup(ctx, empty), async.ErrNotInTask)
		})
		ticks(ctx, 1)
		elsewhere := make(chan error, 2)
		go func() {
			elsewhere <- async.WithTaskGroup(ctx, empty)
			elsewhere <- async.WithTaskGroup(context.Background(), empty)
		}()
		expectError(t, "a group on another goroutine", <-elsewhere, async.ErrNotInTask)
		expectError(t, "a group without a loop", <-elsewhere, async.ErrNoLoop)
	}))

	t.Run("M26 the cancellation of a child that the body awaits leaves the block", onLoop(func(ctx context.Context, t *testing.T) {
		var sibling *async.Task[async.Void]
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg group) error {
			sibling = tg.Go(hanging)
			child := tg.Go(hanging)
			ticks(ctx, 1)
			child.Cancel("why")
			_, err := child.Await(ctx)
			return err
		})
		expectError(t, "the block", err, async.ErrCancelled)
		expectEqual(t, "the message", cancelMessage(err), "why")
		expectEqual(t, "cancelled of the sibling", sibling.Cancelled(), true)
		expectEqual(t, "the number of requests", cancelling(ctx), 0)
	}))

	t.Run("M27 children are cancelled in the order of their creation", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		err := async.WithTaskGroup(ctx, func(_ context.Context, tg group) error {
			for i := range 5 {
				tg.Go(func(ctx context.Context) error {
					// The last one begins to wait first, so that the order is not that of the waits.
					ticks(ctx, 5-i)
					err := hanging(ctx)
					c.add("child %d", i)
					return err
				})
			}
			tg.Go(failingWith(errBad, 10))
			return nil
		})
		expectGroup(t, err, errBad)
		c.expect(t, "child 0", "child 1", "child 2", "child 3", "child 4")
	}))
}
