package gather_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
)

// The tests here have no loop: futures that belong to none, and goroutines that wait for them. What gather does in tasks is shown by the
// tests of package async. Time is that of package synctest, so that a wait takes exactly as long as it says, and a goroutine that is
// left behind fails the test.

var errBad, errWorse = errors.New("bad"), errors.New("worse")

// A job is an Awaitable of a type that package gather does not know.
type job[T any] func(ctx context.Context) (T, error)

func (j job[T]) Await(ctx context.Context) (T, error) { return j(ctx) }

// after is a job that takes some time. It ends early if ctx does.
func after[T any](d time.Duration, v T, err error) job[T] {
	return func(ctx context.Context) (T, error) {
		select {
		case <-time.After(d):
			return v, err
		case <-ctx.Done():
			return *new(T), future.ErrCancelled
		}
	}
}

// completing returns a future that gets an outcome after some time.
func completing[T any](d time.Duration, v T, err error) *future.Future[T] {
	f := future.New[T]()
	go func() {
		time.Sleep(d)
		if err != nil {
			f.SetError(err)
		} else {
			f.SetResult(v)
		}
	}()
	return f
}

// pending returns futures that nobody completes.
func pending(n int) []*future.Future[int] {
	fs := make([]*future.Future[int], n)
	for i := range fs {
		fs[i] = future.New[int]()
	}
	return fs
}

// inBubble returns a test that runs on the clock of package synctest.
func inBubble(test func(ctx context.Context, t *testing.T)) func(*testing.T) {
	return func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(context.Background(), t) })
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

func equalSlices[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s has the error %v, not %v", what, err, want)
	}
}

// panics fails the test if fn does not panic with a text that begins with want.
func panics(t *testing.T, want string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := fmt.Sprint(recover()); !strings.HasPrefix(got, want) {
			t.Errorf("the panic is %q, not %q", got, want)
		}
	}()
	fn()
}

// endings are the ways in which the context of a wait can end, a second after it was made.
var endings = []struct {
	name string
	ctx  func(ctx context.Context) (context.Context, context.CancelFunc)
	errs []error // what the error of the wait is
}{
	{
		"is cancelled",
		func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		},
		[]error{future.ErrCancelled, context.Canceled},
	},
	{
		"is cancelled for a reason",
		func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(ctx)
			time.AfterFunc(time.Second, func() { cancel(errBad) })
			return ctx, func() { cancel(nil) }
		},
		[]error{future.ErrCancelled, context.Canceled, errBad},
	},
	{
		"times out",
		func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		},
		[]error{future.ErrTimeout, context.DeadlineExceeded},
	},
}

// TestEndOfContext shows what becomes of the wait and of what is waited for when the context of a plain goroutine ends.
func TestEndOfContext(t *testing.T) {
	type futures = []*future.Future[int]
	for _, fn := range []struct {
		name    string
		wait    func(ctx context.Context, fs futures) error
		cancels bool // what is waited for
	}{
		{"All", func(ctx context.Context, fs futures) error {
			_, err := gather.AllOf[int](ctx, fs)
			return err
		}, false},
		{"All2", func(ctx context.Context, fs futures) error {
			_, _, err := gather.All2(ctx, fs[0], fs[1])
			return err
		}, false},
		{"Settled", func(ctx context.Context, fs futures) error {
			_, err := gather.SettledOf[int](ctx, fs)
			return err
		}, false},
		{"Wait", func(ctx context.Context, fs futures) error {
			done, pending, err := gather.Wait(ctx, fs)
			if done != nil || pending != nil {
				return fmt.Errorf("Wait has returned %v and %v with the error %w", done, pending, err)
			}
			return err
		}, false},
		{"AsCompleted", func(ctx context.Context, fs futures) (last error) {
			for _, err := range gather.AsCompletedOf[int](ctx, fs) {
				if last != nil {
					return fmt.Errorf("there is an error after %w", last)
				}
				last = err
			}
			return last
		}, false},
		{"Race", func(ctx context.Context, fs futures) error {
			_, err := gather.Race(ctx, fs[0], fs[1])
			return err
		}, true},
		{"Any", func(ctx context.Context, fs futures) error {
			_, err := gather.Any(ctx, fs[0], fs[1])
			return err
		}, true},
	} {
		for _, end := range endings {
			name := fn.name + " leaves alone what it waits for when its context " + end.name
			if fn.cancels {
				name = fn.name + " cancels what it waits for when its context " + end.name
			}
			t.Run(name, inBubble(func(ctx context.Context, t *testing.T) {
				start := time.Now()
				ctx, cancel := end.ctx(ctx)
				defer cancel()
				fs := pending(2)
				err := fn.wait(ctx, fs)
				for _, want := range end.errs {
					is(t, fn.name, err, want)
				}
				equal(t, "the time", time.Since(start), time.Second)
				for _, f := range fs {
					equal(t, "cancelled of a future", f.Cancelled(), fn.cancels)
					equal(t, "done of a future", f.IsDone(), fn.cancels)
				}
			}))
		}
	}

	t.Run("Completed ends when its context is cancelled and can go on with another one", inBubble(func(ctx context.Context, t *testing.T) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		fs := pending(2)
		for f := range gather.Completed(ctx, fs) {
			t.Errorf("the sequence has the future %v", f)
		}
		is(t, "the context", ctx.Err(), context.DeadlineExceeded)
		equal(t, "done of a future", fs[0].IsDone(), false)
	}))
}

