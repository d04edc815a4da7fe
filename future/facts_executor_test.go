package future_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncgo/asyncgo/future"
)

// These are the facts about concurrent.futures with the numbers of docs/executors.md. Those about wait and
// as_completed are in package gather, those about processes in process_test.go.

// withPool gives fn a pool and shuts it down.
func withPool(t *testing.T, workers int, fn func(p *future.Pool), opts ...future.PoolOption) {
	t.Helper()
	p := future.NewPool(workers, opts...)
	defer func() {
		t.Helper()
		if err := p.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	}()
	fn(p)
}

// A gate holds a job up. The job calls pass; the test sees it come by arrived, and opens.
type gate struct{ arrived, open chan struct{} }

func newGate() gate { return gate{make(chan struct{}), make(chan struct{})} }

func (g gate) pass() (int, error) {
	close(g.arrived)
	<-g.open
	return 1, nil
}

// submitGate submits a job that waits at a gate, and returns when it has begun to.
func submitGate(ex future.Executor) (gate, *future.Future[int]) {
	g := newGate()
	f := future.Submit(ex, g.pass)
	<-g.arrived
	return g, f
}

func await[T any](t *testing.T, f *future.Future[T]) T {
	t.Helper()
	v, err := f.Await(context.Background())
	if err != nil {
		t.Fatalf("the future has the error %v", err)
	}
	return v
}

// captureLog calls fn and returns what slog was given meanwhile.
func captureLog(fn func()) string {
	var log bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(old)
	fn()
	return log.String()
}

func TestFactsSubmit(t *testing.T) {
	t.Run("CF1 submit returns at once, and the future has the result of the function", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			g, f := submitGate(p)
			expectEqual(t, "IsDone while the function runs", f.IsDone(), false)
			close(g.open)
			expectEqual(t, "the result", await(t, f), 1)
		})
	})

	t.Run("CF2 an error of the function is the future's very error", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			_, err := future.Submit(p, func() (int, error) { return 0, errBoom }).Await(context.Background())
			expectEqual(t, "the error", err, errBoom)
		})
	})

	t.Run("CF3 a panic is a PanicError with its stack, and the worker goes on", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			_, err := future.Submit(p, func() (int, error) { panic(errBoom) }).Await(context.Background())
			var caught *future.PanicError
			if !errors.As(err, &caught) {
				t.Fatalf("the error is %v", err)
			}
			expectEqual(t, "the value", caught.Value, any(errBoom))
			if !strings.Contains(string(caught.Stack), "facts_executor_test.go") {
				t.Errorf("the stack does not lead here:\n%s", caught.Stack)
			}
			expectEqual(t, "the next job", await(t, future.Submit(p, func() (int, error) { return 2, nil })), 2)
		})
	})

	t.Run("CF4 jobs begin in the order of submission, and one worker runs them one after the other", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			var order []int
			var last *future.Future[int]
			for i := range 100 {
				last = future.Submit(p, func() (int, error) { order = append(order, i); return i, nil })
			}
			await(t, last)
			if !slices.IsSorted(order) || len(order) != 100 {
				t.Errorf("the order is %v", order)
			}
		})
	})

	t.Run("CF5 no more jobs run at once than there are workers, and so many do", func(t *testing.T) {
		withPool(t, 3, func(p *future.Pool) {
			var open []gate
			for range 3 {
				g, _ := submitGate(p)
				open = append(open, g)
			}
			fourth := newGate()
			f := future.Submit(p, fourth.pass)
			expectEqual(t, "Stats", p.Stats(), future.PoolStats{Workers: 3, Running: 3, Queued: 1})
			close(open[1].open)
			<-fourth.arrived
			close(fourth.open)
			await(t, f)
			close(open[0].open)
			close(open[2].open)
		})
	})

	t.Run("CF6 the default size is min(32, processors + 4)", func(t *testing.T) {
		want := min(32, runtime.GOMAXPROCS(0)+4)
		var zero future.Pool
		for _, p := range []*future.Pool{future.NewPool(0), &zero} {
			await(t, future.Submit(p, func() (int, error) { return 1, nil }))
			expectEqual(t, "Workers", p.Stats().Workers, want)
			expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
		}
	})

	t.Run("CF7 a negative size is refused", func(t *testing.T) {
		expectPanic(t, "future: a pool of -1 workers", func() { future.NewPool(-1) })
	})

	t.Run("CF8 no goroutine is started before there is work", func(t *testing.T) {
		before := runtime.NumGoroutine()
		p := future.NewPool(4)
		expectEqual(t, "the number of goroutines", runtime.NumGoroutine(), before)
		expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
	})

	t.Run("CF9 an idle worker is used before another one is started", func(t *testing.T) {
		withPool(t, 4, func(p *future.Pool) {
			names := map[string]bool{}
			for range 100 {
				names[await(t, future.Submit(p, func() (string, error) { return p.Worker(), nil }))] = true
				for p.Stats().Running > 0 {
					runtime.Gosched() // the worker is not idle yet
				}
				for range 100 {
					runtime.Gosched() // it stops to look for work, now and then
				}
			}
			if len(names) > 1 {
				t.Errorf("jobs that never overlap ran on %v", names)
			}
		})
	})

	t.Run("CF10 idle workers are released, here after a while", func(t *testing.T) {
		withPool(t, 4, func(p *future.Pool) {
			await(t, future.Submit(p, func() (int, error) { return 1, nil }))
			// The clock of ants is the wall's. There is nothing else to look at.
			for p.Stats().Idle > 0 {
				time.Sleep(time.Millisecond)
			}
			expectEqual(t, "a job afterwards", await(t, future.Submit(p, func() (int, error) { return 2, nil })), 2)
		}, future.KeepIdle(time.Millisecond))
	})

	t.Run("CF11 workers are named after the pool", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			expectEqual(t, "the name outside", p.Worker(), "")
			name := func() (string, error) { return p.Worker(), nil }
			expectEqual(t, "the name", await(t, future.Submit(p, name)), "crawler-0")
			expectEqual(t, "the name in a view", await(t, future.Submit(p.Limit("one", 1), name)), "crawler-0")
			if got := p.String(); !strings.HasPrefix(got, `Pool("crawler", 1 workers, `) {
				t.Errorf("String is %s", got)
			}
		}, future.PoolName("crawler"))
	})

	t.Run("CF12 what nobody has a future of is logged when it panics", func(t *testing.T) {
		log := captureLog(func() {
			withPool(t, 1, func(p *future.Pool) {
				expectError(t, "Execute", p.Execute(func() { panic("lost job") }), nil)
			}, future.PoolName("db"))
		})
		if !strings.Contains(log, "lost job") || !strings.Contains(log, "worker=db-0") {
			t.Errorf("the log is %q", log)
		}
	})
}

