package corpus

import (
	"context"
	"errors"
)

var barging = both("barging queue", Budget{Random: 10, PCT: 20},
	`the queue is empty`,
	func(ctx context.Context, fixed bool) error {
		// A worker looks whether there is an item, and takes it after a wait: somebody else may have been faster.
		items := []int{1, 2, 3}
		work := func(ctx context.Context) error {
			for len(items) > 0 {
				if fixed {
					items = items[1:]
				}
				if err := Pause(ctx); err != nil {
					return err
				}
				if !fixed {
					if len(items) == 0 {
						return errors.New("the queue is empty")
					}
					items = items[1:]
				}
			}
			return nil
		}
		return Together(ctx, work, work)
	})
