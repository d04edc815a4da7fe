package waits_test

import (
	"context"
	"runtime"
	"testing"
	"time"
	_ "unsafe" // for go:linkname

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/greenlet"
	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/monkey"
)

// mayAsk reports whether the calling goroutine has the mark of those that may be a task's.
//
//go:linkname mayAsk runtime.gomonkeyMayAsk
var mayAsk func() bool

func expectMark(t *testing.T, where string, want bool) {
	t.Helper()
	if got := mayAsk(); got != want {
		t.Errorf("%s has the mark: %t", where, got)
	}
}

func TestMark(t *testing.T) {
	t.Run("is on goroutines while they are tasks, and on no others", func(t *testing.T) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			expectMark(t, "a goroutine", false)
			check(async.Run(func(ctx context.Context) error {
				expectMark(t, "the main task", true)
				_, err := async.Block(ctx, func(ctx context.Context) (int, error) {
					expectMark(t, "a function in Block", false)
					return 0, async.Run(func(context.Context) error {
						expectMark(t, "a task of a loop inside it", true)
						return nil
					})
				})
				check(err)
				expectMark(t, "a task that has come back", true)
				monkey.Original(func() { time.Sleep(time.Nanosecond) })
				expectMark(t, "a task that has slept as if it were none", true)
				_, err = async.ToThread(ctx, func(context.Context) (int, error) {
					expectMark(t, "a thread", false)
					return 0, nil
				})
				check(err)
				ended := async.Go(ctx, func(context.Context) error { panic("broken") })
				if _, err := ended.Await(ctx); err == nil {
					t.Error("it has no error")
				}
				_, err = async.Go(ctx, func(context.Context) error {
					expectMark(t, "a task after one that has panicked", true)
					return nil
				}).Await(ctx)
				return err
			}))
			expectMark(t, "a goroutine after a run", false)
		}()
		<-done
	})
	t.Run("is on tasks that run in parallel", func(t *testing.T) {
		check(async.Run(func(ctx context.Context) error {
			expectMark(t, "the main task", true)
			_, err := async.Go(ctx, func(ctx context.Context) error {
				expectMark(t, "a task", true)
				_, err := async.Block(ctx, func(context.Context) (int, error) {
					expectMark(t, "a function in Block", false)
					return 0, nil
				})
				check(err)
				expectMark(t, "a task that has come back", true)
				return nil
			}).Await(ctx)
			return err
		}, async.Parallel(0)))
	})
	t.Run("is on greenlets of both kinds, and goes with the hub", func(t *testing.T) {
		done := make(chan struct{})
		go func() {
			defer close(done)
			g := gevent.Go(func() {
				expectMark(t, "a greenlet", true)
				_, err := greenlet.New(func(...any) (any, error) {
					expectMark(t, "a raw greenlet on a thread", true)
					return nil, nil
				}, greenlet.OnThread()).Switch()
				check(err)
			})
			expectMark(t, "the goroutine of a hub", true)
			_, err := g.Get()
			check(err)
		}()
		<-done
	})
	t.Run("goes with a task that Goexit ends", func(t *testing.T) {
		done := make(chan struct{})
		go func() {
			defer func() {
				expectMark(t, "a goroutine after a run that Goexit has ended", false)
				close(done)
			}()
			async.Run(func(context.Context) error {
				runtime.Goexit()
				return nil
			})
		}()
		<-done
	})
}
