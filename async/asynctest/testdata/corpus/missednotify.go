package corpus

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

var missedNotify = both("missed notify", Budget{Random: 10, PCT: 20},
	`deadlock: .*waits for Condition`,
	func(ctx context.Context, fixed bool) error {
		cond := async.NewCondition(nil)
		ready := false
		return Together(ctx,
			func(ctx context.Context) error {
				return cond.With(ctx, func(ctx context.Context) error {
					if fixed {
						return cond.WaitFor(ctx, func() bool { return ready })
					}
					return cond.Wait(ctx) // although it may be ready already
				})
			},
			func(ctx context.Context) error {
				return cond.With(ctx, func(context.Context) error {
					ready = true
					cond.NotifyAll()
					return nil
				})
			})
	})
