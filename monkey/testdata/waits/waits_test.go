// Package waits_test is run by gomonkey test: it is about how a patched call and its task get on.
package waits_test

import (
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/greenlet"
	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/monkey"
)

func TestMain(m *testing.M) {
	if r, err := monkey.PatchAll(); err != nil || r.Outcome != monkey.Patched || !monkey.IsPatched("time.Sleep") {
		panic(r.String())
	}
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// pipe returns a connection and a function that sends a byte through it.
func pipe(t *testing.T) (c net.Conn, send func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer ln.Close()
	other, err := net.Dial("tcp", ln.Addr().String())
	check(err)
	c, err = ln.Accept()
	check(err)
	t.Cleanup(func() {
		c.Close()
		other.Close()
	})
	return c, func() {
		_, err := other.Write([]byte{1})
		check(err)
	}
}

func read(c net.Conn) error {
	_, err := c.Read(make([]byte, 1))
	return err
}

func TestSleep(t *testing.T) {
	t.Run("goes by the virtual clock, and in order", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			l, err := async.RunningLoop(ctx)
			check(err)
			var order []int
			for i := range 5 {
				async.Go(ctx, func(context.Context) error {
					time.Sleep(time.Duration(5-i) * time.Hour)
					order = append(order, i)
					return nil
				})
			}
			time.Sleep(6 * time.Hour)
			if !slices.Equal(order, []int{4, 3, 2, 1, 0}) || l.Time() != 6*time.Hour {
				t.Errorf("the order is %v at %v", order, l.Time())
			}
			return nil
		})
	})
	t.Run("of no time lets the others have their turn", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			ran := false
			async.Go(ctx, func(context.Context) error { ran = true; return nil })
			time.Sleep(0)
			if !ran {
				t.Error("the other one has not run")
			}
			return nil
		})
	})
	t.Run("ends early when the task is cancelled, and the next wait says so", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			var after error
			task := async.Go(ctx, func(ctx context.Context) error {
				time.Sleep(time.Hour)
				time.Sleep(time.Hour)
				after = async.Sleep(ctx, 0)
				return after
			})
			check(async.Sleep(ctx, time.Minute))
			task.Cancel()
			_, err := task.Await(ctx)
			l, _ := async.RunningLoop(ctx)
			if !errors.Is(after, async.ErrCancelled) || !errors.Is(err, async.ErrCancelled) || l.Time() != time.Minute {
				t.Errorf("it ends with %v and %v at %v", after, err, l.Time())
			}
			return nil
		})
	})
	t.Run("a task that never hears of its cancellation ends cancelled", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			task := async.Go(ctx, func(context.Context) error { time.Sleep(time.Hour); return nil })
			check(async.Sleep(ctx, 0))
			task.Cancel()
			if _, err := task.Await(ctx); !errors.Is(err, async.ErrCancelled) {
				t.Errorf("it ends with %v", err)
			}
			return nil
		})
	})
	t.Run("ends early when a greenlet is killed or its time is over, and the next wait says so", func(t *testing.T) {
		g := gevent.Spawn(func() (error, error) {
			time.Sleep(time.Hour)
			return gevent.Sleep(time.Hour), nil
		})
		check(gevent.Sleep(0))
		check(g.Kill())
		if err, _ := g.Get(); err != gevent.ErrGreenletExit {
			t.Errorf("it is killed with %v", err)
		}
		limit := gevent.NewTimeout(time.Millisecond)
		err := limit.Do(func() error {
			time.Sleep(time.Hour)
			return gevent.Sleep(time.Hour)
		})
		if !errors.Is(err, limit) {
			t.Errorf("the time is over with %v", err)
		}
	})
	t.Run("of the main goroutine runs its greenlets", func(t *testing.T) {
		ran := false
		gevent.Go(func() { ran = true })
		time.Sleep(time.Millisecond)
		if !ran {
			t.Error("the greenlet has not run")
		}
	})
	t.Run("of the main goroutine leaves its hub to who counts waits", func(t *testing.T) {
		check(gevent.AssertSwitches(0, func() error {
			time.Sleep(time.Millisecond)
			return gevent.Sleep(0)
		}))
	})
	t.Run("blocks the loop in Original", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			ran := false
			async.Go(ctx, func(context.Context) error { ran = true; return nil })
			monkey.Original(func() { time.Sleep(time.Millisecond) })
			if ran {
				t.Error("the other one has run")
			}
			return nil
		})
	})
	t.Run("blocks the loop after Unpatch, until it is patched again", func(t *testing.T) {
		monkey.Unpatch("time")
		defer monkey.Patch("time")
		asynctest.Run(t, func(ctx context.Context) error {
			ran := false
			async.Go(ctx, func(context.Context) error { ran = true; return nil })
			time.Sleep(time.Millisecond)
			if ran || monkey.IsPatched("time.Sleep") {
				t.Error("the other one has run")
			}
			_, err := monkey.Patch("time.Sleep")
			time.Sleep(time.Millisecond)
			if !ran {
				t.Error("the other one has not run")
			}
			return err
		})
	})
}

