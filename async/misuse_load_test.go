package async_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// memory returns how many bytes the heap and the stacks take.
func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

func TestAMillionTasks(t *testing.T) {
	if testing.Short() {
		t.Skip("a million tasks take seconds")
	}
	t.Run("a million tasks run, in batches and without a trace", func(t *testing.T) {
		guarded(t, func() {
			const batch = 1000
			n := 1_000_000
			if raceEnabled { // which makes everything ten times slower
				n = 200_000
			}
			before := memory()
			ran := 0
			expectError(t, "Run", async.Run(func(ctx context.Context) error {
				tasks := make([]*async.Task[int], batch)
				for range n / batch {
					for i := range tasks {
						tasks[i] = async.CreateTask(ctx, func(context.Context) (int, error) { ran++; return ran, nil })
					}
					if _, err := async.GatherOf(ctx, tasks); err != nil {
						return err
					}
				}
				expectEqual(t, "the number of tasks that are left", len(async.AllTasks(ctx)), 1)
				return nil
			}), nil)
			expectEqual(t, "the number of tasks that have run", ran, n)
			if after := memory(); after > before+16<<20 {
				t.Errorf("the memory has grown from %d to %d bytes", before, after)
			}
		})
	})
	t.Run("the memory of very many tasks that wait at the same time is given back while the loop runs on", func(t *testing.T) {
		guarded(t, func() {
			n := 100_000 // a million of them would take gigabytes
			if raceEnabled {
				n = 5000
			}
			expectError(t, "Run", async.Run(func(ctx context.Context) error {
				before := memory()
				gate := async.NewFuture[int](ctx)
				tasks := make([]*async.Task[int], n)
				for i := range tasks {
					tasks[i] = async.CreateTask(ctx, gate.Await)
				}
				ticks(ctx, 2)
				expectEqual(t, "the number of tasks", len(async.AllTasks(ctx)), n+1)
				during := memory()
				check(gate.SetResult(1))
				if _, err := async.GatherOf(ctx, tasks); err != nil {
					return err
				}
				clear(tasks)
				// The loop lets go of idle coroutines bit by bit, on its own clock.
				for async.Stats(running(ctx)).Idle > 100 {
					check(async.Sleep(ctx, time.Millisecond))
				}
				if after := memory(); after-before > (during-before)/5 {
					t.Errorf("the memory was %d bytes before, %d meanwhile and is %d afterwards", before, during, after)
				}
				return nil
			}), nil)
		})
	})
	t.Run("very many tasks that wait are cancelled at the end of the run", func(t *testing.T) {
		guarded(t, func() {
			ended := 0
			expectError(t, "Run", async.Run(func(ctx context.Context) error {
				for range 5000 {
					async.Go(ctx, func(ctx context.Context) error {
						defer func() { ended++ }()
						return hanging(ctx)
					})
				}
				ticks(ctx, 1)
				return nil
			}), nil)
			expectEqual(t, "the number of tasks that were unwound", ended, 5000)
		})
	})
}

// descend calls itself n times, lets the others run at the bottom and at some of the steps on the way back, and returns how deep it was.
func descend(ctx context.Context, n int) int {
	if n == 0 {
		check(giveWay(ctx))
		return 0
	}
	depth := descend(ctx, n-1) + 1
	if n%100_000 == 0 {
		check(giveWay(ctx))
	}
	return depth
}

