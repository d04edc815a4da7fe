package async_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
	"github.com/asyncgo/asyncgo/internal/loop"
	"go.uber.org/goleak"
)

// stubborn is a task that ignores its first cancellation and ends by the second, or by the end of a nap.
func stubborn(ctx context.Context) error {
	if err := hanging(ctx); !errors.Is(err, async.ErrCancelled) {
		return err
	}
	return async.Sleep(async.Uncancel(ctx), time.Minute)
}

// forgotten is a ctx that nobody will cancel.
func forgotten(ctx context.Context, _ context.CancelFunc) context.Context { return ctx }

func TestLeaksOfARun(t *testing.T) {
	errBad := errors.New("bad")
	quick := func(context.Context) (int, error) { return 1, nil }
	patient := func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
	ends := []struct {
		name string
		main func(ctx context.Context) error
		want error
	}{
		{name: "returned at once", main: func(context.Context) error { return nil }},
		{name: "returned an error", main: func(context.Context) error { return errBad }, want: errBad},
		{name: "returned the error of a child", want: errBad, main: func(ctx context.Context) error {
			return second(async.CreateTask(ctx, failing(errBad, 2)).Await(ctx))
		}},
		{name: "returned the panic of a child", want: errSibling, main: func(ctx context.Context) error {
			return second(async.Go(ctx, func(context.Context) error { panic(errSibling) }).Await(ctx))
		}},
		{name: "left tasks that have not started", main: func(ctx context.Context) error {
			for range 100 {
				async.Go(ctx, hanging)
			}
			return nil
		}},
		{name: "left tasks that wait", main: func(ctx context.Context) error {
			for range 100 {
				async.Go(ctx, hanging)
				async.Go(ctx, untilCancelled)
			}
			ticks(ctx, 2)
			return nil
		}},
		{name: "left tasks that ignore their first cancellation", main: func(ctx context.Context) error {
			for range 100 {
				async.Go(ctx, stubborn)
			}
			ticks(ctx, 2)
			return nil
		}},
		{name: "left tasks that start tasks when they are cancelled", main: func(ctx context.Context) error {
			var again func(ctx context.Context) error
			again = func(ctx context.Context) error {
				defer async.Go(ctx, again)
				return hanging(ctx)
			}
			async.Go(ctx, again)
			ticks(ctx, 2)
			return nil
		}},
		{name: "left a ring of tasks", main: func(ctx context.Context) error {
			ring := make([]*async.Task[int], 10)
			atOnce(ctx, func() {
				for i := range ring {
					ring[i] = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return ring[(i+1)%len(ring)].Await(ctx) })
				}
			})
			ticks(ctx, 2)
			return nil
		}},
		{name: "left a task in a TaskGroup in a timeout", main: func(ctx context.Context) error {
			async.Go(ctx, func(ctx context.Context) error {
				return async.Timeout(ctx, time.Hour, func(ctx context.Context, _ *async.TimeoutScope) error {
					return async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
						tg.Go(hanging)
						return hanging(ctx)
					})
				})
			})
			ticks(ctx, 3)
			return nil
		}},
		{name: "left callbacks and timers", main: func(ctx context.Context) error {
			l := running(ctx)
			for range 100 {
				l.CallSoon(func() {})
				l.CallLater(time.Hour, func() {})
				l.CallLater(time.Hour, func() {}).Cancel()
			}
			return nil
		}},
		{name: "broken off AsCompleted", main: func(ctx context.Context) error {
			for range async.AsCompleted[int](ctx, async.Coroutine[int](quick), async.Coroutine[int](forever), async.NewFuture[int](ctx)) {
				break
			}
			return nil
		}},
		{name: "abandoned a Shield", main: func(ctx context.Context) error {
			task := async.Go(ctx, func(ctx context.Context) error {
				return second(async.Shield(ctx, async.Coroutine[int](forever)))
			})
			ticks(ctx, 3)
			task.Cancel()
			waitFor(ctx, task)
			return nil
		}},
		{name: "run into timeouts", main: func(ctx context.Context) error {
			for range 100 {
				_, err := async.WaitFor(ctx, async.Coroutine[int](forever), time.Second)
				if !errors.Is(err, async.ErrTimeout) {
					return err
				}
			}
			return nil
		}},
		{name: "forgotten to cancel WithTimeout", main: func(ctx context.Context) error {
			return async.Sleep(forgotten(async.WithTimeout(ctx, time.Hour)), time.Second)
		}},
		{name: "raced", main: func(ctx context.Context) error {
			return second(gather.Any(ctx, async.Awaitable[int](async.Coroutine[int](quick)), async.Coroutine[int](forever)))
		}},
		{name: "called functions on other goroutines", main: func(ctx context.Context) error {
			for range 20 {
				must(async.ToThread(ctx, quick))
				must(async.Block(ctx, quick))
				must(async.RunInExecutor(ctx, nil, func() (int, error) { return 1, nil }).Await(ctx))
			}
			return nil
		}},
		{name: "left functions on other goroutines", main: func(ctx context.Context) error {
			for range 20 {
				async.CreateTask(ctx, func(ctx context.Context) (int, error) { return async.ToThread(ctx, patient) })
				async.CreateTask(ctx, func(ctx context.Context) (int, error) { return async.Block(ctx, patient) })
			}
			ticks(ctx, 3)
			return nil
		}},
		{name: "left a function that has not started on another goroutine", main: func(ctx context.Context) error {
			pool := future.NewPool(1)
			started, proceed := make(chan struct{}), make(chan struct{})
			first := async.RunInExecutor(ctx, pool, func() (int, error) { close(started); <-proceed; return 1, nil })
			rest := async.RunInExecutor(ctx, pool, func() (int, error) { return 1, nil })
			<-started
			rest.Cancel()
			close(proceed)
			check(second(first.Await(ctx)))
			return second(async.ToThread(ctx, func(ctx context.Context) (int, error) { return 0, pool.Shutdown(ctx) }))
		}},
		{name: "handled signals", main: func(ctx context.Context) error { return running(ctx).AddSignalHandler(os.Interrupt, func() {}) }},
		{name: "derived contexts and not cancelled them", main: func(ctx context.Context) error {
			for range 100 {
				inner := forgotten(context.WithCancel(ctx))
				timed := forgotten(context.WithTimeout(ctx, 24*365*time.Hour))
				async.Go(inner, untilCancelled)
				async.Go(ctx, func(context.Context) error { return async.Sleep(inner, time.Hour) })
				async.Go(ctx, func(context.Context) error { return async.Sleep(timed, time.Hour) })
				context.AfterFunc(inner, func() {})
			}
			ticks(ctx, 3)
			return nil
		}},
		{name: "waited for its end in goroutines", main: func(ctx context.Context) error {
			task := async.Go(ctx, hanging)
			for range 10 {
				over := ctx.Done()
				go func() { <-over }()
				go func() { <-task.Done() }()
				go func() { async.NewFuture[int](ctx).Await(ctx) }()
				go func() { task.Await(ctx) }()
			}
			ticks(ctx, 3)
			return nil
		}},
		{name: "had tasks from goroutines", main: func(ctx context.Context) error {
			l := running(ctx)
			return second(async.ToThread(ctx, func(ctx context.Context) (int, error) {
				var callers sync.WaitGroup
				for range 10 {
					callers.Go(func() { check(second(async.RunCoroutineThreadsafe(l, quick).Await(context.Background()))) })
					callers.Go(func() { async.RunCoroutineThreadsafe(l, forever) })
				}
				callers.Wait()
				return 0, nil
			}))
		}},
	}
	clocks := map[string]func() async.Option{
		"on the virtual clock": func() async.Option { return async.Clock(loop.NewVirtual()) },
		"on the real clock":    func() async.Option { return async.Clock(loop.NewReal()) },
	}
	long := []string{"run into timeouts", "forgotten to cancel WithTimeout", "left tasks that ignore their first cancellation"}
	for clock, option := range clocks {
		for _, e := range ends {
			if clock == "on the real clock" && slices.Contains(long, e.name) {
				continue
			}
			t.Run("nothing is left "+clock+" when main has "+e.name, func(t *testing.T) {
				guarded(t, func() {
					silent := async.Logger(slog.New(slog.DiscardHandler))
					expectError(t, "Run", async.Run(e.main, option(), silent), e.want)
				})
			})
		}
	}

	t.Run("nothing is left when main has panicked", func(t *testing.T) {
		guarded(t, func() {
			expectPanic(t, "as it should", func() {
				async.Run(func(ctx context.Context) error {
					async.Go(ctx, hanging)
					ticks(ctx, 2)
					return second(panicsHere(ctx))
				})
			})
		})
	})
	t.Run("nothing is left when a task, a callback or main was left by Goexit", func(t *testing.T) {
		for name, leave := range map[string]func(ctx context.Context){
			"a task":     func(ctx context.Context) { async.Go(ctx, func(context.Context) error { runtime.Goexit(); return nil }) },
			"a callback": func(ctx context.Context) { running(ctx).CallSoon(runtime.Goexit) },
			"main":       func(context.Context) { runtime.Goexit() },
		} {
			guarded(t, func() {
				if !goexits(func() {
					async.Run(func(ctx context.Context) error {
						async.Go(ctx, hanging)
						async.Go(ctx, stubborn)
						ticks(ctx, 2)
						leave(ctx)
						return hanging(ctx)
					}, async.Clock(loop.NewVirtual()))
				}) {
					t.Errorf("the Goexit of %s did not come through", name)
				}
			})
		}
	})
	t.Run("a function in ToThread is told when the loop of its task is closed", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop(async.Clock(loop.NewVirtual()))
			started := make(chan struct{})
			async.Go(l.Context(), func(ctx context.Context) error {
				return second(async.ToThread(ctx, func(ctx context.Context) (int, error) { close(started); return patient(ctx) }))
			})
			runOnce(t, l)
			<-started
			expectError(t, "Close", l.Close(), nil)
		})
	})
}

