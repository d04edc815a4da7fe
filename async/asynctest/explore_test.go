package asynctest_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/async/asynctest/testdata/corpus"
)

// A mute is a test that may fail without failing the test that makes it.
type mute struct {
	testing.TB
	said   string
	failed bool
}

func (m *mute) Helper()        {}
func (m *mute) Failed() bool   { return false }
func (m *mute) Error(a ...any) { m.failed, m.said = true, m.said+fmt.Sprint(a...) }
func (m *mute) Log(a ...any)   { m.said += fmt.Sprint(a...) }

// lostUpdate lets n tasks add one to a counter, each with a wait between reading and writing.
func lostUpdate(n int) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		counter := 0
		tasks := make([]*async.Task[async.Void], n)
		for i := range tasks {
			tasks[i] = async.Go(ctx, func(ctx context.Context) error {
				v := counter
				if err := async.Sleep(ctx, 0); err != nil {
					return err
				}
				counter = v + 1
				return nil
			})
		}
		if _, err := async.GatherOf(ctx, tasks); err != nil {
			return err
		}
		if counter != n {
			return fmt.Errorf("the counter is %d, and %d tasks have added one", counter, n)
		}
		return nil
	}
}

// tree is a task that starts two others, which do the same, down to a depth.
func tree(ctx context.Context, depth int, left *int, done *async.Event) {
	async.Go(ctx, func(ctx context.Context) error {
		if depth > 1 {
			tree(ctx, depth-1, left, done)
			tree(ctx, depth-1, left, done)
		}
		if *left--; *left == 0 {
			done.Set()
		}
		return nil
	})
}

func TestExhaustive(t *testing.T) {
	t.Run("three tasks that read, give way and write have 90 schedules, and 84 are wrong", func(t *testing.T) {
		r := asynctest.Explore(&mute{TB: t}, lostUpdate(3), asynctest.Strategy(asynctest.Exhaustive(0)), asynctest.CountAll())
		if r.Schedules != 90 || r.Failed != 84 || !r.Complete {
			t.Errorf("%d schedules, %d wrong, complete: %t", r.Schedules, r.Failed, r.Complete)
		}
	})
	t.Run("n tasks of k steps have (nk)!/(k!)^n schedules", func(t *testing.T) {
		for _, tt := range []struct{ n, k, want int }{{2, 2, 6}, {2, 4, 70}, {2, 6, 924}, {3, 3, 1680}, {4, 2, 2520}} {
			r := asynctest.Explore(t, func(ctx context.Context) error {
				var fns []program
				for range tt.n {
					fns = append(fns, func(ctx context.Context) error {
						for range tt.k - 1 {
							if err := pause(ctx); err != nil {
								return err
							}
						}
						return nil
					})
				}
				return together(ctx, fns...)
			}, asynctest.Strategy(asynctest.Exhaustive(0)))
			if r.Schedules != tt.want || !r.Complete {
				t.Errorf("%d tasks of %d steps: %d schedules, want %d", tt.n, tt.k, r.Schedules, tt.want)
			}
		}
	})
	t.Run("a tree of tasks has n!/(product of the sizes of all subtrees) schedules", func(t *testing.T) {
		for _, tt := range []struct{ depth, size, want int }{{2, 3, 2}, {3, 7, 80}} {
			r := asynctest.Explore(t, func(ctx context.Context) error {
				left := tt.size
				var done async.Event
				tree(ctx, tt.depth, &left, &done)
				return done.Wait(ctx)
			}, asynctest.Strategy(asynctest.Exhaustive(0)))
			if r.Schedules != tt.want || !r.Complete {
				t.Errorf("a tree of depth %d: %d schedules, want %d", tt.depth, r.Schedules, tt.want)
			}
		}
	})
	t.Run("a bound limits the choices out of order", func(t *testing.T) {
		// Three tasks of two steps: the first choice out of order can be made in each of the choices.
		all := 0
		for bound := 1; bound <= 5; bound++ {
			r := asynctest.Explore(&mute{TB: t}, lostUpdate(3), asynctest.Strategy(asynctest.Exhaustive(bound)), asynctest.CountAll())
			if r.Schedules < all || !r.Complete {
				t.Errorf("%d schedules with a bound of %d, and %d with a smaller one", r.Schedules, bound, all)
			}
			all = r.Schedules
		}
		if all != 90 {
			t.Errorf("%d schedules with the largest bound", all)
		}
	})
}

