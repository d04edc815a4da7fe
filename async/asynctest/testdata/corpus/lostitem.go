package corpus

import (
	"context"
	"errors"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

var lostItem = both("timeout that loses an item", Budget{Random: 10, PCT: 10},
	`items got and left is 0 and should be 1`,
	func(ctx context.Context, fixed bool) error {
		items, got := []int{1}, 0
		get := func(ctx context.Context) (int, error) {
			v := items[0]
			items = items[1:]
			if err := async.Sleep(ctx, time.Second); err != nil { // on its way
				if fixed {
					items = append(items, v)
				}
				return 0, err
			}
			return v, nil
		}
		a := async.Go(ctx, func(ctx context.Context) error {
			if _, err := async.WaitFor(ctx, async.Coroutine[int](get), time.Minute); err == nil {
				got++
			}
			return nil
		}, async.Name("a"))
		b := async.Go(ctx, func(ctx context.Context) error {
			err := errors.Join(Pause(ctx), Pause(ctx))
			a.Cancel()
			return err
		}, async.Name("b"))
		if _, err := async.GatherSettled(ctx, a, b); err != nil {
			return err
		}
		return Same("items got and left", got+len(items), 1)
	})
