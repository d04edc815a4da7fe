package asynctest

import (
	"context"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// An Option changes how a program is tested.
type Option func(*config)

type config struct {
	async       []async.Option
	timeout     time.Duration // of one run; zero if only the end of the test counts
	deadline    time.Time     // of the test; zero if there is none
	end         time.Time     // of the last run, which leaves some time for the report; zero if there is none
	patience    time.Duration
	leaks       bool // are ignored
	noLeftovers bool
	schedules   int
	search      Search
	seed        uint64
	seeded      bool
	all         bool // go on after a failure
	faults      []faultKind
	// failedBefore is set when the test has failed for a reason that is none of ours, or is known.
	failedBefore bool
}

func makeConfig(t testing.TB, opts []Option) *config {
	c := &config{search: Random}
	if end, ok := deadline(t); ok {
		c.deadline, c.end = end, end.Add(-min(time.Until(end)/10, 5*time.Second))
	}
	for _, opt := range opts {
		if opt != nil {
			opt(c)
		}
	}
	if t != nil {
		c.failedBefore = t.Failed()
	}
	if !c.seeded {
		c.seed = rand.Uint64()
	}
	return c
}

// deadline returns when the test will be ended. In a bubble of testing/synctest nobody may ask.
func deadline(t testing.TB) (end time.Time, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	if d, has := t.(interface{ Deadline() (time.Time, bool) }); has {
		return d.Deadline()
	}
	return end, false
}

// With passes options on to [async.Run], as async.WithContext. A clock of one's own has no effect.
func With(opts ...async.Option) Option {
	return func(c *config) { c.async = append(c.async, opts...) }
}

// Timeout sets how long one run of the program may take on the clock on the wall. When it is over, the run
// is ended, and the test fails with a list of the tasks. The default is what is left of the time
// of the test, less a little for the report. It panics if d is not positive.
func Timeout(d time.Duration) Option {
	if d <= 0 {
		panic("asynctest: the duration of Timeout is not positive")
	}
	return func(c *config) { c.timeout = d }
}

// Patience sets how long, on the clock on the wall, nothing may happen while goroutines, or a context with a deadline on
// that clock, could still wake a task; then the test fails, and says which ones. The default is a minute, and
// ten days in a bubble of testing/synctest, where they pass at once. A deadlock without such
// goroutines is reported at once. It panics if d is not positive.
func Patience(d time.Duration) Option {
	if d <= 0 {
		panic("asynctest: the duration of Patience is not positive")
	}
	return func(c *config) { c.patience = d }
}

// Run runs main as [async.Run] does, as part of a test, a benchmark or an example: with a virtual clock, and with a
// verdict on every task that is stuck and every goroutine that is left.
//
// The clock stands still while a task can run or a function of [async.ToThread] and its like does, and jumps to
// the next timer when not: a sleep of an hour takes no time. Plain goroutines do not hold it up.
//
// The test fails, and main is cancelled, if no task can go on, no timer is set and nothing outside can wake a
// task. It fails with the error that main returns, if that is not nil; with a panic in main, or in a
// task that nobody has awaited; with goroutines that main has started and that are still there a
// moment after the end; with [NoLeftovers] also if main leaves tasks. The failing methods of t may be used in tasks, and
// so may t.Skip; t.FailNow and t.SkipNow end the run.
//
// Any goroutine of the process may wake a task. So there is no verdict as long as one is alive that could, whoever has
// started it: it is given the time of [Patience]. Those of package testing, of loops that wait themselves, and of pools
// that have nothing to do cannot. A callback of time.AfterFunc, and a timer whose goroutine is still to be
// started, is nothing that can be seen: a moment is given to those, and a test that needs a longer one should use the
// loop's CallLater.
//
// In a bubble of testing/synctest the clock on the wall is that of the bubble, and a verdict waits for all of its timers
// and goroutines. The loop has its own clock also there.
//
// With a nil t, as in an example, a failure is a panic.
func Run(t testing.TB, main func(ctx context.Context) error, opts ...Option) {
	if t != nil {
		t.Helper()
	}
	if main == nil {
		panic("asynctest: Run was called with a nil main")
	}
	s := newSession(t, main, false, makeConfig(t, opts))
	s.detail = true
	s.direct = t != nil
	var a *attempt
	s.with(func() {
		defer loop.KeepBooks()()
		defer func() { a = s.attempt }() // a Skip does not come back
		s.run(nil, fault{})
		s.close()
		s.checkLeaks()
	})
	switch {
	case !a.failed():
	case t == nil:
		panic("asynctest: " + near(a.text()))
	default:
		t.Error(near(a.text()))
	}
	if a.goexit && t != nil {
		runtime.Goexit() // as a task has called for
	}
}

// TB returns what main uses in the place of its test, in a task: in [Run] the test itself; in [Explore] and
// the others one that fails the schedule at hand, and not the test before all is over. FailNow and its like end the
// run, and Skip skips the test. It panics if ctx does not come from this package.
func TB(ctx context.Context) testing.TB {
	s := of(ctx, "TB")
	if s.direct {
		return s.t
	}
	return s.rec
}
