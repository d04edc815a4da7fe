package gather

import (
	"context"
	"fmt"
	"iter"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// Race returns the outcome of the first of aws to end, be it a result or an error. The others are
// cancelled, and Race returns when they have ended. Race of nothing returns [ErrNothing]. If the
// wait is cancelled, all are.
func Race[T any](ctx context.Context, aws ...future.Awaitable[T]) (T, error) {
	return first(ctx, futuresOf[T](ctx, aws), func(error) bool { return true })
}

// Any returns the result of the first of aws to succeed. The others are cancelled, and Any returns
// when they have ended. If none succeeds, the error is an ErrorGroup of all errors, in the order in
// which they happened. Any of nothing returns [ErrNothing]. If the wait is cancelled, all are.
func Any[T any](ctx context.Context, aws ...future.Awaitable[T]) (T, error) {
	return first(ctx, futuresOf[T](ctx, aws), func(err error) bool { return err == nil })
}

// first waits for the first outcome that is good enough, and ends the others.
func first[T any](ctx context.Context, futs []*future.Future[T], good func(error) bool) (T, error) {
	futs = unique(futs)
	if len(futs) == 0 {
		return *new(T), ErrNothing
	}
	c := collect(ctx, futs)
	var errs []error
	for {
		i, ok, err := c.next(ctx)
		switch {
		case err != nil:
			stop(ctx, futs)
			return *new(T), err
		case !ok:
			return *new(T), &future.ErrorGroup{Msg: "gather: none of them succeeded", Errs: errs}
		}
		v, err := futs[i].Result()
		if good(err) {
			stop(ctx, futs)
			return v, err
		}
		errs = append(errs, err)
	}
}

// stop cancels those of futs that are not done and waits for their end, whatever becomes of ctx.
func stop[T any](ctx context.Context, futs []*future.Future[T]) {
	for _, f := range futs {
		f.Cancel()
	}
	for _, f := range futs {
		f.Await(context.WithoutCancel(ctx))
	}
}

// Map calls fn for each of items, at most limit at a time, and returns the results in the order of
// items. A limit of zero is none; a negative one panics. The calls are tasks of the loop of ctx, or
// goroutines if there is none.
//
// The items are taken as there is room for them, by the caller, so the sequence may wait. The first
// error ends the taking, cancels the calls under way, and is returned when they have ended. The
// same happens if ctx is cancelled.
func Map[A, T any](ctx context.Context, limit int, items iter.Seq[A], fn func(ctx context.Context, item A) (T, error)) ([]T, error) {
	switch {
	case limit < 0:
		panic(fmt.Sprintf("gather: the limit of Map is %d", limit))
	case items == nil:
		panic("gather: the items of Map are nil")
	case fn == nil:
		panic("gather: the function of Map is nil")
	}
	c := &collector{home: loop.Near(ctx)}
	var futs []*future.Future[T]
	finished := false
	defer func() {
		if !finished { // an error, or the sequence has panicked
			stop(ctx, futs)
		}
	}()
	running := 0
	take := func() error {
		i, _, err := c.next(ctx)
		if err == nil {
			running--
			err = futs[i].Err()
		}
		return err
	}
	var err error
	for item := range items {
		if limit > 0 && running == limit {
			if err = take(); err != nil {
				break
			}
		}
		f := start(ctx, func(ctx context.Context) (T, error) { return fn(ctx, item) })
		futs = append(futs, f)
		c.watch(f.Completion(), len(futs)-1)
		running++
	}
	for err == nil && running > 0 {
		err = take()
	}
	if err != nil {
		return nil, err
	}
	finished = true
	results := make([]T, len(futs))
	for i, f := range futs {
		results[i], _ = f.Result()
	}
	return results, nil
}
