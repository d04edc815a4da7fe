package asynctest

import (
	"context"
	"testing"
)

// Fuzz has Go's fuzzer look for a schedule with which main fails: each byte of its input is a choice between the
// tasks that are ready. It runs f.Fuzz, and so is the last thing in a fuzz target. The inputs that the fuzzer
// keeps are schedules that reach new code.
//
//	func FuzzTransfer(f *testing.F) { asynctest.Fuzz(f, transfer) }
func Fuzz(f *testing.F, main func(ctx context.Context) error, opts ...Option) {
	f.Helper()
	if main == nil {
		panic("asynctest: Fuzz was called with a nil main")
	}
	f.Add([]byte(nil))
	f.Add([]byte{1, 0, 1, 2})
	f.Fuzz(func(t *testing.T, schedule []byte) { FuzzOne(t, schedule, main, opts...) })
}

// FuzzOne runs main once, with the choices that the bytes stand for, and fails t as [Explore] does. It is for fuzz
// targets with more input than the schedule.
func FuzzOne(t testing.TB, schedule []byte, main func(ctx context.Context) error, opts ...Option) *Result {
	t.Helper()
	return start(t, main, opts, func(s *session, r *Result) {
		a := s.run(&fuzzed{bytes: schedule}, fault{})
		r.Schedules, r.Points, r.Hash = 1, a.points, a.hash
		if a.failed() {
			r.Failed = 1
			s.explain(r, a, fault{}, "the schedule of the fuzzer,")
		}
	})
}
