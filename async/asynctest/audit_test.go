package asynctest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

func TestInvariant(t *testing.T) {
	// check runs a program with one invariant under Explore.
	check := func(t *testing.T, fn func(t testing.TB) error) (*asynctest.Result, string) {
		m := &mute{TB: t}
		r := asynctest.Explore(m, func(ctx context.Context) error {
			asynctest.Invariant(ctx, func() error { return fn(asynctest.TB(ctx)) })
			return pause(ctx)
		}, asynctest.Schedules(3), asynctest.CountAll())
		return r, m.said
	}
	t.Run("an error fails the run", func(t *testing.T) {
		r, said := check(t, func(testing.TB) error { return errors.New("broken") })
		if r.Failed != 3 {
			t.Errorf("the result is %+v", r)
		}
		has(t, said, "broken")
	})
	t.Run("Error of TB in it fails the run", func(t *testing.T) {
		_, said := check(t, func(t testing.TB) error { t.Error("seen"); return nil })
		has(t, said, "seen")
	})
	t.Run("Fatal of TB in it fails the run", func(t *testing.T) {
		_, said := check(t, func(t testing.TB) error { t.Fatal("the end"); return nil })
		has(t, said, "the end")
	})
	t.Run("a panic in it fails the run", func(t *testing.T) {
		_, said := check(t, func(testing.TB) error { panic("ouch") })
		has(t, said, "panic in an invariant: ouch", "audit_test.go")
	})
	t.Run("a cleanup that it adds is called", func(t *testing.T) {
		_, said := check(t, func(t testing.TB) error {
			t.Cleanup(func() { t.Error("cleaned up") })
			return nil
		})
		has(t, said, "cleaned up")
	})
	t.Run("in Run, Fatal in it ends Run, as FailNow of the test", func(t *testing.T) {
		returned := false
		m := &quitter{mute: mute{TB: t}}
		done := make(chan struct{})
		go func() {
			defer close(done)
			asynctest.Run(m, func(ctx context.Context) error {
				asynctest.Invariant(ctx, func() error { asynctest.TB(ctx).Fatal("the end"); return nil })
				return nil
			})
			returned = true
		}()
		<-done
		if returned || m.said != "the end" {
			t.Errorf("it has returned: %t; it says %q", returned, m.said)
		}
	})
	t.Run("it may be called from any goroutine", func(t *testing.T) {
		checked := 0
		asynctest.Run(t, func(ctx context.Context) error {
			for range 10 {
				async.Go(ctx, func(ctx context.Context) error {
					_, err := async.ToThread(ctx, func(ctx context.Context) (int, error) {
						asynctest.Invariant(ctx, func() error { checked++; return nil })
						return 0, nil
					})
					return err
				})
			}
			return async.Sleep(ctx, 1)
		})
		if checked != 10 {
			t.Errorf("%d invariants were checked", checked)
		}
	})
}

// A quitter is a mute that can be ended.
type quitter struct {
	mute
	skipped bool
}

func (q *quitter) Fatal(a ...any) { q.Error(a...); exit() }
func (q *quitter) Skip(a ...any)  { q.Log(a...); q.SkipNow() }
func (q *quitter) SkipNow()       { q.skipped = true; exit() }
func (q *quitter) Skipped() bool  { return q.skipped }

func TestSkip(t *testing.T) {
	for name, run := range map[string]func(t testing.TB, main program){
		"Run":     func(t testing.TB, main program) { asynctest.Run(t, main) },
		"Explore": func(t testing.TB, main program) { asynctest.Explore(t, main) },
		"Sweep":   func(t testing.TB, main program) { asynctest.Sweep(t, main) },
		"Explore of programs that fail, too": func(t testing.TB, main program) {
			asynctest.Explore(t, main, asynctest.CountAll())
		},
	} {
		for where, skip := range map[string]func(t testing.TB, ctx context.Context) error{
			"of TB in main": func(_ testing.TB, ctx context.Context) error {
				asynctest.TB(ctx).Skip("not today")
				return nil
			},
			"of the test in main": func(t testing.TB, ctx context.Context) error {
				t.Skip("not today")
				return nil
			},
			"of TB in a task": func(_ testing.TB, ctx context.Context) error {
				_, err := async.Go(ctx, func(ctx context.Context) error { asynctest.TB(ctx).Skip("not today"); return nil }).Await(ctx)
				return err
			},
		} {
			t.Run(fmt.Sprintf("Skip %s skips the test, in %s", where, name), func(t *testing.T) {
				m := &quitter{mute: mute{TB: t}}
				calls, returned := 0, false
				done := make(chan struct{})
				go func() {
					defer close(done)
					run(m, func(ctx context.Context) error {
						calls++
						return skip(m, ctx)
					})
					returned = true
				}()
				<-done
				if m.failed || !m.skipped || returned || calls != 1 {
					t.Errorf("failed: %t, skipped: %t, returned: %t, calls of main: %d\n%s", m.failed, m.skipped, returned, calls, m.said)
				}
				has(t, m.said, "not today")
			})
		}
	}
	t.Run("a real test is skipped", func(t *testing.T) {
		var inner *testing.T
		t.Run("", func(t *testing.T) {
			inner = t
			asynctest.Run(t, func(ctx context.Context) error { t.Skip("on purpose"); return nil })
		})
		if !inner.Skipped() {
			t.Error("it was not skipped")
		}
	})
	t.Run("a failure before it counts", func(t *testing.T) {
		m := &quitter{mute: mute{TB: t}}
		asynctest.Explore(m, func(ctx context.Context) error {
			asynctest.TB(ctx).Error("broken")
			asynctest.TB(ctx).Skip("too late")
			return nil
		})
		if !m.failed || m.skipped {
			t.Errorf("failed: %t, skipped: %t", m.failed, m.skipped)
		}
	})
}

