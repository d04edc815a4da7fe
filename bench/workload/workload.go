// Package workload holds what bench measures: small programs that asyncgo and
// its peers all run, written for each of them the way its own users would
// write it.
//
// A [Workload] is one row group of the comparison, and a [Peer] is one way to
// do it: asyncgo itself, raw goroutines and channels, errgroup, conc, ants or
// pond. The first peer of a workload is always asyncgo.
//
// The same functions serve three callers. cmd/compare times them round by
// round, the benchmarks of package bench hand them a *testing.B, and the tests
// run them at a tiny size and check that no work was lost.
package workload

import "fmt"

// Asyncgo is the name of the peer that all others are compared with.
const Asyncgo = "asyncgo"

// A Timer is told when the part that counts begins and ends, so that building
// a pool or starting ten thousand tasks is not measured where only their
// switches should be. Both may be called from any goroutine. *testing.B is a
// Timer.
type Timer interface {
	StartTimer()
	StopTimer()
}

// A Peer is one way to do a workload.
type Peer struct {
	Name string

	// UnitOps is the number of operations in one unit of work, the smallest
	// piece that Run can do: a batch of 1,000 tasks has 1,000 operations, a
	// round trip has two hand-offs.
	UnitOps int

	// Run does units of work between t.StartTimer and t.StopTimer, and returns
	// the number of operations that it counted. The timer is stopped when Run
	// is called.
	Run func(t Timer, units int) (ops int, err error)
}

// A Workload is one program and the peers that can do it.
type Workload struct {
	Name string
	// About says in a few words what one operation is.
	About string
	// Objects is the number of allocations per operation that are the point of
	// the workload and not its overhead: the futures that are passed around.
	Objects float64
	// Units fixes the size of a sample where the size is part of the workload.
	// Zero lets the caller choose one that runs long enough.
	Units int
	Peers []Peer
}

// All returns every timed workload at the sizes that are measured. The memory
// workloads are not timed and stand apart, in [ParkAsyncgo], [ParkGoroutines] and
// [ParkGevent].
func All() []Workload {
	return []Workload{
		SpawnGather(1_000_000, 1_000, func() {}),
		SpawnAwait(),
		SleepZero(1),
		SleepZero(100),
		SleepZero(10_000),
		Sleepers(100_000, func() {}),
		FuturePingPong(),
		LockUncontended(),
		LockContended(100),
		Queue128(),
		QueuePingPong(),
		PoolSubmit(1_000_000, func() {}),
		ToThread(),
		Block(),
		CPUThreads(2_000_000),
		CPUParallel(2_000_000),
		CPUProcesses(10_000_000),
		ProcessCalls(),
		GreenletRoundTrip(),
		GreenletSiblings(),
		GreenletLife(),
		GeneratorSend(10_000_000),
		GeventSpawn(100_000, func() {}),
		GeventSleepZero(100),
	}
}

// counted turns a difference between the work that was asked for and the work
// that was seen into an error, so that no peer is fast because it dropped
// something.
func counted(got, want int) (int, error) {
	if got != want {
		return got, fmt.Errorf("workload: counted %d operations instead of %d", got, want)
	}
	return got, nil
}
