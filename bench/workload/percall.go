package workload

import (
	"context"

	"github.com/asyncgo/asyncgo/async"
)

// A job is a function whose results are added up, so that each one has to arrive.
type job = func(ctx context.Context) (int, error)

// perCall is asyncgo in the workloads whose operation is a single call: a task has op run one and return its result, over
// and over.
func perCall(op func(ctx context.Context, one job) (int, error)) Peer {
	return Peer{Name: Asyncgo, UnitOps: 1, Run: func(t Timer, n int) (int, error) {
		sum := 0
		err := async.Run(func(ctx context.Context) error {
			one := func(context.Context) (int, error) { return 1, nil }
			t.StartTimer()
			defer t.StopTimer()
			for range n {
				v, err := op(ctx, one)
				if err != nil {
					return err
				}
				sum += v
			}
			return nil
		})
		if err != nil {
			return sum, err
		}
		return counted(sum, n)
	}}
}

// goroutineAndChannel is the peer of these workloads in plain Go: a goroutine for each call, and a channel for its result.
func goroutineAndChannel() Peer {
	return Peer{Name: "goroutine+chan", UnitOps: 1, Run: func(t Timer, n int) (int, error) {
		sum := 0
		t.StartTimer()
		defer t.StopTimer()
		for range n {
			result := make(chan int, 1)
			go func() { result <- 1 }()
			sum += <-result
		}
		return counted(sum, n)
	}}
}