func TestRead(t *testing.T) {
	t.Run("that finds its data costs no turn", func(t *testing.T) {
		c, send := pipe(t)
		send()
		check(read(c))
		send()
		time.Sleep(10 * time.Millisecond) // until it has arrived for sure; what follows is not about time
		check(async.Run(func(ctx context.Context) error {
			ran := false
			async.Go(ctx, func(context.Context) error { ran = true; return nil })
			check(read(c))
			if ran {
				t.Error("another task has run")
			}
			return nil
		}))
	})
	t.Run("holds a virtual clock", func(t *testing.T) {
		c, send := pipe(t)
		asynctest.Run(t, func(ctx context.Context) error {
			l, err := async.RunningLoop(ctx)
			check(err)
			sleeper := async.Go(ctx, func(context.Context) error { time.Sleep(time.Hour); return nil })
			go func() {
				time.Sleep(5 * time.Millisecond)
				send()
			}()
			check(read(c))
			if l.Time() != 0 {
				t.Errorf("it is %v", l.Time())
			}
			_, err = sleeper.Await(ctx)
			return err
		})
	})
	t.Run("of a task that is cancelled goes on, and Run waits for it", func(t *testing.T) {
		c, send := pipe(t)
		done := false
		check(async.Run(func(ctx context.Context) error {
			task := async.Go(ctx, func(ctx context.Context) error {
				defer func() { done = true }()
				check(read(c))
				return async.Sleep(ctx, 0)
			})
			check(async.Sleep(ctx, 0))
			task.Cancel()
			go func() {
				time.Sleep(time.Millisecond)
				send()
			}()
			return nil
		}))
		if !done {
			t.Error("Run has not waited")
		}
	})
	t.Run("that is ended by a deadline has the error of package os", func(t *testing.T) {
		c, _ := pipe(t)
		check(async.Run(func(context.Context) error {
			c.SetReadDeadline(time.Now().Add(time.Millisecond))
			if err := read(c); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("it returns %v", err)
			}
			return nil
		}))
	})
	t.Run("of a greenlet, of the main goroutine of a hub and of a raw greenlet in a task", func(t *testing.T) {
		c, send := pipe(t)
		g := gevent.Spawn(func() (bool, error) { return true, read(c) })
		sends := gevent.Go(send)
		if ok, err := g.Get(); !ok || err != nil {
			t.Errorf("the greenlet returns %v", err)
		}
		sends = gevent.Go(send)
		check(read(c))
		_, err := sends.Get()
		check(err)
		check(async.Run(func(ctx context.Context) error {
			async.Go(ctx, func(context.Context) error { send(); return nil })
			_, err := greenlet.New(func(...any) (any, error) { return nil, read(c) }).Switch()
			return err
		}))
	})
	t.Run("in a function of Block and of ToThread is the original", func(t *testing.T) {
		c, send := pipe(t)
		check(async.Run(func(ctx context.Context) error {
			for _, run := range []func(context.Context, func(context.Context) (int, error)) (int, error){async.Block[int], async.ToThread[int]} {
				send()
				if _, err := run(ctx, func(context.Context) (int, error) { return 0, read(c) }); err != nil {
					return err
				}
			}
			return nil
		}))
	})
	t.Run("keeps to BlockLimit", func(t *testing.T) {
		check(async.Run(func(ctx context.Context) error {
			var order []int
			var tasks []*async.Task[async.Void]
			for i := range 3 {
				c, send := pipe(t)
				tasks = append(tasks, async.Go(ctx, func(context.Context) error {
					defer func() { order = append(order, i) }()
					return read(c)
				}))
				defer send()
				async.Go(ctx, func(context.Context) error { send(); return nil })
			}
			_, err := async.GatherOf(ctx, tasks)
			if !slices.Equal(order, []int{0, 1, 2}) {
				t.Errorf("the order is %v", order)
			}
			return err
		}, async.BlockLimit(1)))
	})
	t.Run("and Sleep end when another task is left by Goexit", func(t *testing.T) {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			async.Run(func(ctx context.Context) error {
				async.Go(ctx, func(context.Context) error { runtime.Goexit(); return nil })
				time.Sleep(time.Hour)
				return nil
			})
			t.Error("Run has returned")
		}()
		<-ended
	})
}
