package future_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/future"
)

// These are the facts about asyncio's futures, with the numbers of docs/asyncio.md, for a future that belongs to no loop: nothing but
// goroutines takes part. Those of a future in a loop are in package async.

var errBoom = errors.New("boom")

// check ends the test at once: what it guards is not what the test is about.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expectEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

func expectError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s has the error %v, not %v", what, err, want)
	}
}

func expectPanic(t *testing.T, want string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := fmt.Sprint(recover()); got != want {
			t.Errorf("the panic is %q, not %q", got, want)
		}
	}()
	fn()
}

// expectOrder fails the test if the order of calls is another one.
func expectOrder(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("the order of calls is %q, not %q", got, want)
	}
}

// failed returns a future that has failed.
func failed() *future.Future[int] { return future.Failed[int](errBoom) }

// cancelled returns a future that was cancelled.
func cancelled() *future.Future[int] {
	f := future.New[int]()
	f.Cancel()
	return f
}

// rejectsAll fails the test if a done future accepts another outcome.
func rejectsAll(t *testing.T, f *future.Future[int]) {
	t.Helper()
	before := f.String()
	expectError(t, "SetResult of a done future", f.SetResult(1), future.ErrInvalidState)
	expectError(t, "SetError of a done future", f.SetError(errBoom), future.ErrInvalidState)
	expectEqual(t, "Cancel of a done future", f.Cancel(), false)
	expectEqual(t, "the future afterwards", f.String(), before)
}