func TestPCT(t *testing.T) {
	// The shapes of the paper: an order, a window in one task, and two windows that overlap.
	const k = 8
	shape := func(depth int) program {
		return func(ctx context.Context) error {
			a, b, stage := 0, 0, 0
			run := func(mine *int, first bool) program {
				return func(ctx context.Context) error {
					for i := range k {
						if i > 0 {
							if err := pause(ctx); err != nil {
								return err
							}
						}
						*mine++
						switch {
						case depth == 1 && !first && b == 1 && a == 0,
							depth == 2 && !first && b == k && a == 4:
							stage = 100
						case depth == 3 && stage == 0 && !first && b == 3 && a == 4:
							stage = 1
						case depth == 3 && stage == 1 && first && b == 3:
							stage = 100
						}
					}
					return nil
				}
			}
			if err := together(ctx, run(&a, true), run(&b, false)); err != nil {
				return err
			}
			if stage == 100 {
				return fmt.Errorf("found")
			}
			return nil
		}
	}
	for depth := 1; depth <= 3; depth++ {
		t.Run(fmt.Sprintf("it finds a bug of depth %d at least as often as is proven", depth), func(t *testing.T) {
			const n, steps, schedules = 3, 2*k + 2, 4000 // with main
			r := asynctest.Explore(&mute{TB: t}, shape(depth), asynctest.Strategy(asynctest.PCT(depth)), asynctest.Seed(7),
				asynctest.Schedules(schedules), asynctest.CountAll())
			rate, bound := float64(r.Failed)/schedules, 1/(n*math.Pow(steps, float64(depth-1)))
			t.Logf("rate %.5f, proven %.5f", rate, bound)
			if rate < bound {
				t.Errorf("the rate is %.5f, and %.5f is proven", rate, bound)
			}
		})
	}
}

