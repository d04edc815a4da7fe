package async_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os/exec"
	"sync/atomic"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// upgrading is a server that goes over to TLS when it is asked to.
func upgrading(cfg *tls.Config, then async.Handler) async.Handler {
	return func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
		defer w.Close()
		line, err := r.ReadLine(ctx)
		if err != nil {
			return err
		}
		if string(line) != "STARTTLS\n" {
			return errors.New("the client asks for something else")
		}
		if _, err := w.WriteString("go ahead\n"); err != nil {
			return err
		}
		r, w, err = w.StartTLS(ctx, r, cfg)
		if err != nil {
			return err
		}
		return then(ctx, r, w)
	}
}

// agreed asks the server to go over to TLS.
func agreed(ctx context.Context, t *testing.T, r *async.StreamReader, w *async.StreamWriter) {
	must(w.WriteString("STARTTLS\n"))
	expectEqual(t, "answer", text(r.ReadLine(ctx)), "go ahead\n")
}

func TestStartTLS(t *testing.T) {
	t.Run("both sides go over to TLS, and carry much both ways and the end", onLoop(func(ctx context.Context, t *testing.T) {
		cfg, client := certificate(t)
		s, r, w := serving(ctx, upgrading(cfg, echo))
		agreed(ctx, t, r, w)
		r2, w2, err := w.StartTLS(ctx, r, client)
		check(err)
		if !w2.Conn().(*tls.Conn).ConnectionState().HandshakeComplete {
			t.Error("there was no handshake")
		}
		much := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
		read := async.CreateTask(ctx, func(ctx context.Context) ([]byte, error) { return r2.Read(ctx, -1) })
		must(w2.Write(much))
		check(w2.Drain(ctx))
		check(w2.WriteEOF())
		if got := must(read.Await(ctx)); !bytes.Equal(got, much) {
			t.Errorf("%d bytes have come back of %d", len(got), len(much))
		}
		hangUp(ctx, w2)
		check(w.WaitClosed(ctx))
		shut(ctx, s)
	}, realTime))
	t.Run("a client that does not wait for the answer loses no byte of its handshake", onLoop(func(ctx context.Context, t *testing.T) {
		cfg, client := certificate(t)
		s := must(async.StartServer(ctx, upgrading(cfg, echo), "tcp", "127.0.0.1:0"))
		check(run(ctx, func() error {
			conn := must(net.Dial("tcp", s.Addr().String()))
			defer conn.Close()
			c := tls.Client(&eager{Conn: conn, first: []byte("STARTTLS\n"), skip: len("go ahead\n")}, client)
			if _, err := io.WriteString(c, "hello"); err != nil {
				return err
			}
			p := make([]byte, 5)
			if _, err := io.ReadFull(c, p); err != nil || string(p) != "hello" {
				return errors.Join(err, errors.New("the answer is wrong"))
			}
			return c.Close()
		}))
		shut(ctx, s)
	}, realTime))
	t.Run("what is sent in the clear behind the agreement breaks the handshake and is never taken for encrypted", func(t *testing.T) {
		guarded(t, func() {
			cfg, _ := certificate(t)
			var reported atomic.Bool
			check(async.Run(func(ctx context.Context) error {
				s := must(async.StartServer(ctx, upgrading(cfg, func(context.Context, *async.StreamReader, *async.StreamWriter) error {
					t.Error("the handshake was made")
					return nil
				}), "tcp", "127.0.0.1:0"))
				_, w := connected(ctx, s)
				must(w.WriteString("STARTTLS\nDELETE everything\n"))
				for !reported.Load() || s.Connections() > 0 {
					check(async.Sleep(ctx, hundredth))
				}
				w.Abort()
				shut(ctx, s)
				return nil
			}, async.ExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				var header tls.RecordHeaderError
				reported.Store(true)
				if !errors.As(c.Err, &header) {
					t.Errorf("the handler has failed with %v", c.Err)
				}
			})))
		})
	})
	t.Run("a cancellation gives the handshake up and closes the connection", onLoop(func(ctx context.Context, t *testing.T) {
		_, client := certificate(t)
		r, w, peer := facing(ctx)
		defer peer.Close()
		task := async.Go(ctx, func(ctx context.Context) error {
			_, _, err := w.StartTLS(ctx, r, client)
			return err
		})
		ticks(ctx, 5)
		task.Cancel()
		waitFor(ctx, task)
		expectEqual(t, "Cancelled", task.Cancelled(), true)
		expectEqual(t, "IsClosing", w.IsClosing(), true)
		check(w.WaitClosed(ctx))
	}, realTime))
	t.Run("Close of either writer sends what was written, and ends both", onLoop(func(ctx context.Context, t *testing.T) {
		cfg, client := certificate(t)
		for _, old := range []bool{false, true} {
			s, r, w := serving(ctx, upgrading(cfg, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
				must(w.Write(make([]byte, 1<<20)))
				return nil
			}))
			agreed(ctx, t, r, w)
			r2, w2, err := w.StartTLS(ctx, r, client)
			check(err)
			expectEqual(t, "bytes", len(must(r2.Read(ctx, -1))), 1<<20)
			if old {
				w.Close()
			} else {
				w2.Close()
			}
			check(w2.WaitClosed(ctx))
			check(w.WaitClosed(ctx))
			shut(ctx, s)
		}
	}, realTime))
	t.Run("a process, TLS and the reader of another connection are refused", onLoop(func(ctx context.Context, t *testing.T) {
		cfg, client := certificate(t)
		s, r, w := serving(ctx, upgrading(cfg, echo))
		_, other := connected(ctx, s)
		agreed(ctx, t, r, w)
		expectPanic(t, "async: StartTLS was called with the StreamReader of another connection", func() { other.StartTLS(ctx, r, client) })
		r2, w2, err := w.StartTLS(ctx, r, client)
		check(err)
		_, _, err = w2.StartTLS(ctx, r2, client)
		expectError(t, "StartTLS", err, async.ErrTLS)
		_, _, err = w.StartTLS(ctx, r, client)
		expectError(t, "StartTLS", err, async.ErrTLS)
		if path, err := exec.LookPath("cat"); err == nil {
			p := must(async.CreateSubprocess(ctx, exec.Command(path), async.PipeStdin(), async.PipeStdout()))
			_, _, err = p.Stdin().StartTLS(ctx, p.Stdout(), client)
			expectError(t, "StartTLS", err, async.ErrTLS)
			p.Stdin().Close()
			must(p.Wait(ctx))
		}
		hangUp(ctx, w2)
		other.WriteString("STARTTLS\n")
		other.Abort()
		s.AbortClients()
		shut(ctx, s)
	}, realTime, async.ExceptionHandler(func(*async.Loop, async.ExceptionContext) {})))
}

