package async

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/items"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// Errors of queues.
var (
	// ErrQueueEmpty is returned by GetNowait when there is no item: asyncio.QueueEmpty.
	ErrQueueEmpty = errors.New("async: the queue is empty")
	// ErrQueueFull is returned by PutNowait when there is no room: asyncio.QueueFull.
	ErrQueueFull = errors.New("async: the queue is full")
	// ErrQueueShutdown is returned by all that puts an item into a queue which is shut down, or
	// waits for an item that will not come any more: asyncio.QueueShutDown.
	ErrQueueShutdown = errors.New("async: the queue is shut down")
)

// A Queue passes items from those who put them in to those who take them out, first in, first out:
// asyncio.Queue. The zero value is an empty queue without a limit. A Queue must not be copied.
//
// All methods can be called from tasks of any loop, from callbacks and from plain goroutines, at
// the same time. Those that have a ctx can wait; a callback that would have to gets [ErrNotInTask].
// Who waits is served first come, first served. A task's wait allocates nothing. Between plain goroutines
// alone, a channel does the same job for less.
//
// A wait ends early when its ctx does. That is get(timeout) and put(timeout) of Python's other
// queues, and fails with [ErrTimeout]:
//
//	ctx, cancel := async.WithTimeout(ctx, d); defer cancel()
//
// On a plain goroutine it also ends when the loop that ctx belongs to is closed, with
// [ErrLoopClosed].
type Queue[T any] struct{ queue[T, items.FIFO[T]] }

// NewQueue returns a queue that has room for max items: asyncio.Queue(maxsize). With max ≤ 0 there
// is no limit.
func NewQueue[T any](max int) *Queue[T] {
	return &Queue[T]{queue[T, items.FIFO[T]]{max: max}}
}

// A queue is all that the kinds have in common. It follows CPython's Lib/asyncio/queues.py of 3.13
// to the letter, because who is woken when can be seen: an item is not handed to a getter, the
// getter is woken and looks again, and goes to the back of the line if somebody was faster. So what
// a getter has not taken is never lost with it, and whoever is woken in vain, because it is
// cancelled, wakes the next one.
//
// No method that can wait unlocks by a defer: when a loop is closed, a task is unwound out of its
// wait without the lock.
type queue[T any, O items.Order[T]] struct {
	order O
	max   int // written once, before the queue is used

	mu         sync.Mutex
	items      items.Ring[T]
	getters    loop.Line
	putters    loop.Line
	joiners    loop.Line
	unfinished int // put in, and not done
	in, out    int // items in all, for Balance
	shut       bool
}

// Put adds an item, and waits while the queue is full: await queue.put(item). Without having to
// wait it does not give way.
//
// If ctx is cancelled while Put waits, it returns [ErrCancelled], or [ErrTimeout] if that was by
// [WithTimeout], and the item is not in the queue. When the queue is shut down, also during the
// wait, it returns [ErrQueueShutdown].
func (q *queue[T, O]) Put(ctx context.Context, item T) error {
	checkWaitContext(ctx)
	q.mu.Lock()
	for q.full() && !q.shut {
		if err := q.putters.Wait(ctx, &q.mu, (*queueKeeper[T, O])(q)); err != nil {
			q.mu.Unlock()
			return err
		}
	}
	if q.shut {
		q.mu.Unlock()
		return ErrQueueShutdown
	}
	q.addAndUnlock(item)
	return nil
}

// PutNowait adds an item, or returns [ErrQueueFull] if there is no room, or [ErrQueueShutdown]:
// queue.put_nowait(item). It never waits. It also takes the room that somebody in the line was just
// woken for, who then goes to the back of the line.
func (q *queue[T, O]) PutNowait(item T) error {
	q.mu.Lock()
	switch {
	case q.shut:
		q.mu.Unlock()
		return ErrQueueShutdown
	case q.full():
		q.mu.Unlock()
		return ErrQueueFull
	}
	q.addAndUnlock(item)
	return nil
}

