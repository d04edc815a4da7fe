package async_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// The suite runs every lock in three ways: among tasks, among goroutines, and among tasks of two loops and goroutines. What it shows is
// that nobody waits for ever, whatever is cancelled when, and that the lock keeps its promise.

// parties is how many use a lock at the same time, and turns how often each does.
const (
	parties = 100
	turns   = 10
)

// threeWays runs parties in each of the ways, as a subtest. Each calls party with a context of its own.
func threeWays(t *testing.T, test func(t *testing.T, all func(party func(ctx context.Context, i int)))) {
	inTasks := func(from, to int, party func(context.Context, int)) {
		err := async.Run(func(ctx context.Context) error {
			return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				for i := from; i < to; i++ {
					tg.Go(func(ctx context.Context) error {
						party(ctx, i)
						return nil
					})
				}
				return nil
			})
		})
		if err != nil {
			t.Error(err)
		}
	}
	inGoroutines := func(from, to int, party func(context.Context, int)) {
		var wg sync.WaitGroup
		defer wg.Wait()
		for i := from; i < to; i++ {
			wg.Go(func() { party(context.Background(), i) })
		}
	}
	for _, way := range []struct {
		name string
		all  func(party func(context.Context, int))
	}{
		{"tasks", func(party func(context.Context, int)) { inTasks(0, parties, party) }},
		{"goroutines", func(party func(context.Context, int)) { inGoroutines(0, parties, party) }},
		{"both", func(party func(context.Context, int)) {
			var wg sync.WaitGroup
			defer wg.Wait()
			wg.Go(func() { inTasks(0, parties/3, party) })
			wg.Go(func() { inTasks(parties/3, 2*parties/3, party) })
			inGoroutines(2*parties/3, parties, party)
		}},
	} {
		t.Run(way.name, func(t *testing.T) { guarded(t, func() { test(t, way.all) }) })
	}
}

// fickle returns a context that lasts, or is cancelled soon, or has a timeout, or is cancelled already.
func fickle(ctx context.Context) (context.Context, context.CancelFunc) {
	soon := time.Duration(rand.IntN(200)) * time.Microsecond
	switch rand.IntN(6) {
	case 0:
		return context.WithTimeout(ctx, soon)
	case 1:
		return async.WithTimeout(ctx, soon)
	case 2:
		ctx, cancel := context.WithCancel(ctx)
		timer := time.AfterFunc(soon, cancel)
		return ctx, func() { timer.Stop(); cancel() }
	case 3:
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx, cancel
	}
	return ctx, func() {}
}

// insistently calls wait with one fickle context after another, until it succeeds.
func insistently(ctx context.Context, t *testing.T, wait func(ctx context.Context) error) {
	for {
		fickle, cancel := fickle(ctx)
		err := wait(fickle)
		cancel()
		switch {
		case err == nil:
			return
		case !errors.Is(err, async.ErrCancelled) && !errors.Is(err, async.ErrTimeout) && !errors.Is(err, context.DeadlineExceeded):
			t.Errorf("the wait has returned %v", err)
			return
		}
	}
}

// excluding runs all parties through something that lets limit of them in at the same time.
func excluding(t *testing.T, limit int32, acquire func(context.Context) error, release func(), all func(func(context.Context, int))) {
	var inside atomic.Int32
	var taken atomic.Int64
	all(func(ctx context.Context, i int) {
		for turn := range turns {
			insistently(ctx, t, acquire)
			if n := inside.Add(1); n > limit {
				t.Errorf("%d are inside, and %d may be", n, limit)
			}
			taken.Add(1)
			if turn%2 == 0 {
				check(giveWay(ctx))
			}
			inside.Add(-1)
			release()
			if turn%3 == i%3 {
				runtime.Gosched()
			}
		}
	})
	expectEqual(t, "the number of turns", taken.Load(), int64(parties*turns))
}

func TestSuiteLock(t *testing.T) {
	threeWays(t, func(t *testing.T, all func(func(context.Context, int))) {
		var l async.Lock
		plain := 0 // guarded by the lock, as the race detector knows
		excluding(t, 1, l.Acquire, func() { plain++; l.Release() }, all)
		expectEqual(t, "the counter", plain, parties*turns)
		expectEqual(t, "String", l.String(), "Lock(unlocked)")
		expectEqual(t, "TryAcquire", l.TryAcquire(), true)
	})
}

func TestSuiteRLock(t *testing.T) {
	threeWays(t, func(t *testing.T, all func(func(context.Context, int))) {
		var r async.RLock
		plain := 0
		excluding(t, 1, func(ctx context.Context) error {
			if err := r.Acquire(ctx); err != nil {
				return err
			}
			return r.Acquire(ctx) // its own: neither waits nor fails
		}, func() {
			plain++
			r.Release()
			r.Release()
		}, all)
		expectEqual(t, "the counter", plain, parties*turns)
		expectEqual(t, "String", r.String(), "RLock(unlocked)")
	})
}

func TestSuiteSemaphore(t *testing.T) {
	threeWays(t, func(t *testing.T, all func(func(context.Context, int))) {
		sem := async.NewSemaphore(3)
		excluding(t, 3, sem.Acquire, sem.Release, all)
		expectEqual(t, "String", sem.String(), "Semaphore(unlocked, value: 3)")
		bounded := async.NewBoundedSemaphore(3)
		excluding(t, 3, bounded.Acquire, bounded.Release, all)
		expectEqual(t, "String", bounded.String(), "BoundedSemaphore(unlocked, value: 3)")
	})
}

