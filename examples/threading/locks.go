package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/asyncgo/asyncgo/async"
)

// A locker is what Lock and RLock have in common.
type locker interface {
	Acquire(ctx context.Context) error
	Release()
}

// acquire is lock.acquire(timeout=seconds).
func (s *script) acquire(ctx context.Context, lock locker, seconds float64) error {
	ctx, cancel := async.WithTimeout(ctx, s.seconds(seconds))
	defer cancel()
	return lock.Acquire(ctx)
}

// mutex has five threads add one to a number.
func (s *script) mutex(ctx context.Context) error {
	var lock async.Lock
	num := 0
	return threads(ctx, 5, func(ctx context.Context) error {
		if err := s.sleep(ctx, 1); err != nil {
			return err
		}
		if err := s.acquire(ctx, &lock, 1); err != nil {
			return err
		}
		defer lock.Release()
		num++
		s.print(name(ctx)+": num value is", num)
		return nil
	})
}

// joinOrLock takes one from a hundred, a hundred times: with a join after each start nothing runs at the same
// time, while a lock holds up only what it guards.
func (s *script) joinOrLock(ctx context.Context) error {
	loop, err := async.RunningLoop(ctx)
	if err != nil {
		return err
	}
	n := 100
	work := func(guard func(context.Context, func(context.Context) error) error) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := s.sleep(ctx, 0.05); err != nil { // other work
				return err
			}
			return guard(ctx, func(ctx context.Context) error {
				temp := n
				err := s.sleep(ctx, 0.1)
				n = temp - 1
				return err
			})
		}
	}
	start := loop.Time()
	report := func() {
		fmt.Fprintf(s.out, "cost the time is %.1f and value is %d\n", float64(loop.Time()-start)/float64(s.second), n)
	}
	for i := range 100 {
		unguarded := work(func(ctx context.Context, step func(context.Context) error) error { return step(ctx) })
		if err := join(ctx, thread(ctx, i+1, unguarded)); err != nil {
			return err
		}
	}
	report()

	n, start = 100, loop.Time()
	var lock async.Lock
	err = threads(ctx, 100, work(lock.With))
	report()
	return err
}

// blocks has three threads print a line a hundred times each. The tutorial's lock keeps the lines of one
// together; what is printed here is how many there are in a row.
func (s *script) blocks(ctx context.Context) error {
	var lock async.Lock
	var lines []string
	err := async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
		for _, line := range []string{"=", "!", "*"} {
			tg.Go(func(ctx context.Context) error {
				return lock.With(ctx, func(ctx context.Context) error {
					for range 100 {
						lines = append(lines, line)
						if err := async.Sleep(ctx, 0); err != nil { // here the others would come in
							return err
						}
					}
					return nil
				})
			})
		}
		return nil
	})
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[n] == lines[0] {
			n++
		}
		s.print(strings.Repeat(lines[0], 3), n, "times")
		lines = lines[n:]
	}
	return err
}

// takenTwice takes a lock that it has. In Python that is the end; with a time limit one can go on.
func (s *script) takenTwice(ctx context.Context) error {
	var lock async.Lock
	if err := lock.Acquire(ctx); err != nil {
		return err
	}
	defer lock.Release()
	s.print("获取第二把锁")
	err := s.acquire(ctx, &lock, 1)
	if !errors.Is(err, async.ErrTimeout) {
		return fmt.Errorf("a second Acquire came to %w", err)
	}
	s.print("dead lock")
	return nil
}

// reentrant is the same with an RLock.
func (s *script) reentrant(ctx context.Context) error {
	var lock async.RLock
	if err := lock.Acquire(ctx); err != nil {
		return err
	}
	defer lock.Release()
	for i := range 3 {
		s.print("获取第二把锁")
		if err := lock.Acquire(ctx); err != nil {
			return err
		}
		s.print(fmt.Sprintf("test.......%d", i))
		lock.Release()
	}
	return nil
}

// reentrantThreads has two threads that take an RLock twice each: the second one waits until the first has given it
// back as often.
func (s *script) reentrantThreads(ctx context.Context) error {
	var lock async.RLock
	return threads(ctx, 2, func(ctx context.Context) error {
		return lock.With(ctx, func(ctx context.Context) error {
			return lock.With(ctx, func(ctx context.Context) error {
				for range 3 {
					if err := s.sleep(ctx, 0.5); err != nil {
						return err
					}
					s.print(name(ctx))
				}
				return nil
			})
		})
	})
}

// forkAndPlate is the tutorial's dead lock of two eaters, who each have what the other one needs. Nothing is
// known to wake them, and so the loop can say who waits for what, and who has it.
func (s *script) forkAndPlate(ctx context.Context) error {
	var fork, plate async.RLock
	eat := func(first, second locker, has, needs string) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := first.Acquire(ctx); err != nil {
				return err
			}
			defer first.Release()
			s.print("抢到" + has + " 需要" + needs)
			if err := s.sleep(ctx, 0.1); err != nil {
				return err
			}
			if err := s.acquire(ctx, second, 10); err != nil {
				return err
			}
			defer second.Release()
			s.print("吃饭")
			return nil
		}
	}
	t1 := thread(ctx, 1, eat(&fork, &plate, "叉子", "盘子"))
	t2 := thread(ctx, 2, eat(&plate, &fork, "盘子", "叉子"))
	if err := s.sleep(ctx, 1); err != nil {
		return err
	}
	s.print("the fork is with", fork.Stats().Owner+", the plate with", plate.Stats().Owner)
	t2.Cancel() // somebody has to give in
	if err := join(ctx, t1); err != nil {
		return err
	}
	if err := join(ctx, t2); !errors.Is(err, async.ErrCancelled) {
		return fmt.Errorf("the one who gave in came to %w", err)
	}
	return nil
}
