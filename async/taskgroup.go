package async

import (
	"container/list"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/sourcegraph/conc/panics"
)

// A TaskGroup is a set of tasks that end together, inside one block: asyncio.TaskGroup. It is made
// by [WithTaskGroup].
type TaskGroup struct {
	loop   *loop.Loop
	parent *loop.Task
	scope  *loop.Child

	mu        sync.Mutex
	tasks     list.List // of groupTask: those not done, in order of creation
	state     groupState
	waiter    *Future[Void] // of the parent, at the end of the block
	errs      []error
	cancelled bool // the parent, by the group
}

type groupState int

const (
	groupActive groupState = iota
	groupAborting
	groupFinished
)

// groupTask is a child.
type groupTask interface {
	AnyTask
	Cancelled() bool
}

// groupAborted cancels the body of a group, one of whose children has failed.
var groupAborted = &loop.Cause{Err: context.Canceled, Cause: ErrCancelled, Wait: ErrCancelled}

// groupError says why a group takes no more tasks.
type groupError string

func (e groupError) Error() string        { return string(e) }
func (e groupError) Is(target error) bool { return target == ErrShutdown }

// WithTaskGroup runs body and waits for all tasks that were started in the group: "async with
// asyncio.TaskGroup() as tg". It must be called in a task, and suspends it until the last child has
// ended; without children it does not.
//
// If a child fails, or body returns an error or panics, the other children are cancelled, in the
// order of their creation, and so is the ctx of body. When all have ended, the errors come back as
// one [ErrorGroup], in the order in which they happened, that of body last. A child that is
// cancelled is no error. If the calling task is cancelled meanwhile, so are the children, and
// WithTaskGroup returns [ErrCancelled], unless a child fails on the way: then the group of errors
// wins, and the cancellation is delivered again by the next wait.
func WithTaskGroup(ctx context.Context, body func(ctx context.Context, tg *TaskGroup) error) error {
	if body == nil {
		panic("async: WithTaskGroup was called with a nil body")
	}
	t, err := currentTask(ctx)
	if err != nil {
		return err
	}
	tg := &TaskGroup{loop: t.Loop(), parent: t, scope: loop.NewChild(ctx, t)}
	returned := false
	defer func() {
		if !returned { // runtime.Goexit: the children are ended all the same
			tg.leave(ctx, ErrCancelled)
		}
	}()
	caught := panics.Try(func() { err = body(tg.scope, tg) })
	var panicked error
	if caught != nil {
		panicked = loop.Spell.Panic(caught)
		err = panicked
	}
	returned = true
	err = tg.leave(ctx, err)
	if panicked != nil {
		panic(panicked)
	}
	return err
}

// Go starts fn as a task of the group. It may be called from body, from children, also while the
// block is waiting for them, and from other goroutines. When the group is shutting down or has
// ended, the returned task is done, with an error that is [ErrShutdown], and fn is not called; if nobody
// looks at that error, it is reported like any other.
func (tg *TaskGroup) Go(fn func(ctx context.Context) error, opts ...TaskOption) *Task[Void] {
	tg.check("TaskGroup.Go")
	if fn == nil {
		panic("async: TaskGroup.Go was called with a nil function")
	}
	return Spawn(tg, func(ctx context.Context) (Void, error) { return Void{}, fn(ctx) }, opts...)
}

// Spawn is [TaskGroup.Go] for a coroutine with a result: tg.create_task(coro).
func Spawn[T any](tg *TaskGroup, co Coroutine[T], opts ...TaskOption) *Task[T] {
	tg.check("Spawn")
	if co == nil {
		panic("async: Spawn was called with a nil Coroutine")
	}
	m := &member{group: tg}
	t := CreateTask(tg.scope, co, append(slices.Clip(opts), func(o *taskOptions) { o.member = m })...)
	switch {
	case m.place == nil: // the group takes no more tasks
	case t.IsDone() && tg.loop == loop.Within(): // it was eager
		tg.ended(t, m)
	default:
		m.watch(t)
	}
	return t
}

// check panics if there is no group, or nothing that could run tasks in it.
func (tg *TaskGroup) check(function string) {
	switch {
	case tg == nil:
		panic("async: " + function + " was called with a nil TaskGroup")
	case tg.scope == nil:
		panic("async: " + function + " was called with a TaskGroup that WithTaskGroup has not made")
	}
}

// A member is a child's place in its group, and waits for its end.
type member struct {
	group *TaskGroup
	place *list.Element
	w     loop.Waiter
}

// watch has the group told when t, which has joined, is done.
func (m *member) watch(t interface{ Completion() *loop.Completion }) {
	m.w = loop.MakeWaiter(m)
	if !t.Completion().Add(&m.w) {
		m.Notify(loop.Inside())
	}
}

// Notify implements loop.Party.
func (m *member) Notify(in *loop.Loop) (run bool) {
	m.group.loop.Push(m, in)
	return false
}

// RunReady implements loop.Runnable.
func (m *member) RunReady() { m.group.ended(m.place.Value.(groupTask), m) }

