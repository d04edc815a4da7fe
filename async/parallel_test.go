package async_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/greenlet"
	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// inParallel returns a test that runs body as the main task of a loop whose tasks run in parallel. Whatever the loop reports fails the
// test.
func inParallel(n int, body func(ctx context.Context, t *testing.T), opts ...async.Option) func(*testing.T) {
	return func(t *testing.T) {
		reported := func(_ *async.Loop, c async.ExceptionContext) {
			t.Errorf("the loop has reported %q: %v", c.Message, c.Err)
		}
		opts := append([]async.Option{async.Parallel(n), async.ExceptionHandler(reported)}, opts...)
		guarded(t, func() {
			expectError(t, "Run", async.Run(func(ctx context.Context) error {
				body(ctx, t)
				return nil
			}, opts...), nil)
		})
	}
}

// meet is called by two who compute: each waits in place until the other is there.
func meet(mine chan<- struct{}, other <-chan struct{}) {
	close(mine)
	<-other
}

// computing computes until its ctx says that it has to end.
func computing(ctx context.Context) error {
	for ctx.Err() == nil {
		runtime.Gosched()
	}
	return ctx.Err()
}

func TestParallel(t *testing.T) {
	for _, n := range []int{0, 2, 3} {
		t.Run("two tasks compute at the same time: each sees the other one in the middle of its work", inParallel(n, func(ctx context.Context, t *testing.T) {
			a, b := make(chan struct{}), make(chan struct{})
			first := async.Go(ctx, func(context.Context) error { meet(a, b); return nil })
			second := async.Go(ctx, func(context.Context) error { meet(b, a); return nil })
			_, err := async.Gather(ctx, first, second)
			expectError(t, "the two", err, nil)
		}))
	}
	for _, n := range []int{1, 2, 5} {
		t.Run("no more than n tasks compute at the same time, and so many do", inParallel(n, func(ctx context.Context, t *testing.T) {
			var now, most atomic.Int64
			full := make(chan struct{}) // closed when n are there at once
			var once sync.Once
			work := func(ctx context.Context) error {
				for range 10 {
					in := now.Add(1)
					for old := most.Load(); in > old && !most.CompareAndSwap(old, in); old = most.Load() {
						continue
					}
					if in == int64(n-1) || n == 1 { // main is the other one, or waits
						once.Do(func() { close(full) })
					}
					if n > 2 {
						<-full
					}
					runtime.Gosched()
					now.Add(-1)
					if err := async.Sleep(ctx, 0); err != nil {
						return err
					}
				}
				return nil
			}
			expectError(t, "the group", async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				for range 20 {
					tg.Go(work)
				}
				return nil
			}), nil)
			if m := most.Load(); m > int64(n) {
				t.Errorf("%d tasks have computed at the same time", m)
			}
		}))
	}
	t.Run("a task that waits gives its place to another one", inParallel(1, func(ctx context.Context, t *testing.T) {
		var order chronicle
		var ev async.Event
		waits := async.Go(ctx, func(ctx context.Context) error {
			defer order.add("goes on")
			return ev.Wait(ctx)
		})
		expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		order.add("sets")
		ev.Set()
		_, err := waits.Await(ctx)
		expectError(t, "the task", err, nil)
		order.expect(t, "sets", "goes on")
	}))
	t.Run("Block gives the place back while its function blocks", inParallel(1, func(ctx context.Context, t *testing.T) {
		ch := make(chan int)
		async.Go(ctx, func(context.Context) error { ch <- 7; return nil })
		v, err := async.Block(ctx, func(context.Context) (int, error) { return <-ch, nil })
		expectError(t, "Block", err, nil)
		expectEqual(t, "the value", v, 7)
	}))
	t.Run("a negative number panics", func(t *testing.T) {
		expectPanic(t, "async: the number of tasks that Parallel", func() { async.Parallel(-1) })
	})
	t.Run("the task is known by its goroutine", inParallel(2, func(ctx context.Context, t *testing.T) {
		task := async.CreateTask(ctx, func(inner context.Context) (string, error) { return async.CurrentTask(ctx).Name(), nil }, async.Name("me"))
		name, err := task.Await(ctx)
		expectError(t, "the task", err, nil)
		expectEqual(t, "the name of the task that has asked with the ctx of main", name, "me")
		expectEqual(t, "the number of tasks", len(async.AllTasks(ctx)), 1)
		expectEqual(t, "the number of tasks that run", async.Stats(must(async.RunningLoop(ctx))).Running, 1)
	}))
}

