package gather_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
)

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
