package asynctest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A session runs a program once or many times. A loop is kept from one run to the next as long as nothing is left
// in it, because to make one costs more than to run a small program.
type session struct {
	*config
	t      testing.TB // of the test; nil in an example
	owner  string     // of its tokens
	filter string     // the name by which go test -run finds it
	main   func(ctx context.Context) error
	brood

	runner *async.Runner
	face   *async.Loop
	l      *loop.Loop
	clock  *clock
	cond   *conductor // nil if the order is the loop's own
	detail bool       // keep track of where things happen
	direct bool       // TB is the test itself
	runs   int        // so far
	bare   int        // goroutines with which nothing was leaked, when it was last looked at

	*attempt
}

// An attempt is one run of the program.
type attempt struct {
	rec        *recorder
	invariants []func() error
	mu         sync.Mutex // guards problems, which other goroutines may add to
	problems   []problem
	over       bool // main has ended
	goexit     bool
	err        error

	choices []uint16
	steps   []step
	told    []event
	points  int
	hit     bool
	fair    bool
	hash    uint64
}

// A problem is something that makes an attempt fail. What matters most comes first in its kind's order.
type problem struct {
	kind string
	text string
}

// The kinds of problems.
const (
	failure    = "failure"
	deadlock   = "deadlock"
	panicked   = "panic"
	leak       = "leak"
	invariant  = "invariant"
	timeout    = "timeout"
	unsteady   = "nondeterminism"
	endless    = "endless"
	stale      = "stale token"
	testFailed = "test"
)

func (a *attempt) blame(kind, format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.problems = append(a.problems, problem{kind, fmt.Sprintf(format, args...)})
}

func (a *attempt) failed() bool { return len(a.problems) > 0 }

// kind is the kind of the first problem.
func (a *attempt) kind() string {
	if len(a.problems) == 0 {
		return ""
	}
	return a.problems[0].kind
}

// text says all that is wrong, in some lines.
func (a *attempt) text() string {
	var lines []string
	for _, p := range a.problems {
		lines = append(lines, p.text)
	}
	return strings.Join(lines, "\n")
}

type sessionKey struct{}

// of returns the session that ctx belongs to.
func of(ctx context.Context, who string) *session {
	s, ok := ctx.Value(sessionKey{}).(*session)
	if !ok {
		panic("asynctest: " + who + " was called with a ctx that does not come from asynctest")
	}
	return s
}

// newSession prepares the runs of main. conducted is whether the session chooses the order of tasks.
func newSession(t testing.TB, main func(ctx context.Context) error, conducted bool, c *config) *session {
	s := &session{config: c, t: t, owner: owner(t), filter: testName(t), main: main}
	if conducted {
		s.cond = &conductor{inject: inject, endless: s.endless}
	}
	return s
}

// open makes a loop, unless there is one from the run before.
func (s *session) open() {
	if s.runner != nil {
		return
	}
	s.clock = &clock{loop.NewVirtual(), s}
	opts := append([]async.Option{async.Clock(s.clock), async.Logger(slog.New(slog.NewTextHandler(s, nil)))}, s.async...)
	ctx := context.WithValue(context.Background(), sessionKey{}, s)
	opts = append(opts, async.WithContext(ctx), async.ExceptionHandler(s.unheard))
	if s.detail {
		opts = append(opts, async.Debug(), async.SlowTask(time.Hour)) // nobody asks how long a step takes
	}
	s.runner = async.NewRunner(opts...)
	s.face, _ = s.runner.Loop()
	s.l = loop.Of(s.face.Context())
	if s.cond != nil {
		s.cond.l = s.l
		s.l.SetScheduler(s.cond)
	}
}

// Write implements io.Writer, for what the loop logs.
func (s *session) Write(b []byte) (int, error) {
	s.rec.Log(string(b))
	return len(b), nil
}

