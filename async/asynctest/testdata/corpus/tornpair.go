package corpus

import (
	"context"
)

var tornPair = both("read of a pair that is written in two steps", Budget{Random: 25, PCT: 60},
	`y is 0 and should be 1`,
	func(ctx context.Context, fixed bool) error {
		x, y, lock := 0, 0, maybe(fixed)
		write := func(ctx context.Context) error {
			return withLock(ctx, lock, Steps(func() { x = 1 }, func() { y = 1 }))
		}
		read := func(ctx context.Context) error {
			return withLock(ctx, lock, func(context.Context) error { return Same("y", y, x) })
		}
		return Together(ctx, read, write)
	})
