package asynctest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A recorder is the testing.TB of one run of a program: it notes failures and tells nobody.
type recorder struct {
	testing.TB // the test's own; asked for what a run does not have a say in
	mu         sync.Mutex
	failed     bool
	skipped    bool
	lines      []string
	cleanups   []func()
}

func newRecorder(t testing.TB) *recorder { return &recorder{TB: t} }

func (r *recorder) note(failed bool, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = r.failed || failed
	if text = strings.TrimRight(text, "\n"); text != "" {
		r.lines = append(r.lines, text)
	}
}

func (r *recorder) Helper()                   {}
func (r *recorder) Fail()                     { r.note(true, "") }
func (r *recorder) Log(args ...any)           { r.note(false, fmt.Sprintln(args...)) }
func (r *recorder) Logf(f string, a ...any)   { r.note(false, fmt.Sprintf(f, a...)) }
func (r *recorder) Error(args ...any)         { r.note(true, fmt.Sprintln(args...)) }
func (r *recorder) Errorf(f string, a ...any) { r.note(true, fmt.Sprintf(f, a...)) }

func (r *recorder) FailNow() {
	r.Fail()
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) {
	r.Error(args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(f string, a ...any) {
	r.Errorf(f, a...)
	runtime.Goexit()
}

func (r *recorder) Skip(args ...any) {
	r.Log(args...)
	r.SkipNow()
}

func (r *recorder) Skipf(f string, a ...any) {
	r.Logf(f, a...)
	r.SkipNow()
}

func (r *recorder) SkipNow() {
	r.mu.Lock()
	r.skipped = true
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Skipped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.skipped
}

func (r *recorder) Name() string { return testName(r.TB) }

func (r *recorder) Context() context.Context { return context.Background() }

func (r *recorder) Cleanup(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cleanups = append(r.cleanups, fn)
}

// cleanUp calls what Cleanup was given, the last one first. One that fails the run by Goexit ends just itself.
func (r *recorder) cleanUp() {
	for {
		r.mu.Lock()
		n := len(r.cleanups)
		if n == 0 {
			r.mu.Unlock()
			return
		}
		fn := r.cleanups[n-1]
		r.cleanups = r.cleanups[:n-1]
		r.mu.Unlock()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() {
				if v := recover(); v != nil {
					r.note(true, fmt.Sprintf("panic in a cleanup: %v", v))
				}
			}()
			fn()
		}()
		<-done
	}
}

// said returns what was logged.
func (r *recorder) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

// testName returns the name of a test that may be nil, as in an example.
func testName(t testing.TB) string {
	if t == nil {
		return "Example"
	}
	return t.Name()
}
