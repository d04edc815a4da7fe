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
// The keeper waits once for each edge that the runtime's poller reports and reads until there is nothing left, or an error: what
// has come together with the last bytes is not reported again, and WaitClosed is to hear of a reset that nobody reads.
//
// Connections without a descriptor to try, as those of TLS, are read and written by the two goroutines
// alone.
type transport struct {
	conn  io.Closer
	raw   syscall.RawConn // nil if calls can only block
	whole bool            // a read that gets less than was asked for has got all; a Unix socket stops at descriptors that are passed
	r     *StreamReader   // nil if there is no way in
	w     *StreamWriter   // nil if there is no way out
	face  *Loop           // whose end is the end of the transport; nil for none
	lost  func()          // called when it is all over, on any goroutine, or nil

	socket bool  // raw is that of one
	token  int32 // by which the poller knows the transport; never changed after begin

	// Guarded by the reader's mutex, or the writer's if there is no reader.
	poller   *poller   // that reads; nil if there is a keeper
	wake     sync.Cond // the keeper waits for it
	stopping bool
	broken   bool          // and why is told by the reads
	late     error         // comes behind the bytes in the buffer
	shutting bool          // without a keeper: a goroutine closes, or has closed
	detached bool          // see detach
	gone     chan struct{} // closed by a keeper that leaves because of that
	pulled   pullResult
	tries    uint8            // see pullNow
	vain     uint8            // tries in a row
	onPull   func(fd uintptr) // pull, made once

	served  bool // by a Server
	plain   bool // only its user closes it, as a net.Conn
	foreign bool // somebody else may close the connection, see keepFromNow

	// Guarded by the writer's mutex.
	upper    *transport // that StartTLS has put on top, or nil
	securing bool       // StartTLS is, or was, under way
	sealed   bool       // and nothing goes out in the clear any more
	piece    []byte
	wrote    int
	wrErr    error
	onWrite  func(fd uintptr) // made once
}

var noDeadline time.Time

// longAgo is a deadline that ends a call at once.
var longAgo = time.Unix(1, 0)

// newTransport makes a transport of conn, for begin. A limit of zero makes no StreamReader, and out tells whether
// there is a StreamWriter.
func newTransport(face *Loop, conn io.Closer, limit int, out bool) *transport {
	t := &transport{conn: conn, raw: rawOf(conn), face: face}
	_, unix := conn.(*net.UnixConn)
	_, tcp := conn.(*net.TCPConn)
	t.whole = !unix
	t.socket = unix || tcp
	if limit > 0 {
		t.r = &StreamReader{limit: limit, source: t}
		t.r.resume = t.wake.Broadcast
		t.wake.L = &t.r.mu
		t.onPull = func(fd uintptr) { t.pulled = t.pull(fd) }
	}
	if out {
		t.w = &StreamWriter{t: t, high: highWater, low: lowWater}
		t.onWrite = func(fd uintptr) { t.wrote, t.wrErr = t.write(fd, t.piece) }
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

// start starts a goroutine that the end of the loop waits for.
func (t *transport) start(fn func()) {
	if t.face != nil {
		t.face.wires.running.Add(1) // the transport is open, so nobody waits yet
	}
	go t.face.running(fn)
}

// close begins the end: when what is to be sent is sent, or, with abort, at once. With TLS on top that comes first, which says
// goodbye.
func (t *transport) close(abort bool) {
	if t.w == nil {
		t.stop()
		return
	}
	w := t.w
	w.mu.Lock()
	if upper := t.upper; upper != nil {
		w.closing = true
		w.mu.Unlock()
		upper.close(abort)
		return
	}
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
	kept := t.hasKeeper()
	t.r.mu.Unlock()
	if kept {
		t.interrupt()
	}
}

// hasKeeper reports whether there is a keeper, which closes. The reader is locked.
func (t *transport) hasKeeper() bool { return t.poller == nil && !t.detached }

// interrupt ends the keeper's wait.
func (t *transport) interrupt() {
	if c, ok := t.conn.(interface{ SetReadDeadline(time.Time) error }); ok {
		c.SetReadDeadline(longAgo)
	} else {
		t.conn.Close()
	}
}

// shutSoon is what takes the place of the keeper's end, for a transport that has none. The reader is locked.
func (t *transport) shutSoon() {
	if (t.poller != nil || t.detached) && !t.shutting {
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
		if !t.broken && (t.stopping || t.late == nil) { // or the error is still to come
			r.end()
		}
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
