package loop_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A hookedClock is a virtual clock with hooks where the loop looks at it.
type hookedClock struct {
	*loop.Virtual
	onNow  func()
	onWait func(d time.Duration, wake <-chan struct{}, busy func() bool) bool
}

// Now implements loop.Clock.
func (c *hookedClock) Now() time.Duration {
	if c.onNow != nil {
		c.onNow()
	}
	return c.Virtual.Now()
}

// Wait implements loop.Clock.
func (c *hookedClock) Wait(d time.Duration, wake <-chan struct{}, busy func() bool) bool {
	if c.onWait != nil {
		return c.onWait(d, wake, busy)
	}
	return c.Virtual.Wait(d, wake, busy)
}

// outside runs fn on another goroutine, and waits for it.
func outside(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}

func TestWakeUp(t *testing.T) {
	t.Run("an idle loop is woken once, however many post before it looks", func(t *testing.T) {
		const posters, posts = 8, 50
		c := &hookedClock{Virtual: loop.NewVirtual()}
		idle, look := make(chan struct{}), make(chan struct{})
		c.onWait = func(_ time.Duration, wake <-chan struct{}, _ func() bool) bool {
			idle <- struct{}{}
			<-look
			<-wake
			return true
		}
		inTask(t, c, func(ctx context.Context, l *loop.Loop) {
			n := new(never)
			var heard [posters][]int
			left := posters * posts
			go func() {
				<-idle
				var wg sync.WaitGroup
				for p := range posters {
					wg.Go(func() {
						for i := range posts {
							loop.NewHandle(l, func() {
								heard[p] = append(heard[p], i)
								if left--; left == 0 {
									complete(&n.Completion, loop.Succeeded)
								}
							}).Soon()
						}
					})
				}
				wg.Wait()
				close(look)
			}()
			before := l.Stats()
			n.Wait(ctx, n)
			after := l.Stats()
			if woken := after.WakeUps - before.WakeUps; woken != 1 {
				t.Errorf("the loop was woken %d times", woken)
			}
			for p := range heard {
				for i, got := range heard[p] {
					if got != i {
						t.Fatalf("what poster %d has posted runs in the order %v", p, heard[p])
					}
				}
			}
		})
	})
	t.Run("a loop that is not idle is not woken", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			ran := 0
			outside(func() {
				for range 100 {
					loop.NewHandle(l, func() { ran++ }).Soon()
				}
			})
			ticks(ctx, 1)
			if s := l.Stats(); s.WakeUps != 0 || ran != 100 {
				t.Errorf("%d wake-ups for %d callbacks", s.WakeUps, ran)
			}
		})
	})
	t.Run("what is posted after the loop has looked at its inbox, and before it says that it sleeps, keeps it awake", func(t *testing.T) {
		c := &hookedClock{Virtual: loop.NewVirtual()}
		inTask(t, c, func(ctx context.Context, l *loop.Loop) {
			n := new(never)
			// A timer has the loop look at the clock on its way to sleep.
			h := loop.NewHandle(l, func() { t.Error("the loop has slept until the timer") })
			h.At(time.Hour)
			armed := false
			c.onWait = func(time.Duration, <-chan struct{}, func() bool) bool {
				t.Error("the loop sleeps")
				return false
			}
			c.onNow = func() {
				// The first look in this tick is for the timers that are due, and the second one is the one in question.
				if l.Stats().Ready == 0 && !armed {
					armed = true
					outside(func() { loop.NewHandle(l, func() { complete(&n.Completion, loop.Succeeded) }).Soon() })
				}
			}
			n.Wait(ctx, n)
			c.onNow, c.onWait = nil, nil
			h.Cancel()
			if !armed {
				t.Error("the moment has not come")
			}
		})
	})
	t.Run("what is posted when the clock has given up waiting already wakes nobody later", func(t *testing.T) {
		c := &hookedClock{Virtual: loop.NewVirtual()}
		inTask(t, c, func(ctx context.Context, l *loop.Loop) {
			ran := 0
			c.onWait = func(d time.Duration, wake <-chan struct{}, busy func() bool) bool {
				outside(func() { loop.NewHandle(l, func() { ran++ }).Soon() })
				return c.Virtual.Wait(d, nil, busy) // It does not see the delivery.
			}
			loop.Sleep(ctx, time.Second)
			stale := false
			c.onWait = func(d time.Duration, wake <-chan struct{}, busy func() bool) bool {
				select {
				case <-wake:
					stale = true
				default:
				}
				return c.Virtual.Wait(d, wake, busy)
			}
			loop.Sleep(ctx, time.Second)
			c.onWait = nil
			if stale || ran != 1 {
				t.Errorf("%d callbacks have run, and a wake-up was left over: %v", ran, stale)
			}
		})
	})
	t.Run("a loop that goes to sleep again and again misses nothing", func(t *testing.T) {
		for _, timers := range []bool{false, true} {
			inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
				const posters, rounds = 4, 300
				stop := false
				if timers { // so that waiting ends by itself too, at the same time
					start(ctx, l, func(ctx context.Context) {
						for !stop {
							loop.Sleep(ctx, time.Microsecond)
						}
					})
				}
				n := new(never)
				var ran atomic.Int32
				var wg sync.WaitGroup
				for range posters {
					wg.Go(func() {
						answer := make(chan struct{})
						for range rounds {
							loop.NewHandle(l, func() { ran.Add(1); answer <- struct{}{} }).Soon()
							<-answer // If it is missed, the loop sleeps for ever.
						}
					})
				}
				go func() {
					wg.Wait()
					complete(&n.Completion, loop.Succeeded)
				}()
				n.Wait(ctx, n)
				stop = true
				if got := ran.Load(); got != posters*rounds {
					t.Errorf("%d of %d posts have run", got, posters*rounds)
				}
				if s := l.Stats(); s.WakeUps > posters*rounds+1 {
					t.Errorf("%d wake-ups", s.WakeUps)
				}
			})
		}
	})
	t.Run("a storm of posts keeps the order of each poster, and loses nothing", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			const posters, posts = 6, 500
			n := new(never)
			var heard [posters]int
			left := posters * posts
			for p := range posters {
				go func() {
					for i := range posts {
						run := func() {
							if heard[p] != i {
								t.Errorf("poster %d: %d comes after %d", p, i, heard[p]-1)
							}
							heard[p]++
							if left--; left == 0 {
								complete(&n.Completion, loop.Succeeded)
							}
						}
						if p%2 == 0 {
							loop.NewHandle(l, run).Soon()
						} else {
							start(l.Context(), l, func(context.Context) { run() })
						}
					}
				}()
			}
			n.Wait(ctx, n)
		})
	})
	t.Run("outside work that is over lets a virtual clock jump", func(t *testing.T) {
		c := toldVirtual{loop.NewVirtual(), make(chan struct{}, 1)}
		inTask(t, c, func(ctx context.Context, l *loop.Loop) {
			l.External(1)
			if !l.Busy() {
				t.Error("the loop does not know of the work")
			}
			go func() {
				<-c.waits
				l.External(-1)
			}()
			loop.Sleep(ctx, time.Hour)
			if l.Now() != time.Hour || l.Busy() {
				t.Errorf("it is %v", l.Now())
			}
		})
	})
}