// unheard is told of errors that nobody gets.
func (s *session) unheard(l *async.Loop, e async.ExceptionContext) {
	var p *future.PanicError
	switch {
	case errors.As(e.Err, &p) && !injected(e.Err):
		s.blame(panicked, "%s: panic: %v\n%s", e.Message, p.Value, p.Stack)
	case s.cond != nil && s.cond.hit && expected(e.Err):
	default:
		l.DefaultExceptionHandler(e)
	}
}

// run runs the program once. search is nil if the order is the loop's own.
func (s *session) run(search search, f fault) *attempt {
	s.attempt = &attempt{rec: newRecorder(s.t)}
	a := s.attempt
	s.runs++
	s.open()
	s.clock.Reset()
	if s.cond != nil {
		s.cond.reset(search, f)
		s.cond.tell = s.detail
	}
	stop := s.limit()
	main := async.CreateTask(s.face.Context(), s.body, async.Name("main"))
	main.AddDoneCallback(func(*async.Future[async.Void]) { s.l.Halt() })
	a.goexit, a.err = s.l.Run()
	a.over = true
	if s.cond != nil {
		s.cond.off = true
		a.choices, a.steps, a.told = s.cond.choices, s.cond.steps, s.cond.told
		a.points, a.hit, a.fair, a.hash = s.cond.points, s.cond.hit, s.cond.fair, s.cond.hash()
	}
	switch {
	case a.err != nil:
		a.blame(failure, "%v", a.err)
	case main.IsDone():
		s.judge(main)
	case !a.goexit && !a.failed():
		a.blame(failure, "%v", async.ErrStopped)
	}
	if a.goexit || !main.IsDone() || !s.clean() {
		s.close()
	} else {
		for _, e := range s.l.Unseen() {
			s.l.Report(e)
		}
	}
	stop()
	s.audit()
	return a
}

// body is what the main task runs.
func (s *session) body(ctx context.Context) (async.Void, error) { return async.Void{}, s.main(ctx) }

// judge looks at how main has ended.
func (s *session) judge(main *async.Task[async.Void]) {
	err := main.Err()
	if main.Cancelled() {
		_, err = main.Result()
	}
	var p *future.PanicError
	switch {
	case err == nil:
	case s.cond != nil && s.cond.hit && expected(err):
	case errors.As(err, &p):
		s.blame(panicked, "panic: %v\n%s", p.Value, p.Stack)
	default:
		s.blame(failure, "%v", err)
	}
}

// clean reports whether the loop can be used for the next run: nothing is left in it.
func (s *session) clean() bool {
	clean := false
	s.l.Do(func() {
		st := s.l.Stats()
		clean = st.Tasks == 0 && st.Ready == 0 && st.Timers == 0 && !s.l.MayBeWoken() && !s.l.Abandoned()
	})
	return clean
}

// close ends the loop and what is left in it.
func (s *session) close() {
	if s.runner == nil {
		return
	}
	done := make(chan struct{})
	go func() { // it may be left by Goexit
		defer close(done)
		defer func() {
			if v := recover(); v != nil {
				s.blame(panicked, "panic while the loop is closed: %v\n%s", v, debug.Stack())
			}
		}()
		s.runner.Close()
	}()
	<-done
	s.runner = nil
}

