package loop_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
	"github.com/asyncgo/asyncgo/internal/witness"
	"github.com/sourcegraph/conc/panics"
	"go.uber.org/goleak"
)

// TestMain fails if a goroutine outlives the tests. The engine starts none when it is imported, so there is no exception.
//
// The package above the engine owns the error types and tells the engine how to spell them. Here the tests do.
func TestMain(m *testing.M) {
	loop.Spell.Context = func(err, cause error) *loop.Cause { return &loop.Cause{Err: err, Cause: cause, Wait: cause} }
	loop.Spell.Panic = func(p *panics.Recovered) error { return p.AsError() }
	goleak.VerifyTestMain(m)
}

// A job is the plainest task: a function, and how it has ended.
type job struct {
	task loop.Task
	end  loop.Completion
	fn   func(ctx context.Context)
	how  string
}

// start makes a task of fn.
func start(ctx context.Context, l *loop.Loop, fn func(ctx context.Context)) *job {
	j := &job{fn: fn}
	j.task.Init(ctx, l, j)
	j.end.SetHome(l)
	j.task.Start()
	return j
}

func (j *job) ended(how string) {
	if j.end.Begin() {
		j.how = how
		j.end.Commit(loop.Succeeded)
		j.task.Over()
	}
}

// Ended implements loop.Body.
func (j *job) Ended() bool { return j.end.State() != loop.Pending }

// Run implements loop.Body.
func (j *job) Run(ctx context.Context) {
	j.fn(ctx)
	if j.task.Ending() != nil {
		j.ended("cancelled")
		return
	}
	j.ended("returned")
}

// Crash implements loop.Body.
func (j *job) Crash(p *panics.Recovered) { j.ended(fmt.Sprintf("panic: %v", p.Value)) }

// Quit implements loop.Body.
func (j *job) Quit() { j.ended("left by Goexit") }

// Drop implements loop.Body.
func (j *job) Drop(*loop.Cause) { j.ended("dropped") }

// Info implements loop.Body.
func (j *job) Info() any { return j }

// CancelWaited implements loop.Canceller.
func (j *job) CancelWaited(c *loop.Cause) bool {
	if j.end.State() != loop.Pending {
		return false
	}
	j.task.Cancel(c)
	return true
}

// inTask runs fn as the only task of a new loop, until it has ended. The loop is closed then, and nothing may be left of it.
func inTask(t *testing.T, clock loop.Clock, fn func(ctx context.Context, l *loop.Loop)) {
	t.Helper()
	limited(t, func() {
		l := loop.New(context.Background(), clock)
		j := start(l.Context(), l, func(ctx context.Context) {
			defer l.Stop()
			fn(ctx, l)
		})
		if _, err := l.Run(); err != nil {
			t.Errorf("Run: %v", err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if j.how != "returned" {
			t.Errorf("the task has ended like this: %s", j.how)
		}
	})
}

// limited runs a test, which fails if it does not end, or leaves a goroutine behind.
var limited = witness.Limited

// ticks gives way n times.
func ticks(ctx context.Context, n int) {
	for range n {
		loop.Sleep(ctx, 0)
	}
}

// A record is what has happened, in order. What runs inside one loop writes to it without a lock: that the race detector
// agrees is part of every test.
type record []string

func (r *record) add(format string, args ...any) { *r = append(*r, fmt.Sprintf(format, args...)) }

// expect compares the record with words that are separated by spaces.
func (r record) expect(t *testing.T, want string) {
	t.Helper()
	if !slices.Equal(r, strings.Fields(want)) {
		t.Errorf("what happened is\n\t%s\nand should be\n\t%s", strings.Join(r, " "), want)
	}
}

// never is something that does not come, and that a cancelled wait leaves alone.
type never struct{ loop.Completion }

// CancelWaited implements loop.Canceller.
func (n *never) CancelWaited(*loop.Cause) bool { return false }

// forever is a sleep that only ends by cancellation.
const forever time.Duration = 1<<63 - 1

// What tests cancel with.
var (
	errBecause = errors.New("because")
	theCause   = &loop.Cause{Err: context.Canceled, Cause: errBecause, Wait: errBecause}
)
