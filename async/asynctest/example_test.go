package asynctest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

// A printer stands for the *testing.T of a test, which an example does not have.
type printer struct{ testing.TB }

func (printer) Helper()      {}
func (printer) Name() string { return "TestCounter" }
func (printer) Failed() bool { return false }
func (printer) Error(a ...any) {
	said, _, _ := strings.Cut(fmt.Sprint(a...), "\n")
	fmt.Println("FAIL:", said)
}

// counter lets two tasks add one each.
func counter(lock *async.Lock) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		n := 0
		add := func(ctx context.Context) error {
			return lock.With(ctx, func(ctx context.Context) error {
				v := n
				err := async.Sleep(ctx, 0) // another task may run here
				n = v + 1
				return err
			})
		}
		a, b := async.Go(ctx, add), async.Go(ctx, add)
		if _, err := async.Gather(ctx, a, b); err != nil {
			return err
		}
		if n != 2 {
			return fmt.Errorf("the counter is %d", n)
		}
		return nil
	}
}

// A sleep of an hour takes no time.
func ExampleRun() {
	asynctest.Run(nil, func(ctx context.Context) error {
		err := async.Sleep(ctx, time.Hour)
		fmt.Println("an hour later")
		return err
	})
	// Output: an hour later
}

// All schedules of a small program are tried.
func ExampleExplore() {
	var t testing.TB = printer{} // that of the test
	r := asynctest.Explore(t, counter(new(async.Lock)), asynctest.Strategy(asynctest.Exhaustive(0)))
	fmt.Println("complete:", r.Complete, "failed:", r.Failed)

	asynctest.Explore(t, func(ctx context.Context) error {
		return errors.New("broken")
	})
	// Output:
	// complete: true failed: 0
	// FAIL: broken
}

// The token of a failure leads to the same failure again.
func ExampleReplay() {
	var t testing.TB = printer{} // that of the test
	n := 0
	main := func(ctx context.Context) error {
		n = 0
		first := async.Go(ctx, func(context.Context) error { n++; return nil })
		second := async.Go(ctx, func(context.Context) error {
			if n == 0 {
				return errors.New("the second one was faster")
			}
			return nil
		})
		_, err := async.Gather(ctx, first, second)
		return err
	}
	r := asynctest.Explore(t, main, asynctest.Strategy(asynctest.Exhaustive(0)))

	again := asynctest.Replay(t, r.Token, main, 3)
	fmt.Println("failed:", again.Failed, "the same schedule:", again.Hash == r.Hash)
	// Output:
	// FAIL: the second one was faster
	// FAIL: the second one was faster
	// failed: 3 the same schedule: true
}

// Each byte chooses among the tasks that are ready. [asynctest.Fuzz] has Go's fuzzer find the bytes.
func ExampleFuzzOne() {
	var t testing.TB = printer{} // that of the fuzz target
	for _, schedule := range [][]byte{{0, 0}, {1, 0}} {
		var order []string
		asynctest.FuzzOne(t, schedule, func(ctx context.Context) error {
			step := func(name string) *async.Task[async.Void] {
				return async.Go(ctx, func(context.Context) error { order = append(order, name); return nil })
			}
			_, err := async.Gather(ctx, step("a"), step("b"))
			return err
		})
		fmt.Println(order)
	}
	// Output:
	// [a b]
	// [b a]
}

// Each wait is cancelled, runs out of time, and panics, one after the other.
func ExampleSweep() {
	var t testing.TB = printer{} // that of the test
	r := asynctest.Sweep(t, func(ctx context.Context) error {
		sem := async.NewSemaphore(1)
		asynctest.Invariant(ctx, func() error {
			if sem.Locked() {
				return errors.New("the permit is lost")
			}
			return nil
		})
		return sem.With(ctx, func(ctx context.Context) error { return async.Sleep(ctx, time.Second) })
	})
	fmt.Println("runs:", r.Schedules, "failed:", r.Failed)
	// Output: runs: 4 failed: 0
}

// Things have to happen in the order of their numbers.
func ExampleTrace() {
	asynctest.Run(nil, func(ctx context.Context) error {
		trace := asynctest.NewTrace(asynctest.TB(ctx))
		task := async.Go(ctx, func(context.Context) error {
			trace.Expect(2)
			return nil
		})
		trace.Expect(1) // the task starts when this one waits
		_, err := task.Await(ctx)
		trace.Finish(3)
		fmt.Println("in order")
		return err
	})
	// Output: in order
}
