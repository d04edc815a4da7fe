package gevent_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestFaults(t *testing.T) {
	t.Run("a panic is the error of Get", func(t *testing.T) {
		witness.NoLeaks(t)
		g := gevent.Spawn(func() (int, error) { panic(errFault) })
		var p *gevent.PanicError
		if _, err := g.Get(); !errors.As(err, &p) || !errors.Is(err, errFault) {
			t.Errorf("the error is %v", err)
		}
	})

	t.Run("M8 Goexit in a greenlet goes on in the goroutine of the hub", func(t *testing.T) {
		witness.NoLeaks(t)
		done := make(chan struct{})
		var tr trace
		go func() {
			defer close(done)
			defer tr.Add("main")
			g := gevent.Go(func() {
				defer tr.Add("greenlet")
				runtime.Goexit()
			})
			other := sleeper(time.Hour)
			must(gevent.JoinAll([]gevent.Joinable{other, g}))
			tr.Add("never")
		}()
		<-done
		tr.Expect(t, "greenlet main")
	})

	t.Run("Destroy ends all that is there", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		gevent.Spawn(func() (any, error) {
			defer tr.Add("deferred")
			return nil, gevent.Sleep(time.Hour)
		})
		gevent.Go(func() {
			for { // does not give in
				gevent.Sleep(time.Hour)
			}
		})
		check(gevent.Sleep(0))
		gevent.Destroy()
		tr.Expect(t, "deferred")
	})

	t.Run("nil functions are refused", func(t *testing.T) {
		for name, f := range map[string]func(){
			"New":             func() { gevent.New[int](nil) },
			"SpawnLater":      func() { gevent.SpawnLater[int](0, nil) },
			"Go":              func() { gevent.Go(nil) },
			"WithTimeout":     func() { gevent.WithTimeout[int](0, nil) },
			"NewStreamServer": func() { gevent.NewStreamServer("tcp", "", nil) },
			"SignalHandler":   func() { gevent.SignalHandler(nil, nil) },
		} {
			if p := fmt.Sprint(caught(f)); !strings.HasPrefix(p, "gevent: "+name+" was called with a nil ") {
				t.Errorf("%s panics with %s", name, p)
			}
		}
	})
}
