package corpus

import (
	"context"
	"errors"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
)

var earlyUse = both("result used before it is there", Budget{Random: 25, PCT: 20},
	`there is no result`,
	func(ctx context.Context, fixed bool) error {
		var result *int
		made := future.New[async.Void]()
		return Together(ctx,
			func(ctx context.Context) error {
				if err := Pause(ctx); err != nil {
					return err
				}
				v := 1
				result = &v
				made.SetResult(async.Void{})
				return nil
			},
			func(ctx context.Context) error {
				if fixed {
					if _, err := made.Await(ctx); err != nil {
						return err
					}
				} else if err := errors.Join(Pause(ctx), Pause(ctx)); err != nil {
					return err
				}
				if result == nil {
					return errors.New("there is no result")
				}
				return nil
			})
	})