func TestParallelCancellation(t *testing.T) {
	t.Run("a task that computes is told by its ctx", inParallel(2, func(ctx context.Context, t *testing.T) {
		began := make(chan struct{})
		task := async.Go(ctx, func(ctx context.Context) error { close(began); return computing(ctx) })
		<-began
		expectEqual(t, "Cancel", task.Cancel("enough"), true)
		_, err := task.Await(ctx)
		expectError(t, "the task", err, context.Canceled)
		expectEqual(t, "Cancelled", task.Cancelled(), true)
	}))
	t.Run("a task that cancels itself knows at once", inParallel(2, func(ctx context.Context, t *testing.T) {
		task := async.Go(ctx, func(ctx context.Context) error {
			async.CurrentTask(ctx).Cancel()
			expectError(t, "Err", ctx.Err(), context.Canceled)
			expectError(t, "Sleep", async.Sleep(ctx, time.Hour), async.ErrCancelled)
			ctx = async.Uncancel(ctx)
			expectError(t, "Err after Uncancel", ctx.Err(), nil)
			return async.Sleep(ctx, 0)
		})
		_, err := task.Await(ctx)
		expectError(t, "the task", err, nil)
	}))
	t.Run("one that waits is cancelled together with what it waits for", inParallel(2, func(ctx context.Context, t *testing.T) {
		inner := async.NewFuture[int](ctx)
		outer := async.CreateTask(ctx, inner.Await)
		for inner.Completion().Waiting() == 0 {
			expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		}
		outer.Cancel()
		expectEqual(t, "the future is cancelled", inner.Cancelled(), true)
		_, err := outer.Await(ctx)
		expectError(t, "the task", err, async.ErrCancelled)
	}))
	t.Run("a timeout ends a block that computes", inParallel(2, func(ctx context.Context, t *testing.T) {
		err := async.Timeout(ctx, time.Millisecond, func(ctx context.Context, ts *async.TimeoutScope) error {
			defer func() { expectEqual(t, "Expired", ts.Expired(), true) }()
			computing(ctx)
			return async.Sleep(ctx, 0)
		})
		expectError(t, "Timeout", err, async.ErrTimeout)
		expectError(t, "afterwards", async.Sleep(ctx, 0), nil)
	}))
	t.Run("WithTimeout and WaitFor end a wait", inParallel(2, func(ctx context.Context, t *testing.T) {
		short, cancel := async.WithTimeout(ctx, time.Millisecond)
		expectError(t, "Sleep", async.Sleep(short, time.Hour), async.ErrTimeout)
		cancel()
		_, err := async.WaitFor(ctx, async.Coroutine[int](forever), time.Millisecond)
		expectError(t, "WaitFor", err, async.ErrTimeout)
	}))
	t.Run("a shield protects", inParallel(2, func(ctx context.Context, t *testing.T) {
		inner := async.NewFuture[int](ctx)
		outer := async.CreateTask(ctx, func(ctx context.Context) (int, error) { return async.Shield(ctx, inner) })
		for inner.Completion().Waiting() == 0 {
			expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		}
		outer.Cancel()
		_, err := outer.Await(ctx)
		expectError(t, "the task", err, async.ErrCancelled)
		expectEqual(t, "the future is done", inner.IsDone(), false)
	}))
	t.Run("tasks that cancel each other all the time end", inParallel(0, func(ctx context.Context, t *testing.T) {
		tasks := make([]*async.Task[int], 50)
		start := async.NewFuture[int](ctx)
		for i := range tasks {
			tasks[i] = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				if _, err := async.Shield(ctx, start); err != nil {
					return 0, err
				}
				for j := range tasks {
					if j != i {
						tasks[j].Cancel()
					}
				}
				return i, async.Sleep(ctx, time.Hour)
			})
		}
		expectError(t, "SetResult", start.SetResult(1), nil)
		for _, task := range tasks { // the first to run cancels the others before they can cancel anybody
			task.Cancel()
		}
		results, err := async.GatherSettledOf[int](ctx, tasks)
		expectError(t, "the gather", err, nil)
		for i, r := range results {
			if !errors.Is(r.Err, async.ErrCancelled) {
				t.Errorf("task %d has ended with %v", i, r.Err)
			}
		}
	}))
	t.Run("a ring of tasks that await each other is ended by cancelling one", inParallel(0, func(ctx context.Context, t *testing.T) {
		const n = 5
		var tasks [n]*async.Task[int]
		made := async.NewFuture[int](ctx)
		for i := range tasks {
			tasks[i] = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				if _, err := async.Shield(ctx, made); err != nil {
					return 0, err
				}
				return tasks[(i+1)%n].Await(ctx)
			})
		}
		expectError(t, "SetResult", made.SetResult(1), nil)
		for range 10 {
			expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		}
		tasks[2].Cancel()
		for _, task := range tasks {
			_, err := task.Await(ctx)
			expectError(t, "a task", err, async.ErrCancelled)
		}
	}))
}

