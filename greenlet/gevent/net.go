package gevent

import (
	"context"
	"crypto/tls"
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

// A StreamServer accepts connections and has each of them handled by a greenlet: gevent.server.StreamServer. It is
// made by [NewStreamServer] and belongs to the hub of the goroutine that starts it.
type StreamServer struct {
	network, address string
	handle           func(net.Conn) error
	pool             *Group
	tls              *tls.Config
	listener         net.Listener
	acceptor         *Greenlet[Void]
	handlers         Group
	stopped          Event
}

// A ServerOption changes a [StreamServer].
type ServerOption func(*StreamServer)

// InPool has the handlers run in a pool; connections that come when it is full wait for room: spawn=pool.
func InPool(p *Pool) ServerOption { return func(s *StreamServer) { s.pool = p } }

// TLS has the connections encrypted.
func TLS(config *tls.Config) ServerOption { return func(s *StreamServer) { s.tls = config } }

// NewStreamServer makes a server that has not started. It panics if handle is nil.
func NewStreamServer(network, address string, handle func(net.Conn) error, opts ...ServerOption) *StreamServer {
	if handle == nil {
		panic("gevent: NewStreamServer was called with a nil handler")
	}
	s := &StreamServer{network: network, address: address, handle: handle}
	s.pool = &s.handlers
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	return s
}

// Start listens and begins to accept: start(). Starting again does nothing.
func (s *StreamServer) Start() error {
	if s.listener == nil {
		l, err := Listen(s.network, s.address)
		if err != nil {
			return err
		}
		s.listener = l
		s.stopped.Clear()
	}
	s.StartAccepting()
	return nil
}

// Started reports whether the server listens: started.
func (s *StreamServer) Started() bool { return s.listener != nil }

// Addr returns the address that the server listens at, nil before Start.
func (s *StreamServer) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// StartAccepting goes on accepting after [StreamServer.StopAccepting]: start_accepting().
func (s *StreamServer) StartAccepting() {
	if s.listener == nil || s.acceptor != nil && !s.acceptor.Ready() {
		return
	}
	s.acceptor = Spawn(func() (Void, error) { return Void{}, s.accept(s.listener) })
}

// StopAccepting stops accepting, but listens on: connections wait: stop_accepting().
func (s *StreamServer) StopAccepting() error {
	if s.acceptor == nil {
		return nil
	}
	return s.acceptor.Kill()
}

func (s *StreamServer) accept(l net.Listener) error {
	const first, last = 10 * time.Millisecond, time.Second
	pause := first
	for {
		if _, err := s.pool.WaitAvailable(); err != nil {
			return err
		}
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = first
		case s.listener != l:
			return nil // stopped
		case isTemporary(err):
			report("StreamServer", err)
			if err := Sleep(pause); err != nil {
				return err
			}
			pause = min(2*pause, last)
			continue
		default:
			return err
		}
		if s.tls != nil {
			c = Wrap(tls.Server(c, s.tls))
		}
		if _, err := SpawnIn(s.pool, func() (Void, error) {
			defer c.Close()
			return Void{}, s.handle(c)
		}); err != nil {
			c.Close()
			return err
		}
	}
}

// isTemporary reports whether an error of Accept says that the next one may succeed.
func isTemporary(err error) bool {
	t, ok := err.(interface{ Temporary() bool })
	return ok && t.Temporary()
}

// Stop closes the listener, waits until the handlers have ended, at most for the limit, one second without it, and
// kills those that have not: stop(timeout).
func (s *StreamServer) Stop(limit ...time.Duration) error {
	if s.listener == nil {
		return nil
	}
	l := s.listener
	s.listener = nil
	l.Close()
	if s.acceptor != nil {
		if err := s.acceptor.Kill(); err != nil {
			return err
		}
	}
	if len(limit) == 0 {
		limit = []time.Duration{time.Second}
	}
	if ok, err := s.pool.Join(limit...); !ok && err == nil {
		if err := s.pool.Kill(); err != nil {
			return err
		}
	}
	s.stopped.Set()
	return nil
}

// ServeForever starts the server and waits until it is stopped: serve_forever().
func (s *StreamServer) ServeForever() error {
	if err := s.Start(); err != nil {
		return err
	}
	_, err := s.stopped.Wait()
	return err
}
