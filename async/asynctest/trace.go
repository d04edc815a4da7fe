package asynctest

import (
	"runtime"
	"sync"
	"testing"
)

// A Trace checks that things happen in a certain order: each one calls Expect with its place, and the last one Finish.
// It may be used from any goroutine.
type Trace struct {
	t    testing.TB
	mu   sync.Mutex
	last int
	over bool
}

// NewTrace makes a Trace for t, which is [TB] in a program under [Explore]. It fails t if Finish was not called by the
// end of the test, unless that has failed anyway.
func NewTrace(t testing.TB) *Trace {
	tr := &Trace{t: t}
	t.Cleanup(func() {
		t.Helper()
		if !tr.over && !t.Failed() {
			t.Errorf("asynctest: the trace was not finished; the last was Expect(%d)", tr.last)
		}
	})
	return tr
}

// Expect fails the test at once, by FailNow, if this is not the n-th thing that happens, counted from one.
func (tr *Trace) Expect(n int) {
	tr.t.Helper()
	tr.check("Expect", n, false)
}

// Finish is [Trace.Expect] for the last thing: after it nothing may happen any more.
func (tr *Trace) Finish(n int) {
	tr.t.Helper()
	tr.check("Finish", n, true)
}

func (tr *Trace) check(who string, n int, last bool) {
	tr.t.Helper()
	tr.mu.Lock()
	due, over := tr.last+1, tr.over
	if n == due && !over {
		tr.last, tr.over = n, last
	}
	tr.mu.Unlock()
	_, file, line, _ := runtime.Caller(2)
	switch {
	case over:
		tr.t.Fatalf("asynctest: %s(%d) after Finish at %s:%d", who, n, file, line)
	case n != due:
		tr.t.Fatalf("asynctest: %s(%d) where %d was due at %s:%d", who, n, due, file, line)
	}
}
