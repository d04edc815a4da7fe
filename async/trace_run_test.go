package async_test

import (
	"context"
	"errors"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/asyncgo/asyncgo/internal/pytrace"
)

var trace65 = port{
	name: "65_run_cancels_leftovers",
	run: func(tr *trace) {
		left := func(name string, n int) func(context.Context) error {
			return func(ctx context.Context) error {
				err := untilCancelled(ctx)
				if errors.Is(err, async.ErrCancelled) {
					ticks(context.WithoutCancel(ctx), n)
					tr.println("leftover", name, "cleaned up")
				}
				return err
			}
		}
		var ts []*async.Task[async.Void]
		main := func(ctx context.Context) (string, error) {
			running(ctx).SetExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				tr.println("handler:", sentence(c.Message), repr(c.Err))
			})
			ts = append(ts, async.Go(ctx, left("fast", 0)), async.Go(ctx, left("slow", 5)), async.Go(ctx, func(ctx context.Context) error {
				if err := untilCancelled(ctx); !errors.Is(err, async.ErrCancelled) {
					return err
				}
				check(async.Sleep(context.WithoutCancel(ctx), 20*time.Millisecond))
				return errZeroDivision
			}))
			ticks(ctx, 1)
			tr.println("main returns")
			return "result", nil
		}
		clock := async.Clock(loop.NewVirtual())
		tr.println("run returned", must(async.RunResult(main, clock)))
		var cancelled []bool
		for _, t := range ts {
			cancelled = append(cancelled, t.Cancelled())
		}
		tr.println(cancelled)
		err := async.Run(func(ctx context.Context) error {
			async.Go(ctx, left("of failing main", 0))
			ticks(ctx, 1)
			return valueError("main failed")
		}, clock)
		tr.println("run raised", repr(err), "after the leftovers were cleaned up")
	},
	deviations: []pytrace.Deviation{{
		Line:   5,
		Python: "async generator closed",
		Why:    "Go has no asynchronous generators for the end of the run to close: a range over a sequence of package iter ends it, and a task in the middle of one is cancelled like any other.",
	}},
}

var trace67 = port{
	name: "67_runner",
	run: func(tr *trace) {
		v := async.NewContextVar("v", 0)
		setv := func(x int) async.Coroutine[int] {
			return func(ctx context.Context) (int, error) {
				old := v.Get(ctx)
				err := async.Sleep(ctx, 0)
				v.Set(ctx, x)
				return old, err
			}
		}
		bg := func(ctx context.Context) error {
			for i := range 4 {
				tr.println("bg", i)
				if err := async.Sleep(ctx, 0); err != nil {
					return err
				}
			}
			err := untilCancelled(ctx)
			if errors.Is(err, async.ErrCancelled) {
				tr.println("bg cancelled at close")
			}
			return err
		}
		start := func(ctx context.Context) (*async.Task[async.Void], error) { return async.Go(ctx, bg), nil }
		spin := func(n int) func(context.Context) error {
			return func(ctx context.Context) error {
				ticks(ctx, n)
				tr.println("spin ends")
				return nil
			}
		}
		r := async.NewRunner(async.Clock(loop.NewVirtual()))
		tr.println(must(async.RunIn(r, setv(1))), must(async.RunIn(r, setv(2))),
			"context is kept between runs; outside", v.Get(context.Background()))
		t := must(async.RunIn(r, start))
		tr.println("between runs; bg done", t.IsDone())
		check(r.Run(spin(2)))
		tr.println("bg only advances while a run is active")
		check(r.Run(spin(3)))
		check(r.Run(func(context.Context) error {
			tr.println(spelled(r.Run(spin(1)), async.ErrLoopRunning, "Runner.run() cannot be called from a running event loop"))
			tr.println(spelled(async.Run(spin(1)), async.ErrLoopRunning, "asyncio.run() cannot be called from a running event loop"))
			return nil
		}))
		r.Close()
		_, err := r.Loop()
		tr.println(spelled(err, async.ErrRunnerClosed, "Runner is closed"))
		r.Close()
		tr.println("close twice is fine")
	},
	deviations: []pytrace.Deviation{{Line: 12, Python: "ValueError a coroutine was expected, got 5", Why: compilersJob}},
}

var trace99 = port{
	name: "99_run_waits_for_threads",
	run: func(tr *trace) {
		// The script sleeps so that the thread has started when main returns, and goes on after that. Here the two
		// tell each other.
		started, returned := future.New[async.Void](), make(chan struct{})
		job := func(context.Context) (async.Void, error) {
			check(started.SetResult(async.Void{}))
			<-returned
			time.Sleep(20 * time.Millisecond) // a Run that does not wait would be done by now
			tr.println("thread ends")
			return async.Void{}, nil
		}
		t := must(async.RunResult(func(ctx context.Context) (*async.Task[async.Void], error) {
			defer close(returned)
			t := async.CreateTask(ctx, func(ctx context.Context) (async.Void, error) { return async.ToThread(ctx, job) })
			must(started.Await(ctx))
			tr.println("main returns")
			return t, nil
		}))
		tr.println("run() returned after the thread; the awaiting task was cancelled:", t.Cancelled())
	},
}
