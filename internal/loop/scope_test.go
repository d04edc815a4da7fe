package loop_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// causeNamed returns a cause with an error of its own.
func causeNamed(name string) *loop.Cause {
	err := errors.New(name)
	return &loop.Cause{Err: context.Canceled, Cause: err, Wait: err}
}

var closedCause = causeNamed("closed")

// ends reports whether ctx is done, by all that it says, and waits a little for contexts that the standard library tells of it on
// another goroutine.
func ends(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return ctx.Err() != nil
	case <-time.After(5 * time.Second):
		return false
	}
}

// lives checks that ctx is not cancelled.
func lives(t *testing.T, name string, ctx context.Context) {
	t.Helper()
	if ctx.Err() != nil || isClosed(ctx.Done()) || context.Cause(ctx) != nil || loop.CauseOf(ctx) != nil {
		t.Errorf("%s is cancelled: %v", name, ctx.Err())
	}
}

// ended checks that ctx is cancelled with cause.
func ended(t *testing.T, name string, ctx context.Context, cause *loop.Cause) {
	t.Helper()
	if !errors.Is(ctx.Err(), cause.Err) || context.Cause(ctx) != cause.Cause || !isClosed(ctx.Done()) || loop.CauseOf(ctx).Wait != cause.Wait {
		t.Errorf("%s has ended with %v because of %v, and not with %v because of %v",
			name, ctx.Err(), context.Cause(ctx), cause.Err, cause.Cause)
	}
}