func TestDo(t *testing.T) {
	// Each way to have a function run, with what it says.
	ways := map[string]func(l *loop.Loop, fn func()) bool{
		"Do":  (*loop.Loop).Do,
		"Ask": (*loop.Loop).Ask,
	}
	for name, do := range ways {
		t.Run(name+" runs at once on a loop that stands still, and counts as inside", func(t *testing.T) {
			l := loop.New(context.Background(), loop.NewReal())
			defer l.Close()
			ran := false
			if !do(l, func() {
				ran = l.Inside()
				do(l, func() { ran = ran && l.Inside() })
			}) || !ran {
				t.Error("it does not run, or not inside")
			}
			if l.Inside() {
				t.Error("the goroutine stays inside")
			}
		})
		t.Run(name+" runs at once for who is inside", func(t *testing.T) {
			inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
				ran := false
				if !do(l, func() { ran = true }) || !ran {
					t.Error("it does not run")
				}
			})
		})
		t.Run(name+" runs on a loop that runs, before what was posted later", func(t *testing.T) {
			inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
				n := new(never)
				var r record
				go func() {
					if !do(l, func() { r.add("do") }) {
						t.Error("it says that it does not run")
					}
					loop.NewHandle(l, func() {
						r.add("soon")
						complete(&n.Completion, loop.Succeeded)
					}).Soon()
				}()
				n.Wait(ctx, n)
				r.expect(t, "do soon")
			})
		})
		t.Run(name+" says no if the loop is closed", func(t *testing.T) {
			l := loop.New(context.Background(), loop.NewReal())
			l.Close()
			if do(l, func() { t.Error("it runs") }) {
				t.Error("it says that it runs")
			}
		})
		t.Run(name+" from many goroutines, while the loop begins and ends to run, loses nothing", func(t *testing.T) {
			limited(t, func() {
				l := loop.New(context.Background(), loop.NewReal())
				const callers, calls = 4, 100
				ran := 0
				var wg sync.WaitGroup
				for range callers {
					wg.Go(func() {
						for range calls {
							if !do(l, func() { ran++ }) {
								t.Error("it says that it does not run")
							}
						}
					})
				}
				over := make(chan struct{})
				go func() {
					defer close(over)
					wg.Wait()
				}()
				for !isClosed(over) {
					l.Stop()
					if _, err := l.Run(); err != nil {
						t.Error(err)
					}
				}
				l.Ask(func() {
					if ran != callers*calls {
						t.Errorf("%d of %d have run", ran, callers*calls)
					}
				})
				l.Close()
			})
		})
	}
	t.Run("what is given to Do while somebody else holds the loop runs when that lets go", func(t *testing.T) {
		l := loop.New(context.Background(), loop.NewReal())
		defer l.Close()
		var r record
		l.Do(func() {
			outside(func() {
				if !l.Do(func() { r.add("second") }) {
					t.Error("it says that it does not run")
				}
				loop.NewHandle(l, func() { t.Error("a callback runs in a loop that stands still") }).Soon()
			})
			r.add("first")
		})
		r.expect(t, "first second")
		if s := l.Stats(); s.Ready != 1 {
			t.Errorf("%d entries are ready", s.Ready)
		}
	})
	t.Run("what is posted while a loop that stands still is held is taken in before the function", func(t *testing.T) {
		l := loop.New(context.Background(), loop.NewReal())
		defer l.Close()
		var r record
		outside(func() { loop.NewHandle(l, func() { r.add("posted") }).Soon() })
		l.Do(func() { loop.NewHandle(l, func() { r.add("done"); l.Stop() }).Soon() })
		l.Run()
		r.expect(t, "posted done")
	})
	t.Run("what a run has not taken in is taken in at its end", func(t *testing.T) {
		limited(t, func() {
			l := loop.New(context.Background(), loop.NewReal())
			ran := false
			loop.NewHandle(l, func() { // A task would take it in when it ends.
				l.Stop()
				outside(func() { l.Do(func() { ran = true }) })
			}).Soon()
			l.Run()
			if !ran {
				t.Error("it was left lying")
			}
			l.Close()
		})
	})
	t.Run("Ask waits for the end of a run that goes on without it", func(t *testing.T) {
		limited(t, func() {
			l := loop.New(context.Background(), loop.NewReal())
			var order record
			answer := make(chan bool)
			asking := make(chan struct{})
			start(l.Context(), l, func(ctx context.Context) {
				go func() {
					close(asking)
					answer <- l.Ask(func() { order.add("asked") })
				}()
				<-asking
				order.add("task")
				l.Stop()
			})
			l.Run()
			if !<-answer {
				t.Error("Ask says no")
			}
			order.expect(t, "task asked")
			l.Close()
		})
	})
	t.Run("goroutines that ask while the loop is closed are all answered", func(t *testing.T) {
		for range 50 {
			limited(t, func() {
				l := loop.New(context.Background(), loop.NewReal())
				var wg sync.WaitGroup
				for range 4 {
					wg.Go(func() {
						for {
							ran := false
							if said := l.Ask(func() { ran = true }); said != ran {
								t.Errorf("Ask says %v, and the function has run: %v", said, ran)
							} else if !said {
								return
							}
						}
					})
				}
				l.Close()
				wg.Wait()
			})
		}
	})
}

