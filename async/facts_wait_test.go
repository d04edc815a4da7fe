package async_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/gather"
)

// sleeping makes a task that sleeps and returns its number.
func sleeping(ctx context.Context, d time.Duration, n int) *async.Task[int] {
	return async.CreateTask(ctx, async.After(d, n))
}

func TestFactsWait(t *testing.T) {
	const ms = time.Millisecond
	type tasks = []*async.Task[int]
	errBad := errors.New("bad")

	t.Run("H1 the wait ends with the last task, and one for tasks that are done takes no time but gives way", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := sleeping(ctx, 100*ms, 1), sleeping(ctx, 150*ms, 2)
		start := now(ctx)
		done, pending, err := async.Wait(ctx, tasks{a, b})
		expectError(t, "the wait", err, nil)
		expectSlice(t, "done", done, tasks{a, b})
		expectSlice(t, "pending", pending, nil)
		expectEqual(t, "the time", now(ctx)-start, 150*ms)
		before := tickNumber(ctx)
		done, pending, err = async.Wait(ctx, tasks{b, a})
		expectError(t, "the second wait", err, nil)
		expectSlice(t, "done again", done, tasks{b, a})
		expectSlice(t, "pending again", pending, nil)
		expectEqual(t, "the time", now(ctx)-start, 150*ms)
		// One for what each task would do when it ends, one for the waiting task, as CPython measures.
		expectEqual(t, "the number of ticks", tickNumber(ctx)-before, 2)
	}))

	t.Run("H2 a wait for the first leaves the others running", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := sleeping(ctx, 10*time.Second, 1), sleeping(ctx, 100*ms, 2)
		start := now(ctx)
		done, pending, err := async.Wait(ctx, tasks{a, b}, async.FirstCompleted)
		expectError(t, "the wait", err, nil)
		expectSlice(t, "done", done, tasks{b})
		expectSlice(t, "pending", pending, tasks{a})
		expectEqual(t, "the time", now(ctx)-start, 100*ms)
		expectEqual(t, "the number of requests to cancel the other", a.Cancelling(), 0)
		expectEqual(t, "the result of the other", must(a.Await(ctx)), 1)
		expectEqual(t, "the time of the other", now(ctx)-start, 10*time.Second)
	}))

	t.Run("H3 a wait for the first returns all that is done when the waiting task goes on", onLoop(func(ctx context.Context, t *testing.T) {
		child := func(n int) *async.Task[int] { return async.CreateTask(ctx, failing(nil, n)) }
		one, two := child(1), child(2)
		done, pending, err := async.Wait(ctx, tasks{one, two}, async.FirstCompleted)
		expectError(t, "the wait", err, nil)
		expectSlice(t, "done, of ends a tick apart,", done, tasks{one, two})
		expectSlice(t, "pending", pending, nil)
		one, four := child(1), child(4)
		done, pending, err = async.Wait(ctx, tasks{one, four}, async.FirstCompleted)
		expectError(t, "the wait", err, nil)
		expectSlice(t, "done, of ends three ticks apart,", done, tasks{one})
		expectSlice(t, "pending", pending, tasks{four})
		must(four.Await(ctx))
	}))

	t.Run("H4 a wait for the first error ends with it and returns earlier successes too", onLoop(func(ctx context.Context, t *testing.T) {
		for _, after := range []time.Duration{0, 10 * ms} {
			start := now(ctx)
			a, ok := sleeping(ctx, time.Second, 1), sleeping(ctx, 0, 2)
			b := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				check(async.Sleep(ctx, after))
				return 0, errBad
			})
			done, pending, err := async.Wait(ctx, tasks{a, ok, b}, async.FirstException)
			expectError(t, "the wait", err, nil)
			expectSlice(t, "done", done, tasks{ok, b})
			expectSlice(t, "pending", pending, tasks{a})
			expectEqual(t, "the time", now(ctx)-start, after)
			expectEqual(t, "the error", b.Err(), errBad)
			must(a.Await(ctx))
		}
	}))

	t.Run("H5 a cancelled task does not end a wait for the first error", onLoop(func(ctx context.Context, t *testing.T) {
		hung, runs := async.CreateTask(ctx, forever), sleeping(ctx, time.Second, 1)
		running(ctx).CallLater(100*ms, func() { hung.Cancel() })
		start := now(ctx)
		done, pending, err := async.Wait(ctx, tasks{hung, runs}, async.FirstException)
		expectError(t, "the wait", err, nil)
		expectSlice(t, "done", done, tasks{hung, runs})
		expectSlice(t, "pending", pending, nil)
		expectEqual(t, "cancelled", hung.Cancelled(), true)
		expectEqual(t, "the time", now(ctx)-start, time.Second)
	}))

	t.Run("H6 an error of a task is no error of the wait", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := async.CreateTask(ctx, failing(errBad, 1)), sleeping(ctx, 10*ms, 2)
		done, _, err := async.Wait(ctx, tasks{a, b})
		expectError(t, "the wait", err, nil)
		expectSlice(t, "done", done, tasks{a, b})
		expectEqual(t, "the error of the task", a.Err(), errBad)
	}))

	for _, c := range []struct {
		name    string
		within  time.Duration
		aIsDone bool
	}{
		{"a timeout of the wait is no error and cancels nothing", 110 * ms, true},
		{"a task that ends at the deadline is in time", 100 * ms, true},
		{"a timeout of zero looks at what is done", 0, false},
		{"a negative timeout looks at what is done", -time.Second, false},
	} {
		t.Run("H7 "+c.name, onLoop(func(ctx context.Context, t *testing.T) {
			a, b, ready := sleeping(ctx, 100*ms, 1), sleeping(ctx, 150*ms, 2), sleeping(ctx, 0, 3)
			must(ready.Await(ctx))
			start := now(ctx)
			done, pending, err := async.Wait(ctx, tasks{ready, a, b}, async.Within(c.within))
			expectError(t, "the wait", err, nil)
			if c.aIsDone {
				expectSlice(t, "done", done, tasks{ready, a})
				expectSlice(t, "pending", pending, tasks{b})
			} else {
				expectSlice(t, "done", done, tasks{ready})
				expectSlice(t, "pending", pending, tasks{a, b})
			}
			expectEqual(t, "the time", now(ctx)-start, max(c.within, 0))
			expectEqual(t, "the number of requests to cancel b", b.Cancelling(), 0)
			expectEqual(t, "the result of b", must(b.Await(ctx)), 2)
		}))
	}

	t.Run("H8 cancelling who waits leaves alone what is waited for", onLoop(func(ctx context.Context, t *testing.T) {
		proof := 0
		inner := async.Go(ctx, func(ctx context.Context) error {
			if err := async.Sleep(ctx, time.Second); err != nil {
				return err
			}
			proof++
			return nil
		})
		outer := async.Go(ctx, func(ctx context.Context) error {
			_, _, err := async.Wait(ctx, []*async.Task[async.Void]{inner})
			proof += 100
			return err
		})
		ticks(ctx, 2)
		expectEqual(t, "Cancel", outer.Cancel("m"), true)
		_, err := outer.Await(ctx)
		expectEqual(t, "the message", cancelMessage(err), "m")
		expectEqual(t, "done of what was waited for", inner.IsDone(), false)
		expectEqual(t, "the number of requests to cancel it", inner.Cancelling(), 0)
		must(inner.Await(ctx))
		expectEqual(t, "what ran", proof, 101)
	}))

	t.Run("H9 a wait for nothing is an error and a nil among the tasks a panic", onLoop(func(ctx context.Context, t *testing.T) {
		_, _, err := async.Wait(ctx, tasks{})
		expectError(t, "the wait for nothing", err, gather.ErrNothing)
		a := sleeping(ctx, 0, 1)
		expectPanic(t, "gather: future 1 of those to wait for is nil", func() {
			_, _, err := async.Wait(ctx, tasks{a, nil})
			check(err)
		})
		must(a.Await(ctx))
	}))

	t.Run("H10 a task that is given several times counts once", onLoop(func(ctx context.Context, t *testing.T) {
		c, d := sleeping(ctx, 10*ms, 1), sleeping(ctx, 20*ms, 2)
		done, pending, err := async.Wait(ctx, tasks{c, c, d})
		expectError(t, "the wait", err, nil)
		expectSlice(t, "done", done, tasks{c, d})
		expectSlice(t, "pending", pending, nil)
	}))
}

