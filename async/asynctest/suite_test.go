package asynctest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

// A survivor is a program that must survive every schedule and every fault. All have three tasks that do three
// things each.
type survivor struct {
	name string
	main program
}

func TestPrimitives(t *testing.T) {
	for _, family := range [][]survivor{lockSurvivors, queueSurvivors, taskSurvivors} {
		for _, p := range family {
			t.Run(p.name+" survives every schedule that is tried, and every fault in every wait", func(t *testing.T) { survive(t, p.main) })
		}
	}
}

// survive tries schedules and faults on a program.
func survive(t *testing.T, main program) {
	t.Run("random", func(t *testing.T) {
		asynctest.Explore(t, main, asynctest.Schedules(1000/slowness), asynctest.Seed(1))
	})
	t.Run("pct", func(t *testing.T) {
		asynctest.Explore(t, main, asynctest.Strategy(asynctest.PCT(3)), asynctest.Schedules(1000/slowness), asynctest.Seed(1))
	})
	t.Run("exhaustive", func(t *testing.T) {
		asynctest.Explore(t, main, asynctest.Strategy(asynctest.Exhaustive(2)), asynctest.Schedules(2000/slowness))
	})
	t.Run("sweep", func(t *testing.T) {
		if r := asynctest.Sweep(t, main); r.Points < 3 {
			t.Errorf("the program has only %d waits", r.Points)
		}
	})
	t.Run("sweep of random schedules", func(t *testing.T) {
		asynctest.Sweep(t, main, asynctest.Strategy(asynctest.Random), asynctest.Schedules(30/slowness), asynctest.Seed(1))
	})
}

// three runs three tasks that each do something three times.
func three(ctx context.Context, op func(ctx context.Context, task, turn int) error) error {
	var fns []program
	for task := range 3 {
		fns = append(fns, func(ctx context.Context) error {
			for turn := range 3 {
				if err := op(ctx, task, turn); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return together(ctx, fns...)
}

// handedOver has two tasks take something, three times, and cancels the first one in the step in which somebody gives. What
// that one was woken for has to reach the other, or there is a deadlock.
func handedOver(ctx context.Context, take, give program) error {
	for range 3 {
		first, second := async.Go(ctx, take, async.Name("first")), async.Go(ctx, take, async.Name("second"))
		if err := errors.Join(pause(ctx), pause(ctx)); err != nil {
			return err
		}
		if err := give(ctx); err != nil {
			return err
		}
		first.Cancel()
		got, err := async.GatherSettled(ctx, first)
		if err == nil && got[0].Err == nil { // it was faster
			err = give(ctx)
		}
		if err != nil {
			return err
		}
		if _, err := second.Await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// exclusive returns a function that waits, and that at most so many may be in at a time.
func exclusive(ctx context.Context, most int) program {
	t := asynctest.TB(ctx)
	inside := 0
	return func(ctx context.Context) error {
		if inside++; inside > most {
			t.Errorf("%d are inside", inside)
		}
		defer func() { inside-- }()
		return pause(ctx)
	}
}

// orTimeout takes the end of a wait's time for a way to succeed.
func orTimeout(err error) error {
	if errors.Is(err, async.ErrTimeout) {
		return nil
	}
	return err
}

// free is an invariant: at the end the primitive is free, and nobody waits.
func free(ctx context.Context, p fmt.Stringer, want string) {
	asynctest.Invariant(ctx, func() error { return same("what is left", p.String(), want) })
}
