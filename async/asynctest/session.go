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
	waited bool       // long enough for goroutines of which it is not known that the program has started them
	skip   *string    // the program has called Skip, and said this

	*attempt
}

// An attempt is one run of the program.
type attempt struct {
	rec        *recorder
	mu         sync.Mutex // guards what other goroutines may add to
	problems   []problem
	invariants []func() error
	over       atomic.Bool // main has ended
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
	leftover   = "leftover"
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

func (a *attempt) failed() bool { return a.kind() != "" }

// kind is the kind of the first problem.
func (a *attempt) kind() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.problems) == 0 {
		return ""
	}
	return a.problems[0].kind
}

// text says all that is wrong, in some lines.
func (a *attempt) text() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var lines []string
	for _, p := range a.problems {
		lines = append(lines, p.text)
	}
	return strings.Join(lines, "\n")
}

type sessionKey struct{}

// sessions has the sessions by their loops. A ctx has its session too; but one may have come in by async.WithContext.
var sessions sync.Map

// of returns the session that ctx belongs to.
func of(ctx context.Context, who string) *session {
	if l := loop.Of(ctx); l != nil {
		if s, ok := sessions.Load(l); ok {
			return s.(*session)
		}
	}
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
	opts := []async.Option{async.Logger(slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{ReplaceAttr: timeless})))}
	opts = append(opts, async.WithContext(context.WithValue(s.marked, sessionKey{}, s)))
	opts = append(opts, s.async...)
	opts = append(opts, async.Clock(s.clock), async.ExceptionHandler(s.unheard))
	if s.detail {
		opts = append(opts, async.Debug(), async.SlowTask(time.Hour)) // nobody asks how long a step takes
	}
	s.runner = async.NewRunner(opts...)
	s.face, _ = s.runner.Loop()
	s.l = loop.Of(s.face.Context())
	if s.l.Parallel() {
		panic("asynctest: a loop with async.Parallel has no order that a test could repeat")
	}
	sessions.Store(s.l, s)
	if s.cond != nil {
		s.cond.l = s.l
		s.l.SetScheduler(s.cond)
	}
}

// Write implements io.Writer, for what the loop logs.
func (s *session) Write(b []byte) (int, error) {
	if text := strings.TrimRight(string(b), "\n"); s.direct {
		s.t.Log(text)
	} else {
		s.rec.Log(text)
	}
	return len(b), nil
}

// timeless leaves the time out of what the loop logs: it is not that of the program, and another one in each run.
func timeless(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
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
	main := async.Go(s.face.Context(), s.main, async.Name("main"))
	if s.detail {
		s.l.Do(func() { s.l.Tasks()[0].SetCreated(s.caller) }) // it is the only one
	}
	main.AddDoneCallback(func(*async.Future[async.Void]) { s.l.Halt() })
	a.goexit, a.err = s.l.Run()
	a.over.Store(true)
	if s.cond != nil {
		s.cond.off = true
		a.choices, a.steps, a.told = s.cond.choices, s.cond.steps, s.cond.told
		a.points, a.hit, a.fair, a.hash = s.cond.points, s.cond.hit, s.cond.fair, s.cond.hash()
	}
	switch {
	case a.err != nil:
		a.blame(failure, "%v", a.err)
	case a.goexit: // by FailNow or SkipNow, as a rule
	case main.IsDone():
		s.judge(main)
		s.checkLeftovers()
	case !a.failed():
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
	switch {
	case a.failed():
	case s.skips():
		said := a.rec.said()
		s.skip = &said
		runtime.Goexit() // and out of all that a session does; see start
	case a.goexit && !s.direct:
		a.blame(failure, "runtime.Goexit was called in a task")
	}
	return a
}

// skips reports whether the program has called Skip, of [TB] or of the test itself.
func (s *session) skips() bool {
	return s.goexit && (s.rec.Skipped() || s.t != nil && s.t.Skipped())
}

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
	sessions.Delete(s.l)
	s.runner = nil
}