// Feeds implements loop.Feeder.
func (m *member) Feeds() []*loop.Completion {
	m.group.mu.Lock()
	defer m.group.mu.Unlock()
	if m.group.waiter == nil {
		return nil
	}
	return []*loop.Completion{m.group.waiter.Completion()}
}

// join adds a child, before it can run, or returns why the group takes no more.
func (m *member) join(t groupTask) error {
	m.group.mu.Lock()
	defer m.group.mu.Unlock()
	if err := m.group.closed(); err != nil {
		return err
	}
	m.place = m.group.tasks.PushBack(t)
	return nil
}

// closed returns why the group takes no more tasks, or nil. It is locked.
func (tg *TaskGroup) closed() error {
	switch tg.state {
	case groupAborting:
		return groupError("async: the TaskGroup is shutting down")
	case groupFinished:
		return groupError("async: the TaskGroup is finished")
	}
	return nil
}

// ended is the done callback of every child.
func (tg *TaskGroup) ended(t groupTask, m *member) {
	defer tg.loop.Stay().End()
	tg.mu.Lock()
	tg.tasks.Remove(m.place)
	waiter := tg.waiter
	empty := tg.tasks.Len() == 0
	tg.mu.Unlock()
	if empty && waiter != nil {
		waiter.Promise().Complete(Void{}, nil, false)
	}
	err := t.Err()
	if err == nil || t.Cancelled() {
		return
	}
	tg.mu.Lock()
	tg.errs = append(tg.errs, err)
	tg.mu.Unlock()
	if tg.abort() {
		tg.cancelled = true
		tg.parent.Count()
		tg.scope.Cancel(groupAborted)
	}
}

// abort cancels all children and reports whether that was new.
func (tg *TaskGroup) abort() bool {
	tg.mu.Lock()
	if tg.state != groupActive {
		tg.mu.Unlock()
		return false
	}
	tg.state = groupAborting
	tasks := make([]groupTask, 0, tg.tasks.Len())
	for e := tg.tasks.Front(); e != nil; e = e.Next() {
		tasks = append(tasks, e.Value.(groupTask))
	}
	tg.mu.Unlock()
	for _, t := range tasks {
		t.Cancel()
	}
	return true
}

// leave ends the block, after body has returned err.
func (tg *TaskGroup) leave(ctx context.Context, err error) error {
	defer tg.loop.Stay().End()
	var cancelled error
	if loop.Spell.IsCancellation(err) {
		cancelled = err
	}
	if err != nil {
		tg.abort()
	}
	waitCtx := ctx
	for tg.waits() {
		_, werr := tg.waiter.Await(waitCtx)
		if tg.loop.Closing() {
			break // the task is being unwound
		}
		if werr != nil {
			// The parent is cancelled from outside. From here on nothing keeps it from
			// waiting for the children.
			if tg.abort() {
				cancelled = werr
			}
			waitCtx = context.WithoutCancel(ctx)
		}
		tg.mu.Lock()
		tg.waiter = nil
		tg.mu.Unlock()
	}
	tg.mu.Lock()
	defer tg.mu.Unlock()
	tg.state = groupFinished
	outside := tg.scope.Outer() != nil
	tg.scope.Close(scopeClosed)
	if tg.cancelled {
		tg.parent.Discount()
		if !outside {
			cancelled = nil // that was only the group itself
		}
	}
	switch {
	case cancelled != nil && len(tg.errs) == 0:
		return cancelled
	case err != nil && !loop.Spell.IsCancellation(err):
		tg.errs = append(tg.errs, err)
	}
	if len(tg.errs) == 0 {
		return nil
	}
	if outside {
		tg.parent.Redeliver()
	}
	return &ErrorGroup{Msg: "unhandled errors in a TaskGroup", Errs: slices.Clone(tg.errs)}
}

// waits reports whether there are children to wait for, and prepares the waiter.
func (tg *TaskGroup) waits() bool {
	tg.mu.Lock()
	defer tg.mu.Unlock()
	if tg.tasks.Len() == 0 {
		tg.state = groupFinished // under the same lock, so that nobody joins in between
		return false
	}
	tg.waiter = NewFuture[Void](tg.loop.Context())
	return true
}

// Errs returns the errors of children so far, in the order in which they happened.
func (tg *TaskGroup) Errs() []error {
	tg.check("TaskGroup.Errs")
	tg.mu.Lock()
	defer tg.mu.Unlock()
	return slices.Clone(tg.errs)
}

// String returns the numbers of tasks and errors, and whether the group is shutting down.
func (tg *TaskGroup) String() string {
	tg.check("TaskGroup.String")
	tg.mu.Lock()
	defer tg.mu.Unlock()
	s := "TaskGroup("
	sep := ""
	if n := tg.tasks.Len(); n > 0 {
		s += fmt.Sprintf("tasks: %d", n)
		sep = ", "
	}
	if n := len(tg.errs); n > 0 {
		s += fmt.Sprintf("%serrors: %d", sep, n)
		sep = ", "
	}
	if tg.state == groupAborting {
		s += sep + "cancelling"
	}
	return s + ")"
}
