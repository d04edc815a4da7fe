package loop_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A listener is a party that writes down when it is told, and asks to be run afterwards if run is set.
type listener struct {
	name   string
	r      *record
	waiter loop.Waiter
	run    bool
}

func listen(r *record, name string, run bool) *listener {
	p := &listener{name: name, r: r, run: run}
	p.waiter = loop.MakeWaiter(p)
	return p
}

// Notify implements loop.Party.
func (p *listener) Notify(*loop.Loop) bool {
	p.r.add("%s", p.name)
	return p.run
}

// RunReady implements loop.Runnable.
func (p *listener) RunReady() { p.r.add("run-%s", p.name) }

func isClosed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// complete ends c with s, and reports whether it was the one that did.
func complete(c *loop.Completion, s loop.State) bool {
	if !c.Begin() {
		return false
	}
	c.Commit(s)
	return true
}

func TestCompletionIsDoneOnce(t *testing.T) {
	t.Run("its zero value is pending and belongs to no loop", func(t *testing.T) {
		var c loop.Completion
		if c.State() != loop.Pending || c.Home() != nil || c.Waiting() != 0 || c.Failure() != nil || c.CreatedAt() != "" {
			t.Error("the zero value is something else")
		}
	})
	t.Run("it can be ended once, in any way", func(t *testing.T) {
		for _, s := range []loop.State{loop.Succeeded, loop.Failed, loop.Cancelled} {
			var c loop.Completion
			if !complete(&c, s) || c.State() != s {
				t.Errorf("it does not end as %d", s)
			}
			if complete(&c, loop.Failed) || c.State() != s {
				t.Errorf("it ends a second time, after %d", s)
			}
		}
	})
	t.Run("of many goroutines that end it exactly one wins, and all see what the winner has written", func(t *testing.T) {
		for range 200 {
			var c loop.Completion
			var wins atomic.Int32
			var outcome int // guarded by c
			var wg sync.WaitGroup
			begin := make(chan struct{})
			for i := range 8 {
				wg.Go(func() {
					<-begin
					if c.Begin() {
						outcome = i + 1
						wins.Add(1)
						c.Commit(loop.Succeeded)
					}
					if c.State() != loop.Succeeded || outcome == 0 {
						t.Error("a goroutine whose Begin has returned does not see the outcome")
					}
				})
				wg.Go(func() {
					<-begin
					<-c.Done()
					if outcome == 0 {
						t.Error("a goroutine that waits for Done does not see the outcome")
					}
				})
			}
			close(begin)
			wg.Wait()
			if wins.Load() != 1 {
				t.Fatalf("%d goroutines have won", wins.Load())
			}
		}
	})
	t.Run("who asks between Begin and Commit waits for the outcome", func(t *testing.T) {
		var c loop.Completion
		c.Begin()
		answers := make(chan bool)
		go func() { answers <- c.Begin() }()
		go func() { answers <- c.Add(&listen(new(record), "x", false).waiter) }()
		go func() { answers <- !isClosed(c.Done()) }()
		for range 1000 {
			runtime.Gosched() // They should have come as far as they can, but nothing depends on it.
		}
		c.Commit(loop.Succeeded)
		for range 3 {
			if <-answers {
				t.Error("somebody was told that it is pending after it was done")
			}
		}
	})
}

