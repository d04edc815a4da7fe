package async_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// When the time is over, what was waited for is cancelled, and WaitFor returns when it has cleaned up.
func ExampleWaitFor() {
	err := async.Run(func(ctx context.Context) error {
		page, err := async.WaitFor(ctx, async.After(time.Millisecond, "a page"), time.Hour)
		fmt.Println(page, err)

		_, err = async.WaitFor(ctx, async.After(time.Hour, "a page"), time.Millisecond)
		fmt.Println(err, errors.Is(err, async.ErrTimeout), errors.Is(err, context.DeadlineExceeded))
		return nil
	})
	fmt.Println(err)
	// Output:
	// a page <nil>
	// timed out true true
	// <nil>
}

// Shield keeps the cancellation of the caller away from what must not stop half-way.
func ExampleShield() {
	err := async.Run(func(ctx context.Context) error {
		saved := async.NewFuture[string](ctx)
		save := async.CreateTask(ctx, func(ctx context.Context) (string, error) { return saved.Await(ctx) })
		request := async.CreateTask(ctx, func(ctx context.Context) (string, error) {
			return async.Shield(ctx, save)
		})
		if err := async.Sleep(ctx, 0); err != nil {
			return err
		}
		request.Cancel()
		_, err := request.Await(ctx)
		fmt.Println("request:", err)

		if err := saved.SetResult("every byte is on the disk"); err != nil {
			return err
		}
		text, err := save.Await(ctx)
		fmt.Println("save:", text)
		return err
	})
	fmt.Println(err)
	// Output:
	// request: cancelled
	// save: every byte is on the disk
	// <nil>
}

// Inside of the block the timeout is a cancellation, outside of it an ErrTimeout. The ctx outside is as good as before.
func ExampleTimeout() {
	err := async.Run(func(ctx context.Context) error {
		err := async.Timeout(ctx, time.Millisecond, func(ctx context.Context, t *async.TimeoutScope) error {
			err := async.Sleep(ctx, time.Hour)
			fmt.Println("inside:", err, t.Expired())
			return err
		})
		fmt.Println("outside:", err)
		return async.Sleep(ctx, 0)
	})
	fmt.Println(err)
	// Output:
	// inside: cancelled true
	// outside: timed out
	// <nil>
}

// A block that makes progress can ask for more time.
func ExampleTimeoutScope_Reschedule() {
	err := async.Run(func(ctx context.Context) error {
		return async.Timeout(ctx, time.Hour, func(ctx context.Context, t *async.TimeoutScope) error {
			if err := t.Reschedule(async.Forever); err != nil {
				return err
			}
			fmt.Println("no limit any more:", t.When() == async.Forever)
			return async.Sleep(ctx, time.Millisecond)
		})
	})
	fmt.Println(err)
	// Output:
	// no limit any more: true
	// <nil>
}

// The timeout of one wait, as the timeout argument of many functions in Python.
func ExampleWithTimeout() {
	err := async.Run(func(ctx context.Context) error {
		answer := async.NewFuture[string](ctx)
		short, cancel := async.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		_, err := answer.Await(short)
		fmt.Println(err, answer.Cancelled())
		return async.Sleep(ctx, 0)
	})
	fmt.Println(err)
	// Output:
	// timed out true
	// <nil>
}

// The block ends when the last of its tasks has. If one fails, the others are cancelled, and the errors come back as a group.
func ExampleWithTaskGroup() {
	errBroken := errors.New("the disk is full")
	err := async.Run(func(ctx context.Context) error {
		return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			tg.Go(func(ctx context.Context) error {
				err := async.Sleep(ctx, time.Hour)
				fmt.Println("sibling:", err)
				return err
			})
			tg.Go(func(ctx context.Context) error {
				if err := async.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
				return errBroken
			})
			return nil
		})
	})
	var group *async.ErrorGroup
	if errors.As(err, &group) {
		fmt.Println(group.Errs, errors.Is(err, errBroken))
	}
	// Output:
	// sibling: cancelled
	// [the disk is full] true
}

// Spawn is TaskGroup.Go for a child that has a result. After the block all results are there.
func ExampleSpawn() {
	err := async.Run(func(ctx context.Context) error {
		var name *async.Task[string]
		var age *async.Task[int]
		err := async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			name = async.Spawn(tg, async.After(time.Millisecond, "Ada"))
			age = async.Spawn(tg, async.After(0, 36))
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Println(name.Result())
		fmt.Println(age.Result())
		return nil
	})
	fmt.Println(err)
	// Output:
	// Ada <nil>
	// 36 <nil>
	// <nil>
}
