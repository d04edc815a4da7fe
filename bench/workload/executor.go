package workload

import (
	"context"
	"errors"
	"sync"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
)

// PoolWorkers is how many workers every pool of [PoolSubmit] has.
const PoolWorkers = 8

// PoolSubmit gives tiny jobs to eight workers and waits for all of them, each of which calls body. asyncgo
// keeps a future of each, pond a group; ants has only the function and its users a WaitGroup. An operation
// is one job.
func PoolSubmit(jobs int, body func()) Workload {
	return Workload{
		Name:  "pool_submit",
		About: "submit " + thousands(jobs) + " tiny jobs to 8 workers and wait for all",
		Units: jobs,
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: 1, Run: func(t Timer, n int) (_ int, err error) {
				ctx := context.Background()
				pool := future.NewPool(PoolWorkers)
				defer func() { err = errors.Join(err, pool.Shutdown(ctx)) }()
				job := func() (int, error) { body(); return 1, nil }
				t.StartTimer()
				defer t.StopTimer()
				futures := make([]*future.Future[int], n)
				for i := range futures {
					futures[i] = future.Submit(pool, job)
				}
				sum := 0
				for _, f := range futures {
					v, err := f.Await(ctx)
					if err != nil {
						return sum, err
					}
					sum += v
				}
				return counted(sum, n)
			}},

			{Name: "ants", UnitOps: 1, Run: func(t Timer, n int) (_ int, err error) {
				pool, err := ants.NewPool(PoolWorkers)
				if err != nil {
					return 0, err
				}
				defer func() { err = errors.Join(err, releaseAnts(pool)) }()
				var wg sync.WaitGroup
				job := func() { body(); wg.Done() }
				t.StartTimer()
				defer t.StopTimer()
				wg.Add(n)
				for range n {
					if err := pool.Submit(job); err != nil {
						return 0, err
					}
				}
				wg.Wait()
				return n, nil
			}},

			{Name: "pond", UnitOps: 1, Run: func(t Timer, n int) (int, error) {
				pool := pond.NewPool(PoolWorkers)
				defer pool.StopAndWait()
				t.StartTimer()
				defer t.StopTimer()
				group := pool.NewGroup()
				for range n {
					group.Submit(body)
				}
				return n, group.Wait()
			}},
		},
	}
}

// ToThread has a task send one function after the other to another goroutine and wait for each result. The
// peer starts a goroutine and waits at a channel. An operation is one round trip.
func ToThread() Workload {
	return Workload{
		Name:  "to_thread",
		About: "run a function on another goroutine and wait for its result, repeated",
		Peers: []Peer{
			perCall(func(ctx context.Context, one job) (int, error) { return async.ToThread(ctx, one) }),
			goroutineAndChannel(),
		},
	}
}

// loops is how many loops a unit of the CPU workloads has: divisible by the processors of most machines,
// so that none of them is idle in the end.
const loops = 12

// add is the loop of the tutorials that show what the GIL does to threads.
func add(n int) int {
	sum := 1
	for i := range n {
		sum += i
		sum ^= i << 1 // or the compiler would know the sum
	}
	return sum
}

// ProcessAdd is the loop for worker processes.
var ProcessAdd = future.Register("workload.add", func(n int) (int, error) { return add(n), nil })

// inLoop is the peer of the CPU workloads that computes in the tasks of one loop, one at a time.
func inLoop(size int) Peer { return inTasks("in the loop", size) }

// inTasks is a peer that computes in the tasks of a loop with these options.
func inTasks(name string, size int, opts ...async.Option) Peer {
	return Peer{Name: name, UnitOps: loops, Run: func(t Timer, n int) (int, error) {
		ops := 0
		err := async.Run(func(ctx context.Context) error {
			t.StartTimer()
			defer t.StopTimer()
			for range n {
				tasks := make([]*async.Task[int], loops)
				for i := range tasks {
					tasks[i] = async.CreateTask(ctx, func(context.Context) (int, error) { return add(size), nil })
				}
				sums, err := gather.AllOf(ctx, tasks)
				if err != nil {
					return err
				}
				ops += len(sums)
			}
			return nil
		}, opts...)
		return ops, err
	}}
}

