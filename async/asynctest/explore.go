package asynctest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// Schedules sets how many schedules are run; the default is 1000. It panics if n is not positive.
func Schedules(n int) Option {
	if n <= 0 {
		panic("asynctest: the number of Schedules is not positive")
	}
	return func(c *config) { c.schedules = n }
}

// Strategy sets how schedules are chosen: [FIFO], [Random], [PCT] or [Exhaustive]. The default is Random.
func Strategy(s Search) Option {
	if s.start == nil {
		panic("asynctest: Strategy was called with no Search")
	}
	return func(c *config) { c.search = s }
}

// Seed sets what Random and PCT start from. Without it each test run has its own, which a failure tells.
func Seed(seed uint64) Option {
	return func(c *config) { c.seed, c.seeded = seed, true }
}

// CountAll has [Explore] go on after a failure, and count the schedules that fail.
func CountAll() Option { return func(c *config) { c.all = true } }

// A Result is what [Explore] and [Sweep] have done.
type Result struct {
	// Schedules is how many different runs of the program were looked at; replays do not count.
	Schedules int
	// Failed is how many of them have failed. It is at most one without [CountAll].
	Failed int
	// Complete is true if no schedule is left that the strategy could have tried, be it that all have passed or that
	// the last one has failed. It is never true with Random, PCT and a fuzzer, and not if a schedule was so long
	// that its end was in FIFO order.
	Complete bool
	// Points is the largest number of suspension points of a run.
	Points int
	// Token is the schedule of the first failure, shortened; it is empty if there was none. ASYNCGO_SCHEDULE
	// set to it replays exactly that.
	Token string
	// Hash digests the events of the run that Token stands for, or of the only run.
	Hash uint64
	// Failure says what was wrong in the first failure, with its timeline.
	Failure string
}

// Explore runs main under many schedules, and fails the test with the first one that fails: with an error or a panic
// of main, a failure of [TB], an [Invariant] that does not hold, a deadlock, a goroutine that is left, a
// report of the race detector. main is called once for each schedule and has to make all that it uses.
//
// Whenever several tasks are ready, the strategy chooses. Callbacks and timers that are due go first, in order, and
// time stands still while a task is ready. What runs between two waits of a task is not divided, as always.
//
// The report of a failure has a token. ASYNCGO_SCHEDULE=token in the environment of go test runs just this schedule,
// in the test with the same name; other tests are not affected. So there should be one Explore or Sweep to a test
// or subtest. The schedule is shortened first, to few choices that are not FIFO order, and is
// printed as a numbered timeline.
//
// A program whose events differ although the choices are the same cannot be replayed, and fails too: the report names
// the first step that differs. Explore notices it by running schedules twice, each of the first thousand and one of
// sixteen after that, and by comparing each schedule with the one before as far as the choices are the same.
//
// If ASYNCGO_SCHEDULE is set to text that is no token, the test fails.
func Explore(t testing.TB, main func(ctx context.Context) error, opts ...Option) *Result {
	if t != nil {
		t.Helper()
	}
	if main == nil {
		panic("asynctest: Explore was called with a nil main")
	}
	return start(t, main, opts, (*session).explore)
}

// start runs what, on a session, and reports the result.
func start(t testing.TB, main func(ctx context.Context) error, opts []Option, what func(s *session, r *Result)) *Result {
	if t != nil {
		t.Helper()
	}
	s := newSession(t, main, true, makeConfig(t, opts))
	r := &Result{}
	s.with(func() {
		defer s.close()
		defer loop.KeepBooks()()
		if text := os.Getenv(variable); text != "" {
			k, mine, err := decode(text, s.owner)
			if mine || err != nil {
				taken.Store(true)
			}
			switch {
			case err != nil:
				r.Failed, r.Failure = 1, err.Error()
				return
			case mine:
				s.replayToken(r, k)
				return
			}
		}
		what(s, r)
	})
	switch {
	case r.Failed > 0 && t == nil:
		panic("asynctest: " + r.Failure)
	case r.Failed > 0:
		t.Error(r.Failure)
	case s.skip != nil && t != nil:
		t.Skip(*s.skip)
	}
	return r
}

// replayToken runs the one schedule that was asked for.
func (s *session) replayToken(r *Result, k token) {
	s.inDetail(true)
	a := s.follow(k)
	r.Schedules, r.Points, r.Hash = 1, a.points, a.hash
	if a.failed() {
		r.Failed = 1
		r.Token = k.encode(s.owner)
		r.Failure = s.describe(a, r.Token, "the schedule of "+variable)
	}
}

