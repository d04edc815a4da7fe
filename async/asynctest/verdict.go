package asynctest

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/petermattis/goid"
)

// How long nothing may happen before there is a verdict, on the clock on the wall, if no goroutine is known that could
// wake a task: moment is for timers, which nobody can see, and strangers, in Explore and its like, for goroutines
// that the program has not started, which it is not to use. Those are given the time once.
// bubbled is on the clock of a bubble, where it takes no time but what a pool's tickers cost. The values are guesses.
const (
	patience  = time.Minute
	moment    = 500 * time.Millisecond
	strangers = time.Second
	bubbled   = 10 * 24 * time.Hour
)

// await waits for something from outside, when the loop has nothing to do and no timer, and reports whether that has
// come. If it is sure that nothing will, it gives its verdict, ends the run and reports false. It is called inside.
func (s *session) await(wake <-chan struct{}, busy func() bool) (woken bool) {
	id := goid.Get()
	suspects.Store(id, s.number)
	defer suspects.Delete(id)
	if s.bubble != "" {
		return s.awaitBubble(wake, busy)
	}
	began := time.Now()
	alone := began // since when nobody has been there that could wake a task
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		// A goroutine that has just ended may have woken a task before: so the loop is asked after the others.
		others, later := s.outside()
		select {
		case <-wake:
			return true
		default:
		}
		known := s.l.MayBeWoken()
		if known || len(others) > 0 {
			alone = time.Now()
		}
		if later {
			began = alone
		}
		switch waited := time.Since(began); {
		case !known && len(others) == 0:
			if s.cond != nil || time.Since(alone) >= moment {
				s.stuck()
				return false
			}
		case !known && s.cond != nil && (s.waited || waited >= strangers) && !s.any():
			s.waited = true
			s.stuck()
			return false
		case waited >= s.longest(patience) && !busy():
			s.lost(s.longest(patience), others)
			return false
		}
		timer := time.NewTimer(pause)
		select {
		case <-wake:
			timer.Stop()
			return true
		case <-timer.C:
		}
	}
}

// awaitBubble is await in a bubble of testing/synctest. There the clock goes on only when all goroutines wait for each
// other or for a timer, and to the next one at once. So a timer that is due late comes after all others.
func (s *session) awaitBubble(wake <-chan struct{}, busy func() bool) (woken bool) {
	for {
		timer := time.NewTimer(s.longest(bubbled))
		select {
		case <-wake:
			timer.Stop()
			return true
		case <-timer.C:
		}
		time.Sleep(time.Nanosecond) // until the tickers of pools that were due as well have been looked at
		switch others, _ := s.outside(); {
		case busy():
		case len(others) == 0 && !s.l.MayBeWoken():
			s.stuck()
			return false
		default:
			s.lost(s.longest(bubbled), others)
			return false
		}
	}
}

// longest returns what Patience has set, or else.
func (s *session) longest(otherwise time.Duration) time.Duration {
	if s.patience > 0 {
		return s.patience
	}
	return otherwise
}

// any reports whether a goroutine is there that the program has started and that may wake a task.
func (s *session) any() bool {
	for _, p := range s.own() {
		g := goroutine{state: "chan receive", fns: p.fns} // the profile does not say what it does
		if !g.inert() && !s.belongs(p.fns) && !runs(p.fns, module+"async/asynctest.(*session).await") {
			return true
		}
	}
	return false
}

// stuck ends the run because no task can go on.
func (s *session) stuck() {
	report := indent(async.ReportDeadlock(s.face).String())
	switch {
	case s.over.Load() && s.l.Abandoned():
	case s.over.Load():
		s.blame(deadlock, "tasks do not end although they are cancelled:\n%s", report)
	default:
		s.blame(deadlock, "deadlock: no task can go on, and nothing outside will wake one:\n%s", report)
	}
	s.give()
}

// mostStrangers is how many goroutines a report shows.
const mostStrangers = 20