// Get takes the next item, and waits while the queue is empty: await queue.get(). Without having to
// wait it does not give way.
//
// If ctx is cancelled while Get waits, it returns [ErrCancelled], or [ErrTimeout] if that was by
// [WithTimeout], and no item is lost: the one that Get was just woken for stays and goes to the
// next in the line. When the queue is shut down and empty, also during the wait, it returns
// [ErrQueueShutdown].
func (q *queue[T, O]) Get(ctx context.Context) (T, error) {
	checkWaitContext(ctx)
	q.mu.Lock()
	for q.items.Len() == 0 {
		err := ErrQueueShutdown
		if !q.shut {
			err = q.getters.Wait(ctx, &q.mu, (*queueKeeper[T, O])(q))
		}
		if err != nil {
			q.mu.Unlock()
			return *new(T), err
		}
	}
	return q.takeAndUnlock(), nil
}

// GetNowait takes the next item, or returns [ErrQueueEmpty] if there is none, or [ErrQueueShutdown]
// if none will come: queue.get_nowait(). It never waits. It also takes the item that somebody in
// the line was just woken for, who then goes to the back of the line.
func (q *queue[T, O]) GetNowait() (T, error) {
	q.mu.Lock()
	if q.items.Len() == 0 {
		err := ErrQueueEmpty
		if q.shut {
			err = ErrQueueShutdown
		}
		q.mu.Unlock()
		return *new(T), err
	}
	return q.takeAndUnlock(), nil
}

// All takes the items one after the other, and waits for more, until the queue is shut down and
// empty: the loop around queue.get() of a consumer. It does not call TaskDone.
//
// If ctx ends, so does the iteration, before the next item is taken, even if there is one. It does
// so without a word; ctx.Err tells the two ends apart. A task that is cancelled in the iteration,
// and then returns without having asked, ends cancelled. In a callback, which cannot wait, the
// iteration ends when the queue is empty.
func (q *queue[T, O]) All(ctx context.Context) iter.Seq[T] {
	return func(yield func(T) bool) {
		for loop.CauseOf(ctx) == nil {
			item, err := q.Get(ctx)
			if err != nil {
				if t, _ := loop.Current(ctx); t != nil && future.IsCancelled(err) {
					t.Redeliver() // nobody sees err
				}
				return
			}
			if !yield(item) {
				return
			}
		}
	}
}

// TaskDone says that the work on an item that was taken out is done: queue.task_done(). With the
// last of all that were put in, those who wait in Join go on, in order. It panics if it is called
// more often than items were put in.
func (q *queue[T, O]) TaskDone() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.unfinished == 0 {
		panic("async: TaskDone was called more often than items were put into the queue")
	}
	q.finish(1)
	loop.Gave((*joinKeeper[T, O])(q))
}

// Join waits until TaskDone was called for every item that was put in: await queue.join(). If that
// is so already, it does not give way. Items that are put in after the last TaskDone do not hold it
// up. Shutdown ends it only if the items that are left are dropped, and nothing else is being
// worked on.
//
// If ctx is cancelled while Join waits, it returns [ErrCancelled], or [ErrTimeout] if that was by
// [WithTimeout].
func (q *queue[T, O]) Join(ctx context.Context) error {
	checkWaitContext(ctx)
	q.mu.Lock()
	var err error
	if q.unfinished > 0 {
		err = q.joiners.Wait(ctx, &q.mu, (*joinKeeper[T, O])(q))
	}
	q.mu.Unlock()
	return err
}

// Shutdown says that no more items will come: queue.shutdown(immediate). Whoever puts an item in,
// or waits to do so, gets [ErrQueueShutdown], and so does who wants an item when there are none
// left. With immediate, the items that are left are dropped and count as done. To call it again
// does no harm.
func (q *queue[T, O]) Shutdown(immediate bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.shut = true
	if immediate {
		dropped := q.items.Len()
		q.items.Clear()
		q.out += dropped
		q.finish(min(dropped, q.unfinished)) // TaskDone may have been called for items that were not taken out
	}
	q.getters.WakeAll()
	q.putters.WakeAll()
}

// Len returns the number of items in the queue: queue.qsize().
func (q *queue[T, O]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.items.Len()
}

// Empty reports whether there is no item in the queue: queue.empty().
func (q *queue[T, O]) Empty() bool { return q.Len() == 0 }

// Full reports whether there is no room in the queue: queue.full(). One without a limit is never
// full.
func (q *queue[T, O]) Full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.full()
}

// MaxSize returns for how many items there is room, as it was given to the constructor; ≤ 0 is no
// limit: queue.maxsize.
func (q *queue[T, O]) MaxSize() int { return q.max }

