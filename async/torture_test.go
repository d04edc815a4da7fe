package async_test

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// The torture crosses everything that a task can be doing with everything that can happen to it meanwhile. A cell of the matrix is one
// task in one loop. What has to become of the task is said by the rules of its event, from what is special about the situation, and not
// written down cell by cell.

// A fate is what has become of the task of a cell.
type fate string

const (
	valued    fate = "ended with its value"
	timedOut  fate = "ended with ErrTimeout"
	cancelled fate = "ended cancelled"
	dropped   fate = "ended cancelled before its first step"
)

// A waiting is what a task is doing.
type waiting func(ctx context.Context, c *cell) error

// A situation is what the task is doing when the event comes, and what is special about that.
type situation struct {
	name string
	wait waiting

	fresh    bool // the task has not made its first step
	ready    bool // what it waits for has come, and it is in the ready queue
	thread   bool // its function is under way on another goroutine
	inPlace  bool // and that is the task's own: the loop cannot be closed
	survives bool // what it waits for answers a cancellation with a value
	detached bool // its wait does not obey the task's ctx
	fresher  bool // its wait obeys a ctx that is fresher than the task's
}

// nap is longer than the timeout of an event, and the others are never over.
const (
	shortTime = 5 * time.Second
	nap       = 10 * time.Second
	longTime  = time.Hour
)

