package async_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// getsInto is a task that takes one item, and writes down what it got, or how else it ended.
func getsInto(c *chronicle, name string, q *async.Queue[string]) func(context.Context) error {
	return func(ctx context.Context) error {
		item, err := q.Get(ctx)
		if err != nil {
			c.add("%s: %v", name, err)
			return cancellation(err)
		}
		c.add("%s gets %s", name, item)
		return nil
	}
}

// putsInto is a task that puts its name in, and writes down that it has, or how else it ended.
func putsInto(c *chronicle, name string, q *async.Queue[string]) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := q.Put(ctx, name); err != nil {
			c.add("%s: %v", name, err)
			return cancellation(err)
		}
		c.add("%s is put", name)
		return nil
	}
}

// fill puts the items in, for which there is room.
func fill[T any](q interface{ PutNowait(T) error }, items ...T) {
	for _, item := range items {
		check(q.PutNowait(item))
	}
}

// cancellation returns err if it is one. Other errors have been written down, and need not be
// reported.
func cancellation(err error) error {
	if errors.Is(err, async.ErrCancelled) {
		return err
	}
	return nil
}

func lessInt(a, b int) bool { return a < b }

func TestFactsQueue(t *testing.T) {
	t.Run("S1 the order is that of the kind", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		var lifo async.LifoQueue[int]
		priority := async.NewPriorityQueue(0, lessInt)
		fill(&q, 1, 3, 2)
		fill(&lifo, 1, 3, 2)
		fill(priority, 1, 3, 2)
		expectSlice(t, "what a Queue gives", drain(ctx, &q), []int{1, 3, 2})
		expectSlice(t, "what a LifoQueue gives", drain(ctx, &lifo), []int{2, 3, 1})
		expectSlice(t, "what a PriorityQueue gives", drain(ctx, priority), []int{1, 2, 3})
	}))

	t.Run("S2 equal items come in the order of heapq", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewPriorityQueue(0, func(string, string) bool { return false })
		fill(q, "a", "b", "c", "d", "e", "f")
		expectSlice(t, "what the queue gives", drain(ctx, q), []string{"a", "c", "f", "e", "b", "d"})
	}))

	t.Run("S3 less decides by what it likes", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewPriorityQueue(0, func(a, b ranked) bool {
			return a.rank < b.rank || a.rank == b.rank && a.name < b.name
		})
		fill(q, ranked{1, "b"}, ranked{0, "z"}, ranked{1, "a"})
		expectSlice(t, "what the queue gives", drain(ctx, q), []ranked{{0, "z"}, {1, "a"}, {1, "b"}})
	}))

	t.Run("S3 a less that panics fails the put and leaves the queue as it was", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewPriorityQueue(0, func(a, b int) bool {
			if a == 13 || b == 13 {
				panic("not comparable")
			}
			return a < b
		})
		fill(q, 2, 1, 3)
		expectPanic(t, "not comparable", func() { check(q.PutNowait(13)) })
		expectEqual(t, "the statistics", q.Stats(), async.QueueStats{Size: 3, Unfinished: 3})
		expectSlice(t, "what the queue gives", drain(ctx, q), []int{1, 2, 3})
	}))

	t.Run("S4 put waits for room", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewQueue[int](2)
		var put []int
		putter := async.Go(ctx, func(ctx context.Context) error {
			for i := range 3 {
				check(q.Put(ctx, i))
				put = append(put, i)
			}
			return nil
		})
		ticks(ctx, 3)
		expectSlice(t, "what is put", put, []int{0, 1})
		expectEqual(t, "the item", must(q.Get(ctx)), 0)
		ticks(ctx, 1)
		expectSlice(t, "what is put after a get", put, []int{0, 1, 2})
		must(putter.Await(ctx))
	}))

	t.Run("S5 without a limit a queue is never full", onLoop(func(_ context.Context, t *testing.T) {
		for _, max := range []int{0, -1} {
			q := async.NewQueue[int](max)
			for i := range 1000 {
				check(q.PutNowait(i))
			}
			expectEqual(t, "full", q.Full(), false)
			expectEqual(t, "the limit", q.MaxSize(), max)
		}
		q := async.NewQueue[int](1)
		expectEqual(t, "full before", q.Full(), false)
		fill(q, 1)
		expectEqual(t, "full behind", q.Full(), true)
	}))

	t.Run("S6 what does not wait returns an error", onLoop(func(_ context.Context, t *testing.T) {
		q := async.NewQueue[int](1)
		_, err := q.GetNowait()
		expectEqual(t, "the error of an empty queue", err, async.ErrQueueEmpty)
		expectEqual(t, "empty", q.Empty(), true)
		fill(q, 1)
		expectEqual(t, "the error of a full queue", q.PutNowait(2), async.ErrQueueFull)
		expectEqual(t, "empty of a full one", q.Empty(), false)
		expectEqual(t, "the size", q.Len(), 1)
	}))

	t.Run("S7 getters are served first come first served", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[string]
		var c chronicle
		for _, name := range []string{"A", "B", "C"} {
			async.Go(ctx, getsInto(&c, name, &q))
		}
		ticks(ctx, 1)
		fill(&q, "x", "y", "z")
		ticks(ctx, 1)
		c.expect(t, "A gets x", "B gets y", "C gets z")
	}))

	t.Run("S7 putters are served first come first served", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewQueue[string](1)
		fill(q, "x")
		var c chronicle
		for _, name := range []string{"A", "B", "C"} {
			async.Go(ctx, putsInto(&c, name, q))
		}
		ticks(ctx, 1)
		var got []string
		for range 4 {
			got = append(got, must(q.Get(ctx)))
			ticks(ctx, 1)
		}
		expectSlice(t, "what comes", got, []string{"x", "A", "B", "C"})
		c.expect(t, "A is put", "B is put", "C is put")
	}))

	t.Run("S13 two puts that wait bring their items in order", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewQueue[string](1)
		fill(q, "0")
		var c chronicle
		a := async.Go(ctx, putsInto(&c, "a", q))
		b := async.Go(ctx, putsInto(&c, "b", q))
		ticks(ctx, 1)
		expectEqual(t, "the first", must(q.Get(ctx)), "0")
		expectEqual(t, "the second", must(q.Get(ctx)), "a")
		expectEqual(t, "the third", must(q.Get(ctx)), "b")
		waitFor(ctx, a, b)
	}))

	t.Run("S14 a producer and a consumer with one slot both finish", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewQueue[int](1)
		producer := async.Go(ctx, func(ctx context.Context) error {
			for i := range 5 {
				check(q.Put(ctx, i))
			}
			return nil
		})
		consumer := async.Go(ctx, func(ctx context.Context) error {
			for i := range 5 {
				expectEqual(t, "the item", must(q.Get(ctx)), i)
				ticks(ctx, 1)
			}
			return nil
		})
		must(async.Gather(ctx, producer, consumer))
	}))

	t.Run("S14 four putters finish when the queue is drained at once", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewQueue[string](2)
		fill(q, "x", "y")
		var c chronicle
		var putters []*async.Task[async.Void]
		for i := range 4 {
			putters = append(putters, async.Go(ctx, putsInto(&c, fmt.Sprint("p", i), q)))
		}
		ticks(ctx, 1)
		var got []string
		for range 6 {
			got = append(got, must(q.Get(ctx)))
		}
		waitFor(ctx, putters...)
		expectSlice(t, "what comes", got, []string{"x", "y", "p0", "p1", "p2", "p3"})
	}))

	t.Run("S15 who gets what a task puts finds it done", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		put := async.Go(ctx, func(ctx context.Context) error { return q.Put(ctx, 1) })
		expectEqual(t, "the item", must(q.Get(ctx)), 1)
		expectEqual(t, "done", put.IsDone(), true)
	}))

	t.Run("S16 join returns when all items are done", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		check(q.Join(ctx))
		sum := 0
		for i := range 100 {
			fill(&q, i)
		}
		for range 2 {
			async.Go(ctx, func(ctx context.Context) error {
				for i := range q.All(ctx) {
					ticks(ctx, 1)
					sum += i
					q.TaskDone()
				}
				return ctx.Err()
			})
		}
		check(q.Join(ctx))
		expectEqual(t, "the sum", sum, 4950)
		q.Shutdown(false)
	}))

	t.Run("S17 join waits for items that are taken out and not done", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		fill(&q, 1)
		must(q.Get(ctx))
		var c chronicle
		for _, name := range []string{"A", "B", "C"} {
			async.Go(ctx, func(ctx context.Context) error {
				check(q.Join(ctx))
				c.add("%s has joined", name)
				return nil
			})
		}
		ticks(ctx, 3)
		expectEqual(t, "the statistics", q.Stats(), async.QueueStats{Unfinished: 1, Joiners: 3})
		c.expect(t)
		q.TaskDone()
		fill(&q, 2) // comes too late to hold them up
		ticks(ctx, 1)
		c.expect(t, "A has joined", "B has joined", "C has joined")
	}))

	t.Run("S18 TaskDone too often panics", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		tooOften := "async: TaskDone was called more often than items were put into the queue"
		expectPanic(t, tooOften, q.TaskDone)
		fill(&q, 1)
		q.TaskDone()
		expectPanic(t, tooOften, q.TaskDone)
		expectEqual(t, "the item", must(q.Get(ctx)), 1) // the queue is not left locked
	}))

	t.Run("S19 String tells the state", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewQueue[string](3)
		expectEqual(t, "a new one", q.String(), "Queue(max: 3)")
		fill(q, "1")
		expectEqual(t, "one with an item", q.String(), "Queue(max: 3, items: [1], unfinished: 1)")
		fill(q, "2", "3")
		var c chronicle
		putter := async.Go(ctx, putsInto(&c, "4", q))
		ticks(ctx, 1)
		expectEqual(t, "a full one", q.String(), "Queue(max: 3, items: [1 2 3], putters: 1, unfinished: 3)")
		expectEqual(t, "who waits for it", putter.String(), fmt.Sprintf("Task(%q, pending, putsInto, waiting for %s)", putter.Name(), q))
		putter.Cancel()
		var lifo async.LifoQueue[int]
		getter := async.CreateTask(ctx, lifo.Get)
		ticks(ctx, 1)
		expectEqual(t, "one that is waited for", lifo.String(), "LifoQueue(getters: 1)")
		getter.Cancel()
		ticks(ctx, 1)
		priority := async.NewPriorityQueue(-1, lessInt)
		for i := range 11 {
			fill(priority, 10-i)
		}
		priority.Shutdown(false)
		expectEqual(t, "a long one that is shut down", priority.String(),
			"PriorityQueue(items: [0 1 5 4 2 9 6 10] and 3 more, unfinished: 11, shut down)")
	}))

	t.Run("S20 a shutdown ends puts at once and gets when the queue is empty", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewQueue[string](1)
		fill(q, "x")
		var c chronicle
		async.Go(ctx, putsInto(&c, "late", q))
		ticks(ctx, 1)
		q.Shutdown(false)
		ticks(ctx, 1)
		c.expect(t, "late: "+async.ErrQueueShutdown.Error())
		expectEqual(t, "the error of a put", q.Put(ctx, "y"), async.ErrQueueShutdown)
		expectEqual(t, "the error of one that does not wait", q.PutNowait("y"), async.ErrQueueShutdown)
		expectEqual(t, "the item", must(q.Get(ctx)), "x")
		_, err := q.Get(ctx)
		expectEqual(t, "the error of a get", err, async.ErrQueueShutdown)
		_, err = q.GetNowait()
		expectEqual(t, "the error of a get that does not wait", err, async.ErrQueueShutdown)
		join := async.Go(ctx, q.Join)
		ticks(ctx, 2)
		expectEqual(t, "joined before TaskDone", join.IsDone(), false)
		q.TaskDone()
		must(join.Await(ctx))
		expectEqual(t, "the statistics", q.Stats(), async.QueueStats{Shutdown: true})
	}))

	t.Run("S21 a shutdown ends the getters", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[string]
		var c chronicle
		async.Go(ctx, getsInto(&c, "A", &q))
		async.Go(ctx, getsInto(&c, "B", &q))
		ticks(ctx, 1)
		q.Shutdown(false)
		ticks(ctx, 1)
		c.expect(t, "A: "+async.ErrQueueShutdown.Error(), "B: "+async.ErrQueueShutdown.Error())
	}))

	t.Run("S21 an immediate shutdown drops the items and counts them as done", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		fill(&q, 1, 2, 3)
		must(q.Get(ctx)) // and not done
		join := async.Go(ctx, q.Join)
		ticks(ctx, 1)
		q.Shutdown(true)
		q.Shutdown(true)
		ticks(ctx, 2)
		expectEqual(t, "the statistics", q.Stats(), async.QueueStats{Unfinished: 1, Joiners: 1, Shutdown: true})
		q.TaskDone()
		must(join.Await(ctx))
		_, err := q.Get(ctx)
		expectEqual(t, "the error of a get", err, async.ErrQueueShutdown)
	}))

	t.Run("S21 an immediate shutdown copes with items that were done before they were taken", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		fill(&q, 1, 2, 3)
		q.TaskDone()
		q.TaskDone()
		join := async.Go(ctx, q.Join)
		ticks(ctx, 1)
		q.Shutdown(true)
		must(join.Await(ctx))
		expectEqual(t, "the statistics", q.Stats(), async.QueueStats{Shutdown: true})
	}))

	t.Run("S22 takers in a whole program are served in order", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[string]
		var c chronicle
		var takers []*async.Task[async.Void]
		for _, name := range []string{"c1", "c2", "c3", "c4"} {
			takers = append(takers, async.Go(ctx, getsInto(&c, name, &q)))
		}
		ticks(ctx, 1)
		fill(&q, "1")
		takers[1].Cancel()
		fill(&q, "2", "3")
		waitFor(ctx, takers...)
		c.expect(t, "c1 gets 1", "c2: cancelled", "c3 gets 2", "c4 gets 3")
	}))
}