func TestFactsAsCompleted(t *testing.T) {
	const ms = time.Millisecond
	type tasks = []*async.Task[int]
	errBad := errors.New("bad")

	t.Run("I1 the results come in the order of the ends", onLoop(func(ctx context.Context, t *testing.T) {
		var got []string
		for v, err := range async.AsCompleted(ctx, async.After(30*ms, "slow"), async.After(10*ms, "fast"), async.After(20*ms, "mid")) {
			check(err)
			got = append(got, v)
		}
		expectSlice(t, "the order", got, []string{"fast", "mid", "slow"})
	}))

	t.Run("I2 completed tasks are the very ones that were given", onLoop(func(ctx context.Context, t *testing.T) {
		slow, fast := sleeping(ctx, 20*ms, 1), sleeping(ctx, 10*ms, 2)
		var got tasks
		for task := range async.Completed(ctx, tasks{slow, fast}) {
			expectEqual(t, "done", task.IsDone(), true)
			got = append(got, task)
		}
		expectSlice(t, "the order", got, tasks{fast, slow})
	}))

	t.Run("I4 an error is that of one step and the next gives the next result", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		for v, err := range async.AsCompleted(ctx, async.After(time.Second, 2), failing(errBad, 1)) {
			c.add("%d %v", v, err)
		}
		c.expect(t, "0 bad", "2 <nil>")
	}))

	t.Run("I5 a timeout is an error of every step that is left and cancels no child", onLoop(func(ctx context.Context, t *testing.T) {
		ts := tasks{sleeping(ctx, 10*ms, 1), sleeping(ctx, time.Second, 2), sleeping(ctx, 2*time.Second, 3)}
		limited, cancel := async.WithTimeout(ctx, 100*ms)
		defer cancel()
		var c chronicle
		steps := async.AsCompletedOf(limited, ts)
		// A range ends with the error. Another one is how to go on in spite of it.
		for range 3 {
			for v, err := range steps {
				if errors.Is(err, async.ErrTimeout) {
					c.add("timed out")
				} else {
					c.add("%d %v", v, err)
				}
			}
		}
		c.expect(t, "1 <nil>", "timed out", "timed out", "timed out")
		expectEqual(t, "the number of requests to cancel the second", ts[1].Cancelling(), 0)
		expectEqual(t, "the result of the second", must(ts[1].Await(ctx)), 2)
		expectEqual(t, "the result of the third", must(ts[2].Await(ctx)), 3)
	}))

	t.Run("I6 a timeout that was not needed leaves no timer", onLoop(func(ctx context.Context, t *testing.T) {
		ticksOfSleep := func() uint64 {
			before := tickNumber(ctx)
			check(async.Sleep(ctx, time.Minute))
			return tickNumber(ctx) - before
		}
		usual := ticksOfSleep()
		limited, cancel := async.WithTimeout(ctx, time.Second)
		for v, err := range async.AsCompleted(limited, async.After(10*ms, 1)) {
			expectError(t, "the step", err, nil)
			expectEqual(t, "the result", v, 1)
		}
		cancel()
		// A timer in force would have the loop make a tick of its own on the way.
		expectEqual(t, "the number of ticks of a long sleep", ticksOfSleep(), usual)
	}))

	t.Run("I7 a task that is given several times gives one result", onLoop(func(ctx context.Context, t *testing.T) {
		c, d := sleeping(ctx, 10*ms, 1), sleeping(ctx, 20*ms, 2)
		var got []int
		for v, err := range async.AsCompleted(ctx, c, c, d) {
			check(err)
			got = append(got, v)
		}
		expectSlice(t, "the results", got, []int{1, 2})
	}))

	// first returns a coroutine that takes one result.
	errNone := errors.New("there was no result")
	first := func(steps func(func(int, error) bool)) async.Coroutine[int] {
		return func(context.Context) (int, error) {
			for v, err := range steps {
				return v, err
			}
			return 0, errNone
		}
	}

	t.Run("I8 two tasks that take from one sequence get one result each", onLoop(func(ctx context.Context, t *testing.T) {
		steps := async.AsCompleted(ctx, async.After(20*ms, 2), async.After(10*ms, 1))
		a, b := async.CreateTask(ctx, first(steps)), async.CreateTask(ctx, first(steps))
		expectSlice(t, "the results", must(async.Gather(ctx, a, b)), []int{1, 2})
	}))

	t.Run("I8 tasks for which no result is left do not wait for ever", onLoop(func(ctx context.Context, t *testing.T) {
		steps := async.AsCompleted(ctx, async.After(10*ms, 1))
		var takers []*async.Task[int]
		for range 4 {
			takers = append(takers, async.CreateTask(ctx, first(steps)))
		}
		var c chronicle
		for _, r := range must(async.GatherSettledOf[int](ctx, takers)) {
			c.add("%d %v", r.Value, r.Err)
		}
		none := "0 " + errNone.Error()
		c.expect(t, "1 <nil>", none, none, none)
	}))

	t.Run("I8 a task that is cancelled while it takes does not disturb another that takes", onLoop(func(ctx context.Context, t *testing.T) {
		steps := async.AsCompleted(ctx, async.After(10*ms, 1))
		a, b := async.CreateTask(ctx, first(steps)), async.CreateTask(ctx, first(steps))
		ticks(ctx, 1)
		a.Cancel()
		_, err := a.Await(ctx)
		expectError(t, "the cancelled task", err, async.ErrCancelled)
		v, err := b.Await(ctx)
		expectError(t, "the other task", err, nil)
		expectEqual(t, "the result of the other task", v, 1)
	}))

	t.Run("I9 breaking out of the loop leaves the others running", onLoop(func(ctx context.Context, t *testing.T) {
		ts := tasks{sleeping(ctx, 10*ms, 1), sleeping(ctx, 20*ms, 2)}
		for v, err := range async.AsCompletedOf(ctx, ts) {
			check(err)
			expectEqual(t, "the first result", v, 1)
			break
		}
		expectEqual(t, "the number of requests to cancel the other", ts[1].Cancelling(), 0)
		expectEqual(t, "the result of the other", must(ts[1].Await(ctx)), 2)
	}))

	t.Run("I11 a sequence that was broken off goes on with the rest", onLoop(func(ctx context.Context, t *testing.T) {
		steps := async.AsCompleted(ctx, async.After(30*ms, 3), async.After(10*ms, 1), async.After(20*ms, 2))
		var got []int
		for range 5 { // two more than there are results
			for v, err := range steps {
				check(err)
				got = append(got, v)
				break
			}
		}
		expectSlice(t, "the results", got, []int{1, 2, 3})
		ts := tasks{sleeping(ctx, 20*ms, 2), sleeping(ctx, 10*ms, 1)}
		completed := async.Completed(ctx, ts)
		for range completed {
			break
		}
		for task := range completed {
			expectEqual(t, "the task of the second range", task, ts[0])
		}
	}))
}