var situations = []situation{
	{name: "has not started", wait: onThing, fresh: true},
	{name: "is ready to go on", wait: onThing, ready: true},
	{name: "gives way again and again", wait: func(ctx context.Context, c *cell) error {
		for !c.came.Load() {
			if err := giveWay(ctx); err != nil {
				return err
			}
		}
		return nil
	}},
	{name: "sleeps", wait: func(ctx context.Context, _ *cell) error { return async.Sleep(ctx, nap) }},
	{name: "awaits a future", wait: onThing},
	{name: "awaits a task", wait: func(ctx context.Context, c *cell) error {
		return second(async.CreateTask(ctx, c.thing.Await).Await(ctx))
	}},
	{name: "awaits a task that survives its cancellation", survives: true, wait: func(ctx context.Context, c *cell) error {
		return second(async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			c.thing.Await(ctx)
			return 7, nil
		}).Await(ctx))
	}},
	{name: "awaits a coroutine in a coroutine", wait: func(ctx context.Context, c *cell) error {
		inner := async.Coroutine[int](func(ctx context.Context) (int, error) { return async.Coroutine[int](c.thing.Await).Await(ctx) })
		return second(inner.Await(ctx))
	}},
	{name: "is in Gather", wait: func(ctx context.Context, c *cell) error {
		return second(async.Gather(ctx, async.Awaitable[int](c.thing), async.Coroutine[int](c.thing.Await)))
	}},
	{name: "is in GatherSettled", wait: func(ctx context.Context, c *cell) error {
		return second(async.GatherSettled(ctx, async.Awaitable[int](c.thing), async.Coroutine[int](c.thing.Await)))
	}},
	{name: "is in Wait", wait: func(ctx context.Context, c *cell) error {
		_, _, err := async.Wait(ctx, []*async.Future[int]{c.thing, async.Coroutine[int](c.thing.Await).Start(ctx)})
		return err
	}},
	{name: "is in Wait for the first to end", wait: func(ctx context.Context, c *cell) error {
		_, _, err := async.Wait(ctx, []*async.Future[int]{c.thing, async.NewFuture[int](ctx)}, async.FirstCompleted)
		return err
	}},
	{name: "is in AsCompleted", wait: func(ctx context.Context, c *cell) error {
		for _, err := range async.AsCompleted(ctx, async.Awaitable[int](c.thing), async.Coroutine[int](c.thing.Await)) {
			if err != nil {
				return err
			}
		}
		return nil
	}},
	{name: "is in Race", wait: func(ctx context.Context, c *cell) error {
		return second(async.Race(ctx, async.Awaitable[int](c.thing), async.Coroutine[int](forever)))
	}},
	{name: "is in Shield of a future", wait: func(ctx context.Context, c *cell) error { return second(async.Shield(ctx, c.thing)) }},
	{name: "is in Shield of a task", wait: func(ctx context.Context, c *cell) error {
		return second(async.Shield(ctx, async.Coroutine[int](c.thing.Await)))
	}},
	{name: "is in Timeout", wait: func(ctx context.Context, c *cell) error { return inTimeout(longTime)(onThing)(ctx, c) }},
	{name: "is in Timeout in Timeout", wait: func(ctx context.Context, c *cell) error {
		return inTimeout(longTime)(inTimeout(longTime)(onThing))(ctx, c)
	}},
	{name: "is in WaitFor of a future", wait: func(ctx context.Context, c *cell) error { return second(async.WaitFor(ctx, c.thing, longTime)) }},
	{name: "is in WaitFor of a coroutine", wait: func(ctx context.Context, c *cell) error {
		return second(async.WaitFor(ctx, async.Coroutine[int](c.thing.Await), longTime))
	}},
	{name: "is in the body of a TaskGroup", wait: func(ctx context.Context, c *cell) error {
		return async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
			tg.Go(func(ctx context.Context) error { return onThing(ctx, c) })
			return onThing(ctx, c)
		})
	}},
	{name: "waits at the end of a TaskGroup", wait: func(ctx context.Context, c *cell) error {
		return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			tg.Go(func(ctx context.Context) error { return onThing(ctx, c) })
			return nil
		})
	}},
	{name: "waits at the end of a TaskGroup in a TaskGroup", wait: func(ctx context.Context, c *cell) error {
		return async.WithTaskGroup(ctx, func(ctx context.Context, _ *async.TaskGroup) error {
			return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				tg.Go(func(ctx context.Context) error { return onThing(ctx, c) })
				return nil
			})
		})
	}},
	{name: "is in ToThread", thread: true, wait: func(ctx context.Context, c *cell) error { return second(async.ToThread(ctx, c.job)) }},
	{name: "is in Block", thread: true, inPlace: true, wait: func(ctx context.Context, c *cell) error { return second(async.Block(ctx, c.job)) }},
	{name: "waits with WithTimeout", wait: func(ctx context.Context, c *cell) error {
		ctx, cancel := async.WithTimeout(ctx, longTime)
		defer cancel()
		return onThing(ctx, c)
	}},
	{name: "waits with the first of three WithTimeout", wait: func(ctx context.Context, c *cell) error {
		first, cancelFirst := async.WithTimeout(ctx, longTime)
		defer cancelFirst()
		_, cancelSecond := async.WithTimeout(ctx, longTime)
		_, cancelThird := async.WithTimeout(ctx, longTime)
		defer cancelThird()
		cancelSecond()
		return onThing(first, c)
	}},
	{name: "sleeps with WithTimeout", wait: func(ctx context.Context, _ *cell) error {
		ctx, cancel := async.WithTimeout(ctx, longTime)
		defer cancel()
		return async.Sleep(ctx, nap)
	}},
	{name: "waits with context.WithCancel", wait: func(ctx context.Context, c *cell) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		return onThing(ctx, c)
	}},
	{name: "sleeps with context.WithValue", wait: func(ctx context.Context, _ *cell) error {
		return async.Sleep(context.WithValue(ctx, awaitsLong{}, 1), nap)
	}},
	{name: "sleeps with context.WithCancel in Timeout", wait: inTimeout(longTime)(func(ctx context.Context, _ *cell) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		return async.Sleep(ctx, nap)
	})},
	{name: "waits with context.WithoutCancel", detached: true, wait: func(ctx context.Context, c *cell) error {
		return onThing(context.WithoutCancel(ctx), c)
	}},
	{name: "waits again after Uncancel", fresher: true, wait: func(ctx context.Context, c *cell) error {
		async.CurrentTask(ctx).Cancel()
		if err := async.Sleep(ctx, 0); !errors.Is(err, async.ErrCancelled) {
			c.t.Errorf("the first cancellation was answered with %v", err)
		}
		return onThing(async.Uncancel(ctx), c)
	}},
	{name: "waits in a callback's task", wait: func(ctx context.Context, c *cell) error {
		inner := async.NewFuture[*async.Task[int]](ctx)
		running(ctx).CallSoon(func() { check(inner.SetResult(async.CreateTask(ctx, c.thing.Await))) })
		task, err := inner.Await(ctx)
		if err != nil {
			return err
		}
		return second(task.Await(ctx))
	}},
}