func TestParallelGroups(t *testing.T) {
	errBad := errors.New("bad")
	t.Run("no error of children that fail at the same time is lost", inParallel(0, func(ctx context.Context, t *testing.T) {
		for range 200 {
			var begun sync.WaitGroup // one that has not begun would be dropped when another one fails
			begun.Add(4)
			err := async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				for range 4 {
					tg.Go(func(context.Context) error { begun.Done(); begun.Wait(); return errBad })
				}
				return nil
			})
			expectGroup(t, err, errBad, errBad, errBad, errBad)
		}
	}))
	t.Run("a child that fails ends siblings that compute and siblings that wait", inParallel(0, func(ctx context.Context, t *testing.T) {
		var ended atomic.Int64
		ready := make(chan struct{}, 2)
		err := async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
			tg.Go(func(ctx context.Context) error { defer ended.Add(1); ready <- struct{}{}; return computing(ctx) })
			tg.Go(func(ctx context.Context) error {
				defer ended.Add(1)
				ready <- struct{}{}
				return async.Sleep(ctx, time.Hour)
			})
			tg.Go(func(context.Context) error { <-ready; <-ready; return errBad })
			return async.Sleep(ctx, time.Hour)
		})
		expectGroup(t, err, errBad)
		expectEqual(t, "how many have ended", ended.Load(), 2)
	}))
	t.Run("children start children, all at the same time", inParallel(2, func(ctx context.Context, t *testing.T) {
		var n atomic.Int64
		var grow func(tg *async.TaskGroup, depth int) func(ctx context.Context) error
		grow = func(tg *async.TaskGroup, depth int) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				n.Add(1)
				if depth > 0 {
					tg.Go(grow(tg, depth-1))
					tg.Go(grow(tg, depth-1))
				}
				return async.Sleep(ctx, 0)
			}
		}
		expectError(t, "the group", async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			tg.Go(grow(tg, 9))
			return nil
		}), nil)
		expectEqual(t, "the number of children", n.Load(), 1023)
	}))
	t.Run("gather, wait, as completed and race", inParallel(0, func(ctx context.Context, t *testing.T) {
		for range 20 {
			tasks := make([]*async.Task[int], 20)
			for i := range tasks {
				tasks[i] = async.CreateTask(ctx, func(ctx context.Context) (int, error) { return i, async.Sleep(ctx, 0) })
			}
			sum := 0
			for v, err := range async.AsCompletedOf[int](ctx, tasks) {
				expectError(t, "a task", err, nil)
				sum += v
			}
			expectEqual(t, "the sum", sum, 190)
			vs, err := async.GatherOf[int](ctx, tasks)
			expectError(t, "the gather", err, nil)
			expectEqual(t, "the last result", vs[19], 19)
			done, pending, err := async.Wait(ctx, tasks, async.FirstCompleted)
			expectError(t, "Wait", err, nil)
			expectEqual(t, "how many are done or pending", len(done)+len(pending), 20)
			v, err := async.Race(ctx, async.Coroutine[int](forever), async.After(0, 5))
			expectError(t, "Race", err, nil)
			expectEqual(t, "the winner", v, 5)
			f := async.GatherFuture[int](ctx, tasks[0], tasks[1])
			expectEqual(t, "a gather of what is done is done", f.IsDone(), true)
		}
	}))
	t.Run("context variables are copied into each task, and stay there", inParallel(0, func(ctx context.Context, t *testing.T) {
		v := async.NewContextVar("v", 0)
		v.Set(ctx, 1)
		expectError(t, "the group", async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			for i := range 50 {
				tg.Go(func(ctx context.Context) error {
					expectEqual(t, "inherited", v.Get(ctx), 1)
					v.Set(ctx, i)
					if err := async.Sleep(ctx, 0); err != nil {
						return err
					}
					expectEqual(t, "own", v.Get(ctx), i)
					_, err := async.ToThread(ctx, func(ctx context.Context) (int, error) {
						expectEqual(t, "on a thread", v.Get(ctx), i)
						return 0, nil
					})
					return err
				})
			}
			return nil
		}), nil)
		expectEqual(t, "main's", v.Get(ctx), 1)
	}))
}