func TestDeepRecursion(t *testing.T) {
	depth := 1_000_000
	if testing.Short() {
		depth = 100_000
	}
	t.Run("tasks grow their stacks while others run", func(t *testing.T) {
		guarded(t, func() {
			onVirtual(t, func(ctx context.Context) error {
				deep := async.CreateTask(ctx, func(ctx context.Context) (int, error) { return descend(ctx, depth), nil })
				less := async.CreateTask(ctx, func(ctx context.Context) (int, error) { return descend(ctx, depth/2), nil })
				steps := 0
				others := async.Go(ctx, func(ctx context.Context) error {
					for !deep.IsDone() {
						steps++
						check(giveWay(ctx))
					}
					return nil
				})
				expectEqual(t, "the depth", must(deep.Await(ctx)), depth)
				expectEqual(t, "the lesser depth", must(less.Await(ctx)), depth/2)
				expectEqual(t, "how often another task ran", must(others.Await(ctx)) == async.Void{} && steps > depth/100_000, true)
				return nil
			})
		})
	})
	t.Run("a task in deep recursion is cancelled and unwound, and a panic from down there is caught", func(t *testing.T) {
		guarded(t, func() {
			onVirtual(t, func(ctx context.Context) error {
				var down func(ctx context.Context, n int, bottom func(ctx context.Context) error) error
				down = func(ctx context.Context, n int, bottom func(ctx context.Context) error) error {
					if n == 0 {
						return bottom(ctx)
					}
					return down(ctx, n-1, bottom)
				}
				cancelled := async.Go(ctx, func(ctx context.Context) error { return down(ctx, 100_000, hanging) })
				crashed := async.Go(ctx, func(ctx context.Context) error {
					return down(ctx, 100_000, func(context.Context) error { panic("down here") })
				})
				ticks(ctx, 2)
				cancelled.Cancel()
				expectError(t, "the one that is cancelled", errorOf(cancelled.Await(ctx)), async.ErrCancelled)
				var caught *async.PanicError
				if err := errorOf(crashed.Await(ctx)); !errors.As(err, &caught) {
					t.Errorf("the one that panics has ended with %v", err)
				}
				return nil
			})
		})
	})
	const chain = 10_000
	// await makes a chain of tasks each of which awaits the next one.
	await := func(ctx context.Context, last async.Coroutine[int]) *async.Task[int] {
		task := async.CreateTask(ctx, last)
		for range chain {
			next := task
			task = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				v, err := next.Await(ctx)
				return v + 1, err
			})
		}
		return task
	}
	t.Run("ten thousand tasks await each other in a chain", func(t *testing.T) {
		guarded(t, func() {
			onVirtual(t, func(ctx context.Context) error {
				expectEqual(t, "the result", must(await(ctx, async.After(time.Second, 0)).Await(ctx)), chain)
				return nil
			})
		})
	})
	t.Run("each task of a chain can make the next one", func(t *testing.T) {
		guarded(t, func() {
			onVirtual(t, func(ctx context.Context) error {
				var below func(n int) async.Coroutine[int]
				below = func(n int) async.Coroutine[int] {
					return func(ctx context.Context) (int, error) {
						if n == 0 {
							return 0, nil
						}
						v, err := async.CreateTask(ctx, below(n-1)).Await(ctx)
						return v + 1, err
					}
				}
				expectEqual(t, "the result", must(async.CreateTask(ctx, below(chain)).Await(ctx)), chain)
				return nil
			})
		})
	})
	t.Run("the cancellation of the first task of a chain reaches the last", func(t *testing.T) {
		inProcess(t, onLoop(func(ctx context.Context, t *testing.T) {
			reached := false
			task := await(ctx, func(ctx context.Context) (int, error) {
				v, err := forever(ctx)
				reached = errors.Is(err, async.ErrCancelled)
				return v, err
			})
			ticks(ctx, 2)
			task.Cancel()
			waitFor(ctx, task)
			expectEqual(t, "the first is cancelled", task.Cancelled(), true)
			expectEqual(t, "the last was reached", reached, true)
		}))
	})
	t.Run("a panic at the end of a chain of a hundred eager tasks comes back to the first", func(t *testing.T) {
		guarded(t, func() {
			onVirtual(t, func(ctx context.Context) error {
				var below func(n int) async.Coroutine[int]
				below = func(n int) async.Coroutine[int] {
					return func(ctx context.Context) (int, error) {
						if n == 0 {
							return panicsHere(ctx)
						}
						return async.CreateTask(ctx, below(n-1), async.Eager()).Await(ctx)
					}
				}
				var caught *async.PanicError
				if err := errorOf(async.CreateTask(ctx, below(100), async.Eager()).Await(ctx)); !errors.As(err, &caught) {
					t.Errorf("the first has ended with %v", err)
				}
				return nil
			})
		})
	})
}