func TestLeaksOfABurst(t *testing.T) {
	t.Run("idle coroutines are released after a burst", func(t *testing.T) {
		guarded(t, func() {
			check(async.Run(func(ctx context.Context) error {
				const burst, few = 2000, 200
				before := runtime.NumGoroutine()
				tasks := make([]*async.Task[int], burst)
				for i := range tasks {
					tasks[i] = async.CreateTask(ctx, async.After(0, i))
				}
				must(async.GatherOf[int](ctx, tasks))
				if idle := async.Stats(running(ctx)).Idle; idle < burst/2 {
					t.Errorf("only %d coroutines are idle after the burst, so that nothing is shown", idle)
				}
				// How long it takes is up to the loop. That it happens at all is what counts.
				for deadline := time.Now().Add(10 * time.Second); async.Stats(running(ctx)).Idle > few; {
					if time.Now().After(deadline) {
						t.Errorf("%d coroutines are still idle", async.Stats(running(ctx)).Idle)
						return nil
					}
					check(async.Sleep(ctx, 10*time.Millisecond))
				}
				if n := runtime.NumGoroutine() - before; n > few {
					t.Errorf("there are %d goroutines more than before the burst", n)
				}
				return nil
			}))
		})
	})
	t.Run("a loop that is closed keeps no coroutine", func(t *testing.T) {
		guarded(t, func() {
			for range 10 {
				l := async.NewLoop()
				for range 200 {
					async.Go(l.Context(), func(ctx context.Context) error { return giveWay(ctx) })
					async.Go(l.Context(), untilCancelled)
				}
				for range 3 {
					runOnce(t, l)
				}
				expectError(t, "Close", l.Close(), nil)
			}
		})
	})
}

