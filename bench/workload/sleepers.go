package workload

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/gather"
)

// nap is how long every sleeper sleeps.
const nap = 10 * time.Millisecond

// Sleepers starts many tasks that each sleep for 10 ms and then call body, and
// waits for all of them. An operation is one sleeper, from its creation to its
// end, so the 10 ms are part of the time but shared by all.
func Sleepers(tasks int, body func()) Workload {
	return Workload{
		Name:  "sleepers",
		About: fmt.Sprintf("%s tasks sleep %v each", thousands(tasks), nap),
		Units: 1,
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: tasks, Run: func(t Timer, rounds int) (int, error) {
				ops := 0
				err := async.Run(func(ctx context.Context) error {
					sleeper := func(ctx context.Context) error {
						err := async.Sleep(ctx, nap)
						body()
						return err
					}
					all := make([]*async.Task[async.Void], tasks)
					t.StartTimer()
					defer t.StopTimer()
					for range rounds {
						for i := range all {
							all[i] = async.Go(ctx, sleeper)
						}
						results, err := gather.AllOf(ctx, all)
						if err != nil {
							return err
						}
						ops += len(results)
					}
					return nil
				})
				return ops, err
			}},

			{Name: "goroutines", UnitOps: tasks, Run: func(t Timer, rounds int) (int, error) {
				var wg sync.WaitGroup
				t.StartTimer()
				defer t.StopTimer()
				for range rounds {
					wg.Add(tasks)
					for range tasks {
						go func() {
							time.Sleep(nap)
							body()
							wg.Done()
						}()
					}
					wg.Wait()
				}
				return tasks * rounds, nil
			}},
		},
	}
}