func TestStartTLSTwice(t *testing.T) {
	// secured makes the server's side of the handshake on a plain connection, behind what was sent in the clear, and greets.
	secured := func(peer net.Conn, clear int, cfg *tls.Config) error {
		if _, err := io.CopyN(io.Discard, peer, int64(clear)); err != nil {
			return err
		}
		_, err := io.WriteString(tls.Server(peer, cfg), "hello")
		return err
	}
	for where, clogged := range map[string]bool{"in the handshake": false, "before the handshake, while what was written goes out": true} {
		t.Run("a call while another one is "+where+" fails and leaves that one alone", onLoop(func(ctx context.Context, t *testing.T) {
			cfg, client := certificate(t)
			r, w, peer := facing(ctx)
			defer peer.Close()
			clear := 0
			if clogged {
				clear = clog(w)
			}
			var w2 *async.StreamWriter
			first := async.CreateTask(ctx, func(ctx context.Context) (r2 *async.StreamReader, err error) {
				r2, w2, err = w.StartTLS(ctx, r, client)
				return r2, err
			})
			ticks(ctx, 5)
			for range 3 {
				_, _, err := w.StartTLS(ctx, r, client)
				expectError(t, "the second StartTLS", err, async.ErrTLS)
				if err == async.ErrTLS {
					t.Error("the error does not say that another StartTLS is under way")
				}
				ticks(ctx, 5)
			}
			expectEqual(t, "the first has returned", first.IsDone(), false)
			expectEqual(t, "IsClosing", w.IsClosing(), false)
			check(run(ctx, func() error { return secured(peer, clear, cfg) }))
			expectEqual(t, "Read", text(must(first.Await(ctx)).ReadExactly(ctx, 5)), "hello")
			_, _, err := w.StartTLS(ctx, r, client)
			expectEqual(t, "the error of StartTLS over TLS", err, async.ErrTLS)
			w2.Abort()
			check(w.WaitClosed(ctx))
		}, realTime))
	}
	t.Run("a call that is cancelled before the handshake leaves the connection to the next", onLoop(func(ctx context.Context, t *testing.T) {
		cfg, client := certificate(t)
		r, w, peer := facing(ctx)
		defer peer.Close()
		clear := clog(w)
		first := async.Go(ctx, func(ctx context.Context) error {
			_, _, err := w.StartTLS(ctx, r, client)
			return err
		})
		ticks(ctx, 3)
		first.Cancel()
		waitFor(ctx, first)
		expectEqual(t, "Cancelled", first.Cancelled(), true)
		expectEqual(t, "IsClosing", w.IsClosing(), false)
		answer := async.Go(ctx, func(ctx context.Context) error { return run(ctx, func() error { return secured(peer, clear, cfg) }) })
		r2, w2, err := w.StartTLS(ctx, r, client)
		check(err)
		expectEqual(t, "Read", text(r2.ReadExactly(ctx, 5)), "hello")
		waitFor(ctx, answer)
		expectError(t, "peer", answer.Err(), nil)
		w2.Abort()
		check(w.WaitClosed(ctx))
	}, realTime))
	t.Run("a write to the old streams in the handshake fails and sends nothing, nor does the end of the stream", onLoop(func(ctx context.Context, t *testing.T) {
		cfg, client := certificate(t)
		r, w, peer := facing(ctx)
		defer peer.Close()
		must(w.WriteString("clear"))
		var w2 *async.StreamWriter
		first := async.CreateTask(ctx, func(ctx context.Context) (r2 *async.StreamReader, err error) {
			r2, w2, err = w.StartTLS(ctx, r, client)
			return r2, err
		})
		ticks(ctx, 5)
		_, during := w.WriteString("secret")
		if during == nil {
			t.Error("Write has succeeded")
		}
		expectError(t, "WriteEOF", w.WriteEOF(), during)
		expectEqual(t, "Buffered", w.Buffered(), 0)
		check(run(ctx, func() error { return secured(peer, len("clear"), cfg) })) // which "secret" would break
		expectEqual(t, "Read", text(must(first.Await(ctx)).ReadExactly(ctx, 5)), "hello")
		_, after := w.WriteString("secret")
		expectEqual(t, "the error after the handshake", after, during)
		w2.Abort()
		check(w.WaitClosed(ctx))
	}, realTime))
	t.Run("a call after one that has failed says that the connection is closed", onLoop(func(ctx context.Context, t *testing.T) {
		_, client := certificate(t)
		ln := must(net.Listen("tcp", "127.0.0.1:0"))
		defer ln.Close()
		r, w, err := async.OpenConnection(ctx, "tcp", ln.Addr().String())
		check(err)
		check(must(ln.Accept()).Close())
		if _, _, err := w.StartTLS(ctx, r, client); err == nil {
			t.Error("the first StartTLS has succeeded")
		}
		_, _, err = w.StartTLS(ctx, r, client)
		expectError(t, "the second StartTLS", err, net.ErrClosed)
		check(w.WaitClosed(ctx))
	}, realTime))
}

// run calls fn on another goroutine.
func run(ctx context.Context, fn func() error) error {
	_, err := async.ToThread(ctx, func(context.Context) (async.Void, error) { return async.Void{}, fn() })
	return err
}

// eager sends its first bytes together with the next ones, and skips the first ones that come.
type eager struct {
	net.Conn
	first []byte
	skip  int
}

// Write implements [net.Conn].
func (e *eager) Write(p []byte) (int, error) {
	n := len(e.first)
	n2, err := e.Conn.Write(append(e.first, p...))
	e.first = nil
	return n2 - n, err
}

// Read implements [net.Conn].
func (e *eager) Read(p []byte) (int, error) {
	if e.skip > 0 {
		if _, err := io.ReadFull(e.Conn, make([]byte, e.skip)); err != nil {
			return 0, err
		}
		e.skip = 0
	}
	return e.Conn.Read(p)
}