func TestFactsCancelJob(t *testing.T) {
	t.Run("CF13 a queued job can be cancelled and never runs", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			g, _ := submitGate(p)
			ran := false
			f := future.Submit(p, func() (int, error) { ran = true; return 0, nil })
			expectEqual(t, "Cancel", f.Cancel("too late"), true)
			expectEqual(t, "Cancelled", f.Cancelled(), true)
			expectEqual(t, "the text", f.Err().Error(), "cancelled: too late")
			close(g.open)
			await(t, future.Submit(p, func() (int, error) { return 0, nil }))
			expectEqual(t, "whether it ran", ran, false)
		})
	})

	t.Run("CF14 a running job cannot be cancelled", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			g, f := submitGate(p)
			expectEqual(t, "Cancel", f.Cancel(), false)
			expectEqual(t, "IsDone", f.IsDone(), false)
			close(g.open)
			expectEqual(t, "the result", await(t, f), 1)
		})
	})

	t.Run("CF15 a job that has ended cannot be cancelled, nor one that was", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			f := future.Submit(p, func() (int, error) { return 1, nil })
			await(t, f)
			expectEqual(t, "Cancel of a done one", f.Cancel(), false)
			g, _ := submitGate(p)
			f = future.Submit(p, func() (int, error) { return 1, nil })
			expectEqual(t, "Cancel", f.Cancel(), true)
			// Python says True again.
			expectEqual(t, "Cancel of a cancelled one", f.Cancel(), false)
			close(g.open)
		})
	})

	t.Run("CF16 the future of a job is completed by the job alone", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			g, f := submitGate(p)
			expectError(t, "SetResult", f.SetResult(7), future.ErrInvalidState)
			expectError(t, "SetError", f.SetError(errBoom), future.ErrInvalidState)
			close(g.open)
			expectEqual(t, "the result", await(t, f), 1)
		})
	})

	t.Run("CF17 a wait that times out leaves the job alone", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			g, f := submitGate(p)
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			_, err := f.Await(ctx)
			expectError(t, "the wait", err, future.ErrTimeout)
			close(g.open)
			expectEqual(t, "the result", await(t, f), 1)
		})
	})

	t.Run("CF18 a job that calls runtime.Goexit is cancelled, and the pool does not lose the worker", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			f := future.Submit(p, func() (int, error) { runtime.Goexit(); return 0, nil })
			next := future.Submit(p, func() (int, error) { return 2, nil })
			_, err := f.Await(context.Background())
			expectError(t, "the job", err, future.ErrCancelled)
			expectEqual(t, "the next", await(t, next), 2)
			check(t, p.Shutdown(context.Background()))
			expectEqual(t, "Stats", p.Stats(), future.PoolStats{Workers: 1, Done: 2})
		})
	})
}