func TestAll(t *testing.T) {
	t.Run("the results come in the order of the arguments", inBubble(func(ctx context.Context, t *testing.T) {
		start := time.Now()
		vs, err := gather.All(ctx, completing(3*time.Second, 1, nil), completing(time.Second, 2, nil), completing(2*time.Second, 3, nil))
		is(t, "All", err, nil)
		equalSlices(t, "the result", vs, []int{1, 2, 3})
		equal(t, "the time", time.Since(start), 3*time.Second)
	}))

	t.Run("nothing gives no results at once", inBubble(func(ctx context.Context, t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		cancel() // a wait would return the error
		vs, err := gather.All[int](ctx)
		is(t, "All", err, nil)
		if vs == nil || len(vs) != 0 {
			t.Errorf("the result is %#v, not an empty slice", vs)
		}
	}))

	t.Run("what is done takes no wait", inBubble(func(ctx context.Context, t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		vs, err := gather.All(ctx, future.Resolved(1), future.Resolved(2))
		is(t, "All", err, nil)
		equalSlices(t, "the result", vs, []int{1, 2})
	}))

	t.Run("the first error ends the wait and the others go on", inBubble(func(ctx context.Context, t *testing.T) {
		start := time.Now()
		slow := completing(time.Minute, 1, nil)
		vs, err := gather.All(ctx, slow, completing(2*time.Second, 0, errWorse), completing(time.Second, 0, errBad))
		equal(t, "the error", err, errBad)
		equal(t, "the length of the result", len(vs), 0)
		equal(t, "the time", time.Since(start), time.Second)
		equal(t, "done of the slow one", slow.IsDone(), false)
		v, err := slow.Await(ctx)
		is(t, "the slow one", err, nil)
		equal(t, "the result of the slow one", v, 1)
	}))

	t.Run("a child that somebody cancels is an error and the gather is not cancelled", inBubble(func(ctx context.Context, t *testing.T) {
		fs := pending(2)
		g := gather.AllFuture(ctx, fs[0], fs[1])
		fs[1].Cancel("why")
		_, err := g.Await(ctx)
		var c *future.CancelledError
		if !errors.As(err, &c) {
			t.Fatalf("the error is %v, not a CancelledError", err)
		}
		equal(t, "the message", c.Msg, "why")
		equal(t, "cancelled of the gather", g.Cancelled(), false)
		equal(t, "done of the other child", fs[0].IsDone(), false)
	}))

	t.Run("cancelling the gather cancels the children", inBubble(func(ctx context.Context, t *testing.T) {
		fs := pending(2)
		done := future.Resolved(3)
		g := gather.AllFuture(ctx, fs[0], done, fs[1])
		equal(t, "Cancel", g.Cancel(), true)
		for _, f := range fs {
			equal(t, "cancelled of a child", f.Cancelled(), true)
		}
		equal(t, "cancelled of the child that was done", done.Cancelled(), false)
		is(t, "the gather", g.Err(), future.ErrCancelled)
		equal(t, "Cancel again", g.Cancel(), false)
	}))

	t.Run("a future that is given twice is in the results twice", inBubble(func(ctx context.Context, t *testing.T) {
		f := completing(time.Second, 1, nil)
		vs, err := gather.All(ctx, f, f)
		is(t, "All", err, nil)
		equalSlices(t, "the result", vs, []int{1, 1})
	}))

	t.Run("awaitables of other types are awaited concurrently", inBubble(func(ctx context.Context, t *testing.T) {
		start := time.Now()
		vs, err := gather.AllOf[int](ctx, []job[int]{after(2*time.Second, 1, nil), after(time.Second, 2, nil), after(2*time.Second, 3, nil)})
		is(t, "AllOf", err, nil)
		equalSlices(t, "the result", vs, []int{1, 2, 3})
		equal(t, "the time", time.Since(start), 2*time.Second)
	}))

	t.Run("a panic of an awaitable is an error with its value", inBubble(func(ctx context.Context, t *testing.T) {
		_, err := gather.All(ctx, job[int](func(context.Context) (int, error) { panic(errBad) }))
		var caught *future.PanicError
		if !errors.As(err, &caught) {
			t.Fatalf("the error is %v, not a PanicError", err)
		}
		is(t, "the panic", err, errBad)
	}))

	t.Run("callbacks of the gather are called once", inBubble(func(ctx context.Context, t *testing.T) {
		f := future.New[int]()
		g := gather.AllFuture(ctx, f)
		calls := 0
		g.AddDoneCallback(func(g *future.Future[[]int]) { calls++ })
		is(t, "SetResult", f.SetResult(1), nil)
		equal(t, "the number of calls", calls, 1)
	}))

	t.Run("children that end on many goroutines at once are all there", func(t *testing.T) {
		const n = 1000
		fs := pending(n)
		want := make([]int, n)
		var wg sync.WaitGroup
		for i, f := range fs {
			want[i] = i
			wg.Go(func() { f.SetResult(i) })
		}
		vs, err := gather.AllOf[int](context.Background(), fs)
		is(t, "AllOf", err, nil)
		equalSlices(t, "the result", vs, want)
		wg.Wait()
	})

	t.Run("children that fail on many goroutines at once give one of their errors", func(t *testing.T) {
		fs := pending(1000)
		var wg sync.WaitGroup
		for _, f := range fs {
			wg.Go(func() { f.SetError(errBad) })
		}
		_, err := gather.AllOf[int](context.Background(), fs)
		equal(t, "the error", err, errBad)
		wg.Wait()
	})

	t.Run("a nil argument panics with its number", func(t *testing.T) {
		ctx, f := context.Background(), future.New[int]()
		var none *future.Future[int]
		panics(t, "gather: argument 0 is nil", func() { gather.All[int](ctx, nil) })
		panics(t, "gather: argument 1 is nil", func() { gather.All[int](ctx, f, nil) })
		panics(t, "gather: argument 1 is a nil Future", func() { gather.All(ctx, f, none) })
		panics(t, "gather: argument 0 is a nil Future", func() { gather.AllOf[int](ctx, []*future.Future[int]{nil}) })
		panics(t, "gather: argument 1 is nil", func() { gather.AllFuture[int](ctx, f, nil) })
		panics(t, "gather: argument 0 is nil", func() { gather.Settled[int](ctx, nil) })
		panics(t, "gather: argument 1 is nil", func() { gather.All2[int, int](ctx, f, nil) })
		panics(t, "gather: argument 2 is nil", func() { gather.All3[int, int, int](ctx, f, f, nil) })
		panics(t, "gather: argument 3 is nil", func() { gather.All4[int, int, int, int](ctx, f, f, f, nil) })
		panics(t, "gather: argument 1 is nil", func() { gather.AsCompleted[int](ctx, f, nil) })
		panics(t, "gather: argument 1 is nil", func() { gather.Race[int](ctx, f, nil) })
		panics(t, "gather: argument 1 is nil", func() { gather.Any[int](ctx, f, nil) })
	})
}

