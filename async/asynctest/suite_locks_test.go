package asynctest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

var lockSurvivors = []survivor{
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
	{"Lock whose waiter is cancelled as it is woken", func(ctx context.Context) error {
		var l async.Lock
		return passedOn(ctx, &l, l.Acquire, l.Release, "Lock(unlocked)")
	}},
	{"Semaphore whose waiter is cancelled as it is woken", func(ctx context.Context) error {
		s := async.NewSemaphore(1)
		return passedOn(ctx, s, s.Acquire, s.Release, "Semaphore(unlocked, value: 1)")
	}},
	{"BoundedSemaphore whose waiter is cancelled as it is woken", func(ctx context.Context) error {
		s := async.NewBoundedSemaphore(1)
		return passedOn(ctx, s, s.Acquire, s.Release, "BoundedSemaphore(unlocked, value: 1)")
	}},
	{"RLock whose waiter is cancelled as it is woken", func(ctx context.Context) error {
		var l async.RLock
		return passedOn(ctx, &l, l.Acquire, l.Release, "RLock(unlocked)")
	}},
	{"Condition whose waiter is cancelled as it is woken", func(ctx context.Context) error {
		c := async.NewCondition(nil)
		free(ctx, c, "Condition(unlocked)")
		items := 0
		take := func(ctx context.Context) error {
			return c.With(ctx, func(ctx context.Context) error {
				err := c.WaitFor(ctx, func() bool { return items > 0 })
				if err == nil {
					items--
				}
				return err
			})
		}
		return handedOver(ctx, take, func(ctx context.Context) error {
			return c.With(ctx, func(context.Context) error { items++; c.Notify(1); return nil })
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
	{"Event that is set and cleared", func(ctx context.Context) error {
		var e async.Event
		t := asynctest.TB(ctx)
		l, err := async.RunningLoop(ctx)
		if err != nil {
			return err
		}
		sets := 0
		asynctest.Invariant(ctx, func() error { return same("the number of waiters", e.Stats().Waiters, 0) })
		return three(ctx, func(ctx context.Context, task, turn int) error {
			switch (task + turn) % 3 {
			case 0:
				e.Set()
				sets++
				if turn == 1 {
					e.Clear() // does not take back that they are woken
				}
				return pause(ctx)
			case 1:
				e.Clear()
				return pause(ctx)
			}
			d := time.Second << (3*turn + task) // no two end at the same time
			short, cancel := async.WithTimeout(ctx, d)
			defer cancel()
			before, began, was := sets, l.Time(), e.IsSet()
			err := e.Wait(short)
			switch {
			case err == nil && !was && sets == before:
				t.Error("a wait has ended and nobody has called Set")
			case err != nil && l.Time() >= began+d && (was || sets > before): // and not by a fault
				t.Error("a wait has not noticed a Set")
			}
			return orTimeout(err)
		})
	}},
	{"Condition", func(ctx context.Context) error {
		c := async.NewCondition(nil)
		t := asynctest.TB(ctx)
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
					if items--; items < 0 {
						t.Error("somebody was let go on without an item")
					}
				}
				return orTimeout(err)
			})
		})
	}},
	{"Condition with NotifyAll", func(ctx context.Context) error {
		c := async.NewCondition(nil)
		free(ctx, c, "Condition(unlocked)")
		t := asynctest.TB(ctx)
		stage, inside := 0, 0
		return three(ctx, func(ctx context.Context, task, turn int) error {
			return c.With(ctx, func(ctx context.Context) error {
				if inside++; inside > 1 {
					t.Error("two hold the lock")
				}
				defer func() { inside-- }()
				stage++
				c.NotifyAll()
				short, cancel := async.WithTimeout(ctx, time.Second)
				defer cancel()
				inside--
				err := c.WaitFor(short, func() bool { return stage > 3*turn+2 }) // all have come as far
				inside++
				return orTimeout(err)
			})
		})
	}},
	{"Barrier", func(ctx context.Context) error {
		b := async.NewBarrier(3)
		t := asynctest.TB(ctx)
		arrived := 0
		var places [3][3]bool // by turn
		asynctest.Invariant(ctx, func() error {
			s := b.Stats()
			return errors.Join(same("who is inside", s.Inside, 0), same("who is outside", s.Outside, 0), same("who waits", b.Waiting(), 0))
		})
		return three(ctx, func(ctx context.Context, _, turn int) (err error) {
			done := false
			defer func() {
				if !done || err != nil {
					b.Abort() // the others would wait for ever
				}
			}()
			arrived++
			place, err := b.Wait(ctx)
			done = true
			switch {
			case errors.Is(err, async.ErrBrokenBarrier):
				return nil
			case err != nil:
				return err
			}
			// All have come for this turn, and at most two for the next one.
			if arrived < 3*(turn+1) || arrived > 3*(turn+1)+2 {
				t.Errorf("somebody is let through in turn %d when %d have come", turn, arrived)
			}
			if places[turn][place] {
				t.Errorf("place %d was given twice in turn %d", place, turn)
			}
			places[turn][place] = true
			return nil
		})
	}},
	{"Barrier that is reset", func(ctx context.Context) error {
		b := async.NewBarrier(2)
		asynctest.Invariant(ctx, func() error {
			s := b.Stats()
			return errors.Join(same("its state", s.State, "filling"), same("who is inside", s.Inside, 0), same("who is outside", s.Outside, 0))
		})
		return three(ctx, func(ctx context.Context, task, turn int) error {
			if (task+turn)%3 == 0 {
				b.Reset()
				return pause(ctx)
			}
			short, cancel := async.WithTimeout(ctx, time.Second)
			defer cancel()
			_, err := b.Wait(short)
			if errors.Is(err, async.ErrBrokenBarrier) {
				return nil
			}
			return orTimeout(err)
		})
	}},
}

// passedOn has the main task hold a lock that two others want, and release it as the first of them is cancelled. Those who
// get it release it at once.
func passedOn(ctx context.Context, p fmt.Stringer, acquire program, release func(), want string) error {
	free(ctx, p, want)
	for range 3 {
		if err := acquire(ctx); err != nil {
			return err
		}
		use := func(ctx context.Context) error {
			if err := acquire(ctx); err != nil {
				return err
			}
			release()
			return nil
		}
		first, second := async.Go(ctx, use, async.Name("first")), async.Go(ctx, use, async.Name("second"))
		err := func() error {
			defer release()
			return errors.Join(pause(ctx), pause(ctx))
		}()
		first.Cancel()
		if _, other := async.GatherSettled(ctx, first); err != nil || other != nil {
			return errors.Join(err, other)
		}
		if _, err := second.Await(ctx); err != nil {
			return err
		}
	}
	return nil
}
