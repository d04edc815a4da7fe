package async_test

import (
	"context"
	"errors"
	"iter"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/gather"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// The tests here use the package in ways that it does not mean to be used in, or that need luck: none of them may hang the loop, lose a
// task, end the process or leave a goroutine behind.

// onVirtual runs main on the virtual clock and fails the test if Run returns anything but nil.
func onVirtual(t *testing.T, main func(ctx context.Context) error, opts ...async.Option) {
	t.Helper()
	expectError(t, "Run", async.Run(main, append([]async.Option{async.Clock(loop.NewVirtual())}, opts...)...), nil)
}

func TestCyclesOfWaits(t *testing.T) {
	// The cancellation of a wait is passed on to what is waited for. In a cycle it must not go round for ever: an overflow of the stack ends
	// the process, and nothing can recover from it.
	t.Run("a task that awaits its own future gets ErrAwaitSelf", func(t *testing.T) {
		inProcess(t, onLoop(func(ctx context.Context, t *testing.T) {
			var self *async.Task[int]
			self = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return self.Future().Await(ctx) })
			ticks(ctx, 2)
			expectError(t, "the task", self.Err(), async.ErrAwaitSelf)
		}))
	})
	t.Run("two tasks that await each other end when one is cancelled", func(t *testing.T) {
		inProcess(t, onLoop(func(ctx context.Context, t *testing.T) {
			var a, b *async.Task[int]
			a = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return b.Await(ctx) })
			b = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return a.Await(ctx) })
			ticks(ctx, 2)
			a.Cancel()
			waitFor(ctx, a, b)
			expectEqual(t, "a is cancelled", a.Cancelled(), true)
			expectEqual(t, "b is cancelled", b.Cancelled(), true)
		}))
	})
	t.Run("a cycle that nobody has cancelled does not keep Run from returning", func(t *testing.T) {
		inProcess(t, onLoop(func(ctx context.Context, t *testing.T) {
			ring := make([]*async.Task[int], 5)
			for i := range ring {
				ring[i] = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return ring[(i+1)%len(ring)].Await(ctx) })
			}
			ticks(ctx, 2)
		}))
	})
	t.Run("a task that gathers itself ends when it is cancelled", func(t *testing.T) {
		inProcess(t, onLoop(func(ctx context.Context, t *testing.T) {
			var self *async.Task[int]
			self = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				_, err := async.Gather[int](ctx, self)
				return 0, err
			})
			ticks(ctx, 2)
			self.Cancel()
			waitFor(ctx, self)
			expectEqual(t, "the task is cancelled", self.Cancelled(), true)
		}))
	})
}

func TestLoopThatStandsStill(t *testing.T) {
	t.Run("any number of goroutines can ask it for its Stats", func(t *testing.T) {
		guarded(t, func() {
			for range 2000 {
				l := async.NewLoop()
				var askers sync.WaitGroup
				for range 3 {
					askers.Go(func() { async.Stats(l) })
				}
				askers.Wait()
				check(l.Close())
			}
		})
	})
	t.Run("an exception handler can ask it for its tasks", func(t *testing.T) {
		guarded(t, func() {
			reported := make(chan struct{})
			l := async.NewLoop(async.ExceptionHandler(func(l *async.Loop, _ async.ExceptionContext) {
				async.AllTasks(l.Context())
				close(reported)
			}))
			func() { check(async.NewFuture[int](l.Context()).SetError(errors.New("dropped"))) }()
			isDropped(reported)
			select {
			case <-reported:
			case <-time.After(10 * time.Second):
				t.Error("the handler hangs")
			}
			check(l.Close())
		})
	})
	t.Run("only one of two goroutines can run it, the other gets ErrLoopRunning at once", func(t *testing.T) {
		guarded(t, func() {
			for range 2000 {
				l := async.NewLoop()
				results := make(chan error)
				for range 2 {
					go func() { results <- l.RunForever() }()
				}
				// The loop runs until the other goroutine has its answer.
				expectError(t, "the first to return", <-results, async.ErrLoopRunning)
				l.Stop()
				expectError(t, "the second to return", <-results, nil)
				check(l.Close())
			}
		})
	})
	t.Run("Close unwinds a task in a TaskGroup", func(t *testing.T) {
		inProcess(t, func(t *testing.T) {
			guarded(t, func() {
				l := async.NewLoop(async.Clock(loop.NewVirtual()))
				var c chronicle
				async.Go(l.Context(), func(ctx context.Context) error {
					defer c.add("the task is unwound")
					return async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
						tg.Go(func(ctx context.Context) error {
							defer c.add("the child is unwound")
							return hanging(ctx)
						})
						return hanging(ctx)
					})
				})
				runOnce(t, l)
				runOnce(t, l)
				expectError(t, "Close", l.Close(), nil)
				c.expect(t, "the task is unwound", "the child is unwound")
			})
		})
	})
	t.Run("Close unwinds a task whose deferred calls want to wait, and they get an error", func(t *testing.T) {
		waits := map[string]func(ctx context.Context) error{
			"Sleep":             func(ctx context.Context) error { return async.Sleep(ctx, time.Hour) },
			"Sleep for nothing": func(ctx context.Context) error { return async.Sleep(ctx, 0) },
			"Await":             hanging,
			"WaitFor": func(ctx context.Context) error {
				_, err := async.WaitFor[int](ctx, async.NewFuture[int](ctx), time.Hour)
				return err
			},
			"TaskGroup": func(ctx context.Context) error {
				return async.WithTaskGroup(ctx, func(context.Context, *async.TaskGroup) error { return nil })
			},
			"ToThread": func(ctx context.Context) error {
				_, err := async.ToThread(ctx, func(context.Context) (int, error) { return 0, nil })
				return err
			},
		}
		for name, wait := range waits {
			t.Run(name, func(t *testing.T) {
				guarded(t, func() {
					l := async.NewLoop(async.Clock(loop.NewVirtual()))
					var got error
					async.Go(l.Context(), func(ctx context.Context) error {
						defer func() { got = wait(context.WithoutCancel(ctx)) }()
						return hanging(ctx)
					})
					runOnce(t, l)
					expectError(t, "Close", l.Close(), nil)
					if got == nil {
						t.Error("the wait did not return an error")
					}
				})
			})
		}
	})
}