// onThing awaits the future that all the others wait for in the end.
func onThing(ctx context.Context, c *cell) error { return second(c.thing.Await(ctx)) }

// second drops a result.
func second[T any](_ T, err error) error { return err }

// inTimeout puts a Timeout around what a task is doing.
func inTimeout(d time.Duration) func(waiting) waiting {
	return func(wait waiting) waiting {
		return func(ctx context.Context, c *cell) error {
			return async.Timeout(ctx, d, func(ctx context.Context, _ *async.TimeoutScope) error { return wait(ctx, c) })
		}
	}
}

// A handClock is set by hand. While the loop is idle it has to be woken from outside, so that nothing depends on how long something
// takes, and a function on another goroutine does not hold up the clock.
type handClock struct{ now atomic.Int64 }

func (c *handClock) Now() time.Duration               { return time.Duration(c.now.Load()) }
func (c *handClock) Wall(now time.Duration) time.Time { return time.Unix(0, 0).Add(now) }
func (c *handClock) advance(d time.Duration)          { c.now.Add(int64(d)) }

func (c *handClock) Wait(_ time.Duration, wake <-chan struct{}, _ func() bool) bool {
	<-wake
	return true
}

// A cell is one task, the subject, to which something happens.
type cell struct {
	t *testing.T
	situation
	around func(waiting) waiting // of the event; nil for none
	opts   []async.Option

	clock   handClock
	thing   *async.Future[int]
	came    atomic.Bool
	over    chan struct{} // closed when the thing has come, for those outside
	outside chan struct{} // closed when the function of the subject is under way
	create  func(ctx context.Context) *async.Task[int]
	subject *async.Task[int]

	// What the subject has noted.
	entered, left int
	returned      bool
	seen          error // what its wait has returned
	again         error // what a further wait with the task's ctx has returned, if there was an error
}

// body is the subject.
func (c *cell) body(ctx context.Context) (int, error) {
	c.entered++
	defer func() { c.left++ }()
	wait := c.wait
	if c.around != nil {
		wait = c.around(wait)
	}
	c.seen = wait(ctx, c)
	c.returned = true
	if c.seen != nil {
		c.again = giveWay(ctx)
	}
	return 42, c.seen
}

// job is what the subject does on another goroutine. In contrast to a wait it has to look itself whether it is cancelled.
func (c *cell) job(ctx context.Context) (int, error) {
	close(c.outside)
	select {
	case <-c.over:
	case <-ctx.Done():
	}
	return 7, ctx.Err()
}

// begin brings the subject into its situation, if it has to run for that.
func (c *cell) begin(ctx context.Context) {
	c.thing = async.NewFuture[int](ctx)
	if c.fresh {
		return
	}
	c.subject = c.create(ctx)
	ticks(ctx, 6)
	if c.thread {
		must(async.ToThread(ctx, func(context.Context) (int, error) { <-c.outside; return 0, nil }))
	}
}

// arm brings the subject into its situation, if it must not run after that.
func (c *cell) arm(ctx context.Context) {
	switch {
	case c.fresh:
		c.subject = c.create(ctx)
	case c.ready:
		check(c.thing.SetResult(7))
	}
}

// complete brings what the subject waits for. It may be called anywhere, and again.
func (c *cell) complete() {
	if c.came.Swap(true) {
		return
	}
	c.thing.SetResult(7)
	c.clock.advance(nap)
	close(c.over)
}

// finish waits for the end of the subject and sees whether the loop is in order afterwards.
func (c *cell) finish(ctx context.Context) {
	ticks(ctx, 10)
	c.complete()
	waitFor(ctx, c.subject)
	ticks(ctx, 10)
	c.works(ctx)
}

