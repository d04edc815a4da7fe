package corpus

import (
	"context"
	"errors"
)

var closedInUse = both("closed while in use", Budget{Random: 20, PCT: 50},
	`it was closed during the use`,
	func(ctx context.Context, fixed bool) error {
		open, lock := true, maybe(fixed)
		use := func(ctx context.Context) error {
			if !open {
				return nil
			}
			if err := Pause(ctx); err != nil {
				return err
			}
			if !open {
				return errors.New("it was closed during the use")
			}
			return nil
		}
		return Together(ctx,
			func(ctx context.Context) error { return withLock(ctx, lock, use) },
			func(ctx context.Context) error {
				return withLock(ctx, lock, func(context.Context) error { open = false; return nil })
			})
	})
