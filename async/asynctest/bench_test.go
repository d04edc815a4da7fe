package asynctest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

// BenchmarkExplore measures schedules of a small program: n tasks of two steps, and main, which starts them and waits
// for their end, with two more. With two tasks these are six steps in all; with three, six steps without main.
func BenchmarkExplore(b *testing.B) {
	for _, n := range []int{2, 3} {
		b.Run(fmt.Sprintf("steps=%d", 2*n+2), func(b *testing.B) {
			b.ReportAllocs()
			r := asynctest.Explore(b, func(ctx context.Context) error {
				tasks := make([]*async.Task[async.Void], n)
				for i := range tasks {
					tasks[i] = async.Go(ctx, pause)
				}
				_, err := async.GatherOf(ctx, tasks)
				return err
			}, asynctest.Schedules(b.N), asynctest.Seed(1))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "schedules/s")
			// All steps but the last one of each task end with a wait.
			if steps := r.Points + n + 1; r.Schedules != b.N || steps != 2*n+2 {
				b.Errorf("%d schedules of %d steps", r.Schedules, steps)
			}
		})
	}
}
