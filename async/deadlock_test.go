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
			async.Sleep(ctx, 0)
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
			async.Sleep(ctx, 0)
			r = async.ReportDeadlock(l)
			a.Cancel()
			return nil
		})
		if want := "a waits for Task(\"b\")\nb waits for Task(\"a\")\ncycle: a → b → a"; r.String() != want {
			t.Errorf("the report is\n%v\nand should be\n%v", r, want)
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