// hundred runs a hundred tasks and waits for them.
func hundred(ctx context.Context, t *testing.T, fn func(ctx context.Context, i int) error) {
	t.Helper()
	expectError(t, "the hundred", async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
		for i := range 100 {
			tg.Go(func(ctx context.Context) error { return fn(ctx, i) })
		}
		return nil
	}), nil)
}

// The counters that are not atomic are guarded by what is tested. The race detector sees if that does not guard.
func TestParallelPrimitives(t *testing.T) {
	for _, n := range []int{0, 2} {
		t.Run("a Lock lets one in at a time", inParallel(n, func(ctx context.Context, t *testing.T) {
			var lock async.Lock
			count := 0
			hundred(ctx, t, func(ctx context.Context, _ int) error {
				for range 20 {
					if err := lock.With(ctx, func(ctx context.Context) error { count++; return async.Sleep(ctx, 0) }); err != nil {
						return err
					}
				}
				return nil
			})
			expectEqual(t, "the count", count, 2000)
		}))
		t.Run("an RLock belongs to its task", inParallel(n, func(ctx context.Context, t *testing.T) {
			var lock async.RLock
			count := 0
			hundred(ctx, t, func(ctx context.Context, _ int) error {
				return lock.With(ctx, func(ctx context.Context) error {
					return lock.With(ctx, func(ctx context.Context) error { count++; return async.Sleep(ctx, 0) })
				})
			})
			expectEqual(t, "the count", count, 100)
		}))
		t.Run("a Semaphore lets as many in as it has permits", inParallel(n, func(ctx context.Context, t *testing.T) {
			sem := async.NewSemaphore(3)
			var in atomic.Int64
			hundred(ctx, t, func(ctx context.Context, _ int) error {
				return sem.With(ctx, func(ctx context.Context) error {
					defer in.Add(-1)
					if in.Add(1) > 3 {
						t.Error("there are more than three")
					}
					return async.Sleep(ctx, 0)
				})
			})
		}))
		t.Run("an Event lets all through", inParallel(n, func(ctx context.Context, t *testing.T) {
			var ev async.Event
			value := 0
			go func() {
				value = 7
				ev.Set()
			}()
			hundred(ctx, t, func(ctx context.Context, _ int) error {
				if err := ev.Wait(ctx); err != nil {
					return err
				}
				expectEqual(t, "the value", value, 7)
				return nil
			})
		}))
		t.Run("a Condition hands turns around", inParallel(n, func(ctx context.Context, t *testing.T) {
			cond := async.NewCondition(nil)
			turn := 0
			hundred(ctx, t, func(ctx context.Context, i int) error {
				return cond.With(ctx, func(ctx context.Context) error {
					err := cond.WaitFor(ctx, func() bool { return turn == i })
					turn++
					cond.NotifyAll()
					return err
				})
			})
			expectEqual(t, "the turns", turn, 100)
		}))
		t.Run("a Barrier is passed together", inParallel(n, func(ctx context.Context, t *testing.T) {
			barrier := async.NewBarrier(100)
			var rounds [3]atomic.Int64
			hundred(ctx, t, func(ctx context.Context, _ int) error {
				for r := range rounds {
					rounds[r].Add(1)
					if _, err := barrier.Wait(ctx); err != nil {
						return err
					}
					expectEqual(t, "how many came before", rounds[r].Load(), 100)
				}
				return nil
			})
		}))
		t.Run("a Queue loses nothing and gives nothing twice", inParallel(n, func(ctx context.Context, t *testing.T) {
			q := async.NewQueue[int](3)
			var sum atomic.Int64
			hundred(ctx, t, func(ctx context.Context, i int) error {
				if i%2 == 0 {
					for v := range 20 {
						if err := q.Put(ctx, v); err != nil {
							return err
						}
					}
					return nil
				}
				for range 20 {
					v, err := q.Get(ctx)
					if err != nil {
						return err
					}
					sum.Add(int64(v))
					q.TaskDone()
				}
				return nil
			})
			expectError(t, "Join", q.Join(ctx), nil)
			expectEqual(t, "the sum", sum.Load(), 50*190)
		}))
		t.Run("cancellations, timeouts and turns that come together lose no turn", inParallel(n, func(ctx context.Context, t *testing.T) {
			var lock async.Lock
			q := async.NewQueue[int](1)
			var got, put atomic.Int64
			hundred(ctx, t, func(ctx context.Context, i int) error {
				for range 20 {
					short, cancel := async.WithTimeout(ctx, time.Duration(i%7)*10*time.Microsecond)
					if lock.Acquire(short) == nil {
						lock.Release()
					}
					if i%2 == 0 {
						if q.Put(short, i) == nil {
							put.Add(1)
						}
					} else if _, err := q.Get(short); err == nil {
						got.Add(1)
					}
					cancel()
				}
				return nil
			})
			expectEqual(t, "the lock is taken", lock.Locked(), false)
			expectEqual(t, "who waits for it", lock.Stats().Waiters, 0)
			expectEqual(t, "what is in the queue", int64(q.Len()), put.Load()-got.Load())
		}))
	}
	t.Run("tasks of two loops and goroutines share a Lock", func(t *testing.T) {
		guarded(t, func() {
			var lock async.Lock
			var wg sync.WaitGroup
			count := 0
			add := func(ctx context.Context, _ int) error {
				return lock.With(ctx, func(ctx context.Context) error { count++; return async.Sleep(ctx, 0) })
			}
			for range 2 {
				wg.Go(func() {
					expectError(t, "Run", async.Run(func(ctx context.Context) error { hundred(ctx, t, add); return nil }, async.Parallel(2)), nil)
				})
			}
			for range 100 {
				wg.Go(func() { expectError(t, "a goroutine", add(t.Context(), 0), nil) })
			}
			wg.Wait()
			expectEqual(t, "the count", count, 300)
		})
	})
	t.Run("a task of one loop is awaited and cancelled in another one", inParallel(2, func(ctx context.Context, t *testing.T) {
		l := async.NewLoop(async.Parallel(2))
		done := make(chan struct{})
		go func() {
			defer close(done)
			expectError(t, "RunForever", l.RunForever(), nil)
		}()
		for range 50 {
			there := async.CreateTask(l.Context(), forever)
			here := async.CreateTask(ctx, there.Await)
			if err := async.Sleep(ctx, 0); err != nil {
				t.Error(err)
			}
			here.Cancel()
			_, err := here.Await(ctx)
			expectError(t, "here", err, async.ErrCancelled)
			there.Cancel()
			_, err = there.Await(ctx)
			expectError(t, "there", err, async.ErrCancelled)
		}
		l.Stop()
		<-done
		expectError(t, "Close", l.Close(), nil)
	}))
}

