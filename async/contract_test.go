package async_test

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/gather"
)

// The assignments below are the contract that ports and programs are written against: each name of the API with its type. A name
// that goes or a signature that changes does not compile here, whatever the dump in docs/api says about it. Types are spelled
// as a user would have to, so that an alias that became a type of its own is noticed too.

type (
	anAwaitable = future.Awaitable[string]
	aFuture     = *future.Future[string]
	aTask       = *async.Task[string]
	aGroup      = *async.TaskGroup
	aBody       = func(ctx context.Context) error
	aBodyOf     = func(ctx context.Context) (string, error)
)

// Package future.
var (
	_ func() aFuture                                    = future.New[string]
	_ func(string) aFuture                              = future.Resolved[string]
	_ func(error) aFuture                               = future.Failed[string]
	_ func(aFuture, string) error                       = aFuture.SetResult
	_ func(aFuture, error) error                        = aFuture.SetError
	_ func(aFuture, ...string) bool                     = aFuture.Cancel
	_ func(aFuture) <-chan struct{}                     = aFuture.Done
	_ func(aFuture) bool                                = aFuture.IsDone
	_ func(aFuture) bool                                = aFuture.Cancelled
	_ func(aFuture) (string, error)                     = aFuture.Result
	_ func(aFuture) error                               = aFuture.Err
	_ func(aFuture, context.Context) (string, error)    = aFuture.Await
	_ func(aFuture, func(aFuture)) (remove func() bool) = aFuture.AddDoneCallback

	_ = [...]error{future.ErrCancelled, future.ErrTimeout, future.ErrInvalidState, future.ErrShutdown}
	_ = future.PanicError{Value: any(nil), Stack: []byte(nil)}
	_ = future.PoolStats{Workers: 1, Running: 1, Queued: 1, Done: 1}
	_ = future.CancelledError{Msg: ""}

	_ func(int, ...future.PoolOption) *future.Pool          = future.NewPool
	_ func(*future.Pool, func()) error                      = (*future.Pool).Execute
	_ func(*future.Pool, context.Context) error             = (*future.Pool).Shutdown
	_ func(*future.Pool) int                                = (*future.Pool).CancelPending
	_ func(*future.Pool) future.PoolStats                   = (*future.Pool).Stats
	_ func(future.Executor, func() (string, error)) aFuture = future.Submit[string]
	_ future.Executor                                       = (*future.Pool)(nil)
	_ future.Executor                                       = (interface{ Execute(fn func()) error })(nil)
	_ anAwaitable                                           = (interface {
		Await(ctx context.Context) (string, error)
	})(nil)
)

// Package gather.
var (
	_ func(context.Context, ...anAwaitable) ([]string, error)                                                  = gather.All[string]
	_ func(context.Context, []aTask) ([]string, error)                                                         = gather.AllOf[string, aTask]
	_ func(context.Context, ...anAwaitable) *future.Future[[]string]                                           = gather.AllFuture[string]
	_ func(context.Context, ...anAwaitable) ([]gather.Result[string], error)                                   = gather.Settled[string]
	_ func(context.Context, []aTask) ([]gather.Result[string], error)                                          = gather.SettledOf[string, aTask]
	_ func(context.Context, future.Awaitable[int], anAwaitable) (int, string, error)                           = gather.All2[int, string]
	_ func(context.Context, anAwaitable, anAwaitable, anAwaitable) (string, string, string, error)             = gather.All3[string, string, string]
	_ func(context.Context, anAwaitable, anAwaitable, anAwaitable, anAwaitable) (a, b, c, d string, err error) = gather.All4[string, string, string, string]
	_ func(context.Context, []aFuture, ...gather.WaitOption) (done, pending []aFuture, err error)              = gather.Wait[aFuture]
	_ func(context.Context, []aTask, ...gather.WaitOption) (done, pending []aTask, err error)                  = gather.Wait[aTask]
	_ func(context.Context, ...anAwaitable) iter.Seq2[string, error]                                           = gather.AsCompleted[string]
	_ func(context.Context, []aTask) iter.Seq2[string, error]                                                  = gather.AsCompletedOf[string, aTask]
	_ func(context.Context, []aFuture) iter.Seq[aFuture]                                                       = gather.Completed[aFuture]
	_ func(context.Context, []aTask) iter.Seq[aTask]                                                           = gather.Completed[aTask]
	_ func(context.Context, ...anAwaitable) (string, error)                                                    = gather.Race[string]
	_ func(context.Context, ...anAwaitable) (string, error)                                                    = gather.Any[string]
	_ func(context.Context, int, iter.Seq[int], func(context.Context, int) (string, error)) ([]string, error)  = gather.Map[int, string]

	_ = []gather.WaitOption{gather.FirstCompleted, gather.FirstException, gather.AllCompleted, gather.Within(time.Second)}
	_ = gather.Result[string]{Value: "", Err: error(nil)}
)

