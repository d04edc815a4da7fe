package async

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// Forever is a timeout or a deadline that never comes: Python's None.
const Forever = loop.Never

// Causes of timeouts. The wait inside a block of Timeout is cancelled, and only leaving the block
// makes a timeout of that, as in asyncio. With WithTimeout there is no block to leave, so the wait
// itself says it.
var (
	blockExpired = &loop.Cause{Err: context.Canceled, Cause: ErrTimeout, Wait: ErrCancelled}
	ctxExpired   = &loop.Cause{Err: context.DeadlineExceeded, Cause: ErrTimeout, Wait: ErrTimeout}
	scopeClosed  = loop.Spell.Cancel(nil)
)

// A TimeoutScope is the timeout of a block: the object of Python's "async with timeout() as t". Its
// methods are for the task that runs the block.
type TimeoutScope struct {
	loop  *loop.Loop
	task  *loop.Task
	child *loop.Child
	timer *loop.Handle
	when  time.Duration
	state timeoutState
}

type timeoutState string

const (
	timeoutActive   timeoutState = "active"
	timeoutExpiring timeoutState = "expiring"
	timeoutExpired  timeoutState = "expired"
	timeoutFinished timeoutState = "finished"
)

// ErrTimeoutState is returned by [TimeoutScope.Reschedule] when the timeout is over.
var ErrTimeoutState = errors.New("async: cannot change the state of a Timeout that is over")

// check panics if there is no timeout.
func (ts *TimeoutScope) check(method string) {
	switch {
	case ts == nil:
		panic("async: " + method + " was called on a nil TimeoutScope")
	case ts.task == nil:
		panic("async: " + method + " was called on a TimeoutScope that Timeout has not made")
	}
}

// When returns the deadline on the loop's clock, as [Loop.Time] tells it; [Forever] if there is none.
func (ts *TimeoutScope) When() time.Duration {
	ts.check("When")
	defer ts.loop.Stay().End()
	return ts.when
}

// Expired reports whether the deadline has come before the end of the block.
func (ts *TimeoutScope) Expired() bool {
	ts.check("Expired")
	defer ts.loop.Stay().End()
	return ts.state == timeoutExpiring || ts.state == timeoutExpired
}

// Reschedule moves the deadline to a time of the loop's clock; [Forever] takes it away, and one in
// the past comes in the next tick. A timeout that has expired or whose block has ended returns an
// [ErrTimeoutState].
func (ts *TimeoutScope) Reschedule(when time.Duration) error {
	ts.check("Reschedule")
	defer ts.loop.Stay().End()
	if ts.state != timeoutActive {
		return fmt.Errorf("%w: it is %s", ErrTimeoutState, ts.state)
	}
	if ts.timer != nil {
		ts.timer.Cancel()
		ts.timer = nil
	}
	ts.when = when
	ts.child.SetDeadline(when, when != Forever)
	if when == Forever {
		return nil
	}
	ts.timer = loop.NewHandle(ts.loop, ts.expire)
	if when <= ts.loop.Now() {
		ts.timer.Soon()
	} else {
		ts.timer.At(when)
	}
	return nil
}

// String returns the state and the deadline.
func (ts *TimeoutScope) String() string {
	ts.check("String")
	defer ts.loop.Stay().End()
	if ts.state == timeoutActive && ts.when != Forever {
		return fmt.Sprintf("Timeout(%s, when: %s)", ts.state, ts.when)
	}
	return fmt.Sprintf("Timeout(%s)", ts.state)
}

func (ts *TimeoutScope) expire() {
	defer ts.loop.Stay().End()
	if ts.state != timeoutActive {
		return
	}
	ts.state = timeoutExpiring
	ts.task.Count()
	ts.child.Cancel(blockExpired)
}

// Timeout runs body, and ends it after d: "async with asyncio.timeout(d)". It must be called in a
// task.
//
// When d has passed, the ctx of body is cancelled: the wait in there returns [ErrCancelled], and
// every further one. If body then returns that error, Timeout returns [ErrTimeout] in its place;
// any other error and nil are returned as they are. So the timeout is seen outside the block only,
// and of several nested ones the right one reports it. A cancellation from outside that comes as
// well wins. The context outside the block is not touched by the timeout.
//
// d ≤ 0 expires in the next tick, if body waits at all; [Forever] never does. body can move the
// deadline.
func Timeout(ctx context.Context, d time.Duration, body func(ctx context.Context, t *TimeoutScope) error) error {
	l := loop.Near(ctx)
	if l == nil {
		return ErrNoLoop
	}
	return TimeoutAt(ctx, l.After(d), body)
}

// TimeoutAt is [Timeout] with a deadline on the loop's clock: asyncio.timeout_at.
func TimeoutAt(ctx context.Context, when time.Duration, body func(ctx context.Context, t *TimeoutScope) error) (err error) {
	if body == nil {
		panic("async: Timeout was called with a nil body")
	}
	t, err := currentTask(ctx)
	if err != nil {
		return err
	}
	ts := &TimeoutScope{loop: t.Loop(), task: t, child: loop.NewChild(ctx, t), state: timeoutActive}
	defer func() { err = ts.leave(err) }()
	if err := ts.Reschedule(when); err != nil {
		return err
	}
	return body(ts.child, ts)
}