// late reports whether the time of the test is over but for what a report takes.
func (s *session) late() bool { return !s.end.IsZero() && time.Now().After(s.end) }

// tooLate has the test fail because not all that was asked for could be looked at.
func (s *session) tooLate(r *Result) {
	if r.Failed == 0 {
		r.Failed = 1
		r.Failure = fmt.Sprintf("the time of the test is over after %d schedules: let it run fewer of them, or give go test a longer -timeout",
			r.Schedules)
	}
}

// inDetail sets whether the loop keeps track of where things happen.
func (s *session) inDetail(on bool) {
	if s.detail != on {
		s.close()
		s.detail = on
	}
}

func (s *session) rand() *rand.Rand { return rand.New(rand.NewPCG(s.seed, 0)) }

// repeatAll is how many schedules are all run twice, to see whether their events are the same: as many as there are by
// default. repeatSome is of how many after that one is, so that a search of millions costs little more for it.
const (
	repeatAll  = 1000
	repeatSome = 16
)

func (s *session) explore(r *Result) {
	most := s.schedules
	if most == 0 {
		most = repeatAll
		if _, ok := s.search.start(nil).(*exhaustive); ok {
			most = math.MaxInt
		}
	}
	search := s.search.start(s.rand())
	var last trail
	fair := false
	for {
		if !search.begin() {
			r.Complete = !fair
			break
		}
		if r.Schedules == most || r.Failed > 0 && !s.all {
			break
		}
		if s.late() {
			s.tooLate(r)
			return
		}
		r.Schedules++
		a := s.run(search, fault{})
		fair = fair || a.fair
		r.Points = max(r.Points, a.points)
		if !a.failed() {
			last.compare(s, a)
		}
		if !a.failed() && (r.Schedules <= repeatAll || r.Schedules%repeatSome == 0) {
			s.repeat(a, fault{})
		}
		r.Hash = a.hash
		if !a.failed() {
			continue
		}
		if r.Failed++; r.Failed == 1 {
			which := fmt.Sprintf("schedule %d of %s,", r.Schedules, s.search)
			if s.search.chance {
				which += fmt.Sprintf(" seed %d,", s.seed)
			}
			s.explain(r, a, fault{}, which)
			last = trail{}
		}
		if k := a.kind(); k == testFailed || k == timeout {
			break // as the others would be, too
		}
	}
	if r.Failed > 1 {
		r.Failure += fmt.Sprintf("\n%d of %d schedules fail.", r.Failed, r.Schedules)
	}
}

// A trail is what the run before has done.
type trail struct {
	choices []uint16
	steps   []step
	n       []int // by choice: the steps before it
}

// compare blames a if it differs from the run before although the choices are still the same, and takes its place.
func (tr *trail) compare(s *session, a *attempt) {
	same := 0
	for same < min(len(tr.choices), len(a.choices)) && tr.choices[same] == a.choices[same] {
		same++
	}
	// The steps before the first different choice should be the same.
	if same < min(len(tr.choices), len(a.choices)) {
		n := max(s.cond.made[same], tr.n[same])
		n = min(n, len(tr.steps), len(a.steps))
		if i := differ(tr.steps[:n], a.steps[:n]); i >= 0 {
			a.blame(unsteady, "%s", s.difference(tr.steps, a.steps, i))
		}
	}
	tr.choices = append(tr.choices[:0], a.choices...)
	tr.steps = append(tr.steps[:0], a.steps...)
	tr.n = append(tr.n[:0], s.cond.made...)
}

// differ returns the first step in which two runs differ, or -1.
func differ(a, b []step) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

// repeat runs the schedule of a once more and blames a if it goes another way.
func (s *session) repeat(a *attempt, f fault) {
	choices, steps := slices.Clone(a.choices), slices.Clone(a.steps)
	b := s.run(&replay{choices: choices}, f)
	if b.kind() == timeout {
		a.problems = append(a.problems, b.problems...) // it was not let go on, which proves nothing
	} else if i := differ(steps, b.steps); i >= 0 {
		a.blame(unsteady, "%s", s.difference(steps, b.steps, i))
	} else if b.failed() {
		a.problems = append(a.problems, problem{unsteady, "the same schedule has failed when it was repeated, and not before: " + b.text()})
	}
	a.choices, a.steps = choices, steps
}

