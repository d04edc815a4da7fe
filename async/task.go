package async

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/sourcegraph/conc/panics"
)

// A Task is a coroutine that the loop runs beside others: asyncio.Task. It is a Future without
// SetResult and SetError, and more. All methods are safe for use from any goroutine. A Task must
// not be copied.
type Task[T any] struct {
	task loop.Task // first, for the sake of cache lines
	fut  future.Future[T]
	co   runner[T]
}

// A runner is what a task runs: a Coroutine, or a function without a result, which needs no closure to be
// one.
type runner[T any] interface {
	run(ctx context.Context) (T, error)
}

func (c Coroutine[T]) run(ctx context.Context) (T, error) { return c(ctx) }

// plain is the runner of a function without a result.
type plain func(ctx context.Context) error

func (fn plain) run(ctx context.Context) (Void, error) { return Void{}, fn(ctx) }

// AnyTask is a [Task] of any type.
type AnyTask interface {
	// Name returns the task's name.
	Name() string
	// ID returns the task's number, which no other task of the process has.
	ID() uint64
	// Cancel requests the end of the task.
	Cancel(msg ...string) bool
	// IsDone reports whether the task has ended.
	IsDone() bool
	// Err returns the error that the task ended with.
	Err() error
	// String describes the task.
	String() string
}

// A TaskOption changes how a task is made.
type TaskOption func(*taskOptions)

type taskOptions struct {
	name   string
	eager  bool
	vars   *Vars
	member *member
}

// Name names a task. Without a name it is "Task-N", with N counting the tasks of the process that have none.
func Name(name string) TaskOption { return func(o *taskOptions) { o.name = name } }

// Eager runs the task at once, inside CreateTask, until it has to wait for the first time. It
// stands for Python's eager_start. If that is its end, the task is done when CreateTask returns.
// The order of things differs from that of ordinary tasks. It has no effect from outside the loop.
func Eager() TaskOption { return func(o *taskOptions) { o.eager = true } }

// InVars has the task use a set of context variables that it shares with others, in place of a copy
// of its creator's. It stands for create_task(context=…).
func InVars(v *Vars) TaskOption { return func(o *taskOptions) { o.vars = v } }

// Numbers of tasks. Those with a name of their own use up no number of the others, as in Python 3.13.
var unnamed, named atomic.Uint64

// CreateTask makes a task of co, which starts in the next tick, behind what is ready already. It
// stands for asyncio.create_task. It does not suspend the caller.
//
// The task belongs to the loop of ctx. It has the values of ctx and a copy of the context variables
// as they are now, but neither the deadline nor the cancellation of ctx. The loop holds the task
// until it is done, so it cannot get lost; an error that nobody looks at is reported. If the loop
// is closed, the task is done at once, with [ErrLoopClosed].
//
// CreateTask panics if co is nil or if ctx belongs to no loop. It may be called from any goroutine.
func CreateTask[T any](ctx context.Context, co Coroutine[T], opts ...TaskOption) *Task[T] {
	if co == nil {
		panic("async: CreateTask was called with a nil Coroutine")
	}
	return createTask(ctx, runner[T](co), opts)
}

func createTask[T any](ctx context.Context, co runner[T], opts []TaskOption) *Task[T] {
	l := loop.Near(ctx)
	if l == nil {
		panic("async: CreateTask was called with a ctx that belongs to no event loop")
	}
	t := &Task[T]{co: co}
	t.task.Init(ctx, l, (*body[T])(t))
	t.fut.Promise().Bind(l, t.task.Owner())
	if len(opts) > 0 || faceOf(l).eager {
		t.startWith(opts)
		return t
	}
	t.task.SetID(unnamed.Add(1) << 1)
	if !t.task.StartFrom(ctx) {
		t.fail(ErrLoopClosed)
	}
	return t
}

func (t *Task[T]) startWith(opts []TaskOption) {
	o := taskOptions{eager: faceOf(t.task.Loop()).eager}
	for _, opt := range opts {
		if opt != nil {
			opt(&o)
		}
	}
	if o.name == "" {
		t.task.SetID(unnamed.Add(1) << 1)
	} else {
		t.task.SetName(o.name)
		t.task.SetID(named.Add(1)<<1 | 1)
	}
	if o.vars != nil {
		t.task.SetVars(o.vars.v)
	}
	if o.member != nil {
		if err := o.member.join(t); err != nil {
			t.fail(err)
			return
		}
	}
	if o.eager {
		if !t.task.StartEagerly() {
			t.fail(ErrLoopClosed)
		}
		return
	}
	t.start()
}

