package gather_test

import (
	"context"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
)

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
