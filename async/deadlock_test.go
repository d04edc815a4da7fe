package async_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func TestReportDeadlock(t *testing.T) {
	t.Run("it says who waits for what, and where", func(t *testing.T) {
		var r *async.DeadlockReport
		err := async.Run(func(ctx context.Context) error {
			l, _ := async.RunningLoop(ctx)
			never := async.NewFuture[int](ctx)
			task := async.Go(ctx, func(ctx context.Context) error { _, err := never.Await(ctx); return err }, async.Name("waiter"))
			giveWay(ctx)
			r = async.ReportDeadlock(l)
			task.Cancel()
			return nil
		}, async.Debug())
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Tasks) != 1 || r.Stuck {
			t.Fatalf("the report is %+v", r)
		}
		w := r.Tasks[0]
		if w.Task != "waiter" || !strings.HasPrefix(w.For, "Future(pending, 1 waiting") {
			t.Errorf("the task is %+v", w)
		}
		if !strings.Contains(w.At, "deadlock_test.go:") || !strings.Contains(w.Created, "deadlock_test.go:") {
			t.Errorf("the places are %q and %q", w.At, w.Created)
		}
	})
	t.Run("tasks that wait for each other are a cycle", func(t *testing.T) {
		var r *async.DeadlockReport
		async.Run(func(ctx context.Context) error {
			l, _ := async.RunningLoop(ctx)
			var a, b *async.Task[async.Void]
			a = async.Go(ctx, func(ctx context.Context) error { _, err := b.Await(ctx); return err }, async.Name("a"))
			b = async.Go(ctx, func(ctx context.Context) error { _, err := a.Await(ctx); return err }, async.Name("b"))
			giveWay(ctx)
			r = async.ReportDeadlock(l)
			a.Cancel()
			return nil
		})
		if want := "a waits for Task(\"b\")\nb waits for Task(\"a\")\ncycle: a → b → a"; r.String() != want {
			t.Errorf("the report is\n%v\nand should be\n%v", r, want)
		}
	})
}

// A stuck program and who holds what in it.
type stuckProgram struct {
	name  string
	main  func(ctx context.Context, start func(name string, fn func(ctx context.Context) error))
	lines []string // parts of the report, without the places
	cycle string
}

