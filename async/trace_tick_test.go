package async_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// awaiting is a wait for aw, as a function.
func awaiting[T any](aw async.Awaitable[T]) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := aw.Await(ctx)
		return err
	}
}

var trace04 = port{
	name: "04_what_yields",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			l := running(ctx)
			probe := func(label string, wait func(ctx context.Context) error) {
				ran := false
				l.CallSoon(func() { ran = true })
				check(wait(ctx))
				yields := "does NOT yield"
				if ran {
					yields = "yields"
				}
				tr.println(fmt.Sprintf("%-42s", label), yields)
				ticks(ctx, 1)
			}
			coro := async.Coroutine[int](func(context.Context) (int, error) { return 1, nil })
			done := async.NewFuture[int](ctx)
			check(done.SetResult(1))
			dtask := async.CreateTask(ctx, coro)
			must(dtask.Await(ctx))
			probe("await coroutine that never blocks", awaiting(coro))
			probe("await done future", awaiting(done))
			probe("await finished task", awaiting(dtask))
			probe("await new task", awaiting(async.CreateTask(ctx, coro)))
			probe("sleep(0)", func(ctx context.Context) error { return async.Sleep(ctx, 0) })
			probe("sleep(-1)", func(ctx context.Context) error { return async.Sleep(ctx, -time.Second) })
			probe("Lock.acquire() unlocked", new(async.Lock).Acquire)
			probe("Semaphore(1).acquire()", async.NewSemaphore(1).Acquire)
			var ev async.Event
			ev.Set()
			probe("Event.wait() when set", ev.Wait)
			var q async.Queue[int]
			check(q.PutNowait(1))
			bq := async.NewQueue[int](1)
			probe("Queue.get() when non-empty", func(ctx context.Context) error {
				_, err := q.Get(ctx)
				return err
			})
			probe("Queue.put() when not full", func(ctx context.Context) error { return bq.Put(ctx, 1) })
			probe("Queue.join() when nothing unfinished", new(async.Queue[int]).Join)
			var cond async.Condition
			check(cond.Acquire(ctx))
			probe("Condition.wait_for(true predicate)", func(ctx context.Context) error {
				return cond.WaitFor(ctx, func() bool { return true })
			})
			probe("Barrier(1).wait()", func(ctx context.Context) error {
				_, err := async.NewBarrier(1).Wait(ctx)
				return err
			})
			probe("gather() of nothing", awaiting(async.GatherFuture[int](ctx)))
			probe("gather(done future)", awaiting(async.GatherFuture(ctx, done)))
			probe("wait({done future})", func(ctx context.Context) error {
				_, _, err := async.Wait(ctx, []*async.Future[int]{done})
				return err
			})
			waitingFor := func(aw async.Awaitable[int], d time.Duration) func(context.Context) error {
				return func(ctx context.Context) error {
					_, err := async.WaitFor(ctx, aw, d)
					return err
				}
			}
			probe("wait_for(done future, 1)", waitingFor(done, time.Second))
			probe("wait_for(done future, 0)", waitingFor(done, 0))
			probe("wait_for(done future, None)", waitingFor(done, async.Forever))
			probe("wait_for(coroutine, None)", waitingFor(coro, async.Forever))
			probe("wait_for(coroutine, 1)", waitingFor(coro, time.Second))
			probe("shield(done future)", awaiting(async.ShieldFuture(ctx, done)))
			probe("shield(coroutine)", awaiting(async.ShieldFuture(ctx, coro)))
			probe("empty TaskGroup", func(ctx context.Context) error {
				return async.WithTaskGroup(ctx, func(context.Context, *async.TaskGroup) error { return nil })
			})
			empty := func(context.Context, *async.TimeoutScope) error { return nil }
			probe("empty timeout block", func(ctx context.Context) error { return async.Timeout(ctx, time.Second, empty) })
			probe("empty timeout(0) block", func(ctx context.Context) error { return async.Timeout(ctx, 0, empty) })
			return nil
		})
	},
}

var trace07 = port{
	name: "07_tick_latency",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			l := running(ctx)
			tick, stop := 0, false
			var ticker func()
			ticker = func() {
				tick++
				if !stop {
					l.CallSoon(ticker)
				}
			}
			l.CallSoon(ticker)
			ticks(ctx, 1)

			child := async.Coroutine[int](func(context.Context) (int, error) { return tick, nil })
			t0 := tick
			t := async.CreateTask(ctx, child)
			started := must(t.Await(ctx))
			tr.println("create_task -> child runs after", started-t0, "tick(s)")
			tr.println("child end -> awaiter resumes after", tick-started, "tick(s)")

			f := async.NewFuture[int](ctx)
			async.Go(ctx, func(context.Context) error { return f.SetResult(tick) })
			at := must(f.Await(ctx))
			tr.println("set_result -> waiter resumes after", tick-at, "tick(s)")

			at = must(async.Gather(ctx, child))[0]
			tr.println("gather: child end -> await gather() returns after", tick-at, "tick(s)")

			t = async.CreateTask(ctx, child)
			waitFor(ctx, t)
			tr.println("wait: child end -> wait() returns after", tick-must(t.Result()), "tick(s)")

			at = must(async.WaitFor(ctx, async.CreateTask(ctx, child), 10*time.Second))
			tr.println("wait_for: child end -> returns after", tick-at, "tick(s)")

			at = must(async.Shield(ctx, async.CreateTask(ctx, child)))
			tr.println("shield: inner end -> awaiter after", tick-at, "tick(s)")

			check(async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				t = async.Spawn(tg, child)
				return nil
			}))
			tr.println("TaskGroup: child end -> block left after", tick-must(t.Result()), "tick(s)")

			t = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return async.NewFuture[int](ctx).Await(ctx) })
			ticks(ctx, 1)
			at = tick
			t.Cancel()
			if _, err := t.Await(ctx); !errors.Is(err, async.ErrCancelled) {
				return err
			}
			tr.println("cancel() -> awaiter of the cancelled task sees it after", tick-at, "tick(s)")

			t = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				defer func() { tr.println("cancel() -> CancelledError inside after", tick-at, "tick(s)") }()
				return async.NewFuture[int](ctx).Await(ctx)
			})
			ticks(ctx, 1)
			at = tick
			t.Cancel()
			waitFor(ctx, t)
			stop = true
			return nil
		})
	},
}

var trace17 = port{
	name: "17_done_callbacks_vs_awaiter",
	run: func(tr *trace) {
		type task = async.Task[async.Void]
		awaiter := func(name string, t *task) func(context.Context) error {
			return func(ctx context.Context) error {
				_, err := t.Await(ctx)
				tr.println(name, "resumed")
				return err
			}
		}
		tr.run(func(ctx context.Context) error {
			l := running(ctx)
			t := async.Go(ctx, func(ctx context.Context) error {
				ticks(ctx, 1)
				tr.println("child ends")
				return nil
			})
			t.AddDoneCallback(func(*async.Future[async.Void]) { tr.println("cb1") })
			a := async.Go(ctx, awaiter("awaiter1", t))
			b := async.Go(ctx, awaiter("awaiter2", t))
			ticks(ctx, 1) // child and both awaiters have started
			t.AddDoneCallback(func(*async.Future[async.Void]) {
				tr.println("cb2")
				l.CallSoon(func() { tr.println("call_soon made in cb2") })
			})
			c := async.Go(ctx, awaiter("late awaiter (task already done: no wait)", t))
			waitFor(ctx, a, b, c)
			return nil
		})
	},
}