// lost ends the run because it has waited long enough for something outside.
func (s *session) lost(d time.Duration, others []goroutine) {
	who := "a function on another goroutine, a connection, a signal or a context with a deadline"
	if n := len(others); n > 0 {
		who = "one of these goroutines"
		if !s.l.MayBeWoken() {
			who = "only " + who
		}
		if n > mostStrangers {
			who += fmt.Sprintf(", of which %d are shown", mostStrangers)
			others = others[:mostStrangers]
		}
		who += ":\n" + stacks(others)
	}
	report := indent(async.ReportDeadlock(s.face).String())
	s.blame(deadlock, "nothing has happened for %v, which Patience sets, and tasks wait:\n%s\nWhat could still wake one is %s", d, report, who)
	s.give()
}

// give ends the run, or the waiting for its end.
func (s *session) give() {
	if s.over.Load() {
		s.l.Abandon()
	} else {
		s.l.Halt()
	}
}

// longestEnd returns how long tasks may take to end after a run has taken too long.
func (s *session) longestEnd() time.Duration {
	d := 2 * time.Second
	if s.deadline.IsZero() {
		return d
	}
	return max(min(d, time.Until(s.deadline)/2), time.Millisecond)
}

// limit ends the run when it takes too long, on the clock on the wall.
func (s *session) limit() (stop func()) {
	if s.timeout <= 0 && s.end.IsZero() {
		return func() {}
	}
	return s.limited()
}

func (s *session) limited() (stop func()) {
	d := s.timeout
	why := func() string { return fmt.Sprintf("the run has taken longer than %v", d) }
	if d <= 0 {
		// What is left of the test's time, also if it is the thousandth run.
		d = max(time.Until(s.end), 0)
		began, runs := time.Now(), s.runs
		why = func() string {
			return fmt.Sprintf("the time of the test is over, in run %d, which has taken %v so far", runs, time.Since(began).Round(time.Millisecond))
		}
	}
	l, a, face := s.l, s.attempt, s.face
	// The loop may be in its next run, and a already looked at, when stopped is set. mu guards it and last.
	var mu sync.Mutex
	var stopped bool
	var last *time.Timer
	unlessStopped := func(fn func()) {
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			fn()
		}
	}
	// The end of a run may take as long as it likes, too: tasks may not listen, or jobs not return.
	abandon := func() {
		if l.Abandoned() {
			return
		}
		if report := async.ReportDeadlock(face).String(); report != "" {
			a.blame(timeout, "tasks do not end although they are cancelled:\n%s", indent(report))
		} else {
			a.blame(timeout, "tasks or functions on other goroutines do not end although they are cancelled")
		}
		l.Abandon()
	}
	halt := func() {
		last = time.AfterFunc(s.longestEnd(), func() { l.Call(func() { unlessStopped(abandon) }) })
		if !a.over.Load() {
			a.blame(timeout, "%s; its tasks are\n%s", why(), tasksOf(face))
			l.Halt()
		}
	}
	timer := time.AfterFunc(d, func() {
		told := make(chan struct{})
		if open := l.Call(func() { defer close(told); unlessStopped(halt) }); !open {
			return // it has ended meanwhile
		}
		select {
		case <-told:
			return
		case <-time.After(s.longestEnd() / 2):
		}
		unlessStopped(func() {
			buf := make([]byte, 1<<20)
			a.blame(timeout, "%s, and a task does not give way; the goroutines are\n%s", why(), buf[:runtime.Stack(buf, true)])
			// The run may never end, and what a test logs is lost when go test ends it.
			fmt.Fprintf(os.Stderr, "asynctest: %s: %s\n", testName(s.t), a.text())
		})
	})
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
		if last != nil {
			last.Stop()
		}
	}
}

// tasksOf describes the tasks that are not done, one a line. It is called inside the loop, or while that stands still.
func tasksOf(face *async.Loop) string {
	var lines []string
	for _, t := range async.AllTasks(face.Context()) {
		lines = append(lines, "\t"+t.String())
	}
	return strings.Join(lines, "\n")
}

// endless ends a run that has taken too many steps, inside the loop.
func (s *session) endless() {
	if s.cond.off {
		s.blame(endless, "tasks do not end although they are cancelled, and have taken %d steps since; they are\n%s", mostSteps,
			tasksOf(s.face))
		s.l.Abandon()
		return
	}
	s.blame(endless, "the run has not come to an end after %d steps", mostSteps)
	s.l.Halt()
}

// indent puts a tab before each line.
func indent(s string) string { return "\t" + strings.ReplaceAll(s, "\n", "\n\t") }
