package corpus

import (
	"context"
)

var withdrawal = both("withdrawal checked before a wait", Budget{Random: 10, PCT: 50},
	`the balance is -60 and should be 20`,
	func(ctx context.Context, fixed bool) error {
		balance, lock := 100, maybe(fixed)
		withdraw := func(ctx context.Context) error {
			return withLock(ctx, lock, func(ctx context.Context) error {
				if balance < 80 {
					return nil
				}
				err := Pause(ctx)
				balance -= 80
				return err
			})
		}
		if err := Together(ctx, withdraw, withdraw); err != nil {
			return err
		}
		return Same("the balance", balance, 20)
	})