func TestFactsJobCallbacks(t *testing.T) {
	t.Run("CF19 callbacks run once each, in order, on the worker that completes the future", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			g, f := submitGate(p)
			var calls []string
			for _, name := range []string{"a", "b", "c"} {
				f.AddDoneCallback(func(f *future.Future[int]) {
					v, err := f.Result()
					calls = append(calls, fmt.Sprint(name, v, err, p.Worker()))
				})
			}
			close(g.open)
			// The one worker takes the next job when all callbacks have returned.
			await(t, future.Submit(p, func() (int, error) { return 0, nil }))
			expectOrder(t, calls, "a1 <nil>pool-0", "b1 <nil>pool-0", "c1 <nil>pool-0")
		})
	})

	t.Run("CF20 a callback that is added to a done future runs at once, where it is added", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			f := future.Submit(p, func() (int, error) { return 1, nil })
			await(t, f)
			on := "nowhere"
			f.AddDoneCallback(func(*future.Future[int]) { on = p.Worker() })
			expectEqual(t, "the worker of the callback", on, "")
		})
	})

	t.Run("CF21 the callbacks of a cancelled job run where it is cancelled", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			g, _ := submitGate(p)
			f := future.Submit(p, func() (int, error) { return 1, nil })
			var got error
			f.AddDoneCallback(func(f *future.Future[int]) { got = f.Err() })
			f.Cancel()
			expectError(t, "the callback's view of it", got, future.ErrCancelled)
			close(g.open)
		})
	})

	t.Run("CF22 a panic in a callback is logged and stops neither the others nor the worker", func(t *testing.T) {
		var others []string
		log := captureLog(func() {
			withPool(t, 1, func(p *future.Pool) {
				g, f := submitGate(p)
				f.AddDoneCallback(func(*future.Future[int]) { others = append(others, "before") })
				f.AddDoneCallback(func(*future.Future[int]) { panic("bad callback") })
				f.AddDoneCallback(func(*future.Future[int]) { others = append(others, "after") })
				close(g.open)
				expectEqual(t, "the next job", await(t, future.Submit(p, func() (int, error) { return 2, nil })), 2)
			})
		})
		expectOrder(t, others, "before", "after")
		if strings.Count(log, "bad callback") == 0 {
			t.Errorf("the log is %q", log)
		}
	})
}

