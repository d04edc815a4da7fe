package greenlet_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/greenlet"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// inLoop runs main in a loop whose clock jumps over waits.
func inLoop(t *testing.T, main func(ctx context.Context) error) {
	t.Helper()
	if err := async.Run(main, async.Clock(loop.NewVirtual())); err != nil {
		t.Error(err)
	}
}

func TestInTask(t *testing.T) {
	onEach(t, "a greenlet that waits suspends its task, and the others go on", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		var tr trace
		inLoop(t, func(ctx context.Context) error {
			tasks := make([]*async.Task[async.Void], 3)
			for i := range tasks {
				tasks[i] = async.Go(ctx, func(ctx context.Context) error {
					g := start(func(...any) (any, error) {
						tr.Add("%d", i)
						err := async.Sleep(ctx, 0)
						tr.Add("%d", i)
						return nil, errors.Join(err, async.Sleep(ctx, time.Duration(3-i)*time.Second))
					})
					_, err := g.Switch()
					tr.Add("end%d", i)
					return err
				})
			}
			_, err := async.Gather(ctx, tasks[0], tasks[1], tasks[2])
			return err
		})
		tr.Expect(t, "0 1 2 0 1 2 end2 end1 end0")
	})

	onEach(t, "every way to wait works in a greenlet, and in one inside that", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		inLoop(t, func(ctx context.Context) error {
			_, err := start(func(...any) (any, error) {
				return start(func(...any) (any, error) {
					task := async.CreateTask(ctx, async.After(time.Second, "task"))
					v, err := task.Await(ctx)
					if v != "task" || err != nil {
						t.Errorf("the task ends with %v and %v", v, err)
					}
					n, err := async.ToThread(ctx, func(context.Context) (int, error) { return 1, nil })
					if n != 1 || err != nil {
						t.Errorf("the thread ends with %v and %v", n, err)
					}
					n, err = async.Block(ctx, func(context.Context) (int, error) { return 2, nil })
					if n != 2 || err != nil {
						t.Errorf("the block ends with %v and %v", n, err)
					}
					v, err = async.WaitFor(ctx, async.After(time.Hour, "late"), time.Second)
					if !errors.Is(err, async.ErrTimeout) {
						t.Errorf("the timeout ends with %v and %v", v, err)
					}
					eager := async.CreateTask(ctx, async.After(time.Second, "eager"), async.Eager())
					v, err = eager.Await(ctx)
					if v != "eager" || err != nil {
						t.Errorf("the eager task ends with %v and %v", v, err)
					}
					if async.CurrentTask(ctx) == nil {
						t.Error("a greenlet has no task")
					}
					return nil, async.WithTaskGroup(ctx, func(ctx context.Context, tg *async.TaskGroup) error {
						tg.Go(func(ctx context.Context) error { return async.Sleep(ctx, time.Second) })
						return nil
					})
				}).Switch()
			}).Switch()
			return err
		})
	})

	onEach(t, "a generator may wait between its values, for a consumer that is a greenlet too", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		var tr trace
		inLoop(t, func(ctx context.Context) error {
			tasks := make([]*async.Task[async.Void], 2)
			for i := range tasks {
				tasks[i] = async.Go(ctx, func(ctx context.Context) error {
					gen := greenlet.NewGenerator(func(yield func(int) (int, error)) error {
						for x := 0; ; {
							if err := async.Sleep(ctx, time.Second); err != nil {
								return err
							}
							var err error
							if x, err = yield(x + 1); err != nil {
								return err
							}
						}
					})
					_, err := start(func(...any) (any, error) {
						v, err := gen.Next()
						for ; v < 3 && err == nil; v, err = gen.Send(v) {
							tr.Add("%d:%d", i, v)
						}
						return nil, errors.Join(err, gen.Close())
					}).Switch()
					return err
				})
			}
			_, err := async.Gather(ctx, tasks[0], tasks[1])
			return err
		})
		tr.Expect(t, "0:1 1:1 0:2 1:2")
	})

	onEach(t, "a cancellation reaches a greenlet that waits", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		inLoop(t, func(ctx context.Context) error {
			task := async.Go(ctx, func(ctx context.Context) error {
				_, err := start(func(...any) (any, error) { return nil, async.Sleep(ctx, time.Hour) }).Switch()
				return err
			})
			if err := async.Sleep(ctx, 0); err != nil {
				return err
			}
			task.Cancel()
			if _, err := task.Await(ctx); !errors.Is(err, async.ErrCancelled) || !task.Cancelled() {
				t.Errorf("the task ends with %v", err)
			}
			return nil
		})
	})

	onEach(t, "greenlets of a task switch between its waits, whoever waits", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		const rounds = 200
		inLoop(t, func(ctx context.Context) error {
			all := make([]async.Awaitable[int], 8)
			for i := range all {
				all[i] = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
					root, n := greenlet.Current(), 0
					ring := make([]*greenlet.Greenlet, 4)
					for j := range ring {
						ring[j] = start(func(...any) (any, error) {
							for {
								n++
								if (n+i)%3 == 0 {
									if err := async.Sleep(ctx, 0); err != nil {
										return nil, err
									}
								}
								to := root
								if j < len(ring)-1 {
									to = ring[j+1]
								}
								if _, err := to.Switch(); err != nil {
									return nil, err
								}
							}
						})
					}
					for r := range rounds {
						if _, err := ring[0].Switch(); err != nil {
							return 0, err
						}
						if r%5 == i%5 {
							if err := async.Sleep(ctx, 0); err != nil {
								return 0, err
							}
						}
					}
					for _, g := range ring {
						if err := g.Kill(); err != nil {
							return 0, err
						}
					}
					return n, nil
				})
			}
			for i, aw := range all {
				if n, err := aw.Await(ctx); n != 4*rounds || err != nil {
					t.Errorf("task %d counts %d, and ends with %v", i, n, err)
				}
			}
			return nil
		})
	})

	onEach(t, "another task cannot switch to a greenlet, but end it", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		var tr trace
		inLoop(t, func(ctx context.Context) error {
			var g *greenlet.Greenlet
			first := async.Go(ctx, func(context.Context) error {
				root := greenlet.Current()
				g = start(func(...any) (any, error) {
					defer tr.Add("deferred")
					return root.Switch()
				})
				_, err := g.Switch()
				return err
			})
			if _, err := first.Await(ctx); err != nil {
				return err
			}
			_, err := async.Go(ctx, func(context.Context) error {
				if _, err := g.Switch(); !errors.Is(err, greenlet.ErrOtherThread) || !errors.Is(err, greenlet.ErrDead) {
					t.Errorf("a switch returns %v", err)
				}
				return g.Kill()
			}).Await(ctx)
			return err
		})
		tr.Expect(t, "deferred")
	})

	onEach(t, "what a task has forgotten can be ended when its loop is gone", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		inLoop(t, func(ctx context.Context) error {
			root := greenlet.Current()
			_, err := start(func(...any) (any, error) { return root.Switch() }).Switch()
			return err
		})
		for _, g := range greenlet.All() {
			if err := g.Kill(); err != nil {
				t.Errorf("killing %v returns %v", g, err)
			}
		}
	})

	onEach(t, "a foreign goroutine has the loop end the greenlet of a task", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		inLoop(t, func(ctx context.Context) error {
			root := greenlet.Current()
			g := start(func(...any) (any, error) { return root.Switch() })
			must(g.Switch())
			_, err := async.ToThread(ctx, func(context.Context) (int, error) { return 0, g.Kill() })
			if !g.Dead() {
				t.Error("it is not dead")
			}
			return err
		})
	})

	onEach(t, "closing the loop unwinds a greenlet that waits, and its task", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		var tr trace
		l := async.NewLoop(async.Clock(loop.NewVirtual()))
		async.CreateTask(l.Context(), func(ctx context.Context) (int, error) {
			defer tr.Add("task")
			_, err := start(func(...any) (any, error) {
				defer tr.Add("greenlet")
				return nil, async.Sleep(ctx, time.Hour)
			}).Switch()
			tr.Add("never")
			return 0, err
		})
		l.Stop()
		if err := errors.Join(l.RunForever(), l.Close()); err != nil {
			t.Error(err)
		}
		tr.Expect(t, "greenlet task")
	})

	onEach(t, "a panic and a Goexit in a greenlet are the task's", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		inLoop(t, func(ctx context.Context) error {
			task := async.Go(ctx, func(ctx context.Context) error {
				_, err := start(func(...any) (any, error) {
					if err := async.Sleep(ctx, 0); err != nil {
						return nil, err
					}
					panic(errFault)
				}).Switch()
				return err
			})
			if _, err := task.Await(ctx); !errors.Is(err, errFault) {
				t.Errorf("the error is %v", err)
			}
			return nil
		})
	})

	onEach(t, "a callback may switch, but a greenlet in it cannot wait", func(t *testing.T, _ *greenlet.Greenlet, start maker) {
		inLoop(t, func(ctx context.Context) error {
			l, err := async.RunningLoop(ctx)
			if err != nil {
				return err
			}
			done := async.NewFuture[string](ctx)
			l.CallSoon(func() {
				v, err := start(func(...any) (any, error) { return fmt.Sprint(async.Sleep(ctx, 0)), nil }).Switch()
				if err != nil {
					done.SetError(err)
					return
				}
				done.SetResult(v.(string))
			})
			text, err := done.Await(ctx)
			if text != async.ErrNotInTask.Error() {
				t.Errorf("the wait returns %s", text)
			}
			return err
		})
	})
}
