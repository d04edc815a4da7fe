package gather_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
)

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
