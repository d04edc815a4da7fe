package gevent_test

import (
	"testing"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

// One operation is a greenlet of ten thousand that are spawned and joined.
func BenchmarkSpawnJoinAll(b *testing.B) {
	b.ReportAllocs()
	const n = 10_000
	gs := make([]*gevent.Greenlet[int], n)
	done := 0
	for b.Loop() {
		if done%n == 0 {
			for i := range gs {
				gs[i] = gevent.Spawn(func() (int, error) { return i, nil })
			}
			must(gevent.JoinAll(gs))
		}
		done++
	}
}

// One operation is a Sleep(0) of one of a hundred greenlets.
func BenchmarkSleepZero(b *testing.B) {
	b.ReportAllocs()
	const n = 100
	gs := make([]*gevent.Greenlet[int], n)
	left := b.N
	for i := range gs {
		gs[i] = gevent.Spawn(func() (int, error) {
			for left > 0 {
				left--
				if err := gevent.Sleep(0); err != nil {
					return 0, err
				}
			}
			return 0, nil
		})
	}
	b.ResetTimer()
	must(gevent.JoinAll(gs))
}

// One operation is a greenlet that is spawned and joined, with nothing else in the hub.
func BenchmarkSpawnJoinOne(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		check(gevent.Spawn(func() (int, error) { return 1, nil }).Join())
	}
}
