package async

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A transport moves bytes between a connection, or one end of a pipe, and a StreamReader and a StreamWriter. It is
// what keeps system calls that block away from the loop.
//
// Bytes come in by the loop's poller, or where that cannot be by a goroutine of the transport's own, the keeper, and are
// appended to the buffer of the StreamReader. So no wait of a task has to interrupt a read, and none can lose a
// byte. A task that finds the buffer empty tries a read that does not block, before it waits. Bytes go out by the
// task itself, as far as the connection takes them without blocking; a goroutine sends the rest, and ends then.
//
// The keeper waits once for each edge that the runtime's poller reports and reads until the descriptor has less than was
// asked for. That is enough, because whoever waits for more has tried to read in vain before.
//
// Connections without a descriptor to try, as those of TLS, are read and written by the two goroutines
// alone.
type transport struct {
	conn io.Closer
	raw  syscall.RawConn // nil if calls can only block
	r    *StreamReader   // nil if there is no way in
	w    *StreamWriter   // nil if there is no way out
	face *Loop           // whose end is the end of the transport; nil for none
	lost func()          // called when it is all over, on any goroutine, or nil

	token int32 // by which the poller knows the transport; guarded by that one's mutex

	// Guarded by the reader's mutex, or the writer's if there is no reader.
	poller   *poller   // that reads; nil if there is a keeper
	wake     sync.Cond // the keeper waits for it
	stopping bool
	late     error // comes behind the bytes in the buffer
	shutting bool  // without a keeper: a goroutine closes, or has closed
	pulled   pullResult
	tries    uint8            // see pullNow
	vain     uint8            // tries in a row
	onPull   func(fd uintptr) // pull, made once

	// Guarded by the writer's mutex.
	piece   []byte
	wrote   int
	wrErr   error
	onWrite func(fd uintptr) // made once
}

// pullResult is what an attempt to read has come to.
type pullResult uint8

const (
	nothingThere pullResult = iota
	someMore                // perhaps
	drained                 // for now
	finished                // for good
)

var noDeadline time.Time

// longAgo is a deadline that ends a call at once.
var longAgo = time.Unix(1, 0)

// scratches are what is read into, so that a connection that is idle has no buffer.
var scratches = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// newTransport makes a transport of conn, for begin. A limit of zero makes no StreamReader, and out tells whether
// there is a StreamWriter.
func newTransport(face *Loop, conn io.Closer, limit int, out bool) *transport {
	t := &transport{conn: conn, raw: rawOf(conn), face: face}
	if limit > 0 {
		t.r = &StreamReader{limit: limit, source: t}
		t.r.resume = t.wake.Broadcast
		t.wake.L = &t.r.mu
		t.onPull = func(fd uintptr) { t.pulled = t.pull(fd) }
	}
	if out {
		t.w = &StreamWriter{t: t, high: highWater, low: lowWater}
		t.onWrite = func(fd uintptr) { t.wrote, t.wrErr = writeFD(fd, t.piece) }
	}
	return t
}

// begin starts the transport. If the loop is closed, so is the connection.
func (t *transport) begin() *transport {
	n := 0
	if t.r != nil {
		n = 1
	}
	switch {
	case !t.face.adopt(t, n):
		t.stopping, t.shutting = true, true
		if t.w != nil {
			t.w.closing = true
		}
		t.shut()
	case t.r != nil && !t.poll():
		go t.face.running(t.keep)
	}
	return t
}

