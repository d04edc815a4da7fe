package future_test

import (
	"context"
	"testing"

	"github.com/asyncgo/asyncgo/future"
)

// BenchmarkSubmit measures a tiny job: submitted in batches, and one after the other.
func BenchmarkSubmit(b *testing.B) {
	for _, c := range []struct {
		name  string
		batch int
	}{{"batches of 1000", 1000}, {"one by one", 1}} {
		b.Run(c.name, func(b *testing.B) {
			pool := future.NewPool(8)
			defer pool.Shutdown(context.Background())
			fs := make([]*future.Future[int], c.batch)
			b.ReportAllocs()
			for i := 0; i < b.N; i += len(fs) {
				for j := range fs {
					fs[j] = future.Submit(pool, func() (int, error) { return 1, nil })
				}
				for _, f := range fs {
					if v, err := f.Await(context.Background()); v != 1 || err != nil {
						b.Fatal(v, err)
					}
				}
			}
		})
	}
}

// BenchmarkLimit measures the same through a view.
func BenchmarkLimit(b *testing.B) {
	pool := future.NewPool(8)
	defer pool.Shutdown(context.Background())
	view := pool.Limit("view", 2)
	fs := make([]*future.Future[int], 1000)
	b.ReportAllocs()
	for i := 0; i < b.N; i += len(fs) {
		for j := range fs {
			fs[j] = future.Submit(view, func() (int, error) { return 1, nil })
		}
		for _, f := range fs {
			if v, err := f.Await(context.Background()); v != 1 || err != nil {
				b.Fatal(v, err)
			}
		}
	}
}
