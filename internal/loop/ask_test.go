package loop

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// meanwhile runs a loop for two ticks, in the first of which inside is called when another goroutine has posted something by outside, and
// returns what outside does when the loop has stopped.
func meanwhile(t *testing.T, l *Loop, inside func(), outside func() bool) bool {
	t.Helper()
	answer := make(chan bool, 1)
	l.post(entry(func() {
		go func() { answer <- outside() }()
		for !l.inboxed.Load() {
			runtime.Gosched()
		}
		inside()
		l.pushInside(entry(l.Stop))
	}))
	if _, err := l.Run(); err != nil {
		t.Fatal(err)
	}
	return <-answer
}

// An entry of the ready queue that runs inside, also where tasks run in parallel.
type entry func()

// RunReady implements [Runnable].
func (e entry) RunReady() { e() }

// takeIn has the loop take in its inbox, as who completes a future does.
func (l *Loop) takeIn() { l.pushInside(nop{}) }

func TestAsk(t *testing.T) {
	t.Run("it does not run in the middle of what takes in the inbox with a mutex held", func(t *testing.T) {
		l := New(t.Context(), NewReal())
		defer l.Close()
		var mu sync.Mutex
		held := false
		ok := meanwhile(t, l, func() {
			mu.Lock()
			defer mu.Unlock()
			l.takeIn()
		}, func() bool {
			return l.Ask(func() {
				if held = !mu.TryLock(); !held {
					mu.Unlock()
				}
			})
		})
		if !ok || held {
			t.Errorf("it has run: %v, and the mutex was held: %v", ok, held)
		}
	})
	t.Run("a run that ends leaves nobody without an answer", func(t *testing.T) {
		l := New(t.Context(), NewReal())
		defer l.Close()
		ran := false
		ok := meanwhile(t, l, func() {
			l.stop = true
			l.takeIn()
		}, func() bool { return l.Ask(func() { ran = true }) })
		if !ok || !ran {
			t.Errorf("the answer is %v, and it has run: %v", ok, ran)
		}
	})
}

func TestReportsComeInTurn(t *testing.T) {
	for name, parallel := range map[string]bool{"a loop": false, "a parallel loop": true} {
		t.Run(name+" calls the exception handler of an error that got lost with no mutex held, or in the end", func(t *testing.T) {
			l := New(t.Context(), NewReal())
			if parallel {
				l.SetParallel(0, Bodies{Go: func(live func()) { go live() }, Release: func() {}})
			}
			var mu sync.Mutex
			calls, held := 0, false
			l.SetHandler(func(Exception) {
				if calls++; !mu.TryLock() {
					held = true
					return
				}
				mu.Unlock()
			})
			lost := func() bool {
				l.Watch("future", errors.New("lost")).Dropped()
				return true
			}
			meanwhile(t, l, func() {
				mu.Lock()
				defer mu.Unlock()
				l.takeIn()
			}, lost)
			if calls != 1 || held {
				t.Errorf("there were %d calls, and the mutex was held: %v", calls, held)
			}
			meanwhile(t, l, func() {
				l.stop = true
				l.takeIn()
			}, lost)
			l.Close()
			if calls != 2 {
				t.Errorf("there were %d calls in the end", calls)
			}
		})
	}
}

func TestAside(t *testing.T) {
	t.Run("what belongs to others is not called while the inbox is being taken in, but right after", func(t *testing.T) {
		l := New(t.Context(), NewReal())
		l.SetParallel(0, Bodies{Go: func(live func()) { go live() }, Release: func() {}})
		defer l.Close()
		var order []string
		l.SetHandler(func(Exception) { order = append(order, "handled") })
		meanwhile(t, l, func() {
			l.post(arrival(func() { l.Report(Exception{Message: "lost"}) }))
			l.post(arrival(func() { order = append(order, "taken in") }))
			l.takeIn()
		}, func() bool { return l.post(nop{}) })
		if !slices.Equal(order, []string{"taken in", "handled"}) {
			t.Errorf("the order is %q", order)
		}
	})
	t.Run("who is inside of a loop does not wait for the inside of another one", func(t *testing.T) {
		other := New(t.Context(), NewReal())
		other.SetParallel(0, Bodies{Go: func(live func()) { go live() }, Release: func() {}})
		defer other.Close()
		other.par.inside.Lock() // a task that goes on after the run
		ran, ranAtOnce := false, false
		l := New(t.Context(), NewReal())
		defer l.Close()
		meanwhile(t, l, func() {
			other.Do(func() { ran = true })
			ranAtOnce = ran
		}, func() bool { return l.post(nop{}) })
		other.par.inside.Unlock()
		other.settle()
		if ranAtOnce || !ran {
			t.Errorf("it has run at once: %v, and in the end: %v", ranAtOnce, ran)
		}
	})
}
