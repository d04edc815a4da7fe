package async_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// newTestLoop returns a loop on a virtual clock that is closed at the end of the test.
func newTestLoop(t *testing.T, opts ...async.Option) *async.Loop {
	t.Helper()
	over := limitTime(t)
	l := async.NewLoop(append([]async.Option{async.Clock(loop.NewVirtual())}, opts...)...)
	t.Cleanup(func() {
		defer over()
		expectError(t, "closing the loop", l.Close(), nil)
	})
	return l
}

// limitTime ends the test binary, with the stacks of all goroutines, if the test hangs. The binary's own limit comes late and does not
// tell which test it was. It returns what has to be called when the test is over.
func limitTime(t *testing.T) (over func()) {
	timer := time.AfterFunc(time.Minute, func() {
		debug.SetTraceback("all")
		panic(t.Name() + " hangs")
	})
	return func() { timer.Stop() }
}

// runOnce runs exactly one tick of a loop: loop.stop(); loop.run_forever().
func runOnce(t *testing.T, l *async.Loop) {
	t.Helper()
	l.Stop()
	expectError(t, "RunForever", l.RunForever(), nil)
	standStill(l)
}

// adding returns a callback that adds what to the chronicle.
func (c *chronicle) adding(what string) func() { return func() { c.add("%s", what) } }

// A watchedClock is a virtual clock that remembers for how long the loop meant to wait.
type watchedClock struct {
	*loop.Virtual
	waits []time.Duration
}

func newWatchedClock() *watchedClock { return &watchedClock{Virtual: loop.NewVirtual()} }

func (c *watchedClock) Wait(d time.Duration, wake <-chan struct{}, busy func() bool) bool {
	c.waits = append(c.waits, d)
	return c.Virtual.Wait(d, wake, busy)
}