func TestCompletionWaiters(t *testing.T) {
	t.Run("they are told in the order in which they came, and those who want to be run are after all were told", func(t *testing.T) {
		var c loop.Completion
		var r record
		for i, name := range []string{"a", "b", "c", "d", "e"} {
			if !c.Add(&listen(&r, name, i%2 == 1).waiter) {
				t.Errorf("%s finds it done", name)
			}
		}
		if c.Waiting() != 5 {
			t.Errorf("%d wait", c.Waiting())
		}
		complete(&c, loop.Succeeded)
		r.expect(t, "a b c d e run-b run-d")
		if c.Waiting() != 0 {
			t.Errorf("%d still wait", c.Waiting())
		}
	})
	t.Run("one that was removed is not told, wherever in the list it was", func(t *testing.T) {
		for gone := range 4 {
			var c loop.Completion
			var r, want record
			all := make([]*listener, 4)
			for i := range all {
				all[i] = listen(&r, fmt.Sprint(i), false)
				c.Add(&all[i].waiter)
				if i != gone {
					want.add("%d", i)
				}
			}
			if !c.Remove(&all[gone].waiter) || c.Remove(&all[gone].waiter) {
				t.Error("it is not there once")
			}
			complete(&c, loop.Succeeded)
			if !slices.Equal(r, want) {
				t.Errorf("told are %v instead of %v", r, want)
			}
		}
	})
	t.Run("one that was removed may come back, at the end", func(t *testing.T) {
		var c loop.Completion
		var r record
		a, b := listen(&r, "a", false), listen(&r, "b", false)
		c.Add(&a.waiter)
		c.Add(&b.waiter)
		c.Remove(&a.waiter)
		c.Add(&a.waiter)
		complete(&c, loop.Succeeded)
		r.expect(t, "b a")
	})
	t.Run("nobody can come or go when it is done", func(t *testing.T) {
		var c loop.Completion
		var r record
		a, b := listen(&r, "a", false), listen(&r, "b", false)
		c.Add(&a.waiter)
		complete(&c, loop.Cancelled)
		if c.Add(&b.waiter) {
			t.Error("Add accepts a waiter")
		}
		if c.Remove(&a.waiter) || c.Remove(&b.waiter) {
			t.Error("Remove has found a waiter")
		}
		r.expect(t, "a")
	})
	t.Run("of goroutines that come while it ends each is either told or finds it done", func(t *testing.T) {
		for range 200 {
			var c loop.Completion
			var told, late, gone atomic.Int32
			var wg sync.WaitGroup
			begin := make(chan struct{})
			for i := range 6 {
				wg.Go(func() {
					w := loop.MakeWaiter(countsParty{&told})
					<-begin
					switch {
					case !c.Add(&w):
						late.Add(1)
					case i%2 == 0 && c.Remove(&w):
						gone.Add(1)
					}
				})
			}
			wg.Go(func() {
				<-begin
				complete(&c, loop.Succeeded)
			})
			close(begin)
			wg.Wait()
			if n := told.Load() + late.Load() + gone.Load(); n != 6 {
				t.Fatalf("%d were told, %d late and %d gone", told.Load(), late.Load(), gone.Load())
			}
		}
	})
}

// A countsParty counts how many were told.
type countsParty struct{ n *atomic.Int32 }

// Notify implements loop.Party.
func (p countsParty) Notify(*loop.Loop) bool {
	p.n.Add(1)
	return false
}

func TestCompletionDone(t *testing.T) {
	t.Run("the channel is closed with the end if it was made before", func(t *testing.T) {
		var c loop.Completion
		done := c.Done()
		if isClosed(done) || c.Done() != done {
			t.Error("the channel of a pending one is closed, or another each time")
		}
		complete(&c, loop.Failed)
		if !isClosed(done) || !isClosed(c.Done()) {
			t.Error("the channel is open")
		}
	})
	t.Run("the channel is closed already if it is made after", func(t *testing.T) {
		var c loop.Completion
		complete(&c, loop.Succeeded)
		if !isClosed(c.Done()) {
			t.Error("the channel is open")
		}
	})
	t.Run("the channel is closed when the waiters are told", func(t *testing.T) {
		var c loop.Completion
		done := c.Done()
		w := loop.MakeWaiter(partyFunc(func(*loop.Loop) bool {
			if !isClosed(done) || c.State() != loop.Succeeded {
				t.Error("the channel is open")
			}
			return false
		}))
		c.Add(&w)
		complete(&c, loop.Succeeded)
	})
}

type partyFunc func(in *loop.Loop) bool

// Notify implements loop.Party.
func (f partyFunc) Notify(in *loop.Loop) bool { return f(in) }

func TestCompletionFailure(t *testing.T) {
	t.Run("what watches over the error can be had when it has failed, and not if it ended otherwise", func(t *testing.T) {
		l := loop.New(context.Background(), loop.NewReal())
		defer l.Close()
		for _, s := range []loop.State{loop.Succeeded, loop.Failed, loop.Cancelled} {
			var c loop.Completion
			f := l.Watch("something", errors.New("broken"))
			f.Seen()
			c.Begin()
			c.Watch(f)
			if c.Failure() != nil {
				t.Error("it can be had before the end")
			}
			c.Commit(s)
			if got := c.Failure(); (got == f) != (s == loop.Failed) {
				t.Errorf("after %d it is %v", s, got)
			}
		}
	})
}

