package loop

import (
	"sync"
	"sync/atomic"
)

// A Failure is an error on its way to somebody who looks at it. If the future that holds it is dropped, or the
// run ends, and nobody has looked, it is reported.
type Failure struct {
	what    string
	err     error
	loop    *Loop
	created []uintptr // in debug mode
	seen    atomic.Bool
}

// failures is the list of those that nobody has looked at. The Failures do not hold the
// futures, so that being dropped can be noticed.
type failures struct {
	mu  sync.Mutex
	all []*Failure
	max int
}

// Watch begins to watch over an error.
func (l *Loop) Watch(what string, err error) *Failure {
	f := &Failure{what: what, err: err, loop: l}
	fs := &l.failures
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if len(fs.all) >= max(fs.max, 16) {
		unseen := fs.all[:0]
		for _, g := range fs.all {
			if !g.seen.Load() {
				unseen = append(unseen, g)
			}
		}
		clear(fs.all[len(unseen):])
		fs.all = unseen
		fs.max = 2 * len(unseen)
	}
	fs.all = append(fs.all, f)
	return f
}

// Rename sets what has failed, before anybody else has the Failure.
func (f *Failure) Rename(what string) { f.what = what }

// Seen notes that somebody has looked at the error.
func (f *Failure) Seen() {
	if !f.seen.Load() {
		f.seen.Store(true)
	}
}

// Dropped reports the error if nobody has looked at it: the last chance to is gone.
func (f *Failure) Dropped() {
	if !f.seen.Swap(true) && !f.loop.Call(f.report) {
		f.report() // the loop is closed; it knows where to report all the same
	}
}

func (f *Failure) report() { f.loop.Report(f.exception()) }

func (f *Failure) exception() Exception {
	return Exception{Message: f.what + " exception was never retrieved", Err: f.err, Created: position(f.created)}
}

// AnyUnseen reports whether there may be errors that nobody has looked at.
func (l *Loop) AnyUnseen() bool {
	fs := &l.failures
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return len(fs.all) > 0
}

// Unseen returns the errors that nobody has looked at, for the end of a run. From now on they count as
// reported.
func (l *Loop) Unseen() (unseen []Exception) {
	fs := &l.failures
	fs.mu.Lock()
	all := fs.all
	fs.all = nil
	fs.mu.Unlock()
	for _, f := range all {
		if !f.seen.Swap(true) {
			unseen = append(unseen, f.exception())
		}
	}
	return unseen
}
