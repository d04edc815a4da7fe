package corpus

import (
	"context"
	"errors"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
)

var lostPermit = both("cancel while a permit is handed over", Budget{Random: 200},
	`deadlock: |the permit is lost`,
	func(ctx context.Context, fixed bool) error {
		// A hand-made lock that hands its permit to the waiter's future.
		var waiters []*future.Future[async.Void]
		taken := false
		release := func() {
			for len(waiters) > 0 {
				f := waiters[0]
				waiters = waiters[1:]
				if f.SetResult(async.Void{}) == nil {
					return
				}
			}
			taken = false
		}
		acquire := func(ctx context.Context) error {
			if !taken {
				taken = true
				return nil
			}
			f := future.New[async.Void]()
			waiters = append(waiters, f)
			_, err := f.Await(ctx)
			if err != nil && fixed && f.IsDone() && !f.Cancelled() {
				release()
			}
			return err
		}
		use := func(ctx context.Context) error {
			if err := acquire(ctx); err != nil {
				return nil
			}
			defer release()
			return Pause(ctx)
		}
		a := async.Go(ctx, use, async.Name("a"))
		b := async.Go(ctx, use, async.Name("b"))
		c := async.Go(ctx, func(context.Context) error { b.Cancel(); return nil }, async.Name("c"))
		d := async.Go(ctx, use, async.Name("d"))
		_, err := async.GatherSettled(ctx, a, b, c, d)
		if err == nil && taken {
			err = errors.New("the permit is lost")
		}
		return err
	})