// leave ends the block, also when body panics.
func (ts *TimeoutScope) leave(err error) error {
	defer ts.loop.Stay().End()
	if ts.timer != nil {
		ts.timer.Cancel()
	}
	cancelledOutside := ts.child.Outer() != nil
	ts.child.Close(scopeClosed)
	if ts.state != timeoutExpiring {
		ts.state = timeoutFinished
		return err
	}
	ts.state = timeoutExpired
	ts.task.Discount()
	if loop.Spell.IsCancellation(err) && !cancelledOutside {
		return ErrTimeout
	}
	return err
}

// currentTask returns the calling task, or why there is none.
func currentTask(ctx context.Context) (*loop.Task, error) {
	switch t, err := loop.Current(ctx); {
	case err != nil:
		return nil, err
	case t != nil:
		return t, nil
	case loop.Near(ctx) != nil:
		return nil, ErrNotInTask
	}
	return nil, ErrNoLoop
}

// WithTimeout returns a copy of ctx that ends after d on the loop's clock: the timeout of one wait,
// in one line, as the timeout argument of acquire, get and their like in Python.
//
//	ctx, cancel := async.WithTimeout(ctx, time.Second)
//	defer cancel()
//
// A wait with it that takes longer returns [ErrTimeout]; that is context.Cause of the context too.
// cancel releases what it holds, and must be called. In contrast to [Timeout] a task that goes on
// waiting with the outer context is not disturbed. Outside of a task it is
// context.WithTimeoutCause.
func WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	t, err := loop.Current(ctx)
	if t == nil || err != nil {
		return context.WithTimeoutCause(ctx, d, ErrTimeout)
	}
	l := t.Loop()
	child := loop.NewChild(ctx, t)
	when := l.After(d)
	child.SetDeadline(when, when != Forever)
	h := loop.NewHandle(l, func() { child.Cancel(ctxExpired) })
	switch {
	case when == Forever:
	case d <= 0:
		child.Cancel(ctxExpired)
	default:
		h.At(when)
	}
	return child, func() {
		h.Cancel()
		child.Close(scopeClosed)
	}
}

// neverStarted stands for a coroutine that there is no time for.
func neverStarted[T any](ctx context.Context) (T, error) { return NewFuture[T](ctx).Await(ctx) }

// WaitFor waits for aw, at most for d, and returns its outcome: asyncio.wait_for, as of Python
// 3.12.
//
// A coroutine runs in the calling task. After d what is waited for is cancelled, and WaitFor
// returns when it has ended: with [ErrTimeout] if it ended cancelled, else with its own value or
// error. If it is the calling task that is cancelled, that is passed on in the same way, and wins
// over a value that comes in the same tick. With d ≤ 0 the result is returned if it is there, and a
// coroutine is never started, except up to its first wait where tasks are eager. [Forever] is no limit.
// Shield protects aw from being cancelled.
func WaitFor[T any](ctx context.Context, aw Awaitable[T], d time.Duration) (T, error) {
	if aw == nil {
		panic("async: WaitFor was called with nil")
	}
	var v T
	if d == Forever {
		return aw.Await(ctx)
	}
	if d <= 0 && loop.Near(ctx) == nil {
		var f *Future[T]
		switch a := aw.(type) {
		case *Future[T]:
			f = a
		case *Task[T]:
			f = a.Future()
		default:
			return v, ErrTimeout
		}
		if f.IsDone() {
			return f.Result()
		}
		return v, ErrTimeout
	}
	if d <= 0 {
		eager := faceOf(loop.Near(ctx)).eager
		switch co, isCoroutine := aw.(Coroutine[T]); aw.(type) {
		case *Future[T], interface{ Future() *Future[T] }:
		default:
			if isCoroutine && co == nil || eager { // an eager task begins at once, as in asyncio
				break
			}
			// Where tasks run in parallel, and for a plain goroutine, the task could have begun before it is cancelled. asyncio
			// makes a task too, and the ticks are to be the same.
			aw = Coroutine[T](neverStarted[T])
		}
		f := EnsureFuture(ctx, aw)
		if !f.IsDone() {
			f.Cancel()
			if _, _, err := Wait(ctx, []*Future[T]{f}); err != nil {
				return v, err
			}
			if f.Cancelled() {
				return v, ErrTimeout
			}
		}
		return f.Result()
	}
	if loop.Near(ctx) == nil {
		ctx, cancel := context.WithTimeoutCause(ctx, d, ErrTimeout)
		defer cancel()
		return aw.Await(ctx)
	}
	err := Timeout(ctx, d, func(ctx context.Context, _ *TimeoutScope) (err error) {
		v, err = aw.Await(ctx)
		return err
	})
	if errors.Is(err, ErrNotInTask) {
		ctx, cancel := WithTimeout(ctx, d)
		defer cancel()
		return aw.Await(ctx)
	}
	return v, err
}
