package corpus

import (
	"context"
	"errors"

	"github.com/asyncgo/asyncgo/async"
)

var ifForWhile = both("if in the place of while around a wait", Budget{Random: 50, PCT: 50},
	`an item was taken that was not there`,
	func(ctx context.Context, fixed bool) error {
		cond := async.NewCondition(nil)
		items := 0
		take := func(ctx context.Context) error {
			return cond.With(ctx, func(ctx context.Context) error {
				for items == 0 {
					if err := cond.Wait(ctx); err != nil {
						return err
					}
					if !fixed {
						break
					}
				}
				items--
				if items < 0 {
					return errors.New("an item was taken that was not there")
				}
				return nil
			})
		}
		put := func(ctx context.Context) error {
			for range 2 {
				err := cond.With(ctx, func(context.Context) error {
					items++
					cond.NotifyAll()
					return nil
				})
				if err != nil {
					return err
				}
				if err := Pause(ctx); err != nil {
					return err
				}
			}
			return nil
		}
		return Together(ctx, take, take, put)
	})