func TestScopes(t *testing.T) {
	// Every test runs in a task, whose scope is the root.
	in := func(t *testing.T, fn func(ctx context.Context, self *loop.Task)) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) { fn(ctx, loop.Here()) })
	}
	// cancellable runs fn in a task that nobody minds if it is cancelled.
	cancellable := func(t *testing.T, fn func(ctx context.Context, self *loop.Task)) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			j := start(ctx, l, func(ctx context.Context) { fn(ctx, loop.Here()) })
			for j.end.State() == loop.Pending { // A wait would pass on the test's own end.
				ticks(ctx, 1)
			}
		})
	}
	t.Run("cancelling reaches all below and nothing beside or above, with or without a Done channel", func(t *testing.T) {
		for _, asked := range []bool{false, true} {
			in(t, func(ctx context.Context, self *loop.Task) {
				a := loop.NewChild(ctx, self)
				aa, ab := loop.NewChild(a, self), loop.NewChild(a, self)
				aaa := loop.NewChild(aa, self)
				b := loop.NewChild(ctx, self)
				if asked {
					for _, c := range []*loop.Child{a, aa, ab, aaa, b} {
						c.Done()
					}
				}
				one, two := causeNamed("one"), causeNamed("two")
				aa.Cancel(one)
				ended(t, "aa", aa, one)
				ended(t, "aaa", aaa, one)
				lives(t, "a", a)
				lives(t, "ab", ab)
				lives(t, "b", b)
				a.Cancel(two)
				ended(t, "a", a, two)
				ended(t, "aa", aa, one)
				ended(t, "ab", ab, two)
				lives(t, "b", b)
				lives(t, "the task", ctx)
				late := loop.NewChild(aaa, self)
				ended(t, "what was opened below a cancelled scope", late, one)
				for _, c := range []*loop.Child{late, aaa, aa, ab, a, b} {
					c.Close(closedCause)
				}
				ended(t, "b", b, closedCause)
				ended(t, "a", a, two)
			})
		}
	})
	t.Run("a scope that was closed is out of the tree, and cannot be cancelled otherwise any more", func(t *testing.T) {
		cancellable(t, func(ctx context.Context, self *loop.Task) {
			all := make([]*loop.Child, 6)
			for i := range all {
				all[i] = loop.NewChild(ctx, self)
			}
			for _, i := range []int{3, 2, 0, 5} { // in the middle, beside one that has gone, and at both ends
				all[i].Close(closedCause)
				all[i].Close(theCause)
				all[i].Cancel(theCause)
				ended(t, fmt.Sprint(i), all[i], closedCause)
			}
			self.Cancel(theCause)
			ended(t, "1", all[1], theCause)
			ended(t, "4", all[4], theCause)
			ended(t, "5", all[5], closedCause)
			all[1].Close(closedCause)
			all[4].Close(closedCause)
		})
	})
	t.Run("a cancellation ends the wait of its own scope, and not that of an outer one", func(t *testing.T) {
		in(t, func(ctx context.Context, self *loop.Task) {
			c := loop.NewChild(ctx, self)
			defer c.Close(closedCause)
			loop.NewHandle(self.Loop(), func() { c.Cancel(theCause) }).At(time.Second)
			if err := loop.Sleep(ctx, 2*time.Second); err != nil || self.Loop().Now() != 2*time.Second {
				t.Errorf("the wait of the task ends with %v at %v", err, self.Loop().Now())
			}
			if err := loop.Sleep(c, time.Second); !errors.Is(err, errBecause) || self.Loop().Now() != 2*time.Second {
				t.Errorf("the wait of the scope ends with %v at %v", err, self.Loop().Now())
			}
			if err := loop.Sleep(c, 0); !errors.Is(err, errBecause) {
				t.Errorf("Sleep for no time returns %v", err)
			}
			d := loop.NewChild(ctx, self)
			defer d.Close(closedCause)
			self.Loop().External(1)
			go func() {
				d.Cancel(theCause)
				self.Loop().External(-1)
			}()
			if err := (loop.Sleep(d, time.Hour)); !errors.Is(err, errBecause) {
				t.Errorf("a wait that is ended from outside returns %v", err)
			}
		})
	})
	t.Run("Outer tells whether it was what surrounds the scope that was cancelled", func(t *testing.T) {
		in(t, func(ctx context.Context, self *loop.Task) {
			a := loop.NewChild(ctx, self)
			b := loop.NewChild(a, self)
			b.Cancel(theCause)
			if b.Outer() != nil || a.Outer() != nil {
				t.Error("it was not")
			}
			two := causeNamed("two")
			a.Cancel(two)
			if b.Outer() != two || a.Outer() != nil {
				t.Error("it was")
			}
			other, cancel := context.WithCancelCause(context.Background())
			c := loop.NewChild(other, self)
			if c.Outer() != nil {
				t.Error("the context of somebody else was not cancelled")
			}
			cancel(errBecause)
			if o := c.Outer(); o == nil || o.Cause != errBecause || !ends(c) {
				t.Error("the context of somebody else was cancelled")
			}
			detached := loop.NewChild(context.WithoutCancel(a), self)
			if detached.Outer() != nil {
				t.Error("nothing surrounds a detached scope")
			}
			lives(t, "a detached scope", detached)
			for _, c := range []*loop.Child{detached, c, b, a} {
				c.Close(closedCause)
			}
		})
	})
	t.Run("the deadline is the nearest of all around, in the time of the loop's clock", func(t *testing.T) {
		in(t, func(ctx context.Context, self *loop.Task) {
			wall := func(d time.Duration) time.Time { return loop.NewVirtual().Wall(d) }
			expect := func(name string, ctx context.Context, want time.Duration) {
				t.Helper()
				if at, ok := ctx.Deadline(); ok != (want > 0) || ok && !at.Equal(wall(want)) {
					t.Errorf("the deadline of %s is %v, %v", name, at, ok)
				}
			}
			a := loop.NewChild(ctx, self)
			b := loop.NewChild(a, self)
			c := loop.NewChild(b, self)
			expect("the task", ctx, 0)
			expect("c", c, 0)
			a.SetDeadline(5*time.Second, true)
			expect("c", c, 5*time.Second)
			c.SetDeadline(7*time.Second, true)
			expect("c", c, 5*time.Second)
			b.SetDeadline(3*time.Second, true)
			expect("c", c, 3*time.Second)
			expect("a", a, 5*time.Second)
			b.SetDeadline(0, false)
			a.SetDeadline(0, false)
			expect("c", c, 7*time.Second)
			expect("b", b, 0)
			// The context of somebody else counts too.
			other, cancel := context.WithDeadline(context.Background(), time.Now().Add(time.Hour))
			defer cancel()
			d := loop.NewChild(other, self)
			want, _ := other.Deadline()
			if at, ok := d.Deadline(); !ok || !at.Equal(want) {
				t.Errorf("the deadline of a scope in the context of somebody else is %v, %v", at, ok)
			}
			d.SetDeadline(time.Second, true)
			expect("a scope of its own time", d, time.Second)
			for _, c := range []*loop.Child{d, c, b, a} {
				c.Close(closedCause)
			}
		})
	})
	t.Run("values go through", func(t *testing.T) {
		in(t, func(ctx context.Context, self *loop.Task) {
			v := context.WithValue(ctx, recordKey, "v")
			c := loop.NewChild(v, self)
			defer c.Close(closedCause)
			d := loop.NewChild(context.WithValue(c, otherKey, "w"), self)
			defer d.Close(closedCause)
			for range 2 {
				if c.Value(recordKey) != "v" || d.Value(recordKey) != "v" || d.Value(otherKey) != "w" || c.Value(otherKey) != nil || ctx.Value(recordKey) != nil {
					t.Error("a value is missing, or too much")
				}
				c.Cancel(theCause) // And the same once more.
			}
			ended(t, "below values", d, theCause)
		})
	})
}