func TestSetResultFromEverywhere(t *testing.T) {
	t.Run("of a hundred goroutines one sets the result, and everybody who waits sees that one", func(t *testing.T) {
		guarded(t, func() {
			for range 20 {
				f := future.New[int]()
				var won atomic.Int32
				var winner atomic.Int64
				sees := func(ctx context.Context) (int, error) { return f.Await(ctx) }
				var seen sync.Map
				var all, waiting sync.WaitGroup
				see := func(where int, v int, err error) {
					if err != nil {
						v = -1
					}
					seen.Store(where, v)
				}
				// Tasks of two loops, goroutines, and callbacks wait.
				for i := range 2 {
					waiting.Add(1)
					all.Go(func() {
						check(async.Run(func(ctx context.Context) error {
							tasks := []*async.Task[int]{async.CreateTask(ctx, sees), async.CreateTask(ctx, sees)}
							ticks(ctx, 1)
							waiting.Done()
							for j, task := range tasks {
								v, err := task.Await(ctx)
								see(100+10*i+j, v, err)
							}
							return nil
						}))
					})
				}
				for i := range 5 {
					all.Go(func() {
						v, err := f.Await(context.Background())
						see(i, v, err)
					})
				}
				f.AddDoneCallback(func(f *async.Future[int]) {
					v, err := f.Result()
					see(200, v, err)
				})
				waiting.Wait()
				start := make(chan struct{})
				for i := range 100 {
					all.Go(func() {
						<-start
						switch err := f.SetResult(i); {
						case err == nil:
							won.Add(1)
							winner.Store(int64(i))
						case !errors.Is(err, async.ErrInvalidState):
							t.Errorf("SetResult has returned %v", err)
						}
					})
				}
				close(start)
				all.Wait()
				expectEqual(t, "the number of those that have set the result", won.Load(), 1)
				n := 0
				seen.Range(func(where, v any) bool {
					n++
					expectEqual(t, "what is seen", v.(int), int(winner.Load()))
					return true
				})
				expectEqual(t, "the number of those that have seen it", n, 10)
			}
		})
	})
	t.Run("of SetResult, SetError and Cancel from many goroutines one has an effect", func(t *testing.T) {
		guarded(t, func() {
			errBad := errors.New("bad")
			for range 50 {
				onVirtual(t, func(ctx context.Context) error {
					f := async.NewFuture[int](ctx)
					var won atomic.Int32
					count := func(ok bool) {
						if ok {
							won.Add(1)
						}
					}
					err := onGoroutine(ctx, func() error {
						var all sync.WaitGroup
						for range 10 {
							all.Go(func() { count(f.SetResult(1) == nil) })
							all.Go(func() { count(f.SetError(errBad) == nil) })
							all.Go(func() { count(f.Cancel()) })
						}
						all.Wait()
						return nil
					})
					expectEqual(t, "the number of those that had an effect", won.Load(), 1)
					v, got := f.Await(ctx)
					if got == nil && v != 1 || got != nil && got != errBad && !errors.Is(got, async.ErrCancelled) {
						t.Errorf("the future has ended with %v, %v", v, got)
					}
					return err
				})
			}
		})
	})
}

