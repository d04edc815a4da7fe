package corpus

import (
	"context"
	"fmt"
)

var deepOrder = both("deep order of three", Budget{Random: 500},
	`the order is (cbAaCB|bacABC|acbCAB)`,
	func(ctx context.Context, fixed bool) error {
		// Fails only if b's two steps stand around a's second one, and c's after that.
		trail, lock := "", maybe(fixed)
		mark := func(names ...string) Program {
			return func(ctx context.Context) error {
				return withLock(ctx, lock, func(ctx context.Context) error {
					var fns []func()
					for _, name := range names {
						fns = append(fns, func() { trail += name })
					}
					return Steps(fns...)(ctx)
				})
			}
		}
		if err := Together(ctx, mark("a", "A"), mark("b", "B"), mark("c", "C")); err != nil {
			return err
		}
		if trail == "cbAaCB" || trail == "bacABC" || trail == "acbCAB" {
			return fmt.Errorf("the order is %s", trail)
		}
		return nil
	})