// Package async: coroutines, the types it shares with package future, and Run.
var (
	_ aBodyOf                                                        = async.Coroutine[string](nil)
	_ func(async.Coroutine[string], context.Context) (string, error) = async.Coroutine[string].Await
	_ func(aBody) async.Coroutine[async.Void]                        = async.Do
	_ struct{}                                                       = async.Void{}
	_ aFuture                                                        = (*async.Future[string])(nil)
	_ anAwaitable                                                    = async.Awaitable[string](nil)
	_ *future.ErrorGroup                                             = &async.ErrorGroup{Msg: "", Errs: []error(nil)}
	_ *future.CancelledError                                         = (*async.CancelledError)(nil)
	_ *future.PanicError                                             = (*async.PanicError)(nil)

	_ = [...]error{async.ErrCancelled, async.ErrTimeout, async.ErrInvalidState, async.ErrShutdown, async.ErrInterrupted, async.ErrNotInTask}

	_ func(aBody, ...async.Option) error                             = async.Run
	_ func(async.Coroutine[string], ...async.Option) (string, error) = async.RunResult[string]
	_ func(...async.Option) *async.Runner                            = async.NewRunner
	_ func(*async.Runner, aBody) error                               = (*async.Runner).Run
	_ func(*async.Runner)                                            = (*async.Runner).Close

	_ func() async.Option                                          = async.Debug
	_ func(time.Duration) async.Option                             = async.SlowTask
	_ func(*slog.Logger) async.Option                              = async.Logger
	_ func(...os.Signal) async.Option                              = async.Signals
	_ func(context.Context) async.Option                           = async.WithContext
	_ func(future.Executor) async.Option                           = async.DefaultExecutor
	_ func(func(*async.Loop, async.ExceptionContext)) async.Option = async.ExceptionHandler
	_ func() async.Option                                          = async.EagerTasks
	_                                                              = async.Clock(someClock(nil))
)

// Package async: tasks.
var (
	_ func(context.Context, async.Coroutine[string], ...async.TaskOption) aTask = async.CreateTask[string]
	_ func(context.Context, aBody, ...async.TaskOption) *async.Task[async.Void] = async.Go
	_ func(string) async.TaskOption                                             = async.Name
	_ func() async.TaskOption                                                   = async.Eager
	_ func(aTask) string                                                        = aTask.Name
	_ func(aTask, string)                                                       = aTask.SetName
	_ func(aTask) uint64                                                        = aTask.ID
	_ func(aTask, ...string) bool                                               = aTask.Cancel
	_ func(aTask) int                                                           = aTask.Cancelling
	_ func(aTask) aFuture                                                       = aTask.Future
	_ func(aTask) <-chan struct{}                                               = aTask.Done
	_ func(aTask) bool                                                          = aTask.IsDone
	_ func(aTask) bool                                                          = aTask.Cancelled
	_ func(aTask) (string, error)                                               = aTask.Result
	_ func(aTask) error                                                         = aTask.Err
	_ func(aTask, context.Context) (string, error)                              = aTask.Await
	_ func(aTask, func(aFuture)) (remove func() bool)                           = aTask.AddDoneCallback
	_ func(aTask) string                                                        = aTask.String
	_ anAwaitable                                                               = aTask(nil)
	_ func(context.Context, anAwaitable) aFuture                                = async.EnsureFuture[string]
	_ func(context.Context) aFuture                                             = async.NewFuture[string]
	_ func(context.Context) async.AnyTask                                       = async.CurrentTask
	_ func(context.Context) []async.AnyTask                                     = async.AllTasks
	_ func(context.Context) context.Context                                     = async.Uncancel
	_ async.AnyTask                                                             = aTask(nil)
	_ interface {
		Name() string
		ID() uint64
		Cancel(msg ...string) bool
		IsDone() bool
		Err() error
		String() string
	} = async.AnyTask(nil)
)

