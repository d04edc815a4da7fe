package workload

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

// FuturePingPong passes a number back and forth between two tasks. A future
// carries one value once, so each hand-off makes a new one, and that one
// allocation is the workload's own. An operation is one hand-off, half a round
// trip.
func FuturePingPong() Workload {
	return Workload{
		Name:    "future_pingpong",
		About:   "hand a value to the other task through a new future",
		Objects: 1,
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: 2, Run: func(t Timer, trips int) (int, error) {
				handOffs := 0
				err := async.Run(func(ctx context.Context) error {
					there := async.NewFuture[int](ctx)
					var back *async.Future[int]
					echo := async.Go(ctx, func(ctx context.Context) error {
						for range trips {
							v, err := there.Await(ctx)
							if err != nil {
								return err
							}
							// The next question's future has to be there
							// before the answer wakes the one who asks.
							there = async.NewFuture[int](ctx)
							if err := back.SetResult(v + 1); err != nil {
								return err
							}
						}
						return nil
					})
					t.StartTimer()
					for range trips {
						back = async.NewFuture[int](ctx)
						if err := there.SetResult(handOffs + 1); err != nil {
							return err
						}
						v, err := back.Await(ctx)
						if err != nil {
							return err
						}
						handOffs = v
					}
					t.StopTimer()
					_, err := echo.Await(ctx)
					return err
				})
				if err != nil {
					return handOffs, err
				}
				return counted(handOffs, 2*trips)
			}},
			channelHandOff(),
		},
	}
}
