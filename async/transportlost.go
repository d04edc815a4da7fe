package async

import (
	"errors"
	"runtime"
	"syscall"
)

// lose is called when a read has failed: what was read before is still given out, and the transport closes. The reader is locked.
func (t *transport) lose(err error) {
	t.failReads(err)
	if t.w != nil && !t.plain && !t.detached {
		t.fall(err)
	}
}

// loseWriting is called when a write has failed: what the kernel still has for the reader is read, and the transport closes.
func (t *transport) loseWriting(err error) {
	if t.plain {
		return
	}
	if t.r == nil {
		t.w.mu.Lock()
		t.w.closing = true
		t.w.mu.Unlock()
		t.stop()
		return
	}
	t.r.mu.Lock()
	if t.stopping || t.detached {
		t.r.mu.Unlock()
		return
	}
	ended := t.ended()
	t.pullRest()
	if t.r.eof && t.raw != nil && errors.Is(err, syscall.ECONNRESET) && (!ended || runtime.GOOS == "linux") {
		// The kernel tells one caller of the reset and the others of an end that never came. Behind an end that did come Linux
		// has a broken pipe instead; elsewhere what was known of it before counts.
		t.r.eof = false
	}
	if !t.ended() {
		t.failReads(err)
	}
	t.fall(err)
	kept := t.hasKeeper()
	t.r.mu.Unlock()
	if kept {
		t.interrupt()
	}
}

// restReads is how many reads a connection gets at most that cannot be written any more. A kernel has less for it, unless the peer
// is alive and sends on.
const restReads = 256

// pullRest reads what has come before the connection was lost. The reader is locked.
func (t *transport) pullRest() {
	if t.raw == nil {
		return
	}
	for range restReads {
		switch t.pullOnce() {
		case nothingThere, finished:
			return
		}
	}
}

// failReads has reads fail. The reader is locked.
func (t *transport) failReads(err error) {
	if t.r.len() == 0 {
		t.r.fail(err)
		return
	}
	// Nobody has had a chance to read these bytes, and the error would hide them. Whoever wants more gets it.
	t.late = err
	t.r.line.WakeAll()
}

// fall closes a transport whose connection is lost, unless somebody closes it already. A keeper hears of that from the runtime, or by
// interrupt. The reader is locked.
func (t *transport) fall(err error) {
	w := t.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing {
		return
	}
	w.closing = true
	w.fail(err)
	t.broken, t.stopping = true, true
	t.wake.Broadcast()
	t.shutSoon()
}
