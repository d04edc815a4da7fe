package async_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// A future without a loop has its callbacks run by whoever completes it. That may be a loop that takes in what came from outside
// while it is in the middle of completing another future.
func TestFutureWithoutALoop(t *testing.T) {
	// scene has a task wait for a shield that was made outside of the loop, cancels the task from another goroutine, and
	// completes what is shielded before the loop has heard of that.
	scene := func(t *testing.T, link func(inner, outer *async.Future[int])) {
		err := async.Run(func(ctx context.Context) error {
			inner := async.NewFuture[int](ctx)
			outer, err := async.ToThread(ctx, func(context.Context) (*async.Future[int], error) {
				return async.ShieldFuture(context.Background(), inner), nil
			})
			if err != nil {
				return err
			}
			link(inner, outer)
			task := async.Go(ctx, func(ctx context.Context) error {
				_, err := outer.Await(ctx)
				return err
			})
			giveWay(ctx)
			var other sync.WaitGroup
			other.Go(func() { task.Cancel() })
			other.Wait() // without giving way
			if err := inner.SetResult(1); err != nil {
				return err
			}
			if _, err := task.Await(ctx); !errors.Is(err, async.ErrCancelled) {
				t.Errorf("the task ended with %v", err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	t.Run("a shield is cancelled while what it shields is being completed", func(t *testing.T) {
		scene(t, func(inner, outer *async.Future[int]) {})
	})
	t.Run("its callback may use the future that is being completed", func(t *testing.T) {
		called := false
		scene(t, func(inner, outer *async.Future[int]) {
			outer.AddDoneCallback(func(outer *async.Future[int]) {
				<-inner.Done()
				called = outer.Cancelled()
			})
		})
		if !called {
			t.Error("the callback was not called")
		}
	})
	t.Run("shields come and go while what they shield is completed and cancelled", func(t *testing.T) {
		for range 200 {
			err := async.Run(func(ctx context.Context) error {
				inner := async.NewFuture[int](ctx)
				var others sync.WaitGroup
				for range 3 {
					others.Go(func() {
						outer := async.ShieldFuture(context.Background(), inner)
						task := async.Go(ctx, func(ctx context.Context) error {
							_, err := outer.Await(ctx)
							return err
						})
						others.Go(func() { outer.Cancel() })
						others.Go(func() { task.Cancel() })
						if _, err := task.Await(context.Background()); err != nil && !errors.Is(err, async.ErrCancelled) {
							t.Error(err)
						}
					})
				}
				giveWay(ctx)
				inner.SetResult(1)
				_, err := async.ToThread(ctx, func(context.Context) (int, error) { others.Wait(); return 0, nil })
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
