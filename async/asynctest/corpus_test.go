package asynctest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
)

// A bug is a small program with a mistake that FIFO order hides or shows, and the same program without it.
type bug struct {
	name  string
	buggy func(ctx context.Context) error
	fixed func(ctx context.Context) error
}

// program is a main.
type program = func(ctx context.Context) error

// together runs functions as tasks named a, b, c … and returns the first error.
func together(ctx context.Context, fns ...program) error {
	tasks := make([]*async.Task[async.Void], len(fns))
	for i, fn := range fns {
		tasks[i] = async.Go(ctx, fn, async.Name(string(rune('a'+i))))
	}
	_, err := async.GatherOf(ctx, tasks)
	return err
}

// pause lets the others run.
func pause(ctx context.Context) error { return async.Sleep(ctx, 0) }

// steps calls functions with a pause between them.
func steps(fns ...func()) program {
	return func(ctx context.Context) error {
		for i, fn := range fns {
			if i > 0 {
				if err := pause(ctx); err != nil {
					return err
				}
			}
			fn()
		}
		return nil
	}
}

func same[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s is %v and should be %v", what, got, want)
	}
	return nil
}

// withLock runs fn, with the lock if it is not nil.
func withLock(ctx context.Context, lock *async.Lock, fn program) error {
	if lock == nil {
		return fn(ctx)
	}
	return lock.With(ctx, fn)
}

// maybe returns a lock if the program is the fixed one.
func maybe(fixed bool) *async.Lock {
	if fixed {
		return &async.Lock{}
	}
	return nil
}

// both makes a bug of a program that knows whether it is the fixed one.
func both(name string, p func(ctx context.Context, fixed bool) error) bug {
	return bug{name,
		func(ctx context.Context) error { return p(ctx, false) },
		func(ctx context.Context) error { return p(ctx, true) }}
}

