package workload

import (
	"context"
	"errors"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"

	"github.com/asyncgo/asyncgo/async"
)

// SpawnAwait creates one task and waits for its typed result, over and over.
// The results are added up, so that each one has to arrive. An operation is
// one task.
//
// conc and errgroup have no part in it: neither hands a single typed result
// back, so their version would be the goroutine's with one more layer.
func SpawnAwait() Workload {
	return Workload{
		Name:  "spawn_await",
		About: "create one task and await its typed result, repeated",
		Peers: []Peer{
			perCall(func(ctx context.Context, one job) (int, error) { return async.CreateTask(ctx, one).Await(ctx) }),
			goroutineAndChannel(),

			{Name: "ants", UnitOps: 1, Run: func(t Timer, n int) (_ int, err error) {
				pool, err := ants.NewPool(16)
				if err != nil {
					return 0, err
				}
				defer func() { err = errors.Join(err, releaseAnts(pool)) }()
				sum := 0
				t.StartTimer()
				defer t.StopTimer()
				for range n {
					result := make(chan int, 1)
					if err := pool.Submit(func() { result <- 1 }); err != nil {
						return sum, err
					}
					sum += <-result
				}
				return counted(sum, n)
			}},

			{Name: "pond", UnitOps: 1, Run: func(t Timer, n int) (int, error) {
				pool := pond.NewResultPool[int](16)
				defer pool.StopAndWait()
				sum := 0
				t.StartTimer()
				defer t.StopTimer()
				for range n {
					v, err := pool.Submit(func() int { return 1 }).Wait()
					if err != nil {
						return sum, err
					}
					sum += v
				}
				return counted(sum, n)
			}},
		},
	}
}
