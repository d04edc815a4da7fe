package asynctest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/future"
)

// await is a main that waits for f.
func await(f *future.Future[int]) program {
	return func(ctx context.Context) error { _, err := f.Await(ctx); return err }
}

// atOnce has a verdict that would have to wait for somebody never come.
var atOnce = asynctest.Patience(time.Hour)

func TestNoFalseDeadlock(t *testing.T) {
	// The longest of these is longer than a moment.
	long := 700 * time.Millisecond
	requests := make(chan *future.Future[int])
	defer close(requests)
	go func() {
		for f := range requests {
			time.Sleep(long)
			f.SetResult(1)
		}
	}()
	t.Run("a goroutine of the parent test may wake a task", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			f := future.New[int]()
			requests <- f
			return await(f)(ctx)
		})
	})
	t.Run("of a grandparent's", func(t *testing.T) {
		t.Run("", func(t *testing.T) {
			f := future.New[int]()
			requests <- f
			asynctest.Run(t, await(f))
		})
	})
	t.Run("a test that runs in parallel may wake a task", func(t *testing.T) {
		f := future.New[int]()
		go t.Run("", func(t *testing.T) {
			time.Sleep(long)
			f.SetResult(1)
		})
		asynctest.Run(t, await(f))
	})
	t.Run("another loop may, that the program has started", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			f := future.New[int]()
			go async.Run(func(ctx context.Context) error {
				defer f.SetResult(1)
				return async.Sleep(ctx, long)
			})
			return await(f)(ctx)
		})
	})
	t.Run("and one that is woken by a goroutine itself", func(t *testing.T) {
		f, g := future.New[int](), future.New[int]()
		var over sync.WaitGroup
		defer over.Wait()
		over.Go(func() {
			async.Run(func(ctx context.Context) error {
				defer f.SetResult(1)
				return await(g)(ctx)
			})
		})
		go func() {
			time.Sleep(long)
			g.SetResult(1)
		}()
		asynctest.Run(t, await(f))
	})
	t.Run("a function of context.AfterFunc may", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			f := future.New[int]()
			ctx2, cancel := context.WithCancel(context.Background())
			context.AfterFunc(ctx2, func() {
				time.Sleep(long)
				f.SetResult(1)
			})
			cancel()
			return await(f)(ctx)
		})
	})
	t.Run("a timer of the clock on the wall may, if it is due soon", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			f := future.New[int]()
			time.AfterFunc(20*time.Millisecond, func() { f.SetResult(1) })
			return await(f)(ctx)
		})
	})
	t.Run("a goroutine that waits for a timer may", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			f := future.New[int]()
			go func() {
				<-time.After(long)
				f.SetResult(1)
			}()
			return await(f)(ctx)
		})
	})
	t.Run("one with other profiler labels may", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			f := future.New[int]()
			pprof.Do(context.Background(), pprof.Labels("a", "b"), func(context.Context) {
				go func() {
					time.Sleep(long)
					f.SetResult(1)
				}()
			})
			return await(f)(ctx)
		})
	})
	t.Run("one that waits for a peer may", func(t *testing.T) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		asynctest.Run(t, func(ctx context.Context) error {
			f := future.New[int]()
			go func() {
				c, err := ln.Accept()
				if err != nil {
					f.SetError(err)
					return
				}
				io.ReadAll(c)
				c.Close()
				ln.Close()
				f.SetResult(1)
			}()
			go func() {
				c, err := net.Dial("tcp", ln.Addr().String())
				if err != nil {
					ln.Close()
					return
				}
				time.Sleep(long)
				c.Close()
			}()
			return await(f)(ctx)
		})
	})
}

func TestVerdictAtOnce(t *testing.T) {
	stuck := func(t *testing.T, main program, opts ...asynctest.Option) string {
		t.Helper()
		said := mustFail(t, func(t testing.TB) { asynctest.Run(t, main, append(opts, atOnce)...) })
		has(t, said, "deadlock: no task can go on")
		return said
	}
	t.Run("a Run inside has its verdict first, and may wake a task by its end", func(t *testing.T) {
		inner := &mute{TB: t}
		asynctest.Run(t, func(ctx context.Context) error {
			f := future.New[int]()
			go func() {
				asynctest.Run(inner, await(future.New[int]()), atOnce)
				f.SetResult(1)
			}()
			return await(f)(ctx)
		}, atOnce)
		has(t, inner.said, "deadlock")
	})
	t.Run("a context that the standard library has derived does not hold it up", func(t *testing.T) {
		stuck(t, func(ctx context.Context) error {
			type key struct{}
			ctx, cancel := context.WithCancel(context.WithValue(ctx, key{}, 1))
			defer cancel()
			return await(future.New[int]())(ctx)
		})
	})
	t.Run("a pool with nothing to do does not", func(t *testing.T) {
		stuck(t, func(ctx context.Context) error {
			if _, err := async.ToThread(ctx, func(context.Context) (int, error) { return 1, nil }); err != nil {
				return err
			}
			return await(future.New[int]())(ctx)
		})
	})
	t.Run("a test that waits for its turn does not", func(t *testing.T) {
		t.Run("", func(t *testing.T) { t.Parallel() })
		stuck(t, await(future.New[int]()))
	})
	t.Run("another loop that waits for the first one does not", func(t *testing.T) {
		var over sync.WaitGroup
		defer over.Wait()
		g := future.New[int]()
		defer g.SetResult(1)
		stuck(t, func(ctx context.Context) error {
			over.Go(func() { async.Run(await(g)) })
			return await(future.New[int]())(ctx)
		}, asynctest.IgnoreLeaks())
	})
	t.Run("nor one that did so before", func(t *testing.T) {
		var over sync.WaitGroup
		defer over.Wait()
		g := future.New[int]()
		defer g.SetResult(1)
		waits := make(chan struct{})
		over.Go(func() {
			async.Run(func(ctx context.Context) error { close(waits); return await(g)(ctx) })
		})
		<-waits
		stuck(t, await(future.New[int]()))
	})
	t.Run("two tests in parallel that are both stuck do not wait for each other", func(t *testing.T) {
		for range 2 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				stuck(t, await(future.New[int]()))
			})
		}
	})
}