func TestSettled(t *testing.T) {
	t.Run("results and errors are at their places", inBubble(func(ctx context.Context, t *testing.T) {
		cancelled := future.New[int]()
		time.AfterFunc(time.Second, func() { cancelled.Cancel() })
		start := time.Now()
		rs, err := gather.Settled(ctx, completing(3*time.Second, 1, nil), completing(2*time.Second, 0, errBad), cancelled, future.Resolved(4))
		is(t, "Settled", err, nil)
		equal(t, "the number of results", len(rs), 4)
		equal(t, "the first", rs[0], gather.Result[int]{Value: 1})
		equal(t, "the second", rs[1], gather.Result[int]{Err: errBad})
		is(t, "the third", rs[2].Err, future.ErrCancelled)
		equal(t, "the fourth", rs[3], gather.Result[int]{Value: 4})
		equal(t, "the time", time.Since(start), 3*time.Second)
	}))

	t.Run("nothing gives no results at once", inBubble(func(ctx context.Context, t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		rs, err := gather.Settled[int](ctx)
		is(t, "Settled", err, nil)
		if rs == nil || len(rs) != 0 {
			t.Errorf("the result is %#v, not an empty slice", rs)
		}
	}))

	t.Run("cancelling the future waits for all children", inBubble(func(ctx context.Context, t *testing.T) {
		cleanedUp := false
		slow := job[int](func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			cleanedUp = true
			return 1, nil // so it has swallowed the cancellation
		})
		start := time.Now()
		g := gather.SettledFuture(ctx, slow, after(time.Minute, 2, nil))
		synctest.Wait()
		equal(t, "Cancel", g.Cancel(), true)
		_, err := g.Await(ctx)
		is(t, "the gather", err, future.ErrCancelled)
		equal(t, "whether the slow one has cleaned up", cleanedUp, true)
		equal(t, "the time", time.Since(start), time.Second)
	}))
}

