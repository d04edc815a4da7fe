package async

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// wires are what a loop has to close in the end: connections, listeners and processes.
type wires struct {
	mu      sync.Mutex
	open    map[wire]struct{}
	over    bool
	running sync.WaitGroup // their goroutines
	polling *poller        // nil before the first connection, and where there is none
	polled  bool           // whether polling was tried
}

// withoutPoller is for the tests of what other systems do, see export_test.go.
var withoutPoller atomic.Bool

// poller returns what reads for the connections of l, or nil where there is no such thing.
func (s *wires) poller(l *Loop) *poller {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.polled && !s.over && !withoutPoller.Load() {
		s.polled = true
		if p, err := newPoller(); err == nil {
			s.polling = p
			s.running.Add(1)
			go l.running(p.watch)
			l.l.Poll(p.glance)
		}
	}
	return s.polling
}

// A wire is something that lives no longer than its loop.
type wire interface{ close(abort bool) }

// adopt notes a wire with as many goroutines, or reports false if the loop is closed. A nil Loop has no end.
func (l *Loop) adopt(x wire, goroutines int) bool {
	if l == nil {
		return true
	}
	l.wires.mu.Lock()
	defer l.wires.mu.Unlock()
	if l.wires.over {
		return false
	}
	if l.wires.open == nil {
		l.wires.open = map[wire]struct{}{}
	}
	l.wires.open[x] = struct{}{}
	l.wires.running.Add(goroutines)
	l.l.Source(1)
	return true
}

// running is the foot of a goroutine that the end of the loop waits for.
func (l *Loop) running(fn func()) {
	if l != nil {
		defer l.wires.running.Done()
	}
	fn()
}

// release forgets a wire that is closed.
func (l *Loop) release(x wire) {
	if l == nil {
		return
	}
	l.wires.mu.Lock()
	defer l.wires.mu.Unlock()
	if _, ok := l.wires.open[x]; ok {
		delete(l.wires.open, x)
		l.l.Source(-1)
	}
}

// closeWires closes what is left and waits for the goroutines.
func (l *Loop) closeWires() {
	l.wires.mu.Lock()
	l.wires.over = true
	var left []wire
	for x := range l.wires.open {
		left = append(left, x)
	}
	l.wires.mu.Unlock()
	for _, x := range left {
		x.close(true)
	}
	if p := l.wires.polling; p != nil { // which nobody makes any more
		p.close()
	}
	l.wires.running.Wait()
}

// networkGrace is how long a virtual clock waits for a peer, in real time. Nobody knows whether the peer is
// about to answer or waits itself, for the clock, say. The value is a guess at what is long on a busy machine and
// short for a test.
const networkGrace = 20 * time.Millisecond

// awaitsNetwork is called by a task that is about to wait for a peer, and the function that it returns when it
// goes on. A virtual clock stands still meanwhile, for a while.
func awaitsNetwork(ctx context.Context) func() {
	l := loop.Near(ctx)
	if l == nil || l.RealTime() {
		return func() {}
	}
	l.External(1)
	end := sync.OnceFunc(func() { l.External(-1) })
	timer := time.AfterFunc(networkGrace, end)
	return func() {
		timer.Stop()
		end()
	}
}