var stuckPrograms = []stuckProgram{
	{"a lock and a semaphore in opposite order", func(ctx context.Context, start func(string, func(ctx context.Context) error)) {
		var l async.Lock
		s := async.NewSemaphore(1)
		start("a", nest(&l, s))
		start("b", nest(s, &l))
	}, []string{"a waits for Semaphore(locked, waiters: 1), held by b", "b waits for Lock(locked, waiters: 1), held by a"}, "a → b → a"},
	{"bounded semaphores in opposite order", func(ctx context.Context, start func(string, func(ctx context.Context) error)) {
		s1, s2 := async.NewBoundedSemaphore(1), async.NewBoundedSemaphore(1)
		start("a", nest(s1, s2))
		start("b", nest(s2, s1))
	}, []string{"a waits for BoundedSemaphore(locked, waiters: 1), held by b"}, "a → b → a"},
	{"a semaphore of two, of which all who hold a permit are stuck", func(ctx context.Context, start func(string, func(ctx context.Context) error)) {
		var l async.Lock
		s := async.NewSemaphore(2)
		start("a", nest(s, &l))
		start("b", nest(s, &l))
		start("c", nest(&l, s))
	}, []string{"c waits for Semaphore(locked, waiters: 1), held by a and b"}, "a → c → a"},
	{"a semaphore of two, of which one is free to go on", func(ctx context.Context, start func(string, func(ctx context.Context) error)) {
		var l async.Lock
		s := async.NewSemaphore(2)
		start("a", nest(s, &l))
		start("b", nest(s, new(async.Event)))
		start("c", nest(&l, s))
	}, []string{"c waits for Semaphore(locked, waiters: 1), held by a and b", "b waits for Event(unset"}, ""},
	{"reentrant locks in opposite order", func(ctx context.Context, start func(string, func(ctx context.Context) error)) {
		var l1, l2 async.RLock
		start("a", nest(&l1, &l2))
		start("b", nest(&l2, &l1))
	}, []string{"a waits for RLock(", ", held by b"}, "a → b → a"},
	{"a condition whose lock is held by one who waits for the waiter", func(ctx context.Context, start func(string, func(ctx context.Context) error)) {
		var c async.Condition
		var done async.Lock
		start("waiter", func(ctx context.Context) error {
			return done.With(ctx, func(ctx context.Context) error { return c.With(ctx, c.Wait) })
		})
		start("notifier", nest(&c, &done))
	}, []string{"waiter waits for Condition(locked, waiters: 1), held by notifier"}, "waiter → notifier → waiter"},
	{"a Join of a queue whose worker waits for who joins", func(ctx context.Context, start func(string, func(ctx context.Context) error)) {
		q := async.NewQueue[int](0)
		var l async.Lock
		q.PutNowait(1)
		start("boss", func(ctx context.Context) error { return l.With(ctx, q.Join) })
		start("worker", func(ctx context.Context) error {
			if _, err := q.Get(ctx); err != nil {
				return err
			}
			defer q.TaskDone()
			return l.Acquire(ctx)
		})
	}, []string{"boss waits for Join of Queue(", ", held by worker"}, "boss → worker → boss"},
	{"a gather of tasks that want the lock of who gathers", func(ctx context.Context, start func(string, func(ctx context.Context) error)) {
		var l async.Lock
		start("parent", func(ctx context.Context) error {
			return l.With(ctx, func(ctx context.Context) error {
				_, err := async.Gather(ctx, async.Go(ctx, l.Acquire, async.Name("a")), async.Go(ctx, l.Acquire, async.Name("b")))
				return err
			})
		})
	}, []string{`parent waits for Task("a") and Task("b")` + "\n", "a waits for Lock(locked, waiters: 2), held by parent"}, "parent → a → parent"},
	{"a group of tasks that want the lock of who waits for the group", func(ctx context.Context, start func(string, func(ctx context.Context) error)) {
		var l async.Lock
		start("parent", func(ctx context.Context) error {
			return l.With(ctx, func(ctx context.Context) error {
				return async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
					for _, name := range []string{"a", "b", "c", "d", "e"} {
						tg.Go(l.Acquire, async.Name(name))
					}
					return nil
				})
			})
		})
	}, []string{`parent waits for Task("a"), Task("b"), Task("c") and 2 others`}, "parent → a → parent"},
}

// nest takes two things, one after the other, and gives way in between.
func nest(first, second any) func(ctx context.Context) error {
	take := func(ctx context.Context, x any) error {
		switch x := x.(type) {
		case interface{ Acquire(context.Context) error }:
			return x.Acquire(ctx)
		case *async.Event:
			return x.Wait(ctx)
		}
		panic("what is it?")
	}
	return func(ctx context.Context) error {
		if err := take(ctx, first); err != nil {
			return err
		}
		defer first.(interface{ Release() }).Release()
		if err := async.Sleep(ctx, 0); err != nil {
			return err
		}
		return take(ctx, second)
	}
}