func TestFactsMap(t *testing.T) {
	ctx := context.Background()
	double := func(i int) (int, error) { return 2 * i, nil }

	t.Run("CF23 map yields the results in the order of the items, whoever ends first", func(t *testing.T) {
		withPool(t, 2, func(p *future.Pool) {
			second := make(chan struct{})
			var got []int
			for v, err := range future.Map(ctx, p, slices.Values([]int{1, 2, 3}), func(i int) (int, error) {
				switch i {
				case 1:
					<-second
				case 2:
					close(second)
				}
				return 2 * i, nil
			}) {
				expectError(t, "an item", err, nil)
				got = append(got, v)
			}
			if !slices.Equal(got, []int{2, 4, 6}) {
				t.Errorf("the results are %v", got)
			}
		})
	})

	t.Run("CF24 the error of an item is yielded in its place", func(t *testing.T) {
		withPool(t, 2, func(p *future.Pool) {
			var got []string
			for v, err := range future.Map(ctx, p, slices.Values([]int{1, 0, 2}), func(i int) (int, error) {
				return 10 / i, nil
			}) {
				var caught *future.PanicError
				got = append(got, fmt.Sprint(v, errors.As(err, &caught)))
			}
			expectOrder(t, got, "10 false", "0 true", "5 false")
		})
	})

	t.Run("CF25 items are taken lazily, two ahead for each worker, so that they may be endless", func(t *testing.T) {
		withPool(t, 3, func(p *future.Pool) {
			taken := 0
			endless := func(yield func(int) bool) {
				for i := 0; yield(i); i++ {
					taken++
				}
			}
			results := future.Map(ctx, p, iter.Seq[int](endless), double)
			expectEqual(t, "how many were taken before the range", taken, 0)
			n := 0
			for v, err := range results {
				expectError(t, "an item", err, nil)
				expectEqual(t, "a result", v, 2*n)
				if n++; n == 100 {
					break
				}
			}
			expectEqual(t, "how many were taken", taken, 99+2*3)
		})
	})

	t.Run("CF26 leaving the loop cancels what has not started", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			var ran atomic.Int32
			blocked := newGate()
			for v := range future.Map(ctx, p, slices.Values([]int{0, 1, 2, 3, 4}), func(i int) (int, error) {
				ran.Add(1)
				if i == 1 {
					return blocked.pass()
				}
				return i, nil
			}) {
				expectEqual(t, "the first", v, 0)
				<-blocked.arrived
				break
			}
			close(blocked.open)
			expectError(t, "Shutdown", p.Shutdown(ctx), nil)
			expectEqual(t, "how many ran", ran.Load(), 2)
		})
	})

	t.Run("CF27 the end of ctx ends the iteration with its error and cancels the rest", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			ctx, cancel := context.WithCancel(ctx)
			g := newGate()
			var ran atomic.Int32
			var got []error
			go func() {
				<-g.arrived
				cancel()
			}()
			for _, err := range future.Map(ctx, p, slices.Values([]int{0, 1, 2}), func(i int) (int, error) {
				ran.Add(1)
				return g.pass()
			}) {
				got = append(got, err)
			}
			close(g.open)
			if len(got) != 1 || !errors.Is(got[0], future.ErrCancelled) {
				t.Errorf("the errors are %v", got)
			}
			expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
			expectEqual(t, "how many ran", ran.Load(), 1)
		})
	})

	t.Run("the end of ctx cancels the job too whose result is waited for", func(t *testing.T) {
		p := future.NewPool(1)
		g, _ := submitGate(p)
		var ran atomic.Int32
		over, cancel := context.WithCancel(context.Background())
		cancel()
		for _, err := range future.Map(over, p, slices.Values([]int{1, 2, 3}), func(int) (int, error) { return int(ran.Add(1)), nil }) {
			expectError(t, "the only error", err, context.Canceled)
		}
		close(g.open)
		expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
		expectEqual(t, "how many have run", ran.Load(), 0)
	})

	t.Run("CF28 map on an executor that takes no more work ends with ErrShutdown", func(t *testing.T) {
		p := future.NewPool(1)
		expectError(t, "Shutdown", p.Shutdown(ctx), nil)
		n := 0
		for _, err := range future.Map(ctx, p, slices.Values(make([]int, 100)), double) {
			expectError(t, "the item", err, future.ErrShutdown)
			n++
		}
		expectEqual(t, "how many were yielded", n, 1)
	})

	t.Run("CF29 map of nothing yields nothing", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			for range future.Map(ctx, p, slices.Values([]int(nil)), double) {
				t.Error("something was yielded")
			}
		})
	})

	t.Run("Map works with any Executor", func(t *testing.T) {
		sum := 0
		for v, err := range future.Map(ctx, inline{}, slices.Values([]int{1, 2, 3, 4}), double) {
			expectError(t, "an item", err, nil)
			sum += v
		}
		expectEqual(t, "the sum", sum, 20)
	})

	t.Run("Map refuses what it cannot work with", func(t *testing.T) {
		items := slices.Values([]int{1})
		expectPanic(t, "future: Map was called with a nil ctx", func() { var none context.Context; future.Map(none, inline{}, items, double) })
		expectPanic(t, "future: Map was called with a nil Executor", func() { future.Map(ctx, nil, items, double) })
		expectPanic(t, "future: Map was called with a nil Executor", func() { future.Map(ctx, (*future.Pool)(nil), items, double) })
		expectPanic(t, "future: Map was called with nil items", func() { future.Map(ctx, inline{}, nil, double) })
		expectPanic(t, "future: Map was called with a nil function", func() { future.Map[int, int](ctx, inline{}, items, nil) })
	})
}

// inline is an Executor that runs what it gets at once.
type inline struct{}

func (inline) Execute(fn func()) error { fn(); return nil }

// A liar is an Executor that says it does not take what it keeps.
type liar struct{ kept func() }

func (l *liar) Execute(fn func()) error { l.kept = fn; return future.ErrShutdown }

// An endingCtx has ended by the time when somebody has asked for its channel, and so has the last job of a pool.
type endingCtx struct {
	context.Context
	end func()
}

func (c *endingCtx) Err() error { return context.Canceled }

func (c *endingCtx) Done() <-chan struct{} {
	c.end()
	for range 1000 {
		runtime.Gosched()
	}
	over, cancel := context.WithCancel(c.Context)
	cancel()
	return over.Done()
}