var corpus = []bug{
	both("lost update", func(ctx context.Context, fixed bool) error {
		n, lock := 0, maybe(fixed)
		add := func(ctx context.Context) error {
			return withLock(ctx, lock, func(ctx context.Context) error {
				v := n
				err := pause(ctx)
				n = v + 1
				return err
			})
		}
		if err := together(ctx, add, add); err != nil {
			return err
		}
		return same("the counter", n, 2)
	}),
	both("withdrawal checked before a wait", func(ctx context.Context, fixed bool) error {
		balance, lock := 100, maybe(fixed)
		withdraw := func(ctx context.Context) error {
			return withLock(ctx, lock, func(ctx context.Context) error {
				if balance < 80 {
					return nil
				}
				err := pause(ctx)
				balance -= 80
				return err
			})
		}
		if err := together(ctx, withdraw, withdraw); err != nil {
			return err
		}
		return same("the balance", balance, 20)
	}),
	both("singleton made twice", func(ctx context.Context, fixed bool) error {
		made, lock := 0, maybe(fixed)
		var it *int
		get := func(ctx context.Context) error {
			return withLock(ctx, lock, func(ctx context.Context) error {
				if it != nil {
					return nil
				}
				err := pause(ctx)
				made++
				it = &made
				return err
			})
		}
		if err := together(ctx, get, get, get); err != nil {
			return err
		}
		return same("the number made", made, 1)
	}),
	both("AB-BA locks", func(ctx context.Context, fixed bool) error {
		var a, b async.Lock
		take := func(first, second *async.Lock) program {
			return func(ctx context.Context) error {
				return first.With(ctx, func(ctx context.Context) error {
					if err := pause(ctx); err != nil {
						return err
					}
					return second.With(ctx, func(context.Context) error { return nil })
				})
			}
		}
		if fixed {
			return together(ctx, take(&a, &b), take(&a, &b))
		}
		return together(ctx, take(&a, &b), take(&b, &a))
	}),
	both("dining philosophers", func(ctx context.Context, fixed bool) error {
		var forks [3]async.Lock
		var eat []program
		for i := range forks {
			left, right := i, (i+1)%len(forks)
			if fixed && left > right {
				left, right = right, left
			}
			eat = append(eat, func(ctx context.Context) error {
				return forks[left].With(ctx, func(ctx context.Context) error {
					if err := pause(ctx); err != nil {
						return err
					}
					return forks[right].With(ctx, pause)
				})
			})
		}
		return together(ctx, eat...)
	}),
	both("missed notify", func(ctx context.Context, fixed bool) error {
		cond := async.NewCondition(nil)
		ready := false
		return together(ctx,
			func(ctx context.Context) error {
				return cond.With(ctx, func(ctx context.Context) error {
					if fixed {
						return cond.WaitFor(ctx, func() bool { return ready })
					}
					return cond.Wait(ctx) // although it may be ready already
				})
			},
			func(ctx context.Context) error {
				return cond.With(ctx, func(context.Context) error {
					ready = true
					cond.NotifyAll()
					return nil
				})
			})
	}),
	both("notify for one of two kinds of waiters", func(ctx context.Context, fixed bool) error {
		cond := async.NewCondition(nil)
		var a, b bool
		await := func(flag *bool) program {
			return func(ctx context.Context) error {
				return cond.With(ctx, func(ctx context.Context) error {
					return cond.WaitFor(ctx, func() bool { return *flag })
				})
			}
		}
		set := func(flag *bool) program {
			return func(ctx context.Context) error {
				return cond.With(ctx, func(context.Context) error {
					*flag = true
					if fixed {
						cond.NotifyAll()
					} else {
						cond.Notify(1) // and that may be the other one
					}
					return nil
				})
			}
		}
		return together(ctx, await(&a), await(&b), set(&b), set(&a))
	}),
	both("if in the place of while around a wait", func(ctx context.Context, fixed bool) error {
		cond := async.NewCondition(nil)
		items := 0
		take := func(ctx context.Context) error {
			return cond.With(ctx, func(ctx context.Context) error {
				for items == 0 {
					if err := cond.Wait(ctx); err != nil {
						return err
					}
					if !fixed {
						break
					}
				}
				items--
				if items < 0 {
					return errors.New("an item was taken that was not there")
				}
				return nil
			})
		}
		put := func(ctx context.Context) error {
			for range 2 {
				err := cond.With(ctx, func(context.Context) error {
					items++
					cond.NotifyAll()
					return nil
				})
				if err != nil {
					return err
				}
				if err := pause(ctx); err != nil {
					return err
				}
			}
			return nil
		}
		return together(ctx, take, take, put)
	}),
	both("barging queue", func(ctx context.Context, fixed bool) error {
		// A worker looks whether there is an item, and takes it after a wait: somebody else may have been faster.
		items := []int{1, 2, 3}
		work := func(ctx context.Context) error {
			for len(items) > 0 {
				if fixed {
					items = items[1:]
				}
				if err := pause(ctx); err != nil {
					return err
				}
				if !fixed {
					if len(items) == 0 {
						return errors.New("the queue is empty")
					}
					items = items[1:]
				}
			}
			return nil
		}
		return together(ctx, work, work)
	}),
	both("double release", func(ctx context.Context, fixed bool) error {
		sem := async.NewBoundedSemaphore(1)
		busy, most := 0, 0
		use := func(twice bool) program {
			return func(ctx context.Context) error {
				if err := sem.Acquire(ctx); err != nil {
					return err
				}
				busy++
				most = max(most, busy)
				err := pause(ctx)
				busy--
				sem.Release()
				if twice && !fixed && sem.Value() == 0 {
					sem.Release() // somebody else has it by now
				}
				return err
			}
		}
		if err := together(ctx, use(true), use(false), use(false)); err != nil {
			return err
		}
		return same("the most users at a time", most, 1)
	}),
	both("permit kept on an error", func(ctx context.Context, fixed bool) error {
		sem := async.NewSemaphore(1)
		turn := 0
		use := func(ctx context.Context) error {
			if err := sem.Acquire(ctx); err != nil {
				return err
			}
			turn++
			mine := turn
			if err := pause(ctx); err != nil {
				return err
			}
			if mine == 2 && !fixed {
				return nil
			}
			sem.Release()
			return nil
		}
		return together(ctx, use, use, use)
	}),
	both("read of a pair that is written in two steps", func(ctx context.Context, fixed bool) error {
		x, y, lock := 0, 0, maybe(fixed)
		write := func(ctx context.Context) error {
			return withLock(ctx, lock, steps(func() { x = 1 }, func() { y = 1 }))
		}
		read := func(ctx context.Context) error {
			return withLock(ctx, lock, func(context.Context) error { return same("y", y, x) })
		}
		return together(ctx, read, write)
	}),
	both("iteration over a list that changes", func(ctx context.Context, fixed bool) error {
		list, seen := []int{1, 2, 3}, 0
		return together(ctx,
			func(ctx context.Context) error {
				all := list
				if fixed {
					all = slices.Clone(list)
				}
				for i := range all {
					if i >= len(all) || all[i] == 0 {
						return errors.New("the list has changed")
					}
					seen++
					if err := pause(ctx); err != nil {
						return err
					}
				}
				return nil
			},
			func(context.Context) error { list[2] = 0; list = []int{1, 2}; return nil })
	}),
	both("result used before it is there", func(ctx context.Context, fixed bool) error {
		var result *int
		made := future.New[async.Void]()
		return together(ctx,
			func(ctx context.Context) error {
				if err := pause(ctx); err != nil {
					return err
				}
				v := 1
				result = &v
				made.SetResult(async.Void{})
				return nil
			},
			func(ctx context.Context) error {
				if fixed {
					if _, err := made.Await(ctx); err != nil {
						return err
					}
				} else if err := errors.Join(pause(ctx), pause(ctx)); err != nil {
					return err
				}
				if result == nil {
					return errors.New("there is no result")
				}
				return nil
			})
	}),
	both("event that is cleared before all have seen it", func(ctx context.Context, fixed bool) error {
		var e async.Event
		look := func(ctx context.Context) error {
			if fixed {
				return e.Wait(ctx)
			}
			for !e.IsSet() { // asks in place of waiting
				if err := e.Wait(ctx); err != nil {
					return err
				}
			}
			return nil
		}
		return together(ctx, look, look, func(ctx context.Context) error {
			for !fixed && e.Stats().Waiters < 1 || fixed && e.Stats().Waiters < 2 {
				if err := pause(ctx); err != nil {
					return err
				}
			}
			e.Set()
			e.Clear()
			return nil
		})
	}),
	both("future completed by two", func(ctx context.Context, fixed bool) error {
		f := future.New[int]()
		finish := func(v int) program {
			return func(ctx context.Context) error {
				if !f.IsDone() {
					if !fixed {
						if err := pause(ctx); err != nil {
							return err
						}
					}
					if f.SetResult(v) != nil {
						return errors.New("the result was set already")
					}
				}
				return nil
			}
		}
		return together(ctx, finish(1), finish(2))
	}),
	both("two who wait for each other's event", func(ctx context.Context, fixed bool) error {
		var a, b async.Event
		meet := func(mine, other *async.Event) program {
			return func(ctx context.Context) error {
				if fixed {
					mine.Set()
				}
				if err := other.Wait(ctx); err != nil {
					return err
				}
				mine.Set()
				return nil
			}
		}
		return together(ctx, meet(&a, &b), meet(&b, &a))
	}),
	both("closed while in use", func(ctx context.Context, fixed bool) error {
		open, users := true, 0
		return together(ctx,
			func(ctx context.Context) error {
				if !open {
					return nil
				}
				users++
				defer func() { users-- }()
				if err := pause(ctx); err != nil {
					return err
				}
				if !open {
					return errors.New("it was closed during the use")
				}
				return nil
			},
			func(ctx context.Context) error {
				for fixed && users > 0 {
					if err := pause(ctx); err != nil {
						return err
					}
				}
				open = false
				return nil
			})
	}),
	both("sequence numbers out of order", func(ctx context.Context, fixed bool) error {
		next, lock := 0, maybe(fixed)
		var sent []int
		send := func(ctx context.Context) error {
			return withLock(ctx, lock, func(ctx context.Context) error {
				next++
				n := next
				err := pause(ctx)
				sent = append(sent, n)
				return err
			})
		}
		if err := together(ctx, send, send); err != nil {
			return err
		}
		if !slices.IsSorted(sent) {
			return fmt.Errorf("sent in the order %v", sent)
		}
		return nil
	}),
	both("cache filled with an old value", func(ctx context.Context, fixed bool) error {
		stored, version := 1, 1
		var cached int
		return together(ctx,
			func(ctx context.Context) error {
				for {
					v, seen := stored, version
					if err := pause(ctx); err != nil {
						return err
					}
					if fixed && seen != version {
						continue
					}
					if cached = v; cached != stored {
						return errors.New("the cache is stale")
					}
					return nil
				}
			},
			func(context.Context) error { stored, version = 2, 2; return nil })
	}),
	both("cancel while a permit is handed over", func(ctx context.Context, fixed bool) error {
		// A hand-made lock that hands its permit to the waiter's future.
		var waiters []*future.Future[async.Void]
		taken := false
		release := func() {
			for len(waiters) > 0 {
				f := waiters[0]
				waiters = waiters[1:]
				if f.SetResult(async.Void{}) == nil {
					return
				}
			}
			taken = false
		}
		acquire := func(ctx context.Context) error {
			if !taken {
				taken = true
				return nil
			}
			f := future.New[async.Void]()
			waiters = append(waiters, f)
			_, err := f.Await(ctx)
			if err != nil && fixed && f.IsDone() && !f.Cancelled() {
				release()
			}
			return err
		}
		use := func(ctx context.Context) error {
			if err := acquire(ctx); err != nil {
				return nil
			}
			defer release()
			return pause(ctx)
		}
		a := async.Go(ctx, use, async.Name("a"))
		b := async.Go(ctx, use, async.Name("b"))
		c := async.Go(ctx, func(context.Context) error { b.Cancel(); return nil }, async.Name("c"))
		d := async.Go(ctx, use, async.Name("d"))
		_, err := async.GatherSettled(ctx, a, b, c, d)
		if err == nil && taken {
			err = errors.New("the permit is lost")
		}
		return err
	}),
	both("timeout that loses an item", func(ctx context.Context, fixed bool) error {
		items, got := []int{1}, 0
		get := func(ctx context.Context) (int, error) {
			v := items[0]
			items = items[1:]
			if err := async.Sleep(ctx, time.Second); err != nil { // on its way
				if fixed {
					items = append(items, v)
				}
				return 0, err
			}
			return v, nil
		}
		a := async.Go(ctx, func(ctx context.Context) error {
			if _, err := async.WaitFor(ctx, async.Coroutine[int](get), time.Minute); err == nil {
				got++
			}
			return nil
		}, async.Name("a"))
		b := async.Go(ctx, func(ctx context.Context) error {
			err := errors.Join(pause(ctx), pause(ctx))
			a.Cancel()
			return err
		}, async.Name("b"))
		if _, err := async.GatherSettled(ctx, a, b); err != nil {
			return err
		}
		return same("items got and left", got+len(items), 1)
	}),
	both("deep order of three", func(ctx context.Context, fixed bool) error {
		// Fails only if b's two steps stand around a's second one, and c's after that.
		trail, lock := "", maybe(fixed)
		mark := func(names ...string) program {
			return func(ctx context.Context) error {
				return withLock(ctx, lock, func(ctx context.Context) error {
					var fns []func()
					for _, name := range names {
						fns = append(fns, func() { trail += name })
					}
					return steps(fns...)(ctx)
				})
			}
		}
		if err := together(ctx, mark("a", "A"), mark("b", "B"), mark("c", "C")); err != nil {
			return err
		}
		if trail == "cbAaCB" || trail == "bacABC" || trail == "acbCAB" {
			return fmt.Errorf("the order is %s", trail)
		}
		return nil
	}),
}

// budget is how many schedules it may take to find a bug of the corpus.
const budget = 500