// QueueStats tells what is going on in a queue at one moment.
type QueueStats struct {
	Size       int  // items in the queue
	Unfinished int  // items that were put in and for which TaskDone was not called
	Getters    int  // tasks and goroutines that wait for an item
	Putters    int  // tasks and goroutines that wait for room
	Joiners    int  // tasks and goroutines that wait in Join
	Shutdown   bool // Shutdown was called
}

// Stats returns what is going on in the queue. Who was woken, and has not run yet, does not count
// as waiting.
func (q *queue[T, O]) Stats() QueueStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.stats()
}

// stats is Stats under the lock.
func (q *queue[T, O]) stats() QueueStats {
	return QueueStats{
		Size:       q.items.Len(),
		Unfinished: q.unfinished,
		Getters:    q.getters.Waiting(),
		Putters:    q.putters.Waiting(),
		Joiners:    q.joiners.Waiting(),
		Shutdown:   q.shut,
	}
}

// String returns the kind of the queue, its limit, the first of its items, and its numbers:
// str(queue).
func (q *queue[T, O]) String() string {
	const shown = 8
	q.mu.Lock()
	items, s := q.items.First(shown), q.stats()
	q.mu.Unlock()
	var parts []string
	add := func(format string, n int) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(format, n))
		}
	}
	add("max: %d", q.max)
	if more := s.Size - len(items); more > 0 {
		parts = append(parts, fmt.Sprintf("items: %v and %d more", items, more))
	} else if len(items) > 0 {
		parts = append(parts, fmt.Sprintf("items: %v", items))
	}
	add("getters: %d", s.Getters)
	add("putters: %d", s.Putters)
	add("unfinished: %d", s.Unfinished)
	if s.Shutdown {
		parts = append(parts, "shut down")
	}
	return q.order.Name() + "(" + strings.Join(parts, ", ") + ")"
}

func (q *queue[T, O]) full() bool { return q.max > 0 && q.items.Len() >= q.max }

// addAndUnlock puts an item in and wakes who waits for one. The lock is released also if the order
// panics.
func (q *queue[T, O]) addAndUnlock(item T) {
	defer q.mu.Unlock()
	q.order.Add(&q.items, item)
	q.unfinished++
	q.in++
	if q.getters.Waiting() > 0 {
		q.getters.Wake()
	}
}

// takeAndUnlock takes the next item out and wakes who waits for room.
func (q *queue[T, O]) takeAndUnlock() T {
	defer q.mu.Unlock()
	item := q.order.Take(&q.items)
	q.out++
	loop.Took((*joinKeeper[T, O])(q))
	if q.putters.Waiting() > 0 {
		q.putters.Wake()
	}
	return item
}

// finish notes that n items are done.
func (q *queue[T, O]) finish(n int) {
	if q.unfinished -= n; q.unfinished == 0 {
		q.joiners.WakeAll()
	}
}

// A queueKeeper is a queue as its lines see it.
type queueKeeper[T any, O items.Order[T]] queue[T, O]

// GaveUp implements [loop.Keeper]: who was woken in vain wakes the next one.
func (k *queueKeeper[T, O]) GaveUp(line *loop.Line, woken bool) {
	q := (*queue[T, O])(k)
	if woken && (line == &q.getters && q.items.Len() > 0 || line == &q.putters && !q.full()) {
		line.Wake()
	}
}

// Balance implements what the books of package loop ask: what has come in has gone out, or is here.
func (k *queueKeeper[T, O]) Balance() (in, out, here int) { return k.in, k.out, k.items.Len() }

// String implements [loop.Keeper].
func (k *queueKeeper[T, O]) String() string { return (*queue[T, O])(k).String() }

// A joinKeeper is a queue as those see it who wait in Join: for the tasks that have taken items and not said that
// they are done.
type joinKeeper[T any, O items.Order[T]] queue[T, O]

// GaveUp implements [loop.Keeper]. Nobody else misses anything.
func (k *joinKeeper[T, O]) GaveUp(*loop.Line, bool) {}

// Balance implements what the books of package loop ask, as that of queueKeeper.
func (k *joinKeeper[T, O]) Balance() (in, out, here int) { return k.in, k.out, k.items.Len() }

// String implements [loop.Keeper].
func (k *joinKeeper[T, O]) String() string { return "Join of " + (*queue[T, O])(k).String() }

// checkWaitContext panics for a nil ctx, before a lock is taken.
func checkWaitContext(ctx context.Context) {
	if ctx == nil {
		panic("async: the ctx of a wait is nil")
	}
}