func TestFactsShutdown(t *testing.T) {
	ctx := context.Background()
	one := func() (int, error) { return 1, nil }

	t.Run("CF30 shutdown waits for what runs and what is queued", func(t *testing.T) {
		p := future.NewPool(2)
		var ended atomic.Int32
		g := newGate()
		future.Submit(p, g.pass)
		for range 100 {
			future.Submit(p, func() (int, error) { ended.Add(1); return 0, nil })
		}
		<-g.arrived
		close(g.open)
		expectError(t, "Shutdown", p.Shutdown(ctx), nil)
		expectEqual(t, "how many have ended", ended.Load(), 100)
		expectEqual(t, "Stats", p.Stats(), future.PoolStats{Workers: 2, Done: 101})
	})

	t.Run("CF31 submit after shutdown fails", func(t *testing.T) {
		p := future.NewPool(2)
		expectError(t, "Shutdown", p.Shutdown(ctx), nil)
		f := future.Submit(p, one)
		expectError(t, "the future", f.Err(), future.ErrShutdown)
		expectEqual(t, "Cancel of it", f.Cancel(), false)
		expectError(t, "Execute", p.Execute(func() {}), future.ErrShutdown)
		expectError(t, "Shutdown again", p.Shutdown(ctx), nil)
	})

	t.Run("a function that was refused never runs, even if the executor calls it", func(t *testing.T) {
		var l liar
		f := future.Submit(&l, func() (int, error) { t.Error("it has run"); return 1, nil })
		l.kept()
		expectError(t, "the future", f.Err(), future.ErrShutdown)
	})

	t.Run("CF32 submit during shutdown fails, also in a job of the pool", func(t *testing.T) {
		p := future.NewPool(1)
		g := newGate()
		var inner *future.Future[int]
		outer := future.Submit(p, func() (int, error) {
			g.pass()
			inner = future.Submit(p, one)
			return 0, nil
		})
		<-g.arrived
		short, cancel := context.WithCancel(ctx)
		cancel()
		expectError(t, "Shutdown that does not wait", p.Shutdown(short), context.Canceled)
		expectError(t, "Submit from outside", future.Submit(p, one).Err(), future.ErrShutdown)
		close(g.open)
		await(t, outer)
		expectError(t, "Submit in the job", inner.Err(), future.ErrShutdown)
		expectError(t, "Shutdown", p.Shutdown(ctx), nil)
	})

	t.Run("CF33 cancel_futures cancels what is queued and lets run what runs", func(t *testing.T) {
		p := future.NewPool(1)
		g, running := submitGate(p)
		var queued []*future.Future[int]
		for range 10 {
			queued = append(queued, future.Submit(p, one))
		}
		expectError(t, "Execute", p.Execute(func() { t.Error("a job that was taken out has run") }), nil)
		expectEqual(t, "CancelPending", p.CancelPending(), 11)
		for _, f := range queued {
			expectEqual(t, "Cancelled", f.Cancelled(), true)
		}
		close(g.open)
		expectError(t, "Shutdown", p.Shutdown(ctx), nil)
		expectEqual(t, "the running one", await(t, running), 1)
	})

	t.Run("CF34 shutdown without waiting lets the work go on and the goroutines end by themselves", func(t *testing.T) {
		before := runtime.NumGoroutine()
		p := future.NewPool(1)
		g, first := submitGate(p)
		second := future.Submit(p, one)
		short, cancel := context.WithCancel(ctx)
		cancel()
		expectError(t, "Shutdown", p.Shutdown(short), context.Canceled)
		close(g.open)
		await(t, first)
		expectEqual(t, "the queued one", await(t, second), 1)
		for runtime.NumGoroutine() > before { // nobody calls Shutdown again
			runtime.Gosched()
		}
	})

	t.Run("CF35 a job cannot wait for the shutdown of its own pool", func(t *testing.T) {
		p := future.NewPool(1)
		_, err := future.Submit(p, func() (int, error) { return 0, p.Shutdown(ctx) }).Await(ctx)
		expectError(t, "Shutdown in the job", err, future.ErrOwnWorker)
		expectError(t, "Submit afterwards", future.Submit(p, one).Err(), future.ErrShutdown)
		expectError(t, "Shutdown", p.Shutdown(ctx), nil)

		p = future.NewPool(1)
		ended := make(chan error, 1)
		g, last := submitGate(p)
		last.AddDoneCallback(func(*future.Future[int]) { ended <- p.Shutdown(ctx) })
		close(g.open)
		expectError(t, "Shutdown in a done callback", <-ended, future.ErrOwnWorker)
		expectError(t, "Shutdown", p.Shutdown(ctx), nil)
	})

	t.Run("a Shutdown whose ctx ends in the moment of the last job leaves no goroutine", func(t *testing.T) {
		for range 50 { // it takes some luck to lose
			p := future.NewPool(1)
			begun, end := make(chan struct{}), make(chan struct{})
			future.Submit(p, func() (int, error) { close(begun); <-end; return 1, nil })
			<-begun
			if err := p.Shutdown(&endingCtx{ctx, func() { close(end) }}); err != nil {
				expectError(t, "Shutdown", err, context.Canceled)
			}
		}
		// TestMain looks for goroutines.
	})

	t.Run("CF36 shutdown of a pool without work starts nothing and is done", func(t *testing.T) {
		for range 3 {
			p := future.NewPool(0)
			expectEqual(t, "CancelPending", p.CancelPending(), 0)
			expectError(t, "Shutdown", p.Shutdown(ctx), nil)
		}
	})

	t.Run("a hundred thousand queued jobs survive a Shutdown that has no time", func(t *testing.T) {
		const n = 100_000
		p := future.NewPool(4)
		var ran atomic.Int64
		var gates []gate
		for range 4 {
			g, _ := submitGate(p)
			gates = append(gates, g)
		}
		fs := make([]*future.Future[int], n)
		for i := range fs {
			fs[i] = future.Submit(p, func() (int, error) { ran.Add(1); return i, nil })
		}
		short, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		expectError(t, "the short Shutdown", p.Shutdown(short), context.DeadlineExceeded)
		expectEqual(t, "the queue", p.Stats().Queued, n)
		for _, f := range fs[n/2:] {
			expectEqual(t, "Cancel", f.Cancel(), true)
		}
		for _, g := range gates {
			close(g.open)
		}
		expectError(t, "Shutdown", p.Shutdown(ctx), nil)
		expectEqual(t, "how many have run", ran.Load(), n/2)
		expectEqual(t, "how many have ended", p.Stats().Done, n/2+4)
		for i, f := range fs {
			if v, err := f.Result(); i < n/2 && (v != i || err != nil) || i >= n/2 && !f.Cancelled() {
				t.Fatalf("job %d has %d, %v", i, v, err)
			}
		}
	})

	t.Run("many goroutines submit while another one shuts down, and each job either runs or fails", func(t *testing.T) {
		for range 20 {
			p := future.NewPool(3)
			var ran, refused atomic.Int64
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for range 200 {
						if f := future.Submit(p, func() (int, error) { ran.Add(1); return 0, nil }); errors.Is(f.Err(), future.ErrShutdown) {
							refused.Add(1)
						}
					}
				})
			}
			for ran.Load() == 0 {
				runtime.Gosched()
			}
			expectError(t, "Shutdown", p.Shutdown(ctx), nil)
			wg.Wait()
			expectEqual(t, "how many ran or were refused", ran.Load()+refused.Load(), 8*200)
		}
	})
}

