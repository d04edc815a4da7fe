package loop_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// section calls fn in a section, as a wrapper of package monkey's overlay does.
func section(fn func()) {
	if end := loop.EnterSection(); end != nil {
		defer end()
	}
	fn()
}

// leaving calls fn, which blocks, as such a wrapper does.
func leaving(fn func()) {
	if back := loop.LeaveSection(); back != nil {
		defer back()
	}
	fn()
}

func TestSection(t *testing.T) {
	t.Run("a section that does not leave costs no turn", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			var r record
			start(ctx, l, func(context.Context) { r.add("other") })
			section(func() {
				if !l.Inside() || !loop.InSection() {
					t.Error("it is outside")
				}
			})
			r.add("main")
			ticks(ctx, 1)
			r.expect(t, "main other")
		})
	})
	t.Run("a task that leaves in a section comes back at its end, however deep it is", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			release := make(chan struct{})
			start(ctx, l, func(context.Context) { close(release) })
			section(func() {
				section(func() {
					leaving(func() { <-release })
				})
				if l.Inside() {
					t.Error("it has come back early")
				}
				leaving(func() {}) // outside there is nothing to leave
			})
			if !l.Inside() {
				t.Error("it has not come back")
			}
		})
	})
	t.Run("without a section a task comes back at once", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			release := make(chan struct{})
			start(ctx, l, func(context.Context) { close(release) })
			leaving(func() { <-release })
			if !l.Inside() || loop.InSection() {
				t.Error("it has not come back")
			}
		})
	})
	t.Run("a goroutine, a callback and a task outside have nothing to leave", func(t *testing.T) {
		nothing := func(where string) {
			if loop.EnterSection() != nil || loop.LeaveSection() != nil || loop.InSection() || loop.SleepHere(time.Hour) {
				t.Errorf("there is something to leave in %s", where)
			}
		}
		nothing("a goroutine")
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			loop.Here().Block(func() { nothing("a task outside") })
			loop.NewHandle(l, func() { nothing("a callback") }).Soon()
			ticks(ctx, 2)
			loop.Original(func() { nothing("Original") })
		})
	})
	t.Run("a task may wait as a task in a section that it has not left", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			section(func() {
				if err := loop.Sleep(ctx, time.Hour); err != nil || !loop.InSection() {
					t.Errorf("it returns %v", err)
				}
				leaving(func() {})
			})
			if l.Now() != time.Hour || !l.Inside() {
				t.Errorf("it is %v, inside is %t", l.Now(), l.Inside())
			}
		})
	})
	t.Run("two tasks may be in sections that overlap", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			met := make(chan struct{})
			j := start(ctx, l, func(context.Context) {
				section(func() { leaving(func() { met <- struct{}{} }) })
			})
			section(func() { leaving(func() { <-met }) })
			j.end.Wait(ctx, j)
		})
	})
	t.Run("a panic and a Goexit come through inside", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			j := start(ctx, l, func(context.Context) {
				defer func() {
					if !l.Inside() {
						t.Error("it comes through outside")
					}
				}()
				section(func() { leaving(func() { panic("broken") }) })
			})
			j.end.Wait(ctx, j)
			if j.how != "panic: broken" {
				t.Errorf("the task has ended like this: %s", j.how)
			}
		})
		l := loop.New(context.Background(), loop.NewReal())
		limited(t, func() {
			j := start(l.Context(), l, func(context.Context) {
				section(func() { leaving(runtime.Goexit) })
			})
			if goexit, err := l.Run(); !goexit || err != nil {
				t.Errorf("Run returns %t and %v", goexit, err)
			}
			l.Close()
			if j.how != "left by Goexit" {
				t.Errorf("the task has ended like this: %s", j.how)
			}
		})
	})
	t.Run("who sleeps is woken by a cancellation, and its next wait hears of it", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			var after error
			j := start(ctx, l, func(ctx context.Context) {
				loop.SleepHere(time.Hour)
				after = loop.Sleep(ctx, time.Hour)
			})
			ticks(ctx, 1)
			j.task.Cancel(theCause)
			j.end.Wait(ctx, j)
			if after != errBecause || l.Now() != 0 {
				t.Errorf("the next wait returns %v at %v", after, l.Now())
			}
		})
	})
}