func TestScopesAndTheStandardLibrary(t *testing.T) {
	cancellers := map[string]func(c *loop.Child, cause *loop.Cause){
		"cancelled": (*loop.Child).Cancel,
		"closed":    (*loop.Child).Close,
	}
	for how, cancel := range cancellers {
		t.Run("all that is derived is done when the scope is "+how, func(t *testing.T) {
			inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
				c := loop.NewChild(ctx, loop.Here())
				defer c.Close(closedCause)
				withCancel, stop1 := context.WithCancel(c)
				withTimeout, stop2 := context.WithTimeout(c, time.Hour)
				defer stop1()
				defer stop2()
				withValue := context.WithValue(c, recordKey, 1)
				deep, stop3 := context.WithCancel(context.WithValue(withTimeout, recordKey, 2))
				defer stop3()
				without := context.WithoutCancel(c)
				called := make(chan struct{})
				context.AfterFunc(c, func() { close(called) })
				notCalled := context.AfterFunc(c, func() { t.Error("an AfterFunc that was stopped is called") })
				if !notCalled() {
					t.Error("it could not be stopped")
				}
				for _, ctx := range []context.Context{withCancel, withTimeout, withValue, deep, without} {
					lives(t, fmt.Sprint(ctx), ctx)
				}
				cancel(c, theCause)
				for i, ctx := range []context.Context{withCancel, withTimeout, withValue, deep} {
					ended(t, fmt.Sprint(i), ctx, theCause)
				}
				lives(t, "the detached one", without)
				<-called
				late, stop4 := context.WithCancel(c)
				defer stop4()
				ended(t, "what is derived later", late, theCause)
				if loop.Of(late) != l || loop.Of(without) != l {
					t.Error("the way to the loop is lost")
				}
			})
		})
	}
	t.Run("what the cancelled function of the standard library ends does not end the scope, nor its task's wait in it", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			c := loop.NewChild(ctx, loop.Here())
			defer c.Close(closedCause)
			std, cancel := context.WithCancelCause(c)
			loop.NewHandle(l, func() { cancel(errBecause) }).Soon()
			if err := loop.Sleep(std, forever); !errors.Is(err, errBecause) {
				t.Errorf("the wait of what was cancelled ends with %v", err)
			}
			lives(t, "the scope", c)
			if err := loop.Sleep(c, time.Millisecond); err != nil {
				t.Errorf("the wait of the scope ends with %v", err)
			}
		})
	})
	t.Run("Deadline of a scope in a context of the standard library in a scope returns", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			a := loop.NewChild(ctx, loop.Here())
			defer a.Close(closedCause)
			a.SetDeadline(time.Second, true)
			std, cancel := context.WithCancel(a)
			defer cancel()
			b := loop.NewChild(std, loop.Here())
			defer b.Close(closedCause)
			if at, ok := b.Deadline(); !ok || !at.Equal(loop.NewVirtual().Wall(time.Second)) {
				t.Errorf("the deadline is %v, %v", at, ok)
			}
		})
	})
	t.Run("a context that was detached and cancelled on its own has its own cause, and not that of the scope above", func(t *testing.T) {
		mixed := false
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			a := loop.NewChild(ctx, loop.Here())
			defer a.Close(closedCause)
			std, cancel := context.WithCancelCause(context.WithoutCancel(a))
			a.Cancel(causeNamed("above"))
			cancel(errBecause) // Nobody has asked for a channel, so both have the same.
			mixed = loop.CauseOf(std).Cause != errBecause
		})
		if mixed {
			t.Error("the context is taken for the scope above")
		}
	})
	t.Run("a scope inside what the standard library derived follows it, until it is closed", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			self := loop.Here()
			for _, parent := range []context.Context{ctx, context.Background()} {
				std, cancel := context.WithCancelCause(parent)
				a, b := loop.NewChild(std, self), loop.NewChild(std, self)
				b.Close(closedCause)
				cancel(errBecause)
				if !ends(a) || context.Cause(a) != errBecause {
					t.Errorf("the scope has ended with %v", context.Cause(a))
				}
				ended(t, "the closed one", b, closedCause)
				lives(t, "the task", ctx)
				a.Close(closedCause)
			}
		})
	})
	t.Run("the context of a task is done when the task has ended, but has no cause", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			var inner, std context.Context
			called := make(chan struct{})
			var follower *loop.Child
			j := start(ctx, l, func(ctx context.Context) {
				inner = ctx
				var cancel context.CancelFunc
				std, cancel = context.WithCancel(ctx)
				time.AfterFunc(time.Hour, cancel).Stop()
				context.AfterFunc(ctx, func() { close(called) })
				ticks(ctx, 2)
			})
			ticks(ctx, 1)
			follower = loop.NewChild(inner, loop.Here())
			defer follower.Close(closedCause)
			lives(t, "the task", inner)
			if _, ok := inner.Deadline(); ok {
				t.Error("a task has a deadline")
			}
			j.end.Wait(ctx, j)
			<-called
			if inner.Err() != context.Canceled || !isClosed(inner.Done()) || std.Err() == nil || loop.CauseOf(inner) != nil {
				t.Error("the context of the ended task is not done, or has a cause")
			}
			if c := loop.EndOf(inner); c == nil || c.Err != context.Canceled {
				t.Errorf("it has ended with %v", c)
			}
			// That a task has ended is no reason to cancel who uses its context by mistake.
			if err := loop.Sleep(inner, 0); err != nil {
				t.Errorf("a wait with the context of an ended task returns %v", err)
			}
			lives(t, "a scope inside of it", follower)
		})
	})
	t.Run("a task that waits with the context of somebody else obeys that, and its own", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			other, cancel := context.WithCancelCause(context.Background())
			var r record
			jobs := make([]*job, 3)
			for i := range jobs {
				wait := []context.Context{other, ctx, context.WithoutCancel(other)}[i]
				jobs[i] = start(ctx, l, func(ctx context.Context) { r.add("%d:%v", i, loop.Sleep(wait, 50*time.Millisecond)) })
			}
			ticks(ctx, 1)
			jobs[1].task.Cancel(theCause)
			ticks(ctx, 1)
			cancel(errors.New("other"))
			jobs[0].end.Wait(ctx, jobs[0])
			jobs[2].task.Cancel(theCause) // is not looked at by a wait that was detached
			jobs[2].end.Wait(context.WithoutCancel(ctx), jobs[2])
			r.expect(t, "1:because 0:other 2:<nil>")
		})
	})
	t.Run("Err, Done and Cause of a scope agree at any time", func(t *testing.T) {
		agree := true
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			j := start(ctx, l, func(ctx context.Context) {
				a := loop.NewChild(ctx, loop.Here())
				defer a.Close(closedCause)
				b := loop.NewChild(a, loop.Here())
				defer b.Close(closedCause)
				b.Done()
				n := new(never)
				// What is called while the cancellation makes its way stands for any other goroutine.
				n.Wait(a, cancellerFunc(func(*loop.Cause) bool {
					agree = agree && (b.Err() == nil) == !isClosed(b.Done()) && (b.Err() == nil) == (context.Cause(b) == nil)
					return false
				}))
			})
			ticks(ctx, 1)
			j.task.Cancel(theCause)
			for j.end.State() == loop.Pending {
				ticks(ctx, 1)
			}
		})
		if !agree {
			t.Error("Err of a scope says that it is cancelled while its Done is open or its Cause not set")
		}
	})
}

