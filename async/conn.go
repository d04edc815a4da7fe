package async

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// Dial connects to addr, as [net.Dialer.DialContext] does, and returns a connection whose Read and Write suspend the calling
// task and not its loop: bufio, net/textproto, net/http and crypto/tls work on it as on any other. On a plain
// goroutine they block, and tasks and goroutines can use one connection at the same time.
//
// Dial suspends the calling task until the connection is there. If ctx is cancelled, it returns at once and gives the
// attempt up. Afterwards ctx has nothing to do with the connection: a Read or Write returns [ErrCancelled] when the
// task that calls it is cancelled, and no byte is lost or sent that was not counted. For a timeout there
// are deadlines, which are in real time, or [WithConnContext]. In a callback, what would have to wait returns
// [ErrNotInTask].
//
// What comes is read ahead, up to 128 KiB: on Linux for all connections of a loop together, else by a goroutine of the
// connection. A second one exists while the peer does not take what is sent. CloseWrite closes the way out, CloseRead refuses
// what still comes. The connection is closed by Close, and at the latest at the end of the loop that it was opened in; without a
// loop, only by Close.
//
// Over "udp", "unixgram" and the other networks of messages a Read returns one datagram and a Write sends one, as in package net.
// Nothing is read ahead then, and the goroutine is there on Linux too. A Write that is cancelled while the kernel has no room may
// send its datagram all the same.
//
// A lock that is held across a Read suspends a task together with the lock. crypto/tls has such locks; so make its
// handshake before two tasks share a connection. [OpenConnection] with [TLS] does not have the problem.
func Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := elsewhere(ctx, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}, closeConn)
	if err != nil {
		return nil, err
	}
	return newConn(nearFace(ctx), c)
}

// WithConnContext returns conn, which comes from [Dial] or [Listen], for use in ctx: its calls return [ErrCancelled] or
// [ErrTimeout] when ctx ends, instead of when the calling task is cancelled. It is the same connection, and closing one
// closes both. It panics if conn comes from elsewhere.
func WithConnContext(ctx context.Context, conn net.Conn) net.Conn {
	switch c := conn.(type) {
	case *taskConn:
		return &taskConn{c.sharedConn, ctx}
	case *datagramConn:
		return &datagramConn{c.datagrams, ctx}
	}
	panic("async: WithConnContext was called with a connection that is not from Dial or Listen")
}

// A taskConn is a net.Conn over a transport.
type taskConn struct {
	*sharedConn
	ctx context.Context // what its calls obey; nil for that of the calling task
}

// sharedConn is what all views of one connection share.
type sharedConn struct {
	net.Conn // the connection underneath, for addresses
	t        *transport
	in, out  deadline // guarded by the mutexes of the reader and the writer
	sending  Lock     // held by who writes
}

// A deadline has passed when its timer says so.
type deadline struct {
	timer  *time.Timer
	passed bool
	turn   int // of the timer that counts
}

func newConn(face *Loop, c net.Conn) (net.Conn, error) {
	if isDatagrams(c) {
		return newDatagramConn(face, c)
	}
	t := newTransport(face, c, DefaultLimit, true)
	t.plain = true
	t.begin()
	return &taskConn{sharedConn: &sharedConn{Conn: c, t: t}}, nil
}

// callContext returns what a call of a connection obeys whose view has the given context.
func callContext(view context.Context) context.Context {
	if view != nil {
		return view
	}
	if t := loop.Here(); t != nil {
		return t.Own()
	}
	return context.Background()
}

func (c *sharedConn) fault(op string, err error) error {
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// Read implements [net.Conn].
func (c *taskConn) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	ctx := callContext(c.ctx)
	r := c.t.r
	if err := r.giveWay(ctx); err != nil {
		return 0, err
	}
	r.mu.Lock()
	for {
		switch {
		case c.t.stopping:
			err = c.fault("read", net.ErrClosed)
		case c.in.passed:
			err = c.fault("read", os.ErrDeadlineExceeded)
		case r.len() > 0:
			n = copy(p, r.unread())
			r.drop(n)
		case r.err != nil:
			err = r.err
		case r.eof:
			err = io.EOF
		default:
			if err = r.wait(ctx); err == nil || err == r.err {
				continue
			}
		}
		r.mu.Unlock()
		return n, err
	}
}

