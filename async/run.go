package async

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// Run runs main as the first task of a new loop and returns its error: asyncio.run.
//
// When main has ended, all tasks that are left are cancelled, in the order of their creation, and
// waited for, together with the functions that [ToThread] has started; then the loop is closed. Nothing
// that was started survives Run, unless [ThreadJoinTimeout] allows it. Errors of the leftovers, and errors of tasks that nobody has looked
// at, go to the exception handler. A leftover that waits with a context that is not its own, as
// context.Background, is not reached by the cancellation and holds up the end of Run.
//
// A panic in main leaves Run as a panic with a [PanicError], after all that. runtime.Goexit in a
// task, as testing.T.FailNow calls it, ends the run and goes on in the goroutine that called Run.
// Inside a loop Run returns [ErrLoopRunning].
func Run(main func(ctx context.Context) error, opts ...Option) error {
	if main == nil {
		panic("async: Run was called with a nil main")
	}
	_, err := RunResult(Do(main), opts...)
	return err
}

// RunResult is [Run] for a main that has a result.
func RunResult[T any](main Coroutine[T], opts ...Option) (T, error) {
	if main == nil {
		panic("async: RunResult was called with a nil main")
	}
	r := NewRunner(opts...)
	defer r.Close()
	return RunIn(r, main)
}

// A Runner runs several mains, one after the other, in one loop and with one set of context
// variables: asyncio.Runner. Tasks that one leaves stand still until the next one runs. It must be
// closed by [Runner.Close].
type Runner struct {
	opts   *options
	vars   *loop.Vars
	mu     sync.Mutex
	loop   *Loop
	closed bool
}

// NewRunner returns a Runner. Its loop is made by the first run.
func NewRunner(opts ...Option) *Runner {
	return &Runner{opts: makeOptions(opts), vars: new(loop.Vars)}
}

func (r *Runner) check() {
	if r == nil {
		panic("async: a method of a nil Runner was called")
	}
}

// Loop returns the Runner's loop, or [ErrRunnerClosed]: get_loop().
func (r *Runner) Loop() (*Loop, error) {
	r.check()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrRunnerClosed
	}
	if r.loop == nil {
		r.loop = newLoop(r.opts)
	}
	return r.loop, nil
}

// Run runs main in the Runner's loop and returns its error; see [Run] for panics and Goexit. Inside
// a loop it returns [ErrLoopRunning], and after Close [ErrRunnerClosed].
func (r *Runner) Run(main func(ctx context.Context) error) error {
	if main == nil {
		panic("async: Runner.Run was called with a nil main")
	}
	_, err := RunIn(r, Do(main))
	return err
}

// RunIn is [Runner.Run] for a main that has a result.
func RunIn[T any](r *Runner, main Coroutine[T]) (v T, err error) {
	if main == nil {
		panic("async: RunIn was called with a nil main")
	}
	if loop.Within() != nil {
		return v, ErrLoopRunning
	}
	l, err := r.Loop()
	if err != nil {
		return v, err
	}
	if err := l.canRun(); err != nil {
		return v, err
	}
	t := CreateTask(l.Context(), main, InVars(&Vars{r.vars}), notEager)
	sig := r.interruptBy(l, t.Cancel)
	if ctx := r.opts.ctx; ctx.Done() != nil {
		defer l.l.AfterFunc(ctx, func() { (*body[T])(t).CancelWaited(loop.EndOf(ctx)) })()
	}
	remove := t.AddDoneCallback(func(*Future[T]) { l.Stop() })
	goexit, err := l.l.Run()
	remove()
	interrupted := sig.stop()
	switch {
	case goexit:
		r.close()
		runtime.Goexit()
	case err != nil:
		return v, err
	case !t.IsDone():
		if interrupted > 1 {
			return v, ErrInterrupted
		}
		return v, ErrStopped
	}
	v, err = t.Result()
	if t.task.Panicked() {
		r.close()
		panic(err)
	}
	if interrupted > 0 && t.Cancelled() && t.Cancelling() == 1 {
		return v, ErrInterrupted
	}
	return v, err
}

func (l *Loop) logger() *slog.Logger {
	if l.opts.logger != nil {
		return l.opts.logger
	}
	return slog.Default()
}

// notEager keeps the main task from starting before the loop runs.
func notEager(o *taskOptions) { o.eager = false }

// Close cancels all tasks that are left, waits for them and for functions on other goroutines, and
// closes the loop. If one of them calls runtime.Goexit, so does Close in the end. Closing again does
// nothing. In a run it panics.
func (r *Runner) Close() {
	if r.close() {
		runtime.Goexit()
	}
}

// close is Close, and reports whether something was left by runtime.Goexit.
func (r *Runner) close() (goexit bool) {
	r.check()
	r.mu.Lock()
	l := r.loop
	if l != nil && l.IsRunning() {
		r.mu.Unlock()
		panic("async: Runner.Close was called while it runs")
	}
	wasClosed := r.closed
	r.closed = true
	r.mu.Unlock()
	return l != nil && !wasClosed && l.shutDown()
}

