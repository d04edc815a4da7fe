package asynctest

import (
	"context"
	"fmt"
	"testing"
)

// Faults sets what [Sweep] injects: any of "cancel", "timeout", "panic" and "job". The default is all four. It panics
// if it does not know one.
func Faults(names ...string) Option {
	var kinds []faultKind
	for _, name := range names {
		switch name {
		case "cancel":
			kinds = append(kinds, cancelFault)
		case "timeout":
			kinds = append(kinds, timeFault)
		case "panic":
			kinds = append(kinds, panicFault)
		case "job":
			kinds = append(kinds, jobFault)
		default:
			panic(fmt.Sprintf("asynctest: there is no fault %q", name))
		}
	}
	return func(c *config) { c.faults = kinds }
}

// Sweep runs main once and counts its suspension points: each step of a task that ends with a wait. Then it runs main
// again for each of them and each kind of fault, with that fault in this wait:
//
//   - cancel: the task is cancelled, as by its Cancel;
//   - timeout: the context that the wait obeys ends, as that of async.WithTimeout;
//   - panic: the wait panics;
//   - job: the function on another goroutine that the task waits for, as in async.ToThread, fails.
//
// What cannot happen to a wait is left out: one with context.WithoutCancel has no timeout.
//
// A run fails as in [Explore], but main may end with what was injected: with [async.ErrCancelled], [async.ErrTimeout],
// [ErrInjected], an injected panic, or an error that wraps one of these. What has to hold in spite of the fault is for
// [Invariant] to say. After each run no task may hold an [async.Lock] and have ended, no line of a Lock, a queue or
// their like may count somebody who does not wait, and a queue has given away or still holds what was put in.
//
// The order of tasks is FIFO; with [Strategy] and [Schedules] it is swept once for each of some schedules. The
// report of a failure has a token, as that of Explore. asyncio has nothing like it.
func Sweep(t testing.TB, main func(ctx context.Context) error, opts ...Option) *Result {
	if t != nil {
		t.Helper()
	}
	if main == nil {
		panic("asynctest: Sweep was called with a nil main")
	}
	opts = append([]Option{Strategy(FIFO), Schedules(10)}, opts...)
	return start(t, main, opts, (*session).sweep)
}

func (s *session) sweep(r *Result) {
	kinds := s.faults
	if kinds == nil {
		kinds = faultKinds
	}
	search := s.search.start(s.rand())
	for n := 0; ; n++ {
		if !search.begin() {
			r.Complete = true
			return
		}
		if n == s.schedules {
			return
		}
		r.Schedules++
		a := s.run(search, fault{})
		r.Points = max(r.Points, a.points)
		if a.failed() {
			r.Failed++
			s.explain(r, a, fault{}, "the run without a fault,")
			return
		}
		choices, points := append([]uint16(nil), a.choices...), a.points
		for point := 1; point <= points; point++ {
			for _, kind := range kinds {
				f := fault{kind, point}
				if s.late() {
					s.tooLate(r)
					return
				}
				a := s.run(&replay{choices: choices}, f)
				if !a.hit && !a.failed() {
					continue
				}
				r.Schedules++
				if !a.failed() {
					continue
				}
				if !a.hit {
					f = fault{} // and the run before has not failed with the same choices
				}
				if r.Failed++; r.Failed == 1 {
					s.explain(r, a, f, fmt.Sprintf("the run with %v at suspension point %d of %d,", kind, point, points))
				}
				if !s.all {
					return
				}
			}
		}
	}
}
