package gevent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// A DatagramServer has every datagram handled by a greenlet: gevent.server.DatagramServer. It is made by
// [NewDatagramServer] and belongs to the hub of the goroutine that starts it.
type DatagramServer struct {
	network, address string
	handle           func(data []byte, from net.Addr) error
	conn             net.PacketConn
	reader           *Greenlet[Void]
	handlers         Group
	sending          Semaphore
	stopped          Event
}

// NewDatagramServer makes a server that has not started, for a network as "udp". It panics if handle is nil.
func NewDatagramServer(network, address string, handle func(data []byte, from net.Addr) error) *DatagramServer {
	if handle == nil {
		panic("gevent: NewDatagramServer was called with a nil handler")
	}
	return &DatagramServer{network: network, address: address, handle: handle, sending: Semaphore{value: 1}}
}

// maxDatagram is the largest datagram that there can be.
const maxDatagram = 1 << 16

// Start binds the address and begins to read: start(). Starting again does nothing.
func (s *DatagramServer) Start() error {
	if s.conn != nil {
		return nil
	}
	var lc net.ListenConfig
	c, err := lc.ListenPacket(context.Background(), s.network, s.address)
	if err != nil {
		return err
	}
	s.conn = c
	s.stopped.Clear()
	s.reader = Spawn(func() (Void, error) { return Void{}, s.read(c) })
	s.reader.SetName(fmt.Sprintf("DatagramServer(%s)", c.LocalAddr()))
	return nil
}

// Addr returns the address of the server, nil when it is not started: address.
func (s *DatagramServer) Addr() net.Addr {
	if s.conn == nil {
		return nil
	}
	return s.conn.LocalAddr()
}

func (s *DatagramServer) read(c net.PacketConn) error {
	buf := make([]byte, maxDatagram)
	type packet struct {
		n    int
		from net.Addr
	}
	for {
		p, err := offload(func() (packet, error) {
			n, from, err := c.ReadFrom(buf)
			return packet{n, from}, err
		}, func() { c.SetReadDeadline(time.Unix(1, 0)) })
		if s.conn != c {
			return nil // stopped
		}
		if err != nil {
			return err
		}
		data := append([]byte(nil), buf[:p.n]...)
		if _, err := s.handlers.Spawn(func() error { return s.handle(data, p.from) }); err != nil {
			return err
		}
	}
}

// SendTo sends a datagram from the server's address, one at a time, and suspends the calling greenlet meanwhile: sendto.
func (s *DatagramServer) SendTo(data []byte, to net.Addr) error {
	c := s.conn
	if c == nil {
		return net.ErrClosed
	}
	return s.sending.With(func() error {
		_, err := offload(func() (int, error) { return c.WriteTo(data, to) }, func() { c.SetWriteDeadline(time.Unix(1, 0)) })
		c.SetWriteDeadline(time.Time{})
		return err
	})
}

// Stop closes the socket, waits until the handlers have ended, at most for the limit, one second without it, and kills
// those that have not: stop(timeout).
func (s *DatagramServer) Stop(limit ...time.Duration) error {
	if s.conn == nil {
		return nil
	}
	c := s.conn
	s.conn = nil
	c.Close()
	err := s.reader.Kill()
	if len(limit) == 0 {
		limit = []time.Duration{time.Second}
	}
	if ok, wrong := s.handlers.Join(limit...); wrong != nil {
		err = errors.Join(err, wrong)
	} else if !ok {
		err = errors.Join(err, s.handlers.Kill())
	}
	s.stopped.Set()
	return err
}

// ServeForever starts the server and waits until it is stopped: serve_forever().
func (s *DatagramServer) ServeForever() error {
	if err := s.Start(); err != nil {
		return err
	}
	_, err := s.stopped.Wait()
	return err
}
