package workload

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

// QueuePingPong passes a number back and forth between two tasks through two queues of one slot. An
// operation is one hand-off, half a round trip. The peer does it through two unbuffered channels.
func QueuePingPong() Workload {
	return Workload{
		Name:  "queue_pingpong",
		About: "hand a value to the other task through a queue of one slot",
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: 2, Run: func(t Timer, trips int) (int, error) {
				handOffs := 0
				err := async.Run(func(ctx context.Context) error {
					there, back := async.NewQueue[int](1), async.NewQueue[int](1)
					echo := async.Go(ctx, func(ctx context.Context) error {
						for range trips {
							v, err := there.Get(ctx)
							if err != nil {
								return err
							}
							if err := back.Put(ctx, v+1); err != nil {
								return err
							}
						}
						return nil
					})
					t.StartTimer()
					for range trips {
						if err := there.Put(ctx, handOffs+1); err != nil {
							return err
						}
						v, err := back.Get(ctx)
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