// works fails the cell if the loop has tasks that it should not have, or does not work any more.
func (c *cell) works(ctx context.Context) {
	if all := async.AllTasks(ctx); len(all) != 1 || all[0] != async.CurrentTask(ctx) {
		c.t.Errorf("the tasks of the loop are %v", all)
	}
	sleeper := sleeping(ctx, time.Second, 1)
	sleepers := async.GatherFuture(ctx, sleeper, async.After(0, 2), async.Coroutine[int](async.After(time.Second, 3)))
	ticks(ctx, 2)
	c.clock.advance(time.Second)
	for parallel && !sleepers.IsDone() { // they may have come to their sleep only now
		ticks(ctx, 1)
		c.clock.advance(time.Second)
	}
	vs, err := sleepers.Await(ctx)
	expectError(c.t, "a gather afterwards", err, nil)
	expectSlice(c.t, "the result of a gather afterwards", vs, []int{1, 2, 3})
}

func (c *cell) options() []async.Option {
	return append([]async.Option{
		async.Clock(&c.clock),
		async.Logger(slog.New(slog.DiscardHandler)), // of steps that take long
		async.ExceptionHandler(func(_ *async.Loop, x async.ExceptionContext) {
			c.t.Errorf("the loop has reported %q: %v", x.Message, x.Err)
		}),
	}, c.opts...)
}

// inRun has the event happen while the loop runs.
func (c *cell) inRun(happen func(ctx context.Context)) {
	l := async.NewLoop(c.options()...)
	_, err := async.RunUntilComplete(l, async.Do(func(ctx context.Context) error {
		c.begin(ctx)
		c.arm(ctx)
		happen(ctx)
		c.finish(ctx)
		return nil
	}))
	expectError(c.t, "the run", err, nil)
	expectEqual(c.t, "the number of tasks after the run", async.Stats(l).Tasks, 0)
	expectError(c.t, "closing the loop", l.Close(), nil)
}

// elsewhere runs fn on a goroutine that the clock does not know of, and waits for it.
func (c *cell) elsewhere(ctx context.Context, fn func()) {
	must(async.ToThread(ctx, func(context.Context) (int, error) { fn(); return 0, nil }))
}

// goexits runs fn on a goroutine of its own and reports whether it was left by runtime.Goexit.
func goexits(fn func()) bool {
	goexit := make(chan bool)
	go func() {
		returned := false
		defer func() { goexit <- !returned }()
		fn()
		returned = true
	}()
	return <-goexit
}

// An event is what happens to the subject, and a rule that says what has to become of it.
type event struct {
	name   string
	play   func(c *cell)
	want   func(s situation) []fate
	around func(waiting) waiting
	// ends is set if the event awaits the end of the subject, without the thing coming: one that does not obey its ctx would hang.
	ends bool
	// lucky is set if it can come between the last wait of the subject and its end.
	lucky bool
}

// Rules of what becomes of the subject.
var (
	// unharmed: nothing has happened to it, and what it waits for comes.
	unharmed = func(situation) []fate { return []fate{valued} }
	// cancelledAtOnce: Cancel was called while it was in its situation.
	cancelledAtOnce = func(s situation) []fate {
		switch {
		case s.fresh:
			return []fate{dropped}
		case s.survives:
			return []fate{valued}
		}
		return []fate{cancelled}
	}
	// cancelledSoon: Cancel was called some ticks later.
	cancelledSoon = func(s situation) []fate {
		if s.ready || s.survives {
			return []fate{valued}
		}
		return []fate{cancelled}
	}
	// cancelledSomeTime: it is a matter of luck whether the subject was faster.
	cancelledSomeTime = func(s situation) []fate {
		return append(cancelledAtOnce(s), cancelledSoon(s)...)
	}
	// expired: its time was over some ticks later.
	expired = func(s situation) []fate {
		if s.fresh || s.ready || s.survives || s.detached {
			return []fate{valued}
		}
		return []fate{timedOut}
	}
	// expiredOrNot: its time was over when what it waited for came.
	expiredOrNot = func(situation) []fate { return []fate{valued, timedOut} }
)

var errSibling = errors.New("a sibling's")

