package async_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// Whoever asked first has the lock first. The counter would lose steps without it, because the task waits between reading and
// writing.
func ExampleLock() {
	var lock async.Lock
	n := 0
	err := async.Run(func(ctx context.Context) error {
		return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			for range 100 {
				tg.Go(func(ctx context.Context) error {
					return lock.With(ctx, func(ctx context.Context) error {
						old := n
						err := async.Sleep(ctx, 0)
						n = old + 1
						return err
					})
				})
			}
			return nil
		})
	})
	fmt.Println(n, err)
	// Output: 100 <nil>
}

// Python's lock.acquire(timeout=0.01).
func ExampleLock_Acquire() {
	err := async.Run(func(ctx context.Context) error {
		var lock async.Lock
		if err := lock.Acquire(ctx); err != nil {
			return err
		}
		ctx, cancel := async.WithTimeout(ctx, 10*time.Millisecond)
		defer cancel()
		return lock.Acquire(ctx)
	})
	fmt.Println(errors.Is(err, async.ErrTimeout))
	// Output: true
}

// A function that takes the lock calls another one that does so too.
func ExampleRLock() {
	var lock async.RLock
	inner := func(ctx context.Context) error {
		return lock.With(ctx, func(context.Context) error {
			fmt.Println("taken", lock.Stats().Depth, "times")
			return nil
		})
	}
	err := async.Run(func(ctx context.Context) error { return lock.With(ctx, inner) })
	fmt.Println(err, lock.Locked())
	// Output:
	// taken 2 times
	// <nil> false
}

func ExampleEvent() {
	err := async.Run(func(ctx context.Context) error {
		var started async.Event
		client := async.Go(ctx, func(ctx context.Context) error {
			fmt.Println("client: waiting")
			if err := started.Wait(ctx); err != nil {
				return err
			}
			fmt.Println("client: connected")
			return nil
		})
		if err := async.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
		fmt.Println("server: started")
		started.Set()
		_, err := client.Await(ctx)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// client: waiting
	// server: started
	// client: connected
}

func ExampleCondition() {
	err := async.Run(func(ctx context.Context) error {
		var cond async.Condition
		var noodles []string
		eater := async.Go(ctx, func(ctx context.Context) error {
			return cond.With(ctx, func(ctx context.Context) error {
				if err := cond.WaitFor(ctx, func() bool { return len(noodles) > 0 }); err != nil {
					return err
				}
				fmt.Println("eating", noodles[0])
				return nil
			})
		})
		if err := async.Sleep(ctx, 0); err != nil {
			return err
		}
		err := cond.With(ctx, func(context.Context) error {
			noodles = append(noodles, "ramen")
			cond.Notify(1)
			return nil
		})
		if err != nil {
			return err
		}
		_, err = eater.Await(ctx)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: eating ramen
}

func ExampleSemaphore() {
	sem := async.NewSemaphore(2)
	inside, most := 0, 0
	err := async.Run(func(ctx context.Context) error {
		return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			for range 10 {
				tg.Go(func(ctx context.Context) error {
					return sem.With(ctx, func(ctx context.Context) error {
						inside++
						most = max(most, inside)
						err := async.Sleep(ctx, time.Millisecond)
						inside--
						return err
					})
				})
			}
			return nil
		})
	})
	fmt.Println("at most", most, err)
	// Output: at most 2 <nil>
}

// Giving back a permit that nobody has taken is a bug, and a BoundedSemaphore finds it.
func ExampleBoundedSemaphore() {
	defer func() { fmt.Println(recover()) }()
	sem := async.NewBoundedSemaphore(1)
	fmt.Println(sem.TryAcquire())
	sem.Release()
	sem.Release()
	// Output:
	// true
	// async: BoundedSemaphore released too many times
}

func ExampleBarrier() {
	err := async.Run(func(ctx context.Context) error {
		b := async.NewBarrier(3)
		return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			for _, name := range []string{"A", "B", "C"} {
				tg.Go(func(ctx context.Context) error {
					fmt.Println(name, "is here")
					index, err := b.Wait(ctx)
					if err == nil {
						fmt.Println(name, "goes on with", index)
					}
					return err
				})
			}
			return nil
		})
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// A is here
	// B is here
	// C is here
	// C goes on with 2
	// A goes on with 0
	// B goes on with 1
}
