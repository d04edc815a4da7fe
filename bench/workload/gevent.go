package workload

import (
	"fmt"
	"sync"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

// GeventSpawn spawns greenlets that do nothing but call body, and joins them all. An operation is one of them.
func GeventSpawn(greenlets int, body func()) Workload {
	return Workload{
		Name:  "gevent_spawn",
		About: fmt.Sprintf("spawn and join %s greenlets", thousands(greenlets)),
		Units: 1,
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: greenlets, Run: func(t Timer, rounds int) (int, error) {
				run := func() (int, error) { body(); return 1, nil }
				ops := 0
				t.StartTimer()
				for range rounds {
					all := make([]*gevent.Greenlet[int], greenlets)
					for i := range all {
						all[i] = gevent.Spawn(run)
					}
					ended, err := gevent.JoinAll(all)
					if err != nil {
						return ops, err
					}
					ops += len(ended)
				}
				t.StopTimer()
				return counted(ops, rounds*greenlets)
			}},
			{Name: "goroutines", UnitOps: greenlets, Run: func(t Timer, rounds int) (int, error) {
				var wg sync.WaitGroup
				t.StartTimer()
				for range rounds {
					for range greenlets {
						wg.Go(body)
					}
					wg.Wait()
				}
				t.StopTimer()
				return rounds * greenlets, nil
			}},
		},
	}
}

// GeventSleepZero lets greenlets give way to each other, as [SleepZero] does with tasks.
func GeventSleepZero(greenlets int) Workload {
	return Workload{
		Name:  "gevent_sleep0",
		About: fmt.Sprintf("one switch by sleep(0) among %s greenlets", thousands(greenlets)),
		Peers: []Peer{
			{Name: Asyncgo, UnitOps: greenlets, Run: func(t Timer, rounds int) (int, error) {
				want, switches := greenlets*rounds, 0
				all := make([]*gevent.Greenlet[gevent.Void], greenlets)
				for i := range all {
					all[i] = gevent.Spawn(func() (none gevent.Void, err error) {
						if err := gevent.Sleep(0); err != nil {
							return none, err
						}
						if i == 0 {
							t.StartTimer()
						}
						for range rounds {
							if err := gevent.Sleep(0); err != nil {
								return none, err
							}
							if switches++; switches == want {
								t.StopTimer()
							}
						}
						return none, nil
					})
				}
				if _, err := gevent.JoinAll(all, gevent.RaiseError()); err != nil {
					return switches, err
				}
				return counted(switches, want)
			}},
			channelHandOff(),
		},
	}
}

// ParkGevent lets greenlets wait for one event. A list holds them all, as joinall would want it.
func ParkGevent(greenlets int, at Stages) (ended int, err error) {
	var gate gevent.Event
	all := make([]*gevent.Greenlet[bool], greenlets)
	park := func() (bool, error) {
		woken, err := gate.Wait()
		if woken {
			ended++
		}
		return woken, err
	}
	// One makes the hub, which is there before the first greenlet in Python too.
	first := gevent.Spawn(park)
	if err := gevent.Sleep(0); err != nil {
		return 0, err
	}
	at.Before()
	for i := range all {
		all[i] = gevent.Spawn(park)
	}
	if err := gevent.Sleep(0); err != nil {
		return 0, err
	}
	at.Parked()
	gate.Set()
	if _, err := gevent.JoinAll(append(all, first), gevent.RaiseError()); err != nil {
		return ended, err
	}
	clear(all)
	at.After()
	return counted(ended-1, greenlets)
}