func TestLog(t *testing.T) {
	t.Run("what a schedule logs is in the report of its failure, and of no other", func(t *testing.T) {
		run := 0
		said := mustFail(t, func(t testing.TB) {
			asynctest.Explore(t, func(ctx context.Context) error {
				v := 0
				err := together(ctx, steps(func() { v = 1 }), steps(func() { v = 2 }))
				asynctest.TB(ctx).Logf("the value is %d", v)
				if run++; err == nil && v == 1 {
					return errors.New("the other order")
				}
				return err
			}, asynctest.Strategy(asynctest.Exhaustive(0)))
		})
		has(t, said, "the other order", "Log:\n\tthe value is 1\n")
		if run < 2 {
			t.Errorf("it has failed in run %d", run)
		}
	})
	t.Run("what the loop logs is, without the time", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Explore(t, func(ctx context.Context) error {
				l, _ := async.RunningLoop(ctx)
				l.CallExceptionHandler(async.ExceptionContext{Message: "something is wrong"})
				return errors.New("broken")
			})
		})
		has(t, said, "broken", "Log:\n\tlevel=ERROR msg=\"something is wrong\"")
	})
	t.Run("in Sweep too", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Sweep(t, func(ctx context.Context) error {
				if pause(ctx) != nil {
					asynctest.TB(ctx).Log("a word")
					return errors.New("broken")
				}
				return nil
			})
		})
		has(t, said, "Log:\n\ta word")
	})
	t.Run("in Run it goes to the test", func(t *testing.T) {
		m := &mute{TB: t}
		asynctest.Run(m, func(ctx context.Context) error {
			l, _ := async.RunningLoop(ctx)
			l.CallExceptionHandler(async.ExceptionContext{Message: "something is wrong"})
			return nil
		})
		has(t, m.said, "something is wrong")
	})
}

func TestLeftovers(t *testing.T) {
	leave := func(ctx context.Context) error {
		async.Go(ctx, func(ctx context.Context) error { return async.Sleep(ctx, 1) }, async.Name("forgotten"))
		return pause(ctx)
	}
	t.Run("are cancelled without a word", func(t *testing.T) {
		asynctest.Run(t, leave)
		asynctest.Explore(t, leave, asynctest.Schedules(5))
	})
	t.Run("fail a run with NoLeftovers, which says where they wait and where they were created", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) { asynctest.Run(t, leave, asynctest.NoLeftovers()) })
		has(t, said, "main has returned, and these tasks are left", `"forgotten"`, "audit_test.go")
		r := asynctest.Explore(&mute{TB: t}, leave, asynctest.NoLeftovers())
		has(t, r.Failure, `"forgotten"`)
		asynctest.Run(t, func(ctx context.Context) error { return together(ctx, pause) }, asynctest.NoLeftovers())
	})
}

func TestValuesOfACallersContext(t *testing.T) {
	t.Run("reach the program, which still finds its TB", func(t *testing.T) {
		type key struct{}
		asynctest.Run(t, func(ctx context.Context) error {
			asynctest.TB(ctx).Helper()
			return same("the value", ctx.Value(key{}), any(7))
		}, asynctest.With(async.WithContext(context.WithValue(context.Background(), key{}, 7))))
	})
}

// exit ends the goroutine.
func exit() { runtime.Goexit() }
