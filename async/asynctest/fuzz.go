package asynctest

import (
	"context"
	"os"
	"testing"
)

// Fuzz has Go's fuzzer look for a schedule with which main fails: each byte of its input is a choice between the
// tasks that are ready, by the remainder of their number, and the first one is chosen when the bytes are at an end. It
// runs f.Fuzz, and so is the last thing in a fuzz target. The inputs that the fuzzer keeps are schedules that reach new
// code.
//
//	func FuzzTransfer(f *testing.F) { asynctest.Fuzz(f, transfer) }
//
// The report of a failure has a token that belongs to the fuzz target: with ASYNCGO_SCHEDULE=token in the environment,
// go test -run FuzzTransfer runs this schedule and no other input.
func Fuzz(f *testing.F, main func(ctx context.Context) error, opts ...Option) {
	f.Helper()
	if main == nil {
		panic("asynctest: Fuzz was called with a nil main")
	}
	name, replayed := f.Name(), false
	if text := os.Getenv(variable); text != "" {
		_, mine, err := decode(text, owner(f))
		if replayed = mine || err != nil; replayed {
			start(f, main, opts, nil)
		}
	}
	f.Add([]byte(nil))
	f.Add([]byte{1, 0, 1, 2})
	f.Fuzz(func(t *testing.T, schedule []byte) {
		if replayed {
			t.Skip("asynctest: " + variable + " asks for one schedule, which was run")
		}
		fuzzOne(t, schedule, main, name, opts)
	})
}

// FuzzOne runs main once, with the choices that the bytes stand for, and fails t as [Explore] does. It is for fuzz
// targets with more input than the schedule. The token of a failure belongs to the fuzz target and not to the one
// input, and replays the failure with that input only.
func FuzzOne(t testing.TB, schedule []byte, main func(ctx context.Context) error, opts ...Option) *Result {
	t.Helper()
	if main == nil {
		panic("asynctest: FuzzOne was called with a nil main")
	}
	return fuzzOne(t, schedule, main, t.Name(), opts)
}

// fuzzOne is FuzzOne for a test that go test -run finds by the name filter.
func fuzzOne(t testing.TB, schedule []byte, main func(ctx context.Context) error, filter string, opts []Option) *Result {
	t.Helper()
	return start(t, main, opts, func(s *session, r *Result) {
		s.filter = filter
		a := s.run(&fuzzed{bytes: schedule}, fault{})
		r.Schedules, r.Points, r.Hash = 1, a.points, a.hash
		if a.failed() {
			r.Failed = 1
			s.explain(r, a, fault{}, "the schedule of the fuzzer,")
		}
	})
}
