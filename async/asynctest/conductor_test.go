package asynctest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

func TestConductor(t *testing.T) {
	t.Run("a task that looks again and again does not keep the others from running for ever", func(t *testing.T) {
		for _, search := range []asynctest.Search{asynctest.PCT(2), asynctest.Random, asynctest.Exhaustive(1)} {
			asynctest.Explore(t, func(ctx context.Context) error {
				done := false
				return together(ctx, func(ctx context.Context) error {
					for !done {
						if err := pause(ctx); err != nil {
							return err
						}
					}
					return nil
				}, func(context.Context) error { done = true; return nil })
			}, asynctest.Strategy(search), asynctest.Schedules(50))
		}
	})
	t.Run("a run without an end is ended", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Explore(t, func(ctx context.Context) error {
				for {
					if err := pause(ctx); err != nil {
						return err
					}
				}
			}, asynctest.Schedules(1))
		})
		has(t, said, "has not come to an end", "steps before")
	})
	t.Run("tasks that are left are cancelled in every schedule", func(t *testing.T) {
		ended := 0
		r := asynctest.Explore(t, func(ctx context.Context) error {
			async.Go(ctx, func(ctx context.Context) error {
				defer func() { ended++ }()
				_, err := async.NewFuture[int](ctx).Await(ctx)
				return err
			})
			return pause(ctx)
		}, asynctest.Strategy(asynctest.FIFO))
		if !r.Complete || ended == 0 {
			t.Errorf("%d have ended, %+v", ended, r)
		}
	})
	t.Run("eager tasks are suspension points too", func(t *testing.T) {
		r := asynctest.Sweep(t, func(ctx context.Context) error {
			_, err := async.Go(ctx, pause, async.Eager()).Await(ctx)
			return err
		}, asynctest.Faults("cancel"))
		if r.Points != 2 {
			t.Errorf("%d points", r.Points)
		}
	})
	t.Run("a panic in a wait that is recovered leaves nothing behind", func(t *testing.T) {
		for name, wait := range map[string]program{
			"lock":  func(ctx context.Context) error { var l async.Lock; l.TryAcquire(); return l.Acquire(ctx) },
			"event": func(ctx context.Context) error { return new(async.Event).Wait(ctx) },
			"task": func(ctx context.Context) error {
				_, err := async.Go(ctx, func(ctx context.Context) error { return async.Sleep(ctx, 1) }).Await(ctx)
				return err
			},
		} {
			asynctest.Sweep(&mute{TB: t}, func(ctx context.Context) error {
				caught := 0
				try := func() {
					defer func() {
						if v := recover(); v != nil {
							if err, ok := v.(error); !ok || !errors.Is(err, asynctest.ErrInjected) {
								t.Errorf("%s: the panic is %v", name, v)
							}
							caught++
						}
					}()
					short, cancel := async.WithTimeout(ctx, 10)
					defer cancel()
					wait(short)
				}
				try()
				try()
				if caught > 1 {
					t.Errorf("%s: %d panics", name, caught)
				}
				return nil
			}, asynctest.Faults("panic"))
		}
	})
}
