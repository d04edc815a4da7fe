package asynctest_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/future"
)

// mustFail runs a test that has to fail, and returns what it says.
func mustFail(t *testing.T, run func(t testing.TB)) string {
	t.Helper()
	m := &mute{TB: t}
	run(m)
	if !m.failed {
		t.Error("the test has not failed")
	}
	return m.said
}

// has fails the test if text has not all of the parts.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

func TestRun(t *testing.T) {
	t.Run("an hour takes no time", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			l, err := async.RunningLoop(ctx)
			if err != nil {
				return err
			}
			if err := async.Sleep(ctx, time.Hour); err != nil {
				return err
			}
			if got := l.Time(); got != time.Hour {
				t.Errorf("it is %v", got)
			}
			return nil
		})
	})
	t.Run("the error of main fails the test", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(context.Context) error { return errors.New("broken") })
		})
		has(t, said, "broken")
	})
	t.Run("a panic in main fails the test", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(context.Context) error { panic("ouch") })
		})
		has(t, said, "panic: ouch", "run_test.go")
	})
	t.Run("a panic of a task that nobody awaits fails the test", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				async.Go(ctx, func(context.Context) error { panic("unseen") })
				return async.Sleep(ctx, 0)
			})
		})
		has(t, said, "panic: unseen")
	})
	t.Run("Goexit in a task, as by FailNow, leaves Run", func(t *testing.T) {
		returned := false
		done := make(chan struct{})
		go func() {
			defer close(done)
			asynctest.Run(t, func(ctx context.Context) error {
				_, err := async.Go(ctx, func(context.Context) error { runtime.Goexit(); return nil }).Await(ctx)
				return err
			})
			returned = true
		}()
		<-done
		if returned {
			t.Error("Run has returned")
		}
	})
	t.Run("a goroutine that is left fails the test", func(t *testing.T) {
		end := make(chan struct{})
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(context.Context) error {
				go func() { <-end }()
				return nil
			})
		})
		close(end)
		has(t, said, "a goroutine is left", "run_test.go")
	})
	t.Run("a run that takes too long is ended, with a list of its tasks", func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				go func() { <-end }()
				_, err := future.New[int]().Await(ctx)
				return err
			}, asynctest.Timeout(20*time.Millisecond), asynctest.IgnoreLeaks())
		})
		has(t, said, "longer than 20ms", `Task("main", pending`, "run_test.go")
	})
	t.Run("without a test, as in an example, a failure is a panic", func(t *testing.T) {
		defer func() {
			if v := recover(); v != "asynctest: broken" {
				t.Errorf("the panic is %v", v)
			}
		}()
		asynctest.Run(nil, func(context.Context) error { return errors.New("broken") })
	})
	t.Run("it runs in a benchmark", func(t *testing.T) {
		rounds := 0
		testing.Benchmark(func(b *testing.B) {
			asynctest.Run(b, func(ctx context.Context) error {
				for b.Loop() {
					if err := async.Sleep(ctx, time.Hour); err != nil {
						return err
					}
					rounds++
				}
				return nil
			})
		})
		if rounds == 0 {
			t.Error("it has not run")
		}
	})
	t.Run("goroutines of a test that runs in parallel are not blamed on it", func(t *testing.T) {
		end := make(chan struct{})
		for _, last := range []bool{false, true} {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				if !last {
					go func() { <-end }()
				}
				asynctest.Run(t, func(ctx context.Context) error {
					if last {
						close(end)
					}
					return async.Sleep(ctx, time.Hour)
				})
			})
		}
	})
	t.Run("it runs in a bubble of testing/synctest", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			asynctest.Run(t, func(ctx context.Context) error { return async.Sleep(ctx, time.Hour) })
		})
	})
}

func TestDeadlock(t *testing.T) {
	t.Run("two locks in opposite order are reported with who holds them and the cycle", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) { asynctest.Run(t, opposite) })
		has(t, said, "deadlock", "left waits for Lock(locked, waiters: 1) at ", "held by right", "created at ",
			"run_test.go:", "cycle: left → right → left")
	})
	t.Run("a future that nobody completes is reported", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				_, err := future.New[int]().Await(ctx)
				return err
			})
		})
		has(t, said, "deadlock", "main waits for Future(pending, 1 waiting) at ")
	})
	t.Run("tasks that wait for each other are reported", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				var a, b *async.Task[async.Void]
				a = async.Go(ctx, func(ctx context.Context) error { _, err := b.Await(ctx); return err }, async.Name("a"))
				b = async.Go(ctx, func(ctx context.Context) error { _, err := a.Await(ctx); return err }, async.Name("b"))
				_, err := a.Await(ctx)
				return err
			})
		})
		has(t, said, "deadlock", "cycle: a → b → a")
	})
	t.Run("a task that does not end when it is cancelled is reported too, and unwound", func(t *testing.T) {
		unwound := false
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				async.Go(ctx, func(ctx context.Context) error {
					defer func() { unwound = true }()
					_, err := future.New[int]().Await(context.WithoutCancel(ctx))
					return err
				}, async.Name("stubborn"))
				return async.Sleep(ctx, 0)
			})
		})
		has(t, said, "do not end although they are cancelled", "stubborn waits for Future")
		if !unwound {
			t.Error("the deferred call has not run")
		}
	})
	t.Run("a plain goroutine that is alive may still wake a task", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			f := future.New[int]()
			go func() {
				time.Sleep(20 * time.Millisecond) // longer than the clock needs to look
				f.SetResult(1)
			}()
			_, err := f.Await(ctx)
			return err
		})
	})
	t.Run("so may one that was started before Run", func(t *testing.T) {
		f := future.New[int]()
		go func() {
			time.Sleep(20 * time.Millisecond)
			f.SetResult(1)
		}()
		asynctest.Run(t, func(ctx context.Context) error {
			_, err := f.Await(ctx)
			return err
		})
	})
	t.Run("so may a function on another goroutine", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			_, err := async.ToThread(ctx, func(context.Context) (int, error) {
				time.Sleep(20 * time.Millisecond)
				return 1, nil
			})
			return err
		})
	})
	t.Run("so may a context with a deadline on the wall", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			if _, err := future.New[int]().Await(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the error is %v", err)
			}
			return nil
		})
	})
	t.Run("a goroutine that waits for a task itself does not count", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				f := future.New[int]()
				ctxDone := context.WithoutCancel(ctx)
				go f.Await(ctxDone)
				_, err := f.Await(ctx)
				return err
			}, asynctest.Patience(time.Hour), asynctest.IgnoreLeaks())
		})
		has(t, said, "deadlock")
	})
}

// opposite takes two locks, in opposite orders.
func opposite(ctx context.Context) error {
	var a, b async.Lock
	take := func(first, second *async.Lock) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			return first.With(ctx, func(ctx context.Context) error {
				if err := async.Sleep(ctx, 0); err != nil {
					return err
				}
				return second.With(ctx, func(context.Context) error { return nil })
			})
		}
	}
	left := async.Go(ctx, take(&a, &b), async.Name("left"))
	right := async.Go(ctx, take(&b, &a), async.Name("right"))
	_, err := async.Gather(ctx, left, right)
	return err
}
