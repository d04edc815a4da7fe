package loop

import (
	"slices"
	"time"
)

// trimEvery is how often a loop looks for what it can give back. A worker that was not needed for so long
// is worth less than its stack.
const trimEvery = 20 * time.Millisecond

// calmTrims is how many of these looks have to find a buffer much too large before it is given back. It takes
// longer than with workers, because the next burst would have to grow it again, step by step.
const calmTrims = 5

// maxSpare is the capacity up to which a buffer is never too large.
const maxSpare = 1 << 14

// trimming is what a loop remembers from one look to the next.
type trimming struct {
	at    time.Duration // when to look next, on the real clock
	peak  int           // the most entries of a buffer since the last look
	calms int           // looks in a row that have found the buffers too large
	// lowIdle is the smallest number of idle workers since the last look: so many were not needed at any
	// moment.
	lowIdle int
}

// trimSometimes gives back what is not needed if it is time to, and reports whether there will be more to
// give back later.
func (l *Loop) trimSometimes(w *worker) bool {
	if len(l.idle) <= minSpare && !l.roomy() {
		return false
	}
	if !l.RealTime() {
		l.trimBuffers()
		return l.trimWorkers(w)
	}
	now := time.Since(start)
	if now < l.trim.at {
		return true
	}
	l.trimBuffers()
	for l.trimWorkers(w) && len(l.ready) == 0 && !l.inboxed.Load() {
		continue
	}
	l.trim.at = now + trimEvery
	return len(l.idle) > minSpare || l.roomy()
}

// roomy reports whether there are buffers that could be too large.
func (l *Loop) roomy() bool {
	return l.room() > maxSpare
}

// room returns the capacity of the largest buffer.
func (l *Loop) room() int {
	return max(cap(l.ready), cap(l.batch), cap(l.idle), cap(l.tasks.all), l.timers.room())
}

// trimBuffers gives back the buffers if they have been much too large for a while. The batch is used up.
func (l *Loop) trimBuffers() {
	tr := &l.trim
	tr.peak = max(tr.peak, len(l.ready), len(l.idle), l.tasks.n, l.timers.len())
	if tr.calms++; 4*tr.peak > l.room() {
		tr.calms = 0
	}
	tr.peak = 0
	if tr.calms >= calmTrims {
		tr.calms = 0
		l.ready = fit(l.ready)
		l.batch, l.pos = nil, 0
		l.idle = fit(l.idle)
		l.timers.trim()
		l.tasks.trim()
	}
}

// fit returns a copy of s without spare room.
func fit[S ~[]E, E any](s S) S { return append(S(nil), s...) }

// grown returns s with room for one more. It grows in larger steps than append, to be copied less often.
func grown[S ~[]E, E any](s S) S {
	if len(s) == cap(s) {
		s = slices.Grow(s, max(len(s), 16))
	}
	return s
}

// trimWorkers retires the workers that were idle since the last call, above the spare ones, at most some at a
// time. It returns whether there are more.
func (l *Loop) trimWorkers(w *worker) (more bool) {
	const batch = 256
	n := l.trim.lowIdle - minSpare
	for range min(n, batch) {
		last := len(l.idle) - 1
		old := l.idle[last]
		l.idle[last] = nil
		l.idle = l.idle[:last]
		l.retire(w, old)
	}
	if more = n > batch; more {
		l.trim.lowIdle -= batch
		return more
	}
	l.trim.lowIdle = len(l.idle)
	return false
}
