package bench_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/asyncgo/asyncgo/bench/workload"
)

// What ants starts at its package's initialisation cannot be ended; nothing
// else may be left.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// Benchmark measures each workload with each of its peers, as
// Benchmark/spawn_gather/asyncgo. What b.N counts is the workload's unit, a
// batch or a round; ns/item is the time of one operation, the number that
// cmd/compare prints as ns/op.
func Benchmark(b *testing.B) {
	for _, w := range workload.All() {
		b.Run(w.Name, func(b *testing.B) {
			for _, p := range w.Peers {
				b.Run(p.Name, func(b *testing.B) {
					b.ReportAllocs()
					b.StopTimer()
					b.ResetTimer()
					ops, err := p.Run(b, b.N)
					if err != nil {
						b.Fatal(err)
					}
					if want := b.N * p.UnitOps; ops != want {
						b.Fatalf("counted %d operations, want %d", ops, want)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(ops), "ns/item")
				})
			}
		})
	}
}