func TestTaskGroupFromOtherGoroutines(t *testing.T) {
	t.Run("a child that another goroutine starts is refused or waited for", func(t *testing.T) {
		guarded(t, func() {
			expectError(t, "Run", async.Run(func(ctx context.Context) error {
				for range 1000 {
					var child *async.Task[async.Void]
					var starter sync.WaitGroup
					check(async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
						ready := make(chan struct{})
						starter.Go(func() {
							close(ready)
							child = tg.Go(func(ctx context.Context) error {
								ticks(ctx, 20)
								return nil
							})
						})
						<-ready
						return nil
					}))
					starter.Wait()
					if !child.IsDone() {
						t.Errorf("%v has outlived its group", child)
						return nil
					}
				}
				return nil
			}), nil)
		})
	})
}

func TestPanicOfAChildThatMainReturns(t *testing.T) {
	guarded(t, func() {
		_, err := async.RunResult(func(ctx context.Context) (int, error) {
			return async.CreateTask(ctx, panicsHere).Await(ctx)
		})
		var caught *async.PanicError
		if !errors.As(err, &caught) || caught.Value != "as it should" {
			t.Errorf("Run has returned %v", err)
		}
	})
}

// awaitsLong is an awaitable of a type that the package does not know. It has to be run in a task.
type awaitsLong struct{}

func (awaitsLong) Await(ctx context.Context) (int, error) { return forever(ctx) }

// refuses is an executor that is broken.
type refuses struct{}

func (refuses) Execute(func()) error { panic("out of order") }

func TestExecutorThatPanics(t *testing.T) {
	guarded(t, func() {
		onVirtual(t, func(ctx context.Context) error {
			task := async.Go(ctx, func(ctx context.Context) error {
				async.RunInExecutor(ctx, refuses{}, func() (int, error) { return 0, nil })
				return nil
			})
			_, err := task.Await(ctx)
			var caught *async.PanicError
			if !errors.As(err, &caught) || caught.Value != "out of order" {
				t.Errorf("the task has ended with %v", err)
			}
			// The virtual clock must not believe that the function is still under way.
			return async.Sleep(ctx, time.Hour)
		})
	})
}

func TestContextVarInTwoGoroutines(t *testing.T) {
	// What the goroutine reads depends on luck, but the memory must not: this test is for the race detector.
	v := async.NewContextVar("v", 0)
	guarded(t, func() {
		for range 100 {
			onVirtual(t, func(ctx context.Context) error {
				var reader sync.WaitGroup
				reader.Go(func() {
					if got := v.Get(ctx); got != 0 && got != 1 {
						t.Errorf("the variable is %d", got)
					}
				})
				v.Set(ctx, 1)
				reader.Wait()
				return nil
			})
		}
	})
}