func TestExplore(t *testing.T) {
	t.Run("the report has the failure, a token, and a numbered timeline", func(t *testing.T) {
		m := &mute{TB: t}
		r := asynctest.Explore(m, corpus.All[0].Buggy, asynctest.Seed(1))
		has(t, m.said, "the counter is 1 and should be 2", "ASYNCGO_SCHEDULE="+r.Token+" go test -run '^TestExplore$/^the_report",
			"  1  main  starts   waits for Future at ", "  2  a     starts   gives way at testdata/corpus/corpus.go:")
	})
	t.Run("ASYNCGO_SCHEDULE replays exactly the schedule of its token", func(t *testing.T) {
		m := &mute{TB: t}
		found := asynctest.Explore(m, corpus.All[1].Buggy, asynctest.Strategy(asynctest.PCT(2)))
		t.Setenv("ASYNCGO_SCHEDULE", found.Token)
		again := asynctest.Explore(m, corpus.All[1].Buggy)
		if again.Schedules != 1 || again.Failed != 1 || again.Hash != found.Hash {
			t.Errorf("the replay is %+v", again)
		}
		t.Run("in the test with this name only", func(t *testing.T) {
			if other := asynctest.Explore(t, corpus.All[1].Fixed, asynctest.Schedules(5)); other.Schedules != 5 {
				t.Errorf("%d schedules", other.Schedules)
			}
		})
	})
	t.Run("text that is no token fails", func(t *testing.T) {
		t.Setenv("ASYNCGO_SCHEDULE", "what?")
		has(t, mustFail(t, func(t testing.TB) { asynctest.Explore(t, corpus.All[0].Fixed) }), "not the token of a schedule")
	})
	t.Run("a schedule is shortened", func(t *testing.T) {
		r := asynctest.Explore(&mute{TB: t}, lateReader, asynctest.Seed(1), asynctest.Schedules(5000))
		if r.Failed == 0 {
			t.Fatal("it is not found")
		}
		has(t, r.Failure, "to 1 choices out of order")
	})
	t.Run("failures of TB, panics and deadlocks count as well", func(t *testing.T) {
		for want, main := range map[string]program{
			"soft": func(ctx context.Context) error { asynctest.TB(ctx).Errorf("soft"); return nil },
			"hard": func(ctx context.Context) error {
				return together(ctx, func(ctx context.Context) error { asynctest.TB(ctx).Fatal("hard"); return nil })
			},
			"panic: ouch": func(context.Context) error { panic("ouch") },
			"deadlock":    opposite,
			"held by ": func(ctx context.Context) error {
				var l async.Lock
				return together(ctx, func(ctx context.Context) error { return l.Acquire(ctx) })
			},
			"is broken": func(ctx context.Context) error {
				asynctest.Invariant(ctx, func() error { return errors.New("it is broken") })
				return nil
			},
		} {
			m := &mute{TB: t}
			if r := asynctest.Explore(m, main, asynctest.Schedules(20), asynctest.CountAll()); r.Failed == 0 {
				t.Errorf("nothing was found with %q", want)
			}
			has(t, m.said, want)
		}
	})
	t.Run("a goroutine that is left is found", func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		said := mustFail(t, func(t testing.TB) {
			asynctest.Explore(t, func(context.Context) error { go func() { <-end }(); return nil }, asynctest.Schedules(3))
		})
		has(t, said, "a goroutine is left")
	})
	t.Run("a program that is not deterministic is flagged, with the first step that differs", func(t *testing.T) {
		runs := 0
		said := mustFail(t, func(t testing.TB) {
			asynctest.Explore(t, func(ctx context.Context) error {
				runs++
				return together(ctx, pause, func(ctx context.Context) error {
					if runs%2 == 0 {
						return pause(ctx)
					}
					return nil
				})
			})
		})
		has(t, said, "not deterministic", "step ", " differs")
		if strings.Contains(said, "To run it again") {
			t.Errorf("it cannot be run again in this way:\n%s", said)
		}
	})
	t.Run("so is one that is not in a single schedule of 90", func(t *testing.T) {
		runs := map[string]int{}
		said := mustFail(t, func(t testing.TB) {
			asynctest.Explore(t, func(ctx context.Context) error {
				trail := ""
				mark := func(name string) program {
					return steps(func() { trail += name }, func() { trail += name })
				}
				if err := together(ctx, mark("a"), mark("b"), mark("c")); err != nil {
					return err
				}
				if runs[trail]++; trail == "ccbbaa" && runs[trail] > 1 {
					return pause(ctx)
				}
				return nil
			}, asynctest.Strategy(asynctest.Exhaustive(0)))
		})
		has(t, said, "not deterministic", "step 8 differs")
	})
	t.Run("so is one that waits for something else each time, and it is said that this is what differs", func(t *testing.T) {
		runs := 0
		said := mustFail(t, func(t testing.TB) {
			asynctest.Explore(t, func(ctx context.Context) error {
				runs++
				return async.Sleep(ctx, time.Duration(runs)*time.Second)
			})
		})
		has(t, said, "step 1 differs", "once main ran and came to a wait; then main ran and came to a wait, but to another one, or for another time\n")
	})
	t.Run("so is one in which others are ready each time, and it is said that this is what differs", func(t *testing.T) {
		runs := 0
		said := mustFail(t, func(t testing.TB) {
			asynctest.Explore(t, func(ctx context.Context) error {
				runs++
				async.Go(ctx, func(ctx context.Context) error {
					if runs%2 == 0 {
						async.Go(ctx, pause)
					}
					return nil
				})
				return errors.Join(pause(ctx), pause(ctx))
			}, asynctest.Strategy(asynctest.FIFO))
		})
		has(t, said, "step 3 differs", "once main ran and came to a wait; then main ran and came to a wait, when other tasks could have run\n")
	})
	t.Run("so is the order of a map", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Explore(t, func(ctx context.Context) error {
				var fns []program
				for n := range map[int]bool{0: true, 1: true, 2: true, 3: true, 4: true} {
					fns = append(fns, func(ctx context.Context) error { return async.Sleep(ctx, time.Duration(n)) })
				}
				return together(ctx, fns...)
			})
		})
		has(t, said, "not deterministic")
	})
	t.Run("one schedule does not see the time of the one before", func(t *testing.T) {
		asynctest.Explore(t, func(ctx context.Context) error {
			l, _ := async.RunningLoop(ctx)
			if got := l.Time(); got != 0 {
				return fmt.Errorf("it begins at %v", got)
			}
			return async.Sleep(ctx, time.Hour)
		}, asynctest.Schedules(3))
	})
	t.Run("functions on other goroutines come back between the same steps", func(t *testing.T) {
		asynctest.Explore(t, func(ctx context.Context) error {
			job := func(ctx context.Context) error {
				_, err := async.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
				return err
			}
			return together(ctx, job, pause)
		}, asynctest.Schedules(50))
	})
}

// lateReader fails if its reader runs before its writer, whatever the others do.
func lateReader(ctx context.Context) error {
	written := false
	idle := func(ctx context.Context) error { return errors.Join(pause(ctx), pause(ctx)) }
	return together(ctx, idle, func(context.Context) error { written = true; return nil }, idle, func(context.Context) error {
		if !written {
			return errors.New("read before it was written")
		}
		return nil
	})
}
