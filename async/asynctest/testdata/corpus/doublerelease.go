package corpus

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

var doubleRelease = both("double release", Budget{Random: 20, PCT: 60},
	`BoundedSemaphore released too many times|the most users at a time is 2`,
	func(ctx context.Context, fixed bool) error {
		sem := async.NewBoundedSemaphore(1)
		busy, most := 0, 0
		use := func(twice bool) Program {
			return func(ctx context.Context) error {
				if err := sem.Acquire(ctx); err != nil {
					return err
				}
				busy++
				most = max(most, busy)
				err := Pause(ctx)
				busy--
				sem.Release()
				if twice && !fixed && sem.Value() == 0 {
					sem.Release() // somebody else has it by now
				}
				return err
			}
		}
		if err := Together(ctx, use(true), use(false), use(false)); err != nil {
			return err
		}
		return Same("the most users at a time", most, 1)
	})
