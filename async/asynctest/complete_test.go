package asynctest_test

import (
	"context"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

func TestComplete(t *testing.T) {
	explore := func(main program, opts ...asynctest.Option) *asynctest.Result {
		return asynctest.Explore(&mute{TB: t}, main, opts...)
	}
	sweep := func(main program, opts ...asynctest.Option) *asynctest.Result {
		return asynctest.Sweep(&mute{TB: t}, main, append(opts, asynctest.Faults("cancel"))...)
	}
	all := asynctest.Strategy(asynctest.Exhaustive(0))
	two := func(ctx context.Context) error { return together(ctx, pause, pause) } // has 6 schedules
	fails := waits(2)                                                             // so has this one
	long := func(ctx context.Context) error {
		for range 2500 {
			if err := pause(ctx); err != nil {
				return err
			}
		}
		return two(ctx) // and only now there is a choice
	}
	for what, tt := range map[string]struct {
		got  *asynctest.Result
		want bool
	}{
		"all schedules":                               {explore(two, all), true},
		"as many schedules as there are":              {explore(two, all, asynctest.Schedules(6)), true},
		"one schedule less":                           {explore(two, all, asynctest.Schedules(5)), false},
		"a failure before the end":                    {explore(fails, all), false},
		"failures, and all schedules":                 {explore(fails, all, asynctest.CountAll()), true},
		"a failure, the only schedule":                {explore(waits(1), asynctest.Strategy(asynctest.FIFO)), true},
		"FIFO":                                        {explore(two, asynctest.Strategy(asynctest.FIFO)), true},
		"random choices":                              {explore(two, asynctest.Schedules(1000)), false},
		"PCT":                                         {explore(two, asynctest.Strategy(asynctest.PCT(2)), asynctest.Schedules(1000)), false},
		"a run whose end is in FIFO order":            {explore(long, all), false},
		"a sweep":                                     {sweep(two), true},
		"a sweep of all schedules":                    {sweep(two, all), true},
		"a sweep of as many schedules as there are":   {sweep(two, all, asynctest.Schedules(6)), true},
		"a sweep of one schedule less":                {sweep(two, all, asynctest.Schedules(5)), false},
		"a sweep of random schedules":                 {sweep(two, asynctest.Strategy(asynctest.Random), asynctest.Schedules(100)), false},
		"a sweep with a failure in the first program": {sweep(fails), false},
	} {
		if tt.got.Complete != tt.want {
			t.Errorf("complete with %s: %t, with %d schedules", what, tt.got.Complete, tt.got.Schedules)
		}
	}
}

// A hurried test has a deadline.
type hurried struct {
	testing.TB
	end time.Time
}

func (h hurried) Deadline() (time.Time, bool) { return h.end, true }

func TestEndOfTheTime(t *testing.T) {
	slow := func(ctx context.Context) error {
		time.Sleep(10 * time.Millisecond)
		return pause(ctx)
	}
	token := asynctest.Explore(&mute{TB: t}, slow, asynctest.Schedules(1)).Token
	if token != "" {
		t.Fatal("it fails")
	}
	for what, run := range map[string]func(t testing.TB){
		"schedules": func(t testing.TB) { asynctest.Explore(t, slow, asynctest.Schedules(1_000_000)) },
		"faults": func(t testing.TB) {
			asynctest.Sweep(t, slow, asynctest.Strategy(asynctest.Random), asynctest.Schedules(1_000_000))
		},
	} {
		t.Run("the time of the test is for all "+what+" together", func(t *testing.T) {
			said := mustFail(t, func(t testing.TB) { run(hurried{t, time.Now().Add(200 * time.Millisecond)}) })
			has(t, said, "the time of the test is over")
		})
	}
	t.Run("a run that is stuck in the middle has what the runs before have left", func(t *testing.T) {
		runs := 0
		said := mustFail(t, func(t testing.TB) {
			asynctest.Explore(hurried{t, time.Now().Add(200 * time.Millisecond)}, func(ctx context.Context) error {
				if runs++; runs > 4 {
					for {
						if err := async.Sleep(ctx, 0); err != nil {
							return err
						}
						time.Sleep(time.Millisecond)
					}
				}
				return pause(ctx)
			}, asynctest.Schedules(10))
		})
		has(t, said, "the time of the test is over, in run 5, which has taken ", `Task("main", pending`)
	})
	t.Run("tasks that give way for ever after main has ended fail the test, and do not hold it up", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Explore(t, func(ctx context.Context) error {
				async.Go(ctx, func(ctx context.Context) error {
					for {
						async.Sleep(ctx, 0) // and never looks at the error
					}
				}, async.Name("deaf"))
				return pause(ctx)
			}, asynctest.Strategy(asynctest.FIFO), asynctest.IgnoreLeaks())
		})
		has(t, said, "tasks do not end although they are cancelled, and have taken 100000 steps since", `Task("deaf", cancelling`)
	})
}
