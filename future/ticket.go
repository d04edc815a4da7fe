package future

import (
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A worker process has its next call before it has answered the one it is at, so that it need not wait for
// the pool between them. Nevertheless that call has not begun: the pool can take it back, to cancel it, or
// to give it to a worker that is free. So that both agree, each call has a ticket, a byte in a pipe that
// both can read. The worker takes one for each call, in their order, before it begins. The pool takes all
// that are left, makes the one that it wants void, and puts them back. So the tickets that are gone also
// tell which calls a worker had begun that has ended.
const (
	ticketValid byte = iota
	ticketVoid
)

// place is where a call of a pool stands.
type place struct {
	state  atomic.Uint32           // a jobState
	holder atomic.Pointer[tickets] // of the worker that has it ahead
	ticket uint64                  // its number there, if it has one; of holder.mu
}

// claim reserves the call for whoever does it, and reports false if it was cancelled.
func (t *place) claim() bool { return t.state.CompareAndSwap(queued, started) }

// withdraw cancels the call, and reports false if it has begun.
func (t *place) withdraw() bool {
	for {
		switch t.state.Load() {
		case queued:
			if t.state.CompareAndSwap(queued, withdrawn) {
				return true
			}
		case ahead:
			// If it is none of theirs any more, it has just come from there, to another state.
			if k := t.holder.Load(); k != nil {
				if ours, begun := k.takeBack(t, withdrawn); ours || begun {
					return ours
				}
			}
		default:
			return false
		}
	}
}

// tickets are those of a worker process, on the side of the pool.
type tickets struct {
	r, w *os.File
	raw  syscall.RawConn // r

	mu     sync.Mutex
	issued uint64
	ahead  remoteCall // that the worker gets or has, and has not come to as far as we know
	since  time.Time  // that is so
}

// newTickets returns the tickets of a worker that is being started. The worker gets r.
func newTickets() (*tickets, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	raw, err := r.SyscallConn()
	if err != nil {
		r.Close()
		w.Close()
		return nil, err
	}
	return &tickets{r: r, w: w, raw: raw}, nil
}

// issue gives a ticket to the call that the worker is about to get.
func (k *tickets) issue(t *place) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.write(t)
}

func (k *tickets) write(t *place) {
	k.issued++
	t.ticket = k.issued
	k.w.Write([]byte{ticketValid})
}

// reserve makes a call the one that the worker has ahead, and reports false if it was cancelled.
func (k *tickets) reserve(c remoteCall) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	t := c.place()
	t.holder.Store(k)
	if !t.state.CompareAndSwap(queued, ahead) {
		t.holder.Store(nil)
		return false
	}
	t.ticket = 0
	k.ahead, k.since = c, time.Now()
	return true
}

// issueAhead gives a ticket to the call that was reserved, and reports false if it was taken back.
func (k *tickets) issueAhead(c remoteCall) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ahead != c {
		return false
	}
	k.write(c.place())
	return true
}

// promote returns the call that the worker had ahead, if any, which it comes to now.
func (k *tickets) promote() remoteCall {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.leave(started)
}

// leave has the call that is ahead go over to another state.
func (k *tickets) leave(to jobState) remoteCall {
	c := k.ahead
	if c != nil {
		k.ahead = nil
		t := c.place()
		t.holder.Store(nil)
		t.state.Store(to)
	}
	return c
}

// takeBack takes a call from the worker that has it ahead. It reports whether it has, and if not, whether
// the worker has begun it.
func (k *tickets) takeBack(t *place, to jobState) (ours, begun bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ahead == nil || k.ahead.place() != t {
		return false, false
	}
	if k.gone(t, true) {
		return false, true
	}
	k.leave(to)
	return true, false
}

// takeAhead takes the call that the worker has ahead, if it is for so long already that it does.
func (k *tickets) takeAhead(age time.Duration) remoteCall {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ahead == nil || age > 0 && time.Since(k.since) < age || k.gone(k.ahead.place(), true) {
		return nil
	}
	return k.leave(queued)
}

// hasAhead reports whether there is a call that the worker has, and has not begun.
func (k *tickets) hasAhead() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.ahead != nil && !k.gone(k.ahead.place(), false)
}

// begun reports whether the worker has begun a call that it was given.
func (k *tickets) begun(t *place) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.gone(t, false)
}

// gone reports whether the worker has taken the ticket of a call. If not, void makes it void.
func (k *tickets) gone(t *place, void bool) bool {
	if t.ticket == 0 {
		return false // it has none yet
	}
	var buf [maxTickets]byte
	left := k.take(&buf)
	// While we have them, the worker may have waited for one, but it has not passed by any.
	i := int64(t.ticket) - int64(k.issued) + int64(len(left)) - 1
	if i >= 0 && void {
		left[i] = ticketVoid
	}
	k.w.Write(left)
	return i < 0
}

// take takes all tickets that are left.
func (k *tickets) take(buf *[maxTickets]byte) []byte {
	n := 0
	k.raw.Read(func(fd uintptr) bool {
		n = max(0, readNow(fd, buf[:]))
		return true
	})
	return buf[:n]
}

// maxTickets is more than are ever left: those of the call that the worker has not come to, of one that
// was taken back, and of one ahead.
const maxTickets = 16

// close is called when the worker has ended, and returns the call that it had ahead and had not begun, as
// one in no queue. One that it had begun is lost.
func (k *tickets) close() (c remoteCall, lost bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ahead != nil {
		if lost = k.gone(k.ahead.place(), false); lost {
			c = k.leave(started)
		} else {
			c = k.leave(queued)
		}
	}
	k.r.Close()
	k.w.Close()
	return c, lost
}
