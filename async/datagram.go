package async

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A datagramConn is a net.Conn of a network that keeps the borders of messages, as UDP does. A transport would not keep them, so it
// has a goroutine that reads one datagram for whoever waits; the others stay in the kernel, which is as good a buffer.
type datagramConn struct {
	*datagrams
	ctx context.Context // what its calls obey; nil for that of the calling task
}

// datagrams is what all views of one connection share.
type datagrams struct {
	net.Conn // for addresses and writes
	face     *Loop
	raw      syscall.RawConn // nil if calls can only block

	mu      sync.Mutex // never held across a wait
	line    loop.Line  // those who read
	wanted  sync.Cond  // the goroutine waits until somebody reads
	there   bool       // a datagram was read, or an error, and was not taken yet
	came    []byte
	room    int // the most that a Read has had room for
	err     error
	closed  bool
	in, out deadline
	outLine loop.Line // empty: a write has its deadline in the kernel, or need not wait

	// Guarded by out1, which is held for an attempt to write.
	out1    sync.Mutex
	piece   []byte
	wrote   int
	wrErr   error
	onWrite func(fd uintptr) // made once
}

// isDatagrams reports whether each Read of c returns one message.
func isDatagrams(c net.Conn) bool {
	switch c := c.(type) {
	case *net.UDPConn, *net.IPConn:
		return true
	case *net.UnixConn:
		return c.LocalAddr().Network() != "unix"
	}
	return false
}

func newDatagramConn(face *Loop, c net.Conn) (net.Conn, error) {
	d := &datagrams{Conn: c, face: face, raw: rawOf(c)}
	d.wanted.L = &d.mu
	d.onWrite = func(fd uintptr) { d.wrote, d.wrErr = writeFD(fd, d.piece) }
	if !face.adopt(d, 1) {
		c.Close()
		return nil, ErrLoopClosed
	}
	go face.running(d.keep)
	return &datagramConn{datagrams: d}, nil
}

// keep is the goroutine that reads. Each error is handed on once, for the next datagram may come all the same: a peer that was
// not there yet refuses the first.
func (d *datagrams) keep() {
	p := make([]byte, 64<<10)
	for {
		d.mu.Lock()
		for !d.closed && (d.there || d.line.Len() == 0) {
			d.wanted.Wait()
		}
		closed, room := d.closed, d.room
		d.mu.Unlock()
		if closed {
			return
		}
		if room > len(p) {
			p = make([]byte, room) // a Unix socket has greater ones than UDP
		}
		n, err := d.Conn.Read(p)
		d.mu.Lock()
		d.there, d.came, d.err = true, append([]byte(nil), p[:n]...), err
		d.line.Wake()
		d.mu.Unlock()
	}
}

// Read implements [net.Conn]: it returns the next datagram, and drops what p has no room for. Without any room it returns at once.
func (c *datagramConn) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	ctx := callContext(c.ctx)
	if loop.Spend(ctx) {
		if err := loop.Sleep(ctx, 0); err != nil {
			return 0, err
		}
	}
	d := c.datagrams
	d.mu.Lock()
	d.room = max(d.room, len(p))
	for woken := false; ; woken = true {
		switch {
		case d.closed:
			err = d.fault("read", net.ErrClosed)
		case d.in.passed:
			err = d.fault("read", os.ErrDeadlineExceeded)
		case d.there && (woken || d.line.UnderWay() == 0):
			n, err = copy(p, d.came), d.err
			d.there, d.came, d.err = false, nil, nil
		default:
			d.wanted.Signal()
			done := awaitsNetwork(ctx)
			err = d.line.Wait(ctx, &d.mu, (*datagramKeeper)(d))
			done()
			if err == nil {
				continue
			}
		}
		d.wanted.Signal()
		d.mu.Unlock()
		return n, err
	}
}

