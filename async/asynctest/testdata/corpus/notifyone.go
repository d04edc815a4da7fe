package corpus

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

var notifyOne = both("notify for one of two kinds of waiters", Budget{Random: 200, PCT: 100},
	`deadlock: .*waits for Condition`,
	func(ctx context.Context, fixed bool) error {
		cond := async.NewCondition(nil)
		var a, b bool
		await := func(flag *bool) Program {
			return func(ctx context.Context) error {
				return cond.With(ctx, func(ctx context.Context) error {
					return cond.WaitFor(ctx, func() bool { return *flag })
				})
			}
		}
		set := func(flag *bool) Program {
			return func(ctx context.Context) error {
				return cond.With(ctx, func(context.Context) error {
					*flag = true
					if fixed {
						cond.NotifyAll()
					} else {
						cond.Notify(1) // and that may be the other one
					}
					return nil
				})
			}
		}
		return Together(ctx, await(&a), await(&b), set(&b), set(&a))
	})
