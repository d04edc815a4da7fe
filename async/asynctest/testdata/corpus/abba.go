package corpus

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

var abba = both("AB-BA locks", Budget{Random: 10, PCT: 50},
	`deadlock: .*cycle: `,
	func(ctx context.Context, fixed bool) error {
		var a, b async.Lock
		take := func(first, second *async.Lock) Program {
			return func(ctx context.Context) error {
				return first.With(ctx, func(ctx context.Context) error {
					if err := Pause(ctx); err != nil {
						return err
					}
					return second.With(ctx, func(context.Context) error { return nil })
				})
			}
		}
		if fixed {
			return Together(ctx, take(&a, &b), take(&a, &b))
		}
		return Together(ctx, take(&a, &b), take(&b, &a))
	})
