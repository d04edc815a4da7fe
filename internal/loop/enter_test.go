package loop_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/sourcegraph/conc/panics"
)

// A visitor is the goroutine that has entered a loop, as the loop's task.
type visitor struct {
	task loop.Task
	left atomic.Bool
}

func (*visitor) Run(context.Context)           {}
func (*visitor) Crash(*panics.Recovered)       {}
func (*visitor) Quit()                         {}
func (*visitor) Drop(*loop.Cause)              {}
func (v *visitor) Ended() bool                 { return v.left.Load() }
func (v *visitor) Info() any                   { return v }
func (*visitor) CancelWaited(*loop.Cause) bool { return false }
func (v *visitor) prepare(l *loop.Loop)        { v.task.Init(l.Context(), l, v) }
func (v *visitor) enter(l *loop.Loop) error    { v.prepare(l); return l.Enter(&v.task) }
func (v *visitor) exit(l *loop.Loop)           { v.left.Store(true); l.Exit(&v.task) }
func (v *visitor) sleep(d time.Duration) error { return loop.Sleep(&v.task, d) }
func (v *visitor) await(c *loop.Completion) error {
	_, err := c.Wait(&v.task, new(never))
	return err
}

// A broom is something to tidy up, unless it does more.
type broom struct {
	of   *record
	more bool
}

func (b *broom) RunReady()    { b.of.add("swept") }
func (b *broom) Tidies() bool { return !b.more }