// Package async: waiting, for one and for many, with and without a limit.
var (
	_ func(context.Context, time.Duration) error                                                               = async.Sleep
	_ func(time.Duration, string) async.Coroutine[string]                                                      = async.After[string]
	_ func(context.Context, ...anAwaitable) ([]string, error)                                                  = async.Gather[string]
	_ func(context.Context, []aTask) ([]string, error)                                                         = async.GatherOf[string, aTask]
	_ func(context.Context, ...anAwaitable) *future.Future[[]string]                                           = async.GatherFuture[string]
	_ func(context.Context, ...anAwaitable) ([]gather.Result[string], error)                                   = async.GatherSettled[string]
	_ func(context.Context, future.Awaitable[int], anAwaitable) (int, string, error)                           = async.Gather2[int, string]
	_ func(context.Context, anAwaitable, anAwaitable, anAwaitable) (string, string, string, error)             = async.Gather3[string, string, string]
	_ func(context.Context, anAwaitable, anAwaitable, anAwaitable, anAwaitable) (a, b, c, d string, err error) = async.Gather4[string, string, string, string]
	_ func(context.Context, []aTask, ...gather.WaitOption) (done, pending []aTask, err error)                  = async.Wait[aTask]
	_ func(context.Context, []aFuture, ...async.WaitOption) (done, pending []aFuture, err error)               = async.Wait[aFuture]
	_ func(context.Context, ...anAwaitable) iter.Seq2[string, error]                                           = async.AsCompleted[string]
	_ func(context.Context, []aTask) iter.Seq[aTask]                                                           = async.Completed[aTask]
	_ func(context.Context, ...anAwaitable) (string, error)                                                    = async.Race[string]

	_ = []async.WaitOption{async.FirstCompleted, async.FirstException, async.AllCompleted, async.Within(time.Second)}

	_ func(context.Context, anAwaitable, time.Duration) (string, error)                            = async.WaitFor[string]
	_ func(context.Context, anAwaitable) (string, error)                                           = async.Shield[string]
	_ func(context.Context, anAwaitable) aFuture                                                   = async.ShieldFuture[string]
	_ func(context.Context, time.Duration) (context.Context, context.CancelFunc)                   = async.WithTimeout
	_ func(context.Context, time.Duration, func(context.Context, *async.TimeoutScope) error) error = async.Timeout
	_ func(*async.TimeoutScope) time.Duration                                                      = (*async.TimeoutScope).When
	_ func(*async.TimeoutScope, time.Duration) error                                               = (*async.TimeoutScope).Reschedule
	_ func(*async.TimeoutScope) bool                                                               = (*async.TimeoutScope).Expired

	_ func(context.Context, func(context.Context, aGroup) error) error = async.WithTaskGroup
	_ func(aGroup, aBody, ...async.TaskOption) *async.Task[async.Void] = aGroup.Go
	_ func(aGroup, async.Coroutine[string], ...async.TaskOption) aTask = async.Spawn[string]
)

