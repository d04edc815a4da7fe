package async

import (
	"context"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// executor returns the default executor of the loop, or an error after its shutdown.
func (l *Loop) executor() (future.Executor, error) {
	if l.opts.executor != nil {
		return l.opts.executor, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shutdown {
		return nil, ErrShutdown
	}
	if l.pool == nil {
		l.pool = future.NewPool(0, future.PoolName("async"))
	}
	return l.pool, nil
}

// hasPool reports whether the default executor was used.
func (l *Loop) hasPool() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pool != nil
}

// ShutdownDefaultExecutor ends the default executor and waits until its functions have returned, or
// ctx is done: shutdown_default_executor. It blocks the calling goroutine; a task is suspended.
func (l *Loop) ShutdownDefaultExecutor(ctx context.Context) error {
	l.engine()
	l.mu.Lock()
	pool := l.pool
	l.shutdown = true
	l.mu.Unlock()
	if pool == nil {
		return nil
	}
	if t, err := loop.Current(ctx); t == nil && err == nil {
		return pool.Shutdown(ctx)
	}
	done := future.New[Void]()
	go func() {
		if err := pool.Shutdown(context.WithoutCancel(ctx)); err != nil {
			done.SetError(err)
			return
		}
		done.SetResult(Void{})
	}()
	_, err := done.Await(ctx)
	return err
}

// RunInExecutor has fn run by ex, at once, and returns the future of its outcome:
// loop.run_in_executor. With a nil ex it is the default executor of the loop of ctx, a
// [future.Pool]. The future's callbacks are run by that loop.
//
// Cancelling the future, or a task that awaits it, takes effect at once; a function that has not
// started yet never does, one that runs goes on, and its outcome is dropped. Context variables do
// not go along; with [ToThread] they do. A panic in fn is a [PanicError]. RunInExecutor panics if
// ex is nil and ctx belongs to no loop.
func RunInExecutor[T any](ctx context.Context, ex future.Executor, fn func() (T, error)) *Future[T] {
	if fn == nil {
		panic("async: RunInExecutor was called with a nil function")
	}
	l := loop.Near(ctx)
	if l == nil {
		if ex == nil {
			panic("async: RunInExecutor was called with a ctx that belongs to no event loop")
		}
		return future.Submit(ex, fn)
	}
	if l.IsClosed() {
		return future.Failed[T](ErrLoopClosed)
	}
	face := faceOf(l)
	if ex == nil {
		var err error
		if ex, err = face.executor(); err != nil {
			return future.Failed[T](err)
		}
	}
	j := &executorJob[T]{loop: face}
	j.owner.Canceller = j
	j.fut.Promise().Bind(l, &j.owner)
	if !face.jobs.begin() {
		return future.Failed[T](ErrShutdown)
	}
	l.External(1)
	submitted := false
	defer func() {
		if !submitted { // the executor has panicked
			face.jobs.end()
			l.External(-1)
		}
	}()
	j.inner = future.Submit(ex, func() (v T, err error) {
		l.Job(func() { v, err = fn() })
		return v, err
	})
	submitted = true
	j.inner.AddDoneCallback(j.ended)
	return &j.fut
}

// executorJob is the loop's view of a function on an executor.
type executorJob[T any] struct {
	loop  *Loop
	owner loop.Owner
	fut   Future[T]
	inner *Future[T]
}

// ended is called on the goroutine of the executor.
func (j *executorJob[T]) ended(inner *Future[T]) {
	v, err := inner.Result()
	j.fut.Promise().Complete(v, err, inner.Cancelled())
	j.loop.l.External(-1)
	j.loop.jobs.end()
}

// CancelWaited implements loop.Canceller.
func (j *executorJob[T]) CancelWaited(c *loop.Cause) bool {
	if !j.fut.Promise().Complete(*new(T), loop.Spell.Cancelled(c), true) {
		return false
	}
	j.inner.Promise().CancelWaited(c) // if it has not started
	return true
}

// ToThread runs fn on another goroutine, of the loop's default executor, and suspends the calling
// task until it has returned: asyncio.to_thread. It is the way to call code that blocks, computes
// for long, or locks its OS thread.
//
// fn gets a ctx with the values of ctx and a copy of the context variables. If the task is
// cancelled, ToThread returns [ErrCancelled] at once and fn's ctx is done; fn itself goes on until
// it returns, and what it returns is dropped; it never starts if it has not. A panic in fn is a
// [PanicError]; runtime.Goexit in fn, as testing.T.FailNow calls it, cancels the wait. The end of [Run]
// waits for fn.
//
// On a plain goroutine, or without a loop, fn is called right here.
func ToThread[T any](ctx context.Context, fn func(ctx context.Context) (T, error)) (T, error) {
	if fn == nil {
		panic("async: ToThread was called with a nil function")
	}
	t, err := loop.Current(ctx)
	switch {
	case err != nil:
		return *new(T), err
	case t == nil:
		return fn(ctx)
	}
	jobCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	jobCtx = loop.WithVars(jobCtx, loop.VarsOf(ctx, false).Copy())
	job := RunInExecutor(t.Context(), nil, func() (T, error) {
		defer cancel(nil)
		return fn(jobCtx)
	})
	err = ErrLoopClosed // if Await does not return, because the task is unwound
	defer func() {
		if err != nil {
			job.Cancel() // nobody looks at it any more
			cancel(err)
		}
	}()
	v, err := job.Await(ctx)
	return v, err
}

// Block calls fn on the calling task's own goroutine, where it may block; the loop goes on with the
// other tasks under another goroutine. It costs a goroutine switch and no worker of an executor,
// and suits a call that usually returns soon.
//
// fn's ctx is done when the task is cancelled; Block waits for fn in any case. On a plain goroutine
// it just calls fn.
func Block[T any](ctx context.Context, fn func(ctx context.Context) (T, error)) (v T, err error) {
	if fn == nil {
		panic("async: Block was called with a nil function")
	}
	t, err := loop.Current(ctx)
	switch {
	case err != nil:
		return v, err
	case t == nil:
		return fn(ctx)
	}
	l := t.Loop()
	face := faceOf(l)
	if !face.jobs.begin() {
		return v, ErrShutdown
	}
	defer face.jobs.end()
	if t.Stranger(ctx) {
		child := loop.NewChild(ctx, t)
		defer child.Close(scopeClosed)
		ctx = child
	}
	t.Block(func() {
		l.Job(func() { v, err = fn(ctx) })
	})
	return v, err
}

// RunCoroutineThreadsafe makes a task of co in the loop l and returns its future, which the calling
// goroutine can wait for: asyncio.run_coroutine_threadsafe. Cancelling the future cancels the task.
// [CreateTask] with l.Context does the same and returns the task.
func RunCoroutineThreadsafe[T any](l *Loop, co Coroutine[T]) *Future[T] {
	if l == nil {
		panic("async: RunCoroutineThreadsafe was called with a nil Loop")
	}
	return CreateTask(l.Context(), co).Future()
}

func init() {
	// Package gather makes tasks of awaitables whose type it does not know.
	loop.Spawn = func(ctx context.Context, fn func(context.Context), ended func()) loop.Canceller {
		t := CreateTask(ctx, func(ctx context.Context) (Void, error) {
			fn(ctx)
			return Void{}, nil
		})
		if t.IsDone() { // the loop is closed
			ended()
		} else {
			t.AddDoneCallback(func(*Future[Void]) { ended() })
		}
		return (*body[Void])(t)
	}
}