func TestPoolMisuse(t *testing.T) {
	expectPanic(t, "future: Execute was called with a nil function", func() { future.NewPool(1).Execute(nil) })
	expectPanic(t, "future: Submit was called with a nil function", func() { future.Submit[int](inline{}, nil) })
	expectPanic(t, "future: Submit was called with a nil Executor", func() { future.Submit(nil, func() (int, error) { return 0, nil }) })
	expectPanic(t, "future: the duration of KeepIdle is not positive", func() { future.KeepIdle(0) })
	expectPanic(t, "future: a view of a pool with 0 workers", func() { future.NewPool(1).Limit("none", 0) })
}

// TestJobsDoNotWaitForEachOther has two jobs come at once, again and again: neither waits for the end of the other one while a worker is
// free, and no two have the same name.
func TestJobsDoNotWaitForEachOther(t *testing.T) {
	withPool(t, 2, func(p *future.Pool) {
		for range 500 {
			var names [2]string
			a, b := newGate(), newGate()
			fa := future.Submit(p, func() (int, error) { names[0] = p.Worker(); return a.pass() })
			fb := future.Submit(p, func() (int, error) { names[1] = p.Worker(); return b.pass() })
			<-a.arrived
			<-b.arrived
			close(a.open)
			close(b.open)
			await(t, fa)
			await(t, fb)
			if names != [2]string{"pool-0", "pool-1"} && names != [2]string{"pool-1", "pool-0"} {
				t.Fatalf("the two have run on %q", names)
			}
			for range 100 {
				runtime.Gosched() // the workers stop to look for work, now and then
			}
		}
	})
}