// Package async: locks.
var (
	_ = [...]interface {
		Acquire(ctx context.Context) error
		Release()
		Locked() bool
		With(ctx context.Context, fn func(ctx context.Context) error) error
		String() string
	}{new(async.Lock), new(async.RLock), new(async.Condition), new(async.Semaphore), new(async.BoundedSemaphore)}
	_ = [...]interface{ TryAcquire() bool }{new(async.Lock), new(async.RLock), new(async.Semaphore), new(async.BoundedSemaphore)}
	_ = [...]interface{ Value() int }{new(async.Semaphore), new(async.BoundedSemaphore)}

	_ func(*async.Event)                                                                         = (*async.Event).Set
	_ func(*async.Event)                                                                         = (*async.Event).Clear
	_ func(*async.Event) bool                                                                    = (*async.Event).IsSet
	_ func(*async.Event, context.Context) error                                                  = (*async.Event).Wait
	_ func(*async.Lock) *async.Condition                                                         = async.NewCondition
	_ func(*async.Condition, context.Context) error                                              = (*async.Condition).Wait
	_ func(*async.Condition, context.Context, func() bool) error                                 = (*async.Condition).WaitFor
	_ func(*async.Condition, int)                                                                = (*async.Condition).Notify
	_ func(*async.Condition)                                                                     = (*async.Condition).NotifyAll
	_ func(int) *async.Semaphore                                                                 = async.NewSemaphore
	_ func(int) *async.BoundedSemaphore                                                          = async.NewBoundedSemaphore
	_ func(int) *async.Barrier                                                                   = async.NewBarrier
	_ func(*async.Barrier, context.Context) (int, error)                                         = (*async.Barrier).Wait
	_ func(*async.Barrier, context.Context, func(ctx context.Context, position int) error) error = (*async.Barrier).With
	_ func(*async.Barrier)                                                                       = (*async.Barrier).Reset
	_ func(*async.Barrier)                                                                       = (*async.Barrier).Abort
	_ func(*async.Barrier) int                                                                   = (*async.Barrier).Parties
	_ func(*async.Barrier) int                                                                   = (*async.Barrier).Waiting
	_ func(*async.Barrier) bool                                                                  = (*async.Barrier).Broken
	_ error                                                                                      = async.ErrBrokenBarrier

	_ async.LockStats      = new(async.Lock).Stats()
	_ async.RLockStats     = new(async.RLock).Stats()
	_ async.EventStats     = new(async.Event).Stats()
	_ async.ConditionStats = new(async.Condition).Stats()
	_ async.SemaphoreStats = new(async.Semaphore).Stats()
	_ async.BarrierStats   = new(async.Barrier).Stats()
)

// aQueue is what a queue of every kind can do.
type aQueue interface {
	Put(context.Context, string) error
	PutNowait(string) error
	Get(context.Context) (string, error)
	GetNowait() (string, error)
	TaskDone()
	Join(context.Context) error
	Len() int
	Empty() bool
	Full() bool
	MaxSize() int
	Shutdown(immediate bool)
	All(context.Context) iter.Seq[string]
	Stats() async.QueueStats
	String() string
}

// Package async: queues.
var (
	_ func(int) *async.Queue[string]                                 = async.NewQueue[string]
	_ func(int) *async.LifoQueue[string]                             = async.NewLifoQueue[string]
	_ func(int, func(a, b string) bool) *async.PriorityQueue[string] = async.NewPriorityQueue[string]
	_ aQueue                                                         = (*async.Queue[string])(nil)
	_ aQueue                                                         = (*async.LifoQueue[string])(nil)
	_ aQueue                                                         = (*async.PriorityQueue[string])(nil)
	_                                                                = [...]error{async.ErrQueueEmpty, async.ErrQueueFull, async.ErrQueueShutdown}
	_                                                                = async.QueueStats{Size: 1, Unfinished: 1, Getters: 1, Putters: 1, Joiners: 1, Shutdown: true}
)

