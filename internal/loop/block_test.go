package loop_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

func TestBlock(t *testing.T) {
	t.Run("the loop goes on with the others while a task blocks, and the task comes back inside", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			var r record
			release := make(chan struct{})
			start(ctx, l, func(ctx context.Context) {
				r.add("other")
				ticks(ctx, 2)
				r.add("again")
				close(release)
			})
			loop.Here().Block(func() {
				if l.Inside() || loop.Here() != nil {
					t.Error("a task that blocks counts as inside")
				}
				<-release
			})
			if !l.Inside() || loop.Here() == nil {
				t.Error("a task that has come back does not count as inside")
			}
			r.add("back")
			ticks(ctx, 1)
			r.expect(t, "other again back")
		})
	})
	t.Run("many tasks block at once, in several rounds", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			const many, rounds = 20, 5
			met := make(chan struct{})
			back := 0 // written inside
			var jobs []*job
			for i := range many {
				jobs = append(jobs, start(ctx, l, func(ctx context.Context) {
					for range rounds {
						loop.Here().Block(func() { // Two have to be blocked at the same time to get on.
							if i%2 == 0 {
								met <- struct{}{}
							} else {
								<-met
							}
						})
						back++
						ticks(ctx, i%3)
					}
				}))
			}
			for _, j := range jobs {
				j.end.Wait(ctx, j)
			}
			if back != many*rounds {
				t.Errorf("they have come back %d times", back)
			}
		})
	})
	t.Run("a task that blocks may run another loop, whose task blocks too", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			var r record
			loop.Here().Block(func() {
				inTask(t, loop.NewReal(), func(ctx context.Context, inner *loop.Loop) {
					loop.Here().Block(func() {
						l.Ask(func() { r.add("asked") })
					})
					if !inner.Inside() || l.Inside() {
						t.Error("the task has come back to another loop")
					}
					r.add("inner")
				})
			})
			if !l.Inside() {
				t.Error("the task has not come back")
			}
			r.add("outer")
			r.expect(t, "asked inner outer")
		})
	})
	t.Run("a panic of the function is one of the task, inside", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			j := start(ctx, l, func(ctx context.Context) {
				defer func() {
					if !l.Inside() {
						t.Error("the panic comes through outside of the loop")
					}
				}()
				loop.Here().Block(func() { panic("broken") })
			})
			j.end.Wait(ctx, j)
			if j.how != "panic: broken" || !j.task.Panicked() {
				t.Errorf("the task has ended like this: %s", j.how)
			}
		})
	})
	t.Run("a task that blocks does not hear of its cancellation before it is back", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			j := start(ctx, l, func(ctx context.Context) {
				self := loop.Here()
				self.Block(func() { self.Cancel(theCause) })
				if err := loop.Sleep(ctx, time.Hour); !errors.Is(err, errBecause) {
					t.Errorf("the next wait returns %v", err)
				}
			})
			j.end.Wait(ctx, j)
		})
	})
	t.Run("a task that is started eagerly gives way to its creator when it blocks", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			var r record
			release := make(chan struct{})
			j := &job{fn: func(ctx context.Context) {
				r.add("eager")
				loop.Here().Block(func() { <-release })
				r.add("back")
			}}
			j.task.Init(ctx, l, j)
			j.end.SetHome(l)
			j.task.StartEagerly()
			r.add("creator")
			close(release)
			j.end.Wait(ctx, j)
			r.expect(t, "eager creator back")
		})
	})
	t.Run("a loop is not closed while a task of it blocks, and unwinds the task when it is back", func(t *testing.T) {
		limited(t, func() {
			l := loop.New(context.Background(), loop.NewReal())
			blocked, release, left := make(chan struct{}), make(chan struct{}), make(chan struct{})
			j := start(l.Context(), l, func(ctx context.Context) {
				defer close(left)
				loop.Here().Block(func() {
					close(blocked)
					<-release
				})
				t.Error("the task goes on")
			})
			l.Stop()
			l.Run()
			<-blocked
			if err := l.Close(); !errors.Is(err, loop.ErrBlocking) || l.IsClosed() {
				t.Errorf("Close returns %v", err)
			}
			close(release)
			for errors.Is(l.Close(), loop.ErrBlocking) {
				time.Sleep(time.Millisecond)
			}
			<-left
			if j.how != "left by Goexit" {
				t.Errorf("the task has ended like this: %s", j.how)
			}
		})
	})
	t.Run("a task that is back while its loop stands still goes on with the next run", func(t *testing.T) {
		limited(t, func() {
			l := loop.New(context.Background(), loop.NewReal())
			blocked, release := make(chan struct{}), make(chan struct{})
			j := start(l.Context(), l, func(ctx context.Context) {
				defer l.Stop()
				loop.Here().Block(func() {
					close(blocked)
					<-release
				})
			})
			l.Stop()
			l.Run()
			<-blocked
			close(release)
			l.Run()
			if j.how != "returned" {
				t.Errorf("the task has ended like this: %s", j.how)
			}
			l.Close()
		})
	})
}