// TestWorkersAreNotLost has jobs of all kinds, bad ones too, come in bursts with silence between them. If a worker were lost, or
// a job were left in the queue with nobody looking, the last burst would not end.
func TestWorkersAreNotLost(t *testing.T) {
	withPool(t, 3, func(p *future.Pool) {
		view := p.Limit("view", 2)
		for burst := range 300 {
			var fs []*future.Future[int]
			for i := range burst%17 + 1 {
				ex := future.Executor(p)
				if i%3 == 0 {
					ex = view
				}
				fs = append(fs, future.Submit(ex, func() (int, error) {
					switch (burst + i) % 11 {
					case 0:
						runtime.Goexit()
					case 1:
						panic("one of many")
					case 2:
						runtime.Gosched()
					}
					return 0, nil
				}))
				if (burst+i)%7 == 0 {
					fs[i].Cancel()
				}
			}
			for _, f := range fs {
				f.Await(context.Background())
			}
		}
		// All three still work at once.
		for range 3 {
			g, _ := submitGate(p)
			defer close(g.open)
		}
	})
}

func TestLimit(t *testing.T) {
	ctx := context.Background()

	t.Run("a view uses so many workers of its pool at most and leaves the others free", func(t *testing.T) {
		withPool(t, 3, func(p *future.Pool) {
			view := p.Limit("db", 2)
			a, _ := submitGate(view)
			b, _ := submitGate(view)
			third := newGate()
			f := future.Submit(view, third.pass)
			expectEqual(t, "the view's Stats", view.Stats(), future.PoolStats{Workers: 2, Running: 2, Queued: 1})
			// The third worker is free for the pool's own work.
			await(t, future.Submit(p, func() (int, error) { return 1, nil }))
			expectEqual(t, "the view's queue", view.Stats().Queued, 1)
			close(a.open)
			<-third.arrived
			close(third.open)
			close(b.open)
			await(t, f)
			expectError(t, "Shutdown of the view", view.Shutdown(ctx), nil)
			expectEqual(t, "the view's Stats", view.Stats(), future.PoolStats{Workers: 2, Done: 3})
			expectError(t, "Submit to the view", future.Submit(view, func() (int, error) { return 1, nil }).Err(), future.ErrShutdown)
			expectEqual(t, "the pool afterwards", await(t, future.Submit(p, func() (int, error) { return 5, nil })), 5)
		})
	})

	t.Run("a view takes turns with the work of its pool and with other views", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			g, _ := submitGate(p)
			var order []string
			add := func(ex future.Executor, name string) *future.Future[int] {
				return future.Submit(ex, func() (int, error) { order = append(order, name); return 0, nil })
			}
			a, b := p.Limit("a", 4), p.Limit("b", 1)
			for i := range 3 {
				add(b, fmt.Sprint("b", i))
			}
			for i := range 3 {
				add(a, fmt.Sprint("a", i))
			}
			last := add(p, "p0")
			close(g.open)
			await(t, last)
			expectError(t, "Shutdown", p.Shutdown(ctx), nil)
			expectOrder(t, order, "b0", "a0", "a1", "a2", "p0", "b1", "b2")
		})
	})

	t.Run("the pool's shutdown waits for its views and ends them", func(t *testing.T) {
		for inner := 1; inner <= 2; inner++ {
			p := future.NewPool(2)
			view := p.Limit("inner", inner).Limit("innermost", 1)
			var ran atomic.Int32
			g, _ := submitGate(view)
			for range 50 {
				future.Submit(view, func() (int, error) { ran.Add(1); return 0, nil })
			}
			short, cancel := context.WithCancel(ctx)
			cancel()
			expectError(t, "the short Shutdown", p.Shutdown(short), context.Canceled)
			expectError(t, "Submit to the view", future.Submit(view, func() (int, error) { return 1, nil }).Err(), future.ErrShutdown)
			close(g.open)
			expectError(t, "Shutdown", p.Shutdown(ctx), nil)
			expectEqual(t, "how many have run", ran.Load(), 50)
			expectError(t, "Submit to the view afterwards", future.Submit(view, func() (int, error) { return 1, nil }).Err(), future.ErrShutdown)
		}
	})

	t.Run("CancelPending of a view is its own, that of the pool is everybody's", func(t *testing.T) {
		p := future.NewPool(2)
		view := p.Limit("view", 1)
		g, _ := submitGate(view)
		h, _ := submitGate(p)
		submit := func(ex future.Executor) *future.Future[int] {
			return future.Submit(ex, func() (int, error) { return 1, nil })
		}
		v1, own := submit(view), submit(p)
		expectEqual(t, "CancelPending of the view", view.CancelPending(), 1)
		expectEqual(t, "the view's job is cancelled", v1.Cancelled(), true)
		expectEqual(t, "the pool's job is cancelled", own.Cancelled(), false)
		v2 := submit(view)
		expectEqual(t, "CancelPending of the pool", p.CancelPending(), 2)
		expectEqual(t, "the view's job is cancelled", v2.Cancelled(), true)
		expectEqual(t, "the pool's job is cancelled", own.Cancelled(), true)
		close(g.open)
		close(h.open)
		expectEqual(t, "the view works on", await(t, submit(view)), 1)
		expectError(t, "Shutdown", p.Shutdown(ctx), nil)
	})

	t.Run("a view works on after its turn has found nothing, because its jobs were cancelled", func(t *testing.T) {
		p := future.NewPool(1)
		view := p.Limit("view", 1)
		g, _ := submitGate(p)
		first := future.Submit(view, func() (int, error) { return 1, nil })
		expectEqual(t, "CancelPending", p.CancelPending(), 1)
		expectEqual(t, "the first is cancelled", first.Cancelled(), true)
		close(g.open)
		for p.Stats().Running+p.Stats().Queued > 0 {
			runtime.Gosched()
		}
		second := future.Submit(view, func() (int, error) { return 2, nil })
		expectError(t, "Shutdown", p.Shutdown(ctx), nil)
		expectEqual(t, "the second is done", second.IsDone(), true)
		expectError(t, "Shutdown of the view", view.Shutdown(ctx), nil)
	})

	t.Run("CancelPending of the pool reaches a view whose own shutdown had no time", func(t *testing.T) {
		p := future.NewPool(1)
		view := p.Limit("view", 1)
		g, _ := submitGate(view)
		waits := future.Submit(view, func() (int, error) { return 1, nil })
		short, cancel := context.WithCancel(ctx)
		cancel()
		expectError(t, "the short Shutdown", view.Shutdown(short), context.Canceled)
		expectEqual(t, "CancelPending of the pool", p.CancelPending(), 1)
		expectEqual(t, "the view's job is cancelled", waits.Cancelled(), true)
		close(g.open)
		expectError(t, "Shutdown of the view", view.Shutdown(ctx), nil)
		expectError(t, "Shutdown", p.Shutdown(ctx), nil)
	})

	t.Run("a view knows the workers of its pool, and a job of it cannot wait for its end", func(t *testing.T) {
		withPool(t, 1, func(p *future.Pool) {
			view := p.Limit("view", 1)
			name := future.Submit(view, func() (string, error) { return view.Worker(), view.Shutdown(ctx) })
			_, err := name.Await(ctx)
			expectError(t, "Shutdown by the job", err, future.ErrOwnWorker)
			name = future.Submit(p, func() (string, error) { return view.Worker(), nil })
			expectEqual(t, "the name", await(t, name), "pool-0")
		})
	})

	t.Run("a job that was cancelled while it was queued is none that has ended, for the view and for the pool", func(t *testing.T) {
		p := future.NewPool(1)
		view := p.Limit("view", 1)
		g, _ := submitGate(view)
		one := future.Submit(view, func() (int, error) { return 1, nil })
		expectEqual(t, "Cancel", one.Cancel(), true)
		expectEqual(t, "the view's Stats", view.Stats(), future.PoolStats{Workers: 1, Running: 1, Queued: 1})
		close(g.open)
		for view.Stats().Queued > 0 || view.Stats().Running > 0 {
			runtime.Gosched()
		}
		expectEqual(t, "what the view has done", view.Stats().Done, 1)
		g, _ = submitGate(p) // so that the turn of the view has to wait
		future.Submit(view, func() (int, error) { return 1, nil })
		expectEqual(t, "CancelPending of the view", view.CancelPending(), 1)
		close(g.open)
		expectError(t, "Shutdown", p.Shutdown(ctx), nil)
		expectEqual(t, "what the view has done", view.Stats().Done, 1)
		expectEqual(t, "what the pool has done", p.Stats().Done, 2)
	})

	t.Run("Map on a view reads ahead for the workers of the view", func(t *testing.T) {
		withPool(t, 8, func(p *future.Pool) {
			taken := 0
			for range future.Map(ctx, p.Limit("two", 2), func(yield func(int) bool) {
				for yield(0) {
					taken++
				}
			}, func(int) (int, error) { return 0, nil }) {
				break
			}
			expectEqual(t, "how many were taken", taken, 2*2)
		})
	})
}

// TestPoolInSynctest shows that a pool works in a bubble of testing/synctest: it is made of goroutines, channels and mutexes of its own.
func TestPoolInSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := future.NewPool(2)
		var fs []*future.Future[int]
		for range 4 {
			fs = append(fs, future.Submit(p, func() (int, error) { time.Sleep(time.Hour); return 1, nil }))
		}
		for _, f := range fs {
			await(t, f)
		}
		expectEqual(t, "the time it took", time.Since(start), 2*time.Hour)
		expectError(t, "Shutdown", p.Shutdown(context.Background()), nil)
	})
}
