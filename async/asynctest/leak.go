package asynctest

import (
	"strings"
	"time"
)

// IgnoreLeaks has the test not fail because of goroutines that outlive the program.
func IgnoreLeaks() Option { return func(c *config) { c.leaks = true } }

// NoLeftovers has a run fail if tasks are left when main has returned. Without it they are cancelled and waited for,
// without a word, as asyncio.run does it; that is right for a server that runs until the program ends, and hides a task
// that somebody has forgotten to await. In [Sweep] it holds for the runs with a fault too.
func NoLeftovers() Option { return func(c *config) { c.noLeftovers = true } }

// checkLeftovers blames the tasks that main has left, before they are cancelled.
func (s *session) checkLeftovers() {
	if !s.noLeftovers {
		return
	}
	if tasks := tasksOf(s.face); tasks != "" {
		s.blame(leftover, "main has returned, and these tasks are left:\n%s", tasks)
	}
}

// checkLeaks blames goroutines that are left of the run.
func (s *session) checkLeaks() {
	if s.leaks || s.kind() == timeout { // then tasks or functions have been left behind, and little time is left
		return
	}
	for _, stack := range s.leaked() {
		s.blame(leak, "a goroutine is left:\n%s", strings.TrimSpace(stack))
	}
}

// leaked returns the stacks of goroutines that outlive the run. They get a moment to end.
func (s *session) leaked() (stacks []string) {
	for wait := 50 * time.Microsecond; ; wait *= 2 {
		if stacks = s.left(); len(stacks) == 0 || wait > 500*time.Millisecond {
			return stacks
		}
		time.Sleep(wait)
	}
}

// left returns the stacks of goroutines that the program has started: those that have the mark, or if none has, those
// that were started on a goroutine of the loop; a pprof.Do in the program may have taken the mark from them.
func (s *session) left() (stacks []string) {
	for _, p := range s.own() {
		if !s.belongs(p.fns) {
			stacks = append(stacks, p.text)
		}
	}
	if len(stacks) > 0 || s.l == nil {
		return stacks
	}
	for _, g := range look() {
		if s.l.Hand(g.parent) && !s.belongs(g.fns) {
			stacks = append(stacks, g.text)
		}
	}
	return stacks
}

// belongs reports whether a goroutine with such a stack may be there although the program has ended: the session's own,
// those of its loop while that is open, and those of pools, which may be shared with other tests.
func (s *session) belongs(fns []string) bool {
	switch {
	case runs(fns, module+"async/asynctest.(*session).checkLeaks"), runs(fns, module+"async/asynctest.(*session).limited."),
		runs(fns, "os/signal.loop"), runs(fns, "os/signal.signal_recv"): // started once, and never ended
		return true
	case s.runner != nil && runs(fns, module+"internal/coro."):
		return true
	}
	return idles(fns)
}