var events = []event{
	{name: "it is cancelled", want: cancelledAtOnce, play: func(c *cell) {
		c.inRun(func(context.Context) { c.subject.Cancel() })
	}},
	{name: "it is cancelled twice", want: cancelledAtOnce, play: func(c *cell) {
		c.inRun(func(context.Context) { c.subject.Cancel(); c.subject.Cancel() })
	}},
	{name: "it is cancelled twice, some ticks apart", want: cancelledAtOnce, play: func(c *cell) {
		c.inRun(func(ctx context.Context) { c.subject.Cancel(); ticks(ctx, 1); c.subject.Cancel() })
	}},
	{name: "a callback cancels it", want: cancelledSoon, play: func(c *cell) {
		c.inRun(func(ctx context.Context) { running(ctx).CallSoon(func() { c.subject.Cancel() }) })
	}},
	{name: "a goroutine cancels it", want: cancelledSomeTime, lucky: true, play: func(c *cell) {
		c.inRun(func(ctx context.Context) { c.elsewhere(ctx, func() { c.subject.Cancel() }) })
	}},
	{name: "what it waits for comes", want: unharmed, play: func(c *cell) {
		c.inRun(func(context.Context) { c.complete() })
	}},
	{name: "what it waits for comes from a goroutine", want: unharmed, play: func(c *cell) {
		c.inRun(func(ctx context.Context) { c.elsewhere(ctx, c.complete) })
	}},
	{name: "what it waits for comes, and it is cancelled in the same tick", want: cancelledAtOnce, play: func(c *cell) {
		c.inRun(func(ctx context.Context) { atOnce(ctx, func() { c.complete(); c.subject.Cancel() }) })
	}},
	{name: "it is cancelled, and what it waits for comes in the same tick", want: cancelledAtOnce, play: func(c *cell) {
		c.inRun(func(ctx context.Context) { atOnce(ctx, func() { c.subject.Cancel(); c.complete() }) })
	}},
	{name: "goroutines cancel it and bring what it waits for", lucky: true, want: func(s situation) []fate {
		return append(cancelledSomeTime(s), valued, cancelled)
	}, play: func(c *cell) {
		c.inRun(func(ctx context.Context) {
			check(second(async.Gather[async.Void](ctx, threaded(c.complete), threaded(func() { c.subject.Cancel() }))))
		})
	}},
	{name: "a timeout around it fires", want: expired, around: inTimeout(shortTime), play: func(c *cell) {
		c.inRun(func(context.Context) { c.clock.advance(shortTime) })
	}},
	{name: "a timeout around two timeouts around it fires", want: expired, play: func(c *cell) {
		c.inRun(func(context.Context) { c.clock.advance(shortTime) })
	}, around: func(wait waiting) waiting {
		return inTimeout(shortTime)(inTimeout(nap)(inTimeout(longTime)(wait)))
	}},
	{name: "a timeout fires, and what it waits for comes in the same tick", want: expiredOrNot, around: inTimeout(shortTime), play: func(c *cell) {
		c.inRun(func(ctx context.Context) { atOnce(ctx, func() { c.clock.advance(shortTime); c.complete() }) })
	}},
	{name: "a timeout fires, and it is cancelled in the same tick", want: cancelledAtOnce, around: inTimeout(shortTime), play: func(c *cell) {
		c.inRun(func(ctx context.Context) { atOnce(ctx, func() { c.clock.advance(shortTime); c.subject.Cancel() }) })
	}},
	{name: "a sibling panics", want: unharmed, play: func(c *cell) {
		c.inRun(func(ctx context.Context) {
			sibling := async.CreateTask(ctx, panicsHere)
			ticks(ctx, 5)
			var caught *async.PanicError
			if err := sibling.Err(); !errors.As(err, &caught) {
				c.t.Errorf("the sibling has ended with %v", err)
			}
		})
	}},
	{name: "a sibling in its TaskGroup panics", want: cancelledSoon, play: func(c *cell) {
		c.inGroup(func(context.Context) error { panic(errSibling) })
	}},
	{name: "a sibling in its TaskGroup fails", want: cancelledSoon, play: func(c *cell) {
		c.inGroup(func(context.Context) error { return errSibling })
	}},
	{name: "a sibling is left by Goexit in RunForever", want: cancelledSoon, ends: true, play: func(c *cell) {
		l := async.NewLoop(c.options()...)
		if !goexits(func() { async.RunUntilComplete(l, async.Do(c.withGoexit)) }) {
			c.t.Error("the Goexit did not come through")
		}
		expectEqual(c.t, "closed", l.IsClosed(), true)
	}},
	{name: "a sibling is left by Goexit in Run", want: cancelledSoon, ends: true, play: func(c *cell) {
		if !goexits(func() { async.Run(c.withGoexit, c.options()...) }) {
			c.t.Error("the Goexit did not come through")
		}
	}},
	{name: "main returns", want: cancelledSoon, ends: true, play: func(c *cell) {
		expectError(c.t, "Run", async.Run(func(ctx context.Context) error {
			c.begin(ctx)
			c.arm(ctx)
			return nil
		}, c.options()...), nil)
	}},
	{name: "main panics", want: cancelledSoon, ends: true, play: func(c *cell) {
		expectPanic(c.t, "as it should", func() {
			async.Run(func(ctx context.Context) error {
				c.begin(ctx)
				c.arm(ctx)
				return second(panicsHere(ctx))
			}, c.options()...)
		})
	}},
	{name: "its Runner is closed", want: cancelledAtOnce, ends: true, play: func(c *cell) {
		r := async.NewRunner(c.options()...)
		expectError(c.t, "Run", r.Run(func(ctx context.Context) error { c.begin(ctx); return nil }), nil)
		c.arm(must(r.Loop()).Context())
		r.Close()
	}},
	{name: "its loop is closed", play: func(c *cell) {
		l := async.NewLoop(c.options()...)
		begin := func(ctx context.Context) error { c.begin(ctx); return nil }
		check(second(async.RunUntilComplete(l, async.Do(begin))))
		c.arm(l.Context())
		if c.inPlace {
			if l.Close() == nil {
				c.t.Error("a loop was closed with a task in Block")
			}
			check(second(async.RunUntilComplete(l, async.Do(func(ctx context.Context) error { c.finish(ctx); return nil }))))
		}
		expectError(c.t, "closing the loop", l.Close(), nil)
		c.complete() // for functions on other goroutines
		expectEqual(c.t, "whether its wait has returned", c.returned, c.inPlace)
	}, want: func(s situation) []fate {
		switch {
		case s.fresh:
			return []fate{dropped}
		case s.inPlace:
			return []fate{valued}
		}
		return []fate{cancelled}
	}},
	{name: "its loop is stopped and runs again", want: unharmed, play: func(c *cell) {
		l := async.NewLoop(c.options()...)
		first := async.CreateTask(l.Context(), func(ctx context.Context) (async.Void, error) {
			c.begin(ctx)
			c.arm(ctx)
			l.Stop()
			return async.Void{}, giveWay(ctx)
		})
		check(l.RunForever())
		for range 5 {
			runOnce(c.t, l)
		}
		check(second(async.RunUntilComplete(l, async.Do(func(ctx context.Context) error {
			check(second(first.Await(ctx)))
			c.finish(ctx)
			return nil
		}))))
		expectError(c.t, "closing the loop", l.Close(), nil)
	}},
}

