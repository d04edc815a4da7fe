package workload

import (
	"context"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// Stages are the moments at which the memory workload is looked at. The first
// is called before any task exists, the second while all of them wait, and the
// third when all have ended but the program, and with it the loop, goes on.
type Stages struct {
	Before, Parked, After func()
}

// quiet is how long the program goes on after the last task has ended and
// before it is looked at: what is still held then is held for good, or at least
// longer than a burst deserves.
const quiet = time.Second

// ParkAsyncgo lets tasks wait for one future. No handle of a task is kept, as
// the goroutines have none either.
func ParkAsyncgo(tasks int, at Stages) (ended int, err error) {
	err = async.Run(func(ctx context.Context) error {
		gate, last := async.NewFuture[async.Void](ctx), async.NewFuture[async.Void](ctx)
		at.Before()
		for range tasks {
			async.Go(ctx, func(ctx context.Context) error {
				if _, err := gate.Await(ctx); err != nil {
					return err
				}
				if ended++; ended == tasks {
					return last.SetResult(async.Void{})
				}
				return nil
			})
		}
		// One tick starts the tasks, and they run before this one goes on.
		if err := async.Sleep(ctx, 0); err != nil {
			return err
		}
		at.Parked()
		if err := gate.SetResult(async.Void{}); err != nil {
			return err
		}
		if _, err := last.Await(ctx); err != nil {
			return err
		}
		gate, last = nil, nil
		if err := async.Sleep(ctx, quiet); err != nil {
			return err
		}
		at.After()
		return nil
	})
	if err != nil {
		return ended, err
	}
	return counted(ended, tasks)
}

// ParkGoroutines lets goroutines wait for one channel to be closed.
func ParkGoroutines(tasks int, at Stages) (ended int, err error) {
	var parking, running sync.WaitGroup
	gate := make(chan struct{})
	at.Before()
	parking.Add(tasks)
	running.Add(tasks)
	for range tasks {
		go func() {
			parking.Done()
			<-gate
			running.Done()
		}()
	}
	parking.Wait()
	// The last goroutines are between Done and the channel for a moment.
	time.Sleep(100 * time.Millisecond)
	at.Parked()
	close(gate)
	running.Wait()
	time.Sleep(quiet)
	at.After()
	return tasks, nil
}
