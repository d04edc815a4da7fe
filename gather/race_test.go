package gather_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
)

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