// threaded is a coroutine that calls fn on another goroutine.
func threaded(fn func()) async.Coroutine[async.Void] {
	return func(ctx context.Context) (async.Void, error) {
		return async.ToThread(ctx, func(context.Context) (async.Void, error) { fn(); return async.Void{}, nil })
	}
}

// inGroup has the subject be in a TaskGroup, together with a sibling that fails.
func (c *cell) inGroup(sibling func(ctx context.Context) error) {
	l := async.NewLoop(c.options()...)
	_, err := async.RunUntilComplete(l, async.Do(func(ctx context.Context) error {
		gate := async.NewFuture[int](ctx)
		var tg *async.TaskGroup
		owner := async.Go(ctx, func(ctx context.Context) error {
			return async.WithTaskGroup(ctx, func(ctx context.Context, g *async.TaskGroup) error {
				tg = g
				tg.Go(func(ctx context.Context) error {
					check(second(gate.Await(ctx)))
					return sibling(ctx)
				})
				return hanging(ctx)
			})
		})
		ticks(ctx, 3)
		c.create = func(context.Context) *async.Task[int] { return async.Spawn(tg, c.body) }
		c.begin(ctx)
		c.arm(ctx)
		check(gate.SetResult(1))
		ticks(ctx, 10)
		c.complete()
		expectError(c.t, "the group", second(owner.Await(ctx)), errSibling)
		c.finish(ctx)
		return nil
	}))
	expectError(c.t, "the run", err, nil)
	expectError(c.t, "closing the loop", l.Close(), nil)
}

