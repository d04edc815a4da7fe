package asynctest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

// three runs three tasks that each do something three times.
func three(ctx context.Context, op func(ctx context.Context, task, turn int) error) error {
	var fns []program
	for task := range 3 {
		fns = append(fns, func(ctx context.Context) error {
			for turn := range 3 {
				if err := op(ctx, task, turn); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return together(ctx, fns...)
}

// exclusive returns a function that waits, and that at most so many may be in at a time.
func exclusive(ctx context.Context, most int) program {
	t := asynctest.TB(ctx)
	inside := 0
	return func(ctx context.Context) error {
		if inside++; inside > most {
			t.Errorf("%d are inside", inside)
		}
		defer func() { inside-- }()
		return pause(ctx)
	}
}

// free is an invariant: at the end the primitive is free, and nobody waits.
func free(ctx context.Context, p fmt.Stringer, want string) {
	asynctest.Invariant(ctx, func() error { return same("what is left", p.String(), want) })
}

// primitives are programs that must survive every schedule and every fault.
var primitives = []struct {
	name string
	main program
}{
	{"Lock", func(ctx context.Context) error {
		var l async.Lock
		free(ctx, &l, "Lock(unlocked)")
		use := exclusive(ctx, 1)
		return three(ctx, func(ctx context.Context, _, _ int) error { return l.With(ctx, use) })
	}},
	{"RLock", func(ctx context.Context) error {
		var l async.RLock
		free(ctx, &l, "RLock(unlocked)")
		use := exclusive(ctx, 1)
		return three(ctx, func(ctx context.Context, _, _ int) error {
			return l.With(ctx, func(ctx context.Context) error { return l.With(ctx, use) })
		})
	}},
	{"Semaphore", func(ctx context.Context) error {
		s := async.NewSemaphore(2)
		free(ctx, s, "Semaphore(unlocked, value: 2)")
		use := exclusive(ctx, 2)
		return three(ctx, func(ctx context.Context, _, _ int) error { return s.With(ctx, use) })
	}},
	{"BoundedSemaphore", func(ctx context.Context) error {
		s := async.NewBoundedSemaphore(2)
		free(ctx, s, "BoundedSemaphore(unlocked, value: 2)")
		use := exclusive(ctx, 2)
		return three(ctx, func(ctx context.Context, _, _ int) error { return s.With(ctx, use) })
	}},
	{"Semaphore with timeouts", func(ctx context.Context) error {
		s := async.NewSemaphore(1)
		free(ctx, s, "Semaphore(unlocked, value: 1)")
		return three(ctx, func(ctx context.Context, task, _ int) error {
			short, cancel := async.WithTimeout(ctx, time.Duration(task+1)*time.Second)
			defer cancel()
			if err := s.Acquire(short); errors.Is(err, async.ErrTimeout) {
				return nil
			} else if err != nil {
				return err
			}
			defer s.Release()
			return async.Sleep(ctx, time.Second)
		})
	}},
	{"Event", func(ctx context.Context) error {
		var e async.Event
		free(ctx, &e, "Event(set)")
		setter := async.Go(ctx, func(ctx context.Context) error { return pause(ctx) }, async.Name("setter"))
		setter.AddDoneCallback(func(*async.Future[async.Void]) { e.Set() }) // whatever happens
		err := three(ctx, func(ctx context.Context, _, _ int) error { return e.Wait(ctx) })
		_, other := setter.Await(ctx)
		return errors.Join(err, other)
	}},
	{"Condition", func(ctx context.Context) error {
		c := async.NewCondition(nil)
		free(ctx, c, "Condition(unlocked)")
		items := 0
		return three(ctx, func(ctx context.Context, task, turn int) error {
			return c.With(ctx, func(ctx context.Context) error {
				if (task+turn)%3 != 0 {
					items++
					c.Notify(1)
					return pause(ctx)
				}
				short, cancel := async.WithTimeout(ctx, time.Second)
				defer cancel()
				err := c.WaitFor(short, func() bool { return items > 0 })
				if err == nil {
					items--
				}
				if errors.Is(err, async.ErrTimeout) {
					return nil
				}
				return err
			})
		})
	}},
	{"Barrier", func(ctx context.Context) error {
		b := async.NewBarrier(3)
		return three(ctx, func(ctx context.Context, _, _ int) (err error) {
			done := false
			defer func() {
				if !done || err != nil {
					b.Abort() // the others would wait for ever
				}
			}()
			_, err = b.Wait(ctx)
			done = true
			if errors.Is(err, async.ErrBrokenBarrier) {
				return nil
			}
			return err
		})
	}},
	{"Queue", func(ctx context.Context) error { return transfer(ctx, async.NewQueue[int](1)) }},
	{"LifoQueue", func(ctx context.Context) error { return transfer(ctx, async.NewLifoQueue[int](1)) }},
	{"PriorityQueue", func(ctx context.Context) error {
		return transfer(ctx, async.NewPriorityQueue(1, func(a, b int) bool { return a < b }))
	}},
	{"TaskGroup", func(ctx context.Context) error {
		running := 0
		asynctest.Invariant(ctx, func() error { return same("running tasks", running, 0) })
		return three(ctx, func(ctx context.Context, _, _ int) error {
			return async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
				for range 2 {
					tg.Go(func(ctx context.Context) error {
						running++
						defer func() { running-- }()
						return pause(ctx)
					})
				}
				return nil
			})
		})
	}},
	{"Timeout, WaitFor and Shield", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, task, turn int) error {
			work := async.After(time.Duration(task)*time.Second, turn)
			_, err := async.WaitFor(ctx, work, time.Second)
			if err != nil && !errors.Is(err, async.ErrTimeout) {
				return err
			}
			err = async.Timeout(ctx, time.Second, func(ctx context.Context, _ *async.TimeoutScope) error {
				_, err := async.Shield(ctx, async.CreateTask(ctx, work))
				return err
			})
			if errors.Is(err, async.ErrTimeout) {
				return nil
			}
			return err
		})
	}},
	{"Gather", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, task, turn int) error {
			a := async.CreateTask(ctx, async.After(0, task))
			b := async.CreateTask(ctx, async.After(time.Second, turn))
			got, err := async.Gather(ctx, a, b)
			if err != nil {
				return err
			}
			return same("the results", [2]int{got[0], got[1]}, [2]int{task, turn})
		})
	}},
	{"Wait", func(ctx context.Context) error {
		return three(ctx, func(ctx context.Context, _, _ int) error {
			a := async.Go(ctx, pause)
			b := async.Go(ctx, func(ctx context.Context) error { return async.Sleep(ctx, time.Second) })
			_, _, err := async.Wait(ctx, []*async.Task[async.Void]{a, b})
			return err
		})
	}},
	{"ToThread", func(ctx context.Context) error {
		return together(ctx, func(ctx context.Context) error {
			for range 3 {
				if _, err := async.ToThread(ctx, func(context.Context) (int, error) { return 1, nil }); err != nil {
					return err
				}
			}
			return nil
		}, pause)
	}},
}

