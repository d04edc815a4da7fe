package async_test

import (
	"context"
	"errors"
	"strings"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/pytrace"
)

// raised returns what a call panics with: an exception that Python raises for misuse.
func raised(call func()) (msg string) {
	defer func() {
		text, _ := recover().(string)
		msg = strings.TrimPrefix(text, "async: ")
	}()
	call()
	return ""
}

// inBrackets is repr(x).split('[')[1].
func inBrackets(s string) string {
	_, inside, _ := strings.Cut(s, "(")
	return inside
}

var trace47 = port{
	name: "47_lock_fifo_no_barging",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			var lock async.Lock
			check(async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
				for _, n := range []string{"A", "B", "C"} {
					tg.Go(func(ctx context.Context) error {
						for i := range 2 {
							check(lock.With(ctx, func(ctx context.Context) error {
								tr.println(n, i)
								return async.Sleep(ctx, 0)
							}))
						}
						return nil
					})
				}
				return nil
			}))
			check(lock.Acquire(ctx))
			holds := func(who string) async.Coroutine[async.Void] {
				return async.Do(func(ctx context.Context) error {
					check(lock.Acquire(ctx))
					tr.println(who, "has the lock")
					lock.Release()
					return nil
				})
			}
			t := async.CreateTask(ctx, holds("waiter"))
			ticks(ctx, 1)
			lock.Release()
			tr.println("locked right after release:", lock.Locked())
			must(async.Gather[async.Void](ctx, holds("barger"), t))
			tr.println("RuntimeError", raised(lock.Release))
			check(lock.Acquire(ctx))
			must(async.Go(ctx, func(context.Context) error {
				lock.Release()
				tr.println("another task may release it")
				return nil
			}).Await(ctx))
			return nil
		})
	},
	deviations: []pytrace.Deviation{{
		Line:   10,
		Python: "RuntimeError Lock is not acquired.",
		Ours:   "RuntimeError Lock is not acquired",
		Why:    "Misuse that a program cannot handle panics, and the sentences of panics have no full stop.",
	}},
}

var trace49 = port{
	name: "49_event",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			var ev async.Event
			w := func(n string) *async.Task[async.Void] {
				return async.Go(ctx, func(ctx context.Context) error {
					if err := ev.Wait(ctx); err != nil {
						return err
					}
					tr.println(n, true)
					return nil
				})
			}
			a, b := w("a"), w("b")
			ticks(ctx, 1)
			c := w("c (not yet started when set)")
			ev.Set()
			tr.println("set returned", ev.IsSet())
			waitFor(ctx, a, b, c)
			ev.Clear()
			d := w("d")
			ticks(ctx, 1)
			ev.Set()
			ev.Clear()
			tr.println("set+clear in one go; is_set", ev.IsSet())
			must(d.Await(ctx))
			e := w("e")
			ticks(ctx, 1)
			tr.println("e blocks", e.IsDone())
			e.Cancel()
			waitFor(ctx, e)
			tr.println(inBrackets(ev.String()))
			return nil
		})
	},
	deviations: []pytrace.Deviation{{Line: 8, Python: "unset]>", Ours: "unset)", Why: freeForm}},
}

var trace51 = port{
	name: "51_condition_cancel_reacquires",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			var cond async.Condition
			t := async.Go(ctx, func(ctx context.Context) error {
				return cond.With(ctx, func(ctx context.Context) error {
					err := cond.Wait(ctx)
					if errors.Is(err, async.ErrCancelled) {
						tr.println("CancelledError raised only with the lock held:", cond.Locked())
					}
					return err
				})
			})
			ticks(ctx, 1)
			check(cond.Acquire(ctx))
			t.Cancel()
			ticks(ctx, 3)
			tr.println("cancelled but still waiting for the lock; done", t.IsDone())
			t.Cancel()
			ticks(ctx, 1)
			tr.println("a second cancel does not break it out; done", t.IsDone())
			cond.Release()
			waitFor(ctx, t)
			tr.println("cancelled", t.Cancelled(), "locked", cond.Locked())
			return nil
		})
	},
}

// permitted takes a permit, gives way some times and gives it back.
func permitted(ctx context.Context, tr *trace, n string, sem *async.Semaphore, hold int) *async.Task[async.Void] {
	return async.Go(ctx, func(ctx context.Context) error {
		err := sem.With(ctx, func(ctx context.Context) error {
			tr.println(n, "in")
			ticks(ctx, hold)
			return nil
		})
		if err == nil {
			tr.println(n, "out")
		}
		return err
	})
}

var trace53 = port{
	name: "53_semaphore",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			sem := async.NewSemaphore(2)
			var all []*async.Task[async.Void]
			for i, n := range []string{"A", "B", "C", "D"} {
				all = append(all, permitted(ctx, tr, n, sem, []int{3, 1, 1, 1}[i]))
			}
			waitFor(ctx, all...)
			tr.println("-- release() while a waiter is queued hands over at once: no barging")
			sem = async.NewSemaphore(0)
			t := permitted(ctx, tr, "waiter", sem, 0)
			ticks(ctx, 1)
			sem.Release()
			tr.println("locked", sem.Locked())
			u := permitted(ctx, tr, "newcomer", sem, 0)
			waitFor(ctx, t, u)
			tr.println("-- plain semaphore may grow; bounded may not")
			s := async.NewSemaphore(1)
			s.Release()
			tr.println(inBrackets(s.String()))
			tr.println("ValueError", raised(async.NewBoundedSemaphore(1).Release))
			tr.println("ValueError", raised(func() { async.NewSemaphore(-1) }))
			tr.println("-- cancelled waiters do not consume permits")
			sem = async.NewSemaphore(0)
			var ts []*async.Task[async.Void]
			for _, n := range []string{"a", "b", "c"} {
				ts = append(ts, permitted(ctx, tr, n, sem, 0))
			}
			ticks(ctx, 1)
			ts[0].Cancel()
			sem.Release()
			ticks(ctx, 2)
			tr.println([]bool{ts[0].IsDone(), ts[1].IsDone(), ts[2].IsDone()})
			sem.Release()
			waitFor(ctx, ts...)
			return nil
		})
	},
	deviations: []pytrace.Deviation{
		{Line: 16, Python: "unlocked, value:2]>", Ours: "unlocked, value: 2)", Why: freeForm},
	},
}

var trace97 = port{
	name: "97_semaphore_queue_discipline",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			sem := async.NewSemaphore(0)
			var log []string
			w := func(n string) *async.Task[async.Void] {
				return async.Go(ctx, func(ctx context.Context) error {
					check(sem.Acquire(ctx))
					log = append(log, n)
					return nil
				})
			}
			ts := []*async.Task[async.Void]{w("A"), w("B"), w("C")}
			ticks(ctx, 1)
			for range 4 { // 3 for the waiters, 1 left over
				sem.Release()
			}
			tr.println("locked() while woken waiters have not run yet:", sem.Locked(), inBrackets(sem.String()))
			waitFor(ctx, append(ts, w("newcomer"))...)
			tr.println(log, inBrackets(sem.String()))
			return nil
		})
	},
	deviations: []pytrace.Deviation{
		{Line: 1, Python: "locked() while woken waiters have not run yet: True locked, waiters:3]>", Ours: "locked() while woken waiters have not run yet: True locked, waiters: 3)", Why: freeForm},
		{Line: 2, Python: "['A', 'B', 'C', 'newcomer'] locked]>", Ours: "['A', 'B', 'C', 'newcomer'] locked)", Why: freeForm},
	},
}
