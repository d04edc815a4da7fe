package workload_test

import (
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/asyncgo/asyncgo/bench/workload"
)

// ants keeps two goroutines for its default pool from its package's
// initialisation on. Nobody can end them, so they are the only ones that may
// be left, and only where that package started them.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// watch is a Timer that knows how it was used.
type watch struct{ started, stopped atomic.Int32 }

func (w *watch) StartTimer() { w.started.Add(1) }
func (w *watch) StopTimer()  { w.stopped.Add(1) }

// Every peer does all of its work at a tiny size, and measures exactly once.
func TestPeersCountTheirWork(t *testing.T) {
	var bodies atomic.Int64
	count := func() { bodies.Add(1) }
	for _, test := range []struct {
		workload workload.Workload
		units    int
		// runsBody says that each operation calls count once.
		runsBody bool
	}{
		{workload.SpawnGather(40, 8, count), 5, true},
		{workload.SpawnGather(3, 1, count), 3, true},
		{workload.SpawnAwait(), 1, false},
		{workload.SpawnAwait(), 50, false},
		{workload.SleepZero(1), 1, false},
		{workload.SleepZero(1), 20, false},
		{workload.SleepZero(7), 1, false},
		{workload.SleepZero(7), 20, false},
		{workload.Sleepers(12, count), 2, true},
		{workload.FuturePingPong(), 1, false},
		{workload.PoolSubmit(50, count), 50, true},
		{workload.ToThread(), 20, false},
		{workload.CPUThreads(10), 2, false},
		{workload.CPUParallel(10), 2, false},
		{workload.CPUProcesses(10), 2, false},
		{workload.ProcessCalls(), 1, false},
		{workload.FuturePingPong(), 25, false},
		{workload.LockUncontended(), 1, false},
		{workload.LockUncontended(), 25, false},
		{workload.LockContended(1), 10, false},
		{workload.LockContended(7), 10, false},
		{workload.Queue128(), 1, false},
		{workload.Queue128(), 1000, false},
		{workload.QueuePingPong(), 1, false},
		{workload.QueuePingPong(), 25, false},
		{workload.GreenletRoundTrip(), 1, false},
		{workload.GreenletRoundTrip(), 25, false},
		{workload.GreenletSiblings(), 25, false},
		{workload.GreenletLife(), 25, false},
		{workload.GeneratorSend(25), 25, false},
		{workload.GeventSpawn(12, count), 3, true},
		{workload.GeventSleepZero(1), 25, false},
		{workload.GeventSleepZero(7), 25, false},
	} {
		for _, p := range test.workload.Peers {
			t.Run(test.workload.Name+"/"+p.Name, func(t *testing.T) {
				bodies.Store(0)
				var w watch
				ops, err := p.Run(&w, test.units)
				if err != nil {
					t.Fatal(err)
				}
				if want := test.units * p.UnitOps; ops != want {
					t.Errorf("counted %d operations, want %d", ops, want)
				}
				if test.runsBody && bodies.Load() != int64(ops) {
					t.Errorf("%d bodies ran for %d operations", bodies.Load(), ops)
				}
				if started, stopped := w.started.Load(), w.stopped.Load(); started != 1 || stopped != 1 {
					t.Errorf("the timer was started %d times and stopped %d times, want once each", started, stopped)
				}
			})
		}
	}
}

// The sizes that are measured are those that the targets speak of.
func TestAll(t *testing.T) {
	names := map[string]bool{}
	for _, w := range workload.All() {
		if names[w.Name] {
			t.Errorf("two workloads are named %s", w.Name)
		}
		names[w.Name] = true
		if w.Peers[0].Name != workload.Asyncgo {
			t.Errorf("%s: the first peer is %s, not asyncgo", w.Name, w.Peers[0].Name)
		}
		if w.About == "" {
			t.Errorf("%s does not say what it is", w.Name)
		}
		if w.Name == "spawn_gather" && w.Units*w.Peers[0].UnitOps != 1_000_000 {
			t.Errorf("spawn_gather creates %d tasks, want 1,000,000", w.Units*w.Peers[0].UnitOps)
		}
	}
}

// All ways of parking go through the three stages in order, end all tasks,
// and really have them all waiting in the middle.
func TestParking(t *testing.T) {
	for name, park := range map[string]func(int, workload.Stages) (int, error){
		"asyncgo":    workload.ParkAsyncgo,
		"goroutines": workload.ParkGoroutines,
		"gevent":     workload.ParkGevent,
	} {
		t.Run(name, func(t *testing.T) {
			var stages []string
			at := func(stage string) func() {
				return func() { stages = append(stages, stage) }
			}
			ended, err := park(30, workload.Stages{Before: at("before"), Parked: at("parked"), After: at("after")})
			if err != nil {
				t.Fatal(err)
			}
			if ended != 30 {
				t.Errorf("%d tasks ended, want 30", ended)
			}
			if got := len(stages); got != 3 || stages[0] != "before" || stages[1] != "parked" || stages[2] != "after" {
				t.Errorf("the stages were %v", stages)
			}
		})
	}
}
