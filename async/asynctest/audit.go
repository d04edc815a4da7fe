package asynctest

import (
	"context"
	"runtime"
	"runtime/debug"
)

// Invariant has check called at the end of the run, when no task is left; an error, a panic or a failure of [TB] in it
// fails the run. In [Sweep] that is where the program says what must hold although something was injected. It may be
// called from any goroutine. It panics if ctx does not come from this package.
func Invariant(ctx context.Context, check func() error) {
	s := of(ctx, "Invariant")
	if check == nil {
		panic("asynctest: Invariant was called with a nil function")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.invariants = append(s.invariants, check)
}

// audit looks at what should hold after each run.
func (s *session) audit() {
	a := s.attempt
	a.rec.cleanUp()
	failed := a.rec.Failed()
	if failed {
		a.problems = append([]problem{{failure, orElse(a.rec.said(), "the test has failed")}}, a.problems...)
	}
	faults := s.l.Audit()
	if !a.failed() && !s.skips() {
		for _, f := range faults {
			a.blame(invariant, "%s", f)
		}
		s.checkInvariants()
		if a.rec.cleanUp(); !failed && a.rec.Failed() {
			a.blame(invariant, "%s", orElse(a.rec.said(), "the test has failed in an invariant"))
		}
	}
	if s.t != nil && s.t.Failed() && !s.failedBefore && !s.direct {
		s.failedBefore = true
		a.blame(testFailed, "the test itself was failed, by the race detector or by t.Error, in the place of which there is asynctest.TB")
	}
	if s.cond != nil && runtime.NumGoroutine() > s.bare {
		s.checkLeaks()
		s.bare = runtime.NumGoroutine()
	}
}

// checkInvariants calls what Invariant was given. One that ends by FailNow ends the run.
func (s *session) checkInvariants() {
	a := s.attempt
	a.mu.Lock()
	checks := a.invariants
	a.mu.Unlock()
	for _, check := range checks {
		var err error
		returned := false
		done := make(chan struct{})
		go func() { // which FailNow may end
			defer close(done)
			defer func() {
				if v := recover(); v != nil {
					a.blame(panicked, "panic in an invariant: %v\n%s", v, debug.Stack())
					returned = true
				}
			}()
			err = check()
			returned = true
		}()
		<-done
		switch {
		case err != nil:
			a.blame(invariant, "%v", err)
		case !returned:
			a.goexit = true
			return
		}
	}
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
