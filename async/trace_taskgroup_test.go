package async_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/asyncgo/asyncgo/async"
)

// groupRepr is repr(tg). String has the same information.
func groupRepr(tg *async.TaskGroup) string {
	fields := strings.NewReplacer(": ", "=", ", ", " ").Replace(tg.String())
	return strings.NewReplacer("TaskGroup(", "<TaskGroup ", ")", ">").Replace(fields)
}

var trace41 = port{
	name: "41_taskgroup_child_fails",
	run: func(tr *trace) {
		bad := func(ctx context.Context) error {
			ticks(ctx, 1)
			tr.println("bad raises")
			return valueError("bad")
		}
		sibling := func(ctx context.Context) error {
			err := untilCancelled(ctx)
			if errors.Is(err, async.ErrCancelled) {
				tr.println("sibling cancelled")
				ticks(context.WithoutCancel(ctx), 1)
				tr.println("sibling cleaned up")
			}
			return err
		}
		tr.run(func(ctx context.Context) error {
			var b, s *async.Task[async.Void]
			err := async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
				b = tg.Go(bad)
				s = tg.Go(sibling)
				err := async.Sleep(ctx, minute)
				if errors.Is(err, async.ErrCancelled) {
					tr.println("body cancelled; cancelling", cancelling(ctx), groupRepr(tg))
				}
				return err
			})
			tr.println(err, exceptions(err), "cancelling", cancelling(ctx))
			tr.println("done", b.IsDone(), s.Cancelled())
			if err := async.Sleep(ctx, 0); err != nil {
				return err
			}
			tr.println("main goes on")
			tr.println("-- body already finished: parent is waiting in the exit")
			err = async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				tg.Go(bad)
				tg.Go(sibling)
				return nil
			})
			tr.println("except*", exceptions(err))
			tr.println("cancelling", cancelling(ctx))
			return nil
		})
	},
}

var trace43 = port{
	name: "43_taskgroup_parent_cancelled",
	run: func(tr *trace) {
		child := func(fail bool) func(context.Context) error {
			return func(ctx context.Context) error {
				err := untilCancelled(ctx)
				if !errors.Is(err, async.ErrCancelled) {
					return err
				}
				tr.println("child cancelled")
				if fail {
					return valueError("child cleanup")
				}
				return err
			}
		}
		parent := func(fail, inBody bool) func(context.Context) error {
			return func(ctx context.Context) error {
				err := async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
					tg.Go(child(fail))
					if inBody {
						return async.Sleep(ctx, minute)
					}
					return nil
				})
				if err != nil {
					class, args := exception(err)
					if class == "ExceptionGroup" {
						args = exceptions(err)
					}
					tr.println("block raised", class, args, "cancelling", cancelling(ctx))
				}
				return err
			}
		}
		tr.run(func(ctx context.Context) error {
			for _, fail := range []bool{false, true} {
				for _, inBody := range []bool{true, false} {
					t := async.Go(ctx, parent(fail, inBody))
					ticks(ctx, 2)
					t.Cancel("outside")
					waitFor(ctx, t)
					tr.println(fmt.Sprintf("fail=%s in_body=%s -> cancelled", str(fail), str(inBody)), t.Cancelled())
					if !t.Cancelled() && t.Err() == nil {
						tr.println("the task did not fail")
					}
				}
			}
			return nil
		})
	},
}

var trace45 = port{
	name: "45_taskgroup_errors_same_tick",
	run: func(tr *trace) {
		crash := func(name string, n int) func(context.Context) error {
			return func(ctx context.Context) error {
				for range n {
					if err := async.Sleep(ctx, 0); err != nil {
						return err
					}
				}
				return valueError(name)
			}
		}
		tr.run(func(ctx context.Context) error {
			err := async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				tg.Go(crash("a", 2))
				tg.Go(crash("b", 1))
				tg.Go(crash("c", 1))
				tg.Go(crash("d", 2))
				tg.Go(crash("e", 3))
				return nil
			})
			var names []any
			for _, e := range exceptions(err) {
				_, args := exception(e.(error))
				names = append(names, args[0])
			}
			tr.println("errors in completion order:", names)
			return nil
		})
	},
}

var trace81 = port{
	name: "81_taskgroup_cancel_count_313",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			err := async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				tg.Go(func(ctx context.Context) error {
					ticks(ctx, 1)
					return valueError("x")
				})
				return nil
			})
			if err == nil {
				tr.println("the group did not fail")
			}
			tr.println("3.13: count restored when the parent was waiting in the exit:", cancelling(ctx))
			t := async.Go(ctx, func(ctx context.Context) error {
				err := async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
					tg.Go(func(ctx context.Context) error {
						if err := untilCancelled(ctx); !errors.Is(err, async.ErrCancelled) {
							return err
						}
						return valueError("cleanup")
					})
					return async.Sleep(ctx, minute)
				})
				tr.println("EG", exceptions(err), "cancelling", cancelling(ctx))
				if err = async.Sleep(ctx, 0); errors.Is(err, async.ErrCancelled) {
					tr.println("3.13: the outside cancellation is delivered again at the next await")
					return err
				}
				tr.println("3.12: not reached with a cancellation")
				return err
			})
			ticks(ctx, 2)
			t.Cancel()
			waitFor(ctx, t)
			tr.println("cancelled", t.Cancelled())
			return nil
		})
	},
}

var trace89 = port{
	name: "89_taskgroup_child_raises_cancelled",
	run: func(tr *trace) {
		selfCancelled := func(context.Context) error { return &async.CancelledError{Msg: "self"} }
		ok := async.Coroutine[int](func(ctx context.Context) (int, error) {
			for range 4 {
				if err := async.Sleep(ctx, 0); err != nil {
					return 0, err
				}
			}
			tr.println("ok finished")
			return 1, nil
		})
		tr.run(func(ctx context.Context) error {
			var a *async.Task[async.Void]
			var b *async.Task[int]
			check(async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				a = tg.Go(selfCancelled)
				b = async.Spawn(tg, ok)
				return nil
			}))
			tr.println("no error", a.Cancelled(), must(b.Result()))
			tr.println("-- awaiting a cancelled child in the body does raise")
			err := async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
				a = tg.Go(selfCancelled)
				b = async.Spawn(tg, ok)
				_, err := a.Await(ctx)
				return err
			})
			if errors.Is(err, async.ErrCancelled) {
				class, args := exception(err)
				tr.println(class, args, "b cancelled", b.Cancelled(), "cancelling", cancelling(ctx))
			}
			return nil
		})
	},
}
