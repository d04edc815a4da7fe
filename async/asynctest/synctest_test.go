package asynctest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/future"
)

// bubble runs a test in a bubble, where days take no time.
func bubble(t *testing.T, name string, fn func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, fn) })
}

func TestSynctest(t *testing.T) {
	bubble(t, "the loop has its own clock", func(t *testing.T) {
		began := time.Now()
		asynctest.Run(t, func(ctx context.Context) error { return async.Sleep(ctx, time.Hour) })
		if took := time.Since(began); took > time.Minute {
			t.Errorf("it has taken %v of the bubble's time", took)
		}
	})
	bubble(t, "a goroutine that sleeps for days may wake a task", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			f := future.New[int]()
			go func() {
				time.Sleep(72 * time.Hour)
				f.SetResult(1)
			}()
			return await(f)(ctx)
		})
	})
	bubble(t, "so may a timer", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			f := future.New[int]()
			time.AfterFunc(72*time.Hour, func() { f.SetResult(1) })
			return await(f)(ctx)
		})
	})
	bubble(t, "so may a context with a deadline", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 72*time.Hour)
			defer cancel()
			if err := await(future.New[int]())(ctx); context.Cause(ctx) != context.DeadlineExceeded {
				t.Errorf("the error is %v", err)
			}
			return nil
		})
	})
	bubble(t, "so may a function on another goroutine", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			_, err := async.ToThread(ctx, func(context.Context) (int, error) {
				time.Sleep(time.Hour)
				return 1, nil
			})
			return err
		})
	})
	bubble(t, "a deadlock is reported", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) { asynctest.Run(t, opposite) })
		has(t, said, "deadlock: no task can go on", "cycle: left → right → left")
	})
	bubble(t, "also with a pool, whose tickers tick", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				if _, err := async.ToThread(ctx, func(context.Context) (int, error) { return 1, nil }); err != nil {
					return err
				}
				return opposite(ctx)
			})
		})
		has(t, said, "deadlock: no task can go on")
	})
	bubble(t, "and with a goroutine that waits, which is named", func(t *testing.T) {
		end := make(chan struct{})
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				go func() { <-end }()
				return await(future.New[int]())(ctx)
			}, asynctest.IgnoreLeaks())
		})
		close(end)
		has(t, said, "nothing has happened for 240h0m0s", "synctest_test.go")
	})
	bubble(t, "a goroutine that is left is found", func(t *testing.T) {
		end := make(chan struct{})
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				go func() { <-end }()
				return nil
			})
		})
		close(end)
		has(t, said, "a goroutine is left", "synctest_test.go")
	})
	bubble(t, "Explore and Sweep run too", func(t *testing.T) {
		asynctest.Explore(t, func(ctx context.Context) error { return together(ctx, pause, pause) }, asynctest.Schedules(10))
		asynctest.Sweep(t, func(ctx context.Context) error { return async.Sleep(ctx, time.Hour) })
	})
	bubble(t, "plain goroutines and tasks share a lock, in one bubble", contend)
	bubble(t, "and in the next one", contend)
	t.Run("and outside", contend)
	t.Run("tests in bubbles run beside others", func(t *testing.T) {
		for range 3 {
			t.Run("in a bubble", func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, contend)
			})
			t.Run("outside", func(t *testing.T) {
				t.Parallel()
				contend(t)
			})
		}
	})
}

// contend has tasks and plain goroutines wait for the same lock.
func contend(t *testing.T) {
	for range 20 {
		asynctest.Run(t, func(ctx context.Context) error {
			var l async.Lock
			use := func() {
				if err := l.Acquire(context.Background()); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Microsecond)
				l.Release()
			}
			done := future.New[int]()
			go func() {
				defer done.SetResult(1)
				end := make(chan struct{})
				for range 4 {
					go func() { use(); end <- struct{}{} }()
				}
				for range 4 {
					<-end
				}
			}()
			if err := l.With(ctx, pause); err != nil {
				return err
			}
			return await(done)(ctx)
		})
	}
}
