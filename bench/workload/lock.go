package workload

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/asyncgo/asyncgo/async"
)

// LockUncontended takes and releases a lock that nobody else wants. An
// operation is both.
func LockUncontended() Workload {
	return Workload{
		Name:  "lock_uncontended",
		About: "take and release a lock that nobody else wants",
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: 1, Run: func(t Timer, n int) (int, error) {
				turns := 0
				err := async.Run(func(ctx context.Context) error {
					var lock async.Lock
					t.StartTimer()
					defer t.StopTimer()
					for range n {
						if err := lock.Acquire(ctx); err != nil {
							return err
						}
						turns++
						lock.Release()
					}
					return nil
				})
				if err != nil {
					return turns, err
				}
				return counted(turns, n)
			}},
			{Name: "sync.Mutex", UnitOps: 1, Run: func(t Timer, n int) (int, error) {
				var mu sync.Mutex
				turns := 0
				t.StartTimer()
				for range n {
					mu.Lock()
					turns++
					mu.Unlock()
				}
				t.StopTimer()
				return counted(turns, n)
			}},
		},
	}
}

// LockContended hands a lock between tasks that all want it all the time, and
// give way once while they have it. An operation is one turn with the lock. A
// unit is one turn of each task.
//
// A channel with room for one is what a goroutine uses for a lock that it can
// wait for with a context, and like ours it serves in the order of asking; a
// sync.Mutex does not.
func LockContended(tasks int) Workload {
	return Workload{
		Name:  "lock_contended",
		About: fmt.Sprintf("one turn with a lock that %s tasks want, who give way while they have it", thousands(tasks)),
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: tasks, Run: func(t Timer, rounds int) (int, error) {
				turns := 0 // guarded by the lock
				err := async.Run(func(ctx context.Context) error {
					var lock async.Lock
					t.StartTimer()
					defer t.StopTimer()
					return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
						for range tasks {
							tg.Go(func(ctx context.Context) error {
								for range rounds {
									if err := lock.Acquire(ctx); err != nil {
										return err
									}
									turns++
									err := async.Sleep(ctx, 0)
									lock.Release()
									if err != nil {
										return err
									}
								}
								return nil
							})
						}
						return nil
					})
				})
				if err != nil {
					return turns, err
				}
				return counted(turns, tasks*rounds)
			}},
			{Name: "channel", UnitOps: tasks, Run: func(t Timer, rounds int) (int, error) {
				lock := make(chan struct{}, 1)
				turns := 0 // guarded by the lock
				var done sync.WaitGroup
				t.StartTimer()
				for range tasks {
					done.Go(func() {
						for range rounds {
							lock <- struct{}{}
							turns++
							runtime.Gosched()
							<-lock
						}
					})
				}
				done.Wait()
				t.StopTimer()
				return counted(turns, tasks*rounds)
			}},
		},
	}
}
