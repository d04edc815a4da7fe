package asynctest_test

import (
	"context"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

func TestMillionSleeps(t *testing.T) {
	n := 1_000_000
	if testing.Short() || raceEnabled {
		n = 10_000
	}
	t.Run("a million sleeps of an hour, one after the other, take seconds", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			l, _ := async.RunningLoop(ctx)
			for range n {
				if err := async.Sleep(ctx, time.Hour); err != nil {
					return err
				}
			}
			return same("the time", l.Time(), time.Duration(n)*time.Hour)
		})
	})
	t.Run("as do a million of a thousand tasks", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			tasks := make([]program, 1000)
			for i := range tasks {
				tasks[i] = func(ctx context.Context) error {
					for range n / len(tasks) {
						if err := async.Sleep(ctx, time.Hour+time.Duration(i)); err != nil {
							return err
						}
					}
					return nil
				}
			}
			return together(ctx, tasks...)
		})
	})
}