func TestSuiteEvent(t *testing.T) {
	threeWays(t, func(t *testing.T, all func(func(context.Context, int))) {
		var events [turns]async.Event
		var set [turns]atomic.Bool
		all(func(ctx context.Context, i int) {
			for turn := range turns {
				if i == turn {
					set[turn].Store(true)
					events[turn].Set()
				}
				insistently(ctx, t, events[turn].Wait)
				if !set[turn].Load() {
					t.Error("Wait has returned before Set")
				}
			}
		})
		for i := range events {
			expectEqual(t, "String", events[i].String(), "Event(set)")
		}
	})
}

func TestSuiteCondition(t *testing.T) {
	threeWays(t, func(t *testing.T, all func(func(context.Context, int))) {
		cond := async.NewCondition(nil)
		goods, taken := 0, 0
		all(func(ctx context.Context, i int) {
			for turn := range turns {
				if i%2 == 0 {
					check(cond.With(ctx, func(context.Context) error {
						goods++
						cond.Notify(1)
						return nil
					}))
					continue
				}
				insistently(ctx, t, func(fickle context.Context) error {
					check(cond.Acquire(ctx))
					defer cond.Release()
					if err := cond.WaitFor(fickle, func() bool { return goods > 0 }); err != nil {
						return err
					}
					goods--
					taken++
					return nil
				})
				if turn%3 == 0 {
					check(giveWay(ctx))
				}
			}
		})
		expectEqual(t, "what is left", goods, 0)
		expectEqual(t, "what was taken", taken, parties/2*turns)
		expectEqual(t, "String", cond.String(), "Condition(unlocked)")
	})
}

func TestSuiteBarrier(t *testing.T) {
	threeWays(t, func(t *testing.T, all func(func(context.Context, int))) {
		b := async.NewBarrier(parties)
		var came [turns]atomic.Int32
		var indices [turns]sync.Map
		all(func(ctx context.Context, _ int) {
			for turn := range turns {
				came[turn].Add(1)
				index := must(b.Wait(ctx))
				if n := came[turn].Load(); n != parties {
					t.Errorf("it is open when %d have come", n)
				}
				if _, twice := indices[turn].LoadOrStore(index, true); twice {
					t.Errorf("the index %d comes twice", index)
				}
			}
		})
		expectEqual(t, "Stats", b.Stats(), async.BarrierStats{State: "filling", Parties: parties})
	})
}

func TestSuiteBarrierWithCancellations(t *testing.T) {
	threeWays(t, func(t *testing.T, all func(func(context.Context, int))) {
		b := async.NewBarrier(7)
		var ended atomic.Int32
		all(func(ctx context.Context, _ int) {
			for range turns {
				fickle, cancel := fickle(ctx)
				if _, err := b.Wait(fickle); errors.Is(err, async.ErrBrokenBarrier) && ended.Load() == 0 {
					t.Error("the barrier is broken before Abort")
				}
				cancel()
				// The last parties are not enough for a round any more.
				if ended.Load() == 0 && rand.IntN(turns*parties/4) == 0 {
					ended.Store(1)
					b.Abort()
				}
			}
			ended.Store(1)
			b.Abort()
		})
		expectEqual(t, "Stats", b.Stats(), async.BarrierStats{State: "broken", Parties: 7})
	})
}

// TestSuiteOrder shows that tasks of two loops and goroutines, in turns, are served in the order in which they have come.
func TestSuiteOrder(t *testing.T) {
	sem := async.NewSemaphore(0)
	var l async.Lock
	var r async.RLock
	for _, lock := range []struct {
		name     string
		lock     func(ctx context.Context) error
		unlock   func()
		waiters  func() int
		occupied bool
	}{
		{"Lock", l.Acquire, l.Release, func() int { return l.Stats().Waiters }, false},
		{"RLock", r.Acquire, r.Release, func() int { return r.Stats().Waiters }, false},
		{"Semaphore", sem.Acquire, sem.Release, func() int { return sem.Stats().Waiters }, true},
	} {
		t.Run(lock.name, func(t *testing.T) {
			guarded(t, func() {
				if !lock.occupied {
					check(lock.lock(t.Context()))
				}
				var loops [2]chan context.Context
				var wg sync.WaitGroup
				stop := make(chan struct{})
				for i := range loops {
					loops[i] = make(chan context.Context)
					wg.Go(func() {
						check(async.Run(func(ctx context.Context) error {
							loops[i] <- ctx
							_, err := async.ToThread(ctx, func(context.Context) (bool, error) {
								<-stop
								return true, nil
							})
							return err
						}))
					})
				}
				ctxs := [2]context.Context{<-loops[0], <-loops[1]}
				var c chronicle
				var want []string
				var served sync.WaitGroup
				for i := range parties {
					want = append(want, fmt.Sprint(i))
					served.Add(1)
					party := func(ctx context.Context) error {
						defer served.Done()
						check(lock.lock(ctx))
						c.add("%d", i)
						lock.unlock()
						return nil
					}
					if i%3 < 2 {
						async.Go(ctxs[i%3], party)
					} else {
						wg.Go(func() { check(party(context.Background())) })
					}
					for lock.waiters() <= i {
						runtime.Gosched()
					}
				}
				lock.unlock()
				served.Wait()
				close(stop)
				wg.Wait()
				c.expect(t, want...)
			})
		})
	}
}
