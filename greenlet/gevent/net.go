package gevent

import (
	"context"
	"net"
	"sync/atomic"
	"time"
)

// Dial connects to an address, and suspends the calling greenlet meanwhile: socket.create_connection. The reads and
// writes of the connection suspend the greenlet that calls them. Only one may read at a time, and one write; others
// get [ErrConcurrentUse].
func Dial(network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c, err := offload(func() (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}, cancel)
	if err != nil {
		if c != nil {
			c.Close()
		}
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// Listen listens on an address. Accept suspends the calling greenlet, and gives connections as [Dial] does.
func Listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return &listener{Listener: l}, nil
}

// Wrap makes a connection of the standard library one that suspends greenlets, as [Dial] does.
func Wrap(c net.Conn) net.Conn { return &conn{Conn: c} }

type listener struct {
	net.Listener
	busy atomic.Bool
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	if !l.busy.CompareAndSwap(false, true) {
		return nil, ErrConcurrentUse
	}
	defer l.busy.Store(false)
	d, _ := l.Listener.(interface{ SetDeadline(time.Time) error })
	c, err := offload(l.Listener.Accept, func() {
		if d != nil {
			d.SetDeadline(time.Unix(1, 0))
		} else {
			l.Close()
		}
	})
	if err != nil {
		if d != nil {
			d.SetDeadline(time.Time{})
		}
		if c != nil {
			c.Close()
		}
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// A conn is a connection that suspends.
type conn struct {
	net.Conn
	reads, writes atomic.Bool
	// The deadlines that were set, in nanoseconds since 1970; zero for none.
	readBy, writeBy atomic.Int64
}

// Read implements [net.Conn].
func (c *conn) Read(p []byte) (int, error) {
	if !c.reads.CompareAndSwap(false, true) {
		return 0, ErrConcurrentUse
	}
	defer c.reads.Store(false)
	interrupted := false
	n, err := offload(func() (int, error) { return c.Conn.Read(p) }, func() {
		interrupted = true
		c.Conn.SetReadDeadline(time.Unix(1, 0))
	})
	if interrupted {
		c.Conn.SetReadDeadline(deadline(c.readBy.Load()))
	}
	return n, err
}

// Write implements [net.Conn].
func (c *conn) Write(p []byte) (int, error) {
	if !c.writes.CompareAndSwap(false, true) {
		return 0, ErrConcurrentUse
	}
	defer c.writes.Store(false)
	interrupted := false
	n, err := offload(func() (int, error) { return c.Conn.Write(p) }, func() {
		interrupted = true
		c.Conn.SetWriteDeadline(time.Unix(1, 0))
	})
	if interrupted {
		c.Conn.SetWriteDeadline(deadline(c.writeBy.Load()))
	}
	return n, err
}

// SetDeadline implements [net.Conn].
func (c *conn) SetDeadline(t time.Time) error {
	c.readBy.Store(nanos(t))
	c.writeBy.Store(nanos(t))
	return c.Conn.SetDeadline(t)
}

// SetReadDeadline implements [net.Conn].
func (c *conn) SetReadDeadline(t time.Time) error {
	c.readBy.Store(nanos(t))
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements [net.Conn].
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.writeBy.Store(nanos(t))
	return c.Conn.SetWriteDeadline(t)
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func deadline(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos)
}