// difference describes the step in which two runs with the same choices differ.
func (s *session) difference(a, b []step, i int) string {
	what := func(steps []step) string {
		if i >= len(steps) {
			return "the program was at its end"
		}
		end := "ended"
		if steps[i].end != 0 {
			end = "came to a wait"
		}
		return fmt.Sprintf("%s ran and %s", s.nameOf(steps[i].task), end)
	}
	once, then := what(a), what(b)
	if once == then { // so both have such a step
		if a[i].ready != b[i].ready {
			then += ", when other tasks could have run"
		} else {
			then += ", but to another one, or for another time"
		}
	}
	return fmt.Sprintf("the program is not deterministic: with the same choices step %d differs.\n"+
		"\tonce %s; then %s\n"+
		"\tWhat may be behind it: the order of a map, the clock on the wall, random numbers, goroutines, select.",
		i+1, once, then)
}

// nameOf returns the name of a task by its number.
func (s *session) nameOf(n uint32) string {
	if n == 0 || int(n) > len(s.cond.tasks) {
		return "?"
	}
	return s.cond.name(s.cond.tasks[n-1], n)
}

// explain shortens the schedule of a, which has failed, and describes it.
func (s *session) explain(r *Result, a *attempt, f fault, which string) {
	kind := a.kind()
	k := token{slices.Clone(a.choices), f}
	r.Token, r.Hash = k.encode(s.owner), a.hash
	if kind == unsteady || kind == testFailed || kind == timeout || s.late() {
		// What is not deterministic cannot be replayed, the test stays failed, and there is no time left.
		r.Failure = s.describe(a, r.Token, which)
		return
	}
	short, tries := s.shrink(k, kind)
	s.inDetail(true)
	b := s.run(&replay{choices: short.choices}, f)
	s.inDetail(false)
	if b.kind() != kind {
		r.Failure = s.describe(a, r.Token, which) + "\nThe same schedule does not fail again: the program is not deterministic."
		return
	}
	short.choices = slices.Clone(b.choices) // all of them
	r.Token, r.Hash = short.encode(s.owner), b.hash
	if before, after := deviations(k.choices), deviations(short.choices); after < before {
		which += fmt.Sprintf(" shortened from %d to %d choices out of order in %d runs,", before, after, tries)
	}
	r.Failure = s.describe(b, r.Token, which)
}

func deviations(choices []uint16) (n int) {
	for _, c := range choices {
		if c > 0 {
			n++
		}
	}
	return n
}

// Replay runs main n times with the schedule of a token, as ASYNCGO_SCHEDULE does once, and fails the test if a run
// fails, or goes another way than the first: for a bug that has no fix yet, and for the proof that its replay
// is the same each time. The token is one that Explore, Sweep or Fuzz has printed in this test.
//
// A token stands for one interleaving of one program. If main has other waits by now, by a fix for instance, there is
// no such interleaving any more; then the test fails, and says that the token does not fit. What keeps a bug from
// coming back is an Explore.
//
// It panics if the text is no token, or one of another test's, and if n is not positive.
func Replay(t testing.TB, token string, main func(ctx context.Context) error, n int, opts ...Option) *Result {
	if t != nil {
		t.Helper()
	}
	switch {
	case main == nil:
		panic("asynctest: Replay was called with a nil main")
	case n <= 0:
		panic("asynctest: Replay was called with a number of runs that is not positive")
	}
	k, mine, err := decode(token, owner(t))
	if err == nil && !mine {
		err = errors.New("asynctest: the token belongs to another test")
	}
	if err != nil {
		panic(err.Error())
	}
	return start(t, main, opts, func(s *session, r *Result) {
		var first []step
		for range n {
			if s.late() {
				s.tooLate(r)
				return
			}
			a := s.follow(k)
			r.Schedules++
			if first == nil {
				first, r.Hash, r.Points = slices.Clone(a.steps), a.hash, a.points
			} else if i := differ(first, a.steps); i >= 0 {
				a.problems = nil
				a.blame(unsteady, "%s", s.difference(first, a.steps, i))
				r.Hash = 0
			}
			if !a.failed() {
				continue
			}
			if r.Failed++; r.Failed == 1 {
				r.Token, r.Failure = token, s.describe(a, token, "")
			}
		}
	})
}