func TestUncancel(t *testing.T) {
	// again runs fn in a task that has been cancelled once and knows it.
	again := func(t *testing.T, before func(ctx context.Context, self *loop.Task) context.Context, fn func(ctx context.Context, self *loop.Task)) {
		t.Helper()
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			ran := false
			j := start(ctx, l, func(ctx context.Context) {
				self := loop.Here()
				inner := before(ctx, self)
				if err := loop.Sleep(inner, forever); !errors.Is(err, errBecause) {
					t.Errorf("the wait of a cancelled task returns %v", err)
				}
				if self.Cancelling() != 1 {
					t.Errorf("%d requests", self.Cancelling())
				}
				fresh, left := self.Uncancel(inner)
				if left != 0 || self.Cancelling() != 0 {
					t.Errorf("%d requests are left", left)
				}
				fn(fresh, self)
				ran = true
			})
			ticks(ctx, 1)
			j.task.Cancel(theCause)
			for j.end.State() == loop.Pending {
				loop.Sleep(ctx, time.Millisecond)
			}
			if !ran {
				t.Errorf("the task has ended like this: %s", j.how)
			}
		})
	}
	same := func(ctx context.Context, _ *loop.Task) context.Context { return ctx }
	t.Run("the task goes on with a fresh context, which a second request cancels again", func(t *testing.T) {
		again(t, same, func(ctx context.Context, self *loop.Task) {
			lives(t, "the fresh context", ctx)
			ended(t, "the old one", self.Context(), theCause)
			if err := loop.Sleep(ctx, time.Second); err != nil {
				t.Errorf("a wait with the fresh context returns %v", err)
			}
			two := causeNamed("two")
			self.Loop().External(1)
			go func() {
				self.Cancel(two)
				self.Loop().External(-1)
			}()
			if err := loop.Sleep(ctx, forever); err != two.Wait {
				t.Errorf("a wait after the second request returns %v", err)
			}
			ended(t, "the fresh context", ctx, two)
			again, _ := self.Uncancel(ctx)
			lives(t, "the context after the second Uncancel", again)
		})
	})
	t.Run("a context that is not cancelled, or not the task's, is returned as it is", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			self := loop.Here()
			for _, ctx := range []context.Context{ctx, context.Background(), l.Context()} {
				if got, left := self.Uncancel(ctx); got != ctx || left != 0 {
					t.Errorf("Uncancel returns %v, %d", got, left)
				}
			}
		})
	})
	var outer, inner *loop.Child
	nested := func(ctx context.Context, self *loop.Task) context.Context {
		outer = loop.NewChild(ctx, self)
		outer.SetDeadline(time.Hour, true)
		inner = loop.NewChild(outer, self)
		return inner
	}
	for _, which := range []string{"outer", "inner"} {
		t.Run("a block in between that ends later still reaches the fresh context: the "+which, func(t *testing.T) {
			again(t, nested, func(ctx context.Context, self *loop.Task) {
				lives(t, "the fresh context", ctx)
				if at, ok := ctx.Deadline(); !ok || !at.Equal(loop.NewVirtual().Wall(time.Hour)) {
					t.Errorf("the deadline is %v, %v", at, ok)
				}
				twice, _ := self.Uncancel(ctx)
				if twice != ctx {
					t.Error("a fresh context is refreshed")
				}
				two := causeNamed("two")
				loop.NewHandle(self.Loop(), func() {
					if which == "outer" {
						outer.Cancel(two)
					} else {
						inner.Cancel(two)
					}
				}).At(time.Second)
				if err := loop.Sleep(ctx, forever); err != two.Wait {
					t.Errorf("the wait returns %v", err)
				}
				ended(t, "the fresh context", ctx, two)
				if o := inner.Outer(); (o == two) != (which == "outer") {
					t.Errorf("what surrounds the inner block was cancelled with %v", o)
				}
				// Only the block was cancelled, so what surrounds it lives on.
				third, _ := self.Uncancel(ctx)
				lives(t, "the context after the next Uncancel", third)
				inner.Close(closedCause)
				ended(t, "the context of a block that was left", third, closedCause)
				outer.Close(closedCause)
			})
		})
	}
	t.Run("a block in between reaches the fresh context also through one of the standard library", func(t *testing.T) {
		var outer, inner *loop.Child
		var cancel context.CancelFunc
		reached := false
		again(t, func(ctx context.Context, self *loop.Task) context.Context {
			var std context.Context
			outer = loop.NewChild(ctx, self)
			std, cancel = context.WithCancel(outer)
			inner = loop.NewChild(std, self)
			return inner
		}, func(ctx context.Context, self *loop.Task) {
			lives(t, "the fresh context", ctx)
			outer.Cancel(causeNamed("two"))
			reached = ctx.Err() != nil
			inner.Close(closedCause)
			outer.Close(closedCause)
			cancel()
		})
		if !reached {
			t.Error("the fresh context is not reached")
		}
	})
	t.Run("the context of a task that has not heard yet of another request stays cancelled", func(t *testing.T) {
		again(t, same, func(ctx context.Context, self *loop.Task) {
			two := causeNamed("two")
			self.Cancel(two)
			self.Cancel(two)
			got, left := self.Uncancel(ctx)
			if got != ctx || left != 1 {
				t.Errorf("Uncancel returns %v with %d requests left", got, left)
			}
			self.Discount()
			if self.Discount() != 0 {
				t.Error("there are fewer than no requests")
			}
			ended(t, "the context", ctx, two)
		})
	})
}

