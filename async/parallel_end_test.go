package async_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func TestParallelEnds(t *testing.T) {
	t.Run("leftovers are cancelled and waited for, those that compute too", func(t *testing.T) {
		guarded(t, func() {
			var ended atomic.Int64
			err := async.Run(func(ctx context.Context) error {
				began := make(chan struct{})
				async.Go(ctx, func(ctx context.Context) error { defer ended.Add(1); close(began); return computing(ctx) })
				async.Go(ctx, func(ctx context.Context) error { defer ended.Add(1); return async.Sleep(ctx, time.Hour) })
				<-began
				for async.Stats(must(async.RunningLoop(ctx))).Running > 2 {
					runtime.Gosched()
				}
				return nil
			}, async.Parallel(0))
			expectError(t, "Run", err, nil)
			if n := ended.Load(); n < 1 || n > 2 { // the second one may have been dropped
				t.Errorf("%d have ended", n)
			}
		})
	})
	t.Run("a panic in main leaves Run", func(t *testing.T) {
		guarded(t, func() {
			expectPanic(t, "panic: as it should", func() {
				async.Run(func(context.Context) error { panic("as it should") }, async.Parallel(2))
			})
		})
	})
	t.Run("a panic in a task is its error", inParallel(2, func(ctx context.Context, t *testing.T) {
		_, err := async.CreateTask(ctx, panicsHere).Await(ctx)
		var p *async.PanicError
		if !errors.As(err, &p) || !strings.Contains(string(p.Stack), "panicsHere") {
			t.Errorf("the error is %v", err)
		}
	}))
	t.Run("Goexit in a task leaves the caller of Run, after the cleanup of the others", func(t *testing.T) {
		guarded(t, func() {
			var cleanup atomic.Bool
			left := goexits(func() {
				async.Run(func(ctx context.Context) error {
					began := make(chan struct{})
					async.Go(ctx, func(ctx context.Context) error {
						defer cleanup.Store(true)
						close(began)
						return async.Sleep(ctx, time.Hour)
					})
					<-began
					async.Go(ctx, func(context.Context) error { runtime.Goexit(); return nil })
					return async.Sleep(ctx, time.Hour)
				}, async.Parallel(2))
			})
			expectEqual(t, "left by Goexit", left, true)
			expectEqual(t, "the cleanup was done", cleanup.Load(), true)
		})
	})
	t.Run("a Runner runs again, and tasks go on in its next run", func(t *testing.T) {
		guarded(t, func() {
			r := async.NewRunner(async.Parallel(2))
			task, err := async.RunIn(r, func(ctx context.Context) (*async.Task[int], error) {
				return async.CreateTask(ctx, async.After(time.Millisecond, 3)), nil
			})
			expectError(t, "the first run", err, nil)
			v, err := async.RunIn(r, task.Await)
			expectError(t, "the second run", err, nil)
			expectEqual(t, "the value", v, 3)
			r.Close()
		})
	})
	t.Run("Close unwinds tasks where they wait, and their deferred calls run", func(t *testing.T) {
		guarded(t, func() {
			var deferred atomic.Int64
			l := async.NewLoop(async.Parallel(0))
			var lock async.Lock
			for i := range 10 {
				async.Go(l.Context(), func(ctx context.Context) error {
					defer deferred.Add(1)
					defer func() { expectError(t, "a wait", async.Sleep(ctx, 0), async.ErrNotInTask) }()
					if i%2 == 0 {
						return async.Sleep(ctx, time.Hour)
					}
					if err := lock.Acquire(ctx); err != nil {
						return err
					}
					return second(forever(ctx))
				})
			}
			l.CallLater(5*time.Millisecond, l.Stop)
			expectError(t, "RunForever", l.RunForever(), nil)
			begun := int64(10 - async.Stats(l).Ready)
			expectError(t, "Close", l.Close(), nil)
			expectEqual(t, "how many deferred calls have run", deferred.Load(), begun)
		})
	})
	t.Run("Stop by a task ends the run while another one computes, which ends at its next wait", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop(async.Parallel(0))
			began, goOn := make(chan struct{}), make(chan struct{})
			task := async.Go(l.Context(), func(ctx context.Context) error {
				close(began)
				<-goOn
				return async.Sleep(ctx, 0)
			})
			async.Go(l.Context(), func(context.Context) error { <-began; l.Stop(); return nil })
			expectError(t, "RunForever", l.RunForever(), nil)
			close(goOn)
			standStill(l)
			for async.Stats(l).Running > 0 {
				runtime.Gosched()
			}
			expectEqual(t, "done", task.IsDone(), false)
			_, err := async.RunUntilComplete(l, task)
			expectError(t, "the second run", err, nil)
			expectError(t, "Close", l.Close(), nil)
		})
	})
}
