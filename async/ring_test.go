package async_test

import (
	"context"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// asyncio cancels around the ring until its stack is full.
func TestRingOfOneThatWasCancelledBefore(t *testing.T) {
	for name, cancelled := range map[string]int{"the first": 0, "the last": 4} {
		t.Run("tasks that await each other end when "+name+" was cancelled before its wait closes the ring", func(t *testing.T) {
			guarded(t, func() {
				expectError(t, "Run", async.Run(func(ctx context.Context) error {
					var tasks [5]*async.Task[int]
					made := async.NewFuture[int](ctx)
					atOnce(ctx, func() {
						for i := range tasks {
							tasks[i] = async.CreateTask(ctx, func(ctx context.Context) (int, error) {
								if i == cancelled { // the others wait for each other already
									if _, err := async.Shield(ctx, made); err != nil {
										return 0, err
									}
									async.CurrentTask(ctx).Cancel()
								}
								return tasks[(i+1)%len(tasks)].Await(ctx)
							})
						}
					})
					ticks(ctx, 2)
					check(made.SetResult(1))
					for _, task := range tasks {
						_, err := task.Await(ctx)
						expectError(t, "a task", err, async.ErrCancelled)
					}
					return nil
				}), nil)
			})
		})
	}
}