// Write implements [net.Conn].
func (c *taskConn) Write(p []byte) (n int, err error) {
	ctx := callContext(c.ctx)
	w := c.t.w
	if loop.Spend(ctx) {
		if err := loop.Sleep(ctx, 0); err != nil {
			return 0, err
		}
	}
	w.mu.Lock()
	if !w.writing && !c.sending.Locked() && c.t.raw != nil && !c.out.passed && w.fault() == nil {
		// The usual case: there is room for all of it.
		if n, err = c.t.writeNow(p); err != nil || n == len(p) {
			if err != nil {
				w.fail(err)
			}
			w.mu.Unlock()
			return n, err
		}
	}
	w.mu.Unlock()
	if err := c.sending.Acquire(ctx); err != nil {
		return n, err
	}
	defer c.sending.Release()
	sent, err := c.send(ctx, p[n:])
	return n + sent, err
}

// send is Write for one caller at a time.
func (c *taskConn) send(ctx context.Context, p []byte) (int, error) {
	w := c.t.w
	w.mu.Lock()
	before := w.dropped
	err := c.sendFault()
	if err == nil {
		err = w.push(p)
	}
	if err != nil {
		w.mu.Unlock()
		return 0, err
	}
	for w.size() > 0 {
		if err = c.sendFault(); err != nil {
			break
		}
		w.full, w.low = true, 0 // to be woken when all is sent
		done := awaitsNetwork(ctx)
		err = w.drains.Wait(ctx, &w.mu, (*drainKeeper)(w))
		done()
		if err != nil {
			break
		}
	}
	if err == nil && w.dropped != before {
		err = c.sendFault()
	}
	n := len(p)
	if err != nil {
		w.discard() // what was not sent is taken back
		n -= w.dropped - before
	}
	w.mu.Unlock()
	return n, err
}

// sendFault returns why nothing can be sent. The writer is locked.
func (c *sharedConn) sendFault() error {
	switch w := c.t.w; {
	case w.err != nil:
		return w.err
	case w.closing || w.lost:
		return c.fault("write", net.ErrClosed)
	case c.out.passed:
		return c.fault("write", os.ErrDeadlineExceeded)
	}
	return nil
}

// Close implements [net.Conn]. Calls that are under way return [net.ErrClosed].
func (c *sharedConn) Close() error {
	w := c.t.w
	w.mu.Lock()
	closing := w.closing
	w.mu.Unlock()
	if closing {
		return c.fault("close", net.ErrClosed)
	}
	c.SetDeadline(noDeadline)
	c.t.close(true)
	c.t.r.mu.Lock()
	c.t.r.line.WakeAll()
	c.t.r.mu.Unlock()
	return nil
}

// CloseWrite closes the way out, so that the peer reads the end of the stream; [net.TCPConn.CloseWrite].
func (c *sharedConn) CloseWrite() error {
	w := c.t.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing {
		return c.fault("close", net.ErrClosed)
	}
	return c.t.closeWrite()
}

// CloseRead closes the way in; [net.TCPConn.CloseRead].
func (c *sharedConn) CloseRead() error {
	if h, ok := c.Conn.(interface{ CloseRead() error }); ok {
		return h.CloseRead()
	}
	return errors.ErrUnsupported
}

// SetDeadline implements [net.Conn].
func (c *sharedConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements [net.Conn]. It hits reads that are under way too.
func (c *sharedConn) SetReadDeadline(when time.Time) error {
	r := c.t.r
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.t.stopping {
		return c.fault("set", net.ErrClosed)
	}
	c.in.set(when, &r.mu, &r.line)
	return nil
}

// SetWriteDeadline implements [net.Conn]. It hits writes that are under way too.
func (c *sharedConn) SetWriteDeadline(when time.Time) error {
	w := c.t.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closing {
		return c.fault("set", net.ErrClosed)
	}
	c.out.set(when, &w.mu, &w.drains)
	return nil
}

// set arms the deadline. When it has passed, all in line are woken. mu, which guards both, is held.
func (d *deadline) set(when time.Time, mu *sync.Mutex, line *loop.Line) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.turn++
	turn := d.turn
	left := time.Until(when)
	d.passed = !when.IsZero() && left <= 0
	switch {
	case d.passed:
		line.WakeAll()
	case !when.IsZero():
		d.timer = time.AfterFunc(left, func() {
			mu.Lock()
			defer mu.Unlock()
			if d.turn == turn { // else the deadline was moved
				d.passed = true
				line.WakeAll()
			}
		})
	}
}

// SyscallConn gives access to the descriptor, for socket options; see [syscall.Conn].
func (c *sharedConn) SyscallConn() (syscall.RawConn, error) {
	if s, ok := c.Conn.(syscall.Conn); ok {
		return s.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// String describes the connection.
func (c *sharedConn) String() string {
	return fmt.Sprintf("Conn(%s, %s)", c.LocalAddr(), c.RemoteAddr())
}
