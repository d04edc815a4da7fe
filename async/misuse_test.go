package async_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
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
			atOnce(ctx, func() {
				self = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return self.Future().Await(ctx) })
			})
			ticks(ctx, 2)
			expectError(t, "the task", self.Err(), async.ErrAwaitSelf)
		}))
	})
	t.Run("two tasks that await each other end when one is cancelled", func(t *testing.T) {
		inProcess(t, onLoop(func(ctx context.Context, t *testing.T) {
			var a, b *async.Task[int]
			atOnce(ctx, func() {
				a = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return b.Await(ctx) })
				b = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return a.Await(ctx) })
			})
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
			atOnce(ctx, func() {
				for i := range ring {
					ring[i] = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return ring[(i+1)%len(ring)].Await(ctx) })
				}
			})
			ticks(ctx, 2)
		}))
	})
	t.Run("a task that gathers itself ends when it is cancelled", func(t *testing.T) {
		inProcess(t, onLoop(func(ctx context.Context, t *testing.T) {
			var self *async.Task[int]
			atOnce(ctx, func() {
				self = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
					_, err := async.Gather[int](ctx, self)
					return 0, err
				})
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
			"Sleep for nothing": func(ctx context.Context) error { return giveWay(ctx) },
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
				again = giveWay(ctx)
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
