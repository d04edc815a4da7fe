package gevent_test

import (
	"context"
	"errors"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestThrow(t *testing.T) {
	t.Run("errors that come while the greenlet runs arrive one by one, in order", func(t *testing.T) {
		witness.NoLeaks(t)
		second, third := errors.New("second"), errors.New("third")
		var got []error
		var g *gevent.Greenlet[int]
		g = gevent.Spawn(func() (int, error) {
			done := make(chan struct{})
			go func() { // which has no hub, so the errors come from outside
				defer close(done)
				g.KillNowait(errFault)
				g.KillNowait(second)
				g.KillNowait(third)
			}()
			<-done
			for range 4 {
				got = append(got, gevent.Sleep(0))
			}
			return 0, nil
		})
		check(g.Join())
		if len(got) != 4 || got[0] != errFault || got[1] != second || got[2] != third || got[3] != nil {
			t.Errorf("the waits return %v", got)
		}
	})

	t.Run("who kills himself and does not wait for that gets the error from his next wait", func(t *testing.T) {
		witness.NoLeaks(t)
		for name, kill := range map[string]func(g *gevent.Greenlet[int]){
			"KillNowait": func(g *gevent.Greenlet[int]) { g.KillNowait() },
			"Kill":       func(g *gevent.Greenlet[int]) { gevent.Kill(g) },
			"KillAll":    func(g *gevent.Greenlet[int]) { check(gevent.KillAll([]gevent.Joinable{g}, gevent.NoWait())) },
		} {
			var tr trace
			var g *gevent.Greenlet[int]
			g = gevent.Spawn(func() (int, error) {
				kill(g)
				tr.Add("still")
				if err := gevent.Sleep(0); err != nil {
					tr.Add("out")
					return 0, err
				}
				tr.Add("never")
				return 0, nil
			})
			check(g.Join())
			tr.Expect(t, "still out")
			if !g.Killed() {
				t.Errorf("%s: it is not killed: %v", name, g)
			}
		}
	})

	t.Run("a timeout that outlives its greenlet leaves the context of that alone", func(t *testing.T) {
		witness.NoLeaks(t)
		var ctx context.Context
		g := gevent.Go(func() {
			ctx = gevent.Context()
			gevent.StartTimeout(ms(1))
		})
		check(g.Join())
		check(gevent.Sleep(ms(5)))
		if cause := context.Cause(ctx); cause != context.Canceled {
			t.Errorf("the cause is %v", cause)
		}
	})
}

func TestInLoop(t *testing.T) {
	run := func(t *testing.T, main func(ctx context.Context) error) {
		t.Helper()
		if err := async.Run(main); err != nil {
			t.Error(err)
		}
	}

	t.Run("a greenlet that is left over at the end of Run is cancelled, and awaited", func(t *testing.T) {
		witness.NoLeaks(t)
		var tr trace
		var g *gevent.Greenlet[int]
		run(t, func(ctx context.Context) error {
			g = gevent.Spawn(func() (int, error) {
				defer tr.Add("out")
				if err := gevent.Sleep(ms(60_000)); !future.IsCancelled(err) {
					t.Errorf("the error is %v", err)
				}
				return 7, nil
			})
			return async.Sleep(ctx, 0)
		})
		tr.Expect(t, "out")
		if !g.Ready() || g.Value() != 7 {
			t.Error(g)
		}
	})

	t.Run("one that was cancelled before its first step never runs, and has ended", func(t *testing.T) {
		witness.NoLeaks(t)
		run(t, func(ctx context.Context) error {
			g := gevent.Go(func() { t.Error("it has run") })
			g.SetName("spawned")
			for _, task := range async.AllTasks(ctx) {
				if task.Name() == "spawned" {
					if task.ID() == 0 || task.IsDone() || task.Err() != nil || !task.Cancel() {
						t.Error(task)
					}
				}
			}
			if err := g.Join(); err != nil {
				t.Error(err)
			}
			if !future.IsCancelled(g.Exception()) {
				t.Errorf("its error is %v", g.Exception())
			}
			return nil
		})
	})

	t.Run("the context of a greenlet ends with it", func(t *testing.T) {
		witness.NoLeaks(t)
		var ctx context.Context
		run(t, func(context.Context) error {
			g := gevent.Go(func() {
				ctx = gevent.Context()
				ctx.Done()
			})
			return g.Join()
		})
		select {
		case <-ctx.Done():
		default:
			t.Error("it has not ended")
		}
		if ctx.Err() != context.Canceled {
			t.Errorf("its error is %v", ctx.Err())
		}
	})
}
