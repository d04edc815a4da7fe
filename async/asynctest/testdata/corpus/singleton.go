package corpus

import (
	"context"
)

var singleton = both("singleton made twice", Budget{Random: 10, PCT: 25},
	`the number made is 3 and should be 1`,
	func(ctx context.Context, fixed bool) error {
		made, lock := 0, maybe(fixed)
		var it *int
		get := func(ctx context.Context) error {
			return withLock(ctx, lock, func(ctx context.Context) error {
				if it != nil {
					return nil
				}
				err := Pause(ctx)
				made++
				it = &made
				return err
			})
		}
		if err := Together(ctx, get, get, get); err != nil {
			return err
		}
		return Same("the number made", made, 1)
	})
