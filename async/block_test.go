package async_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

// dozes is a function for Block.
func dozes(d time.Duration) func(context.Context) (int, error) {
	return func(context.Context) (int, error) {
		time.Sleep(d)
		return 1, nil
	}
}

func TestBlock(t *testing.T) {
	t.Run("no more tasks are in Block than BlockLimit allows, and the others follow in order", func(t *testing.T) {
		var order []int
		inside, most := 0, 0
		check(async.Run(func(ctx context.Context) error {
			var lock async.Lock
			gate := make(chan struct{})
			go func() {
				for range 10 {
					gate <- struct{}{}
				}
			}()
			return async.WithTaskGroup(ctx, func(_ context.Context, tg *async.TaskGroup) error {
				for i := range 10 {
					tg.Go(func(ctx context.Context) error {
						_, err := async.Block(ctx, func(context.Context) (int, error) {
							// A plain goroutine may take the lock, as it always can.
							check(lock.Acquire(context.Background()))
							inside++
							most = max(most, inside)
							order = append(order, i)
							lock.Release()
							<-gate
							check(lock.Acquire(context.Background()))
							inside--
							lock.Release()
							return 0, nil
						})
						return err
					})
				}
				return nil
			})
		}, async.BlockLimit(1)))
		expectEqual(t, "the most at once", most, 1)
		expectEqual(t, "the order", fmt.Sprint(order), "[0 1 2 3 4 5 6 7 8 9]")
	})
	t.Run("a task that is cancelled while it waits for a place does not call the function, and passes the place on", func(t *testing.T) {
		check(async.Run(func(ctx context.Context) error {
			release := make(chan struct{})
			first := async.Go(ctx, func(ctx context.Context) error {
				return errorOf(async.Block(ctx, func(context.Context) (int, error) { <-release; return 0, nil }))
			})
			second := async.Go(ctx, func(ctx context.Context) error {
				return errorOf(async.Block(ctx, func(context.Context) (int, error) { t.Error("it is called"); return 0, nil }))
			})
			third := async.CreateTask(ctx, func(ctx context.Context) (int, error) {
				return async.Block(ctx, func(context.Context) (int, error) { return 3, nil })
			})
			check(async.Sleep(ctx, 0))
			second.Cancel()
			_, err := second.Await(context.WithoutCancel(ctx))
			expectError(t, "the second", err, async.ErrCancelled)
			close(release)
			check(errorOf(first.Await(ctx)))
			expectEqual(t, "the third", must(third.Await(ctx)), 3)
			return nil
		}, async.BlockLimit(1)))
	})
	t.Run("a panic in the function is one of the task, with its deferred calls inside", func(t *testing.T) {
		check(async.Run(func(ctx context.Context) error {
			task := async.Go(ctx, func(ctx context.Context) error {
				defer func() { check(async.Sleep(ctx, 0)) }()
				return errorOf(async.Block(ctx, func(context.Context) (int, error) { panic("broken") }))
			})
			_, err := task.Await(ctx)
			var p *async.PanicError
			if !errors.As(err, &p) || p.Value != "broken" {
				t.Errorf("the task ends with %v", err)
			}
			return nil
		}))
	})
	t.Run("runtime.Goexit in the function ends the run, and goes on in the goroutine of Run", func(t *testing.T) {
		returned, ended := false, make(chan struct{})
		go func() {
			defer close(ended)
			async.Run(func(ctx context.Context) error {
				return errorOf(async.Block(ctx, func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }))
			})
			returned = true
		}()
		<-ended
		expectEqual(t, "Run has returned", returned, false)
	})
	t.Run("a Block inside of another one just calls its function", func(t *testing.T) {
		check(async.Run(func(ctx context.Context) error {
			v, err := async.Block(ctx, func(ctx context.Context) (int, error) {
				return async.Block(ctx, func(ctx context.Context) (int, error) { return async.Block(ctx, dozes(0)) })
			})
			expectEqual(t, "the result", v, 1)
			return err
		}, async.BlockLimit(1)))
	})
	t.Run("the end of main cancels the context of a function in Block, and waits for it", func(t *testing.T) {
		ended := false
		check(async.Run(func(ctx context.Context) error {
			async.Go(ctx, func(ctx context.Context) error {
				return errorOf(async.Block(ctx, func(ctx context.Context) (int, error) {
					<-ctx.Done()
					ended = true
					return 0, ctx.Err()
				}))
			})
			return async.Sleep(ctx, 0)
		}))
		expectEqual(t, "the function has ended", ended, true)
	})
	t.Run("a virtual clock stands still while a task is in Block", func(t *testing.T) {
		asynctest.Run(t, func(ctx context.Context) error {
			l := must(async.RunningLoop(ctx))
			sleeper := async.Go(ctx, func(ctx context.Context) error { return async.Sleep(ctx, time.Hour) })
			check(errorOf(async.Block(ctx, dozes(time.Millisecond))))
			expectEqual(t, "the time", l.Time(), 0)
			return errorOf(sleeper.Await(ctx))
		})
	})
	t.Run("debug mode reports a function that waits for something of the loop, once", func(t *testing.T) {
		var log bytes.Buffer
		check(async.Run(func(ctx context.Context) error {
			e := new(async.Event)
			running(ctx).CallSoon(e.Set)
			return errorOf(async.Block(ctx, func(ctx context.Context) (int, error) {
				check(e.Wait(ctx))
				return 0, async.Sleep(context.Background(), 0)
			}))
		}, async.Debug(), async.SlowTask(time.Hour), async.Logger(slog.New(slog.NewTextHandler(&log, nil)))))
		if n := strings.Count(log.String(), "a task in Block waits for something of the event loop"); n != 1 ||
			!strings.Contains(log.String(), "block_test.go:") {
			t.Errorf("the log has %d reports: %s", n, &log)
		}
	})
	t.Run("without debug mode nothing is reported", func(t *testing.T) {
		var log bytes.Buffer
		check(async.Run(func(ctx context.Context) error {
			return errorOf(async.Block(ctx, func(ctx context.Context) (int, error) { return 0, async.Sleep(ctx, 0) }))
		}, async.Logger(slog.New(slog.NewTextHandler(&log, nil)))))
		expectEqual(t, "the log", log.String(), "")
	})
}
