package corpus

import (
	"context"
)

var lostUpdate = both("lost update", Budget{Random: 10, PCT: 50},
	`the counter is 1 and should be 2`,
	func(ctx context.Context, fixed bool) error {
		n, lock := 0, maybe(fixed)
		add := func(ctx context.Context) error {
			return withLock(ctx, lock, func(ctx context.Context) error {
				v := n
				err := Pause(ctx)
				n = v + 1
				return err
			})
		}
		if err := Together(ctx, add, add); err != nil {
			return err
		}
		return Same("the counter", n, 2)
	})
