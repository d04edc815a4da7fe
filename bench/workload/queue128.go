package workload

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

// Queue128 passes numbers from one task to another through a queue with 128 slots. An operation is
// one number, put in and taken out.
func Queue128() Workload {
	const slots = 128
	return Workload{
		Name:  "queue_128",
		About: "put an item into a queue of 128 slots, and take it out in another task",
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: 1, Run: func(t Timer, items int) (int, error) {
				taken := 0
				err := async.Run(func(ctx context.Context) error {
					q := async.NewQueue[int](slots)
					t.StartTimer()
					producer := async.Go(ctx, func(ctx context.Context) error {
						for i := range items {
							if err := q.Put(ctx, i); err != nil {
								return err
							}
						}
						return nil
					})
					for range items {
						if _, err := q.Get(ctx); err != nil {
							return err
						}
						taken++
					}
					t.StopTimer()
					_, err := producer.Await(ctx)
					return err
				})
				if err != nil {
					return taken, err
				}
				return counted(taken, items)
			}},
			{Name: "channel", UnitOps: 1, Run: func(t Timer, items int) (int, error) {
				ch := make(chan int, slots)
				t.StartTimer()
				go func() {
					defer close(ch)
					for i := range items {
						ch <- i
					}
				}()
				taken := 0
				for range ch {
					taken++
				}
				t.StopTimer()
				return counted(taken, items)
			}},
		},
	}
}