// audit looks at what should hold after each run.
func (s *session) audit() {
	a := s.attempt
	a.rec.cleanUp()
	if a.rec.Failed() {
		a.problems = append([]problem{{failure, orElse(a.rec.said(), "the test has failed")}}, a.problems...)
	}
	faults := s.l.Audit()
	if !a.failed() {
		for _, f := range faults {
			a.blame(invariant, "%s", f)
		}
		for _, check := range a.invariants {
			if err := check(); err != nil {
				a.blame(invariant, "%v", err)
			}
		}
	}
	if s.t != nil && s.t.Failed() && !s.failedBefore {
		s.failedBefore = true
		a.blame(testFailed, "the test itself was failed, by t.Error or by the race detector")
	}
	if s.cond != nil && runtime.NumGoroutine() > s.bare {
		s.checkLeaks()
		s.bare = runtime.NumGoroutine()
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// checkLeaks blames goroutines that are left of the run.
func (s *session) checkLeaks() {
	if s.leaks {
		return
	}
	for _, stack := range s.leaked() {
		s.blame(leak, "a goroutine is left:\n%s", strings.TrimSpace(stack))
	}
}

// stuck is asked when the loop has nothing to do and no timer, inside the loop. If nobody outside can
// wake it either, it ends the run and reports true.
func (s *session) stuck() bool {
	// A goroutine that has just ended may have woken a task before: so the loop is asked once more.
	if s.l.MayBeWoken() || len(s.alive()) > 0 || s.older() > 0 || s.l.MayBeWoken() {
		return false
	}
	report := async.ReportDeadlock(s.face)
	switch {
	case s.attempt.over && s.l.Abandoned():
	case s.attempt.over:
		s.blame(deadlock, "tasks do not end although they are cancelled:\n%s", indent(report.String()))
	default:
		s.blame(deadlock, "deadlock: no task can go on, and nothing outside will wake one:\n%s", indent(report.String()))
	}
	s.give(s.attempt.over)
	return true
}

// lost is called when the loop has waited long enough for something outside.
func (s *session) lost() {
	report := async.ReportDeadlock(s.face)
	s.blame(deadlock, "nothing has happened for %v; only these goroutines could still wake a task:\n%s\n%s", s.patience,
		strings.Join(s.alive(), "\n\n"), indent(report.String()))
	s.give(s.attempt.over)
}

// give ends the run.
func (s *session) give(up bool) {
	if up {
		s.l.Abandon()
	} else {
		s.l.Halt()
	}
}

// limit ends the run when it takes too long, on the clock on the wall.
func (s *session) limit() (stop func()) {
	d := s.timeout
	why := func() string { return fmt.Sprintf("the run has taken longer than %v", d) }
	if d <= 0 {
		if s.end.IsZero() {
			return func() {}
		}
		// What is left of the test's time, also if it is the thousandth run.
		d = max(time.Until(s.end), 0)
		began, runs := time.Now(), s.runs
		why = func() string {
			return fmt.Sprintf("the time of the test is over, in run %d, which has taken %v so far", runs, time.Since(began).Round(time.Millisecond))
		}
	}
	l, a, face := s.l, s.attempt, s.face
	var stopped atomic.Bool // the loop may be in its next run
	// The end of a run may take as long as it likes, too: tasks may not listen, or jobs not return.
	abandon := func() {
		l.Do(func() {
			if !l.Abandoned() && !stopped.Load() {
				a.blame(timeout, "tasks do not end although they are cancelled:\n%s", indent(async.ReportDeadlock(face).String()))
				l.Abandon()
			}
		})
	}
	var last *time.Timer
	timer := time.AfterFunc(d, func() {
		told := make(chan struct{})
		open := l.Do(func() {
			defer close(told)
			if stopped.Load() {
				return
			}
			last = time.AfterFunc(patienceAtEnd, abandon)
			if a.over {
				return
			}
			a.blame(timeout, "%s; its tasks are\n%s", why(), tasksOf(face))
			l.Halt()
		})
		if !open {
			return // it has ended meanwhile
		}
		select {
		case <-told:
		case <-time.After(time.Second):
			buf := make([]byte, 1<<20)
			a.blame(timeout, "%s, and a task does not give way; the goroutines are\n%s", why(),
				buf[:runtime.Stack(buf, true)])
			if s.t != nil {
				s.t.Log(a.text()) // the run may never end
			}
		}
	})
	return func() {
		stopped.Store(true)
		timer.Stop()
		l.Do(func() {
			if last != nil {
				last.Stop()
			}
		})
	}
}

// tasksOf lists the tasks of a loop, one a line. It is called inside.
func tasksOf(face *async.Loop) string {
	var tasks strings.Builder
	for _, t := range async.AllTasks(face.Context()) {
		fmt.Fprintf(&tasks, "\t%v\n", t)
	}
	return tasks.String()
}

// patienceAtEnd is how long tasks may take to end after a run has taken too long.
const patienceAtEnd = 2 * time.Second

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
