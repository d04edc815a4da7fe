package gather_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
