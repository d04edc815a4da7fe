package async

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
)

// ErrTLS is returned by [StreamWriter.StartTLS] where there is nothing to encrypt: into a process, or over TLS.
var ErrTLS = errors.New("async: StartTLS needs a connection that is not encrypted yet")

// StartTLS goes over to TLS and returns the streams of what is sent and comes encrypted: start_tls. The connections of a
// [Server] are its server side, which needs a certificate in cfg; others are the client side, which takes the name of the
// server from the address that it is connected to if cfg has none. cfg can be nil on the client side.
//
// r is the reader of the same connection. What is in its buffer was sent by the peer behind its agreement and is part of the
// handshake; in asyncio it stays there as if it had been encrypted. What was written goes out before. Afterwards only the new
// streams may be used, for asyncio exchanges the inside of the old ones and this does not. To close any of
// them closes the connection, as the return of a server's handler does. Beside what the connection costs otherwise they cost
// what those of TLS do in [OpenConnection].
//
// StartTLS suspends the calling task until the handshake is made, for at most a minute; a plain goroutine blocks. If it fails,
// or ctx is cancelled, the connection is closed. Without a connection to encrypt the error is [ErrTLS]. It panics if r is not
// the reader of the same connection.
func (w *StreamWriter) StartTLS(ctx context.Context, r *StreamReader, cfg *tls.Config) (*StreamReader, *StreamWriter, error) {
	w.check()
	r.check()
	t := w.t
	conn, ok := t.conn.(net.Conn)
	if _, secure := t.conn.(*tls.Conn); !ok || secure {
		return nil, nil, ErrTLS
	}
	if r != t.r {
		panic("async: StartTLS was called with the StreamReader of another connection")
	}
	w.mu.Lock()
	already := t.upper != nil
	w.mu.Unlock()
	if already {
		return nil, nil, ErrTLS
	}
	if err := w.flushed(ctx); err != nil {
		return nil, nil, err
	}
	over := &taskConn{&sharedConn{Conn: conn, t: t}, context.Background()}
	secure, err := elsewhere(ctx, func(ctx context.Context) (*tls.Conn, error) {
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
	w.mu.Lock()
	t.upper = upper
	w.mu.Unlock()
	upper.begin()
	return upper.r, upper.w, nil
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

// flushed waits until all that was written is sent.
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

// hangUp is close for who has the streams of either: TLS says goodbye first.
func (t *transport) hangUp(abort bool) {
	upper := t
	if t.w != nil {
		t.w.mu.Lock()
		if t.upper != nil {
			upper = t.upper
		}
		t.w.mu.Unlock()
	}
	upper.close(abort)
}
