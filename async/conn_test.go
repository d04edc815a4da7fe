package async_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// pair returns the two ends of a connection.
func pair(ctx context.Context, network, addr string) (client, server net.Conn) {
	ln := must(async.Listen(ctx, network, addr))
	defer ln.Close()
	accepted := async.CreateTask(ctx, func(context.Context) (net.Conn, error) { return ln.Accept() })
	client = must(async.Dial(ctx, network, ln.Addr().String()))
	return client, must(accepted.Await(ctx))
}

// loopback is pair over TCP, for a test.
func loopback(ctx context.Context, t *testing.T) (client, server net.Conn) {
	client, server = pair(ctx, "tcp", "127.0.0.1:0")
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}

func TestConn(t *testing.T) {
	t.Run("bufio, textproto and http.ReadRequest work in tasks, over TCP and Unix sockets", onLoop(func(ctx context.Context, t *testing.T) {
		for _, at := range [][2]string{{"tcp", "127.0.0.1:0"}, {"unix", filepath.Join(t.TempDir(), "s")}} {
			a, b := pair(ctx, at[0], at[1])
			server := async.Go(ctx, func(context.Context) error {
				defer b.Close()
				r := bufio.NewReader(b)
				line := must(textproto.NewReader(r).ReadLine())
				expectEqual(t, "ReadLine", line, "hello")
				request := must(http.ReadRequest(r))
				expectEqual(t, "Path", request.URL.Path, "/path")
				_, err := fmt.Fprintf(b, "bye\r\n")
				return err
			})
			fmt.Fprintf(a, "hello\r\nGET /path HTTP/1.1\r\nHost: x\r\n\r\n")
			expectEqual(t, "answer", string(must(io.ReadAll(a))), "bye\r\n")
			check(a.Close())
			waitFor(ctx, server)
			expectError(t, "server", server.Err(), nil)
		}
	}))
	t.Run("a task that reads lets the others run", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := loopback(ctx, t)
		var c chronicle
		read := async.Go(ctx, func(context.Context) error {
			c.add("read")
			defer c.add("has read")
			_, err := a.Read(make([]byte, 1))
			return err
		})
		ticks(ctx, 1)
		c.add("write")
		must(b.Write([]byte("x")))
		waitFor(ctx, read)
		c.expect(t, "read", "write", "has read")
	}))
	t.Run("a read that is cancelled loses no byte", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := loopback(ctx, t)
		want := bytes.Repeat([]byte("0123456789"), 5000)
		writer := async.Go(ctx, func(ctx context.Context) error {
			for rest := want; len(rest) > 0; {
				n := must(b.Write(rest[:min(len(rest), 37)]))
				rest = rest[n:]
				if len(rest)%3 == 0 {
					ticks(ctx, 1)
				}
			}
			return nil
		})
		var got []byte
		for len(got) < len(want) {
			reader := async.Go(ctx, func(context.Context) error {
				p := make([]byte, 53)
				n, err := a.Read(p)
				got = append(got, p[:n]...)
				return err
			})
			ticks(ctx, 1)
			reader.Cancel()
			waitFor(ctx, reader)
		}
		waitFor(ctx, writer)
		expectEqual(t, "all is there", bytes.Equal(got, want), true)
	}))
	t.Run("a write that is cancelled tells how much it has sent", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := loopback(ctx, t)
		all := make([]byte, 32<<20)
		for i := range all {
			all[i] = byte(i / 251)
		}
		var n int
		writer := async.Go(ctx, func(context.Context) (err error) {
			n, err = a.Write(all)
			return err
		})
		check(async.Sleep(ctx, hundredth))
		expectEqual(t, "Write has returned", writer.IsDone(), false)
		writer.Cancel()
		waitFor(ctx, writer)
		expectEqual(t, "cancelled", writer.Cancelled(), true)
		rest := async.Go(ctx, func(context.Context) error {
			_, err := a.Write([]byte("rest"))
			check(a.(interface{ CloseWrite() error }).CloseWrite())
			return err
		})
		got := must(io.ReadAll(b))
		waitFor(ctx, rest)
		expectError(t, "Write", rest.Err(), nil)
		expectEqual(t, "what was counted has come", bytes.Equal(got, append(all[:n:n], "rest"...)), true)
	}))
	t.Run("two writers do not mix", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := loopback(ctx, t)
		const size = 4 << 20
		var writers []*async.Task[async.Void]
		for _, c := range "xyz" {
			writers = append(writers, async.Go(ctx, func(context.Context) error {
				_, err := a.Write(bytes.Repeat([]byte{byte(c)}, size))
				return err
			}))
		}
		for _, c := range "xyz" {
			p := make([]byte, size)
			must(io.ReadFull(b, p))
			expectEqual(t, "all of one", bytes.Count(p, []byte{byte(c)}), size)
		}
		waitFor(ctx, writers...)
	}))
	t.Run("deadlines end reads and writes, and can be taken back", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := loopback(ctx, t)
		p := make([]byte, 1)
		check(a.SetReadDeadline(time.Now().Add(hundredth)))
		_, err := a.Read(p)
		expectError(t, "Read", err, os.ErrDeadlineExceeded)
		var timeout net.Error
		expectEqual(t, "Timeout", errors.As(err, &timeout) && timeout.Timeout(), true)
		check(a.SetDeadline(time.Time{}))
		must(b.Write([]byte("x")))
		expectEqual(t, "Read", must(a.Read(p)), 1)
		reader := async.Go(ctx, func(context.Context) error {
			_, err := a.Read(p)
			return err
		})
		ticks(ctx, 1)
		check(a.SetDeadline(time.Unix(1, 0)))
		waitFor(ctx, reader)
		expectError(t, "Read", reader.Err(), os.ErrDeadlineExceeded)
		_, err = a.Write(p)
		expectError(t, "Write", err, os.ErrDeadlineExceeded)
		check(a.SetWriteDeadline(time.Now().Add(hundredth)))
		n, err := a.Write(make([]byte, 32<<20))
		expectError(t, "Write", err, os.ErrDeadlineExceeded)
		check(a.SetWriteDeadline(time.Time{}))
		check(a.(interface{ CloseWrite() error }).CloseWrite())
		expectEqual(t, "what was counted has come", len(must(io.ReadAll(b))), n)
	}))
	t.Run("WithConnContext has a timeout end the read", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := loopback(ctx, t)
		short, cancel := async.WithTimeout(ctx, hundredth)
		defer cancel()
		_, err := async.WithConnContext(short, a).Read(make([]byte, 1))
		expectError(t, "Read", err, async.ErrTimeout)
		must(b.Write([]byte("x")))
		must(a.Read(make([]byte, 1)))
		expectPanic(t, "async: WithConnContext was called with a connection that is not from Dial or Listen", func() {
			async.WithConnContext(ctx, new(net.TCPConn))
		})
	}))
	t.Run("Close ends a read and a write that are under way", onLoop(func(ctx context.Context, t *testing.T) {
		a, _ := loopback(ctx, t)
		reader := async.Go(ctx, func(context.Context) error {
			_, err := a.Read(make([]byte, 1))
			return err
		})
		writer := async.Go(ctx, func(context.Context) error {
			_, err := a.Write(make([]byte, 32<<20))
			return err
		})
		check(async.Sleep(ctx, hundredth))
		check(a.Close())
		waitFor(ctx, reader, writer)
		expectError(t, "Read", reader.Err(), net.ErrClosed)
		expectError(t, "Write", writer.Err(), net.ErrClosed)
		expectError(t, "Close", a.Close(), net.ErrClosed)
		_, err := a.Write([]byte("x"))
		expectError(t, "Write", err, net.ErrClosed)
		expectError(t, "SetDeadline", a.SetDeadline(time.Time{}), net.ErrClosed)
	}))
	t.Run("tasks and plain goroutines share a connection", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := loopback(ctx, t)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				p := make([]byte, 4)
				must(io.ReadFull(a, p[:1]))
			})
		}
		check(async.Sleep(ctx, hundredth))
		must(b.Write([]byte("wxyz")))
		must(async.Block(ctx, func(context.Context) (async.Void, error) {
			wg.Wait()
			return async.Void{}, nil
		}))
	}))
	t.Run("without a loop calls block, and Close leaves no goroutine", func(t *testing.T) {
		guarded(t, func() {
			ctx := t.Context()
			ln := must(async.Listen(ctx, "tcp", "127.0.0.1:0"))
			var wg sync.WaitGroup
			wg.Go(func() {
				c := must(ln.Accept())
				defer c.Close()
				must(io.Copy(c, c))
			})
			c := must(async.Dial(ctx, "tcp", ln.Addr().String()))
			must(c.Write([]byte("ping")))
			check(c.(interface{ CloseWrite() error }).CloseWrite())
			expectEqual(t, "echo", string(must(io.ReadAll(c))), "ping")
			wg.Wait()
			check(c.Close())
			check(ln.Close())
			_, err := ln.Accept()
			expectError(t, "Accept", err, net.ErrClosed)
		})
	})
	t.Run("TLS works on top", onLoop(func(ctx context.Context, t *testing.T) {
		cfg, client := certificate(t)
		a, b := loopback(ctx, t)
		server := async.Go(ctx, func(context.Context) error {
			c := tls.Server(b, cfg)
			defer c.Close()
			_, err := io.Copy(c, io.LimitReader(c, 1<<20))
			return err
		})
		c := tls.Client(a, client)
		want := bytes.Repeat([]byte("tls!"), 1<<18)
		check(c.Handshake())
		sender := async.Go(ctx, func(context.Context) error {
			_, err := c.Write(want)
			return err
		})
		got := make([]byte, len(want))
		must(io.ReadFull(c, got))
		waitFor(ctx, sender, server)
		expectEqual(t, "all is there", bytes.Equal(got, want), true)
	}))
	t.Run("an accept that is cancelled loses no connection", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(async.Listen(ctx, "tcp", "127.0.0.1:0"))
		defer ln.Close()
		accept := func(context.Context) (net.Conn, error) { return ln.Accept() }
		for range 20 {
			first, second := async.CreateTask(ctx, accept), async.CreateTask(ctx, accept)
			c := must(async.Dial(ctx, "tcp", ln.Addr().String()))
			first.Cancel()
			waitFor(ctx, first)
			if !first.Cancelled() {
				check(must(first.Result()).Close())
				second.Cancel()
				waitFor(ctx, second)
			} else {
				check(must(second.Await(ctx)).Close())
			}
			must(io.ReadAll(c))
			check(c.Close())
		}
	}))
	t.Run("a dial that is cancelled leaves nothing behind", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(async.Listen(ctx, "tcp", "127.0.0.1:0"))
		defer ln.Close()
		for i := range 20 {
			d := async.CreateTask(ctx, func(ctx context.Context) (net.Conn, error) { return async.Dial(ctx, "tcp", ln.Addr().String()) })
			ticks(ctx, 1+i%3)
			d.Cancel()
			waitFor(ctx, d)
			if c, err := d.Result(); err == nil {
				check(c.Close())
			} else {
				expectError(t, "Dial", err, async.ErrCancelled)
			}
		}
	}))
	t.Run("what cannot be dialled is an error", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(net.Listen("tcp", "127.0.0.1:0"))
		check(ln.Close())
		var op *net.OpError
		if _, err := async.Dial(ctx, "tcp", ln.Addr().String()); !errors.As(err, &op) {
			t.Errorf("Dial returns %v", err)
		}
		if _, err := async.Listen(ctx, "no network", ""); err == nil {
			t.Error("Listen on no network has succeeded")
		}
	}))
	t.Run("a callback cannot read", onLoop(func(ctx context.Context, t *testing.T) {
		a, _ := loopback(ctx, t)
		var tried async.Event
		running(ctx).CallSoon(func() {
			_, err := a.Read(make([]byte, 1))
			expectError(t, "Read", err, async.ErrNotInTask)
			tried.Set()
		})
		check(tried.Wait(ctx))
	}))
	t.Run("to wait for a peer is no deadlock", func(t *testing.T) {
		guarded(t, func() {
			stuck := func(r *async.DeadlockReport) { t.Errorf("this is taken for a deadlock: %v", r) }
			check(async.Run(func(ctx context.Context) error {
				a, b := pair(ctx, "tcp", "127.0.0.1:0")
				defer a.Close()
				defer b.Close()
				check(a.SetReadDeadline(time.Now().Add(5 * hundredth)))
				_, err := a.Read(make([]byte, 1))
				expectError(t, "Read", err, os.ErrDeadlineExceeded)
				return nil
			}, async.DeadlockAfter(hundredth, stuck)))
		})
	})
	t.Run("the end of the loop closes what is left open", func(t *testing.T) {
		guarded(t, func() {
			var kept []net.Conn
			check(async.Run(func(ctx context.Context) error {
				a, b := pair(ctx, "tcp", "127.0.0.1:0")
				must(async.Listen(ctx, "tcp", "127.0.0.1:0"))
				must(async.StartServer(ctx, echo, "tcp", "127.0.0.1:0"))
				kept = append(kept, a, b)
				return nil
			}))
			for _, c := range kept {
				_, err := c.Read(make([]byte, 1))
				expectError(t, "Read", err, net.ErrClosed)
			}
		})
	})
	t.Run("tasks that are unwound by the loop's Close release their connections", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop()
			for _, reads := range []bool{true, false} {
				async.Go(l.Context(), func(ctx context.Context) error {
					a, _ := pair(ctx, "tcp", "127.0.0.1:0")
					l.Stop()
					if reads {
						a.Read(make([]byte, 1))
					} else {
						a.Write(make([]byte, 32<<20))
					}
					t.Error("the call has returned")
					return nil
				})
				check(l.RunForever())
				runOnce(t, l)
			}
			check(l.Close())
		})
	})
}