func TestFactsOfTheLoop(t *testing.T) {
	t.Run("A1 what a callback schedules runs in the next tick", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		l.CallSoon(r.adding("s1"))
		l.CallSoon(func() {
			r.add("s2")
			l.CallSoon(r.adding("x"))
		})
		l.CallSoon(r.adding("s3"))
		runOnce(t, l)
		r.expect(t, "s1", "s2", "s3")
		runOnce(t, l)
		r.expect(t, "s1", "s2", "s3", "x")
	})

	t.Run("A2 what a timer's callback schedules is ready after the tick and has not run", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		l.CallLater(0, func() {
			r.add("timer")
			l.CallSoon(r.adding("h"))
		})
		runOnce(t, l)
		r.expect(t, "timer")
		expectEqual(t, "the number of ready entries", async.Stats(l).Ready, 1)
		runOnce(t, l)
		r.expect(t, "timer", "h")
	})

	t.Run("A3 timers that are due run behind what is ready and in the same tick", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		l.CallLater(0, r.adding("later(0)"))
		l.CallLater(-time.Second, r.adding("later(-1)"))
		l.CallAt(l.Time()-5*time.Second, r.adding("at(past)"))
		l.CallSoon(func() {
			r.add("s1")
			l.CallSoon(r.adding("soon of s1"))
		})
		l.CallSoon(func() {
			r.add("s2")
			l.CallSoon(r.adding("soon of s2"))
		})
		runOnce(t, l)
		r.expect(t, "s1", "s2", "at(past)", "later(-1)", "later(0)")
		runOnce(t, l)
		r.expect(t, "s1", "s2", "at(past)", "later(-1)", "later(0)", "soon of s1", "soon of s2")
	})

	t.Run("A4 the earlier deadline is first in the past too", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		l.CallLater(-1*time.Second, r.adding("a"))
		l.CallLater(-2*time.Second, r.adding("b"))
		runOnce(t, l)
		r.expect(t, "b", "a")
	})

	t.Run("A5 timers fire by deadline and not by insertion", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		start := l.Time()
		for _, d := range []time.Duration{60, 20, 40} {
			l.CallLater(d*time.Millisecond, func() { r.add("%v", l.Time()-start) })
		}
		l.CallLater(70*time.Millisecond, l.Stop)
		check(l.RunForever())
		r.expect(t, "20ms", "40ms", "60ms")
	})

	t.Run("A6 twelve equal sleeps end in the order in which they began", func(t *testing.T) {
		for name, clock := range map[string]loop.Clock{"virtual": loop.NewVirtual(), "real": loop.NewReal()} {
			t.Run(name, onLoop(func(ctx context.Context, t *testing.T) {
				var woken []int
				var sleepers []*async.Task[async.Void]
				for i := range 12 {
					sleepers = append(sleepers, async.Go(ctx, func(ctx context.Context) error {
						err := async.Sleep(ctx, 20*time.Millisecond)
						woken = append(woken, i)
						return err
					}))
				}
				must(async.GatherOf(ctx, sleepers))
				expectSlice(t, "the order", woken, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
			}, async.Clock(clock)))
		}
	})

	t.Run("A7 timers with equal deadlines fire in the order of their making", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		when := l.Time() + 10*time.Millisecond
		for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
			l.CallAt(when, r.adding(name))
		}
		l.CallAt(when, l.Stop)
		check(l.RunForever())
		r.expect(t, "a", "b", "c", "d", "e", "f")
	})

	t.Run("A7 a thousand timers in any order fire as a stable sort by deadline says", func(t *testing.T) {
		type timer struct {
			when time.Duration
			i    int
		}
		for seed := range uint64(20) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			l := newTestLoop(t)
			var fired, want []timer
			var handles []*async.TimerHandle
			for i := range 1000 {
				x := timer{time.Duration(rnd.IntN(100)) * time.Millisecond, i}
				handles = append(handles, l.CallAt(x.when, func() { fired = append(fired, x) }))
				want = append(want, x)
			}
			// Half of them are cancelled, which takes apart the heap that the others are in.
			for _, i := range rnd.Perm(1000)[:500] {
				handles[i].Cancel()
			}
			want = slices.DeleteFunc(want, func(x timer) bool { return handles[x.i].Cancelled() })
			slices.SortStableFunc(want, func(a, b timer) int { return int(a.when - b.when) })
			l.CallAt(time.Second, l.Stop)
			check(l.RunForever())
			if !slices.Equal(fired, want) {
				t.Fatalf("with seed %d the order is %v, not %v", seed, fired, want)
			}
		}
	})

	t.Run("A9 a cancelled handle says so and stays so", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		soon, later := l.CallSoon(r.adding("soon")), l.CallLater(time.Second, r.adding("later"))
		for range 2 {
			soon.Cancel()
			later.Cancel()
			expectEqual(t, "Cancelled of the handle", soon.Cancelled(), true)
			expectEqual(t, "Cancelled of the timer", later.Cancelled(), true)
		}
		expectEqual(t, "When of the cancelled timer", later.When(), time.Second)
		l.CallLater(2*time.Second, l.Stop)
		check(l.RunForever())
		r.expect(t)
	})

	t.Run("A9 a cancelled handle lets go of its callback", func(t *testing.T) {
		// The timer that stays in front keeps the cancelled one in the loop's books, as asyncio's heap does.
		l := newTestLoop(t)
		front := l.CallLater(time.Second, func() {})
		soon, ofSoon := droppedBy(func(fn func()) interface{ Cancel() } { return l.CallSoon(fn) })
		later, ofLater := droppedBy(func(fn func()) interface{ Cancel() } { return l.CallLater(time.Minute, fn) })
		soon.Cancel()
		later.Cancel()
		expectEqual(t, "letting go of call_soon's callback", isDropped(ofSoon), true)
		expectEqual(t, "letting go of call_later's callback", isDropped(ofLater), true)
		runtime.KeepAlive(soon)
		runtime.KeepAlive(later)
		runtime.KeepAlive(front)
	})

	t.Run("A10 a callback can cancel one that is ready in the same tick", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		var h2, due *async.Handle
		l.CallSoon(func() {
			r.add("first")
			h2.Cancel()
			due.Cancel()
		})
		h2 = l.CallSoon(r.adding("h2"))
		due = &l.CallLater(0, r.adding("due")).Handle
		runOnce(t, l)
		runOnce(t, l)
		r.expect(t, "first")
	})

	t.Run("A11 a handle that is cancelled on its way to the loop is not queued", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		l.CallSoon(func() {
			// The loop cannot look at its mail while this callback runs, so both calls are on their way at once.
			done := make(chan struct{})
			go func() {
				defer close(done)
				l.CallLater(time.Hour, r.adding("later")).Cancel()
				l.CallSoonThreadsafe(r.adding("soon")).Cancel()
			}()
			<-done
		})
		runOnce(t, l)
		runOnce(t, l)
		expectEqual(t, "the number of timers", async.Stats(l).Timers, 0)
		r.expect(t)
	})

	t.Run("A12 the loop does not wait for a cancelled timer", func(t *testing.T) {
		clock := newWatchedClock()
		l := newTestLoop(t, async.Clock(clock))
		l.CallLater(5*time.Second, func() { t.Error("the cancelled timer has fired") }).Cancel()
		l.CallLater(10*time.Second, l.Stop)
		check(l.RunForever())
		expectSlice(t, "what the loop has waited for", clock.waits, []time.Duration{10 * time.Second})
	})

	t.Run("A13 cancelled timers are purged when they are the half of more than a hundred", func(t *testing.T) {
		l := newTestLoop(t)
		add := func(n int, d time.Duration, cancel bool) {
			for range n {
				if h := l.CallLater(d, func() {}); cancel {
					h.Cancel()
				}
			}
		}
		add(1, 3000*time.Second, false) // so that those behind it do not come to the head
		add(2, 3600*time.Second, true)
		add(2, 100*time.Second, true) // at the head
		runOnce(t, l)
		expectEqual(t, "the number of timers when only the head is cleared", async.Stats(l).Timers, 3)
		// These are the numbers of CPython's test: from here on there are 53 cancelled ones and 50 others.
		add(49, 3600*time.Second, false)
		add(51, 3600*time.Second, true)
		runOnce(t, l)
		expectEqual(t, "the number of timers after the purge", async.Stats(l).Timers, 50)
	})

	t.Run("A13 cancelling a thousand timers and more leaves nothing behind", func(t *testing.T) {
		l := newTestLoop(t)
		l.CallLater(time.Second, func() {})
		for i := range 10000 {
			l.CallLater(time.Duration(10000-i)*time.Minute, func() {}).Cancel()
		}
		runOnce(t, l)
		if n := async.Stats(l).Timers; n > 101 {
			t.Errorf("%d timers are left", n)
		}
	})

	t.Run("A15 a timer never fires before its deadline", func(t *testing.T) {
		l := newTestLoop(t, async.Clock(loop.NewReal()))
		fired := 0
		for i := range 20 {
			var h *async.TimerHandle
			h = l.CallAt(l.Time()+time.Duration(i)*777*time.Microsecond, func() {
				fired++
				if now := l.Time(); now < h.When() {
					t.Errorf("a timer for %v has fired at %v", h.When(), now)
				}
			})
		}
		l.CallLater(20*time.Millisecond, l.Stop)
		check(l.RunForever())
		expectEqual(t, "the number of timers that fired", fired, 20)
	})

	t.Run("A16 very short sleeps do not make the loop spin", onLoop(func(ctx context.Context, t *testing.T) {
		before := tickNumber(ctx)
		for _, d := range []time.Duration{10 * time.Millisecond, 100 * time.Microsecond, time.Microsecond, 10, 1} {
			check(async.Sleep(ctx, d))
		}
		if n := tickNumber(ctx) - before; n > 20 {
			t.Errorf("five sleeps took %d ticks", n)
		}
	}, async.Clock(loop.NewReal())))

	t.Run("A17 stop ends the run after the tick that it is called in", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		l.CallSoon(r.adding("cb1"))
		l.CallSoon(func() {
			r.add("stop")
			l.Stop()
			l.CallSoon(r.adding("cb3"))
		})
		l.CallSoon(r.adding("cb2"))
		check(l.RunForever())
		r.expect(t, "cb1", "stop", "cb2")
		runOnce(t, l)
		r.expect(t, "cb1", "stop", "cb2", "cb3")
	})

	t.Run("A18 a loop that was stopped before it runs makes one tick without waiting", func(t *testing.T) {
		clock := newWatchedClock()
		l := newTestLoop(t, async.Clock(clock))
		var r chronicle
		l.CallLater(10*time.Second, r.adding("timer"))
		l.CallSoon(func() {
			r.add("a")
			l.CallSoon(r.adding("b"))
		})
		before := async.Stats(l).Ticks
		l.Stop()
		check(l.RunForever())
		expectEqual(t, "the number of ticks", async.Stats(l).Ticks-before, uint64(1))
		expectEqual(t, "what the loop has waited for", len(clock.waits), 0)
		r.expect(t, "a")

		// The same holds with nothing ready: b is, so run it first.
		runOnce(t, l)
		before = async.Stats(l).Ticks
		l.Stop()
		check(l.RunForever())
		expectEqual(t, "the number of ticks with nothing to do", async.Stats(l).Ticks-before, uint64(1))
		expectEqual(t, "what the loop has waited for with nothing to do", len(clock.waits), 0)
		r.expect(t, "a", "b")
	})

	t.Run("A19 a scheduled stop makes the run one tick long", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		l.CallSoon(func() {
			r.add("a")
			l.CallSoon(r.adding("b"))
		})
		before := async.Stats(l).Ticks
		l.CallSoon(l.Stop)
		check(l.RunForever())
		expectEqual(t, "the number of ticks", async.Stats(l).Ticks-before, uint64(1))
		r.expect(t, "a")
	})

	t.Run("A20 running a done future to its end makes one tick all the same", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		f := async.NewFuture[string](l.Context())
		check(f.SetResult("R"))
		l.CallSoon(r.adding("callback"))
		r.add("%s", must(async.RunUntilComplete(l, f)))
		r.expect(t, "callback", "R")
	})

	t.Run("A21 a future whose run was stopped can be finished in a later run", func(t *testing.T) {
		l := newTestLoop(t)
		task := async.CreateTask(l.Context(), func(ctx context.Context) (string, error) {
			l.Stop()
			return "R", async.Sleep(ctx, time.Second)
		})
		_, err := async.RunUntilComplete(l, task)
		expectError(t, "the stopped run", err, async.ErrStopped)
		expectEqual(t, "IsDone after the stopped run", task.IsDone(), false)
		v, err := async.RunUntilComplete(l, task)
		expectEqual(t, "the outcome of the later run", v, "R")
		expectError(t, "the outcome of the later run", err, nil)
	})

	t.Run("A22 a run that was left early does not stop a later one", func(t *testing.T) {
		l := newTestLoop(t)
		first := async.CreateTask(l.Context(), async.After(100*time.Millisecond, 1))
		l.CallSoon(l.Stop)
		_, err := async.RunUntilComplete(l, first)
		expectError(t, "the run that was left", err, async.ErrStopped)
		// The first task ends in the middle of this run.
		v, err := async.RunUntilComplete(l, async.After(200*time.Millisecond, 2))
		expectEqual(t, "the outcome of the later run", v, 2)
		expectError(t, "the outcome of the later run", err, nil)
		expectEqual(t, "IsDone of the first task", first.IsDone(), true)
	})

	t.Run("A23 a panic leaves no stop behind", func(t *testing.T) {
		l := newTestLoop(t)
		_, err := async.RunUntilComplete(l, async.Coroutine[int](func(context.Context) (int, error) { panic("out of here") }))
		var caught *async.PanicError
		if !errors.As(err, &caught) || caught.Value != "out of here" {
			t.Errorf("the run ended with %v and not with the panic", err)
		}
		var r chronicle
		l.CallSoon(func() {
			r.add("f")
			l.CallSoon(func() {
				r.add("g")
				l.Stop()
			})
		})
		check(l.RunForever())
		r.expect(t, "f", "g")
	})

	t.Run("A24 a future of another loop can be run to its end", func(t *testing.T) {
		l, other := newTestLoop(t), newTestLoop(t)
		done, pending := async.NewFuture[string](other.Context()), async.NewFuture[string](other.Context())
		check(done.SetResult("done"))
		l.CallLater(time.Second, func() { check(pending.SetResult("pending")) })
		expectEqual(t, "the result of the done future", must(async.RunUntilComplete(l, done)), "done")
		expectEqual(t, "the result of the pending future", must(async.RunUntilComplete(l, pending)), "pending")
		expectPanic(t, "async: RunUntilComplete was called with nil", func() { async.RunUntilComplete[int](l, nil) })
	})

	t.Run("A25 a loop cannot be run inside a loop", func(t *testing.T) {
		l, other := newTestLoop(t), newTestLoop(t)
		ran := false
		_, err := async.RunUntilComplete(l, async.Do(func(ctx context.Context) error {
			body := async.Do(func(context.Context) error { ran = true; return nil })
			for _, x := range []*async.Loop{l, other} {
				_, err := async.RunUntilComplete(x, body)
				expectError(t, "RunUntilComplete inside", err, async.ErrLoopRunning)
				expectError(t, "RunForever inside", x.RunForever(), async.ErrLoopRunning)
			}
			expectError(t, "Run inside", async.Run(func(context.Context) error { ran = true; return nil }), async.ErrLoopRunning)
			return async.Sleep(ctx, time.Second) // the loop goes on
		}))
		expectError(t, "the outer run", err, nil)
		expectEqual(t, "having run inside", ran, false)
	})

	t.Run("A26 a running loop cannot be closed", func(t *testing.T) {
		l := newTestLoop(t)
		v, err := async.RunUntilComplete(l, async.Coroutine[int](func(ctx context.Context) (int, error) {
			if err := l.Close(); err == nil || err.Error() != "async: cannot close a running event loop" {
				t.Errorf("closing the running loop says %v", err)
			}
			expectEqual(t, "IsClosed", l.IsClosed(), false)
			return 1, async.Sleep(ctx, time.Second)
		}))
		expectEqual(t, "the outcome", v, 1)
		expectError(t, "the outcome", err, nil)
	})

	t.Run("A27 a closed loop takes nothing", func(t *testing.T) {
		pool := future.NewPool(1)
		defer pool.Shutdown(context.Background())
		l := newTestLoop(t)
		check(l.Close())
		expectError(t, "closing again", l.Close(), nil)
		expectEqual(t, "IsClosed", l.IsClosed(), true)
		ran := make(chan string, 8)
		running := func(what string) func() { return func() { ran <- what } }
		expectEqual(t, "Cancelled of CallSoon", l.CallSoon(running("CallSoon")).Cancelled(), true)
		expectEqual(t, "Cancelled of CallSoonThreadsafe", l.CallSoonThreadsafe(running("CallSoonThreadsafe")).Cancelled(), true)
		expectEqual(t, "Cancelled of CallLater", l.CallLater(0, running("CallLater")).Cancelled(), true)
		expectEqual(t, "Cancelled of CallAt", l.CallAt(0, running("CallAt")).Cancelled(), true)
		body := func(what string) async.Coroutine[int] {
			return func(context.Context) (int, error) { running(what)(); return 0, nil }
		}
		expectError(t, "CreateTask", async.CreateTask(l.Context(), body("CreateTask")).Err(), async.ErrLoopClosed)
		expectError(t, "CreateTask by name", async.CreateTask(l.Context(), body("CreateTask"), async.Name("n")).Err(), async.ErrLoopClosed)
		expectError(t, "EnsureFuture", async.EnsureFuture(l.Context(), body("EnsureFuture")).Err(), async.ErrLoopClosed)
		expectError(t, "RunCoroutineThreadsafe", async.RunCoroutineThreadsafe(l, body("RunCoroutineThreadsafe")).Err(), async.ErrLoopClosed)
		for _, ex := range []future.Executor{nil, pool} {
			_, err := async.RunInExecutor(l.Context(), ex, func() (int, error) { running("RunInExecutor")(); return 0, nil }).Await(context.Background())
			expectError(t, fmt.Sprintf("RunInExecutor(%v)", ex), err, async.ErrLoopClosed)
		}
		expectError(t, "AddSignalHandler", l.AddSignalHandler(os.Interrupt, running("AddSignalHandler")), async.ErrLoopClosed)
		expectError(t, "RunForever", l.RunForever(), async.ErrLoopClosed)
		_, err := async.RunUntilComplete(l, body("RunUntilComplete"))
		expectError(t, "RunUntilComplete", err, async.ErrLoopClosed)
		check(pool.Shutdown(context.Background()))
		close(ran)
		for what := range ran {
			t.Errorf("%s has run something", what)
		}
	})

	t.Run("A28 a coroutine that a closed loop rejects never runs, and its future says why", func(t *testing.T) {
		var r chronicle
		l := newTestLoop(t, async.ExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) { r.add("%s", c.Message) }))
		check(l.Close())
		dropped := make(chan struct{})
		func() {
			f := async.EnsureFuture(l.Context(), async.Do(func(context.Context) error { r.add("ran"); return nil }))
			runtime.AddCleanup(f, func(ch chan struct{}) { close(ch) }, dropped)
			expectEqual(t, "IsDone", f.IsDone(), true)
			expectError(t, "the future", f.Err(), async.ErrLoopClosed)
		}()
		expectEqual(t, "being dropped", isDropped(dropped), true)
		r.expect(t)
	})

	t.Run("A29 thread-safe and plain calls share one queue", func(t *testing.T) {
		l := newTestLoop(t)
		var r chronicle
		l.CallSoon(func() {
			l.CallSoonThreadsafe(r.adding("hello"))
			l.CallSoon(r.adding("world"))
			elsewhere := make(chan struct{})
			go func() {
				defer close(elsewhere)
				l.CallSoonThreadsafe(r.adding("from elsewhere"))
			}()
			<-elsewhere
			l.CallSoon(r.adding("after that"))
		})
		runOnce(t, l)
		runOnce(t, l)
		r.expect(t, "hello", "world", "from elsewhere", "after that")
	})

	t.Run("A30 sleeping for no time takes exactly one tick", onLoop(func(ctx context.Context, t *testing.T) {
		for _, d := range []time.Duration{0, -1, -time.Hour} {
			var r chronicle
			running(ctx).CallSoon(func() {
				r.add("inc")
				running(ctx).CallSoon(r.adding("next tick"))
			})
			before, at := tickNumber(ctx), now(ctx)
			r.add("%d", must(async.After(d, 10).Await(ctx)))
			expectEqual(t, "the number of ticks", tickNumber(ctx)-before, 1)
			expectEqual(t, "the time it took", now(ctx)-at, 0)
			r.expect(t, "inc", "10")
			ticks(ctx, 1)
		}
	}))

	t.Run("A31 a sleep returns its value", onLoop(func(ctx context.Context, t *testing.T) {
		at := now(ctx)
		expectEqual(t, "the value", must(async.After(3*time.Second, "v").Await(ctx)), "v")
		expectEqual(t, "the time it took", now(ctx)-at, 3*time.Second)
	}))

	t.Run("A31 cancelling a sleeper cancels its timer", func(t *testing.T) {
		clock := newWatchedClock()
		onLoop(func(ctx context.Context, t *testing.T) {
			sleeper := async.CreateTask(ctx, async.After(time.Hour, "v"))
			ticks(ctx, 1)
			expectEqual(t, "the number of timers while it sleeps", async.Stats(running(ctx)).Timers, 1)
			sleeper.Cancel()
			waitFor(ctx, sleeper)
			expectEqual(t, "Cancelled", sleeper.Cancelled(), true)
			expectEqual(t, "the number of timers when it is cancelled", async.Stats(running(ctx)).Timers, 0)
			check(async.Sleep(ctx, 2*time.Hour))
		}, async.Clock(clock))(t)
		expectSlice(t, "what the loop has waited for", clock.waits, []time.Duration{2 * time.Hour})
	})
}

// droppedBy schedules a callback that holds an object which nobody else has. It returns the handle, and a channel that is closed
// when the garbage collector finds the object.
func droppedBy(schedule func(fn func()) interface{ Cancel() }) (interface{ Cancel() }, <-chan struct{}) {
	dropped := make(chan struct{})
	held := &struct{ next *int }{next: new(int)}
	runtime.AddCleanup(held, func(ch chan struct{}) { close(ch) }, dropped)
	return schedule(func() { *held.next++ }), dropped
}

// isDropped runs the garbage collector until it has found what the channel stands for. It gives up after some rounds: what is out of
// reach is found by the first or, if a register still held it then, by the second.
func isDropped(dropped <-chan struct{}) bool {
	for range 20 {
		runtime.GC()
		// The collector runs cleanups on a goroutine of its own. One for an object made just now tells that those before it
		// have had their turn.
		round := make(chan struct{})
		func() {
			runtime.AddCleanup(&struct{ next *int }{}, func(ch chan struct{}) { close(ch) }, round)
		}()
		runtime.GC()
		select {
		case <-dropped:
			return true
		case <-round:
		}
	}
	select {
	case <-dropped:
		return true
	default:
		return false
	}
}