// poll has the loop's poller read, and reports false if it cannot.
func (t *transport) poll() bool {
	if t.raw == nil || t.face == nil {
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
	defer t.r.mu.Unlock()
	switch {
	case t.shutting:
		p.remove(t)
	case !added:
		t.poller, t.r.resume = nil, t.wake.Broadcast
		return false
	}
	return true
}

// arrived reads what is there. With ends the poller has seen the end of the stream too, or an error, and will not report it
// again.
func (t *transport) arrived(ends bool) {
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	for !t.r.paused && (t.pullOnce() == someMore || ends && t.pulled == drained) {
		continue
	}
}

// catchUp reads what the poller has reported while the reader was paused. The reader is locked.
func (t *transport) catchUp() {
	for !t.r.paused && (t.pullOnce() == someMore || t.pulled == drained) {
		continue
	}
}

// start starts a goroutine that the end of the loop waits for.
func (t *transport) start(fn func()) {
	if t.face != nil {
		t.face.wires.running.Add(1) // the transport is open, so nobody waits yet
	}
	go t.face.running(fn)
}

// keep is the goroutine that reads and, in the end, closes.
func (t *transport) keep() {
	if t.raw != nil {
		t.keepRaw()
	} else {
		t.keepBlocking()
	}
	t.r.mu.Lock()
	for !t.stopping && t.w != nil {
		t.wake.Wait()
	}
	t.r.mu.Unlock()
	t.shut()
}

// keepRaw reads until there is nothing more to read.
func (t *transport) keepRaw() {
	for {
		err := t.raw.Read(func(fd uintptr) bool {
			t.r.mu.Lock()
			defer t.r.mu.Unlock()
			for !t.stopping && !t.r.paused {
				switch t.pull(fd) {
				case nothingThere, drained:
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
	if err != nil && !t.stopping {
		t.r.fail(t.wrap("read", err))
	}
	for t.r.paused && !t.stopping {
		t.wake.Wait()
	}
	return !t.stopping && !t.r.eof && t.r.err == nil
}

// pull reads once, without blocking. The reader is locked.
func (t *transport) pull(fd uintptr) pullResult {
	if t.stopping || t.r.eof || t.r.err != nil || t.late != nil {
		return finished
	}
	s := scratches.Get().(*[64 << 10]byte)
	defer scratches.Put(s)
	n, err := readFD(fd, s[:])
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
	if err == nil {
		return
	}
	switch {
	case err == io.EOF:
		t.r.end()
	case t.poller != nil && t.r.len() > 0:
		// Nobody has had a chance to read these bytes, and the error would hide them. Whoever wants more gets it.
		t.late = t.wrap("read", err)
		t.r.line.WakeAll()
	default:
		t.r.fail(t.wrap("read", err))
	}
	if t.w == nil {
		t.shutSoon()
	}
}

// pullNow tries to read, for a task that is about to wait, and reports whether that has changed anything. The
// reader is locked.
func (t *transport) pullNow() bool {
	switch {
	case t.raw == nil:
		return false
	case t.late != nil:
		t.r.fail(t.late)
		return true
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
	if t.pulled = nothingThere; !t.stopping {
		t.raw.Control(t.onPull)
	}
	return t.pulled
}

// writeNow writes what the connection takes at once. The writer is locked.
func (t *transport) writeNow(p []byte) (int, error) {
	t.piece, t.wrote, t.wrErr = p, 0, nil
	err := t.raw.Control(t.onWrite)
	t.piece = nil
	if err == nil && !wouldBlock(t.wrErr) {
		err = t.wrErr
	}
	if err != nil {
		return t.wrote, t.wrap("write", err)
	}
	return t.wrote, nil
}

// flush is the goroutine that sends what is left.
func (t *transport) flush() {
	w := t.w
	for {
		var err error
		if t.raw != nil {
			err = t.flushRaw()
		} else {
			err = t.flushBlocking()
		}
		w.mu.Lock()
		if err != nil && !w.aborted {
			w.fail(t.wrap("write", err))
		}
		if w.size() == 0 && w.eof && !w.eofSent && w.err == nil {
			w.eofSent = true
			w.mu.Unlock()
			err := t.closeWrite()
			w.mu.Lock()
			if err != nil {
				w.fail(err)
			}
		}
		if w.size() == 0 {
			w.writing = false
			closing := w.closing
			w.mu.Unlock()
			if closing {
				t.stop()
			}
			return
		}
		w.mu.Unlock()
	}
}

// flushRaw sends until nothing is left. What is left is known at every moment.
func (t *transport) flushRaw() (err error) {
	w := t.w
	waited := t.raw.Write(func(fd uintptr) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for w.size() > 0 {
			var n int
			n, err = writeFD(fd, w.out[w.head:])
			if w.sent(n); err != nil {
				if wouldBlock(err) {
					err = nil
					return false
				}
				return true
			}
		}
		return true
	})
	if err == nil {
		err = waited
	}
	return err
}

// flushBlocking sends what is there now.
func (t *transport) flushBlocking() error {
	w := t.w
	w.mu.Lock()
	p := w.out[w.head:min(len(w.out), w.head+16<<10)]
	w.mu.Unlock()
	if len(p) == 0 {
		return nil
	}
	n, err := t.conn.(io.Writer).Write(p)
	w.mu.Lock()
	if w.err == nil && !w.aborted {
		w.sent(n)
	}
	w.mu.Unlock()
	return err
}

// closeWrite ends the way out.
func (t *transport) closeWrite() error {
	c, ok := t.conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	if err := c.CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) {
		return err
	}
	return nil
}

// close begins the end: when what is to be sent is sent, or, with abort, at once.
func (t *transport) close(abort bool) {
	if t.w == nil {
		t.stop()
		return
	}
	w := t.w
	w.mu.Lock()
	if w.closing && (!abort || w.aborted) {
		w.mu.Unlock()
		return
	}
	w.closing = true
	if abort {
		w.aborted = true
		w.discard()
	}
	writing := w.writing
	w.mu.Unlock()
	switch {
	case !writing:
		t.stop()
	case abort:
		t.cut()
	}
	if t.r != nil && !abort && writing {
		t.r.mu.Lock()
		t.r.end() // nothing is read any more
		t.r.mu.Unlock()
	}
}

// cut ends a write that blocks, and with TLS the connection.
func (t *transport) cut() {
	if c, ok := t.conn.(interface{ NetConn() net.Conn }); ok {
		c.NetConn().Close()
		return
	}
	if c, ok := t.conn.(interface{ SetWriteDeadline(time.Time) error }); ok {
		c.SetWriteDeadline(longAgo)
	}
}

// stop has the keeper or a goroutine close the connection. If there is no way in it does so itself; nobody else uses
// the descriptor then.
func (t *transport) stop() {
	if t.r == nil {
		t.w.mu.Lock()
		stopping := t.stopping
		t.stopping = true
		t.w.mu.Unlock()
		if !stopping {
			t.shut()
		}
		return
	}
	t.r.mu.Lock()
	if t.stopping {
		t.r.mu.Unlock()
		return
	}
	t.stopping = true
	t.wake.Broadcast()
	t.shutSoon()
	polled := t.poller != nil
	t.r.mu.Unlock()
	if polled {
		return
	}
	if c, ok := t.conn.(interface{ SetReadDeadline(time.Time) error }); ok {
		c.SetReadDeadline(longAgo)
	} else {
		t.conn.Close()
	}
}

// shutSoon is what takes the place of the keeper's end, for a transport that has none. The reader is locked.
func (t *transport) shutSoon() {
	if t.poller != nil && !t.shutting {
		t.shutting = true
		go t.face.running(t.shut) // begin has counted it
	}
}

// shut closes the connection and tells everybody.
func (t *transport) shut() {
	if t.poller != nil {
		t.poller.remove(t)
	}
	t.conn.Close()
	if r := t.r; r != nil {
		r.mu.Lock()
		r.end()
		r.mu.Unlock()
	}
	if w := t.w; w != nil {
		w.mu.Lock()
		w.lost = true
		w.drains.WakeAll()
		w.closes.WakeAll()
		w.mu.Unlock()
	}
	t.face.release(t)
	if t.lost != nil {
		t.lost()
	}
}

// wrap says in the words of package net what has gone wrong.
func (t *transport) wrap(op string, err error) error {
	var known *net.OpError
	if errors.As(err, &known) {
		return err
	}
	if errno, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	if c, ok := t.conn.(net.Conn); ok && c.LocalAddr() != nil {
		return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
	}
	return err
}
