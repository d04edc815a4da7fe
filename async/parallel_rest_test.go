package async_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/greenlet"
	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/loop"
)

func TestParallelWithTheRest(t *testing.T) {
	t.Run("ToThread comes back, and is abandoned by a cancellation", inParallel(2, func(ctx context.Context, t *testing.T) {
		hundred(ctx, t, func(ctx context.Context, i int) error {
			v, err := async.ToThread(ctx, func(context.Context) (int, error) { return i, nil })
			expectEqual(t, "the value", v, i)
			return err
		})
		began := make(chan struct{})
		task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			return async.ToThread(ctx, func(ctx context.Context) (int, error) { close(began); <-ctx.Done(); return 1, nil })
		})
		<-began
		task.Cancel()
		_, err := task.Await(ctx)
		expectError(t, "the task", err, async.ErrCancelled)
	}))
	t.Run("streams", inParallel(2, func(ctx context.Context, t *testing.T) {
		server, err := async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			for line, err := range r.Lines(ctx) {
				if err != nil {
					return err
				}
				if _, err := w.Write(bytes.ToUpper(line)); err != nil {
					return err
				}
			}
			return w.Drain(ctx)
		}, "tcp", "127.0.0.1:0")
		expectError(t, "StartServer", err, nil)
		expectError(t, "the server", server.Serve(ctx, func(ctx context.Context) error {
			return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				for range 20 {
					tg.Go(func(ctx context.Context) error {
						r, w, err := async.OpenConnection(ctx, "tcp", server.Addr().String())
						if err != nil {
							return err
						}
						defer w.Close()
						for range 20 {
							w.WriteString("hello\n")
							line, err := r.ReadLine(ctx)
							if err != nil {
								return err
							}
							expectEqual(t, "the line", string(line), "HELLO\n")
						}
						return nil
					})
				}
				return nil
			})
		}), nil)
	}))
	t.Run("an eager task has come to its first wait when CreateTask returns", inParallel(1, func(ctx context.Context, t *testing.T) {
		step := 0
		task := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
			step = 1
			err := async.Sleep(ctx, 0)
			return 2, err
		}, async.Eager())
		expectEqual(t, "the step", step, 1)
		expectEqual(t, "the result", must(task.Await(ctx)), 2)
		quick := async.CreateTask(ctx, func(context.Context) (int, error) { return 3, nil }, async.Eager())
		expectEqual(t, "done", quick.IsDone(), true)
		expectEqual(t, "its result", must(quick.Result()), 3)
		group := async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
			tg.Go(func(context.Context) error { return nil }, async.Eager())
			tg.Go(func(ctx context.Context) error { return async.Sleep(ctx, 0) }, async.Eager())
			return nil
		})
		expectError(t, "a group of eager tasks", group, nil)
	}))
	t.Run("a virtual clock stands still while a task computes, and jumps while all sleep", inParallel(2, func(ctx context.Context, t *testing.T) {
		l := must(async.RunningLoop(ctx))
		began, goOn := make(chan struct{}), make(chan struct{})
		async.Go(ctx, func(context.Context) error { close(began); <-goOn; return nil })
		sleeper := async.CreateTask(ctx, async.After(time.Hour, 1))
		<-began
		for range 1000 {
			expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		}
		expectEqual(t, "the time", l.Time(), 0)
		close(goOn)
		expectEqual(t, "the result", must(sleeper.Await(ctx)), 1)
		expectEqual(t, "the time afterwards", l.Time(), time.Hour)
	}, async.Clock(loop.NewVirtual())))
	t.Run("greenlets of a task wait in its name", inParallel(2, func(ctx context.Context, t *testing.T) {
		hundred(ctx, t, func(ctx context.Context, i int) error {
			g := greenlet.New(func(...any) (any, error) {
				if err := async.Sleep(ctx, 0); err != nil {
					return nil, err
				}
				return i, nil
			})
			v, err := g.Switch()
			expectEqual(t, "the value", v, any(i))
			return err
		})
	}))
	t.Run("package gevent refuses", inParallel(2, func(ctx context.Context, t *testing.T) {
		expectPanic(t, "gevent: there are no greenlets", func() { gevent.Sleep(0) })
		expectPanic(t, "gevent: there are no greenlets", func() { gevent.Go(func() {}) })
	}))
	t.Run("debug mode logs a step of a task that takes long", func(t *testing.T) {
		var log bytes.Buffer // written inside the loop
		guarded(t, func() {
			err := async.Run(func(ctx context.Context) error {
				_, err := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
					start := time.Now()
					for time.Since(start) < 2*time.Millisecond {
						continue
					}
					return 1, async.Sleep(ctx, 0)
				}, async.Name("slow")).Await(ctx)
				return err
			}, async.Parallel(2), async.SlowTask(time.Millisecond), async.Logger(slog.New(slog.NewTextHandler(&log, nil))))
			expectError(t, "Run", err, nil)
		})
		if s := log.String(); !strings.Contains(s, "a step of a task took long") || !strings.Contains(s, "slow") {
			t.Errorf("the log is %q", s)
		}
	})
	t.Run("a task that waits says for what", inParallel(2, func(ctx context.Context, t *testing.T) {
		f := async.NewFuture[int](ctx)
		task := async.CreateTask(ctx, f.Await)
		for f.Completion().Waiting() == 0 {
			expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		}
		for !strings.Contains(task.String(), "waiting for Future") {
			expectError(t, "Sleep", async.Sleep(ctx, 0), nil)
		}
		r := async.ReportDeadlock(must(async.RunningLoop(ctx)))
		expectEqual(t, "how many wait", len(r.Tasks), 1)
		expectError(t, "SetResult", f.SetResult(1), nil)
		_, err := task.Await(ctx)
		expectError(t, "the task", err, nil)
	}))
}