// certificate returns the configurations of a server with a certificate of its own, and of a client who trusts it.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), NotBefore: time.Now().Add(-time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	pool := x509.NewCertPool()
	pool.AddCert(must(x509.ParseCertificate(der)))
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return server, &tls.Config{RootCAs: pool, ServerName: "localhost"}
}

func TestStreamsOverTLS(t *testing.T) {
	t.Run("streams carry much both ways, and the end", onLoop(func(ctx context.Context, t *testing.T) {
		cfg, client := certificate(t)
		s := must(async.StartServer(ctx, echo, "tcp", "127.0.0.1:0", async.TLS(cfg)))
		r, w, err := async.OpenConnection(ctx, "tcp", s.Addr().String(), async.TLS(client))
		check(err)
		want := strings.Repeat("all of this ", 1<<16)
		w.WriteString(want)
		check(w.WriteEOF())
		expectEqual(t, "all is there", text(r.Read(ctx, -1)) == want, true)
		hangUp(ctx, w)
		shut(ctx, s)
	}))
	t.Run("Close sends what was written, and Abort does not", onLoop(func(ctx context.Context, t *testing.T) {
		cfg, client := certificate(t)
		var got async.Queue[int]
		s := must(async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, _ *async.StreamWriter) error {
			p, _ := r.Read(ctx, -1)
			return got.PutNowait(len(p))
		}, "tcp", "127.0.0.1:0", async.TLS(cfg)))
		open := func() *async.StreamWriter {
			_, w, err := async.OpenConnection(ctx, "tcp", s.Addr().String(), async.TLS(client))
			check(err)
			return w
		}
		w := open()
		w.Write(make([]byte, 4<<20))
		hangUp(ctx, w)
		expectEqual(t, "sent", must(got.Get(ctx)), 4<<20)
		w = open()
		w.Write(make([]byte, 4<<20))
		w.Abort()
		check(w.WaitClosed(ctx))
		must(got.Get(ctx))
		shut(ctx, s)
	}))
	t.Run("a client without TLS is reported, and the server goes on", func(t *testing.T) {
		guarded(t, func() {
			var failed async.Event
			check(async.Run(func(ctx context.Context) error {
				cfg, client := certificate(t)
				s := must(async.StartServer(ctx, echo, "tcp", "127.0.0.1:0", async.TLS(cfg)))
				_, w := connected(ctx, s)
				w.WriteString("GET / HTTP/1.0\r\n\r\n")
				check(failed.Wait(ctx))
				hangUp(ctx, w)
				r, w, err := async.OpenConnection(ctx, "tcp", s.Addr().String(), async.TLS(client))
				check(err)
				w.WriteString("x")
				expectEqual(t, "Read", text(r.Read(ctx, 1)), "x")
				hangUp(ctx, w)
				quiet, silent := connected(ctx, s) // who says nothing does not hold up the end, and is dropped there
				_, w, err = async.OpenConnection(ctx, "tcp", s.Addr().String(), async.TLS(client))
				check(err) // so the silent one was accepted
				hangUp(ctx, w)
				shut(ctx, s)
				p, err := quiet.Read(ctx, 1)
				check(unlessBroken(err))
				expectEqual(t, "bytes for who says nothing", len(p), 0)
				return silent.Close()
			}, async.ExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				expectEqual(t, "Message", c.Message, "TLS handshake failed")
				failed.Set()
			})))
		})
	})
}
