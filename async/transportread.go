package async

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
)

// pullResult is what an attempt to read has come to.
type pullResult uint8

const (
	nothingThere pullResult = iota
	someMore                // perhaps
	drained                 // for now
	finished                // for good
)

// scratches are what is read into, so that a connection that is idle has no buffer.
var scratches = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// poll has the loop's poller read, and reports false if it cannot.
func (t *transport) poll() bool {
	if t.raw == nil || t.face == nil || t.foreign {
		return false
	}
	p := t.face.wires.poller(t.face)
	if p == nil {
		return false
	}
	t.r.mu.Lock()
	if t.stopping { // already: the loop is being closed
		t.r.mu.Unlock()
		return false
	}
	t.poller, t.r.resume = p, t.catchUp
	t.r.mu.Unlock()
	added := p.add(t)
	t.r.mu.Lock()
	shutting := t.shutting
	if !added && !shutting {
		t.poller, t.r.resume = nil, t.wake.Broadcast
	}
	t.r.mu.Unlock()
	if shutting {
		p.remove(t) // with the reader unlocked, for the poller may be at it
	}
	return added || shutting
}

// keepFromNow has a keeper read instead of the poller. Whoever has the connection itself may close it, of which epoll tells nobody;
// but a keeper hears of it from the runtime, so that a task that waits is told, as everywhere in package net.
func (t *transport) keepFromNow() {
	if t.r == nil {
		return
	}
	t.r.mu.Lock()
	p := t.poller
	if p == nil || t.stopping || t.shutting {
		t.r.mu.Unlock()
		return
	}
	t.poller, t.r.resume = nil, t.wake.Broadcast
	t.r.mu.Unlock()
	p.remove(t)
	go t.face.running(t.keep) // begin has counted it
}

// fill is how many reads in a row one connection gets. A peer that sends faster than we read must not keep the loop from
// everything else. The value is a guess.
const fill = 8

// arrived reads what is there, and reports whether there may be more for the next look. With beyond a read that gets less
// than was asked for is no proof that nothing is left, and the poller will not report it again.
func (t *transport) arrived(beyond bool) (more bool) {
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	for range fill {
		if t.r.paused || t.pullOnce() != someMore && (t.pulled != drained || !beyond && t.whole) {
			return false
		}
	}
	return true
}

// catchUp reads what the poller has reported while the reader was paused. The reader is locked.
func (t *transport) catchUp() {
	for range fill {
		if t.r.paused || t.pullOnce() != someMore && t.pulled != drained {
			return
		}
	}
	t.poller.again(t)
}

// keep is the goroutine that reads and, in the end, closes.
func (t *transport) keep() {
	if t.raw != nil {
		t.keepRaw()
	} else {
		t.keepBlocking()
	}
	t.r.mu.Lock()
	for !t.stopping && !t.detached && t.w != nil {
		t.wake.Wait()
	}
	detached := t.detached
	t.r.mu.Unlock()
	if detached { // and somebody else shuts
		close(t.gone)
		return
	}
	t.shut()
}

// keepRaw reads until there is nothing more to read.
func (t *transport) keepRaw() {
	for {
		err := t.raw.Read(func(fd uintptr) bool {
			t.r.mu.Lock()
			defer t.r.mu.Unlock()
			for !t.stopping && !t.detached && !t.r.paused {
				switch t.pull(fd) {
				case nothingThere: // drained may be an error that has come with the bytes, of which the runtime tells no more
					return false
				case finished:
					return true
				}
			}
			return true
		})
		if !t.goesOn(err) {
			return
		}
	}
}

// keepBlocking reads until there is nothing more to read.
func (t *transport) keepBlocking() {
	var p [8 << 10]byte
	for {
		n, err := t.conn.(io.Reader).Read(p[:])
		t.r.mu.Lock()
		t.took(p[:n], err)
		t.r.mu.Unlock()
		if !t.goesOn(nil) {
			return
		}
	}
}

// goesOn waits while the reader is paused, and reports whether there is more to read. err is why the wait for
// that has ended.
func (t *transport) goesOn(err error) bool {
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	if err != nil && !t.stopping && !t.detached {
		t.lose(t.wrap("read", err))
	}
	for t.r.paused && !t.stopping && !t.detached {
		t.wake.Wait()
	}
	return !t.stopping && !t.detached && !t.ended()
}

// ended reports whether nothing more can come. The reader is locked.
func (t *transport) ended() bool { return t.r.eof || t.r.err != nil || t.late != nil }

// read reads what is there.
func (t *transport) read(fd uintptr, p []byte) (int, error) {
	if t.socket {
		return receiveFD(fd, p)
	}
	return readFD(fd, p)
}

// pull reads once, without blocking. The reader is locked.
func (t *transport) pull(fd uintptr) pullResult {
	if t.stopping || t.detached || t.ended() {
		return finished
	}
	s := scratches.Get().(*[64 << 10]byte)
	defer scratches.Put(s)
	n, err := t.read(fd, s[:])
	if wouldBlock(err) {
		return nothingThere
	}
	if n == 0 && err == nil {
		err = io.EOF
	}
	t.took(s[:n], err)
	switch {
	case err != nil:
		return finished
	case n == len(s):
		return someMore
	}
	return drained
}

// took hands on what was read. The reader is locked.
func (t *transport) took(p []byte, err error) {
	if t.stopping {
		return
	}
	t.r.feed(p)
	if err == nil || t.detached && errors.Is(err, os.ErrDeadlineExceeded) {
		return
	}
	if err == io.EOF {
		t.r.end()
	} else {
		t.lose(t.wrap("read", err))
	}
	if t.w == nil {
		t.shutSoon()
	}
}

// pullNow tries to read, for a task that is about to wait, and reports whether that has changed anything. The
// reader is locked.
func (t *transport) pullNow() bool {
	switch {
	case t.late != nil:
		t.r.fail(t.late)
		return true
	case t.raw == nil || t.detached:
		return false
	}
	if t.tries++; t.poller != nil && t.vain == vainTries && t.tries%16 > 0 {
		return false
	}
	if t.pullOnce() == nothingThere {
		t.vain = min(t.vain+1, vainTries)
		return false
	}
	t.vain = 0
	return true
}

// vainTries is after how many tries in vain a task mostly leaves it to the poller to find what comes. The value is a guess
// that saves a system call for each request of a client that waits for answers.
const vainTries = 4

// pullOnce is pull for a caller without the descriptor. The reader is locked.
func (t *transport) pullOnce() pullResult {
	if t.pulled = nothingThere; t.stopping || t.detached {
		return nothingThere
	}
	if t.ended() {
		t.pulled = finished
		return finished
	}
	if err := t.raw.Control(t.onPull); err != nil { // somebody has closed the connection behind our back
		t.lose(t.wrap("read", net.ErrClosed))
		t.pulled = finished
	}
	return t.pulled
}
