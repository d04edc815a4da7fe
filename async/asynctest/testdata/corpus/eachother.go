package corpus

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

var eachOther = both("two who wait for each other's event", Budget{Random: 10, PCT: 10},
	`deadlock: .*waits for Event`,
	func(ctx context.Context, fixed bool) error {
		var a, b async.Event
		meet := func(mine, other *async.Event) Program {
			return func(ctx context.Context) error {
				if fixed {
					mine.Set()
				}
				if err := other.Wait(ctx); err != nil {
					return err
				}
				mine.Set()
				return nil
			}
		}
		return Together(ctx, meet(&a, &b), meet(&b, &a))
	})
