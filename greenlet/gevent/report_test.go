package gevent_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// line returns that of its caller.
func line() int {
	_, _, n, _ := runtime.Caller(1)
	return n
}

func TestReport(t *testing.T) {
	type spawns struct {
		name  string
		spawn func(fn func()) (at int)
	}
	wait := func(fn func()) func() (int, error) { return func() (int, error) { fn(); return 0, nil } }
	var group gevent.Group
	pool := gevent.NewPool(3)
	for _, s := range []spawns{
		{"Spawn", func(fn func()) int { gevent.Spawn(wait(fn)); return line() }},
		{"Go", func(fn func()) int { gevent.Go(fn); return line() }},
		{"New and Start", func(fn func()) int { g := gevent.New(wait(fn)); g.Start(); return line() }},
		{"SpawnLater", func(fn func()) int { gevent.SpawnLater(0, wait(fn)); return line() }},
		{"Group.Go", func(fn func()) int { must(group.Go(fn)); return line() }},
		{"Group.Spawn", func(fn func()) int { must(group.Spawn(func() error { fn(); return nil })); return line() }},
		{"SpawnIn of a Pool", func(fn func()) int { must(gevent.SpawnIn(pool, wait(fn))); return line() }},
		{"ApplyAsync", func(fn func()) int { gevent.ApplyAsync(pool, wait(fn), nil); return line() }},
	} {
		t.Run(s.name+" is found in the report", func(t *testing.T) {
			witness.NoLeaks(t)
			var e gevent.Event
			at := s.spawn(func() { e.Wait() })
			check(gevent.Sleep(ms(1)))
			_, err := e.Wait()
			want := fmt.Sprintf("spawned by main at %s:%d", "report_test.go", at)
			if err == nil || !strings.Contains(strip(err), want) {
				t.Errorf("%q is not in %v", want, err)
			}
			gevent.Destroy()
		})
	}

	var e gevent.Event
	var q gevent.Queue[int]
	var r gevent.AsyncResult[int]
	var lock gevent.RLock
	var ch gevent.Channel[int]
	sem := gevent.NewSemaphore(0)
	for _, s := range []struct {
		name string
		wait func() (at int)
	}{
		{"Event.Wait", func() int { e.Wait(); return line() }},
		{"Queue.Get", func() int { q.Get(); return line() }},
		{"Queue.Peek", func() int { q.Peek(); return line() }},
		{"Channel.Get", func() int { ch.Get(); return line() }},
		{"Channel.Put", func() int { ch.Put(1); return line() }},
		{"AsyncResult.Get", func() int { r.Get(); return line() }},
		{"Semaphore.Acquire", func() int { sem.Acquire(); return line() }},
		{"RLock.Acquire", func() int { lock.Acquire(); return line() }},
		{"Greenlet.Get", func() int { stuck(&e).Get(); return line() }},
		{"Greenlet.Join", func() int { stuck(&e).Join(); return line() }},
		{"JoinAll", func() int { gevent.JoinAll([]*gevent.Greenlet[bool]{stuck(&e)}); return line() }},
		{"Wait", func() int { gevent.Wait([]*gevent.Event{&e}); return line() }},
	} {
		t.Run("a wait by "+s.name+" is found in the report", func(t *testing.T) {
			witness.NoLeaks(t)
			if s.name == "RLock.Acquire" {
				holder := gevent.Go(func() { lock.Acquire(); e.Wait() })
				check(gevent.Sleep(0))
				defer holder.Kill()
			}
			at := 0
			gevent.Go(func() { at = s.wait() }).SetName("waiter")
			_, err := e.Wait()
			gevent.Destroy() // Then the function returns, and says where it was.
			want := fmt.Sprintf("report_test.go:%d", at)
			if err == nil || !strings.Contains(waiter(strip(err)), want) {
				t.Errorf("%q is not in %v", want, err)
			}
		})
	}
}

// stuck is a greenlet that waits for e.
func stuck(e *gevent.Event) *gevent.Greenlet[bool] {
	return gevent.Spawn(func() (bool, error) { return e.Wait() })
}

// strip returns the text of an error with file names in place of paths.
func strip(err error) string {
	words := strings.Split(err.Error(), " ")
	for i, w := range words {
		words[i] = w[strings.LastIndexAny(w, "/\\")+1:]
	}
	return strings.Join(words, " ")
}

// waiter returns the line of the report about the greenlet of that name.
func waiter(report string) string {
	for line := range strings.Lines(report) {
		if strings.Contains(line, "waiter waits") {
			before, _, _ := strings.Cut(line, ", spawned")
			return before
		}
	}
	return ""
}