// CPUParallel computes in tasks that run in parallel. An operation is one loop.
func CPUParallel(size int) Workload {
	return Workload{
		Name:  "cpu_parallel",
		About: "compute in tasks with Parallel, twelve loops at once",
		Peers: []Peer{
			inTasks(Asyncgo, size, async.Parallel(0)),
			inLoop(size),
		},
	}
}

// CPUThreads computes in functions that tasks have sent to the default executor. An operation is one loop.
func CPUThreads(size int) Workload {
	return Workload{
		Name:  "cpu_threads",
		About: "compute in ToThread, twelve loops at once",
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: loops, Run: func(t Timer, n int) (int, error) {
				ops := 0
				err := async.Run(func(ctx context.Context) error {
					t.StartTimer()
					defer t.StopTimer()
					for range n {
						futures := make([]*async.Future[int], loops)
						for i := range futures {
							futures[i] = async.RunInExecutor(ctx, nil, func() (int, error) { return add(size), nil })
						}
						sums, err := gather.AllOf(ctx, futures)
						if err != nil {
							return err
						}
						ops += len(sums)
					}
					return nil
				})
				return ops, err
			}},
			inLoop(size),
			{Name: "goroutines", UnitOps: loops, Run: func(t Timer, n int) (int, error) {
				t.StartTimer()
				defer t.StopTimer()
				for range n {
					var wg sync.WaitGroup
					sums := make([]int, loops)
					for i := range sums {
						wg.Go(func() { sums[i] = add(size) })
					}
					wg.Wait()
				}
				return n * loops, nil
			}},
		},
	}
}

// CPUProcesses computes in worker processes. An operation is one loop, as long as the tutorials', of ten million additions.
func CPUProcesses(size int) Workload {
	return Workload{
		Name:  "cpu_processes",
		About: "compute in worker processes, twelve loops at once",
		Peers: []Peer{
			processes(loops, 1, size),
			inLoop(size),
		},
	}
}

// ProcessCalls has worker processes do next to nothing, many calls in a message. An operation is one call.
func ProcessCalls() Workload {
	return Workload{
		Name:  "process_calls",
		About: "call a small function in worker processes, 1,000 in a message",
		Peers: []Peer{processes(4_000, 1_000, 1)},
	}
}

// processes is the peer that has worker processes add, so many calls in a unit, and in a message.
func processes(calls, chunk, size int) Peer {
	return Peer{Name: Asyncgo, UnitOps: calls, Run: func(t Timer, n int) (_ int, err error) {
		ctx := context.Background()
		pool := future.NewProcessPool(0)
		defer func() { err = errors.Join(err, pool.Shutdown(ctx)) }()
		run := func(n int) (ops int, err error) {
			sizes := func(yield func(int) bool) {
				for i := 0; i < n && yield(size); i++ {
				}
			}
			for _, err := range future.CallMap(ctx, pool, ProcessAdd, sizes, chunk) {
				if err != nil {
					return ops, err
				}
				ops++
			}
			return ops, nil
		}
		if _, err := run(loops * chunk); err != nil { // starts the processes
			return 0, err
		}
		t.StartTimer()
		defer t.StopTimer()
		return run(n * calls)
	}}
}

// Block has a task call one function after the other beside its loop. The peer is that of [ToThread]. An operation is one
// call.
func Block() Workload {
	return Workload{
		Name:  "block",
		About: "call a function on the task's own goroutine, beside the loop, repeated",
		Peers: []Peer{
			perCall(func(ctx context.Context, one job) (int, error) { return async.Block(ctx, one) }),
			goroutineAndChannel(),
		},
	}
}