func TestCancellationInADerivedContext(t *testing.T) {
	// In a block the standard library's contexts are as good as our own: the rule is the same whether the ctx of the block is the task's
	// or one derived from it.
	derive := map[string]func(ctx context.Context) (context.Context, context.CancelFunc){
		"the task's own ctx": func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} },
		"context.WithCancel": context.WithCancel,
		"context.WithValue": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithValue(ctx, awaitsLong{}, 1), func() {}
		},
	}
	for name, derived := range derive {
		t.Run("a cancellation from outside wins over a timeout in "+name, onLoop(func(ctx context.Context, t *testing.T) {
			task := async.Go(ctx, func(ctx context.Context) error {
				ctx, cancel := derived(ctx)
				defer cancel()
				return async.Timeout(ctx, time.Second, func(ctx context.Context, _ *async.TimeoutScope) error { return hanging(ctx) })
			})
			ticks(ctx, 1)
			running(ctx).CallLater(time.Second, func() { task.Cancel() }) // in the tick of the timeout
			_, err := task.Await(ctx)
			expectError(t, "the task", err, async.ErrCancelled)
		}))
		t.Run("a cancellation from outside is not taken for that of the group in "+name, onLoop(func(ctx context.Context, t *testing.T) {
			errBad := errors.New("bad")
			var again error
			task := async.Go(ctx, func(ctx context.Context) error {
				ctx, cancel := derived(ctx)
				defer cancel()
				err := async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
					tg.Go(func(ctx context.Context) error {
						check(async.Sleep(ctx, time.Second))
						return errBad
					})
					return hanging(ctx)
				})
				again = async.Sleep(ctx, 0)
				return err
			})
			ticks(ctx, 2)
			running(ctx).CallLater(time.Second, func() { task.Cancel() })
			_, err := task.Await(ctx)
			expectError(t, "the task", err, errBad)
			expectError(t, "the next wait", again, async.ErrCancelled)
		}))
	}
}

// holdsUp is in the list of those who wait for something, and has those behind it wait.
type holdsUp struct{ reached, proceed chan struct{} }

func (h holdsUp) Notify(*loop.Loop) bool {
	close(h.reached)
	<-h.proceed
	return false
}

func TestNoticeThatComesLate(t *testing.T) {
	// A task finds the future done, because it was woken by something else, before the notice of the goroutine that has completed it comes
	// in, and waits for the next one already: this test is for the race detector.
	guarded(t, func() {
		for range 200 {
			onVirtual(t, func(ctx context.Context) error {
				first, second := async.NewFuture[int](ctx), async.NewFuture[int](ctx)
				h := holdsUp{make(chan struct{}), make(chan struct{})}
				w := loop.MakeWaiter(h)
				first.Completion().Add(&w)
				task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
					first.Await(ctx)
					return second.Await(context.WithoutCancel(ctx))
				})
				ticks(ctx, 1)
				var others sync.WaitGroup
				others.Go(func() { check(first.SetResult(1)) })
				<-h.reached
				others.Go(func() {
					for second.Completion().Waiting() == 0 {
						runtime.Gosched()
					}
					check(second.SetResult(2))
				})
				task.Cancel()
				others.Go(func() { close(h.proceed) })
				v, err := task.Await(ctx)
				others.Wait()
				expectEqual(t, "the result", v, 2)
				return err
			})
		}
	})
}

// nothing is a ctx that nobody has set.
var nothing context.Context

// oneSentence is how a panic about misuse reads.
var oneSentence = regexp.MustCompile(`^(async|future|gather): [^\n]+[^\n.]$`)

// elsewhere runs f on a plain goroutine, and panics here if it panics there.
func elsewhere(f func()) {
	panicked := make(chan any)
	go func() {
		defer func() { panicked <- recover() }()
		f()
	}()
	if v := <-panicked; v != nil {
		panic(v)
	}
}

