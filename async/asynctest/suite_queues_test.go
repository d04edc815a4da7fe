package asynctest_test

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

// A store is any of the queues.
type store interface {
	Put(ctx context.Context, v int) error
	Get(ctx context.Context) (int, error)
	All(ctx context.Context) iter.Seq[int]
	TaskDone()
	Join(ctx context.Context) error
	Shutdown(immediate bool)
	Len() int
	Stats() async.QueueStats
}

var queueSurvivors = func() (all []survivor) {
	kinds := []struct {
		name string
		make func() store
	}{
		{"Queue", func() store { return async.NewQueue[int](1) }},
		{"LifoQueue", func() store { return async.NewLifoQueue[int](1) }},
		{"PriorityQueue", func() store { return async.NewPriorityQueue(1, func(a, b int) bool { return a < b }) }},
	}
	uses := []struct {
		name string
		main func(ctx context.Context, q store) error
	}{
		{"", transfer}, {" whose getter is cancelled as it is woken", getterCancelled}, {" whose putter is", putterCancelled},
		{" with TaskDone and Join", joined}, {" that is shut down", shutDown}, {" that is shut down at once", dropped},
	}
	for _, k := range kinds {
		for _, u := range uses {
			all = append(all, survivor{k.name + u.name, func(ctx context.Context) error {
				q := k.make()
				asynctest.Invariant(ctx, func() error {
					s := q.Stats()
					return errors.Join(same("getters", s.Getters, 0), same("putters", s.Putters, 0), same("joiners", s.Joiners, 0))
				})
				return u.main(ctx, q)
			}})
		}
	}
	return all
}()

// transfer has tasks put items into a queue and take them out, and counts them: none is lost, also if a task is
// cancelled on the way. In some orders the last one waits in vain, but nobody does so for what is there.
func transfer(ctx context.Context, q store) error {
	in, out := 0, 0
	asynctest.Invariant(ctx, func() error { return same("items out and items held", out+q.Len(), in) })
	l, err := async.RunningLoop(ctx)
	if err != nil {
		return err
	}
	return three(ctx, func(ctx context.Context, task, turn int) error {
		d := time.Second << (3*turn + task) // no two end at the same time
		short, cancel := async.WithTimeout(ctx, d)
		defer cancel()
		began, put := l.Time(), (task+turn)%2 == 0
		var err error
		if put {
			if err = q.Put(short, task); err == nil {
				in++
			}
		} else if _, err = q.Get(short); err == nil {
			out++
		}
		if err != nil && l.Time() >= began+d && (q.Len() == 0) == put { // and not by a fault
			return errors.New("a wait has not noticed that it could end")
		}
		return errors.Join(orTimeout(err), pause(ctx))
	})
}

// getterCancelled takes the item that somebody was woken for to the next one.
func getterCancelled(ctx context.Context, q store) error {
	return handedOver(ctx, func(ctx context.Context) error { _, err := q.Get(ctx); return err },
		func(ctx context.Context) error { return q.Put(ctx, 1) })
}

// putterCancelled does that with room for an item.
func putterCancelled(ctx context.Context, q store) error {
	if err := q.Put(ctx, 0); err != nil {
		return err
	}
	return handedOver(ctx, func(ctx context.Context) error { return q.Put(ctx, 1) },
		func(ctx context.Context) error { _, err := q.Get(ctx); return err })
}

// joined has one task put items in and wait until they are done, and two that work on them.
func joined(ctx context.Context, q store) error {
	t := asynctest.TB(ctx)
	in, done := 0, 0
	asynctest.Invariant(ctx, func() error {
		s := q.Stats()
		return errors.Join(same("items not done", s.Unfinished, in-done), same("items held", s.Size, in-done))
	})
	put := func(ctx context.Context) error {
		defer q.Shutdown(false) // there is nothing more to work on
		for turn := range 3 {
			if err := q.Put(ctx, turn); err != nil {
				return err
			}
			in++
		}
		err := q.Join(ctx)
		if err == nil && done < in {
			t.Errorf("Join has not waited: %d of %d items are done", done, in)
		}
		return err
	}
	work := func(ctx context.Context) error {
		for range 3 {
			if _, err := q.Get(ctx); err != nil {
				return orShut(err)
			}
			err := func() error {
				defer func() { done++; q.TaskDone() }()
				return pause(ctx)
			}()
			if err != nil {
				return err
			}
		}
		return nil
	}
	return together(ctx, patient(put), patient(work), patient(work), patient(func(ctx context.Context) error {
		if err := pause(ctx); err != nil {
			return err
		}
		return q.Join(ctx) // a second one
	}))
}

// orShut takes the end of a queue for a way to succeed.
func orShut(err error) error {
	if errors.Is(err, async.ErrQueueShutdown) {
		return nil
	}
	return err
}

// patient gives up after an hour: when a fault has taken the others away. Without a fault that is a failure.
func patient(p program) program {
	return func(ctx context.Context) error {
		ctx, cancel := async.WithTimeout(ctx, time.Hour)
		defer cancel()
		return p(ctx)
	}
}

// shutDown has a task put items in and then close the queue, and two that take all there are.
func shutDown(ctx context.Context, q store) error {
	in, out := 0, 0
	asynctest.Invariant(ctx, func() error { return same("items out and items held", out+q.Len(), in) })
	put := func(ctx context.Context) error {
		defer q.Shutdown(false)
		for turn := range 3 {
			if err := q.Put(ctx, turn); err != nil {
				return err
			}
			in++
		}
		return nil
	}
	take := func(ctx context.Context) error {
		for range q.All(ctx) {
			out++
			if err := pause(ctx); err != nil {
				return err
			}
		}
		return context.Cause(ctx)
	}
	if err := together(ctx, patient(put), take, take); err != nil {
		return err
	}
	if in == 3 {
		return same("items left", q.Len(), 0)
	}
	return nil
}

// dropped has a task close a queue that others put into, take from and wait for, and drop what is left.
func dropped(ctx context.Context, q store) error {
	working := 0
	asynctest.Invariant(ctx, func() error {
		return errors.Join(same("items held", q.Len(), 0), same("items not done", q.Stats().Unfinished, 0), same("items worked on", working, 0))
	})
	put := func(ctx context.Context) error {
		for turn := range 3 {
			if err := q.Put(ctx, turn); err != nil {
				return orShut(err)
			}
		}
		return q.Join(ctx) // ends although nobody takes what is left
	}
	take := func(ctx context.Context) error {
		if _, err := q.Get(ctx); err != nil {
			return orShut(err)
		}
		working++
		defer func() { working--; q.TaskDone() }()
		return pause(ctx)
	}
	shut := func(ctx context.Context) error {
		defer q.Shutdown(true)
		return errors.Join(pause(ctx), pause(ctx), pause(ctx))
	}
	defer q.Shutdown(true) // a task that is cancelled before it starts never does
	return together(ctx, put, take, shut)
}
