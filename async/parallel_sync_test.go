package async_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

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