func TestParallelCallbacks(t *testing.T) {
	t.Run("callbacks run beside a task that computes, one after the other", inParallel(1, func(ctx context.Context, t *testing.T) {
		l := must(async.RunningLoop(ctx))
		done := make(chan int)
		count := 0
		for range 100 {
			l.CallSoon(func() { count++ })
		}
		l.CallLater(time.Millisecond, func() { done <- count })
		expectEqual(t, "the count", <-done, 100) // without a wait of the task
	}))
	t.Run("done callbacks of a task come in order, and see its variables", inParallel(2, func(ctx context.Context, t *testing.T) {
		v := async.NewContextVar("v", 0)
		v.Set(ctx, 3)
		var order chronicle
		task := async.CreateTask(ctx, async.After(0, 7))
		for i := range 3 {
			task.AddDoneCallback(func(f *async.Future[int]) { order.add("%d: %d, %d", i, must(f.Result()), v.Get(ctx)) })
		}
		last := async.NewFuture[int](ctx)
		task.AddDoneCallback(func(*async.Future[int]) { check(last.SetResult(1)) })
		_, err := last.Await(ctx)
		expectError(t, "the last", err, nil)
		order.expect(t, "0: 7, 3", "1: 7, 3", "2: 7, 3")
	}))
	t.Run("a callback cannot wait, and can start tasks", inParallel(2, func(ctx context.Context, t *testing.T) {
		l := must(async.RunningLoop(ctx))
		result := async.NewFuture[*async.Task[int]](ctx)
		l.CallSoon(func() {
			expectError(t, "Sleep", async.Sleep(l.Context(), 0), async.ErrNotInTask)
			if async.CurrentTask(ctx) != nil {
				t.Error("a callback is a task")
			}
			check(result.SetResult(async.CreateTask(l.Context(), async.After(0, 5), async.Eager())))
		})
		task, err := result.Await(ctx)
		expectError(t, "the future", err, nil)
		expectEqual(t, "the value", must(task.Await(ctx)), 5)
	}))
	t.Run("nothing that belongs to others runs where a task would wait for it", inParallel(0, func(ctx context.Context, t *testing.T) {
		// Each of these takes a mutex that a task holds while it calls the loop.
		var mu sync.Mutex
		n := 0
		for range 200 {
			l := must(async.RunningLoop(ctx))
			f := new(async.Future[int]) // of no loop: its callbacks run where it is cancelled
			f.AddDoneCallback(func(*async.Future[int]) { mu.Lock(); n++; mu.Unlock() })
			waits := async.CreateTask(ctx, f.Await)
			l.CallSoon(func() { mu.Lock(); n++; mu.Unlock() })
			other := async.CreateTask(ctx, func(context.Context) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				waits.Cancel()
				async.AllTasks(ctx)
				l.CallLater(0, func() {})
				return 1, nil
			})
			mu.Lock()
			waits.Cancel()
			other.AddDoneCallback(func(*async.Future[int]) { mu.Lock(); n++; mu.Unlock() })
			mu.Unlock()
			async.GatherSettled[int](ctx, waits, other)
		}
	}))
	t.Run("the exception handler hears of panics in callbacks, and of errors that nobody has looked at", func(t *testing.T) {
		guarded(t, func() {
			errBad := errors.New("bad")
			var heard chronicle
			err := async.Run(func(ctx context.Context) error {
				l := must(async.RunningLoop(ctx))
				l.CallSoon(func() { panic("in a callback") })
				async.CreateTask(ctx, func(context.Context) (int, error) { return 0, errBad })
				return async.Sleep(ctx, time.Millisecond)
			}, async.Parallel(2), async.ExceptionHandler(func(l *async.Loop, c async.ExceptionContext) {
				heard.add("%s", c.Message)
				async.Stats(l) // may ask the loop
			}))
			expectError(t, "Run", err, nil)
			heard.expect(t, "exception in callback", "task exception was never retrieved")
		})
	})
}