// entered runs fn as a task of a loop that its goroutine has entered.
func entered(t *testing.T, clock loop.Clock, fn func(v *visitor, l *loop.Loop)) {
	t.Helper()
	limited(t, func() {
		l := loop.New(context.Background(), clock)
		v := new(visitor)
		if err := v.enter(l); err != nil {
			t.Errorf("Enter: %v", err)
			return
		}
		fn(v, l)
		v.exit(l)
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

func TestEnter(t *testing.T) {
	t.Run("the goroutine is a task until it exits, and the loop runs when that waits", func(t *testing.T) {
		limited(t, func() {
			var r record
			l := loop.New(context.Background(), loop.NewVirtual())
			for range 2 {
				v := new(visitor)
				if err := v.enter(l); err != nil {
					t.Errorf("Enter: %v", err)
				}
				if loop.Here() != &v.task || loop.Inside() != l || !l.Inside() {
					t.Error("the goroutine is not inside")
				}
				if tasks := l.Tasks(); len(tasks) != 1 || tasks[0] != &v.task {
					t.Errorf("the tasks are %v", tasks)
				}
				for range 2 {
					start(l.Context(), l, func(ctx context.Context) {
						r.add("task")
						ticks(ctx, 1)
						r.add("again")
					})
				}
				r.add("started")
				v.sleep(0)
				r.add("between")
				v.sleep(time.Second)
				r.add("slept")
				v.exit(l)
				if loop.Here() != nil || loop.Inside() != nil {
					t.Error("the goroutine is still inside")
				}
			}
			const once = "started task task between again again slept "
			r.expect(t, once+once)
			if err := l.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	})

	t.Run("a loop has room for one, and none when it is closed", func(t *testing.T) {
		limited(t, func() {
			l := loop.New(context.Background(), loop.NewVirtual())
			v := new(visitor)
			if err := v.enter(l); err != nil {
				t.Errorf("Enter: %v", err)
			}
			other := make(chan struct{})
			go func() {
				defer close(other)
				if err := new(visitor).enter(l); err != loop.ErrRunning {
					t.Errorf("a second Enter returns %v", err)
				}
				if _, err := l.Run(); err != loop.ErrRunning {
					t.Errorf("Run returns %v", err)
				}
			}()
			<-other
			v.exit(l)
			l.Stop()
			if _, err := l.Run(); err != nil {
				t.Errorf("Run after the exit returns %v", err)
			}
			l.Close()
			for range 2 {
				if err := new(visitor).enter(l); err != loop.ErrLoopClosed {
					t.Errorf("Enter of a closed loop returns %v", err)
				}
			}
		})
	})

	t.Run("what is left at the exit goes on with the next one who enters, or is unwound", func(t *testing.T) {
		limited(t, func() {
			var r record
			l := loop.New(context.Background(), loop.NewVirtual())
			first := new(visitor)
			first.enter(l)
			j := start(l.Context(), l, func(ctx context.Context) {
				defer r.add("unwound")
				for {
					r.add("step")
					ticks(ctx, 1)
				}
			})
			first.sleep(0)
			first.exit(l)
			r.add("exit")
			second := new(visitor)
			second.enter(l)
			second.sleep(0)
			second.exit(l)
			r.add("exit")
			l.Close()
			r.expect(t, "step exit step exit unwound")
			if j.how != "left by Goexit" {
				t.Errorf("the task has ended like this: %s", j.how)
			}
		})
	})

	t.Run("a foreign goroutine can ask the loop, also while nothing runs in it", func(t *testing.T) {
		entered(t, loop.NewReal(), func(v *visitor, l *loop.Loop) {
			var r record
			var done loop.Completion
			done.SetHome(l)
			go l.Do(func() {
				r.add("asked")
				if done.Begin() {
					done.Commit(loop.Succeeded)
				}
			})
			v.await(&done)
			r.expect(t, "asked")
		})
	})

	t.Run("it is alone if nothing can run and nobody outside is at work", func(t *testing.T) {
		entered(t, loop.NewVirtual(), func(v *visitor, l *loop.Loop) {
			l.Stuck = func() {}
			alone := func(when string, want bool) {
				t.Helper()
				if l.Alone() != want {
					t.Errorf("%s: Alone is %v", when, !want)
				}
			}
			alone("at first", true)
			l.Nudge()
			alone("with a nudge", true)
			var gate loop.Completion
			gate.SetHome(l)
			j := start(l.Context(), l, func(ctx context.Context) { gate.Wait(ctx, new(never)) })
			alone("with a task that is ready", false)
			v.sleep(0)
			alone("with a task in a wait", false)
			gate.Begin()
			gate.Commit(loop.Succeeded)
			v.await(&j.end)
			alone("when it has ended", true)
			h := loop.NewHandle(l, func() {})
			h.At(l.After(time.Second))
			alone("with a timer", false)
			h.Cancel()
			alone("when it is cancelled", true)
			loop.NewHandle(l, func() {}).Soon()
			alone("with a callback", false)
			v.sleep(0)
			l.External(1)
			alone("with somebody outside", false)
			l.External(-1)
			alone("when that one is done", true)
		})
	})

	t.Run("it is alone with what only tidies up, which is done once, at the latest when it is left", func(t *testing.T) {
		var r record
		limited(t, func() {
			l := loop.New(context.Background(), loop.NewVirtual())
			for range 2 {
				v := new(visitor)
				if err := v.enter(l); err != nil {
					t.Errorf("Enter: %v", err)
					return
				}
				v.sleep(0)
				if len(r) == 0 {
					l.Push(&broom{of: &r, more: true}, l)
					if l.Alone() {
						t.Error("it is alone with something that does more")
					}
					v.sleep(0)
					l.Push(&broom{of: &r}, l)
					if !l.Alone() {
						t.Error("it is not alone with what tidies up")
					}
					r.expect(t, "swept")
				}
				v.exit(l)
				r.expect(t, "swept swept")
			}
			if err := l.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	})
}

func TestStuck(t *testing.T) {
	t.Run("who runs the loop is asked when it would wait for ever, and not before", func(t *testing.T) {
		entered(t, loop.NewVirtual(), func(v *visitor, l *loop.Loop) {
			var r record
			l.Stuck = func() {
				if !l.Inside() || loop.Here() != nil {
					t.Error("Stuck is not called inside, as by a callback")
				}
				r.add("stuck")
				v.task.Throw(theCause)
			}
			v.sleep(time.Hour)
			r.add("slept")
			if err := v.await(new(loop.Completion)); err != errBecause {
				t.Errorf("the wait returns %v", err)
			}
			if v.task.Catch() != theCause {
				t.Error("what was thrown is not caught")
			}
			r.expect(t, "slept stuck")
		})
	})

	t.Run("so many timers do not count, and a worker outside does", func(t *testing.T) {
		entered(t, loop.NewVirtual(), func(v *visitor, l *loop.Loop) {
			var r record
			var done loop.Completion
			l.Stuck = func() {
				r.add("stuck")
				v.task.Throw(theCause)
			}
			for _, ignored := range []int{0, 1} {
				l.Ignore = ignored
				h := loop.NewHandle(l, func() { r.add("timer") })
				h.At(l.After(time.Second))
				if err := v.await(new(loop.Completion)); err != errBecause {
					t.Errorf("the wait returns %v", err)
				}
				v.task.Catch()
				h.Cancel()
			}
			l.Ignore = 0
			l.External(1)
			go func() {
				l.Do(func() {
					r.add("outside")
					done.Begin()
					done.Commit(loop.Succeeded)
					l.External(-1)
				})
			}()
			v.await(&done)
			r.expect(t, "timer stuck stuck outside")
		})
	})

	t.Run("a nudge has it asked again", func(t *testing.T) {
		entered(t, loop.NewReal(), func(v *visitor, l *loop.Loop) {
			asked := 0
			l.Stuck = func() {
				if asked++; asked == 3 {
					v.task.Throw(theCause)
					return
				}
				go l.Nudge()
			}
			if err := v.await(new(loop.Completion)); err != errBecause || asked != 3 {
				t.Errorf("after %d questions the wait returns %v", asked, err)
			}
			v.task.Catch()
		})
	})

	t.Run("whoever is left by Goexit is reported as lost, and the loop goes on", func(t *testing.T) {
		entered(t, loop.NewVirtual(), func(v *visitor, l *loop.Loop) {
			var r record
			l.Lost = func() { r.add("lost") }
			for range 2 {
				start(l.Context(), l, func(context.Context) {
					r.add("leaves")
					runtime.Goexit()
				})
				start(l.Context(), l, func(ctx context.Context) {
					ticks(ctx, 2)
					r.add("stays")
				})
				v.sleep(time.Second)
			}
			const once = "leaves lost stays "
			r.expect(t, once+once)
		})
	})
}

func TestThrow(t *testing.T) {
	other := &loop.Cause{Err: context.Canceled, Cause: errors.New("other"), Wait: errors.New("other")}

	t.Run("it ends the wait, or the next one, and that once", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			var r record
			j := start(ctx, l, func(ctx context.Context) {
				self := loop.Here()
				for range 2 {
					err := loop.Sleep(ctx, time.Hour)
					r.add("%v", err)
					if self.Thrown() != theCause || self.Catch() != theCause || self.Thrown() != nil || self.Catch() != nil {
						t.Error("it is not caught once")
					}
					if err := loop.Sleep(ctx, time.Second); err != nil {
						t.Errorf("the wait after it returns %v", err)
					}
					r.add("on")
				}
			})
			ticks(ctx, 1)
			if !j.task.Throw(theCause) || j.task.Throw(other) {
				t.Error("a second error has overtaken the first")
			}
			ticks(ctx, 2)
			loop.Sleep(ctx, time.Minute)
			if !j.task.Throw(theCause) {
				t.Error("after the first was caught a second one is refused")
			}
			j.end.Wait(ctx, j)
			r.expect(t, "because on because on")
			if j.how != "returned" {
				t.Errorf("the task has ended like this: %s", j.how)
			}
		})
	})

	t.Run("who runs gets it with his next wait", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			self := loop.Here()
			self.Throw(theCause)
			if self.Thrown() != theCause {
				t.Error("it is not on its way")
			}
			if err := loop.Sleep(ctx, time.Hour); err != errBecause || l.Now() != 0 {
				t.Errorf("the wait returns %v after %v", err, l.Now())
			}
			self.Catch()
		})
	})

	t.Run("a cancellation is not caught", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			j := start(ctx, l, func(ctx context.Context) {
				loop.Sleep(ctx, time.Hour)
				if loop.Here().Catch() != nil {
					t.Error("it was caught")
				}
			})
			ticks(ctx, 1)
			j.task.Cancel(theCause)
			if j.task.Throw(other) {
				t.Error("something was thrown on top of it")
			}
			j.end.Wait(ctx, j)
		})
	})

	t.Run("contexts that were derived before stay cancelled, later ones live", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, _ *loop.Loop) {
			before, cancel := context.WithCancel(ctx)
			defer cancel()
			loop.Here().Throw(theCause)
			loop.Sleep(ctx, time.Hour)
			loop.Here().Catch()
			after, cancel := context.WithCancel(ctx)
			defer cancel()
			if before.Err() == nil || after.Err() != nil || ctx.Err() != nil {
				t.Errorf("before: %v, after: %v, the task's own: %v", before.Err(), after.Err(), ctx.Err())
			}
		})
	})
}
