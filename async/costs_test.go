package async_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// TestCosts holds the figures of "What costs what" in docs/performance.md, as far as they are allocations. Less is no fault: a worker that
// has just been woken finds some of what it needs.
func TestCosts(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates, too")
	}
	nothing := func(context.Context) (int, error) { return 1, nil }
	for _, tt := range []struct {
		what string
		want float64
		do   func(ctx context.Context)
	}{
		{"Await of a coroutine", 0, func(ctx context.Context) { async.Coroutine[int](nothing).Await(ctx) }},
		{"Sleep(ctx, 0)", 0, func(ctx context.Context) { async.Sleep(ctx, 0) }},
		{"Sleep(ctx, d)", 1, func(ctx context.Context) { async.Sleep(ctx, 2*time.Millisecond) }},
		{"CreateTask and its Await", 1, func(ctx context.Context) { async.CreateTask(ctx, nothing).Await(ctx) }},
		{"ToThread", 2, func(ctx context.Context) { async.ToThread(ctx, nothing) }},
		{"RunInExecutor and its Await", 2, func(ctx context.Context) {
			async.RunInExecutor(ctx, nil, func() (int, error) { return 1, nil }).Await(ctx)
		}},
		{"Block", 2, func(ctx context.Context) { async.Block(ctx, nothing) }},
		{"WithTimeout", 5, func(ctx context.Context) {
			_, cancel := async.WithTimeout(ctx, time.Hour)
			cancel()
		}},
		{"Timeout", 5, func(ctx context.Context) {
			async.Timeout(ctx, time.Hour, func(context.Context, *async.TimeoutScope) error { return nil })
		}},
	} {
		t.Run(tt.what, func(t *testing.T) {
			err := async.Run(func(ctx context.Context) error {
				got := math.Inf(1)
				for range 3 { // a worker that starts just now allocates as well
					got = min(got, testing.AllocsPerRun(50, func() { tt.do(ctx) }))
				}
				if got > tt.want {
					t.Errorf("%s makes %v allocations, and docs/performance.md says %v", tt.what, got, tt.want)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