func TestWhoHoldsWhat(t *testing.T) {
	for _, p := range stuckPrograms {
		t.Run(p.name, func(t *testing.T) {
			var r *async.DeadlockReport
			err := async.Run(func(ctx context.Context) error {
				l, _ := async.RunningLoop(ctx)
				p.main(ctx, func(name string, fn func(ctx context.Context) error) { async.Go(ctx, fn, async.Name(name)) })
				for range 5 {
					async.Sleep(ctx, 0)
				}
				r = async.ReportDeadlock(l)
				return nil
			}, async.Debug())
			if err != nil {
				t.Fatal(err)
			}
			for i := range r.Tasks {
				r.Tasks[i].At, r.Tasks[i].Created = "", ""
			}
			text := r.String()
			for _, line := range p.lines {
				if !strings.Contains(text, line) {
					t.Errorf("%q is missing in\n%s", line, text)
				}
			}
			if _, cycle, _ := strings.Cut(text, "cycle: "); cycle != p.cycle {
				t.Errorf("the cycle is %q and should be %q in\n%s", cycle, p.cycle, text)
			}
		})
	}
	t.Run("nothing is known without debug mode, and the books are closed with the loop", func(t *testing.T) {
		var l async.Lock
		for _, debug := range []bool{true, false} {
			var r *async.DeadlockReport
			async.Run(func(ctx context.Context) error {
				face, _ := async.RunningLoop(ctx)
				face.SetDebug(debug)
				l.Acquire(ctx)
				task := async.Go(ctx, l.Acquire)
				async.Sleep(ctx, 0)
				r = async.ReportDeadlock(face)
				task.Cancel()
				return nil
			})
			l.Release()
			if known := len(r.Tasks[0].HeldBy) == 1; known != debug {
				t.Errorf("debug mode: %t, the report: %v", debug, r)
			}
		}
	})
	t.Run("a plain goroutine is named by its number", func(t *testing.T) {
		var l async.Lock
		var r *async.DeadlockReport
		async.Run(func(ctx context.Context) error {
			taken := make(chan error)
			go func() { taken <- l.Acquire(context.Background()) }()
			<-taken
			task := async.Go(ctx, l.Acquire)
			async.Sleep(ctx, 0)
			face, _ := async.RunningLoop(ctx)
			r = async.ReportDeadlock(face)
			task.Cancel()
			return nil
		}, async.Debug())
		if len(r.Tasks[0].HeldBy) != 1 || !strings.HasPrefix(r.Tasks[0].HeldBy[0], "goroutine ") || len(r.Cycle) > 0 {
			t.Errorf("the report is %+v", r)
		}
	})
}

func TestDeadlockAfter(t *testing.T) {
	t.Run("it reports a loop in which nothing can happen, and the report can end the wait", func(t *testing.T) {
		var f *async.Future[int]
		var r *async.DeadlockReport
		err := async.Run(func(ctx context.Context) error {
			f = async.NewFuture[int](ctx)
			_, err := f.Await(ctx)
			return err
		}, async.DeadlockAfter(time.Millisecond, func(got *async.DeadlockReport) {
			r = got
			f.SetResult(1)
		}))
		if err != nil || r == nil || !r.Stuck || len(r.Tasks) != 1 {
			t.Errorf("the error is %v and the report %+v", err, r)
		}
	})
	t.Run("without a function it is logged, once", func(t *testing.T) {
		var log bytes.Buffer
		var f *async.Future[int]
		err := async.Run(func(ctx context.Context) error {
			f = async.NewFuture[int](ctx)
			time.AfterFunc(50*time.Millisecond, func() { f.SetResult(1) })
			_, err := f.Await(ctx)
			return err
		}, async.DeadlockAfter(time.Millisecond, nil), async.Logger(slog.New(slog.NewTextHandler(&log, nil))))
		if err != nil || strings.Count(log.String(), "tasks wait") != 1 {
			t.Errorf("the error is %v and the log %q", err, log.String())
		}
	})
	t.Run("it looks again when what was under way has ended without waking anybody", func(t *testing.T) {
		var f *async.Future[int]
		reports := 0
		err := async.Run(func(ctx context.Context) error {
			f = async.NewFuture[int](ctx)
			end := make(chan struct{})
			job := async.Go(ctx, func(ctx context.Context) error {
				_, err := async.ToThread(ctx, func(context.Context) (int, error) { <-end; return 1, nil })
				return err
			})
			async.Sleep(ctx, 0)
			job.Cancel() // nobody waits for the function any more
			async.Sleep(ctx, 0)
			time.AfterFunc(50*time.Millisecond, func() { close(end) })
			_, err := f.Await(ctx)
			return err
		}, async.DeadlockAfter(5*time.Millisecond, func(*async.DeadlockReport) {
			reports++
			f.SetResult(1)
		}))
		if err != nil || reports != 1 {
			t.Errorf("the error is %v, and there are %d reports", err, reports)
		}
	})
	t.Run("it leaves a loop alone that a timer or a function will wake", func(t *testing.T) {
		err := async.Run(func(ctx context.Context) error {
			if err := async.Sleep(ctx, 20*time.Millisecond); err != nil {
				return err
			}
			_, err := async.ToThread(ctx, func(context.Context) (int, error) {
				time.Sleep(20 * time.Millisecond)
				return 1, nil
			})
			return err
		}, async.DeadlockAfter(time.Millisecond, func(r *async.DeadlockReport) { t.Errorf("it reports\n%v", r) }))
		if err != nil {
			t.Error(err)
		}
	})
}
