package loop

import (
	"runtime"
	"sync"
	"testing"
)

// askedMeanwhile runs a loop for one callback, which calls inside when fn is asked for by another goroutine, and returns what
// that gets.
func askedMeanwhile(t *testing.T, inside func(l *Loop), fn func()) bool {
	t.Helper()
	l := New(t.Context(), NewReal())
	defer l.Close()
	answer := make(chan bool, 1)
	NewHandle(l, func() {
		go func() { answer <- l.Ask(fn) }()
		for !l.inboxed.Load() {
			runtime.Gosched()
		}
		inside(l)
		l.Stop()
	}).Soon()
	if _, err := l.Run(); err != nil {
		t.Fatal(err)
	}
	return <-answer
}

func TestAsk(t *testing.T) {
	t.Run("it does not run in the middle of what takes in the inbox with a mutex held", func(t *testing.T) {
		var mu sync.Mutex
		held := false
		ok := askedMeanwhile(t, func(l *Loop) {
			mu.Lock()
			defer mu.Unlock()
			l.pushInside(nop{}) // as who completes a future does
		}, func() {
			if held = !mu.TryLock(); !held {
				mu.Unlock()
			}
		})
		if !ok || held {
			t.Errorf("it has run: %v, and the mutex was held: %v", ok, held)
		}
	})
	t.Run("a run that ends leaves nobody without an answer", func(t *testing.T) {
		ran := false
		ok := askedMeanwhile(t, func(l *Loop) {
			l.stop = true
			l.pushInside(nop{})
		}, func() { ran = true })
		if !ok || !ran {
			t.Errorf("the answer is %v, and it has run: %v", ok, ran)
		}
	})
}