func TestAllMixed(t *testing.T) {
	t.Run("results of different types come together", inBubble(func(ctx context.Context, t *testing.T) {
		a, b, err := gather.All2(ctx, completing(2*time.Second, 1, nil), after(time.Second, "two", nil))
		is(t, "All2", err, nil)
		equal(t, "the first of two", a, 1)
		equal(t, "the second of two", b, "two")
		a, b, c, err := gather.All3(ctx, future.Resolved(1), after(0, "two", nil), completing(time.Second, 3.0, nil))
		is(t, "All3", err, nil)
		equal(t, "the first of three", a, 1)
		equal(t, "the second of three", b, "two")
		equal(t, "the third of three", c, 3.0)
		a, b, c, d, err := gather.All4(ctx, future.Resolved(1), after(0, "two", nil), completing(time.Second, 3.0, nil), future.Resolved(true))
		is(t, "All4", err, nil)
		equal(t, "the first of four", a, 1)
		equal(t, "the second of four", b, "two")
		equal(t, "the third of four", c, 3.0)
		equal(t, "the fourth of four", d, true)
	}))

	t.Run("the first error ends the wait and there are no results", inBubble(func(ctx context.Context, t *testing.T) {
		start := time.Now()
		slow := completing(time.Minute, "slow", nil)
		a, b, err := gather.All2(ctx, completing(time.Second, 1, errBad), slow)
		equal(t, "the error", err, errBad)
		equal(t, "the first", a, 0)
		equal(t, "the second", b, "")
		equal(t, "the time", time.Since(start), time.Second)
		equal(t, "done of the other", slow.IsDone(), false)
		a, _, c, err := gather.All3(ctx, future.Resolved(1), future.Failed[string](errWorse), future.Resolved(3))
		equal(t, "the error of three", err, errWorse)
		equal(t, "the first of three", a, 0)
		equal(t, "the third of three", c, 0)
		a, _, _, d, err := gather.All4(ctx, future.Resolved(1), future.Resolved(2), future.Failed[string](errWorse), future.Resolved(4))
		equal(t, "the error of four", err, errWorse)
		equal(t, "the first of four", a, 0)
		equal(t, "the fourth of four", d, 0)
		slow.Await(ctx)
	}))
}