// The bugs by which CPython has once lost a wake-up or an item, and those that its tests guard
// against.
func TestFactsQueueWakeUps(t *testing.T) {
	t.Run("S8 a getter whose item was taken goes to the back of the line", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[string]
		var c chronicle
		async.Go(ctx, getsInto(&c, "A", &q))
		async.Go(ctx, getsInto(&c, "B", &q))
		ticks(ctx, 1)
		fill(&q, "x")
		c.add("main steals %s", must(q.GetNowait()))
		ticks(ctx, 1)
		fill(&q, "y", "z")
		ticks(ctx, 1)
		c.expect(t, "main steals x", "B gets y", "A gets z")
	}))

	t.Run("S8 a putter whose room was taken goes to the back of the line", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewQueue[string](1)
		fill(q, "x")
		var c chronicle
		async.Go(ctx, putsInto(&c, "A", q))
		async.Go(ctx, putsInto(&c, "B", q))
		ticks(ctx, 1)
		must(q.GetNowait())
		fill(q, "main's")
		var got []string
		for range 3 {
			ticks(ctx, 1)
			got = append(got, must(q.GetNowait()))
		}
		expectSlice(t, "what comes", got, []string{"main's", "B", "A"})
	}))

	t.Run("S9 a getter that is cancelled after it was woken hands on to the next", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[string]
		var c chronicle
		a := async.Go(ctx, getsInto(&c, "A", &q))
		async.Go(ctx, getsInto(&c, "B", &q))
		ticks(ctx, 1)
		fill(&q, "x")
		a.Cancel()
		ticks(ctx, 1)
		c.expect(t, "A: cancelled")
		ticks(ctx, 1)
		c.expect(t, "A: cancelled", "B gets x")
	}))

	t.Run("S9 many getters that are cancelled after they were woken lose no item", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[string]
		var c chronicle
		var readers []*async.Task[async.Void]
		for i := range 10 {
			readers = append(readers, async.Go(ctx, getsInto(&c, fmt.Sprint(i), &q)))
		}
		ticks(ctx, 1)
		fill(&q, "x", "y", "z")
		for _, r := range readers[:9] {
			r.Cancel()
		}
		waitFor(ctx, readers...)
		expectEqual(t, "the last reader's line", c.lines[len(c.lines)-1], "9 gets x")
		expectSlice(t, "what is left", drain(ctx, &q), []string{"y", "z"})
	}))

	t.Run("S9 a getter whose time is over as an item comes leaves the item", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[string]
		l := running(ctx)
		l.CallLater(time.Second, func() { fill(&q, "x") })
		short, cancel := async.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err := q.Get(short)
		expectError(t, "the get", err, async.ErrTimeout)
		expectEqual(t, "the item", must(q.GetNowait()), "x")
	}))

	t.Run("S10 a putter that is cancelled after it was woken hands on to the next", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewQueue[string](1)
		fill(q, "x")
		var c chronicle
		a := async.Go(ctx, putsInto(&c, "A", q))
		async.Go(ctx, putsInto(&c, "B", q))
		ticks(ctx, 1)
		must(q.GetNowait())
		a.Cancel()
		ticks(ctx, 2)
		c.expect(t, "A: cancelled", "B is put")
		expectSlice(t, "what is left", drain(ctx, q), []string{"B"})
	}))

	t.Run("S11 an item passes over a getter that was cancelled before", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[string]
		var c chronicle
		a := async.Go(ctx, getsInto(&c, "A", &q))
		async.Go(ctx, getsInto(&c, "B", &q))
		ticks(ctx, 1)
		a.Cancel()
		fill(&q, "x")
		ticks(ctx, 1)
		c.expect(t, "A: cancelled", "B gets x")
	}))

	t.Run("S11 an item passes over a getter whose timeout has just come", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[string]
		var c chronicle
		async.Go(ctx, func(ctx context.Context) error {
			ctx, cancel := async.WithTimeout(ctx, time.Second)
			defer cancel()
			return getsInto(&c, "A", &q)(ctx)
		})
		async.Go(ctx, getsInto(&c, "B", &q))
		ticks(ctx, 1)
		running(ctx).CallLater(time.Second, func() { fill(&q, "x") })
		check(async.Sleep(ctx, time.Second))
		ticks(ctx, 1)
		c.expect(t, "A: timed out", "B gets x")
	}))

	t.Run("S12 putters that are cancelled leave the line", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewQueue[string](1)
		fill(q, "x")
		var c chronicle
		a := async.Go(ctx, putsInto(&c, "A", q))
		b := async.Go(ctx, putsInto(&c, "B", q))
		ticks(ctx, 1)
		expectEqual(t, "how many wait", q.Stats().Putters, 2)
		a.Cancel() // not woken
		ticks(ctx, 1)
		expectEqual(t, "how many wait after a cancellation", q.Stats().Putters, 1)
		must(q.GetNowait())
		b.Cancel() // woken
		ticks(ctx, 1)
		c.expect(t, "A: cancelled", "B: cancelled")
		expectEqual(t, "the statistics", q.Stats(), async.QueueStats{Unfinished: 1})
		fill(q, "y")
	}))
}

