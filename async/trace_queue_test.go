package async_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/pytrace"
)

// getting is a task that takes one item and says how it went. It is the coroutine g of the scripts.
func getting[T any](tr *trace, name string, q interface {
	Get(context.Context) (T, error)
}) func(context.Context) error {
	return func(ctx context.Context) error {
		item, err := q.Get(ctx)
		switch {
		case errors.Is(err, async.ErrQueueShutdown):
			tr.println(name, "QueueShutDown", repr(err))
			return nil
		case errors.Is(err, async.ErrCancelled):
			tr.println(name, "cancelled")
		case err == nil:
			tr.println(name, "gets", item)
		}
		return err
	}
}

// putting is a task that puts its name in and says how it went. It is the coroutine p of the
// scripts.
func putting(tr *trace, name string, q *async.Queue[string]) func(context.Context) error {
	return func(ctx context.Context) error {
		err := q.Put(ctx, name)
		switch {
		case errors.Is(err, async.ErrQueueShutdown):
			tr.println("put", name, "QueueShutDown")
			return nil
		case errors.Is(err, async.ErrCancelled):
			tr.println("put", name, "cancelled")
		case err == nil:
			tr.println("put", name)
		}
		return err
	}
}

var trace55 = port{
	name: "55_queue_fifo_blocking",
	run: func(tr *trace) {
		producer := func(q *async.Queue[int]) async.Coroutine[async.Void] {
			return async.Do(func(ctx context.Context) error {
				for i := range 4 {
					check(q.Put(ctx, i))
					tr.println("put", i, "size", q.Len())
				}
				return nil
			})
		}
		consumer := func(q *async.Queue[int]) async.Coroutine[async.Void] {
			return async.Do(func(ctx context.Context) error {
				for range 4 {
					tr.println("   got", must(q.Get(ctx)), "size", q.Len())
				}
				return nil
			})
		}
		tr.run(func(ctx context.Context) error {
			q := async.NewQueue[int](2)
			p := async.CreateTask(ctx, producer(q))
			ticks(ctx, 2)
			tr.println("producer blocked after maxsize items; full", q.Full())
			if err := q.PutNowait(9); err != nil {
				tr.println(className(err), repr(err))
			}
			must(async.Gather(ctx, p, consumer(q)))
			if _, err := q.GetNowait(); err != nil {
				tr.println(className(err), repr(err))
			}
			tr.println("maxsize 0 and negative mean unbounded:", async.NewQueue[int](0).Full(), async.NewQueue[int](-3).Full())
			q = new(async.Queue[int])
			var ts []*async.Task[async.Void]
			for _, n := range []string{"A", "B", "C"} {
				ts = append(ts, async.Go(ctx, getting(tr, n, q)))
			}
			ticks(ctx, 1)
			for _, i := range []int{1, 2, 3} {
				check(q.PutNowait(i))
			}
			waitFor(ctx, ts...)
			return nil
		})
	},
}

var trace57 = port{
	name: "57_queue_cancel",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			tr.println("-- woken getter is cancelled: the item stays and the next getter is woken")
			q := new(async.Queue[string])
			a := async.Go(ctx, getting(tr, "A", q))
			b := async.Go(ctx, getting(tr, "B", q))
			ticks(ctx, 1)
			check(q.PutNowait("item"))
			a.Cancel()
			waitFor(ctx, a, b)
			tr.println("qsize", q.Len())

			tr.println("-- woken putter is cancelled: the slot goes to the next putter")
			q = async.NewQueue[string](1)
			check(q.PutNowait("0"))
			a = async.Go(ctx, putting(tr, "1", q))
			b = async.Go(ctx, putting(tr, "2", q))
			ticks(ctx, 1)
			tr.println("get", must(q.GetNowait()))
			a.Cancel()
			waitFor(ctx, a, b)
			tr.println("content", must(q.GetNowait()), q.Len())

			tr.println("-- wait_for(get) timing out loses nothing")
			n := new(async.Queue[int])
			if _, err := async.WaitFor(ctx, async.Coroutine[int](n.Get), 10*time.Millisecond); errors.Is(err, async.ErrTimeout) {
				tr.println("timeout")
			}
			check(n.PutNowait(1))
			tr.println(must(n.GetNowait()))

			tr.println("-- waiting getters/putters of cancelled tasks are forgotten")
			q = new(async.Queue[string])
			a = async.Go(ctx, getting(tr, "C", q))
			ticks(ctx, 1)
			a.Cancel()
			waitFor(ctx, a)
			check(q.PutNowait("kept"))
			tr.println("qsize", q.Len())
			return nil
		})
	},
}

// A ranked item of 59 is compared by its first part alone.
type ranked struct {
	rank int
	name string
}

func (r ranked) String() string { return fmt.Sprint(r.rank, r.name) }