// withGoexit is a main beside which a task is left by runtime.Goexit.
func (c *cell) withGoexit(ctx context.Context) error {
	gate := async.NewFuture[int](ctx)
	async.Go(ctx, func(ctx context.Context) error {
		check(second(gate.Await(ctx)))
		runtime.Goexit()
		return nil
	})
	ticks(ctx, 2)
	c.begin(ctx)
	c.arm(ctx)
	check(gate.SetResult(1))
	err := hanging(ctx)
	expectError(c.t, "the wait of main", err, async.ErrCancelled)
	return err
}

// fate says what has become of the subject.
func (c *cell) fate() fate {
	if !c.subject.IsDone() {
		return "not ended"
	}
	switch v, err := c.subject.Result(); {
	case c.subject.Cancelled() && errors.Is(err, async.ErrCancelled) && c.entered == 0:
		return dropped
	case c.subject.Cancelled() && errors.Is(err, context.Canceled):
		return cancelled
	case c.subject.Cancelled() || errors.Is(err, context.Canceled):
		return fate("ended as if cancelled, with " + err.Error())
	case errors.Is(err, async.ErrTimeout):
		return timedOut
	case err != nil:
		return fate("ended with " + err.Error())
	case v != 42:
		return "ended with another value"
	}
	return valued
}

// judge compares what has become of the subject with the rule of the event.
func (c *cell) judge(e event) {
	want := e.want(c.situation)
	if parallel && (c.fresh || c.ready) { // it goes on at the same time as the event comes
		want = []fate{valued, timedOut, cancelled, dropped}
	}
	got := c.fate()
	if !slices.Contains(want, got) {
		c.t.Errorf("the task %s, and should have %v; its wait has returned %v", got, want, c.seen)
	}
	if c.entered > 1 || c.left != c.entered {
		c.t.Errorf("the task has begun %d times, and its deferred calls have run %d times", c.entered, c.left)
	}
	if !c.returned {
		return
	}
	switch {
	case c.seen == nil:
		// A cancellation that it has not noticed is the only one that can turn a value into something else.
		if got != valued && !(got == cancelled && (c.thread || c.detached || e.lucky || parallel)) {
			c.t.Errorf("the wait has returned nil, and the task %s", got)
		}
	case errors.Is(c.seen, async.ErrTimeout) && !c.fresher:
		expectError(c.t, "a wait outside of the timeout", c.again, nil)
	default:
		expectError(c.t, "a further wait with a cancelled ctx", c.again, async.ErrCancelled)
	}
}

func TestTortureOfTheVirtualClock(t *testing.T) {
	t.Run("the time does not pass between the return of a function in Block and that of Block", func(t *testing.T) {
		guarded(t, func() {
			for range 3000 { // it takes some luck
				onVirtual(t, func(ctx context.Context) error {
					async.Go(ctx, untilCancelled)
					ticks(ctx, 1)
					check(second(async.Block(ctx, func(context.Context) (int, error) { return 0, nil })))
					expectEqual(t, "the time after Block", now(ctx), 0)
					return nil
				})
			}
		})
	})
}

func TestTorture(t *testing.T) {
	modes := map[string][]async.Option{
		"a loop":                {},
		"a loop in debug mode":  {async.Debug()},
		"a loop of eager tasks": {async.EagerTasks()},
	}
	for mode, opts := range modes {
		if testing.Short() && len(opts) > 0 {
			continue
		}
		eager := strings.Contains(mode, "eager")
		t.Run("in "+mode+" a task", func(t *testing.T) {
			for _, s := range situations {
				if s.fresh && eager {
					continue // it starts when it is created
				}
				t.Run(s.name+" when", func(t *testing.T) {
					for _, e := range events {
						if s.detached && e.ends {
							continue
						}
						t.Run(e.name, func(t *testing.T) {
							c := &cell{
								t: t, situation: s, around: e.around, opts: opts,
								over: make(chan struct{}), outside: make(chan struct{}),
							}
							c.create = func(ctx context.Context) *async.Task[int] { return async.CreateTask(ctx, c.body) }
							guarded(t, func() { e.play(c) })
							if !t.Failed() {
								c.judge(e)
							}
						})
					}
				})
			}
		})
	}
}
