package loop_test

import (
	"context"
	"testing"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// retake waits for a token at the head of the line.
func (b *bank) retake(ctx context.Context, who string) error {
	b.mu.Lock()
	err := b.line.WaitAhead(ctx, &b.mu, b)
	if err == nil {
		b.events.add("%s", who)
	}
	b.mu.Unlock()
	return err
}

func TestWaitAhead(t *testing.T) {
	// Two wait. The first is woken, finds that somebody was faster, and waits once more.
	run := func(t *testing.T, again func(b *bank, ctx context.Context, who string) error, want string) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			b := new(bank)
			first := start(ctx, l, func(ctx context.Context) {
				b.take(ctx, "first")
				again(b, ctx, "again")
			})
			second := start(ctx, l, func(ctx context.Context) { b.take(ctx, "second") })
			ticks(ctx, 1)
			b.give(1)
			ticks(ctx, 1)
			b.expectLine(t, 2, 0)
			start(ctx, l, func(ctx context.Context) { b.take(ctx, "third") }) // behind them all
			ticks(ctx, 1)
			for range 3 {
				b.give(1)
				ticks(ctx, 1)
			}
			first.end.Wait(ctx, first)
			second.end.Wait(ctx, second)
			b.expect(t, want)
			b.expectLine(t, 0, 0)
		})
	}
	t.Run("who was woken in vain keeps its place", func(t *testing.T) {
		run(t, (*bank).retake, "first again second third")
	})
	t.Run("and has lost it with a plain wait", func(t *testing.T) {
		run(t, (*bank).take, "first second again third")
	})

	t.Run("it is the first of the line also if that was empty", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			b := new(bank)
			start(ctx, l, func(ctx context.Context) { b.retake(ctx, "ahead") })
			start(ctx, l, func(ctx context.Context) { b.take(ctx, "behind") })
			ticks(ctx, 1)
			b.give(2)
			ticks(ctx, 1)
			b.expect(t, "ahead behind")
		})
	})

	t.Run("a callback cannot, and leaves no trace in the line", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			b := new(bank)
			start(ctx, l, func(ctx context.Context) { b.take(ctx, "first") })
			ticks(ctx, 1)
			loop.NewHandle(l, func() {
				if err := b.retake(context.Background(), "callback"); err != loop.ErrNotInTask {
					t.Errorf("WaitAhead returns %v", err)
				}
			}).Soon()
			ticks(ctx, 1)
			start(ctx, l, func(ctx context.Context) { b.take(ctx, "second") })
			ticks(ctx, 1)
			b.give(2)
			ticks(ctx, 1)
			b.expect(t, "first second")
		})
	})

	t.Run("who gives up there leaves the rest as it was", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			b := new(bank)
			start(ctx, l, func(ctx context.Context) { b.take(ctx, "first") })
			ahead := start(ctx, l, func(ctx context.Context) {
				if err := b.retake(ctx, "ahead"); err != errBecause {
					t.Errorf("WaitAhead returns %v", err)
				}
			})
			ticks(ctx, 1)
			ahead.task.Cancel(theCause)
			ahead.end.Wait(ctx, ahead)
			b.give(1)
			ticks(ctx, 1)
			b.expect(t, "gave-up first")
			b.expectLine(t, 0, 0)
		})
	})
}
