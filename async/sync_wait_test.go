package async_test

import (
	"context"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

func TestWaitersTellWhatTheyWaitFor(t *testing.T) {
	onLoop(func(ctx context.Context, t *testing.T) {
		var l async.Lock
		var r async.RLock
		var ev async.Event
		var cond async.Condition
		var sem async.Semaphore
		var bounded async.BoundedSemaphore
		b := async.NewBarrier(2)
		check(l.Acquire(ctx))
		check(r.Acquire(ctx))
		for want, wait := range map[string]func(context.Context) error{
			"Lock(locked, waiters: 1)":             l.Acquire,
			"RLock(locked, owner: ":                r.Acquire,
			"Event(unset, waiters: 1)":             ev.Wait,
			"Condition(unlocked, waiters: 1)":      func(ctx context.Context) error { return cond.With(ctx, cond.Wait) },
			"Semaphore(locked, waiters: 1)":        sem.Acquire,
			"BoundedSemaphore(locked, waiters: 1)": bounded.Acquire,
			"Barrier(filling, waiters: 1/2)":       func(ctx context.Context) error { _, err := b.Wait(ctx); return err },
		} {
			task := async.Go(ctx, wait)
			ticks(ctx, 1)
			if got := task.String(); !strings.Contains(got, "waiting for "+want) {
				t.Errorf("a task that waits for %s is %s", want, got)
			}
			task.Cancel()
			waitFor(ctx, task)
		}
	})(t)
}

func TestWaitsAllocateNothing(t *testing.T) {
	var l async.Lock
	var r async.RLock
	var ev async.Event
	var cond async.Condition
	sem := async.NewSemaphore(1)
	b := async.NewBarrier(2)
	held := func(acquire func(context.Context) error, release func()) func(ctx context.Context) {
		return func(ctx context.Context) {
			check(acquire(ctx))
			check(giveWay(ctx))
			release()
		}
	}
	for name, turn := range map[string]func(ctx context.Context){
		"Lock":      held(l.Acquire, l.Release),
		"RLock":     held(r.Acquire, r.Release),
		"Semaphore": held(sem.Acquire, sem.Release),
		"Event": func(ctx context.Context) {
			if ev.Stats().Waiters == 0 {
				ev.Clear()
				check(ev.Wait(ctx))
				return
			}
			ev.Set()
			check(giveWay(ctx))
		},
		"Condition": func(ctx context.Context) {
			check(cond.Acquire(ctx))
			cond.Notify(1)
			if cond.Stats().Waiters == 0 {
				check(cond.Wait(ctx))
			}
			cond.Release()
			check(giveWay(ctx))
		},
		"Barrier": func(ctx context.Context) { must(b.Wait(ctx)) },
	} {
		t.Run(name, onLoop(func(ctx context.Context, t *testing.T) {
			// The other one gets into the way of whoever is measured.
			other := async.Go(ctx, func(ctx context.Context) error {
				for {
					turn(ctx)
					if err := giveWay(ctx); err != nil {
						return err
					}
				}
			})
			ticks(ctx, 3)
			if n := testing.AllocsPerRun(200, func() { turn(ctx) }); n > 0 {
				t.Errorf("a turn allocates %v times", n)
			}
			other.Cancel()
			if name == "Barrier" {
				b.Abort()
			}
			ev.Set()
			_, _ = other.Await(ctx)
		}))
	}
}