// What else there is to know of queues, and Python has no word for.
func TestQueue(t *testing.T) {
	t.Run("All ends with a shutdown, when the queue is empty", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		fill(&q, 1, 2, 3)
		q.Shutdown(false)
		expectSlice(t, "what comes", slices.Collect(q.All(ctx)), []int{1, 2, 3})
		expectError(t, "ctx", ctx.Err(), nil)
	}))

	t.Run("All takes no more when ctx has ended", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		fill(&q, 1, 2, 3)
		short, cancel := async.WithTimeout(ctx, async.Forever)
		var got []int
		for item := range q.All(short) {
			got = append(got, item)
			cancel()
		}
		expectSlice(t, "what came", got, []int{1})
		expectError(t, "ctx", short.Err(), context.Canceled)
		expectEqual(t, "the number of items that are left", q.Len(), 2)
	}))

	t.Run("All keeps the rest when it is left", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		fill(&q, 1, 2, 3)
		for range q.All(ctx) {
			break
		}
		expectSlice(t, "what is left", drain(ctx, &q), []int{2, 3})
	}))

	t.Run("a task that is cancelled in All ends cancelled", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		consumer := async.Go(ctx, func(ctx context.Context) error {
			for range q.All(ctx) {
				t.Error("there is an item")
			}
			return nil
		})
		asks := async.Go(ctx, func(ctx context.Context) error {
			for range q.All(ctx) {
				t.Error("there is an item")
			}
			if ctx.Err() == nil {
				t.Error("ctx has not ended")
			}
			return nil
		})
		ticks(ctx, 1)
		consumer.Cancel()
		asks.Cancel()
		waitFor(ctx, consumer, asks)
		expectEqual(t, "cancelled of the one", consumer.Cancelled(), true)
		expectEqual(t, "cancelled of the one that asks", asks.Cancelled(), false)
	}))

	t.Run("a callback cannot wait, and takes what is there", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		fill(&q, 1, 2)
		running(ctx).CallSoon(func() {
			expectEqual(t, "the item", must(q.Get(ctx)), 1)
			expectSlice(t, "the items", slices.Collect(q.All(ctx)), []int{2})
			_, err := q.Get(ctx)
			expectError(t, "a get of an empty queue", err, async.ErrNotInTask)
			check(q.Put(ctx, 3))
			expectError(t, "a join", q.Join(ctx), async.ErrNotInTask)
		})
		ticks(ctx, 1)
		expectEqual(t, "the statistics", q.Stats(), async.QueueStats{Size: 1, Unfinished: 3})
	}))

	t.Run("a wait that does not suspend is no cancellation point", onLoop(func(ctx context.Context, t *testing.T) {
		q := async.NewQueue[int](1)
		task := async.Go(ctx, func(ctx context.Context) error {
			async.CurrentTask(ctx).Cancel()
			check(q.Put(ctx, 1))
			must(q.Get(ctx))
			q.TaskDone()
			check(q.Join(ctx))
			_, err := q.Get(ctx)
			expectError(t, "a get that waits", err, async.ErrCancelled)
			return err
		})
		waitFor(ctx, task)
		expectEqual(t, "cancelled", task.Cancelled(), true)
	}))

	t.Run("an eager task stands in line from its first step", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		task := async.CreateTask(ctx, q.Get, async.Eager())
		expectEqual(t, "the statistics", q.Stats(), async.QueueStats{Getters: 1})
		fill(&q, 1)
		expectEqual(t, "the item", must(task.Await(ctx)), 1)
	}))

	t.Run("a task in Block waits as a goroutine does", onLoop(func(ctx context.Context, t *testing.T) {
		var q async.Queue[int]
		put := async.Go(ctx, func(ctx context.Context) error { return q.Put(ctx, 1) })
		expectEqual(t, "the item", must(async.Block(ctx, q.Get)), 1)
		must(put.Await(ctx))
	}))

	t.Run("a loop that is closed leaves no one in the line", func(t *testing.T) {
		guarded(t, func() {
			q := async.NewQueue[int](1)
			l := async.NewLoop()
			unwound := 0
			stuck := func(fn func(ctx context.Context) error) {
				async.Go(l.Context(), func(ctx context.Context) error {
					defer func() { unwound++ }()
					return fn(ctx)
				})
			}
			stuck(func(ctx context.Context) error {
				var empty async.Queue[int]
				_, err := empty.Get(ctx)
				return err
			})
			stuck(func(ctx context.Context) error { return q.Put(ctx, 1) })
			_, err := async.RunUntilComplete(l, async.After(0, 0))
			expectError(t, "the run", err, nil)
			standStill(l)
			stuck(func(ctx context.Context) error { return q.Put(ctx, 2) })
			stuck(q.Join)
			_, err = async.RunUntilComplete(l, async.After(0, 0))
			expectError(t, "the second run", err, nil)
			standStill(l)
			expectEqual(t, "how many put", q.Stats().Putters, 1)
			expectError(t, "the end", l.Close(), nil)
			expectEqual(t, "unwound", unwound, 4)
			expectEqual(t, "the statistics", q.Stats(), async.QueueStats{Size: 1, Unfinished: 1})
			expectEqual(t, "the item", must(q.GetNowait()), 1)
		})
	})

	t.Run("misuse panics with one sentence", func(t *testing.T) {
		expectPanic(t, "async: NewPriorityQueue was called with a nil less", func() { async.NewPriorityQueue[int](0, nil) })
		var zero async.PriorityQueue[int]
		expectPanic(t, "async: a PriorityQueue was not made by NewPriorityQueue", func() { check(zero.PutNowait(1)) })
		expectEqual(t, "the size", zero.Len(), 0)
		var q async.Queue[int]
		//lint:ignore SA1012 this is the misuse
		expectPanic(t, "async: the ctx of a wait is nil", func() { _, _ = q.Get(nil) })
		//lint:ignore SA1012 this is the misuse
		expectPanic(t, "async: the ctx of a wait is nil", func() { check(q.Put(nil, 1)) })
		//lint:ignore SA1012 this is the misuse
		expectPanic(t, "async: the ctx of a wait is nil", func() { check(q.Join(nil)) })
		expectEqual(t, "the size", q.Len(), 0)
	})
}