// A scopeNode is a context of the random tree, and what the model knows of it.
type scopeNode struct {
	name   string
	ctx    context.Context
	child  *loop.Child // if it is one
	cancel context.CancelCauseFunc
	up     *scopeNode
	cut    bool // what happens above does not reach it
	cause  error
}

// reach is the model: cancelling marks what is below, unless it is cut off or done already.
func reach(all []*scopeNode, n *scopeNode, cause error) {
	if n.cause == nil {
		n.cause = cause
	}
	for _, k := range all {
		if k.up == n && !k.cut && k.cause == nil {
			reach(all, k, n.cause)
		}
	}
}

func TestScopesAgainstTheModel(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprintf("a random tree is cancelled as the model says with seed %d", seed), func(t *testing.T) {
			inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
				j := start(ctx, l, func(ctx context.Context) { playScopes(t, rand.New(rand.NewPCG(seed, 0)), ctx) })
				for j.end.State() == loop.Pending {
					ticks(ctx, 1)
				}
				if j.how != "returned" {
					t.Errorf("the task has ended like this: %s", j.how)
				}
			})
		})
	}
}

func playScopes(t *testing.T, rng *rand.Rand, root context.Context) {
	self := loop.Here()
	all := []*scopeNode{{name: "task", ctx: root}}
	for step := range 120 {
		n := all[rng.IntN(len(all))]
		cause := causeNamed(fmt.Sprint("step ", step))
		switch op := rng.IntN(12); {
		case op < 8 && len(all) < 40:
			kind := [...]string{"scope", "scope", "scope", "scope", "cancel", "value", "without", "timeout"}[op]
			k := &scopeNode{name: fmt.Sprintf("%s/%d:%s", n.name, len(all), kind), up: n, cause: n.cause}
			switch op {
			case 0, 1, 2, 3:
				k.child = loop.NewChild(n.ctx, self)
				k.ctx = k.child
			case 4:
				k.ctx, k.cancel = context.WithCancelCause(n.ctx)
			case 5:
				k.ctx = context.WithValue(n.ctx, recordKey, step)
			case 6:
				k.ctx, k.cut, k.cause = context.WithoutCancel(n.ctx), true, nil
			case 7:
				ctx, cancel := context.WithTimeout(n.ctx, time.Hour)
				k.ctx, k.cancel = ctx, func(error) { cancel() }
			}
			all = append(all, k)
		case op < 8:
			// The tree is big enough.
		case n.child != nil && op < 10:
			n.child.Cancel(cause)
			reach(all, n, cause.Cause)
		case n.child != nil && op == 10:
			n.child.Close(cause)
			reach(all, n, cause.Cause)
		case n.cancel != nil:
			n.cancel(cause.Cause)
			if c := n.cause; c == nil {
				if _, ok := n.ctx.Deadline(); ok && context.Cause(n.ctx) == context.Canceled {
					reach(all, n, context.Canceled) // a timeout's own function has no cause
				} else {
					reach(all, n, cause.Cause)
				}
			}
		case n.up == nil && op == 11 && step > 100:
			self.Cancel(cause)
			reach(all, n, cause.Cause)
		}
		for _, k := range all {
			if k.cause != nil && !ends(k.ctx) {
				t.Errorf("step %d: %s is not cancelled", step, k.name)
				return
			}
		}
		for _, k := range all {
			if (k.ctx.Err() != nil) != (k.cause != nil) || context.Cause(k.ctx) != k.cause {
				t.Errorf("step %d: %s has ended with %v because of %v, and in the model because of %v",
					step, k.name, k.ctx.Err(), context.Cause(k.ctx), k.cause)
				return
			}
		}
	}
	for _, k := range slices.Backward(all) {
		if k.child != nil {
			k.child.Close(closedCause)
		}
		if k.cancel != nil {
			k.cancel(nil)
		}
	}
}