// Write implements [net.Conn]: it sends one datagram.
func (c *datagramConn) Write(p []byte) (int, error) {
	ctx := callContext(c.ctx)
	if loop.Spend(ctx) {
		if err := loop.Sleep(ctx, 0); err != nil {
			return 0, err
		}
	}
	d := c.datagrams
	d.mu.Lock()
	closed, passed := d.closed, d.out.passed
	d.mu.Unlock()
	switch {
	case closed:
		return 0, d.fault("write", net.ErrClosed)
	case passed:
		return 0, d.fault("write", os.ErrDeadlineExceeded)
	}
	if d.raw == nil {
		return d.Conn.Write(p) // the kernel has room, or drops the datagram
	}
	n, err := d.writeNow(p)
	if wouldBlock(err) {
		p = bytes.Clone(p) // belongs to the caller again if the task is cancelled
		n, err = elsewhere(ctx, func(context.Context) (int, error) { return d.writeSoon(p) }, func(int) {})
	}
	if errno, ok := err.(syscall.Errno); ok {
		err = d.fault("write", os.NewSyscallError("write", errno))
	}
	return n, err
}

func (d *datagrams) writeNow(p []byte) (int, error) {
	d.out1.Lock()
	defer d.out1.Unlock()
	d.piece, d.wrote, d.wrErr = p, 0, nil
	err := d.raw.Control(d.onWrite)
	d.piece = nil
	if err == nil {
		err = d.wrErr
	}
	return d.wrote, err
}

// writeSoon waits until there is room. The connection's own Write would not for an empty datagram.
func (d *datagrams) writeSoon(p []byte) (n int, err error) {
	waited := d.raw.Write(func(fd uintptr) bool {
		n, err = writeFD(fd, p)
		return !wouldBlock(err)
	})
	if waited != nil {
		err = waited
	}
	return n, err
}

func (d *datagrams) fault(op string, err error) error {
	return &net.OpError{Op: op, Net: d.LocalAddr().Network(), Source: d.LocalAddr(), Addr: d.RemoteAddr(), Err: err}
}

// Close implements [net.Conn]. Calls that are under way return [net.ErrClosed].
func (d *datagrams) Close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return d.fault("close", net.ErrClosed)
	}
	d.closed = true
	d.in.set(noDeadline, &d.mu, &d.line)
	d.out.set(noDeadline, &d.mu, &d.outLine)
	d.line.WakeAll()
	d.wanted.Signal()
	d.mu.Unlock()
	err := d.Conn.Close()
	d.face.release(d)
	return err
}

// close implements wire.
func (d *datagrams) close(bool) { d.Close() }

// SetDeadline implements [net.Conn].
func (d *datagrams) SetDeadline(t time.Time) error {
	if err := d.SetReadDeadline(t); err != nil {
		return err
	}
	return d.SetWriteDeadline(t)
}

// SetReadDeadline implements [net.Conn]. It hits reads that are under way too.
func (d *datagrams) SetReadDeadline(when time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return d.fault("set", net.ErrClosed)
	}
	d.in.set(when, &d.mu, &d.line)
	return nil
}

// SetWriteDeadline implements [net.Conn]. It hits writes that are under way too.
func (d *datagrams) SetWriteDeadline(when time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return d.fault("set", net.ErrClosed)
	}
	d.out.set(when, &d.mu, &d.outLine)
	return d.Conn.SetWriteDeadline(when)
}

// SyscallConn gives access to the descriptor, for socket options; see [syscall.Conn].
func (d *datagrams) SyscallConn() (syscall.RawConn, error) {
	return d.Conn.(syscall.Conn).SyscallConn()
}

// String describes the connection.
func (d *datagrams) String() string {
	return fmt.Sprintf("Conn(%s, %s)", d.LocalAddr(), d.RemoteAddr())
}

// datagramKeeper is a connection as those who wait for a datagram know it.
type datagramKeeper datagrams

// GaveUp implements [loop.Keeper]: the datagram of one who was woken goes to the next.
func (k *datagramKeeper) GaveUp(line *loop.Line, woken bool) {
	if woken && k.there {
		line.Wake()
	}
}

func (k *datagramKeeper) String() string { return (*datagrams)(k).String() }
