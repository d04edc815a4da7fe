package loop_test

import (
	"context"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// reserve is how many idle workers a loop keeps for good.
const reserve = 64

// burst runs n tasks that are all under way at once.
func burst(ctx context.Context, l *loop.Loop, n int) {
	jobs := make([]*job, n)
	for i := range jobs {
		jobs[i] = start(ctx, l, func(ctx context.Context) { loop.Sleep(ctx, time.Millisecond) })
	}
	for _, j := range jobs {
		j.end.Wait(ctx, j)
	}
}

func TestTrim(t *testing.T) {
	for name, clock := range map[string]func() loop.Clock{
		"the real clock":  func() loop.Clock { return loop.NewReal() },
		"a virtual clock": func() loop.Clock { return loop.NewVirtual() },
	} {
		t.Run("after a burst the idle workers are released down to the reserve, on "+name, func(t *testing.T) {
			inTask(t, clock(), func(ctx context.Context, l *loop.Loop) {
				const many = 1000
				burst(ctx, l, many)
				for l.Stats().Idle > reserve {
					loop.Sleep(ctx, time.Millisecond)
				}
				for range 20 {
					loop.Sleep(ctx, 2*time.Millisecond)
				}
				if idle := l.Stats().Idle; idle != reserve {
					t.Errorf("%d workers are left", idle)
				}
				burst(ctx, l, 10)
				if idle := l.Stats().Idle; idle != reserve {
					t.Errorf("%d workers are idle after a few tasks", idle)
				}
			})
		})
	}
	t.Run("a loop that never sleeps releases them too", func(t *testing.T) {
		idle := 0
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			burst(ctx, l, 300)
			ticks(ctx, 10*1024)
			idle = l.Stats().Idle
		})
		if idle > reserve {
			t.Errorf("%d workers are idle", idle)
		}
	})
	t.Run("workers that are needed again and again stay", func(t *testing.T) {
		inTask(t, loop.NewVirtual(), func(ctx context.Context, l *loop.Loop) {
			const many = 200
			for range 20 {
				burst(ctx, l, many)
				if idle := l.Stats().Idle; idle != many {
					t.Fatalf("%d workers are idle", idle)
				}
			}
		})
	})
}