func TestLoopLife(t *testing.T) {
	t.Run("a loop runs once at a time, and can be run again", func(t *testing.T) {
		limited(t, func() {
			l := loop.New(context.Background(), loop.NewReal())
			for range 2 {
				loop.NewHandle(l, func() {
					if !l.Running() {
						t.Error("a loop that runs does not say so")
					}
					outside(func() {
						if _, err := l.Run(); !errors.Is(err, loop.ErrRunning) {
							t.Errorf("a second Run returns %v", err)
						}
						if err := l.Close(); !errors.Is(err, loop.ErrCloseRunning) {
							t.Errorf("Close returns %v", err)
						}
					})
					l.Stop()
				}).Soon()
				if _, err := l.Run(); err != nil {
					t.Error(err)
				}
			}
			for range 2 {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
			if _, err := l.Run(); !errors.Is(err, loop.ErrLoopClosed) {
				t.Errorf("Run of a closed loop returns %v", err)
			}
			if !isClosed(l.Closed()) || !l.IsClosed() || l.Running() {
				t.Error("a closed loop says something else")
			}
			if l.Context().Err() == nil {
				t.Error("the context of a closed loop lives on")
			}
		})
	})
	t.Run("a stopped loop makes one tick", func(t *testing.T) {
		l := loop.New(context.Background(), loop.NewReal())
		defer l.Close()
		var r record
		loop.NewHandle(l, func() {
			r.add("a")
			loop.NewHandle(l, func() { r.add("c") }).Soon()
		}).Soon()
		loop.NewHandle(l, func() { r.add("b") }).Soon()
		for range 3 {
			l.Stop()
			l.Run()
			r.add("|")
		}
		r.expect(t, "a b | c | |")
	})
	t.Run("nothing starts in a closed loop", func(t *testing.T) {
		l := loop.New(context.Background(), loop.NewReal())
		l.Close()
		if j := start(l.Context(), l, func(context.Context) {}); j.task.Start() {
			t.Error("a task starts")
		}
		h := loop.NewHandle(l, func() {})
		if h.Soon() || h.At(0) {
			t.Error("a callback is taken")
		}
		h.Cancel()
		if l.Push(h, nil) || l.Push(h, l) {
			t.Error("an entry is taken")
		}
	})
	t.Run("what a task that is unwound starts is not taken", func(t *testing.T) {
		limited(t, func() {
			l := loop.New(context.Background(), loop.NewReal())
			j := start(l.Context(), l, func(ctx context.Context) {
				defer func() {
					s := start(ctx, l, func(context.Context) { t.Error("the task runs") })
					if s.task.Start() || s.task.StartEagerly() || s.task.StartFrom(ctx) || loop.NewHandle(l, func() {}).Soon() {
						t.Error("something is taken")
					}
				}()
				loop.Sleep(ctx, forever)
			})
			l.Stop()
			l.Run()
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if j.how != "left by Goexit" {
				t.Errorf("the task has ended like this: %s", j.how)
			}
		})
	})
	t.Run("a task that was not started is dropped when the loop is closed, and one that waits unwound, in order of creation", func(t *testing.T) {
		limited(t, func() {
			l := loop.New(context.Background(), loop.NewReal())
			var r record
			for i := range 3 {
				start(l.Context(), l, func(ctx context.Context) {
					defer r.add("%d", i)
					loop.Sleep(ctx, forever)
				})
			}
			l.Stop()
			l.Run()
			j := start(l.Context(), l, func(ctx context.Context) { t.Error("the task runs") })
			if n := len(l.Tasks()); n != 4 {
				t.Errorf("there are %d tasks", n)
			}
			l.Close()
			r.expect(t, "0 1 2")
			if j.how != "dropped" || l.Stats().Tasks != 0 {
				t.Errorf("the task that was not started has ended like this: %s", j.how)
			}
		})
	})
	t.Run("Goexit in a task or a callback ends the run, and the loop can run again", func(t *testing.T) {
		limited(t, func() {
			l := loop.New(context.Background(), loop.NewReal())
			for range 2 {
				j := start(l.Context(), l, func(ctx context.Context) { goexit() })
				if exit, err := l.Run(); !exit || err != nil {
					t.Errorf("Run returns %v, %v", exit, err)
				}
				if j.how != "left by Goexit" {
					t.Errorf("the task has ended like this: %s", j.how)
				}
				loop.NewHandle(l, goexit).Soon()
				if exit, err := l.Run(); !exit || err != nil {
					t.Errorf("Run returns %v, %v", exit, err)
				}
			}
			l.Stop()
			if exit, err := l.Run(); exit || err != nil {
				t.Errorf("the run after returns %v, %v", exit, err)
			}
			l.Close()
		})
	})
	t.Run("what one reads of a loop is what was set", func(t *testing.T) {
		l := loop.New(context.WithValue(context.Background(), recordKey, "v"), loop.NewVirtual())
		defer l.Close()
		l.SetDebug(true)
		l.SetSlow(time.Minute)
		if !l.Debug() || l.Slow() != time.Minute || l.Now() != 0 || loop.Of(l.Context()) != l || loop.Near(l.Context()) != l {
			t.Error("the loop says something else")
		}
		if fmt.Sprint(l.Context().Value(recordKey)) != "v" {
			t.Error("the loop's context has not the values it was made with")
		}
	})
}

type keyType string

// Keys of values.
const recordKey, otherKey keyType = "record", "other"

func goexit() { runtime.Goexit() }
