package async

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// An Option changes how a loop is made, for [Run], [NewRunner] and [NewLoop].
type Option func(*options)

type options struct {
	ctx      context.Context
	debug    bool
	slow     time.Duration
	logger   *slog.Logger
	clock    loop.Clock
	signals  []os.Signal
	executor future.Executor
	handler  func(*Loop, ExceptionContext)
	eager    bool
	join     time.Duration
	places   int
	parallel int // -1 for one task at a time

	deadlockAfter time.Duration
	deadlock      func(*DeadlockReport)
}

// parallelByDefault is what tests set to have all loops as with [Parallel].
var parallelByDefault = -1

func makeOptions(opts []Option) *options {
	o := &options{ctx: context.Background(), parallel: parallelByDefault}
	o.debug = os.Getenv("ASYNCGO_DEBUG") != ""
	for _, opt := range opts {
		if opt != nil {
			opt(o)
		}
	}
	return o
}

// Debug turns debug mode on: tasks and callbacks remember where they were created, steps that
// take long are logged, and [ReportDeadlock] knows who holds a lock. It stands for run(debug=True). The environment variable ASYNCGO_DEBUG, set
// to anything, does the same for all loops.
func Debug() Option { return func(o *options) { o.debug = true } }

// SlowTask sets how long a step of a task or a callback may take before it is logged as a warning,
// and turns debug mode on, which is what measures. It stands for slow_callback_duration, which is
// 100 ms by default. It panics if d is not positive.
func SlowTask(d time.Duration) Option {
	if d <= 0 {
		panic("async: the duration of SlowTask is not positive")
	}
	return func(o *options) { o.slow, o.debug = d, true }
}

// Logger sets where the loop logs errors that nobody gets, and warnings. The default is
// slog.Default at that time.
func Logger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// A TimeSource is a clock of one's own, for [Clock]. It serves one loop.
type TimeSource interface {
	// Now returns the time since some fixed moment. It never goes back.
	Now() time.Duration
	// Wait returns when d has passed on this clock, or earlier when wake delivers; it reports whether
	// it took the delivery. A negative d means forever. busy tells whether work outside the loop may still
	// wake it, so that a clock that can jump does not run ahead of it. Only the loop calls Wait.
	Wait(d time.Duration, wake <-chan struct{}, busy func() bool) (woken bool)
	// Wall translates a time of this clock, for context deadlines.
	Wall(now time.Duration) time.Time
}

// Clock sets the clock that timers, sleeps and timeouts obey; nil is the clock on the wall.
func Clock(c TimeSource) Option { return func(o *options) { o.clock = c } }

// Signals has Run and Runner.Run end in good order when one of the signals comes: main is
// cancelled, and if that is what it ends by, the result is [ErrInterrupted]. A second signal ends
// the run at once; what is left is cancelled. It stands for what asyncio does with SIGINT.
func Signals(sig ...os.Signal) Option { return func(o *options) { o.signals = sig } }

// WithContext gives the loop's tasks the values of ctx. When ctx is done, the main task of Run and
// Runner.Run is cancelled.
func WithContext(ctx context.Context) Option {
	if ctx == nil {
		panic("async: WithContext was called with a nil ctx")
	}
	return func(o *options) { o.ctx = ctx }
}

// DefaultExecutor sets where [ToThread] and [RunInExecutor] run functions. It belongs to the
// caller: the end of the run waits for the functions it was given, and does not shut it down.
func DefaultExecutor(ex future.Executor) Option { return func(o *options) { o.executor = ex } }

// ThreadJoinTimeout bounds how long the end of a run waits for functions that [ToThread] and
// [RunInExecutor] have started: loop.shutdown_default_executor(timeout). Without it the wait has no
// bound, as a function may hold what the program needs to be consistent. Functions that take longer are
// logged and left behind; they go on, and their outcomes are dropped. It panics if d is not positive.
func ThreadJoinTimeout(d time.Duration) Option {
	if d <= 0 {
		panic("async: the duration of ThreadJoinTimeout is not positive")
	}
	return func(o *options) { o.join = d }
}

// BlockLimit sets how many tasks of the loop may be in [Block] at the same time; more wait for their turn. The default is 8192,
// because each may hold an OS thread, and the runtime allows 10,000. It panics if n is not positive.
func BlockLimit(n int) Option {
	if n <= 0 {
		panic("async: the limit of BlockLimit is not positive")
	}
	return func(o *options) { o.places = n }
}

// ExceptionHandler sets what is called with errors that nobody gets; see [Loop.SetExceptionHandler].
func ExceptionHandler(fn func(*Loop, ExceptionContext)) Option {
	return func(o *options) { o.handler = fn }
}

// EagerTasks makes every task of the loop an eager one; see [Eager]. It stands for eager_task_factory.
func EagerTasks() Option { return func(o *options) { o.eager = true } }

// Parallel has the tasks of the loop run at the same time, on as many processors as there are, each on a goroutine
// of its own that comes from a pool: what Python's free-threaded build is to the one with the GIL. With n > 0 at most
// n of them compute at the same time; one that waits does not count. With 0 there is no bound, and a negative n panics.
//
// Tasks, groups, timeouts, cancellation, locks, queues, streams and context variables do what they always do. What
// is gone is the order, and with it the right to touch what other tasks touch without a lock: between two waits
// everything else may happen. So variables that tasks share need a [Lock] or a sync.Mutex, or a queue between them, and
// the race detector tells where one is missing. With n = 1 no two tasks run at the same time, but which is next is
// open, and callbacks run beside them.
//
// In detail:
//
//   - Callbacks, timers and exception handlers run one after the other as ever, beside the tasks.
//   - A task that was woken goes on as soon as there is a place for it, which may be before the code that has woken
//     it has gone on. So what a method like [Lock.Locked] or [Queue.Len] says may be old when it is looked at.
//   - Code that blocks holds up nobody but its own task, and with n > 0 one of the n places; [Block] gives that back.
//   - An eager task runs until its first wait on a goroutine of its own, while its creator stands still.
//   - A task that computes when the loop stops goes on until its next wait. The end of [Run] waits for it.
//   - In debug mode, a step of a task counts from the moment when it has its place.
//   - A body may lock its OS thread, also across a wait. It unlocks it before it returns: the goroutine, and the thread with
//     it, is used for other tasks afterwards.
//
// A wait costs what two switches between goroutines cost, which is more than in a loop that runs its tasks itself: it
// pays for tasks that compute. Package asynctest, which chooses the order of tasks, and package gevent refuse to work
// with such a loop.
func Parallel(n int) Option {
	if n < 0 {
		panic("async: the number of tasks that Parallel lets run at the same time is negative")
	}
	return func(o *options) { o.parallel = n }
}
