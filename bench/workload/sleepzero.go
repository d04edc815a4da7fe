package workload

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/gather"
)

// SleepZero lets tasks give way to each other, round after round. An operation
// is one switch: a task stops, the next one goes on.
//
// Starting and ending the tasks is not measured: the timer starts when the
// first of them comes back from a first sleep that all of them have begun, and
// stops in the task that counts the last switch. The unbuffered channel knows
// only two parties, whatever the number of tasks is here, and so its row is
// the same program in all sizes.
func SleepZero(tasks int) Workload {
	about := fmt.Sprintf("one switch by Sleep(ctx, 0) among %s tasks", thousands(tasks))
	if tasks == 1 {
		about = "one switch by Sleep(ctx, 0) of a single task"
	}
	return Workload{
		Name:  fmt.Sprintf("sleep0_%d", tasks),
		About: about,
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: tasks, Run: func(t Timer, rounds int) (int, error) {
				want, switches := tasks*rounds, 0
				err := async.Run(func(ctx context.Context) error {
					all := make([]*async.Task[async.Void], tasks)
					for i := range all {
						all[i] = async.Go(ctx, func(ctx context.Context) error {
							if err := async.Sleep(ctx, 0); err != nil {
								return err
							}
							if i == 0 {
								t.StartTimer()
							}
							for range rounds {
								if err := async.Sleep(ctx, 0); err != nil {
									return err
								}
								// The loop runs one task at a time, so a
								// plain counter is safe here.
								if switches++; switches == want {
									t.StopTimer()
								}
							}
							return nil
						})
					}
					_, err := gather.AllOf(ctx, all)
					return err
				})
				if err != nil {
					return switches, err
				}
				return counted(switches, want)
			}},
			channelHandOff(),
			gosched(tasks),
		},
	}
}

// channelHandOff passes a number from one goroutine to another and back
// through two unbuffered channels. A round trip is two hand-offs, and an
// operation is one.
func channelHandOff() Peer {
	return Peer{Name: "channel", UnitOps: 2, Run: func(t Timer, trips int) (int, error) {
		there, back := make(chan int), make(chan int)
		go func() {
			defer close(back)
			for v := range there {
				back <- v + 1
			}
		}()
		handOffs := 0
		t.StartTimer()
		for range trips {
			there <- handOffs + 1
			handOffs = <-back
		}
		t.StopTimer()
		close(there)
		<-back
		return counted(handOffs, 2*trips)
	}}
}

// gosched is what a goroutine would write for Sleep(ctx, 0). The goroutines
// run on all processors at once, which the tasks of one loop never do.
func gosched(tasks int) Peer {
	return Peer{Name: "Gosched", UnitOps: tasks, Run: func(t Timer, rounds int) (int, error) {
		var ready, done sync.WaitGroup
		var switches atomic.Int64
		start := make(chan struct{})
		ready.Add(tasks)
		done.Add(tasks)
		for range tasks {
			go func() {
				ready.Done()
				<-start
				for range rounds {
					runtime.Gosched()
				}
				switches.Add(int64(rounds))
				done.Done()
			}()
		}
		ready.Wait()
		t.StartTimer()
		close(start)
		done.Wait()
		t.StopTimer()
		return counted(int(switches.Load()), tasks*rounds)
	}}
}