func TestFactsOfFutures(t *testing.T) {
	t.Run("B1 a new future is pending and has neither result nor error", func(t *testing.T) {
		for name, f := range map[string]*future.Future[int]{"New": future.New[int](), "the zero value": new(future.Future[int])} {
			expectEqual(t, "IsDone of "+name, f.IsDone(), false)
			expectEqual(t, "Cancelled of "+name, f.Cancelled(), false)
			_, err := f.Result()
			expectError(t, "Result of "+name, err, future.ErrInvalidState)
			expectEqual(t, "the text of that error", err.Error(), "result is not set")
			expectEqual(t, "Err of "+name, f.Err(), nil)
			select {
			case <-f.Done():
				t.Errorf("the channel of %s is closed", name)
			default:
			}
		}
	})

	t.Run("B2 a result stays", func(t *testing.T) {
		f := future.New[int]()
		done := f.Done()
		expectError(t, "SetResult", f.SetResult(42), nil)
		expectEqual(t, "IsDone", f.IsDone(), true)
		expectEqual(t, "Cancelled", f.Cancelled(), false)
		v, err := f.Result()
		expectEqual(t, "Result", v, 42)
		expectError(t, "Result", err, nil)
		expectEqual(t, "Err", f.Err(), nil)
		<-done
		<-f.Done()
		rejectsAll(t, f)
		rejectsAll(t, future.Resolved(42))
	})

	t.Run("B2 of a hundred goroutines that complete a future exactly one succeeds", func(t *testing.T) {
		for range 20 {
			f := future.New[int]()
			var winners atomic.Int32
			var calls atomic.Int32
			f.AddDoneCallback(func(*future.Future[int]) { calls.Add(1) })
			start := make(chan struct{})
			var wg sync.WaitGroup
			for i := range 100 {
				wg.Go(func() {
					<-start
					var won bool
					switch i % 3 {
					case 0:
						won = f.SetResult(i) == nil
					case 1:
						won = f.SetError(fmt.Errorf("%d", i)) == nil
					case 2:
						won = f.Cancel(fmt.Sprint(i))
					}
					if won {
						winners.Add(1)
						// What the winner wrote is what everybody sees.
						v, err := f.Result()
						switch i % 3 {
						case 0:
							expectEqual(t, "the result", v, i)
						case 1:
							expectEqual(t, "the error", err.Error(), fmt.Sprint(i))
						case 2:
							expectEqual(t, "the cancellation", err.Error(), fmt.Sprintf("cancelled: %d", i))
						}
					}
				})
			}
			close(start)
			wg.Wait()
			expectEqual(t, "the number of winners", winners.Load(), 1)
			expectEqual(t, "the number of calls of the callback", calls.Load(), 1)
		}
	})

	t.Run("B3 an error stays and is always the same one", func(t *testing.T) {
		f := future.New[int]()
		mine := fmt.Errorf("of my own")
		expectError(t, "SetError", f.SetError(mine), nil)
		expectEqual(t, "IsDone", f.IsDone(), true)
		expectEqual(t, "Cancelled", f.Cancelled(), false)
		_, err := f.Result()
		expectEqual(t, "the error of Result", err, mine)
		expectEqual(t, "Err", f.Err(), mine)
		_, err = f.Await(context.Background())
		expectEqual(t, "the error of Await", err, mine)
		rejectsAll(t, f)
		rejectsAll(t, failed())
	})

	t.Run("B3 a nil error is refused", func(t *testing.T) {
		f := future.New[int]()
		expectPanic(t, "future: SetError was called with a nil error", func() { f.SetError(nil) })
		expectPanic(t, "future: SetError was called with a nil error", func() { future.Failed[int](nil) })
		expectEqual(t, "IsDone after that", f.IsDone(), false)
	})

	t.Run("B4 a cancelled future is done, and both accessors say that it was cancelled", func(t *testing.T) {
		f := future.New[int]()
		expectEqual(t, "Cancel", f.Cancel(), true)
		expectEqual(t, "IsDone", f.IsDone(), true)
		expectEqual(t, "Cancelled", f.Cancelled(), true)
		_, err := f.Result()
		expectError(t, "Result", err, future.ErrCancelled)
		expectError(t, "Result", err, context.Canceled)
		expectError(t, "Err", f.Err(), future.ErrCancelled)
		_, err = f.Await(context.Background())
		expectError(t, "Await", err, future.ErrCancelled)
		rejectsAll(t, f)
	})

	t.Run("B6 the message of a cancellation is found in its error", func(t *testing.T) {
		f := future.New[int]()
		f.Cancel("why")
		_, err := f.Result()
		var c *future.CancelledError
		if !errors.As(err, &c) || c.Msg != "why" {
			t.Errorf("the error is %#v and does not hold the message", err)
		}
		expectError(t, "the future", err, future.ErrCancelled)
		expectEqual(t, "the text of the error", err.Error(), "cancelled: why")
	})

	t.Run("B6 without a message, or with an empty one, the error has none", func(t *testing.T) {
		for _, msg := range [][]string{nil, {""}} {
			f := future.New[int]()
			f.Cancel(msg...)
			expectEqual(t, "Err", f.Err(), future.ErrCancelled)
			expectEqual(t, "the text of the error", f.Err().Error(), "cancelled")
		}
	})

	t.Run("B7 callbacks run in order on the goroutine that completes the future, before SetResult returns", func(t *testing.T) {
		// Without a loop there is no next tick to run them in.
		f := future.New[string]()
		var order []string
		for _, name := range []string{"a", "b"} {
			f.AddDoneCallback(func(f *future.Future[string]) {
				v, err := f.Result()
				expectError(t, "the future in its callback", err, nil)
				order = append(order, name+" "+v)
			})
		}
		check(t, f.SetResult("R"))
		order = append(order, "SetResult has returned")
		expectOrder(t, order, "a R", "b R", "SetResult has returned")
	})

	t.Run("B8 a callback that is added twice runs twice", func(t *testing.T) {
		f := future.New[int]()
		var order []string
		cb := func(name string) func(*future.Future[int]) {
			return func(*future.Future[int]) { order = append(order, name) }
		}
		a := cb("a")
		for _, fn := range []func(*future.Future[int]){a, cb("b"), cb("c"), a} {
			f.AddDoneCallback(fn)
		}
		f.Cancel()
		expectOrder(t, order, "a", "b", "c", "a")
	})

	t.Run("B9 on a done future a callback runs at once", func(t *testing.T) {
		for _, f := range []*future.Future[int]{future.Resolved(1), failed(), cancelled()} {
			calls := 0
			remove := f.AddDoneCallback(func(g *future.Future[int]) {
				calls++
				expectEqual(t, "the argument of the callback", g, f)
			})
			expectEqual(t, "the number of calls", calls, 1)
			expectEqual(t, "removing it afterwards", remove(), false)
		}
	})

	t.Run("B10 each registration is taken back on its own, once", func(t *testing.T) {
		f := future.New[int]()
		var order []string
		add := func(name string) func() bool {
			return f.AddDoneCallback(func(*future.Future[int]) { order = append(order, name) })
		}
		var sixTimes []func() bool
		for range 3 {
			sixTimes = append(sixTimes, add("cb1"))
		}
		cb2 := add("cb2")
		for range 3 {
			sixTimes = append(sixTimes, add("cb1"))
		}
		add("cb3")
		expectEqual(t, "removing cb2", cb2(), true)
		expectEqual(t, "removing cb2 again", cb2(), false)
		for _, remove := range sixTimes {
			expectEqual(t, "removing a cb1", remove(), true)
		}
		check(t, f.SetResult(0))
		expectOrder(t, order, "cb3")
	})

	t.Run("B11 the rest keeps its order when the first or the last is removed", func(t *testing.T) {
		for _, c := range []struct {
			removed int
			want    []string
		}{
			{0, []string{"17", "100"}},
			{1, []string{"42", "100"}},
			{2, []string{"42", "17"}},
		} {
			f := future.New[int]()
			var order []string
			var removes []func() bool
			for _, name := range []string{"42", "17", "100"} {
				removes = append(removes, f.AddDoneCallback(func(*future.Future[int]) { order = append(order, name) }))
			}
			expectEqual(t, "removing it", removes[c.removed](), true)
			expectEqual(t, "removing it again", removes[c.removed](), false)
			check(t, f.SetResult(0))
			expectOrder(t, order, c.want...)
		}
	})

	t.Run("B13 a callback cannot take back another one that is about to run", func(t *testing.T) {
		f := future.New[int]()
		var order []string
		var removeSecond func() bool
		f.AddDoneCallback(func(*future.Future[int]) {
			order = append(order, "first")
			expectEqual(t, "removing the second", removeSecond(), false)
			f.AddDoneCallback(func(*future.Future[int]) { order = append(order, "added by the first") })
		})
		removeSecond = f.AddDoneCallback(func(*future.Future[int]) { order = append(order, "second") })
		check(t, f.SetResult(0))
		expectOrder(t, order, "first", "added by the first", "second")
	})

	t.Run("B14 a callback that panics is logged and concerns nobody else", func(t *testing.T) {
		var log strings.Builder
		old := slog.Default()
		slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
		defer slog.SetDefault(old)
		f := future.New[int]()
		var order []string
		waiter := make(chan int)
		go func() {
			v, err := f.Await(context.Background())
			expectError(t, "the waiter", err, nil)
			waiter <- v
		}()
		f.AddDoneCallback(func(*future.Future[int]) { order = append(order, "first") })
		f.AddDoneCallback(func(*future.Future[int]) { panic("this one is bad") })
		f.AddDoneCallback(func(*future.Future[int]) { order = append(order, "third") })
		expectError(t, "SetResult", f.SetResult(7), nil)
		expectEqual(t, "what the waiter gets", <-waiter, 7)
		expectOrder(t, order, "first", "third")
		if !strings.Contains(log.String(), "a done callback panicked") || !strings.Contains(log.String(), "this one is bad") {
			t.Errorf("the log does not tell of the panic: %q", log.String())
		}
	})

	t.Run("B15 every goroutine that waits gets the outcome", func(t *testing.T) {
		f := future.New[string]()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				v, err := f.Await(context.Background())
				expectEqual(t, "the result", v, "v")
				expectError(t, "the wait", err, nil)
			})
		}
		check(t, f.SetResult("v"))
		wg.Wait()
	})

	t.Run("B16 a done future can be awaited any number of times, even when ctx has ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		f := future.Resolved(1)
		for range 3 {
			v, err := f.Await(ctx)
			expectEqual(t, "the result", v, 1)
			expectError(t, "the wait", err, nil)
		}
	})

	t.Run("B20 a goroutine whose ctx ends stops waiting and leaves the future alone", func(t *testing.T) {
		f := future.New[int]()
		mine := errors.New("closing time")
		for _, c := range []struct {
			end  func() (context.Context, context.CancelFunc)
			want []error
		}{
			{func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				return ctx, cancel
			}, []error{future.ErrCancelled, context.Canceled}},
			{func() (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(context.Background())
				cancel(mine)
				return ctx, func() {}
			}, []error{future.ErrCancelled, context.Canceled, mine}},
			{func() (context.Context, context.CancelFunc) {
				return context.WithTimeout(context.Background(), time.Millisecond)
			}, []error{future.ErrTimeout, context.DeadlineExceeded}},
		} {
			ctx, cancel := c.end()
			_, err := f.Await(ctx)
			cancel()
			for _, want := range c.want {
				expectError(t, "the wait", err, want)
			}
			expectEqual(t, "IsDone afterwards", f.IsDone(), false)
		}
		check(t, f.SetResult(1))
	})

	t.Run("B23 a future says what has become of it", func(t *testing.T) {
		waiting := future.New[int]()
		waiting.AddDoneCallback(func(*future.Future[int]) {})
		waiting.AddDoneCallback(func(*future.Future[int]) {})
		long := strings.Repeat("x", 100)
		for want, f := range map[string]fmt.Stringer{
			"Future(pending)":                   future.New[int](),
			"Future(pending, 2 waiting)":        waiting,
			"Future(cancelled)":                 cancelled(),
			"Future(finished, result: 4)":       future.Resolved(4),
			`Future(finished, result: "four")`:  future.Resolved("four"),
			"Future(finished, error: boom)":     failed(),
			"Future(finished, error: one line)": future.Failed[int](errors.New("one line\nand more")),
			`Future(finished, result: "` + long[:17] + "…" + long[:17] + `")`: future.Resolved(long),
		} {
			expectEqual(t, "the description", f.String(), want)
		}
	})
}

