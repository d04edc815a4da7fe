package async_test

import (
	"context"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func BenchmarkSpawnGather(b *testing.B) {
	b.ReportAllocs()
	async.Run(func(ctx context.Context) error {
		ts := make([]*async.Task[int], 0, 1000)
		for b.Loop() {
			ts = append(ts, async.CreateTask(ctx, func(ctx context.Context) (int, error) { return 1, nil }))
			if len(ts) == 1000 {
				async.GatherOf[int](ctx, ts)
				ts = ts[:0]
			}
		}
		return nil
	})
}

func BenchmarkSpawnAwait(b *testing.B) {
	b.ReportAllocs()
	async.Run(func(ctx context.Context) error {
		for b.Loop() {
			async.CreateTask(ctx, func(ctx context.Context) (int, error) { return 1, nil }).Await(ctx)
		}
		return nil
	})
}

func benchSleep(b *testing.B, n int) {
	b.ReportAllocs()
	async.Run(func(ctx context.Context) error {
		b.ResetTimer()
		var ts []*async.Task[async.Void]
		for range n {
			ts = append(ts, async.Go(ctx, func(ctx context.Context) error {
				for range b.N / n {
					async.Sleep(ctx, 0)
				}
				return nil
			}))
		}
		async.GatherOf[async.Void](ctx, ts)
		return nil
	})
}
func BenchmarkSleep1(b *testing.B)     { benchSleep(b, 1) }
func BenchmarkSleep100(b *testing.B)   { benchSleep(b, 100) }
func BenchmarkSleep10000(b *testing.B) { benchSleep(b, 10000) }

func BenchmarkSleepers(b *testing.B) {
	async.Run(func(ctx context.Context) error {
		for b.Loop() {
			var ts []*async.Task[async.Void]
			for range 100000 {
				ts = append(ts, async.Go(ctx, func(ctx context.Context) error {
					return async.Sleep(ctx, 10*time.Millisecond)
				}))
			}
			async.GatherOf[async.Void](ctx, ts)
		}
		return nil
	})
}

// BenchmarkToThread measures a round trip to another goroutine, one at a time, beside that of a goroutine and a channel.
func BenchmarkToThread(b *testing.B) {
	b.Run("ToThread", func(b *testing.B) {
		check(async.Run(func(ctx context.Context) error {
			b.ReportAllocs()
			for b.Loop() {
				must(async.ToThread(ctx, func(context.Context) (int, error) { return 1, nil }))
			}
			return nil
		}))
	})
	b.Run("goroutine and channel", func(b *testing.B) {
		for b.Loop() {
			result := make(chan int, 1)
			go func() { result <- 1 }()
			<-result
		}
	})
}
