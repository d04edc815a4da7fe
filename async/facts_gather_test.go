package async_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/gather"
	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// The facts about asyncio that CPython's own tests assert have numbers like G4. A test whose name begins with such a number shows that
// the fact holds here; docs/asyncio.md lists all of them, also those that have no test, and why.

// onLoop returns a test that runs body as the main task of a loop on the virtual clock. Whatever the loop reports fails
// the test, so that every body also shows that nothing is reported; one that wants a report sets a handler of its own.
func onLoop(body func(ctx context.Context, t *testing.T), opts ...async.Option) func(*testing.T) {
	return func(t *testing.T) {
		reported := func(_ *async.Loop, c async.ExceptionContext) {
			t.Errorf("the loop has reported %q: %v", c.Message, c.Err)
		}
		opts := append([]async.Option{async.Clock(loop.NewVirtual()), async.ExceptionHandler(reported)}, opts...)
		guarded(t, func() {
			err := async.Run(func(ctx context.Context) error {
				body(ctx, t)
				return nil
			}, opts...)
			if err != nil {
				t.Errorf("Run has returned %v", err)
			}
		})
	}
}

// guarded runs a test, which fails if it does not end or leaves a goroutine behind.
var guarded = witness.Limited

// A chronicle is what has happened, in order.
type chronicle struct {
	mu    sync.Mutex
	lines []string
}

func (c *chronicle) add(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}

// expect fails the test if something else has happened, or in another order.
func (c *chronicle) expect(t *testing.T, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.lines, want) {
		t.Errorf("this has happened:\n\t%s\nand not:\n\t%s", strings.Join(c.lines, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// expectEqual fails the test if got is not want.
func expectEqual[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

// expectSlice fails the test if got is not want.
func expectSlice[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s is %v, not %v", what, got, want)
	}
}

// expectError fails the test if err is not want, in the sense of errors.Is.
func expectError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s has the error %v, not %v", what, err, want)
	}
}

// expectPanic fails the test if fn does not panic with want, or a text that contains it.
func expectPanic(t *testing.T, want string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
			t.Errorf("the panic is %q, not %q", got, want)
		}
	}()
	fn()
}

// cancelMessage returns the message of a cancellation.
func cancelMessage(err error) string {
	var c *async.CancelledError
	if !errors.As(err, &c) {
		return fmt.Sprintf("no CancelledError, but %v", err)
	}
	return c.Msg
}

// tickNumber returns how many ticks the loop has made.
func tickNumber(ctx context.Context) uint64 { return async.Stats(running(ctx)).Ticks }

// now returns the time of the loop's clock.
func now(ctx context.Context) time.Duration { return running(ctx).Time() }

// failing returns a coroutine that fails after some ticks.
func failing(err error, n int) async.Coroutine[int] {
	return func(ctx context.Context) (int, error) {
		ticks(ctx, n)
		return 0, err
	}
}

// forever is a coroutine that only a cancellation ends.
func forever(ctx context.Context) (int, error) { return async.NewFuture[int](ctx).Await(ctx) }

