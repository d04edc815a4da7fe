package async_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
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

// closeBefore closes a loop, a task of which goes on only when the loop takes nothing any more.
func closeBefore(t *testing.T, l *async.Loop, goOn chan<- struct{}) {
	t.Helper()
	closed := make(chan error)
	go func() { closed <- l.Close() }()
	for !isShut(l) {
		runtime.Gosched()
	}
	close(goOn)
	expectError(t, "Close", <-closed, nil)
}

// isShut reports whether l takes no more tasks.
func isShut(l *async.Loop) bool {
	task := async.CreateTask(l.Context(), async.After(0, 1))
	if !task.IsDone() {
		return false
	}
	_, err := task.Result()
	return errors.Is(err, async.ErrLoopClosed)
}

// What these have in common is a task that still computes while its loop is closed.
func TestParallelClose(t *testing.T) {
	t.Run("a task that goes on after the run cannot close its loop", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop(async.Parallel(0))
			over, result := make(chan struct{}), make(chan error)
			async.Go(l.Context(), func(context.Context) error {
				l.Stop()
				<-over
				result <- l.Close()
				return nil
			})
			expectError(t, "RunForever", l.RunForever(), nil)
			close(over)
			expectError(t, "Close by the task", <-result, async.ErrCloseRunning)
			expectError(t, "Close", l.Close(), nil)
		})
	})
	t.Run("a deferred call of a task that is unwound cannot close the loop either", func(t *testing.T) {
		for _, opts := range [][]async.Option{nil, {async.Parallel(0)}} {
			guarded(t, func() {
				l := async.NewLoop(opts...)
				var err error
				async.Go(l.Context(), func(ctx context.Context) error {
					defer func() { err = l.Close() }()
					l.CallSoon(l.Stop)
					return async.Sleep(ctx, time.Hour)
				})
				expectError(t, "RunForever", l.RunForever(), nil)
				expectError(t, "Close", l.Close(), nil)
				expectError(t, "Close by the task", err, async.ErrCloseRunning)
			})
		}
	})
	t.Run("a task that waits for its place never begins", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop(async.Parallel(1))
			goOn := make(chan struct{})
			async.Go(l.Context(), func(ctx context.Context) error { l.Stop(); <-goOn; return async.Sleep(ctx, 0) })
			var begun atomic.Bool
			second := async.Go(l.Context(), func(context.Context) error { begun.Store(true); return nil })
			expectError(t, "RunForever", l.RunForever(), nil)
			closeBefore(t, l, goOn)
			expectEqual(t, "begun", begun.Load(), false)
			expectEqual(t, "cancelled", second.Cancelled(), true)
		})
	})
	t.Run("deferred calls of a task that is unwound may want a mutex that one has who calls the loop", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop(async.Parallel(0))
			var mu sync.Mutex
			unwinding := make(chan struct{})
			var refused error
			unwound := async.Go(l.Context(), func(ctx context.Context) error {
				defer func() {
					close(unwinding)
					mu.Lock()
					defer mu.Unlock()
					refused = async.Sleep(ctx, 0)
				}()
				return async.Sleep(ctx, time.Hour)
			})
			async.Go(l.Context(), func(ctx context.Context) error {
				for async.Stats(l).Running > 1 {
					runtime.Gosched()
				}
				mu.Lock()
				defer mu.Unlock()
				l.Stop()
				<-unwinding
				unwound.Cancel()
				return nil
			})
			expectError(t, "RunForever", l.RunForever(), nil)
			expectError(t, "Close", l.Close(), nil)
			expectError(t, "a wait of the deferred call", refused, async.ErrNotInTask) // which has gone on after it
		})
	})
	t.Run("a task that was woken and waits for its place is unwound in its turn, and once", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop(async.Parallel(1))
			var order chronicle
			var ev async.Event
			goOn := make(chan struct{})
			async.Go(l.Context(), func(ctx context.Context) error {
				defer order.add("the first is unwound")
				return ev.Wait(ctx)
			})
			async.Go(l.Context(), func(ctx context.Context) error {
				defer order.add("the second is unwound")
				ev.Set()
				for async.Stats(l).Running < 2 { // the first is in the line for the place
					runtime.Gosched()
				}
				l.Stop()
				<-goOn
				return async.Sleep(ctx, 0)
			})
			expectError(t, "RunForever", l.RunForever(), nil)
			closeBefore(t, l, goOn)
			order.expect(t, "the second is unwound", "the first is unwound")
			expectEqual(t, "how many run", async.Stats(l).Running, 0)
		})
	})
	t.Run("a deferred call of a task that is unwound starts nothing", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop(async.Parallel(0))
			var late *async.Task[async.Void]
			var begun atomic.Bool
			async.Go(l.Context(), func(ctx context.Context) error {
				defer func() {
					late = async.Go(l.Context(), func(context.Context) error { begun.Store(true); return nil }, async.Eager())
				}()
				l.CallSoon(l.Stop)
				return async.Sleep(ctx, async.Forever)
			})
			expectError(t, "RunForever", l.RunForever(), nil)
			expectError(t, "Close", l.Close(), nil)
			expectError(t, "the late task", late.Err(), async.ErrLoopClosed)
			expectEqual(t, "begun", begun.Load(), false)
		})
	})
	t.Run("a task that was woken after the run is unwound", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop(async.Parallel(0))
			var order chronicle
			var ev async.Event
			goOn, set := make(chan struct{}), make(chan struct{})
			async.Go(l.Context(), func(ctx context.Context) error {
				defer order.add("unwound")
				return ev.Wait(ctx)
			})
			async.Go(l.Context(), func(context.Context) error {
				for async.Stats(l).Running > 1 { // the first waits
					runtime.Gosched()
				}
				l.Stop()
				<-goOn
				ev.Set()
				close(set)
				return nil
			})
			expectError(t, "RunForever", l.RunForever(), nil)
			close(goOn)
			<-set
			expectError(t, "Close", l.Close(), nil)
			order.expect(t, "unwound")
			expectEqual(t, "how many run", async.Stats(l).Running, 0)
		})
	})
}
