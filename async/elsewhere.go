package async

import (
	"context"
	"sync"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// freshGoroutines is an executor that has as many goroutines as functions, for calls that mostly wait.
type freshGoroutines struct{}

// Execute implements [future.Executor].
func (freshGoroutines) Execute(fn func()) error {
	go fn()
	return nil
}

// elsewhere runs fn on a goroutine of its own, and suspends the calling task until it has returned. If ctx is cancelled,
// elsewhere returns at once, fn's ctx is done, and what fn returns all the same is given to drop. On a plain
// goroutine fn is called right here.
func elsewhere[T any](ctx context.Context, fn func(ctx context.Context) (T, error), drop func(T)) (T, error) {
	t, err := loop.Current(ctx)
	switch {
	case err != nil:
		return *new(T), err
	case t == nil:
		return fn(ctx)
	}
	inner, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var (
		mu        sync.Mutex
		abandoned bool
		returned  bool
		value     T
	)
	job := RunInExecutor(t.Context(), freshGoroutines{}, func() (T, error) {
		v, err := fn(inner)
		mu.Lock()
		defer mu.Unlock()
		if err == nil && abandoned {
			drop(v)
		}
		value, returned = v, err == nil
		return v, err
	})
	took := false // nor if the task is unwound, or gives up just when the job is done
	defer func() {
		if took {
			return
		}
		cancel(ErrLoopClosed)
		if !job.Cancel() {
			job.Err() // it has failed at the same time, which nobody wants to hear of
		}
		mu.Lock()
		defer mu.Unlock()
		if abandoned = true; returned {
			drop(value)
		}
	}()
	v, err := job.Await(ctx)
	if err == nil {
		took = true
		cancel(nil)
	}
	return v, err
}