// Package async: other goroutines, the loop and its callbacks, context variables.
var (
	_ func(context.Context, aBodyOf) (string, error)                         = async.ToThread[string]
	_ func(context.Context, future.Executor, func() (string, error)) aFuture = async.RunInExecutor[string]
	_ func(context.Context, aBodyOf) (string, error)                         = async.Block[string]
	_ func(*async.Loop, async.Coroutine[string]) aFuture                     = async.RunCoroutineThreadsafe[string]

	_ func(...async.Option) *async.Loop                            = async.NewLoop
	_ func(context.Context) (*async.Loop, error)                   = async.RunningLoop
	_ func(*async.Loop, anAwaitable) (string, error)               = async.RunUntilComplete[string]
	_ func(*async.Loop) context.Context                            = (*async.Loop).Context
	_ func(*async.Loop) error                                      = (*async.Loop).RunForever
	_ func(*async.Loop)                                            = (*async.Loop).Stop
	_ func(*async.Loop) error                                      = (*async.Loop).Close
	_ func(*async.Loop) bool                                       = (*async.Loop).IsRunning
	_ func(*async.Loop) bool                                       = (*async.Loop).IsClosed
	_ func(*async.Loop) time.Duration                              = (*async.Loop).Time
	_ func(*async.Loop, func()) *async.Handle                      = (*async.Loop).CallSoon
	_ func(*async.Loop, func()) *async.Handle                      = (*async.Loop).CallSoonThreadsafe
	_ func(*async.Loop, time.Duration, func()) *async.TimerHandle  = (*async.Loop).CallLater
	_ func(*async.Loop, time.Duration, func()) *async.TimerHandle  = (*async.Loop).CallAt
	_ func(*async.Loop, os.Signal, func()) error                   = (*async.Loop).AddSignalHandler
	_ func(*async.Loop, os.Signal) bool                            = (*async.Loop).RemoveSignalHandler
	_ func(*async.Loop, bool)                                      = (*async.Loop).SetDebug
	_ func(*async.Loop, func(*async.Loop, async.ExceptionContext)) = (*async.Loop).SetExceptionHandler
	_ func(*async.Loop, context.Context) error                     = (*async.Loop).ShutdownDefaultExecutor
	_ func(*async.Loop) async.LoopStats                            = async.Stats

	_ func(string, string) *async.ContextVar[string]                       = async.NewContextVar[string]
	_ func(*async.ContextVar[string], context.Context) string              = (*async.ContextVar[string]).Get
	_ func(*async.ContextVar[string], context.Context, string) async.Token = (*async.ContextVar[string]).Set
	_ func(*async.ContextVar[string], context.Context, async.Token)        = (*async.ContextVar[string]).Reset
)

// someClock is a clock as a user can write one: the methods of what the option Clock takes use no type that is out of reach.
type someClock interface {
	Now() time.Duration
	Wait(d time.Duration, wake <-chan struct{}, busy func() bool) (woken bool)
	Wall(now time.Duration) time.Time
}