// shutDown is the end of Run. It reports whether something that ran meanwhile was left by runtime.Goexit,
// which does not keep the rest from being done.
func (l *Loop) shutDown() (goexit bool) {
	// A task that answers its cancellation by starting another one gets a few chances; what is left then
	// is unwound by Close. Functions on other goroutines are waited for while the loop runs, because they may
	// need it.
	join := &joining{l: l}
	for range 8 {
		left := l.cancelAll()
		if len(left) == 0 && !join.any() || l.l.Abandoned() {
			break
		}
		goexit = l.lastTask(func(ctx context.Context) {
			l.awaitEnds(ctx, left)
			join.wait(ctx)
		}) || goexit
	}
	l.jobs.refuse()
	if join.any() || l.hasPool() || l.l.AnyUnseen() {
		goexit = l.lastTask(func(ctx context.Context) {
			join.wait(ctx)
			if !join.over { // else Close does what can be done
				l.ShutdownDefaultExecutor(ctx)
			}
			for _, e := range l.l.Unseen() {
				l.reportInCallback(ctx, func() { l.l.Report(e) })
			}
		}) || goexit
	}
	// A loop that does not run can be closed, unless somebody closed it before.
	if err := l.Close(); err != nil {
		panic(fmt.Sprintf("async: closing the loop: %v", err))
	}
	return goexit
}

// joining is the wait for functions on other goroutines at the end of a run, which may be bounded.
type joining struct {
	l     *Loop
	begun bool
	until time.Duration
	over  bool // it has taken too long
}

// any reports whether there is something to wait for.
func (j *joining) any() bool { return !j.over && !j.l.l.Abandoned() && j.l.jobs.any() }

// wait waits for the functions that run now.
func (j *joining) wait(ctx context.Context) {
	bound := j.l.opts.join
	switch {
	case !j.any():
		return
	case bound <= 0:
		j.l.jobs.wait(ctx)
		return
	case !j.begun:
		j.begun, j.until = true, j.l.Time()+bound
	}
	ctx, cancel := WithTimeout(ctx, j.until-j.l.Time())
	defer cancel()
	if errors.Is(j.l.jobs.wait(ctx), ErrTimeout) {
		j.over = true
		j.l.logger().Warn("the executor did not finish its functions in time", "limit", bound, "running", j.l.jobs.n.Load())
	}
}

// cancelAll cancels the tasks that are not done, and returns them.
func (l *Loop) cancelAll() (left []endingTask) {
	l.l.Ask(func() {
		for _, t := range l.l.Tasks() {
			left = append(left, endingTask{t.Body().Info().(endable), t.Body()})
		}
		for _, t := range left {
			t.Cancel()
		}
	})
	return left
}

// lastTask runs fn as a task, and the loop until that is done, however often it is left by a Goexit.
func (l *Loop) lastTask(fn func(ctx context.Context)) (goexit bool) {
	t := CreateTask(l.Context(), func(ctx context.Context) (Void, error) {
		fn(ctx)
		return Void{}, nil
	}, notEager, Name("shutdown"))
	t.AddDoneCallback(func(*Future[Void]) { l.Stop() })
	for !t.IsDone() {
		if l.l.Abandoned() {
			break
		}
		again, err := l.l.Run()
		if err != nil {
			break // somebody has closed it
		}
		goexit = goexit || again
	}
	return goexit
}

// awaitEnds waits for tasks that are cancelled, and reports their errors.
func (l *Loop) awaitEnds(ctx context.Context, tasks []endingTask) {
	for _, t := range tasks {
		t.Completion().Wait(ctx, t.body) // It does not look at how it ended.
	}
	for _, t := range tasks {
		if err := t.Err(); err != nil && !t.Cancelled() {
			l.reportInCallback(ctx, func() {
				l.CallExceptionHandler(ExceptionContext{
					Message: "unhandled exception during Run shutdown", Err: err, Task: t.endable,
				})
			})
		}
	}
}

// reportInCallback calls report in a callback and waits for that, because an exception handler may do anything.
func (l *Loop) reportInCallback(ctx context.Context, report func()) {
	reported := NewFuture[Void](ctx)
	l.CallSoon(func() {
		defer reported.SetResult(Void{})
		report()
	})
	reported.Await(ctx)
}

// endable is a task of any type, or a greenlet of package gevent, for the end of Run.
type endable interface {
	AnyTask
	Cancelled() bool
	Completion() *loop.Completion
}

// An endingTask is a task that was cancelled at the end of Run.
type endingTask struct {
	endable
	body loop.Body
}

// untyped returns the loop's side of the task.
func (t *Task[T]) untyped() *loop.Task { return &t.task }

// goexit ends a loop whose run was left by runtime.Goexit, and goes on with that.
func (l *Loop) goexit() {
	l.shutDown()
	runtime.Goexit()
}

// interrupts counts the signals during a run.
type interrupts struct {
	ch    chan os.Signal
	done  chan struct{}
	count atomic.Int32
}

// interruptBy cancels main by the first signal and stops the loop by the second.
func (r *Runner) interruptBy(l *Loop, cancel func(...string) bool) *interrupts {
	s := &interrupts{}
	if len(r.opts.signals) == 0 {
		return s
	}
	s.ch = make(chan os.Signal, 2)
	s.done = make(chan struct{})
	signal.Notify(s.ch, r.opts.signals...)
	go func() {
		defer close(s.done)
		for range s.ch {
			if s.count.Add(1) == 1 {
				cancel()
			} else {
				l.Stop()
			}
		}
	}()
	return s
}

// stop ends the watch and returns how many signals came.
func (s *interrupts) stop() int {
	if s.ch != nil {
		signal.Stop(s.ch)
		close(s.ch)
		<-s.done
	}
	return int(s.count.Load())
}
