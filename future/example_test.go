package future_test

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/asyncgo/asyncgo/future"
)

// A future without a loop is a promise between goroutines: one completes it, as many as like wait for it.
func ExampleNew() {
	price := future.New[int]()
	go func() {
		if err := price.SetResult(42); err != nil {
			fmt.Println(err)
		}
	}()
	fmt.Println(price.Await(context.Background()))
	fmt.Println("done:", price.IsDone())
	fmt.Println("a second time:", price.SetResult(43))
	// Output:
	// 42 <nil>
	// done: true
	// a second time: invalid state
}

// Every goroutine that waits gets the same outcome, at whatever time it asks.
func ExampleFuture_Await() {
	config := future.New[string]()
	got := make([]string, 3)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			text, err := config.Await(context.Background())
			if err != nil {
				text = err.Error()
			}
			got[i] = text
		})
	}
	if err := config.SetResult("verbose"); err != nil {
		fmt.Println(err)
	}
	wg.Wait()
	fmt.Println(got)
	// Output:
	// [verbose verbose verbose]
}

// When ctx ends, a plain goroutine stops waiting and leaves the future alone.
func ExampleFuture_Await_cancelled() {
	answer := future.New[string]()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := answer.Await(ctx)
	fmt.Println(errors.Is(err, context.Canceled), answer.IsDone())
	// Output:
	// true false
}

// Without a loop the callbacks run on the goroutine that completes the future, in the order of their registration; on a future that
// is done, at once.
func ExampleFuture_AddDoneCallback() {
	order := future.New[string]()
	order.AddDoneCallback(func(f *future.Future[string]) { fmt.Println("first:", f) })
	remove := order.AddDoneCallback(func(*future.Future[string]) { fmt.Println("never called") })
	order.AddDoneCallback(func(f *future.Future[string]) {
		text, err := f.Result()
		fmt.Println("second:", text, err)
	})
	fmt.Println("removed:", remove())
	if err := order.SetResult("two coffees"); err != nil {
		fmt.Println(err)
	}
	order.AddDoneCallback(func(*future.Future[string]) { fmt.Println("late, but called") })
	// Output:
	// removed: true
	// first: Future(finished, result: "two coffees")
	// second: two coffees <nil>
	// late, but called
}

// Result never waits. It is for callbacks and for whoever knows that the future is done.
func ExampleFuture_Result() {
	f := future.New[int]()
	_, err := f.Result()
	fmt.Println(err, errors.Is(err, future.ErrInvalidState))
	if err := f.SetError(errors.New("no such city")); err != nil {
		fmt.Println(err)
	}
	fmt.Println(f.Result())
	// Output:
	// result is not set true
	// 0 no such city
}

// The message of a cancellation is found in the error that those who wait get.
func ExampleCancelledError() {
	f := future.New[int]()
	fmt.Println("had an effect:", f.Cancel("the user went away"))
	_, err := f.Await(context.Background())
	var cancelled *future.CancelledError
	if errors.As(err, &cancelled) {
		fmt.Println("because:", cancelled.Msg)
	}
	fmt.Println(errors.Is(err, future.ErrCancelled), errors.Is(err, context.Canceled))
	// Output:
	// had an effect: true
	// because: the user went away
	// true true
}

// Submit runs a function on a pool, like Executor.submit, and gives the future of its outcome. A pool has to be shut down; Shutdown
// waits for the work.
func ExampleSubmit() {
	pool := future.NewPool(2)
	square := future.Submit(pool, func() (int, error) { return 7 * 7, nil })
	broken := future.Submit(pool, func() (int, error) { panic("division by cucumber") })

	fmt.Println(square.Await(context.Background()))
	var p *future.PanicError
	if _, err := broken.Await(context.Background()); errors.As(err, &p) {
		fmt.Println("panicked:", p.Value)
	}

	fmt.Println(pool.Shutdown(context.Background()))
	late := future.Submit(pool, func() (int, error) { return 1, nil })
	fmt.Println(late.Err())
	// Output:
	// 49 <nil>
	// panicked: division by cucumber
	// <nil>
	// future: cannot schedule new work after shutdown
}

// CancelPending is shutdown(cancel_futures=True): what runs goes on, what waits in the queue never starts.
func ExamplePool_CancelPending() {
	pool := future.NewPool(1)
	started, proceed := make(chan struct{}), make(chan struct{})
	running := future.Submit(pool, func() (string, error) {
		close(started)
		<-proceed
		return "finished", nil
	})
	queued := future.Submit(pool, func() (string, error) { return "never", nil })

	<-started
	fmt.Printf("%+v\n", pool.Stats())
	fmt.Println("taken out of the queue:", pool.CancelPending())
	close(proceed)
	fmt.Println(running.Await(context.Background()))
	fmt.Println("cancelled:", queued.Cancelled())
	fmt.Println(pool.Shutdown(context.Background()))
	// Output:
	// {Workers:1 Running:1 Queued:1 Done:0 Idle:0}
	// taken out of the queue: 1
	// finished <nil>
	// cancelled: true
	// <nil>
}