// leakProgram is a program that imports packages and tells of the goroutines that exist when main begins.
const leakProgram = `package main

import (
	"fmt"
	"runtime"

%s)

func main() {
	stacks := make([]byte, 1<<20)
	fmt.Printf("%%s", stacks[:runtime.Stack(stacks, true)])
}
`

func TestLeaksOfAnImport(t *testing.T) {
	t.Run("importing all packages starts no goroutine of ours", func(t *testing.T) {
		if testing.Short() {
			t.Skip("It builds a program.")
		}
		const module = "github.com/asyncgo/asyncgo/"
		list := must(runGo(t, "list", "./..."))
		var imports strings.Builder
		n := 0
		for pkg := range strings.FieldsSeq(list) {
			rest, ok := strings.CutPrefix(pkg, module)
			if !ok || strings.HasPrefix(rest, "examples") || strings.Contains(rest, "cmd/") {
				continue
			}
			if i := strings.Index(rest, "internal/"); i > 0 {
				continue // of one package alone
			}
			n++
			fmt.Fprintf(&imports, "\t_ %q\n", pkg)
		}
		if n < 5 {
			t.Fatalf("there are only %d packages:\n%s", n, list)
		}
		// Inside the module, so that it may import internal packages.
		dir := must(os.MkdirTemp("testdata", "imports"))
		defer os.RemoveAll(dir)
		check(os.WriteFile(filepath.Join(dir, "main.go"), fmt.Appendf(nil, leakProgram, imports.String()), 0o600))
		stacks := must(runGo(t, "run", "./async/"+filepath.ToSlash(dir)))
		// The main goroutine and the two of ants' default pool, each of them once.
		expected := []string{"main.main()", "created by github.com/panjf2000/ants/v2.(*poolCommon).goPurge ", "created by github.com/panjf2000/ants/v2.(*poolCommon).goTicktock "}
		for stack := range strings.SplitSeq(strings.TrimSpace(stacks), "\n\n") {
			i := slices.IndexFunc(expected, func(frame string) bool { return strings.Contains(stack, frame) })
			if i < 0 {
				t.Errorf("importing the packages has started\n%s", stack)
				continue
			}
			expected = slices.Delete(expected, i, i+1)
		}
	})
}