func (t *Task[T]) start() {
	if !t.task.Start() {
		t.fail(ErrLoopClosed)
	}
}

// fail ends a task that never starts.
func (t *Task[T]) fail(err error) {
	t.fut.Promise().Complete(*new(T), err, false)
}

// Go is [CreateTask] for a function without a result.
func Go(ctx context.Context, fn func(ctx context.Context) error, opts ...TaskOption) *Task[Void] {
	if fn == nil {
		panic("async: Go was called with a nil function")
	}
	return createTask(ctx, runner[Void](plain(fn)), opts)
}

// check panics if there is no task, or nothing that it could run in.
func (t *Task[T]) check(method string) {
	if t == nil || t.task.Loop() == nil {
		panicNoTask(t == nil, method)
	}
}

// panicNoTask is apart, so that check is small enough to be inlined.
func panicNoTask(isNil bool, method string) {
	if isNil {
		panic("async: " + method + " was called on a nil Task")
	}
	panic("async: " + method + " was called on a Task that CreateTask has not made")
}

// isMade reports whether check would pass.
func (t *Task[T]) isMade() bool { return t != nil && t.task.Loop() != nil }

// Name returns the task's name: get_name().
func (t *Task[T]) Name() string {
	t.check("Name")
	if name, ok := t.task.Name(); ok {
		return name
	}
	return "Task-" + strconv.FormatUint(t.task.ID()>>1, 10)
}

// SetName renames the task: set_name().
func (t *Task[T]) SetName(name string) {
	t.check("SetName")
	t.task.SetName(name)
}

// ID returns the task's number, which no other task of the process has. It says nothing about order
// between tasks with and without a name.
func (t *Task[T]) ID() uint64 {
	t.check("ID")
	return t.task.ID()
}

// Cancel requests the end of the task, and reports false if it is done already. It stands for
// cancel().
//
// The wait that the task is in ends in the next tick: what it waits for is cancelled at once, and
// the wait returns an [ErrCancelled] with the message. The context of the task is done from now on,
// and every wait with it that would suspend ends like that. A task that has not started never does.
// One that returns a value without having noticed ends cancelled; one that has noticed and returns
// a value ends with the value; any other error wins. When several requests come before the task has
// noticed, it gets the message of the first.
func (t *Task[T]) Cancel(msg ...string) bool {
	t.check("Cancel")
	return (*body[T])(t).CancelWaited(loop.Spell.Cancel(msg))
}

// Cancelling returns how many requests to cancel the task have been made and not been taken back by
// [Uncancel], timeouts and task groups that have ended it included while their block lasts. It
// stands for cancelling().
func (t *Task[T]) Cancelling() int {
	t.check("Cancelling")
	return t.task.Cancelling()
}

// Future returns the task's future. Cancelling it cancels the task.
func (t *Task[T]) Future() *Future[T] {
	t.check("Future")
	return &t.fut
}

// Done returns a channel that is closed when the task has ended. It is made on first use.
func (t *Task[T]) Done() <-chan struct{} {
	t.check("Done")
	return t.fut.Done()
}

// IsDone reports whether the task has ended: done().
func (t *Task[T]) IsDone() bool {
	t.check("IsDone")
	return t.fut.IsDone()
}

// Cancelled reports whether the task has ended by cancellation: cancelled().
func (t *Task[T]) Cancelled() bool {
	t.check("Cancelled")
	return t.fut.Cancelled()
}

// Result returns the outcome without waiting; see [future.Future.Result].
func (t *Task[T]) Result() (T, error) {
	t.check("Result")
	return t.fut.Result()
}

// Err returns the error that the task ended with: exception(). It is nil while the task is pending
// and when it has succeeded.
func (t *Task[T]) Err() error {
	t.check("Err")
	return t.fut.Err()
}

// Await waits until the task has ended and returns its outcome; see [future.Future.Await]. If the
// task that waits is cancelled, this one is too, and Await returns when this one has ended. A task
// that awaits itself gets [ErrAwaitSelf].
func (t *Task[T]) Await(ctx context.Context) (T, error) {
	t.check("Await")
	return t.fut.Await(ctx)
}

// AddDoneCallback has fn called by the loop when the task has ended, with the task's future; see
// [future.Future.AddDoneCallback].
func (t *Task[T]) AddDoneCallback(fn func(*Future[T])) (remove func() bool) {
	t.check("AddDoneCallback")
	return t.fut.AddDoneCallback(fn)
}

// Completion returns the untyped side of the task's future. It is for asyncgo's own packages.
func (t *Task[T]) Completion() *loop.Completion {
	t.check("Completion")
	return t.fut.Completion()
}

