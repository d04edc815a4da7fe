package corpus

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

var philosophers = both("dining philosophers", Budget{Random: 30, PCT: 150},
	`deadlock: .*cycle: `,
	func(ctx context.Context, fixed bool) error {
		var forks [3]async.Lock
		var eat []Program
		for i := range forks {
			left, right := i, (i+1)%len(forks)
			if fixed && left > right {
				left, right = right, left
			}
			eat = append(eat, func(ctx context.Context) error {
				return forks[left].With(ctx, func(ctx context.Context) error {
					if err := Pause(ctx); err != nil {
						return err
					}
					return forks[right].With(ctx, Pause)
				})
			})
		}
		return Together(ctx, eat...)
	})
