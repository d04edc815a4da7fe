package gevent

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// EventLoopBlocked is told to subscribers when the goroutine of a hub or one of its greenlets has not let the hub run for
// long: gevent.events.EventLoopBlocked.
type EventLoopBlocked struct {
	// Goroutine is the number of the goroutine that the hub belongs to, as in stacks.
	Goroutine int64
	// For is how long, so far.
	For time.Duration
	// Report says the same in words, with the stacks of all goroutines.
	Report string
}

// PeriodicMonitorStarted is told to subscribers when a [Monitor] starts: PeriodicMonitorThreadStartedEvent.
type PeriodicMonitorStarted struct {
	// Monitor is the one that has started.
	Monitor *Monitor
}

// subscribers are told of events.
var subscribers struct {
	mu  sync.Mutex
	all []*func(event any)
}

// Subscribe has fn called with every event, on the goroutine of the monitor that tells it: gevent.events.subscribers. The
// events are [EventLoopBlocked] and [PeriodicMonitorStarted]. Calling off ends that. It panics if fn is nil.
func Subscribe(fn func(event any)) (off func()) {
	if fn == nil {
		panic("gevent: Subscribe was called with a nil function")
	}
	s, p := &subscribers, &fn
	s.mu.Lock()
	s.all = append(s.all, p)
	s.mu.Unlock()
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all = slices.DeleteFunc(slices.Clone(s.all), func(q *func(any)) bool { return q == p })
	})
}

func tell(event any) {
	subscribers.mu.Lock()
	all := subscribers.all
	subscribers.mu.Unlock()
	for _, fn := range all {
		(*fn)(event)
	}
}

// A Monitor is a goroutine that watches all hubs: gevent's monitor thread. It does not watch the loops of package async,
// which have a debug mode for that.
type Monitor struct {
	stop  chan struct{}
	done  sync.WaitGroup
	mu    sync.Mutex
	ended bool
}

// MaxBlockingTime is how long gevent lets the loop be blocked by default: config.max_blocking_time.
const MaxBlockingTime = 100 * time.Millisecond

// StartMonitor starts a monitor that tells the subscribers of every hub which does not run for maxBlocking, once each time:
// GEVENT_MONITOR_THREAD_ENABLE. It must be ended by [Monitor.Stop]. It panics if maxBlocking is not positive.
func StartMonitor(maxBlocking time.Duration) *Monitor {
	if maxBlocking <= 0 {
		panic("gevent: the time of StartMonitor must be positive")
	}
	m := &Monitor{stop: make(chan struct{})}
	watched := map[*hub]*probe{}
	m.Add(maxBlocking, func() { lookAround(watched, maxBlocking) })
	tell(PeriodicMonitorStarted{Monitor: m})
	return m
}

// Add has fn called once in every period on a goroutine of the monitor's, also while hubs are blocked:
// add_monitoring_function. Calling remove ends that, when fn has returned. It panics if fn is nil or period not positive. It
// does nothing after Stop.
func (m *Monitor) Add(period time.Duration, fn func()) (remove func()) {
	switch {
	case fn == nil:
		panic("gevent: Monitor.Add was called with a nil function")
	case period <= 0:
		panic("gevent: the period of Monitor.Add must be positive")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return func() {}
	}
	off := make(chan struct{})
	m.done.Go(func() {
		tick := time.NewTicker(period)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fn()
			case <-off:
				return
			case <-m.stop:
				return
			}
		}
	})
	return sync.OnceFunc(func() { close(off) })
}

// Stop ends the monitor and waits for its functions.
func (m *Monitor) Stop() {
	m.mu.Lock()
	if !m.ended {
		m.ended = true
		close(m.stop)
	}
	m.mu.Unlock()
	m.done.Wait()
}

// A probe is an entry in the queue of a hub, which shows that the hub runs.
type probe struct {
	sent time.Time
	came atomic.Bool
	told bool
}

// RunReady implements [loop.Runnable].
func (p *probe) RunReady() { p.came.Store(true) }

// Moot implements [loop.Moot].
func (p *probe) Moot() bool { return true }

var _ loop.Moot = (*probe)(nil)

// lookAround looks after the probes in all hubs.
func lookAround(watched map[*hub]*probe, limit time.Duration) {
	hubs.mu.Lock()
	here := make(map[*hub]bool, len(hubs.all))
	for _, h := range hubs.all {
		here[h] = true
	}
	hubs.mu.Unlock()
	for h := range watched {
		if !here[h] {
			delete(watched, h)
		}
	}
	for h := range here {
		p := watched[h]
		if p != nil && !p.came.Load() {
			if d := time.Since(p.sent); d >= limit && !p.told {
				p.told = true
				tell(EventLoopBlocked{h.gid, d, fmt.Sprintf("gevent: the hub of goroutine %d appears to be blocked for %v\n%s",
					h.gid, d, stacks())})
			}
			continue
		}
		p = &probe{sent: time.Now()}
		watched[h] = p
		h.l.Push(p, nil)
	}
}