func TestCompletionWait(t *testing.T) {
	t.Run("tasks go on in the order in which they began to wait", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			n := new(never)
			var r record
			for i := range 5 {
				start(ctx, l, func(ctx context.Context) {
					n.Wait(ctx, n)
					r.add("%d", i)
				})
			}
			ticks(ctx, 1)
			if n.Waiting() != 5 {
				t.Errorf("%d wait", n.Waiting())
			}
			complete(&n.Completion, loop.Succeeded)
			ticks(ctx, 1)
			r.expect(t, "0 1 2 3 4")
		})
	})
	t.Run("a cancelled task leaves the list if what it waits for lives on, and the others stay", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			n := new(never)
			var r record
			jobs := make([]*job, 3)
			for i := range jobs {
				jobs[i] = start(ctx, l, func(ctx context.Context) {
					_, err := n.Wait(ctx, n)
					r.add("%d:%v", i, err != nil)
				})
			}
			ticks(ctx, 1)
			jobs[1].task.Cancel(theCause)
			ticks(ctx, 1)
			if n.Waiting() != 2 {
				t.Errorf("%d wait", n.Waiting())
			}
			complete(&n.Completion, loop.Succeeded)
			ticks(ctx, 1)
			r.expect(t, "1:true 0:false 2:false")
		})
	})
	t.Run("a wait for what is done does not give way", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			n := new(never)
			complete(&n.Completion, loop.Succeeded)
			before := l.Stats().Ticks
			if cancelled, err := n.Wait(ctx, n); cancelled != nil || err != nil {
				t.Errorf("Wait returns %v, %v", cancelled, err)
			}
			if l.Stats().Ticks != before {
				t.Error("a tick has passed")
			}
		})
	})
	t.Run("a cancelled wait is passed on to what is waited for, and goes on until that has ended", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			var r record
			inner := start(ctx, l, func(ctx context.Context) {
				loop.Sleep(ctx, forever)
				r.add("inner")
				ticks(context.WithoutCancel(ctx), 3)
				r.add("cleaned")
			})
			outer := start(ctx, l, func(ctx context.Context) {
				cancelled, err := inner.end.Wait(ctx, inner)
				r.add("outer:%v:%v", cancelled == theCause, err)
			})
			ticks(ctx, 1)
			outer.task.Cancel(theCause)
			outer.end.Wait(ctx, outer)
			r.expect(t, "inner cleaned outer:true:<nil>")
		})
	})
	t.Run("a task that is cancelled before it waits passes that on too, and gives way also if that ends at once", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			var r record
			var c loop.Completion
			// It ends as soon as it is asked to.
			target := cancellerFunc(func(cause *loop.Cause) bool { return complete(&c, loop.Cancelled) })
			j := start(ctx, l, func(ctx context.Context) {
				self := loop.Here()
				self.Cancel(theCause)
				before := l.Stats().Ticks
				cancelled, err := c.Wait(ctx, target)
				r.add("%v:%v:%d", cancelled == theCause, err, l.Stats().Ticks-before)
				// What is done accepts nothing any more.
				cancelled, err = c.Wait(ctx, target)
				r.add("%v:%v", cancelled, err == theCause.Wait)
			})
			j.end.Wait(ctx, j)
			r.expect(t, "true:<nil>:1 <nil>:true")
		})
	})
	t.Run("tasks that wait for each other in a ring are not stuck when one is cancelled", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			var jobs [3]*job
			ended := 0
			for i := range jobs {
				jobs[i] = start(ctx, l, func(ctx context.Context) {
					next := jobs[(i+1)%len(jobs)]
					next.end.Wait(ctx, next)
					ended++
				})
			}
			ticks(ctx, 1)
			jobs[1].task.Cancel(theCause)
			ticks(ctx, 5)
			if ended != len(jobs) {
				t.Errorf("%d of %d have ended", ended, len(jobs))
			}
		})
	})
	t.Run("a task cannot wait for itself, and a callback for nothing", func(t *testing.T) {
		inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
			var j *job
			j = start(ctx, l, func(ctx context.Context) {
				if _, err := j.end.Wait(ctx, j); !errors.Is(err, loop.ErrAwaitSelf) {
					t.Errorf("a task that waits for itself gets %v", err)
				}
			})
			loop.NewHandle(l, func() {
				n := new(never)
				if _, err := n.Wait(ctx, n); !errors.Is(err, loop.ErrNotInTask) {
					t.Errorf("a callback that waits gets %v", err)
				}
				for _, d := range []int{0, 1} {
					if err := loop.Sleep(ctx, time.Duration(d)); !errors.Is(err, loop.ErrNotInTask) {
						t.Errorf("a callback that sleeps gets %v", err)
					}
				}
			}).Soon()
			j.end.Wait(ctx, j)
			ticks(ctx, 1)
		})
	})
	t.Run("goroutines and tasks of two loops wait for one thing", func(t *testing.T) {
		limited(t, func() {
			const each = 20
			n := new(never)
			var told atomic.Int32
			var wg sync.WaitGroup
			var loops [2]*loop.Loop
			for i := range loops {
				loops[i] = loop.New(context.Background(), loop.NewReal())
				left := each
				for range each {
					start(loops[i].Context(), loops[i], func(ctx context.Context) {
						if _, err := n.Wait(ctx, n); err == nil {
							told.Add(1)
						}
						if left--; left == 0 {
							loops[i].Stop()
						}
					})
				}
				wg.Go(func() { loops[i].Run() })
			}
			for range each {
				wg.Go(func() {
					if _, err := n.Wait(context.Background(), n); err == nil {
						told.Add(1)
					}
				})
			}
			for n.Waiting() < 2*each { // the tasks; the goroutines wait for the channel
				runtime.Gosched()
			}
			complete(&n.Completion, loop.Succeeded)
			wg.Wait()
			if told.Load() != 3*each {
				t.Errorf("%d were told", told.Load())
			}
			for _, l := range loops {
				l.Close()
			}
		})
	})
	t.Run("a goroutine stops waiting when its context ends, or the loop of that is closed", func(t *testing.T) {
		limited(t, func() {
			l := loop.New(context.Background(), loop.NewReal())
			n := new(never)
			ctx, cancel := context.WithCancelCause(l.Context())
			cancel(errBecause)
			if _, err := n.Wait(ctx, n); !errors.Is(err, errBecause) {
				t.Errorf("a goroutine whose context has ended gets %v", err)
			}
			l.Close()
			if _, err := n.Wait(context.WithoutCancel(ctx), n); !errors.Is(err, loop.ErrLoopClosed) {
				t.Errorf("a goroutine whose loop is closed gets %v", err)
			}
			complete(&n.Completion, loop.Succeeded)
			if _, err := n.Wait(ctx, n); err != nil {
				t.Errorf("what is done counts for more than the end of the context, but Wait returns %v", err)
			}
		})
	})
	t.Run("with random arrivals, departures and cancellations each waiter ends once and in order", func(t *testing.T) {
		for seed := range uint64(20) {
			inTask(t, loop.NewReal(), func(ctx context.Context, l *loop.Loop) {
				rng := rand.New(rand.NewPCG(seed, 0))
				n := new(never)
				var ended, want []int
				var waiting []int // the model of the list
				jobs := map[int]*job{}
				for i := range 100 {
					switch {
					case rng.IntN(3) > 0 || len(waiting) == 0:
						jobs[i] = start(ctx, l, func(ctx context.Context) {
							n.Wait(ctx, n)
							ended = append(ended, i)
						})
						waiting = append(waiting, i)
					default:
						k := rng.IntN(len(waiting))
						jobs[waiting[k]].task.Cancel(theCause)
						want = append(want, waiting[k])
						waiting = slices.Delete(waiting, k, k+1)
					}
					ticks(ctx, 1)
				}
				if n.Waiting() != len(waiting) {
					t.Errorf("%d wait instead of %d", n.Waiting(), len(waiting))
				}
				want = append(want, waiting...)
				complete(&n.Completion, loop.Succeeded)
				ticks(ctx, 2)
				if !slices.Equal(ended, want) {
					t.Errorf("they end as %v instead of %v", ended, want)
				}
			})
		}
	})
}

type cancellerFunc func(*loop.Cause) bool

// CancelWaited implements loop.Canceller.
func (f cancellerFunc) CancelWaited(c *loop.Cause) bool { return f(c) }