func TestWait(t *testing.T) {
	type futures = []*future.Future[int]
	const s = time.Second

	for _, c := range []struct {
		name    string
		make    func() futures
		opts    []gather.WaitOption
		done    []int // numbers of futures
		pending []int
		time    time.Duration
	}{
		{
			"by default all are waited for", func() futures {
				return futures{completing(3*s, 1, nil), completing(s, 0, errBad), completing(2*s, 3, nil)}
			}, nil, []int{0, 1, 2}, nil, 3 * s,
		},
		{
			"AllCompleted takes back an option before it", func() futures {
				return futures{completing(3*s, 1, nil), completing(s, 2, nil)}
			}, []gather.WaitOption{gather.FirstCompleted, gather.AllCompleted}, []int{0, 1}, nil, 3 * s,
		},
		{
			"FirstCompleted ends with the first end", func() futures {
				return futures{completing(3*s, 1, nil), completing(s, 0, errBad), completing(2*s, 3, nil)}
			}, []gather.WaitOption{gather.FirstCompleted}, []int{1}, []int{0, 2}, s,
		},
		{
			"FirstCompleted returns all that is done", func() futures {
				return futures{future.Resolved(1), completing(s, 2, nil), future.Resolved(3)}
			}, []gather.WaitOption{gather.FirstCompleted}, []int{0, 2}, []int{1}, 0,
		},
		{
			"FirstException ends with the first error", func() futures {
				return futures{completing(3*s, 1, nil), completing(s, 2, nil), completing(2*s, 0, errBad)}
			}, []gather.WaitOption{gather.FirstException}, []int{1, 2}, []int{0}, 2 * s,
		},
		{
			"FirstException waits for all if none fails", func() futures {
				return futures{completing(2*s, 1, nil), completing(s, 2, nil)}
			}, []gather.WaitOption{gather.FirstException}, []int{0, 1}, nil, 2 * s,
		},
		{
			"FirstException does not end with a cancellation", func() futures {
				cancelled := future.New[int]()
				time.AfterFunc(s, func() { cancelled.Cancel() })
				return futures{cancelled, completing(2*s, 2, nil)}
			}, []gather.WaitOption{gather.FirstException}, []int{0, 1}, nil, 2 * s,
		},
		{
			"Within ends the wait in time and cancels nothing", func() futures {
				return futures{completing(s, 1, nil), completing(3*s, 2, nil)}
			}, []gather.WaitOption{gather.Within(2 * s)}, []int{0}, []int{1}, 2 * s,
		},
		{
			"Within is no matter if all are done before", func() futures {
				return futures{completing(s, 1, nil), completing(2*s, 2, nil)}
			}, []gather.WaitOption{gather.Within(time.Minute)}, []int{0, 1}, nil, 2 * s,
		},
		{
			"Within and FirstCompleted end with what comes first", func() futures {
				return futures{completing(s, 1, nil), completing(3*s, 2, nil)}
			}, []gather.WaitOption{gather.Within(2 * s), gather.FirstCompleted}, []int{0}, []int{1}, s,
		},
		{
			"Within zero returns what is done", func() futures {
				return futures{completing(s, 1, nil), future.Resolved(2)}
			}, []gather.WaitOption{gather.Within(0)}, []int{1}, []int{0}, 0,
		},
		{
			"Within a negative time returns what is done", func() futures {
				return futures{completing(s, 1, nil), future.Resolved(2)}
			}, []gather.WaitOption{gather.Within(-s)}, []int{1}, []int{0}, 0,
		},
	} {
		t.Run(c.name, inBubble(func(ctx context.Context, t *testing.T) {
			start := time.Now()
			fs := c.make()
			done, pending, err := gather.Wait(ctx, fs, c.opts...)
			is(t, "Wait", err, nil)
			equal(t, "the time", time.Since(start), c.time)
			of := func(numbers []int) (some futures) {
				for _, i := range numbers {
					some = append(some, fs[i])
				}
				return some
			}
			equalSlices(t, "done", done, of(c.done))
			equalSlices(t, "pending", pending, of(c.pending))
			for _, f := range pending {
				_, err := f.Await(ctx)
				is(t, "a pending one", err, nil) // so it was not cancelled
			}
		}))
	}

	t.Run("a future that is given twice counts once", inBubble(func(ctx context.Context, t *testing.T) {
		a, b := completing(s, 1, nil), completing(2*s, 2, nil)
		done, pending, err := gather.Wait(ctx, futures{a, a, b})
		is(t, "Wait", err, nil)
		equalSlices(t, "done", done, futures{a, b})
		equalSlices(t, "pending", pending, nil)
	}))

	t.Run("a wait that has ended is not registered any more with what is pending", inBubble(func(ctx context.Context, t *testing.T) {
		hung := future.New[int]()
		for range 3 {
			_, _, err := gather.Wait(ctx, futures{hung, completing(s, 1, nil)}, gather.FirstCompleted)
			is(t, "Wait", err, nil)
			_, _, err = gather.Wait(ctx, futures{hung}, gather.Within(s))
			is(t, "Wait with a timeout", err, nil)
			short, cancel := context.WithTimeout(ctx, s)
			_, _, err = gather.Wait(short, futures{hung})
			cancel()
			is(t, "Wait with a context that ends", err, future.ErrTimeout)
		}
		equal(t, "the future", hung.String(), "Future(pending)")
	}))

	t.Run("nothing to wait for is an error", func(t *testing.T) {
		for _, fs := range []futures{nil, {}} {
			_, _, err := gather.Wait(context.Background(), fs)
			is(t, "Wait", err, gather.ErrNothing)
		}
	})

	t.Run("a nil future panics with its number", func(t *testing.T) {
		panics(t, "gather: future 1 of those to wait for is nil", func() {
			gather.Wait(context.Background(), futures{future.New[int](), nil})
		})
	})
}

