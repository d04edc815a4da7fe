package asynctest_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

// A mute is a test that may fail without failing the test that makes it.
type mute struct {
	testing.TB
	said   string
	failed bool
}

func (m *mute) Helper()        {}
func (m *mute) Failed() bool   { return false }
func (m *mute) Error(a ...any) { m.failed, m.said = true, m.said+fmt.Sprint(a...) }
func (m *mute) Log(a ...any)   { m.said += fmt.Sprint(a...) }

// lostUpdate lets n tasks add one to a counter, each with a wait between reading and writing.
func lostUpdate(n int) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		counter := 0
		tasks := make([]*async.Task[async.Void], n)
		for i := range tasks {
			tasks[i] = async.Go(ctx, func(ctx context.Context) error {
				v := counter
				if err := async.Sleep(ctx, 0); err != nil {
					return err
				}
				counter = v + 1
				return nil
			})
		}
		if _, err := async.GatherOf(ctx, tasks); err != nil {
			return err
		}
		if counter != n {
			return fmt.Errorf("the counter is %d, and %d tasks have added one", counter, n)
		}
		return nil
	}
}

func TestExhaustive(t *testing.T) {
	m := &mute{TB: t}
	r := asynctest.Explore(m, lostUpdate(3), asynctest.Strategy(asynctest.Exhaustive(0)), asynctest.CountAll())
	t.Log(r.Schedules, r.Failed, r.Complete, r.Token)
	t.Log(r.Failure)
}

func BenchmarkExplore(b *testing.B) {
	b.ReportAllocs()
	main := lostUpdate(3)
	m := &mute{TB: b}
	asynctest.Explore(m, func(ctx context.Context) error { main(ctx); return nil }, asynctest.Schedules(b.N))
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "schedules/s")
}