func TestParallelEnds(t *testing.T) {
	t.Run("leftovers are cancelled and waited for, those that compute too", func(t *testing.T) {
		guarded(t, func() {
			var ended atomic.Int64
			err := async.Run(func(ctx context.Context) error {
				began := make(chan struct{})
				async.Go(ctx, func(ctx context.Context) error { defer ended.Add(1); close(began); return computing(ctx) })
				async.Go(ctx, func(ctx context.Context) error { defer ended.Add(1); return async.Sleep(ctx, time.Hour) })
				<-began
				for async.Stats(must(async.RunningLoop(ctx))).Running > 2 {
					runtime.Gosched()
				}
				return nil
			}, async.Parallel(0))
			expectError(t, "Run", err, nil)
			if n := ended.Load(); n < 1 || n > 2 { // the second one may have been dropped
				t.Errorf("%d have ended", n)
			}
		})
	})
	t.Run("a panic in main leaves Run", func(t *testing.T) {
		guarded(t, func() {
			expectPanic(t, "panic: as it should", func() {
				async.Run(func(context.Context) error { panic("as it should") }, async.Parallel(2))
			})
		})
	})
	t.Run("a panic in a task is its error", inParallel(2, func(ctx context.Context, t *testing.T) {
		_, err := async.CreateTask(ctx, panicsHere).Await(ctx)
		var p *async.PanicError
		if !errors.As(err, &p) || !strings.Contains(string(p.Stack), "panicsHere") {
			t.Errorf("the error is %v", err)
		}
	}))
	t.Run("Goexit in a task leaves the caller of Run, after the cleanup of the others", func(t *testing.T) {
		guarded(t, func() {
			var cleanup atomic.Bool
			left := goexits(func() {
				async.Run(func(ctx context.Context) error {
					began := make(chan struct{})
					async.Go(ctx, func(ctx context.Context) error {
						defer cleanup.Store(true)
						close(began)
						return async.Sleep(ctx, time.Hour)
					})
					<-began
					async.Go(ctx, func(context.Context) error { runtime.Goexit(); return nil })
					return async.Sleep(ctx, time.Hour)
				}, async.Parallel(2))
			})
			expectEqual(t, "left by Goexit", left, true)
			expectEqual(t, "the cleanup was done", cleanup.Load(), true)
		})
	})
	t.Run("a Runner runs again, and tasks go on in its next run", func(t *testing.T) {
		guarded(t, func() {
			r := async.NewRunner(async.Parallel(2))
			task, err := async.RunIn(r, func(ctx context.Context) (*async.Task[int], error) {
				return async.CreateTask(ctx, async.After(time.Millisecond, 3)), nil
			})
			expectError(t, "the first run", err, nil)
			v, err := async.RunIn(r, task.Await)
			expectError(t, "the second run", err, nil)
			expectEqual(t, "the value", v, 3)
			r.Close()
		})
	})
	t.Run("Close unwinds tasks where they wait, and their deferred calls run", func(t *testing.T) {
		guarded(t, func() {
			var deferred atomic.Int64
			l := async.NewLoop(async.Parallel(0))
			var lock async.Lock
			for i := range 10 {
				async.Go(l.Context(), func(ctx context.Context) error {
					defer deferred.Add(1)
					defer func() { expectError(t, "a wait", async.Sleep(ctx, 0), async.ErrNotInTask) }()
					if i%2 == 0 {
						return async.Sleep(ctx, time.Hour)
					}
					if err := lock.Acquire(ctx); err != nil {
						return err
					}
					return second(forever(ctx))
				})
			}
			l.CallLater(5*time.Millisecond, l.Stop)
			expectError(t, "RunForever", l.RunForever(), nil)
			begun := int64(10 - async.Stats(l).Ready)
			expectError(t, "Close", l.Close(), nil)
			expectEqual(t, "how many deferred calls have run", deferred.Load(), begun)
		})
	})
	t.Run("Stop by a task ends the run while another one computes, which ends at its next wait", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop(async.Parallel(0))
			began, goOn := make(chan struct{}), make(chan struct{})
			task := async.Go(l.Context(), func(ctx context.Context) error {
				close(began)
				<-goOn
				return async.Sleep(ctx, 0)
			})
			async.Go(l.Context(), func(context.Context) error { <-began; l.Stop(); return nil })
			expectError(t, "RunForever", l.RunForever(), nil)
			close(goOn)
			standStill(l)
			for async.Stats(l).Running > 0 {
				runtime.Gosched()
			}
			expectEqual(t, "done", task.IsDone(), false)
			_, err := async.RunUntilComplete(l, task)
			expectError(t, "the second run", err, nil)
			expectError(t, "Close", l.Close(), nil)
		})
	})
}