func TestFactsGather(t *testing.T) {
	errBad := errors.New("bad")

	t.Run("G1 the results come in the order of the arguments when the last child is done", onLoop(func(ctx context.Context, t *testing.T) {
		a, b, c := async.NewFuture[int](ctx), async.NewFuture[int](ctx), async.NewFuture[int](ctx)
		g := async.GatherFuture(ctx, a, b, c)
		called := 0
		g.AddDoneCallback(func(*async.Future[[]int]) { called++ })
		check(b.SetResult(1))
		check(a.SetResult(2))
		ticks(ctx, 3)
		expectEqual(t, "done before c", g.IsDone(), false)
		check(c.SetResult(3))
		expectEqual(t, "done in the tick of c", g.IsDone(), false)
		expectSlice(t, "the result", must(g.Await(ctx)), []int{2, 1, 3})
		ticks(ctx, 2)
		expectEqual(t, "the number of calls of the callback", called, 1)
	}))

	t.Run("G2 a gather of nothing is done at once with no results", onLoop(func(ctx context.Context, t *testing.T) {
		g := async.GatherFuture[int](ctx)
		expectEqual(t, "done", g.IsDone(), true)
		v, err := g.Result()
		expectError(t, "the gather", err, nil)
		if v == nil || len(v) != 0 {
			t.Errorf("the result is %#v, not an empty slice", v)
		}
	}))

	t.Run("G3 a task that is given several times runs once and is in the results several times", onLoop(func(ctx context.Context, t *testing.T) {
		var runs atomic.Int64
		co := func(v string) async.Coroutine[string] {
			return func(ctx context.Context) (string, error) {
				runs.Add(1)
				return v, giveWay(ctx)
			}
		}
		c, d := async.CreateTask(ctx, co("abc")), async.CreateTask(ctx, co("def"))
		expectSlice(t, "the result", must(async.Gather(ctx, c, c, d, c)), []string{"abc", "abc", "def", "abc"})
		expectEqual(t, "the number of runs", runs.Load(), 2)
	}))

	t.Run("G4 the first error ends the gather and the siblings go on", onLoop(func(ctx context.Context, t *testing.T) {
		var fs []*async.Future[int]
		for range 5 {
			fs = append(fs, async.NewFuture[int](ctx))
		}
		g := async.GatherFuture(ctx, fs[0], fs[1], fs[2], fs[3], fs[4])
		check(fs[0].SetResult(1))
		check(fs[1].SetError(errBad))
		ticks(ctx, 1)
		expectEqual(t, "done", g.IsDone(), true)
		expectEqual(t, "the error, the very object,", g.Err(), errBad)
		ticks(ctx, 3)
		for i, f := range fs[2:] {
			expectEqual(t, fmt.Sprintf("done of the sibling %d", i+2), f.IsDone(), false)
			check(f.SetResult(i)) // so it was not cancelled
		}
	}))

	t.Run("G5 errors after the first one are swallowed and not reported", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		child := func(name string, n int, err error) async.Coroutine[int] {
			return func(ctx context.Context) (int, error) {
				ticks(ctx, n)
				if err != nil {
					c.add("%s raises", name)
				} else {
					c.add("%s ends", name)
				}
				return 0, err
			}
		}
		d := async.CreateTask(ctx, child("d", 6, nil))
		_, err := async.Gather(ctx, async.Awaitable[int](child("a", 0, nil)), child("b", 1, errBad), child("c", 2, errors.New("too late")), d)
		c.add("main caught %v", err)
		must(d.Await(ctx))
		c.expect(t, "a ends", "b raises", "c raises", "main caught bad", "d ends")
	}))

	t.Run("G6 a gather that has failed cannot be cancelled and leaves the children alone", onLoop(func(ctx context.Context, t *testing.T) {
		slow := async.CreateTask(ctx, async.After(time.Second, 1))
		g := async.GatherFuture(ctx, async.Awaitable[int](slow), failing(errBad, 0))
		_, err := g.Await(ctx)
		expectEqual(t, "the error", err, errBad)
		expectEqual(t, "Cancel", g.Cancel(), false)
		expectEqual(t, "the number of requests", slow.Cancelling(), 0)
		expectEqual(t, "the result of the child", must(slow.Await(ctx)), 1)
	}))

	t.Run("G7 settled gathers succeed with the values and errors at their places", onLoop(func(ctx context.Context, t *testing.T) {
		hung := async.CreateTask(ctx, forever)
		g := gather.SettledFuture(ctx, async.Awaitable[int](async.After(0, 1)), failing(errBad, 2), hung, async.After(time.Second, 4))
		ticks(ctx, 1)
		hung.Cancel("only this one")
		rs := must(g.Await(ctx))
		expectEqual(t, "the number of results", len(rs), 4)
		expectEqual(t, "the first", rs[0], async.Result[int]{Value: 1})
		expectEqual(t, "the second", rs[1], async.Result[int]{Err: errBad})
		expectError(t, "the third", rs[2].Err, async.ErrCancelled)
		expectEqual(t, "the fourth", rs[3], async.Result[int]{Value: 4})
		expectError(t, "the gather", g.Err(), nil)
	}))

	t.Run("G8 a child that somebody else cancels fails the gather and cancels nobody", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := async.CreateTask(ctx, forever), async.CreateTask(ctx, async.After(time.Second, 2))
		g := async.GatherFuture(ctx, a, b)
		ticks(ctx, 1)
		a.Cancel()
		_, err := g.Await(ctx)
		expectError(t, "the wait", err, async.ErrCancelled)
		expectEqual(t, "cancelled of the gather", g.Cancelled(), false)
		expectError(t, "the gather", g.Err(), async.ErrCancelled)
		expectEqual(t, "the number of requests of the waiting task", cancelling(ctx), 0)
		expectError(t, "a wait that follows", giveWay(ctx), nil)
		expectEqual(t, "the result of the other child", must(b.Await(ctx)), 2)
	}))

	t.Run("G9 cancelling the waiting task cancels the children and what they wait for, at once", onLoop(func(ctx context.Context, t *testing.T) {
		f1, f2 := async.NewFuture[int](ctx), async.NewFuture[int](ctx)
		c1, c2 := async.CreateTask(ctx, f1.Await), async.CreateTask(ctx, f2.Await)
		proof := 0
		var g *async.Future[[]int]
		outer := async.Go(ctx, func(ctx context.Context) error {
			g = async.GatherFuture(ctx, c1, c2)
			if _, err := g.Await(ctx); err != nil {
				return err
			}
			proof++
			return nil
		})
		ticks(ctx, 2)
		expectEqual(t, "Cancel", outer.Cancel(), true)
		expectEqual(t, "cancelled of the first future", f1.Cancelled(), true)
		expectEqual(t, "cancelled of the second future", f2.Cancelled(), true)
		waitFor(ctx, outer)
		ticks(ctx, 1)
		expectEqual(t, "cancelled of the first child", c1.Cancelled(), true)
		expectEqual(t, "cancelled of the second child", c2.Cancelled(), true)
		expectEqual(t, "cancelled of the outer task", outer.Cancelled(), true)
		expectEqual(t, "Cancel of the gather", g.Cancel(), false)
		expectEqual(t, "what ran after the wait", proof, 0)
	}))

	t.Run("G10 the cancellation of who waits for a settled gather is returned with its message and is no result", onLoop(func(ctx context.Context, t *testing.T) {
		returned := 0
		outer := async.Go(ctx, func(ctx context.Context) error {
			for {
				if _, err := async.GatherSettled(ctx, async.After(time.Second, 1)); err != nil {
					return err
				}
				returned++
			}
		})
		check(async.Sleep(ctx, 2500*time.Millisecond))
		outer.Cancel("m")
		_, err := outer.Await(ctx)
		expectEqual(t, "the message", cancelMessage(err), "m")
		expectEqual(t, "cancelled", outer.Cancelled(), true)
		expectEqual(t, "the number of gathers", returned, 2)
	}))

	for _, settled := range []bool{false, true} {
		name := "a cancelled gather ends with the first child that has ended"
		want := []string{"c1 ends", "c2 swallows", "outer cancelled: msg", "c2 ends"}
		if settled {
			name = "a cancelled settled gather waits for all children and has no message"
			want = []string{"c1 ends", "c2 swallows", "c2 ends", "outer cancelled: "}
		}
		t.Run("G11 "+name, onLoop(func(ctx context.Context, t *testing.T) {
			var c chronicle
			c1 := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				defer c.add("c1 ends")
				return forever(ctx)
			})
			c2 := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				if _, err := forever(ctx); errors.Is(err, async.ErrCancelled) {
					c.add("c2 swallows")
				}
				ticks(async.Uncancel(ctx), 8)
				c.add("c2 ends")
				return 2, nil
			})
			outer := async.Go(ctx, func(ctx context.Context) (err error) {
				if settled {
					_, err = async.GatherSettled(ctx, c1, c2)
				} else {
					_, err = async.Gather(ctx, c1, c2)
				}
				c.add("outer cancelled: %s", cancelMessage(err))
				return err
			})
			ticks(ctx, 2)
			outer.Cancel("msg")
			waitFor(ctx, outer)
			expectEqual(t, "cancelled", outer.Cancelled(), true)
			expectEqual(t, "the result of c2", must(c2.Await(ctx)), 2)
			c.expect(t, want...)
		}))
	}

	t.Run("G12 a gather whose children are done cannot be cancelled any more", onLoop(func(ctx context.Context, t *testing.T) {
		f := async.NewFuture[int](ctx)
		g := async.GatherFuture(ctx, f)
		atOnce(ctx, func() {
			check(f.SetResult(42))
			expectEqual(t, "done", g.IsDone(), false)
			expectEqual(t, "Cancel", g.Cancel(), false)
		})
		expectSlice(t, "the result", must(g.Await(ctx)), []int{42})
	}))

	t.Run("G13 futures of two loops are gathered all the same", onLoop(func(ctx context.Context, t *testing.T) {
		other := async.NewLoop()
		defer other.Close()
		mine, theirs := async.NewFuture[int](ctx), async.NewFuture[int](other.Context())
		g := async.GatherFuture(ctx, theirs, mine)
		check(theirs.SetResult(1))
		check(mine.SetResult(2))
		expectSlice(t, "the result", must(g.Await(ctx)), []int{1, 2})
	}))

	t.Run("G14 a nil among the arguments panics and the coroutines before it still run", onLoop(func(ctx context.Context, t *testing.T) {
		var ran atomic.Bool
		co := async.Coroutine[int](func(context.Context) (int, error) {
			ran.Store(true)
			return 0, nil
		})
		atOnce(ctx, func() {
			expectPanic(t, "gather: argument 1 is nil", func() { async.GatherFuture(ctx, co, nil) })
			expectEqual(t, "whether the coroutine ran already", ran.Load(), false)
		})
		for _, none := range []async.Awaitable[int]{(*async.Future[int])(nil), (*async.Task[int])(nil), async.Coroutine[int](nil)} {
			expectPanic(t, "gather: argument 0 is a nil", func() { async.GatherFuture(ctx, none) })
		}
		ticks(ctx, 2)
		expectEqual(t, "whether the coroutine ran", ran.Load(), true)
	}))

	t.Run("G15 cancelling a gather of shields cancels the shields and not what is behind them", onLoop(func(ctx context.Context, t *testing.T) {
		c1, c2 := async.NewFuture[int](ctx), async.NewFuture[int](ctx)
		s1, s2 := async.ShieldFuture(ctx, c1), async.ShieldFuture(ctx, c2)
		g := async.GatherFuture(ctx, s1, s2)
		ticks(ctx, 1)
		expectEqual(t, "Cancel", g.Cancel(), true)
		ticks(ctx, 1)
		expectEqual(t, "cancelled of the first shield", s1.Cancelled(), true)
		expectEqual(t, "cancelled of the second shield", s2.Cancelled(), true)
		expectEqual(t, "cancelled of the gather", g.Cancelled(), false)
		expectError(t, "the gather", g.Err(), async.ErrCancelled)
		check(c1.SetResult(1)) // so they were not cancelled
		check(c2.SetResult(2))
	}))

	t.Run("G16 a gather of what is done is done at once", onLoop(func(ctx context.Context, t *testing.T) {
		f := async.NewFuture[int](ctx)
		check(f.SetResult(1))
		task := async.CreateTask(ctx, async.After(0, 2))
		must(task.Await(ctx))
		before := tickNumber(ctx)
		g := async.GatherFuture(ctx, async.Awaitable[int](f), task)
		expectEqual(t, "done", g.IsDone(), true)
		expectSlice(t, "the result", must(g.Await(ctx)), []int{1, 2})
		expectEqual(t, "the number of ticks", tickNumber(ctx)-before, 0)
	}))
}
