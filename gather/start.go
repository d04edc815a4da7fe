package gather

import (
	"context"
	"fmt"
	"reflect"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/sourcegraph/conc/panics"
)

// futureOf returns the future of what is to be combined. A coroutine is started as a task; so is an Awaitable
// of unknown type, or on a goroutine if there is no loop.
func futureOf[T any](ctx context.Context, aw future.Awaitable[T], i int) *future.Future[T] {
	switch a := aw.(type) {
	case nil:
		panic(fmt.Sprintf("gather: argument %d is nil", i))
	case *future.Future[T]:
		if a == nil {
			panic(fmt.Sprintf("gather: argument %d is a nil Future", i))
		}
		return a
	case interface{ Future() *future.Future[T] }:
		if isNil(aw) {
			panic(fmt.Sprintf("gather: argument %d is a nil %T", i, aw))
		}
		return a.Future()
	case interface {
		Start(context.Context) *future.Future[T]
	}:
		if isNil(aw) {
			panic(fmt.Sprintf("gather: argument %d is a nil %T", i, aw))
		}
		return a.Start(ctx)
	}
	return start(ctx, aw.Await)
}

func isNil(v any) bool {
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}

// start runs fn as a task of the loop of ctx, or on a goroutine if there is none.
func start[T any](ctx context.Context, fn func(context.Context) (T, error)) *future.Future[T] {
	s := &started[T]{}
	s.owner.Canceller = s
	l := loop.Near(ctx)
	run := func(ctx context.Context) {
		var v T
		var err error
		caught := panics.Try(func() { v, err = fn(ctx) })
		if caught != nil {
			err = loop.Spell.Panic(caught)
		}
		s.fut.Promise().Complete(v, err, future.IsCancelled(err))
	}
	if l != nil {
		s.fut.Promise().Bind(l, &s.owner)
		s.task = loop.Spawn(ctx, run, s.abandon)
	} else {
		ctx, cancel := context.WithCancelCause(ctx)
		s.fut.Promise().Bind(nil, &s.owner)
		s.cancel = cancel
		go func() {
			defer cancel(nil)
			defer s.abandon() // runtime.Goexit
			run(ctx)
		}()
	}
	return &s.fut
}

type started[T any] struct {
	fut    future.Future[T]
	owner  loop.Owner
	task   loop.Canceller
	cancel context.CancelCauseFunc
}

// abandon completes the future if fn has not: it was never called, or did not return.
func (s *started[T]) abandon() { s.fut.Promise().Complete(*new(T), future.ErrCancelled, true) }

// CancelWaited implements loop.Canceller.
func (s *started[T]) CancelWaited(c *loop.Cause) bool {
	if s.fut.IsDone() {
		return false
	}
	if s.task != nil {
		return s.task.CancelWaited(c)
	}
	s.cancel(c.Cause)
	return true
}

func futuresOf[T any, A future.Awaitable[T]](ctx context.Context, aws []A) []*future.Future[T] {
	futs := make([]*future.Future[T], len(aws))
	for i, aw := range aws {
		futs[i] = futureOf[T](ctx, aw, i)
	}
	return futs
}
