package gevent

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// A StreamServer accepts connections and has each of them handled by a greenlet: gevent.server.StreamServer. It is
// made by [NewStreamServer] and belongs to the hub of the goroutine that starts it; its methods are for that hub. A
// connection is closed when its handler returns, fails or panics, and the server goes on.
type StreamServer struct {
	network, address string
	handle           func(net.Conn) error
	pool             *Group
	tls              *tls.Config
	given            net.Listener
	minDelay         time.Duration
	maxDelay         time.Duration
	listener         net.Listener
	acceptor         *Greenlet[Void]
	handlers         Group
	stopped          Event
}

// A ServerOption changes a [StreamServer].
type ServerOption func(*StreamServer)

// InPool has the handlers run in a pool; connections that come when it is full wait in the backlog of the system:
// spawn=pool, and spawn=n with a pool of n.
func InPool(p *Pool) ServerOption { return func(s *StreamServer) { s.pool = p } }

// TLS has the connections encrypted: ssl_context. The handshake is made by the greenlet of the handler, when it first reads or
// writes.
func TLS(config *tls.Config) ServerOption { return func(s *StreamServer) { s.tls = config } }

// OnListener has the server accept from l, which it closes at the end, in place of listening by itself. Such a server
// starts once.
func OnListener(l net.Listener) ServerOption { return func(s *StreamServer) { s.given = l } }

// AcceptDelay sets how long the server waits before it accepts again when the system has refused to accept, for want of
// file descriptors for instance: min_delay and max_delay. It waits twice as long each time. The default is 10 ms to 1 s.
// It panics if from is not positive or more than to.
func AcceptDelay(from, to time.Duration) ServerOption {
	if from <= 0 || from > to {
		panic("gevent: AcceptDelay was called with delays that are not in order")
	}
	return func(s *StreamServer) { s.minDelay, s.maxDelay = from, to }
}

// NewStreamServer makes a server that has not started: the port is bound by Start. It panics if handle is nil.
func NewStreamServer(network, address string, handle func(net.Conn) error, opts ...ServerOption) *StreamServer {
	if handle == nil {
		panic("gevent: NewStreamServer was called with a nil handler")
	}
	s := &StreamServer{network: network, address: address, handle: handle, minDelay: 10 * time.Millisecond, maxDelay: time.Second}
	s.pool = &s.handlers
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	return s
}

// SetHandle changes the handler for the connections to come: set_handle. It panics if handle is nil.
func (s *StreamServer) SetHandle(handle func(net.Conn) error) {
	if handle == nil {
		panic("gevent: SetHandle was called with a nil handler")
	}
	s.handle = handle
}

// Start listens and begins to accept: start(). Starting again does nothing.
func (s *StreamServer) Start() error {
	if s.listener == nil {
		l := s.given
		if l == nil {
			var err error
			if l, err = Listen(s.network, s.address); err != nil {
				return err
			}
		} else if _, ours := l.(*listener); !ours {
			l = &listener{Listener: l}
		}
		s.listener = l
		s.stopped.Clear()
	}
	s.StartAccepting()
	return nil
}

// Started reports whether the server listens: started.
func (s *StreamServer) Started() bool { return s.listener != nil }

// Closed reports whether the server does not listen: closed.
func (s *StreamServer) Closed() bool { return s.listener == nil }

// Full reports whether the pool of the handlers is: full().
func (s *StreamServer) Full() bool { return s.pool.Full() }

// Addr returns the address that the server listens at, nil when it does not: address.
func (s *StreamServer) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Port returns the port that the server listens at, 0 when it has none: server_port.
func (s *StreamServer) Port() int {
	if a, ok := s.Addr().(*net.TCPAddr); ok {
		return a.Port
	}
	return 0
}

// StartAccepting goes on accepting after [StreamServer.StopAccepting]: start_accepting().
func (s *StreamServer) StartAccepting() {
	if s.listener == nil || s.acceptor != nil && !s.acceptor.Ready() {
		return
	}
	s.acceptor = Spawn(func() (Void, error) { return Void{}, s.accept(s.listener) })
	s.acceptor.SetName(fmt.Sprintf("StreamServer(%s)", s.listener.Addr()))
}

// StopAccepting stops accepting, but listens on: connections wait: stop_accepting().
func (s *StreamServer) StopAccepting() error {
	if s.acceptor == nil {
		return nil
	}
	return s.acceptor.Kill()
}

func (s *StreamServer) accept(l net.Listener) error {
	pause := s.minDelay
	for {
		if _, err := s.pool.WaitAvailable(); err != nil {
			return err
		}
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = s.minDelay
		case s.listener != l:
			return nil // stopped
		case isTemporary(err):
			report("StreamServer", err)
			if err := Sleep(pause); err != nil {
				return err
			}
			pause = min(2*pause, s.maxDelay)
			continue
		default:
			return err
		}
		if err := s.serve(c); err != nil {
			return err
		}
	}
}

// serve has a connection handled.
func (s *StreamServer) serve(c net.Conn) error {
	if s.tls != nil {
		// Not around our own conn, so that one greenlet can read while another one writes.
		if ours, ok := c.(*conn); ok {
			c = ours.Conn
		}
		c = Wrap(tls.Server(c, s.tls))
	}
	begun := false
	g := New(func() (Void, error) {
		begun = true
		defer c.Close()
		return Void{}, s.handle(c)
	})
	if err := s.pool.Start(g); err != nil {
		c.Close()
		return err
	}
	g.RawLink(func(*Greenlet[Void]) {
		if !begun { // killed before
			c.Close()
		}
	})
	return nil
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
	if len(limit) == 0 {
		limit = []time.Duration{time.Second}
	}
	return errors.Join(s.Close(), s.end(limit))
}

// Close closes the listener and stops accepting, and lets the handlers run: close().
func (s *StreamServer) Close() error {
	if s.listener == nil {
		return nil
	}
	l := s.listener
	s.listener = nil
	l.Close()
	var err error
	if s.acceptor != nil {
		err = s.acceptor.Kill()
	}
	s.stopped.Set()
	return err
}

// end waits for the handlers, and kills them.
func (s *StreamServer) end(limit []time.Duration) error {
	ok, err := s.pool.Join(limit...)
	if ok || err != nil {
		return err
	}
	return s.pool.Kill()
}

// ServeForever starts the server and waits until it is stopped, and its handlers have ended, or were killed after a second:
// serve_forever(). If something is thrown at the caller, it stops the server, and returns that.
func (s *StreamServer) ServeForever() error {
	if err := s.Start(); err != nil {
		return err
	}
	if _, err := s.stopped.Wait(); err != nil {
		return errors.Join(err, s.Stop())
	}
	return s.end([]time.Duration{time.Second})
}