// A store is any of the queues.
type store interface {
	Put(ctx context.Context, v int) error
	Get(ctx context.Context) (int, error)
	Len() int
}

// transfer has tasks put items into a queue and take them out, and counts them: none is lost, also if a task is
// cancelled on the way.
func transfer(ctx context.Context, q store) error {
	in, out := 0, 0
	asynctest.Invariant(ctx, func() error { return same("items out and items held", out+q.Len(), in) })
	return three(ctx, func(ctx context.Context, task, turn int) error {
		short, cancel := async.WithTimeout(ctx, time.Minute) // those who are left alone give up
		defer cancel()
		var err error
		if (task+turn)%2 == 0 {
			if err = q.Put(short, task); err == nil {
				in++
			}
		} else if _, err = q.Get(short); err == nil {
			out++
		}
		if errors.Is(err, async.ErrTimeout) {
			return nil
		}
		return err
	})
}

func TestPrimitives(t *testing.T) {
	for _, p := range primitives {
		t.Run(p.name+" survives every schedule that is tried, and every fault in every wait", func(t *testing.T) {
			t.Run("random", func(t *testing.T) {
				asynctest.Explore(t, p.main, asynctest.Schedules(1000/slowness), asynctest.Seed(1))
			})
			t.Run("pct", func(t *testing.T) {
				asynctest.Explore(t, p.main, asynctest.Strategy(asynctest.PCT(3)), asynctest.Schedules(1000/slowness), asynctest.Seed(1))
			})
			t.Run("exhaustive", func(t *testing.T) {
				asynctest.Explore(t, p.main, asynctest.Strategy(asynctest.Exhaustive(2)), asynctest.Schedules(2000/slowness))
			})
			t.Run("sweep", func(t *testing.T) { asynctest.Sweep(t, p.main) })
			t.Run("sweep of random schedules", func(t *testing.T) {
				asynctest.Sweep(t, p.main, asynctest.Strategy(asynctest.Random), asynctest.Schedules(30/slowness), asynctest.Seed(1))
			})
		})
	}
}
