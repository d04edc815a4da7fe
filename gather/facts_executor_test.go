package gather_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
)

// These are the facts about concurrent.futures.wait and as_completed with the numbers of docs/executors.md: a plain goroutine
// waits for jobs of a pool, in the time of package synctest.

// jobs submits functions that take 1, 2, 3 … seconds, with the given outcomes, to a pool with a worker for each.
func jobs(outcomes ...error) (p *future.Pool, fs []*future.Future[int]) {
	p = future.NewPool(len(outcomes))
	for i, err := range outcomes {
		fs = append(fs, future.Submit(p, func() (int, error) {
			time.Sleep(time.Duration(i+1) * time.Second)
			return i, err
		}))
	}
	return p, fs
}

// overJobs is a test in a bubble with jobs, whose pool is shut down in the end.
func overJobs(outcomes []error, test func(ctx context.Context, t *testing.T, fs []*future.Future[int])) func(*testing.T) {
	return func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, fs := jobs(outcomes...)
			test(t.Context(), t, fs)
			is(t, "Shutdown", p.Shutdown(context.Background()), nil)
		})
	}
}

// numbers returns which of fs are in some.
func numbers(fs, some []*future.Future[int]) (ns []int) {
	for _, f := range some {
		ns = append(ns, slices.Index(fs, f))
	}
	return ns
}

func TestFactsExecutorWait(t *testing.T) {
	// waits checks which are done and which are pending, after how many seconds.
	waits := func(done, pending []int, after time.Duration, opts ...gather.WaitOption) func(context.Context, *testing.T, []*future.Future[int]) {
		return func(ctx context.Context, t *testing.T, fs []*future.Future[int]) {
			start := time.Now()
			d, p, err := gather.Wait(ctx, fs, opts...)
			is(t, "the wait", err, nil)
			equalSlices(t, "what is done", numbers(fs, d), done)
			equalSlices(t, "what is pending", numbers(fs, p), pending)
			equal(t, "the time it took", time.Since(start), after)
		}
	}

	t.Run("CF37 wait returns when all are done", overJobs([]error{nil, errBad, nil},
		waits([]int{0, 1, 2}, nil, 3*time.Second)))
	t.Run("CF38 FIRST_COMPLETED returns when one is, with a result or an error", overJobs([]error{errBad, nil, nil},
		waits([]int{0}, []int{1, 2}, time.Second, gather.FirstCompleted)))
	t.Run("CF39 FIRST_EXCEPTION returns when one has failed", overJobs([]error{nil, errBad, nil},
		waits([]int{0, 1}, []int{2}, 2*time.Second, gather.FirstException)))
	t.Run("CF40 FIRST_EXCEPTION without one returns when all are done", overJobs([]error{nil, nil, nil},
		waits([]int{0, 1, 2}, nil, 3*time.Second, gather.FirstException)))
	t.Run("CF41 a timeout returns what is done and cancels nothing", overJobs([]error{nil, nil, nil},
		func(ctx context.Context, t *testing.T, fs []*future.Future[int]) {
			waits([]int{0, 1}, []int{2}, 2500*time.Millisecond, gather.Within(2500*time.Millisecond))(ctx, t, fs)
			v, err := fs[2].Await(ctx)
			equal(t, "the third result", v, 2)
			is(t, "the third", err, nil)
		}))
	t.Run("CF42 what is done already, and what is given twice, is no trouble", overJobs([]error{nil, nil},
		func(ctx context.Context, t *testing.T, fs []*future.Future[int]) {
			fs[0].Await(ctx)
			d, p, err := gather.Wait(ctx, []*future.Future[int]{fs[0], fs[1], fs[1], fs[0]})
			is(t, "the wait", err, nil)
			equalSlices(t, "what is done", numbers(fs, d), []int{0, 1})
			equal(t, "how many are pending", len(p), 0)
		}))
	t.Run("CF43 a job that is cancelled while it is queued counts as done", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := future.NewPool(1)
			running := future.Submit(p, func() (int, error) { time.Sleep(time.Second); return 0, nil })
			queued := future.Submit(p, func() (int, error) { return 0, nil })
			go queued.Cancel()
			done, pending, err := gather.Wait(t.Context(), []*future.Future[int]{running, queued}, gather.FirstCompleted)
			is(t, "the wait", err, nil)
			equalSlices(t, "what is done", done, []*future.Future[int]{queued})
			equalSlices(t, "what is pending", pending, []*future.Future[int]{running})
			is(t, "Shutdown", p.Shutdown(context.Background()), nil)
		})
	})
}

func TestFactsExecutorAsCompleted(t *testing.T) {
	t.Run("CF44 as_completed yields them as they end, errors too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := future.NewPool(3)
			var fs []*future.Future[int]
			for _, d := range []int{3, 1, 2} {
				fs = append(fs, future.Submit(p, func() (int, error) {
					time.Sleep(time.Duration(d) * time.Second)
					if d == 2 {
						return 0, errBad
					}
					return d, nil
				}))
			}
			var got []int
			for v, err := range gather.AsCompletedOf(t.Context(), fs) {
				if err != nil {
					is(t, "the error", err, errBad)
					v = -1
				}
				got = append(got, v)
			}
			equalSlices(t, "the order", got, []int{1, -1, 3})
			is(t, "Shutdown", p.Shutdown(context.Background()), nil)
		})
	})
	t.Run("CF45 as_completed can yield the futures themselves, for a dictionary of what they stand for", overJobs([]error{nil, errBad},
		func(ctx context.Context, t *testing.T, fs []*future.Future[int]) {
			names := map[*future.Future[int]]string{fs[0]: "first", fs[1]: "second"}
			var got []string
			for f := range gather.Completed(ctx, fs) {
				equal(t, "IsDone", f.IsDone(), true)
				got = append(got, names[f])
			}
			equalSlices(t, "the order", got, []string{"first", "second"})
		}))
	t.Run("CF46 the timeout of as_completed is an error, and what is not done goes on", overJobs([]error{nil, nil},
		func(ctx context.Context, t *testing.T, fs []*future.Future[int]) {
			short, cancel := context.WithTimeout(ctx, 1500*time.Millisecond)
			defer cancel()
			var last error
			n := 0
			for _, err := range gather.AsCompletedOf(short, fs) {
				last = err
				n++
			}
			equal(t, "how many were yielded", n, 2)
			if !errors.Is(last, future.ErrTimeout) {
				t.Errorf("the last error is %v", last)
			}
			v, err := fs[1].Await(ctx)
			equal(t, "the second result", v, 1)
			is(t, "the second", err, nil)
		}))
	t.Run("CF47 breaking out leaves the rest running", overJobs([]error{nil, nil},
		func(ctx context.Context, t *testing.T, fs []*future.Future[int]) {
			for range gather.AsCompletedOf(ctx, fs) {
				break
			}
			equal(t, "the second is done", fs[1].IsDone(), false)
			v, err := fs[1].Await(ctx)
			equal(t, "the second result", v, 1)
			is(t, "the second", err, nil)
		}))
	t.Run("CF48 what is given twice is yielded once, and what is done at once", overJobs([]error{nil, nil},
		func(ctx context.Context, t *testing.T, fs []*future.Future[int]) {
			gather.Wait(ctx, fs)
			n := 0
			for f := range gather.Completed(ctx, []*future.Future[int]{fs[1], fs[0], fs[1]}) {
				if n == 0 {
					equal(t, "the first", f, fs[1])
				}
				n++
			}
			equal(t, "how many were yielded", n, 2)
		}))
}
