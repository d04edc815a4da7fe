package async_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// contrary is an executor that runs what it refuses.
type contrary struct{}

func (contrary) Execute(fn func()) error { fn(); return future.ErrShutdown }

// patientClock is an eagerClock that says when its loop waits for a time.
type patientClock struct {
	eagerClock
	once  sync.Once
	begun chan struct{}
}

func (c *patientClock) Wait(d time.Duration, wake <-chan struct{}, busy func() bool) bool {
	if d >= 0 {
		c.once.Do(func() { close(c.begun) })
	}
	return c.eagerClock.Wait(d, wake, busy)
}

// direct is an executor that runs what it gets before it returns.
type direct struct{}

func (direct) Execute(fn func()) error { fn(); return nil }

func TestToThreadGivesWay(t *testing.T) {
	t.Run("the others run although the function has returned by then", func(t *testing.T) {
		check(async.Run(func(ctx context.Context) error {
			gave := gaveWay(ctx, func() {
				expectEqual(t, "the result", must(async.ToThread(ctx, func(context.Context) (int, error) { return 7, nil })), 7)
			})
			expectEqual(t, "gave way", gave, true)
			return nil
		}, async.DefaultExecutor(direct{})))
	})
}

// TestToThreadAtTheEnd is about functions on other goroutines while their loop ends.
func TestToThreadAtTheEnd(t *testing.T) {
	t.Run("a loop that is closed ends the ctx of a function that runs, and withdraws one that has not begun", func(t *testing.T) {
		guarded(t, func() {
			pool := future.NewPool(1)
			l := async.NewLoop(async.DefaultExecutor(pool))
			var cause error
			begun, unwound := make(chan struct{}), make(chan struct{})
			async.Go(l.Context(), func(ctx context.Context) error {
				_, err := async.ToThread(ctx, func(ctx context.Context) (int, error) {
					close(begun)
					<-ctx.Done()
					cause = context.Cause(ctx)
					<-unwound // or the pool may come to the second
					return 0, nil
				})
				return err
			})
			ran := false
			async.Go(l.Context(), func(ctx context.Context) error {
				defer close(unwound)
				<-begun
				_, err := async.ToThread(ctx, func(context.Context) (int, error) { ran = true; return 0, nil })
				return err
			})
			go func() {
				<-begun
				for pool.Stats().Queued == 0 {
					runtime.Gosched()
				}
				l.CallSoonThreadsafe(l.Stop)
			}()
			expectError(t, "RunForever", l.RunForever(), nil)
			expectEqual(t, "how many wait", pool.Stats().Queued, 1)
			expectError(t, "Close", l.Close(), nil)
			expectError(t, "Shutdown", pool.Shutdown(context.Background()), nil)
			expectError(t, "the cause", cause, async.ErrLoopClosed)
			expectEqual(t, "whether the second has run", ran, false)
		})
	})
	t.Run("a loop that is closed withdraws what waits in its default executor", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop()
			open := make(chan struct{})
			var busy []*async.Future[int]
			for range min(32, runtime.GOMAXPROCS(0)+4) {
				begun := make(chan struct{})
				busy = append(busy, async.RunInExecutor(l.Context(), nil, func() (int, error) { close(begun); <-open; return 1, nil }))
				<-begun
			}
			waits := async.RunInExecutor(l.Context(), nil, func() (int, error) { t.Error("it has run"); return 1, nil })
			expectError(t, "Close", l.Close(), nil)
			expectEqual(t, "cancelled", waits.Cancelled(), true)
			close(open)
			for _, f := range busy {
				expectEqual(t, "a result", must(f.Await(context.Background())), 1)
			}
		})
	})
	t.Run("the context of a function that has returned is done, also for who asks only then", onLoop(func(ctx context.Context, t *testing.T) {
		kept := must(async.ToThread(ctx, func(ctx context.Context) (context.Context, error) { return ctx, nil }))
		select {
		case <-kept.Done():
		default:
			t.Error("it is not done")
		}
	}))
	t.Run("nothing begins on another goroutine that the run would not wait for", func(t *testing.T) {
		guarded(t, func() {
			errBad := errors.New("bad")
			var submitted, blocked error
			var unseen *async.Future[int]
			check(async.Run(func(ctx context.Context) error {
				unseen = async.NewFuture[int](ctx)
				return unseen.SetError(errBad)
			}, async.ExceptionHandler(func(l *async.Loop, _ async.ExceptionContext) { // after the wait for functions
				submitted = async.RunInExecutor(l.Context(), inlineExecutor{}, func() (int, error) { return 1, nil }).Err()
				blocked = async.CreateTask(l.Context(), func(ctx context.Context) (int, error) {
					return async.Block(ctx, func(context.Context) (int, error) { return 1, nil })
				}, async.Eager()).Err()
			})))
			expectError(t, "RunInExecutor", submitted, async.ErrShutdown)
			expectError(t, "Block", blocked, async.ErrShutdown)
			expectError(t, "the future", unseen.Err(), errBad)
		})
	})
	t.Run("an executor that runs what it refuses confuses nobody", func(t *testing.T) {
		var log bytes.Buffer
		release := make(chan struct{})
		var leftover *async.Future[int]
		err := async.Run(func(ctx context.Context) error {
			f := async.RunInExecutor(ctx, contrary{}, func() (int, error) { return 7, nil })
			expectEqual(t, "its result", must(f.Await(ctx)), 7)
			leftover = async.RunInExecutor(ctx, nil, func() (int, error) { <-release; return 8, nil })
			return nil
		}, async.ThreadJoinTimeout(time.Millisecond), async.Logger(slog.New(slog.NewTextHandler(&log, nil))))
		expectError(t, "Run", err, nil)
		if !strings.Contains(log.String(), "running=1") {
			t.Errorf("the log is %q", log.String())
		}
		close(release)
		expectEqual(t, "the leftover", must(leftover.Await(context.Background())), 8)
	})
	t.Run("T7 a virtual clock does not jump to the end of the patience when a function ends in time", func(t *testing.T) {
		for range 500 {
			var log bytes.Buffer
			clock := &patientClock{eagerClock: eagerClock{loop.NewVirtual()}, begun: make(chan struct{})}
			check(async.Run(func(ctx context.Context) error {
				async.RunInExecutor(ctx, nil, func() (int, error) { <-clock.begun; return 0, nil })
				return nil
			}, async.Clock(clock), async.ThreadJoinTimeout(time.Hour), async.Logger(slog.New(slog.NewTextHandler(&log, nil)))))
			if log.Len() > 0 || clock.Now() != 0 {
				t.Fatalf("the clock says %v, and the log %q", clock.Now(), log.String())
			}
		}
	})
}

// inlineExecutor calls functions right where they are submitted.
type inlineExecutor struct{}

func (inlineExecutor) Execute(fn func()) error { fn(); return nil }
