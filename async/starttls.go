package async

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
)

// errSecure is what the streams return that StartTLS has replaced.
var errSecure = errors.New("async: the connection has gone over to TLS, and has new streams since")

// ErrTLS is returned by [StreamWriter.StartTLS] where there is nothing to encrypt: into a process, over TLS, or where another call
// is at it.
var ErrTLS = errors.New("async: StartTLS needs a connection that is not encrypted yet")

// errSecuring is what a second StartTLS gets while the first is under way.
var errSecuring = fmt.Errorf("%w, and another StartTLS is under way on this one", ErrTLS)

// StartTLS goes over to TLS and returns the streams of what is sent and comes encrypted: start_tls. The connections of a
// [Server] are its server side, which needs a certificate in cfg; others are the client side, which takes the name of the
// server from the address that it is connected to if cfg has none. cfg can be nil on the client side.
//
// r is the reader of the same connection. What is in its buffer was sent by the peer behind its agreement and is part of the
// handshake; in asyncio it stays there as if it had been encrypted. What was written goes out before. From then on writes fail,
// and afterwards only the new streams carry anything, for asyncio exchanges the inside of the old ones and this does not. To close any of
// them closes the connection, as the return of a server's handler does. It costs what one does that [OpenConnection] has opened with
// TLS.
//
// StartTLS suspends the calling task until the handshake is made, for at most a minute; a plain goroutine blocks. If the handshake
// fails, or ctx is cancelled in it, the connection is closed; a cancellation before, while what was written goes out, leaves it as it
// is. Without a connection to encrypt the error is [ErrTLS]; so it is for a call that
// comes while another one is under way on the same connection, which goes on as if nothing had happened. In asyncio the second call
// breaks the handshake of both. StartTLS panics if r is not the reader of the same connection.
func (w *StreamWriter) StartTLS(ctx context.Context, r *StreamReader, cfg *tls.Config) (*StreamReader, *StreamWriter, error) {
	w.check()
	r.check()
	t := w.t
	_, ok := t.conn.(net.Conn)
	if _, secure := t.conn.(*tls.Conn); !ok || secure {
		return nil, nil, ErrTLS
	}
	if r != t.r {
		panic("async: StartTLS was called with the StreamReader of another connection")
	}
	if err := t.secure(); err != nil {
		return nil, nil, err
	}
	if err := w.flushed(ctx); err != nil {
		w.mu.Lock()
		t.securing = false // nothing has happened
		w.mu.Unlock()
		return nil, nil, err
	}
	secure, err := elsewhere(ctx, func(ctx context.Context) (*tls.Conn, error) {
		over, err := t.detach()
		if err != nil {
			return nil, err
		}
		c := t.encrypt(over, cfg)
		ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
		defer cancel()
		return c, c.HandshakeContext(ctx)
	}, func(c *tls.Conn) { c.Close() })
	if err != nil {
		w.Abort()
		return nil, nil, err
	}
	upper := newTransport(t.face, secure, r.limit, true)
	upper.lost = func() {
		upper.w.mu.Lock()
		err := upper.w.err
		upper.w.mu.Unlock()
		w.mu.Lock()
		if w.err == nil {
			w.err = err
		}
		w.mu.Unlock()
		t.stop()
	}
	w.mu.Lock()
	closing := w.closing
	if !closing {
		t.upper = upper
	}
	w.mu.Unlock()
	if closing { // meanwhile, by somebody else
		secure.Close()
		return nil, nil, errClosed
	}
	r.mu.Lock()
	r.fail(errSecure)
	r.mu.Unlock()
	upper.begin()
	return upper.r, upper.w, nil
}

// secure notes that the connection is about to go over to TLS, or returns why it cannot.
func (t *transport) secure() error {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	switch {
	case t.upper != nil:
		return ErrTLS
	case t.w.fault() != nil: // perhaps because an earlier call has failed
		return t.w.fault()
	case t.securing:
		return errSecuring
	}
	t.securing = true
	return nil
}

// detach has the transport leave the connection alone, so that TLS can read and write without a goroutine in between. It
// returns the connection with what was read ahead in front.
func (t *transport) detach() (net.Conn, error) {
	r := t.r
	r.mu.Lock()
	if t.stopping || t.detached {
		r.mu.Unlock()
		t.w.mu.Lock()
		defer t.w.mu.Unlock()
		return nil, cmp.Or(t.w.err, errClosed)
	}
	t.detached = true
	p := t.poller
	t.poller, r.resume = nil, nil
	if p == nil {
		t.gone = make(chan struct{})
		if t.face != nil {
			t.face.wires.running.Add(1) // for shutSoon; the keeper is still counted
		}
		t.wake.Broadcast()
	}
	r.mu.Unlock()
	conn := t.conn.(net.Conn)
	if p != nil {
		p.remove(t)
	} else {
		conn.SetReadDeadline(longAgo)
		<-t.gone
		conn.SetReadDeadline(noDeadline)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	over := &ahead{Conn: conn, first: r.take(r.len())}
	switch {
	case t.late != nil:
		over.err = t.late
	case r.err != nil:
		over.err = r.err
	case r.eof && !t.stopping:
		over.err = io.EOF
	}
	return over, nil
}

// An ahead is a connection of which some was read already, and perhaps the end.
type ahead struct {
	net.Conn
	first []byte
	err   error // behind first
}

// Read implements [net.Conn].
func (a *ahead) Read(p []byte) (int, error) {
	switch {
	case len(a.first) > 0:
		n := copy(p, a.first)
		a.first = a.first[n:]
		return n, nil
	case a.err != nil:
		return 0, a.err
	}
	return a.Conn.Read(p)
}

// encrypt returns the connection with TLS on top.
func (t *transport) encrypt(over net.Conn, cfg *tls.Config) *tls.Conn {
	if cfg == nil {
		cfg = &tls.Config{}
	}
	if t.served {
		return tls.Server(over, cfg)
	}
	if cfg.ServerName == "" && !cfg.InsecureSkipVerify {
		cfg = cfg.Clone()
		cfg.ServerName, _, _ = net.SplitHostPort(over.RemoteAddr().String())
	}
	return tls.Client(over, cfg)
}

// flushed waits until all that was written is sent, and has nothing more written.
func (w *StreamWriter) flushed(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if err := w.fault(); err != nil {
			return err
		}
		if w.eof {
			return ErrWriteAfterEOF
		}
		if w.size() == 0 {
			w.t.sealed = true
			return nil
		}
		w.full, w.low = true, 0 // to be woken when all is sent
		done := awaitsNetwork(ctx)
		err := w.drains.Wait(ctx, &w.mu, (*drainKeeper)(w))
		done()
		if err != nil {
			return err
		}
	}
}

// kept reports whether the connection is to live on when its handler returns.
func (t *transport) kept() bool {
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	return t.w.kept || t.upper != nil && t.upper.kept()
}
