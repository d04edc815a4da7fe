package gather_test

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
)

// The results come in the order of the arguments, whichever job ends first. No loop is needed: here a plain goroutine waits for jobs
// of a pool.
func ExampleAll() {
	pool := future.NewPool(2)
	second := make(chan struct{})
	a := future.Submit(pool, func() (string, error) {
		<-second
		return "one", nil
	})
	b := future.Submit(pool, func() (string, error) {
		defer close(second)
		return "two", nil
	})
	fmt.Println(gather.All(context.Background(), a, b))
	fmt.Println(pool.Shutdown(context.Background()))
	// Output:
	// [one two] <nil>
	// <nil>
}

// The first error ends the wait; the others go on, and can still be looked at.
func ExampleAll_error() {
	good, bad := future.New[int](), future.Failed[int](errors.New("no route to host"))
	_, err := gather.All(context.Background(), good, bad)
	fmt.Println(err, good.IsDone())
	fmt.Println(good.SetResult(1))
	// Output:
	// no route to host false
	// <nil>
}

// AllOf takes a slice of one type, as a loop makes it.
func ExampleAllOf() {
	pool := future.NewPool(0)
	var jobs []*future.Future[int]
	for i := range 5 {
		jobs = append(jobs, future.Submit(pool, func() (int, error) { return i * i, nil }))
	}
	fmt.Println(gather.AllOf(context.Background(), jobs))
	fmt.Println(pool.Shutdown(context.Background()))
	// Output:
	// [0 1 4 9 16] <nil>
	// <nil>
}

// All2 to All4 are for results of different types.
func ExampleAll2() {
	name, age := future.Resolved("Ada"), future.Resolved(36)
	n, a, err := gather.All2(context.Background(), name, age)
	fmt.Println(n, "is", a, err)
	// Output:
	// Ada is 36 <nil>
}

// Settled says of each what became of it. Its own error is one of the wait, and not one of theirs.
func ExampleSettled() {
	cancelled := future.New[int]()
	cancelled.Cancel()
	results, err := gather.Settled(context.Background(),
		future.Resolved(1), future.Failed[int](errors.New("no route to host")), cancelled)
	for _, r := range results {
		fmt.Println(r.Value, r.Err)
	}
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// 0 no route to host
	// 0 cancelled
	// <nil>
}

// The first success wins: an error of one mirror is no reason to give up, and the slow one is cancelled.
func ExampleAny() {
	down, up := future.Failed[string](errors.New("connection refused")), future.Resolved("the file")
	slow := future.New[string]()
	file, err := gather.Any(context.Background(), down, up, slow)
	fmt.Println(file, err)
	fmt.Println("cancelled:", slow.Cancelled())

	_, err = gather.Any(context.Background(), down)
	var group *future.ErrorGroup
	if errors.As(err, &group) {
		fmt.Println("all failed:", group.Errs)
	}
	// Output:
	// the file <nil>
	// cancelled: true
	// all failed: [connection refused]
}

// At most two of the calls run at once, and the results come in the order of the items.
func ExampleMap() {
	// A call leaves its token in the room while it runs. If a third one came in, the send would fail.
	room := make(chan struct{}, 2)
	length := func(_ context.Context, word string) (int, error) {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
			return len(word), nil
		default:
			return 0, errors.New("more than two at once")
		}
	}
	words := slices.Values([]string{"ready", "steady", "go"})
	fmt.Println(gather.Map(context.Background(), 2, words, length))
	// Output:
	// [5 6 2] <nil>
}

// The first error ends the taking of items and cancels the calls under way.
func ExampleMap_error() {
	errOdd := errors.New("an odd number")
	even := func(_ context.Context, n int) (int, error) {
		if n%2 == 1 {
			return 0, errOdd
		}
		return n, nil
	}
	_, err := gather.Map(context.Background(), 1, slices.Values([]int{2, 4, 5, 6}), even)
	fmt.Println(err, errors.Is(err, errOdd))
	// Output:
	// an odd number true
}

// Wait says who is done and who is not. It cancels nobody, and an error of one of them is none of its own.
func ExampleWait() {
	quick, slow := future.Failed[int](errors.New("no route to host")), future.New[int]()
	done, pending, err := gather.Wait(context.Background(), []*future.Future[int]{quick, slow}, gather.FirstCompleted)
	fmt.Println(len(done), len(pending), err)
	fmt.Println(done[0] == quick, pending[0].Cancelled())
	// Output:
	// 1 1 <nil>
	// true false
}

// AsCompleted gives the results as they come, errors among them.
func ExampleAsCompleted() {
	late, early := future.New[string](), future.Failed[string](errors.New("no route to host"))
	for v, err := range gather.AsCompleted(context.Background(), late, early) {
		fmt.Printf("%q %v\n", v, err)
		late.SetResult("late") // the second time this is ErrInvalidState, which nobody looks at
	}
	// Output:
	// "" no route to host
	// "late" <nil>
}

// Completed gives the futures themselves, so that one can tell whose result it is.
func ExampleCompleted() {
	a, b := future.New[int](), future.Resolved(2)
	names := map[*future.Future[int]]string{a: "a", b: "b"}
	for f := range gather.Completed(context.Background(), []*future.Future[int]{a, b}) {
		v, err := f.Result()
		fmt.Println(names[f], v, err)
		a.SetResult(1)
	}
	// Output:
	// b 2 <nil>
	// a 1 <nil>
}

// The first end wins, be it a result or an error; the others are cancelled. For the first success there is Any.
func ExampleRace() {
	down, slow := future.Failed[string](errors.New("connection refused")), future.New[string]()
	_, err := gather.Race(context.Background(), slow, down)
	fmt.Println(err, slow.Cancelled())
	// Output: connection refused true
}