func TestWhoHoldsWhat(t *testing.T) {
	t.Run("semaphores are held as locks are, and make a ring", func(t *testing.T) {
		main := func(ctx context.Context) error {
			var l async.Lock
			s := async.NewBoundedSemaphore(1)
			return together(ctx,
				func(ctx context.Context) error {
					return l.With(ctx, func(ctx context.Context) error {
						return errors.Join(pause(ctx), s.With(ctx, pause))
					})
				}, func(ctx context.Context) error {
					return s.With(ctx, func(ctx context.Context) error {
						return errors.Join(pause(ctx), l.With(ctx, pause))
					})
				})
		}
		lines := []string{"a waits for BoundedSemaphore(locked, waiters: 1) at verdict_test.go:", "held by b, created at ",
			"b waits for Lock(locked, waiters: 1) at verdict_test.go:", "held by a, created at ", "cycle: a → b → a"}
		has(t, mustFail(t, func(t testing.TB) { asynctest.Run(t, main, atOnce) }), lines...)
		has(t, mustFail(t, func(t testing.TB) { asynctest.Explore(t, main) }), lines...)
	})
}

func TestPatience(t *testing.T) {
	t.Run("it begins again when a Run inside has its verdict", func(t *testing.T) {
		inner := &mute{TB: t}
		end := make(chan struct{})
		defer close(end)
		short := asynctest.Patience(250 * time.Millisecond)
		asynctest.Run(t, func(ctx context.Context) error {
			f := future.New[int]()
			go func() {
				asynctest.Run(inner, func(ctx context.Context) error {
					go func() { <-end }()
					return await(future.New[int]())(ctx)
				}, asynctest.Patience(700*time.Millisecond), asynctest.IgnoreLeaks())
				f.SetResult(1)
			}()
			return await(f)(ctx)
		}, short, asynctest.IgnoreLeaks())
		has(t, inner.said, "nothing has happened for 700ms")
	})
	t.Run("it is over at some time, and the goroutines are named that are there", func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				go func() { <-end }()
				return await(future.New[int]())(ctx)
			}, asynctest.Patience(50*time.Millisecond), asynctest.IgnoreLeaks())
		})
		has(t, said, "nothing has happened for 50ms", "main waits for Future", "What could still wake one is only one of these goroutines:",
			"verdict_test.go")
	})
	t.Run("Explore gives a goroutine that is none of the program's the time once", func(t *testing.T) {
		end := make(chan struct{})
		defer close(end)
		go func() { <-end }()
		r := asynctest.Explore(&mute{TB: t}, func(ctx context.Context) error {
			err := together(ctx, pause, pause)
			return errors.Join(err, await(future.New[int]())(ctx))
		}, asynctest.Strategy(asynctest.Exhaustive(0)), asynctest.CountAll(), atOnce)
		if r.Failed != r.Schedules || !strings.Contains(r.Failure, "deadlock") {
			t.Errorf("the result is %+v", r)
		}
	})
}

func TestLeakWithLabels(t *testing.T) {
	for name, ctxOf := range map[string]func(ctx context.Context) context.Context{
		"of its own":           func(context.Context) context.Context { return context.Background() },
		"on top of the task's": func(ctx context.Context) context.Context { return ctx },
	} {
		t.Run("a goroutine with profiler labels "+name+" that is left is found", func(t *testing.T) {
			end := make(chan struct{})
			said := mustFail(t, func(t testing.TB) {
				asynctest.Run(t, func(ctx context.Context) error {
					pprof.Do(ctxOf(ctx), pprof.Labels("a", "b"), func(context.Context) { go func() { <-end }() })
					return nil
				})
			})
			close(end)
			has(t, said, "a goroutine is left", "verdict_test.go")
		})
	}
	t.Run("the caller keeps its labels", func(t *testing.T) {
		pprof.Do(context.Background(), pprof.Labels("mine", "yes"), func(context.Context) {
			asynctest.Run(t, pause)
			var b strings.Builder
			pprof.Lookup("goroutine").WriteTo(&b, 1)
			has(t, b.String(), `"mine":"yes"`)
		})
	})
	t.Run("another loop that is left is found", func(t *testing.T) {
		f := future.New[int]()
		var over sync.WaitGroup
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(context.Context) error {
				over.Go(func() { async.Run(await(f)) })
				return nil
			})
		})
		f.SetResult(1)
		over.Wait()
		has(t, said, "a goroutine is left")
	})
}
