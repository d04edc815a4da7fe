package workload

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"
	"github.com/sourcegraph/conc"
	"golang.org/x/sync/errgroup"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/gather"
)

// SpawnGather creates tasks in batches and waits for each batch as a whole
// before it creates the next. Every task calls body, which does nothing when
// the cost of the task itself is measured and counts when a test asks whether
// every task has run. An operation is one task.
//
// Each pool has the size that was fastest for it. ants gets as many workers as
// a batch has tasks, because submitting blocks its caller when all are busy;
// pond queues instead, and is at its best with a worker for each processor.
// Pools are built and released outside the timed part.
func SpawnGather(tasks, batch int, body func()) Workload {
	peer := func(name string, run func(t Timer, batches int) (int, error)) Peer {
		return Peer{Name: name, UnitOps: batch, Run: run}
	}
	return Workload{
		Name:  "spawn_gather",
		About: fmt.Sprintf("create %s no-op tasks, gathered in batches of %s", thousands(tasks), thousands(batch)),
		Units: tasks / batch,
		Peers: []Peer{
			peer(Asyncgo, func(t Timer, batches int) (int, error) {
				ops := 0
				err := async.Run(func(ctx context.Context) error {
					work := func(context.Context) error { body(); return nil }
					group := make([]*async.Task[async.Void], batch)
					t.StartTimer()
					defer t.StopTimer()
					for range batches {
						for i := range group {
							group[i] = async.Go(ctx, work)
						}
						results, err := gather.AllOf(ctx, group)
						if err != nil {
							return err
						}
						ops += len(results)
					}
					return nil
				})
				return ops, err
			}),

			peer("goroutines", func(t Timer, batches int) (int, error) {
				var wg sync.WaitGroup
				t.StartTimer()
				defer t.StopTimer()
				for range batches {
					wg.Add(batch)
					for range batch {
						go func() {
							body()
							wg.Done()
						}()
					}
					wg.Wait()
				}
				return batches * batch, nil
			}),

			peer("errgroup", func(t Timer, batches int) (int, error) {
				work := func() error { body(); return nil }
				t.StartTimer()
				defer t.StopTimer()
				for range batches {
					var group errgroup.Group
					for range batch {
						group.Go(work)
					}
					if err := group.Wait(); err != nil {
						return 0, err
					}
				}
				return batches * batch, nil
			}),

			peer("conc", func(t Timer, batches int) (int, error) {
				t.StartTimer()
				defer t.StopTimer()
				for range batches {
					var group conc.WaitGroup
					for range batch {
						group.Go(body)
					}
					group.Wait()
				}
				return batches * batch, nil
			}),

			peer("ants", func(t Timer, batches int) (_ int, err error) {
				pool, err := ants.NewPool(batch)
				if err != nil {
					return 0, err
				}
				defer func() { err = errors.Join(err, releaseAnts(pool)) }()
				var wg sync.WaitGroup
				work := func() { body(); wg.Done() }
				t.StartTimer()
				defer t.StopTimer()
				for range batches {
					wg.Add(batch)
					for range batch {
						if err := pool.Submit(work); err != nil {
							return 0, err
						}
					}
					wg.Wait()
				}
				return batches * batch, nil
			}),

			peer("pond", func(t Timer, batches int) (int, error) {
				pool := pond.NewPool(runtime.GOMAXPROCS(0))
				defer pool.StopAndWait()
				t.StartTimer()
				defer t.StopTimer()
				for range batches {
					group := pool.NewGroup()
					for range batch {
						group.Submit(body)
					}
					if err := group.Wait(); err != nil {
						return 0, err
					}
				}
				return batches * batch, nil
			}),
		},
	}
}