func TestTaskThatNeverYields(t *testing.T) {
	t.Run("a task that never yields holds up the cancellation of others and nothing is lost", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		other := async.Go(ctx, func(ctx context.Context) error {
			defer c.add("the other is unwound")
			return hanging(ctx)
		})
		ticks(ctx, 1)
		isBusy, cancelled := make(chan struct{}), make(chan struct{})
		go func() {
			<-isBusy
			other.Cancel()
			close(cancelled)
		}()
		busy := async.Go(ctx, func(context.Context) error {
			close(isBusy)
			<-cancelled // the loop's goroutine stands still
			for range 1000 {
				if other.IsDone() {
					c.add("the other is done too early")
				}
				runtime.Gosched()
			}
			c.add("the busy one ends")
			return nil
		})
		waitFor(ctx, busy, other)
		expectEqual(t, "the other is cancelled", other.Cancelled(), true)
		c.expect(t, "the busy one ends", "the other is unwound")
	}))
	t.Run("a task that never waits is cancelled and ends as it likes", func(t *testing.T) {
		onLoop(func(ctx context.Context, t *testing.T) {
			started, requested := make(chan struct{}), make(chan struct{})
			task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				close(started)
				<-requested
				for ctx.Err() == nil { // asks, and does not wait
					runtime.Gosched()
				}
				return 42, nil
			})
			go func() {
				<-started
				task.Cancel()
				close(requested)
			}()
			v, err := task.Await(ctx)
			expectEqual(t, "the result", v, 42)
			expectError(t, "the task", err, nil)
		})(t)
	})
	t.Run("the end of Run waits for a task that is busy when it is cancelled", func(t *testing.T) {
		guarded(t, func() {
			var c chronicle
			stop, cancel := context.WithCancel(context.Background())
			err := async.Run(func(ctx context.Context) error {
				async.Go(ctx, func(ctx context.Context) error {
					defer c.add("the other is unwound")
					return hanging(ctx)
				})
				async.Go(ctx, func(context.Context) error {
					cancel() // of the whole run, by its context
					for range 1000 {
						runtime.Gosched()
					}
					c.add("the busy one ends")
					return nil
				})
				return hanging(ctx)
			}, async.Clock(loop.NewVirtual()), async.WithContext(stop))
			expectError(t, "Run", err, async.ErrCancelled)
			c.expect(t, "the busy one ends", "the other is unwound")
		})
	})
}

// lockMarker tells the child process which of the cases to run.
const lockMarker = "ASYNCGO_TEST_LOCK_THREAD"

func TestLockOSThread(t *testing.T) {
	locked := func(body func(ctx context.Context) error) func(t *testing.T) {
		return func(t *testing.T) {
			guarded(t, func() { onVirtual(t, body) })
		}
	}
	work := func(ctx context.Context) (int, error) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		return 42, nil
	}
	t.Run("a task can lock its thread between two waits", locked(func(ctx context.Context) error {
		for range 10 {
			must(work(ctx))
			ticks(ctx, 1)
		}
		return nil
	}))
	t.Run("a function of ToThread can lock its thread", locked(func(ctx context.Context) error {
		expectEqual(t, "the result", must(async.ToThread(ctx, work)), 42)
		return nil
	}))
	t.Run("a function of Block can lock its thread", locked(func(ctx context.Context) error {
		expectEqual(t, "the result", must(async.Block(ctx, work)), 42)
		return giveWay(ctx)
	}))
	t.Run("Run can be called on a goroutine that has locked its thread", locked(func(ctx context.Context) error {
		return onGoroutine(ctx, func() error {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			return async.Run(func(ctx context.Context) error {
				_, err := async.CreateTask(ctx, async.After(0, 1)).Await(ctx)
				return err
			})
		})
	}))
	t.Run("a task that waits with its thread locked ends the process, as documented", func(t *testing.T) {
		if os.Getenv(lockMarker) != "" {
			async.Run(func(ctx context.Context) error {
				async.Go(ctx, func(ctx context.Context) error { return giveWay(ctx) })
				runtime.LockOSThread()
				return giveWay(ctx)
			})
			return
		}
		cmd := exec.Command(os.Args[0], "-test.run=^TestLockOSThread$/^a_task_that_waits_with_its_thread_locked")
		cmd.Env = append(os.Environ(), lockMarker+"=1", "GOTRACEBACK=none")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "OS thread locking must match") {
			t.Errorf("the process has ended with %v and said: %.500s", err, out)
		}
	})
}
