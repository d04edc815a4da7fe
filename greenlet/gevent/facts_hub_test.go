package gevent_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/greenlet"
	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestHub(t *testing.T) {
	t.Run("M1 M2 M3 what nothing can end is a LoopExit of the goroutine, with a report", func(t *testing.T) {
		witness.NoLeaks(t)
		var never gevent.Event
		stuck := gevent.Spawn(func() (bool, error) { return never.Wait() })
		stuck.SetName("stuck")
		err := stuck.Join()
		if !errors.Is(err, gevent.ErrLoopExit) || stuck.Dead() {
			t.Fatalf("the error is %v", err)
		}
		for _, want := range []string{"main waits for Greenlet(stuck, running)", "stuck waits for Event(set: false)", "facts_hub_test.go:", "spawned by main"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the report does not say %q:\n%v", want, err)
			}
		}
		check(gevent.Go(func() {}).Join()) // The hub is usable.
		check(stuck.Kill())
		var q gevent.Queue[int]
		if _, err := q.Peek(); !errors.Is(err, gevent.ErrLoopExit) {
			t.Errorf("without anything else the error is %v", err)
		}
	})

	t.Run("M4 a timer prevents it", func(t *testing.T) {
		witness.NoLeaks(t)
		var never gevent.Event
		stuck := gevent.Spawn(func() (bool, error) { return never.Wait() })
		if ended, err := gevent.JoinAll([]gevent.Joinable{stuck}, gevent.Within(ms(5))); len(ended) != 0 || err != nil {
			t.Error(ended, err)
		}
		check(stuck.Kill())
	})

	t.Run("M5 two that wait for each other's lock are found, and can be killed", func(t *testing.T) {
		witness.NoLeaks(t)
		a, b := gevent.NewSemaphore(1), gevent.NewSemaphore(1)
		both := func(x, y *gevent.Semaphore) *gevent.Greenlet[any] {
			return gevent.Spawn(func() (any, error) {
				return nil, x.With(func() error {
					if err := gevent.Sleep(0); err != nil {
						return err
					}
					return y.With(func() error { return nil })
				})
			})
		}
		gs := []*gevent.Greenlet[any]{both(a, b), both(b, a)}
		if _, err := gevent.JoinAll(gs); !errors.Is(err, gevent.ErrLoopExit) {
			t.Errorf("the error is %v", err)
		}
		check(gevent.KillAll(gs))
		if a.Locked() || b.Locked() {
			t.Error("a lock is held")
		}
	})

	t.Run("M10 a panic in a timer does not stop the hub", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		previous := gevent.SetErrorHandler(func(f gevent.Failure) { tr.Add("%s", f.Name) })
		defer func() { gevent.SetErrorHandler(previous) }()
		l := must(async.RunningLoop(gevent.Context()))
		l.SetExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) { tr.Add("%v", errors.Is(c.Err, errFault)) })
		l.CallLater(ms(1), func() { panic(errFault) })
		g := gevent.SpawnLater(ms(2), func() (any, error) { return nil, nil })
		g.RawLink(func(*gevent.Greenlet[any]) { panic(errFault) })
		late := gevent.SpawnLater(time.Hour, func() (any, error) { return nil, nil })
		check(gevent.Sleep(ms(5)))
		tr.Add("slept")
		tr.Expect(t, "true callback slept")
		check(late.Kill())
	})

	t.Run("M11 a callback cannot wait", func(t *testing.T) {
		witness.NoLeaks(t)
		var errs []error
		g := gevent.Go(func() {})
		g.RawLink(func(*gevent.Greenlet[gevent.Void]) {
			var e gevent.Event
			_, err := e.Wait()
			errs = append(errs, gevent.Sleep(0), err)
		})
		check(g.Join())
		for _, err := range errs {
			if err != gevent.ErrBlockingInHub {
				t.Errorf("the error is %v", err)
			}
		}
	})

	t.Run("M13 an outcome that comes before Get is kept", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		var good, bad gevent.AsyncResult[int]
		good.Set(1)
		bad.SetException(errFault)
		gevent.Go(func() { tr.Add("other") })
		v, err := good.Get()
		_, wrong := bad.Get()
		tr.Add("%d %v %v", v, err, wrong)
		must(gevent.WaitAll())
		tr.Expect(t, "1 <nil> fault other")
	})

	t.Run("M14 WaitAll ends with the hub, again and again, and only in its goroutine", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		for i := range 3 {
			gevent.Go(func() {
				_, err := gevent.WaitAll()
				tr.Add("%v", err == gevent.ErrBlockingInHub)
			})
			gevent.SpawnLater(ms(1), func() (any, error) { tr.Add("%d", i); return nil, nil })
			tr.Add("%v", must(gevent.WaitAll()))
		}
		tr.Expect(t, "true 0 true true 1 true true 2 true")
	})

	t.Run("L14 hubs of two goroutines work together", func(t *testing.T) {
		witness.NoLeaks(t)
		defer gevent.Ref()() // the other one may not have begun
		var there, back gevent.Queue[int]
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer gevent.Ref()() // who puts has no hub while it does not wait
			g := gevent.Spawn(func() (any, error) {
				for {
					v, err := there.Get()
					if err != nil || v < 0 {
						return nil, err
					}
					check(back.Put(v * v))
				}
			})
			check(g.Join())
		}()
		sum := 0
		for i := range 100 {
			check(there.Put(i))
			sum += must(back.Get())
		}
		check(there.Put(-1))
		<-done
		if sum != 328350 {
			t.Errorf("the sum is %d", sum)
		}
	})

	t.Run("Ref keeps the hub waiting for a plain goroutine", func(t *testing.T) {
		witness.NoLeaks(t)
		release := gevent.Ref()
		defer release()
		var r gevent.AsyncResult[int]
		var wg sync.WaitGroup
		wg.Go(func() { r.Set(5) })
		if v := must(r.Get()); v != 5 {
			t.Errorf("the result is %d", v)
		}
		wg.Wait()
	})

	t.Run("a task of package async spawns and joins, and can be awaited", func(t *testing.T) {
		witness.NoLeaks(t)
		check(async.Run(func(ctx context.Context) error {
			g := gevent.Spawn(func() (int, error) {
				err := gevent.Sleep(ms(1))
				v, wrong := async.CreateTask(gevent.Context(), async.After(0, 20)).Await(gevent.Context())
				return v + 1, errors.Join(err, wrong)
			})
			if v := must(g.Get()); v != 21 {
				t.Errorf("the value is %d", v)
			}
			return nil
		}))
	})

	t.Run("a raw greenlet in a greenlet of the hub waits for it", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		g := gevent.Spawn(func() (any, error) {
			return greenlet.New(func(...any) (any, error) {
				tr.Add("raw")
				err := gevent.Sleep(ms(1))
				tr.Add("raw")
				return "done", err
			}).Switch()
		})
		gevent.Go(func() { tr.Add("other") })
		if v := must(g.Get()); v != "done" {
			t.Errorf("the value is %v", v)
		}
		tr.Expect(t, "raw other raw")
		greenlet.VerifyNone(t)
	})
}