func TestBadInput(t *testing.T) {
	var (
		noFuture *async.Future[int]
		noTask   *async.Task[int]
		noCo     async.Coroutine[int]
		noItems  iter.Seq[int]
		noLoop   *async.Loop
		noGroup  *async.TaskGroup
		double   = func(_ context.Context, n int) (int, error) { return 2 * n, nil }
		empty    = func(context.Context) error { return nil }
		answer   = func(context.Context) (int, error) { return 42, nil }
		onGroup  = func(context.Context, *async.TaskGroup) error { return nil }
		onTime   = func(context.Context, *async.TimeoutScope) error { return nil }
	)
	// Each of these panics with one plain sentence that begins with the name of a package.
	for name, misuse := range map[string]func(ctx context.Context){
		"a nil Coroutine is awaited":         func(ctx context.Context) { noCo.Await(ctx) },
		"a nil Coroutine becomes a task":     func(ctx context.Context) { async.CreateTask(ctx, noCo) },
		"a nil Coroutine starts":             func(ctx context.Context) { noCo.Start(ctx) },
		"a nil function becomes a task":      func(ctx context.Context) { async.Go(ctx, nil) },
		"a nil function becomes a Coroutine": func(context.Context) { async.Do(nil) },
		"a nil Coroutine is ensured":         func(ctx context.Context) { async.EnsureFuture(ctx, async.Awaitable[int](noCo)) },
		"nil is ensured":                     func(ctx context.Context) { async.EnsureFuture[int](ctx, nil) },
		"a nil Future is ensured":            func(ctx context.Context) { async.EnsureFuture(ctx, async.Awaitable[int](noFuture)) },
		"a nil Task is ensured":              func(ctx context.Context) { async.EnsureFuture(ctx, async.Awaitable[int](noTask)) },
		"a nil Future is awaited":            func(ctx context.Context) { noFuture.Await(ctx) },
		"a nil Task is awaited":              func(ctx context.Context) { noTask.Await(ctx) },
		"a nil Future gets a callback":       func(context.Context) { noFuture.AddDoneCallback(func(*async.Future[int]) {}) },
		"a nil Task gets a callback":         func(context.Context) { noTask.AddDoneCallback(func(*async.Future[int]) {}) },
		"a Future gets a nil callback":       func(ctx context.Context) { async.NewFuture[int](ctx).AddDoneCallback(nil) },
		"a Future gets a nil error":          func(ctx context.Context) { async.NewFuture[int](ctx).SetError(nil) },
		"nil is shielded":                    func(ctx context.Context) { async.Shield[int](ctx, nil) },
		"a nil Future is shielded":           func(ctx context.Context) { async.Shield[int](ctx, noFuture) },
		"a nil Task is shielded":             func(ctx context.Context) { async.Shield[int](ctx, noTask) },
		"nil is waited for":                  func(ctx context.Context) { async.WaitFor[int](ctx, nil, time.Second) },
		"a nil Future is waited for":         func(ctx context.Context) { async.WaitFor[int](ctx, noFuture, time.Second) },
		"a nil Future is waited for at once": func(ctx context.Context) { async.WaitFor[int](ctx, noFuture, 0) },
		"a nil Task is waited for at once":   func(ctx context.Context) { async.WaitFor[int](ctx, noTask, 0) },
		"nil is gathered":                    func(ctx context.Context) { async.Gather[int](ctx, nil) },
		"a nil Future is gathered":           func(ctx context.Context) { async.Gather[int](ctx, noFuture) },
		"a nil Task is gathered":             func(ctx context.Context) { async.GatherOf(ctx, []*async.Task[int]{noTask}) },
		"a nil Coroutine is gathered":        func(ctx context.Context) { async.GatherSettled[int](ctx, noCo) },
		"a nil Coroutine is one of two":      func(ctx context.Context) { async.Gather2[int, int](ctx, async.After(0, 1), noCo) },
		"a nil Task is in Wait":              func(ctx context.Context) { async.Wait(ctx, []*async.Task[int]{noTask}) },
		"a nil Future is in Completed":       func(ctx context.Context) { async.Completed(ctx, []*async.Future[int]{noFuture}) },
		"a nil Task is in AsCompleted":       func(ctx context.Context) { async.AsCompleted[int](ctx, noTask) },
		"a nil Future races":                 func(ctx context.Context) { async.Race[int](ctx, noFuture) },
		"Map has a negative limit":           func(ctx context.Context) { gather.Map(ctx, -1, slices.Values([]int{1}), double) },
		"Map has no function":                func(ctx context.Context) { gather.Map[int, int](ctx, 1, slices.Values([]int{1}), nil) },
		"Map has no items":                   func(ctx context.Context) { gather.Map(ctx, 1, noItems, double) },
		"a group has no body":                func(ctx context.Context) { async.WithTaskGroup(ctx, nil) },
		"a group is nil":                     func(context.Context) { noGroup.Go(empty) },
		"a group gets a nil function": func(ctx context.Context) {
			check(async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error { tg.Go(nil); return nil }))
		},
		"a group gets a nil Coroutine": func(ctx context.Context) {
			check(async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error { async.Spawn(tg, noCo); return nil }))
		},
		"a timeout has no body":                 func(ctx context.Context) { async.Timeout(ctx, time.Second, nil) },
		"ToThread has no function":              func(ctx context.Context) { async.ToThread[int](ctx, nil) },
		"Block has no function":                 func(ctx context.Context) { async.Block[int](ctx, nil) },
		"an executor has no function":           func(ctx context.Context) { async.RunInExecutor[int](ctx, nil, nil) },
		"Run has no main":                       func(context.Context) { async.Run(nil) },
		"RunResult has no main":                 func(context.Context) { async.RunResult[int](nil) },
		"a nil Awaitable runs to its end":       func(context.Context) { async.RunUntilComplete[int](async.NewLoop(), nil) },
		"a nil Loop runs to an end":             func(context.Context) { async.RunUntilComplete(noLoop, async.After(0, 1)) },
		"a nil Loop gets a coroutine":           func(context.Context) { async.RunCoroutineThreadsafe(noLoop, async.After(0, 1)) },
		"a loop gets a nil callback":            func(ctx context.Context) { running(ctx).CallSoon(nil) },
		"a loop gets a nil callback for later":  func(ctx context.Context) { running(ctx).CallLater(1, nil) },
		"a loop gets a nil callback for a time": func(ctx context.Context) { running(ctx).CallAt(1, nil) },
		"a slow task takes no time":             func(context.Context) { async.SlowTask(0) },
		"a slow task takes negative time":       func(context.Context) { async.SlowTask(-1) },
		"a loop takes its values from nil":      func(context.Context) { async.WithContext(nothing) },

		"a task sleeps with a nil ctx":               func(context.Context) { async.Sleep(nothing, time.Second) },
		"a task gives way with a nil ctx":            func(context.Context) { async.Sleep(nothing, 0) },
		"a future is awaited with a nil ctx":         func(ctx context.Context) { async.NewFuture[int](ctx).Await(nothing) },
		"a task is created with a nil ctx":           func(context.Context) { async.Go(nothing, empty) },
		"a future is made with a nil ctx":            func(context.Context) { async.NewFuture[int](nothing) },
		"a timeout has a nil ctx":                    func(context.Context) { async.Timeout(nothing, time.Second, onTime) },
		"a ctx with a timeout is made of nil":        func(context.Context) { async.WithTimeout(nothing, time.Second) },
		"a group has a nil ctx":                      func(context.Context) { async.WithTaskGroup(nothing, onGroup) },
		"ToThread has a nil ctx":                     func(context.Context) { async.ToThread(nothing, answer) },
		"an executor has a nil ctx":                  func(context.Context) { async.RunInExecutor(nothing, nil, func() (int, error) { return 0, nil }) },
		"a gather has a nil ctx":                     func(ctx context.Context) { async.Gather(nothing, async.Awaitable[int](async.NewFuture[int](ctx))) },
		"a wait for several has a nil ctx":           func(ctx context.Context) { async.Wait(nothing, []*async.Future[int]{async.NewFuture[int](ctx)}) },
		"all tasks are asked for with a nil ctx":     func(context.Context) { async.AllTasks(nothing) },
		"the loop is asked for with a nil ctx":       func(context.Context) { async.RunningLoop(nothing) },
		"a plain goroutine awaits with a nil ctx":    func(ctx context.Context) { elsewhere(func() { async.NewFuture[int](ctx).Await(nothing) }) },
		"a plain goroutine sleeps with a nil ctx":    func(context.Context) { elsewhere(func() { async.Sleep(nothing, time.Second) }) },
		"a plain goroutine gives way with a nil ctx": func(context.Context) { elsewhere(func() { async.Sleep(nothing, 0) }) },
	} {
		t.Run("a panic in one sentence when "+name, func(t *testing.T) {
			guarded(t, func() {
				onVirtual(t, func(ctx context.Context) error {
					// In a task of its own, so that a wait that is not refused does not hang the test.
					task := async.Go(ctx, func(ctx context.Context) error {
						misuse(ctx)
						return nil
					})
					check(async.Sleep(ctx, 2*time.Hour))
					var caught *async.PanicError
					if err := task.Err(); !errors.As(err, &caught) {
						t.Errorf("the task is %v and its error %v", task, err)
						return nil
					}
					if s, ok := caught.Value.(string); !ok || !oneSentence.MatchString(s) {
						t.Errorf("the panic is %v", caught.Value)
					}
					return nil
				})
			})
		})
	}
}