// Ports write these calls without a type argument, for coroutines, tasks and futures, alone and mixed. That they compile is the
// point; that they also run shows that the right T was found.
func TestTypeArgumentsAreInferred(t *testing.T) {
	err := async.Run(func(ctx context.Context) error {
		co := async.After(0, 7)
		task := async.CreateTask(ctx, co, async.Name("seven"))
		fut := async.EnsureFuture(ctx, co)
		tasks := []*async.Task[int]{task}
		futures := []*async.Future[int]{fut, async.EnsureFuture(ctx, task)}

		sevens := func(values []int, err error) {
			t.Helper()
			for _, v := range values {
				if v != 7 || err != nil {
					t.Errorf("got %d, %v, want 7", v, err)
				}
			}
		}
		seven := func(v int, err error) {
			t.Helper()
			sevens([]int{v}, err)
		}
		settled := func(results []gather.Result[int], err error) {
			t.Helper()
			for _, r := range results {
				seven(r.Value, errors.Join(r.Err, err))
			}
		}
		sevens(async.Gather(ctx, co, task, fut))
		sevens(async.GatherOf(ctx, tasks))
		sevens(async.GatherFuture(ctx, co, task).Await(ctx))
		sevens(gather.AllOf(ctx, futures))
		settled(async.GatherSettled(ctx, co, task, fut))
		settled(gather.SettledOf(ctx, tasks))
		for v, err := range async.AsCompleted(ctx, co, task, fut) {
			seven(v, err)
		}
		for v, err := range gather.AsCompletedOf(ctx, futures) {
			seven(v, err)
		}
		for done := range async.Completed(ctx, tasks) {
			seven(done.Result())
		}
		seven(async.Race(ctx, co, task, fut))
		seven(async.WaitFor(ctx, co, time.Minute))
		seven(async.WaitFor(ctx, task, time.Minute))
		seven(async.Shield(ctx, fut))
		seven(async.ToThread(ctx, func(context.Context) (int, error) { return 7, nil }))
		if done, pending, err := async.Wait(ctx, tasks, async.FirstCompleted); len(done) != 1 || len(pending) != 0 || err != nil {
			t.Errorf("Wait of one task that is done returned %v, %v, %v", done, pending, err)
		}
		if done, pending, err := gather.Wait(ctx, futures, gather.FirstException, gather.Within(time.Minute)); len(done) != 2 || len(pending) != 0 || err != nil {
			t.Errorf("Wait of two futures that are done returned %v, %v, %v", done, pending, err)
		}
		task.AddDoneCallback(func(f *async.Future[int]) { seven(f.Result()) })
		return giveWay(ctx) // for the callback
	})
	if err != nil {
		t.Error(err)
	}
	v, err := async.RunResult(async.After(0, 7))
	if v != 7 || err != nil {
		t.Errorf("RunResult returned %d, %v, want 7", v, err)
	}
}

// A task is a future that only its coroutine completes.
func TestTaskHasNoSetters(t *testing.T) {
	var task any = (*async.Task[string])(nil)
	if _, ok := task.(interface{ SetResult(string) error }); ok {
		t.Error("a Task has the method SetResult")
	}
	if _, ok := task.(interface{ SetError(error) error }); ok {
		t.Error("a Task has the method SetError")
	}
	var future any = (*async.Future[string])(nil)
	if _, ok := future.(interface{ SetResult(string) error }); !ok {
		t.Error("a Future has no method SetResult, so that the test above says nothing")
	}
}

// What errors.Is and errors.As answer is as much a part of the API as a signature.
func TestErrorsAreWhatTheyStandFor(t *testing.T) {
	cause := errors.New("cause")
	for _, tt := range []struct {
		err, target error
		want        bool
	}{
		{future.ErrCancelled, context.Canceled, true},
		{future.ErrCancelled, context.DeadlineExceeded, false},
		{&future.CancelledError{Msg: "why"}, future.ErrCancelled, true},
		{&future.CancelledError{Msg: "why"}, context.Canceled, true},
		{future.ErrTimeout, context.DeadlineExceeded, true},
		{future.ErrTimeout, context.Canceled, false},
		{&future.PanicError{Value: cause}, cause, true},
		{&future.PanicError{Value: "a text"}, cause, false},
		{&future.ErrorGroup{Errs: []error{future.ErrShutdown, cause}}, cause, true},
		{async.ErrCancelled, future.ErrCancelled, true},
		{async.ErrTimeout, future.ErrTimeout, true},
		{async.ErrInvalidState, future.ErrInvalidState, true},
		{async.ErrShutdown, future.ErrShutdown, true},
	} {
		if got := errors.Is(tt.err, tt.target); got != tt.want {
			t.Errorf("errors.Is(%T %q, %v) = %t, want %t", tt.err, tt.err, tt.target, got, tt.want)
		}
	}
	var timeout interface{ Timeout() bool }
	if !errors.As(future.ErrTimeout, &timeout) || !timeout.Timeout() {
		t.Error("ErrTimeout does not say by its method Timeout that it is one")
	}
}
