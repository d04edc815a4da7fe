package loop_test

import (
	"context"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A guest is a coroutine that a task switches to by itself, as a greenlet is.
type guest struct {
	routine, root coro.Routine
	host          *coro.Routine
	fn            func()
}

// Live implements coro.Owner.
func (g *guest) Live(*coro.Routine) { g.fn() }

// Host implements loop.Guest.
func (g *guest) Host() *coro.Routine { return g.host }

// lodge runs fn on a coroutine of its own, for host, and returns when that has ended.
func lodge(host *coro.Routine, fn func()) {
	g := &guest{host: host, fn: fn}
	g.root.InitAside(nil)
	g.routine.Init(g)
	g.routine.SetSuccessor(&g.root)
	g.root.Switch(&g.routine)
}

func TestGuest(t *testing.T) {
	t.Run("what runs for a task is the task, and suspends it when it waits", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			var r record
			start(ctx, l, func(ctx context.Context) {
				r.add("other")
				ticks(ctx, 1)
				r.add("other")
			})
			self := loop.Here()
			lodge(coro.Current(), func() {
				if loop.Here() != self || loop.Inside() != l || !l.Inside() {
					t.Error("a guest is not taken for its task")
				}
				ticks(ctx, 1)
				r.add("guest")
				loop.Sleep(ctx, time.Second)
				r.add("guest")
			})
			r.add("host")
			ticks(ctx, 1)
			if loop.Here() != self {
				t.Error("the task is not itself any more")
			}
			r.expect(t, "other guest other guest host")
		})
	})

	t.Run("a guest that blocks, or whose host has left, is outside", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			var r record
			release := make(chan struct{})
			self, host := loop.Here(), coro.Current()
			start(ctx, l, func(context.Context) {
				r.add("other")
				close(release)
			})
			lodge(host, func() {
				self.Block(func() {
					if loop.Here() != nil || l.Inside() {
						t.Error("a guest that blocks counts as inside")
					}
					<-release
				})
				if loop.Here() != self || !l.Inside() {
					t.Error("a guest that has come back does not count as inside")
				}
				r.add("back")
			})
			r.expect(t, "other back")
		})
	})

	t.Run("a guest without a host belongs to no loop", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			root := new(coro.Routine)
			root.InitAside(nil)
			for _, host := range []*coro.Routine{nil, root} { // root is no worker
				ran := false
				lodge(host, func() {
					if loop.Here() != nil || loop.Inside() != nil || loop.Near(context.Background()) != nil {
						t.Error("it is taken for the task")
					}
					ran = true
				})
				if !ran {
					t.Error("it did not run to its end")
				}
			}
		})
	})

	t.Run("a guest inside a guest has the same task", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			var r record
			self, host := loop.Here(), coro.Current()
			start(ctx, l, func(context.Context) { r.add("other") })
			lodge(host, func() {
				lodge(host, func() {
					ticks(ctx, 1)
					if loop.Here() != self {
						t.Error("it is not taken for the task")
					}
					r.add("inner")
				})
				ticks(ctx, 1)
				r.add("outer")
			})
			r.expect(t, "other inner outer")
		})
	})

	t.Run("what is thrown at the task arrives in the guest's wait", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			self := loop.Here()
			start(ctx, l, func(context.Context) { self.Throw(theCause) })
			lodge(coro.Current(), func() {
				if err := loop.Sleep(ctx, time.Hour); err != errBecause {
					t.Errorf("the wait returns %v", err)
				}
				if self.Catch() != theCause {
					t.Error("it cannot be caught there")
				}
			})
			if err := loop.Sleep(ctx, time.Second); err != nil {
				t.Errorf("the next wait returns %v", err)
			}
		})
	})
}