func TestNilFutureIsRefused(t *testing.T) {
	var f *future.Future[int]
	expectPanic(t, "future: Await was called on a nil Future", func() { f.Await(context.Background()) })
	expectPanic(t, "future: AddDoneCallback was called on a nil Future", func() { f.AddDoneCallback(func(*future.Future[int]) {}) })
	expectPanic(t, "future: AddDoneCallback was called with a nil function", func() { future.New[int]().AddDoneCallback(nil) })
}

// TestRegistrationRacesWithCompletion has goroutines add and remove callbacks while others complete the future: each callback
// runs exactly once, unless it was removed in time.
func TestRegistrationRacesWithCompletion(t *testing.T) {
	for range 50 {
		f := future.New[int]()
		var called, removed atomic.Int32
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				<-start
				remove := f.AddDoneCallback(func(*future.Future[int]) { called.Add(1) })
				runtime.Gosched()
				if i%2 == 0 && remove() {
					removed.Add(1)
				}
			})
			wg.Go(func() {
				<-start
				if i == 10 {
					expectError(t, "SetResult", f.SetResult(1), nil)
				}
			})
		}
		close(start)
		wg.Wait()
		expectEqual(t, "the number of callbacks that were called or removed", called.Load()+removed.Load(), 20)
	}
}

// TestCompletingInACallback shows that nothing is locked while a callback runs without a loop.
func TestCompletingInACallback(t *testing.T) {
	first, second := future.New[int](), future.New[int]()
	first.AddDoneCallback(func(f *future.Future[int]) {
		v, err := f.Result()
		check(t, err)
		expectError(t, "completing the same future again", f.SetResult(2), future.ErrInvalidState)
		check(t, second.SetResult(v+1))
	})
	check(t, first.SetResult(1))
	v, err := second.Result()
	expectEqual(t, "the second result", v, 2)
	expectError(t, "the second future", err, nil)
}