func TestParallelWithTheRest(t *testing.T) {
	t.Run("ToThread comes back, and is abandoned by a cancellation", inParallel(2, func(ctx context.Context, t *testing.T) {
		hundred(ctx, t, func(ctx context.Context, i int) error {
			v, err := async.ToThread(ctx, func(context.Context) (int, error) { return i, nil })
			expectEqual(t, "the value", v, i)
			return err
		})
		began := make(chan struct{})
		task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			return async.ToThread(ctx, func(ctx context.Context) (int, error) { close(began); <-ctx.Done(); return 1, nil })
		})
		<-began
		task.Cancel()
		_, err := task.Await(ctx)
		expectError(t, "the task", err, async.ErrCancelled)
	}))
	t.Run("streams", inParallel(2, func(ctx context.Context, t *testing.T) {
		server, err := async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			for line, err := range r.Lines(ctx) {
				if err != nil {
					return err
				}
				if _, err := w.Write(bytes.ToUpper(line)); err != nil {
					return err
				}
			}
			return w.Drain(ctx)
		}, "tcp", "127.0.0.1:0")
		expectError(t, "StartServer", err, nil)
		expectError(t, "the server", server.Serve(ctx, func(ctx context.Context) error {
			return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				for range 20 {
					tg.Go(func(ctx context.Context) error {
						r, w, err := async.OpenConnection(ctx, "tcp", server.Addr().String())
						if err != nil {
							return err
						}
						defer w.Close()
						for range 20 {
							w.WriteString("hello\n")
							line, err := r.ReadLine(ctx)
							if err != nil {
								return err
							}
							expectEqual(t, "the line", string(line), "HELLO\n")
						}
						return nil
					})
				}
				return nil
			})
		}), nil)
	}))
	t.Run("an eager task has come to its first wait when CreateTask returns", inParallel(1, func(ctx context.Context, t *testing.T) {
		step := 0
		task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			step = 1
			err := async.Sleep(ctx, 0)
			return 2, err
		}, async.Eager())
		expectEqual(t, "the step", step, 1)
		expectEqual(t, "the result", must(task.Await(ctx)), 2)
		quick := async.CreateTask(ctx, func(context.Context) (int, error) { return 3, nil }, async.Eager())
		expectEqual(t, "done", quick.IsDone(), true)
		expectEqual(t, "its result", must(quick.Result()), 3)
		group := async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			tg.Go(func(context.Context) error { return nil }, async.Eager())
			tg.Go(func(ctx context.Context) error { return async.Sleep(ctx, 0) }, async.Eager())
			return nil
		})
		expectError(t, "a group of eager tasks", group, nil)
	}))
	t.Run("a virtual clock stands still while a task computes, and jumps while all sleep", inParallel(2, func(ctx context.Context, t *testing.T) {
		l := must(async.RunningLoop(ctx))
		began, goOn := make(chan struct{}), make(chan struct{})
		async.Go(ctx, func(context.Context) error { close(began); <-goOn; return nil })
		sleeper := async.CreateTask(ctx, async.After(time.Hour, 1))
		<-began
		for range 1000 {
			expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		}
		expectEqual(t, "the time", l.Time(), 0)
		close(goOn)
		expectEqual(t, "the result", must(sleeper.Await(ctx)), 1)
		expectEqual(t, "the time afterwards", l.Time(), time.Hour)
	}, async.Clock(loop.NewVirtual())))
	t.Run("greenlets of a task wait in its name", inParallel(2, func(ctx context.Context, t *testing.T) {
		hundred(ctx, t, func(ctx context.Context, i int) error {
			g := greenlet.New(func(...any) (any, error) {
				if err := async.Sleep(ctx, 0); err != nil {
					return nil, err
				}
				return i, nil
			})
			v, err := g.Switch()
			expectEqual(t, "the value", v, any(i))
			return err
		})
	}))
	t.Run("package gevent refuses", inParallel(2, func(ctx context.Context, t *testing.T) {
		expectPanic(t, "gevent: there are no greenlets", func() { gevent.Sleep(0) })
		expectPanic(t, "gevent: there are no greenlets", func() { gevent.Go(func() {}) })
	}))
	t.Run("debug mode logs a step of a task that takes long", func(t *testing.T) {
		var log bytes.Buffer // written inside the loop
		guarded(t, func() {
			err := async.Run(func(ctx context.Context) error {
				_, err := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
					start := time.Now()
					for time.Since(start) < 2*time.Millisecond {
						continue
					}
					return 1, async.Sleep(ctx, 0)
				}, async.Name("slow")).Await(ctx)
				return err
			}, async.Parallel(2), async.SlowTask(time.Millisecond), async.Logger(slog.New(slog.NewTextHandler(&log, nil))))
			expectError(t, "Run", err, nil)
		})
		if s := log.String(); !strings.Contains(s, "a step of a task took long") || !strings.Contains(s, "slow") {
			t.Errorf("the log is %q", s)
		}
	})
	t.Run("a task that waits says for what", inParallel(2, func(ctx context.Context, t *testing.T) {
		f := async.NewFuture[int](ctx)
		task := async.CreateTask(ctx, f.Await)
		for f.Completion().Waiting() == 0 {
			expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		}
		for !strings.Contains(task.String(), "waiting for Future") {
			expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		}
		r := async.ReportDeadlock(must(async.RunningLoop(ctx)))
		expectEqual(t, "how many wait", len(r.Tasks), 1)
		expectError(t, "SetResult", f.SetResult(1), nil)
		_, err := task.Await(ctx)
		expectError(t, "the task", err, nil)
	}))
}
