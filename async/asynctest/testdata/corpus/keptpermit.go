package corpus

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

var keptPermit = both("permit kept on an error", Budget{Random: 10, PCT: 10},
	`deadlock: .*waits for Semaphore`,
	func(ctx context.Context, fixed bool) error {
		sem := async.NewSemaphore(1)
		turn := 0
		use := func(ctx context.Context) error {
			if err := sem.Acquire(ctx); err != nil {
				return err
			}
			turn++
			mine := turn
			if err := Pause(ctx); err != nil {
				return err
			}
			if mine == 2 && !fixed {
				return nil
			}
			sem.Release()
			return nil
		}
		return Together(ctx, use, use, use)
	})