// String describes the task as Python's repr does: name, state, coroutine, and what it waits for.
// In debug mode it says where.
func (t *Task[T]) String() string {
	t.check("String")
	var b strings.Builder
	fmt.Fprintf(&b, "Task(%q, ", t.Name())
	switch {
	case t.IsDone():
		b.WriteString(t.fut.Promise().Describe())
		fmt.Fprintf(&b, ", %s", loop.FuncName(t.co))
	default:
		state := "pending"
		if t.Cancelling() > 0 {
			state = "cancelling"
		}
		fmt.Fprintf(&b, "%s, %s", state, loop.FuncName(t.co))
		if on := t.task.WaitsFor(); on != "" {
			fmt.Fprintf(&b, ", waiting for %s", on)
		}
	}
	if at := t.task.CreatedAt(); at != "" {
		fmt.Fprintf(&b, ", created at %s", at)
	}
	b.WriteByte(')')
	return b.String()
}

// body is a Task as the loop sees it.
type body[T any] Task[T]

// Run implements loop.Body.
func (b *body[T]) Run(ctx context.Context) {
	v, err := b.co.run(ctx)
	unseen := b.task.Ending()
	switch {
	case err == nil && unseen == nil:
		b.end(v, nil, false)
	case err == nil:
		b.end(*new(T), loop.Spell.Cancelled(unseen), true)
	case future.IsCancelled(err), b.task.Cancelling() > 0 && loop.Spell.IsCancellation(err):
		b.end(*new(T), err, true)
	default:
		b.crash(v, err)
	}
}

// end records the outcome, inside the loop.
func (b *body[T]) end(v T, err error, cancelled bool) {
	b.fut.Promise().CompleteIn(b.task.Loop(), v, err, cancelled)
	b.task.Over()
}

// crash records a failure.
func (b *body[T]) crash(v T, err error) {
	b.end(v, err, false)
	b.fut.Promise().NameFailure("task")
}

// Crash implements loop.Body.
func (b *body[T]) Crash(p *panics.Recovered) { b.crash(*new(T), loop.Spell.Panic(p)) }

// Quit implements loop.Body.
func (b *body[T]) Quit() { b.end(*new(T), ErrCancelled, true) }

// Drop implements loop.Body.
func (b *body[T]) Drop(c *loop.Cause) { b.end(*new(T), loop.Spell.Cancelled(c), true) }

// Ended implements loop.Body.
func (b *body[T]) Ended() bool { return b.fut.IsDone() }

// Info implements loop.Body.
func (b *body[T]) Info() any { return AnyTask((*Task[T])(b)) }

// LoopTask returns the loop's side of the task.
func (b *body[T]) LoopTask() *loop.Task { return &b.task }

// CancelWaited implements loop.Canceller.
func (b *body[T]) CancelWaited(c *loop.Cause) bool {
	if b.fut.IsDone() {
		b.fut.Err() // asking counts as having looked
		return false
	}
	b.task.Cancel(c)
	return true
}

// CurrentTask returns the task that calls, or nil in a callback and outside of a loop. It stands
// for asyncio.current_task. The task is found by the calling goroutine: a ctx that belongs to
// another task does not mislead it.
func CurrentTask(ctx context.Context) AnyTask {
	if t, err := loop.Current(ctx); t != nil && err == nil {
		return t.Body().Info().(AnyTask)
	}
	return nil
}

// AllTasks returns the tasks of the loop of ctx that are not done, in the order of their creation.
// It stands for asyncio.all_tasks. From another goroutine it waits until the loop has an answer; if
// ctx belongs to no loop, or the loop is closed, the answer is nil.
func AllTasks(ctx context.Context) []AnyTask {
	l := loop.Near(ctx)
	if l == nil {
		return nil
	}
	var all []AnyTask
	l.Ask(func() {
		for _, t := range l.Tasks() {
			all = append(all, t.Body().Info().(AnyTask))
		}
	})
	return all
}

// Uncancel takes back one request to cancel the calling task and returns the context to go on with.
// It stands for Task.uncancel, and has to be called by a task that has received [ErrCancelled] and
// wants to wait again: ctx is done for good, the returned context is not, until the task is
// cancelled again. Timeouts and task groups between the task and ctx still reach it.
//
// If the request has not been noticed yet and it was the only one, it is withdrawn. Without a
// request Uncancel returns ctx. On a goroutine that is no task it returns ctx too.
func Uncancel(ctx context.Context) context.Context {
	t, err := loop.Current(ctx)
	if t == nil || err != nil {
		return ctx
	}
	ctx, _ = t.Uncancel(ctx)
	return ctx
}