// runGo runs the go command in the root of the module and returns what it prints.
func runGo(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = ".."
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("go %v said %s", args, said.String())
	}
	return string(out), err
}

// isCollected reports whether the garbage collector has taken what p points to.
func isCollected[T any](p weak.Pointer[T]) bool {
	for range 20 {
		runtime.GC()
		if p.Value() == nil {
			return true
		}
	}
	return false
}

func TestLeaksOfMemory(t *testing.T) {
	// hold makes an object in a loop that goes on, and returns what tells whether it was collected. The loop must not keep it.
	inLoop := func(hold func(ctx context.Context) func() bool) func(t *testing.T) {
		return onLoop(func(ctx context.Context, t *testing.T) {
			collected := hold(ctx)
			// What has ended may be held by what is idle, until that has something else to do.
			ticks(ctx, 5)
			must(async.Gather[int](ctx, async.After(0, 1), async.After(0, 2)))
			if !collected() {
				t.Error("it is still held")
			}
		})
	}
	of := func(task *async.Task[int]) func() bool {
		p := weak.Make(task)
		return func() bool { return isCollected(p) }
	}
	for name, hold := range map[string]func(ctx context.Context) func() bool{
		"a task that has returned": func(ctx context.Context) func() bool {
			task := async.CreateTask(ctx, async.After(0, 1))
			must(task.Await(ctx))
			return of(task)
		},
		"a task that was cancelled in a sleep": func(ctx context.Context) func() bool {
			task := async.CreateTask(ctx, async.After(time.Hour, 1))
			ticks(ctx, 2)
			task.Cancel()
			waitFor(ctx, task)
			return of(task)
		},
		"a task that was cancelled before its first step": func(ctx context.Context) func() bool {
			task := async.CreateTask(ctx, async.After(time.Hour, 1))
			task.Cancel()
			waitFor(ctx, task)
			return of(task)
		},
		"a task that has panicked": func(ctx context.Context) func() bool {
			task := async.CreateTask(ctx, panicsHere)
			waitFor(ctx, task)
			task.Err()
			return of(task)
		},
		"a task that has run into a timeout": func(ctx context.Context) func() bool {
			task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				_, err := async.WaitFor(ctx, async.Coroutine[int](forever), time.Second)
				expectError(t, "WaitFor", err, async.ErrTimeout)
				return 1, nil
			})
			must(task.Await(ctx))
			return of(task)
		},
		"a task that was in ToThread and in Block": func(ctx context.Context) func() bool {
			task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				must(async.ToThread(ctx, func(context.Context) (int, error) { return 1, nil }))
				return async.Block(ctx, func(context.Context) (int, error) { return 1, nil })
			})
			must(task.Await(ctx))
			return of(task)
		},
		"a task that was in a group": func(ctx context.Context) func() bool {
			var task *async.Task[int]
			check(async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				task = async.Spawn(tg, async.After(0, 1))
				return nil
			}))
			return of(task)
		},
		"a task whose ctx contexts were derived from and not cancelled": func(ctx context.Context) func() bool {
			task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				inner := forgotten(context.WithCancel(ctx))
				context.AfterFunc(inner, func() {})
				return 1, async.Sleep(inner, time.Second)
			})
			must(task.Await(ctx))
			return of(task)
		},
		"a task that is awaited by one that was cancelled in Shield": func(ctx context.Context) func() bool {
			task := async.CreateTask(ctx, async.After(time.Second, 1))
			waiter := async.Go(ctx, func(ctx context.Context) error { return second(async.Shield(ctx, task)) })
			ticks(ctx, 2)
			waiter.Cancel()
			waitFor(ctx, waiter)
			must(task.Await(ctx))
			return of(task)
		},
		"a future that was awaited by several": func(ctx context.Context) func() bool {
			f := async.NewFuture[int](ctx)
			waiters := async.GatherFuture(ctx, async.Awaitable[int](f), async.Coroutine[int](f.Await))
			ticks(ctx, 2)
			check(f.SetResult(1))
			must(waiters.Await(ctx))
			p := weak.Make(f)
			return func() bool { return isCollected(p) }
		},
		"a future that nobody has completed": func(ctx context.Context) func() bool {
			f := async.NewFuture[int](ctx)
			_, _, err := async.Wait(ctx, []*async.Future[int]{f}, async.Within(time.Second))
			check(err)
			p := weak.Make(f)
			return func() bool { return isCollected(p) }
		},
		"the children of a gather that goes on": func(ctx context.Context) func() bool {
			task := async.CreateTask(ctx, async.After(0, 1))
			for range async.AsCompleted[int](ctx, task, async.NewFuture[int](ctx)) {
				break
			}
			return of(task)
		},
	} {
		t.Run("a running loop does not hold "+name, inLoop(hold))
	}

	for name, wait := range map[string]func(ctx context.Context, f *async.Future[int]) error{
		"Shield": func(ctx context.Context, f *async.Future[int]) error { return second(async.Shield(ctx, f)) },
		"Wait": func(ctx context.Context, f *async.Future[int]) error {
			_, _, err := async.Wait(ctx, []*async.Future[int]{f})
			return err
		},
		"Wait with a timeout": func(ctx context.Context, f *async.Future[int]) error {
			_, _, err := async.Wait(ctx, []*async.Future[int]{f}, async.Within(time.Second))
			return err
		},
		"Shield in a timeout": func(ctx context.Context, f *async.Future[int]) error {
			return second(async.WaitFor(ctx, async.Coroutine[int](func(ctx context.Context) (int, error) { return async.Shield(ctx, f) }), time.Second))
		},
	} {
		t.Run("a future that goes on forgets those who have left "+name, onLoop(func(ctx context.Context, t *testing.T) {
			f := async.NewFuture[int](ctx)
			tasks := make([]*async.Task[async.Void], 10)
			for i := range tasks {
				tasks[i] = async.Go(ctx, func(ctx context.Context) error { return wait(ctx, f) })
			}
			ticks(ctx, 3)
			expectEqual(t, "the number of those who wait", f.Completion().Waiting(), len(tasks))
			for _, task := range tasks[:len(tasks)/2] {
				task.Cancel()
			}
			check(async.Sleep(ctx, time.Minute))
			for _, task := range tasks[len(tasks)/2:] {
				task.Cancel()
			}
			ticks(ctx, 5)
			expectEqual(t, "the number of those who wait afterwards", f.Completion().Waiting(), 0)
		}))
	}

	for name, wait := range map[string]func(ctx context.Context) error{
		"sleeps": untilCancelled,
		"waits with a timeout": func(ctx context.Context) error {
			return second(async.WaitFor(ctx, async.Coroutine[int](forever), time.Minute))
		},
		"waits with WithTimeout": func(ctx context.Context) error {
			ctx, cancel := async.WithTimeout(ctx, time.Minute)
			defer cancel()
			return hanging(ctx)
		},
		"waits for several with a timeout": func(ctx context.Context) error {
			_, _, err := async.Wait(ctx, []*async.Future[int]{async.NewFuture[int](ctx)}, async.Within(time.Minute))
			return err
		},
	} {
		t.Run("no timer stays of one that was cancelled and "+name, onLoop(func(ctx context.Context, t *testing.T) {
			const n = 1000
			tasks := make([]*async.Task[async.Void], n)
			for i := range tasks {
				tasks[i] = async.Go(ctx, wait)
			}
			ticks(ctx, 3)
			expectEqual(t, "the number of timers", async.Stats(running(ctx)).Timers, n)
			for _, task := range tasks {
				task.Cancel()
			}
			ticks(ctx, 5)
			// They are cleared away when they are many.
			if left := async.Stats(running(ctx)).Timers; left > n/5 {
				t.Errorf("%d timers of %d are left", left, n)
			}
		}))
	}

	for name, use := range map[string]func() weak.Pointer[async.Loop]{
		"has run": func() weak.Pointer[async.Loop] {
			var p weak.Pointer[async.Loop]
			check(async.Run(func(ctx context.Context) error {
				p = weak.Make(running(ctx))
				async.Go(ctx, hanging)
				ticks(ctx, 2)
				return nil
			}))
			return p
		},
		"has used everything": func() weak.Pointer[async.Loop] {
			var p weak.Pointer[async.Loop]
			check(async.Run(func(ctx context.Context) error {
				p = weak.Make(running(ctx))
				check(running(ctx).AddSignalHandler(os.Interrupt, func() {}))
				running(ctx).CallLater(time.Hour, func() {})
				must(async.ToThread(ctx, func(context.Context) (int, error) { return 1, nil }))
				must(async.Block(ctx, func(context.Context) (int, error) { return 1, nil }))
				// Not with a timeout: a timer that was stopped stays in the runtime's heap for some time.
				inner := forgotten(context.WithCancel(ctx))
				async.Go(ctx, func(context.Context) error { return async.Sleep(inner, time.Hour) })
				ticks(ctx, 2)
				return nil
			}))
			return p
		},
		"was closed without a run": func() weak.Pointer[async.Loop] {
			l := async.NewLoop()
			async.Go(l.Context(), hanging)
			l.CallSoon(func() {})
			check(l.Close())
			return weak.Make(l)
		},
		"was closed with tasks in the middle": func() weak.Pointer[async.Loop] {
			l := async.NewLoop()
			for range 10 {
				async.Go(l.Context(), hanging)
				async.Go(l.Context(), untilCancelled)
			}
			runOnce(t, l)
			check(l.Close())
			return weak.Make(l)
		},
	} {
		t.Run("nothing holds a loop that "+name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			p := use()
			goleak.VerifyNone(t, before)
			if !isCollected(p) {
				t.Error("it is still held")
			}
		})
	}
}