var trace59 = port{
	name: "59_lifo_priority",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			lifo := new(async.LifoQueue[int])
			for _, x := range []int{1, 3, 2} {
				check(lifo.PutNowait(x))
			}
			tr.println("lifo", drain(ctx, lifo))
			q := async.NewPriorityQueue(0, func(a, b int) bool { return a < b })
			for _, x := range []int{5, 1, 3, 1} {
				check(q.PutNowait(x))
			}
			tr.println("priority", drain(ctx, q))
			// Python's queue takes tuples after numbers. Here each type has a queue of its own.
			tuples := async.NewPriorityQueue(0, func(a, b tuple) bool {
				if a[0] != b[0] {
					return a[0].(int) < b[0].(int)
				}
				return a[1].(string) < b[1].(string)
			})
			for _, x := range []tuple{{1, "b"}, {0, "z"}, {1, "a"}} {
				check(tuples.PutNowait(x))
			}
			tr.println("tuples", drain(ctx, tuples))
			ties := async.NewPriorityQueue(0, func(a, b ranked) bool { return a.rank < b.rank })
			for _, n := range "abcdef" {
				check(ties.PutNowait(ranked{1, string(n)}))
			}
			tr.println("ties", drain(ctx, ties))
			// Two equal tuples follow, whose dicts are never compared: their TypeError would be the
			// compiler's.
			return nil
		})
	},
}

// drain takes all items of a queue.
func drain[T any](ctx context.Context, q interface {
	Len() int
	Get(context.Context) (T, error)
}) []T {
	items := make([]T, q.Len())
	for i := range items {
		items[i] = must(q.Get(ctx))
	}
	return items
}

var trace60 = port{
	name: "60_queue_shutdown_313",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			tr.println("-- graceful: items stay readable")
			q := async.NewQueue[string](2)
			check(q.PutNowait("1"))
			check(q.PutNowait("2"))
			t := async.Go(ctx, putting(tr, "blocked", q))
			ticks(ctx, 1)
			q.Shutdown(false)
			must(t.Await(ctx))
			put := func() (string, error) { return "None", q.PutNowait("3") }
			for _, fn := range []func() (string, error){put, q.GetNowait, q.GetNowait, q.GetNowait} {
				switch item, err := fn(); {
				case errors.Is(err, async.ErrQueueShutdown):
					tr.println("QueueShutDown")
				case err == nil:
					tr.println("->", item)
				}
			}
			j := async.Go(ctx, q.Join)
			ticks(ctx, 1)
			tr.println("join waits for task_done", !j.IsDone())
			q.TaskDone()
			q.TaskDone()
			must(j.Await(ctx))
			tr.println("joined")
			tr.println(q.String())

			tr.println("-- waiting getters")
			q = new(async.Queue[string])
			var ts []*async.Task[async.Void]
			for _, n := range []string{"A", "B"} {
				ts = append(ts, async.Go(ctx, getting(tr, n, q)))
			}
			ticks(ctx, 1)
			q.Shutdown(false)
			waitFor(ctx, ts...)

			tr.println("-- immediate: items dropped, join released")
			q = new(async.Queue[string])
			check(q.PutNowait("1"))
			check(q.PutNowait("2"))
			j = async.Go(ctx, q.Join)
			ticks(ctx, 1)
			q.Shutdown(true)
			must(j.Await(ctx))
			tr.println("joined; qsize", q.Len())
			check(getting(tr, "C", q)(ctx))
			q.Shutdown(false)
			tr.println("idempotent")
			return nil
		})
	},
	deviations: []pytrace.Deviation{
		{Line: 9, Python: "<Queue maxsize=2 shutdown>", Ours: "Queue(max: 2, shut down)", Why: freeForm},
	},
}

// A madeItem of 83 is what a producer puts into the queue; nil is Python's None.
type madeItem struct {
	by string
	n  int
}

var trace83 = port{
	name: "83_producer_consumer_trace",
	run: func(tr *trace) {
		producer := func(n string, q *async.Queue[*madeItem], items int) async.Coroutine[async.Void] {
			return async.Do(func(ctx context.Context) error {
				for i := range items {
					check(q.Put(ctx, &madeItem{n, i}))
					tr.println(n, "put", i)
				}
				tr.println(n, "ends")
				return nil
			})
		}
		worker := func(n string, q *async.Queue[*madeItem]) func(context.Context) error {
			return func(ctx context.Context) error {
				for m := must(q.Get(ctx)); m != nil; m = must(q.Get(ctx)) {
					tr.println(fmt.Sprintf("    %s takes %s%d", n, m.by, m.n))
					ticks(ctx, 1)
					q.TaskDone()
				}
				q.TaskDone()
				tr.println("    "+n, "stops")
				return nil
			}
		}
		tr.run(func(ctx context.Context) error {
			q := async.NewQueue[*madeItem](2)
			var ws []*async.Task[async.Void]
			for _, n := range []string{"w1", "w2"} {
				ws = append(ws, async.Go(ctx, worker(n, q)))
			}
			must(async.Gather(ctx, producer("P", q, 3), producer("Q", q, 3)))
			check(q.Join(ctx))
			tr.println("all done")
			for range ws {
				check(q.Put(ctx, nil))
			}
			must(async.GatherOf(ctx, ws))
			return nil
		})
	},
}
