package async

import (
	"context"
	"sync/atomic"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/sourcegraph/conc/panics"
)

// executor returns the default executor of the loop, or an error after its shutdown.
func (l *Loop) executor() (future.Executor, error) {
	if l.opts.executor != nil {
		return l.opts.executor, nil
	}
	if p := l.pool.Load(); p != nil {
		return p, nil // which knows itself whether it is shut down
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shutdown {
		return nil, ErrShutdown
	}
	if l.pool.Load() == nil {
		l.pool.Store(future.NewPool(0, future.PoolName("async")))
	}
	return l.pool.Load(), nil
}

// hasPool reports whether the default executor was used.
func (l *Loop) hasPool() bool { return l.pool.Load() != nil }

// ShutdownDefaultExecutor ends the default executor and waits until its functions have returned, or
// ctx is done: shutdown_default_executor. It blocks the calling goroutine; a task is suspended.
func (l *Loop) ShutdownDefaultExecutor(ctx context.Context) error {
	l.engine()
	l.mu.Lock()
	pool := l.pool.Load()
	l.shutdown = true
	l.mu.Unlock()
	if pool == nil {
		return nil
	}
	if t, err := loop.Current(ctx); t == nil && err == nil {
		return pool.Shutdown(ctx)
	}
	done := future.New[Void]()
	l.l.External(1)
	go func() {
		defer l.l.External(-1)
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
	if p, ok := ex.(*future.Pool); ok && p == nil {
		panic("async: RunInExecutor was called with a nil Pool")
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
	return (&executorJob[T]{loop: face, fn: fn}).submit(ex)
}

// executorJob is a function on an executor, and the future that the loop has of it.
type executorJob[T any] struct {
	fut      Future[T]
	owner    loop.Owner
	loop     *Loop
	state    atomic.Uint32 // a jobState
	returned bool
	// One of the two is set. It belongs to whoever moves state away from jobQueued.
	fn       func() (T, error)
	threaded func(ctx context.Context) (T, error)
	ctx      loop.JobContext // of threaded
}

type jobState = uint32

const (
	jobQueued jobState = iota
	jobStarted
	jobWithdrawn
)

// submit gives the job to an executor and returns its future.
func (j *executorJob[T]) submit(ex future.Executor) *Future[T] {
	l := j.loop.l
	if !j.loop.jobs.begin() {
		return future.Failed[T](ErrShutdown)
	}
	j.owner.Canceller = j
	j.fut.Promise().Bind(l, &j.owner)
	l.External(1)
	submitted := false
	defer func() {
		if !submitted && j.withdraw() { // the executor has panicked
			j.gone()
		}
	}()
	var err error
	if p, ok := ex.(*future.Pool); ok {
		err = p.Enqueue(j)
	} else {
		err = ex.Execute(func() { j.RunJob() })
	}
	submitted = true
	if err != nil && j.withdraw() {
		j.ended(*new(T), err, false)
	}
	return &j.fut
}

// withdraw keeps the function from starting, and reports false if it has.
func (j *executorJob[T]) withdraw() bool {
	if !j.state.CompareAndSwap(jobQueued, jobWithdrawn) {
		return false
	}
	j.fn, j.threaded = nil, nil
	return true
}

// RunJob implements promise.Job. It is called on the goroutine of the executor.
func (j *executorJob[T]) RunJob() (ran bool) {
	if !j.state.CompareAndSwap(jobQueued, jobStarted) {
		return false
	}
	defer j.crashed()
	v, err := j.call()
	j.returned = true
	j.ended(v, err, false)
	return true
}

func (j *executorJob[T]) call() (v T, err error) {
	if l := j.loop.l; !l.RealTime() {
		l.Job(func() { v, err = j.apply() })
		return v, err
	}
	return j.apply()
}

func (j *executorJob[T]) apply() (T, error) {
	if fn := j.fn; fn != nil {
		j.fn = nil
		return fn()
	}
	fn := j.threaded
	j.threaded = nil
	defer j.ctx.End()
	return fn(&j.ctx)
}

// crashed is deferred by RunJob, for a function that has not returned.
func (j *executorJob[T]) crashed() {
	if j.returned {
		return
	}
	if v := recover(); v != nil {
		p := panics.NewRecovered(1, v)
		j.ended(*new(T), loop.Spell.Panic(&p), false)
		return
	}
	j.ended(*new(T), ErrCancelled, true) // runtime.Goexit
}

// ended tells the loop. If the future was cancelled meanwhile, the outcome is dropped.
func (j *executorJob[T]) ended(v T, err error, cancelled bool) {
	// A test that chooses the order of tasks wants it to come in between two steps, and not in the middle of one.
	if l := j.loop.l; !l.Scheduled() || !loop.NewHandle(l, func() { j.fut.Promise().Complete(v, err, cancelled) }).Soon() {
		j.fut.Promise().Complete(v, err, cancelled)
	}
	j.gone()
}

// gone takes the job off the loop's books. The run that waits for it knows first, or a virtual clock could jump over the end of its
// patience in between.
func (j *executorJob[T]) gone() {
	j.loop.jobs.end()
	j.loop.l.External(-1)
}

// DropJob implements promise.Job.
func (j *executorJob[T]) DropJob() {
	if j.withdraw() {
		j.ended(*new(T), ErrCancelled, true)
	}
}

// FailJob has the function fail with err, as a test may want it to. Its own outcome is dropped.
func (j *executorJob[T]) FailJob(err error) bool {
	return j.fut.Promise().Complete(*new(T), err, false)
}

// CancelWaited implements loop.Canceller.
func (j *executorJob[T]) CancelWaited(c *loop.Cause) bool {
	if !j.fut.Promise().Complete(*new(T), loop.Spell.Cancelled(c), true) {
		return false
	}
	if j.withdraw() {
		j.gone()
	}
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
// waits for fn; see [ThreadJoinTimeout]. It costs about twice what a goroutine and a channel do.
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
	face := faceOf(t.Loop())
	ex, err := face.executor()
	if err != nil {
		return *new(T), err
	}
	j := &executorJob[T]{loop: face, threaded: fn}
	j.ctx.Init(ctx, t)
	job := j.submit(ex)
	err = ErrLoopClosed // if Await does not return, because the task is unwound
	defer func() {
		if err != nil {
			job.Cancel() // nobody looks at it any more
			j.ctx.Cancel(err)
		}
	}()
	if job.IsDone() { // the loop hears of it in the next tick, as in asyncio
		if gone := Sleep(ctx, 0); gone != nil {
			err = gone
			return *new(T), err
		}
	}
	v, err := job.Await(ctx)
	return v, err
}

// Block calls fn on the calling task's own goroutine, where it may block; the loop goes on with the
// other tasks under another goroutine. It costs about what three switches of goroutines do and no worker of an executor,
// and suits a call that usually returns soon. When fn has returned, the task takes its turn like any other.
//
// fn's ctx is done when the task is cancelled; Block waits for fn in any case. fn must not wait for anything of the loop, as
// no cancellation would end that: in debug mode it is reported. If as many tasks of the loop are in Block
// as [BlockLimit] allows, Block waits first until one has come back, and returns [ErrCancelled] without calling fn if the task is
// cancelled meanwhile. A panic and runtime.Goexit in fn are those of the task. On a plain goroutine Block just calls fn, and a
// Block inside of another one too.
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
	if err := t.TakePlace(ctx); err != nil {
		return v, err
	}
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