func TestAsCompleted(t *testing.T) {
	t.Run("the outcomes come in the order of the ends", inBubble(func(ctx context.Context, t *testing.T) {
		start := time.Now()
		var got []string
		for v, err := range gather.AsCompleted(ctx, completing(3*time.Second, 3, nil), completing(time.Second, 1, nil), completing(2*time.Second, 0, errBad)) {
			got = append(got, fmt.Sprintf("%d %v after %v", v, err, time.Since(start)))
		}
		equalSlices(t, "the sequence", got, []string{"1 <nil> after 1s", "0 bad after 2s", "3 <nil> after 3s"})
	}))

	t.Run("nothing gives an empty sequence", inBubble(func(ctx context.Context, t *testing.T) {
		for v, err := range gather.AsCompleted[int](ctx) {
			t.Errorf("the sequence has %v and %v", v, err)
		}
	}))

	t.Run("breaking out leaves the rest running and ranging again goes on with it", inBubble(func(ctx context.Context, t *testing.T) {
		a, b, c := completing(time.Second, 1, nil), completing(2*time.Second, 2, nil), completing(3*time.Second, 3, nil)
		steps := gather.AsCompleted(ctx, c, a, b)
		var got []int
		for v := range steps {
			got = append(got, v)
			break
		}
		equal(t, "done of the second", b.IsDone(), false)
		for v := range steps {
			got = append(got, v)
		}
		for v := range steps {
			t.Errorf("the sequence goes on with %d", v)
		}
		equalSlices(t, "the results", got, []int{1, 2, 3})
	}))

	t.Run("awaitables of other types are started by the call", inBubble(func(ctx context.Context, t *testing.T) {
		started := false
		steps := gather.AsCompletedOf[int](ctx, []job[int]{func(context.Context) (int, error) {
			started = true
			return 1, nil
		}})
		synctest.Wait()
		equal(t, "whether it has started", started, true)
		for v, err := range steps {
			is(t, "the step", err, nil)
			equal(t, "the result", v, 1)
		}
	}))

	t.Run("a future that is given twice gives one outcome", inBubble(func(ctx context.Context, t *testing.T) {
		f := completing(time.Second, 1, nil)
		n := 0
		for range gather.AsCompleted(ctx, f, f) {
			n++
		}
		equal(t, "the number of outcomes", n, 1)
	}))

	t.Run("goroutines that share a sequence get each outcome once and none waits in the end", inBubble(func(ctx context.Context, t *testing.T) {
		const n = 100
		var fs []*future.Future[int]
		for i := range n {
			fs = append(fs, completing(time.Duration(i%7)*time.Second, i, nil))
		}
		steps := gather.AsCompletedOf[int](ctx, fs)
		var mu sync.Mutex
		var got []int
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for v := range steps {
					mu.Lock()
					got = append(got, v)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(got)
		var want []int
		for i := range n {
			want = append(want, i)
		}
		equalSlices(t, "the outcomes", got, want)
	}))

	t.Run("a goroutine that stops waiting leaves the outcome to another", inBubble(func(ctx context.Context, t *testing.T) {
		// Every range waits with the context of the call, so the sequences are two over one set of futures.
		f := future.New[int]()
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		var got []string
		for _, err := range gather.AsCompleted(short, f) {
			got = append(got, fmt.Sprint(err))
		}
		time.AfterFunc(time.Second, func() { f.SetResult(1) })
		for v, err := range gather.AsCompleted(ctx, f) {
			got = append(got, fmt.Sprint(v, err))
		}
		equalSlices(t, "the outcomes", got, []string{"timed out", "1 <nil>"})
	}))
}

func TestCompleted(t *testing.T) {
	type futures = []*future.Future[int]

	t.Run("the futures come in the order of the ends", inBubble(func(ctx context.Context, t *testing.T) {
		slow, fast, failed := completing(3*time.Second, 1, nil), completing(time.Second, 2, nil), completing(2*time.Second, 0, errBad)
		equalSlices(t, "the sequence", slices.Collect(gather.Completed(ctx, futures{slow, fast, failed, slow})), futures{fast, failed, slow})
	}))

	t.Run("nothing gives an empty sequence", func(t *testing.T) {
		equal(t, "the number of futures", len(slices.Collect(gather.Completed(context.Background(), futures{}))), 0)
	})

	t.Run("breaking out and ranging again goes on with the rest", inBubble(func(ctx context.Context, t *testing.T) {
		slow, fast := completing(2*time.Second, 1, nil), completing(time.Second, 2, nil)
		steps := gather.Completed(ctx, futures{slow, fast})
		for f := range steps {
			equal(t, "the first", f, fast)
			break
		}
		equalSlices(t, "the rest", slices.Collect(steps), futures{slow})
	}))

	t.Run("a nil future panics with a sentence", func(t *testing.T) {
		panics(t, "gather: ", func() {
			gather.Completed(context.Background(), futures{future.New[int](), nil})
		})
	})
}

// cleaning returns an awaitable that hangs until it is cancelled, and takes a second to clean up then.
func cleaning(cleaned *atomic.Int32) job[int] {
	return func(ctx context.Context) (int, error) {
		<-ctx.Done()
		time.Sleep(time.Second)
		cleaned.Add(1)
		return 0, future.ErrCancelled
	}
}

func TestRace(t *testing.T) {
	for _, want := range []error{nil, errBad} {
		name := "the first result wins and the others are cancelled and awaited"
		if want != nil {
			name = "the first error wins and the others are cancelled and awaited"
		}
		t.Run(name, inBubble(func(ctx context.Context, t *testing.T) {
			var cleaned atomic.Int32
			start := time.Now()
			hung := future.New[int]()
			v, err := gather.Race[int](ctx, hung, cleaning(&cleaned), after(time.Second, 42, want), cleaning(&cleaned))
			equal(t, "the error", err, want)
			equal(t, "the result", v, 42)
			equal(t, "how many have cleaned up", cleaned.Load(), 2)
			equal(t, "cancelled of the future", hung.Cancelled(), true)
			equal(t, "the time", time.Since(start), 2*time.Second)
		}))
	}

	t.Run("what is done wins at once", inBubble(func(ctx context.Context, t *testing.T) {
		hung := future.New[int]()
		v, err := gather.Race(ctx, hung, future.Resolved(1), future.Resolved(2))
		is(t, "Race", err, nil)
		equal(t, "the result", v, 1)
		equal(t, "cancelled of the other", hung.Cancelled(), true)
	}))

	t.Run("one that somebody cancels has ended", inBubble(func(ctx context.Context, t *testing.T) {
		fs := pending(2)
		time.AfterFunc(time.Second, func() { fs[0].Cancel() })
		_, err := gather.Race(ctx, fs[0], fs[1])
		is(t, "Race", err, future.ErrCancelled)
		equal(t, "cancelled of the other", fs[1].Cancelled(), true)
	}))

	t.Run("the end of the context waits for the cleanup", inBubble(func(ctx context.Context, t *testing.T) {
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		var cleaned atomic.Int32
		start := time.Now()
		_, err := gather.Race(ctx, cleaning(&cleaned), cleaning(&cleaned))
		is(t, "Race", err, future.ErrTimeout)
		equal(t, "how many have cleaned up", cleaned.Load(), 2)
		equal(t, "the time", time.Since(start), 2*time.Second)
	}))

	t.Run("a race of nothing is an error", func(t *testing.T) {
		_, err := gather.Race[int](context.Background())
		is(t, "Race", err, gather.ErrNothing)
	})
}

func TestAny(t *testing.T) {
	t.Run("the first success wins over earlier errors and the others are cancelled and awaited", inBubble(func(ctx context.Context, t *testing.T) {
		var cleaned atomic.Int32
		start := time.Now()
		v, err := gather.Any[int](ctx, completing(time.Second, 0, errBad), cleaning(&cleaned), after(2*time.Second, 42, nil))
		is(t, "Any", err, nil)
		equal(t, "the result", v, 42)
		equal(t, "how many have cleaned up", cleaned.Load(), 1)
		equal(t, "the time", time.Since(start), 3*time.Second)
	}))

	t.Run("if all fail the errors come in the order in which they happened", inBubble(func(ctx context.Context, t *testing.T) {
		cancelled := future.New[int]()
		time.AfterFunc(2*time.Second, func() { cancelled.Cancel() })
		_, err := gather.Any(ctx, completing(3*time.Second, 0, errBad), completing(time.Second, 0, errWorse), cancelled)
		var group *future.ErrorGroup
		if !errors.As(err, &group) {
			t.Fatalf("the error is %v, not a group", err)
		}
		equalSlices(t, "the errors", group.Errs, []error{errWorse, future.ErrCancelled, errBad})
		if !strings.HasPrefix(err.Error(), "gather: none of them succeeded (3 sub-exceptions)") {
			t.Errorf("the error says %q", err)
		}
	}))

	t.Run("any of nothing is an error", func(t *testing.T) {
		_, err := gather.Any[int](context.Background())
		is(t, "Any", err, gather.ErrNothing)
	})
}

func TestMap(t *testing.T) {
	// count returns the numbers from 0 up to n, and remembers how many were taken.
	count := func(n int, taken *int) iter.Seq[int] {
		return func(yield func(int) bool) {
			for i := range n {
				*taken++
				if !yield(i) {
					return
				}
			}
		}
	}
	const s = time.Second

	for _, c := range []struct {
		limit int
		most  int32
		time  time.Duration
	}{{1, 1, 10 * s}, {3, 3, 4 * s}, {10, 10, s}, {100, 10, s}, {0, 10, s}} {
		t.Run(fmt.Sprintf("a limit of %d lets so many calls run at once and keeps the order", c.limit), inBubble(func(ctx context.Context, t *testing.T) {
			start := time.Now()
			var running, most atomic.Int32
			var taken int
			vs, err := gather.Map(ctx, c.limit, count(10, &taken), func(_ context.Context, i int) (string, error) {
				n := running.Add(1)
				defer running.Add(-1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
					continue
				}
				time.Sleep(s)
				return fmt.Sprint(i), nil
			})
			is(t, "Map", err, nil)
			equalSlices(t, "the results", vs, strings.Split("0123456789", ""))
			equal(t, "the most calls at once", most.Load(), c.most)
			equal(t, "the time", time.Since(start), c.time)
		}))
	}

	t.Run("calls that take different times give their results in the order of the items", inBubble(func(ctx context.Context, t *testing.T) {
		var taken int
		vs, err := gather.Map(ctx, 3, count(6, &taken), func(_ context.Context, i int) (int, error) {
			time.Sleep(time.Duration(6-i) * s)
			return 10 * i, nil
		})
		is(t, "Map", err, nil)
		equalSlices(t, "the results", vs, []int{0, 10, 20, 30, 40, 50})
	}))

	t.Run("items are taken only as there is room", inBubble(func(ctx context.Context, t *testing.T) {
		var taken atomic.Int32
		items := func(yield func(int) bool) {
			for i := range 5 {
				if taken.Add(1); !yield(i) {
					return
				}
			}
		}
		result := make(chan error)
		go func() {
			_, err := gather.Map(ctx, 2, items, func(ctx context.Context, i int) (int, error) { return after(s, i, nil)(ctx) })
			result <- err
		}()
		for _, want := range []int32{3, 5, 5} { // one more than there is room for waits in the hands of Map
			synctest.Wait()
			equal(t, "how many were taken", taken.Load(), want)
			time.Sleep(s)
		}
		is(t, "Map", <-result, nil)
	}))

	t.Run("the first error ends the taking and cancels and awaits the calls under way", inBubble(func(ctx context.Context, t *testing.T) {
		var taken int
		var cleaned atomic.Int32
		start := time.Now()
		vs, err := gather.Map(ctx, 3, count(1000, &taken), func(ctx context.Context, i int) (int, error) {
			if i == 1 {
				return after(s, 0, errBad)(ctx)
			}
			return cleaning(&cleaned)(ctx)
		})
		equal(t, "the error", err, errBad)
		equal(t, "the length of the result", len(vs), 0)
		equal(t, "how many have cleaned up", cleaned.Load(), 2)
		equal(t, "how many were taken", taken, 4)
		equal(t, "the time", time.Since(start), 2*s)
	}))

	for _, end := range endings {
		t.Run("the calls under way are cancelled and awaited when the context "+end.name, inBubble(func(ctx context.Context, t *testing.T) {
			start := time.Now()
			ctx, cancel := end.ctx(ctx)
			defer cancel()
			var taken int
			var cleaned atomic.Int32
			_, err := gather.Map(ctx, 3, count(1000, &taken), func(ctx context.Context, _ int) (int, error) { return cleaning(&cleaned)(ctx) })
			for _, want := range end.errs {
				is(t, "Map", err, want)
			}
			equal(t, "how many have cleaned up", cleaned.Load(), 3)
			equal(t, "how many were taken", taken, 4)
			equal(t, "the time", time.Since(start), 2*s)
		}))
	}

	t.Run("a panic of a call is an error with its value", inBubble(func(ctx context.Context, t *testing.T) {
		var taken int
		_, err := gather.Map(ctx, 1, count(3, &taken), func(_ context.Context, i int) (int, error) {
			if i == 1 {
				panic(errBad)
			}
			return i, nil
		})
		var caught *future.PanicError
		if !errors.As(err, &caught) {
			t.Fatalf("the error is %v, not a PanicError", err)
		}
		is(t, "the panic", err, errBad)
	}))

	t.Run("a panic of the sequence goes to the caller and the calls under way are cancelled and awaited", inBubble(func(ctx context.Context, t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		var cleaned atomic.Int32
		start := time.Now()
		panics(t, "no more items", func() {
			gather.Map(ctx, 0, func(yield func(int) bool) {
				yield(0)
				panic("no more items")
			}, func(ctx context.Context, _ int) (int, error) { return cleaning(&cleaned)(ctx) })
		})
		equal(t, "how many have cleaned up", cleaned.Load(), 1)
		equal(t, "the time", time.Since(start), s)
		cancel()
		time.Sleep(2 * s) // a call that was left behind ends here, and not the whole test binary
	}))

	t.Run("nothing gives no results", inBubble(func(ctx context.Context, t *testing.T) {
		var taken int
		vs, err := gather.Map(ctx, 3, count(0, &taken), func(_ context.Context, i int) (int, error) { return i, nil })
		is(t, "Map", err, nil)
		if vs == nil || len(vs) != 0 {
			t.Errorf("the result is %#v, not an empty slice", vs)
		}
	}))

	t.Run("bad arguments panic with a sentence", func(t *testing.T) {
		var taken int
		fn := func(_ context.Context, i int) (int, error) { return i, nil }
		ctx := context.Background()
		panics(t, "gather: the limit of Map is -1", func() { gather.Map(ctx, -1, count(1, &taken), fn) })
		panics(t, "gather: the function of Map is nil", func() { gather.Map[int, int](ctx, 1, count(1, &taken), nil) })
		panics(t, "gather: ", func() { gather.Map(ctx, 1, nil, fn) })
		equal(t, "how many were taken", taken, 0)
	})
}
