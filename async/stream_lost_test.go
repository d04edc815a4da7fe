package async_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// losses are ways in which a connection is lost by an error, each of which asyncio answers by closing it.
var losses = []struct {
	name string
	lose func(ctx context.Context, t *testing.T, c *resettable)
	read string // what reads get before the error
}{
	{name: "a reset while nobody reads or writes", lose: func(_ context.Context, _ *testing.T, c *resettable) { reset(c.peer) }},
	{name: "a reset that ends a read", lose: func(ctx context.Context, t *testing.T, c *resettable) {
		task := async.Go(ctx, func(ctx context.Context) error { return readOne(ctx, t, c) })
		ticks(ctx, 3)
		reset(c.peer)
		waitFor(ctx, task)
		expectError(t, "Read", task.Err(), syscall.ECONNRESET)
	}},
	{name: "a reset behind bytes that nobody has read", read: "some", lose: func(ctx context.Context, t *testing.T, c *resettable) {
		must(io.WriteString(c.peer, "some"))
		for c.r.Buffered() < 4 {
			check(async.Sleep(ctx, hundredth))
		}
		reset(c.peer)
	}},
	{name: "a reset while much is to be sent", lose: func(_ context.Context, _ *testing.T, c *resettable) {
		clog(c.w)
		reset(c.peer)
	}},
	{name: "a write that fails", read: "farewell", lose: func(ctx context.Context, t *testing.T, c *resettable) {
		must(io.WriteString(c.peer, "farewell"))
		check(c.peer.Close())
		for { // until the kernel has heard that nobody is there
			if _, err := c.w.WriteString("x"); err != nil {
				return
			}
			check(async.Sleep(ctx, hundredth))
		}
	}},
}

func TestLostConnections(t *testing.T) {
	for side, connection := range resetSides {
		for _, l := range losses {
			t.Run("a "+side+"'s connection is closed by "+l.name+", and WaitClosed returns the error without a Close", onLoop(func(ctx context.Context, t *testing.T) {
				c := connection(ctx, t)
				raw := async.RawOf(c.r)
				closed := async.Go(ctx, c.w.WaitClosed)
				ticks(ctx, 3)
				expectEqual(t, "WaitClosed has returned before", closed.IsDone(), false)
				expectEqual(t, "IsClosing before", c.w.IsClosing(), false)
				l.lose(ctx, t, c)
				waitFor(ctx, closed)
				expectOneOf(t, closed.Err(), []error{syscall.ECONNRESET, syscall.EPIPE})
				expectEqual(t, "IsClosing", c.w.IsClosing(), true)
				expectEqual(t, "Buffered", c.w.Buffered(), 0)
				if err := raw.Control(func(uintptr) {}); err == nil {
					t.Error("the descriptor was not given back")
				}
				check(c.w.Close())
				expectError(t, "WaitClosed again", c.w.WaitClosed(ctx), closed.Err())
				expectOneOf(t, c.w.Drain(ctx), []error{syscall.ECONNRESET, syscall.EPIPE}) // the one that the reader has heard of
				_, err := c.w.WriteString("x")
				expectError(t, "Write", err, closed.Err())
				if l.read != "" {
					expectEqual(t, "Read", text(c.r.Read(ctx, 100)), l.read)
				}
				if p, err := c.r.Read(ctx, 100); l.name != "a write that fails" {
					expectOneOf(t, err, []error{syscall.ECONNRESET, syscall.EPIPE})
				} else if err != nil && !brokenOff(err) || len(p) > 0 {
					t.Errorf("Read returns %q and %v", p, err)
				}
			}, realTime))
		}
	}
	t.Run("an answer before the end of the stream is read to that end although a write has failed", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(net.Listen("unix", filepath.Join(t.TempDir(), "s"))) // where a close is known at once
		defer ln.Close()
		r, w, err := async.OpenConnection(ctx, "unix", ln.Addr().String())
		check(err)
		peer := must(ln.Accept())
		answer := strings.Repeat("too much ", 10_000)
		must(io.WriteString(peer, answer))
		check(peer.Close())
		_, err = w.WriteString("more")
		expectError(t, "Write", err, syscall.EPIPE)
		expectError(t, "WaitClosed", w.WaitClosed(ctx), syscall.EPIPE)
		if got := text(r.Read(ctx, -1)); got != answer {
			t.Errorf("%d bytes of %d have come", len(got), len(answer))
		}
	}, realTime))
	t.Run("the handler of a server runs on when its connection is lost, which counts no more", onLoop(func(ctx context.Context, t *testing.T) {
		var lost async.Event
		goOn := make(chan struct{})
		var ended atomic.Bool
		s := must(async.StartServer(ctx, func(ctx context.Context, _ *async.StreamReader, w *async.StreamWriter) error {
			expectError(t, "WaitClosed", w.WaitClosed(ctx), syscall.ECONNRESET)
			lost.Set()
			_, err := async.ToThread(ctx, func(context.Context) (async.Void, error) { <-goOn; return async.Void{}, nil })
			ended.Store(true)
			return err
		}, "tcp", "127.0.0.1:0"))
		peer := must(net.Dial("tcp", s.Addr().String()))
		for s.Connections() == 0 {
			check(async.Sleep(ctx, hundredth))
		}
		reset(peer)
		check(lost.Wait(ctx))
		for s.Connections() > 0 {
			check(async.Sleep(ctx, hundredth))
		}
		shut(ctx, s)
		expectEqual(t, "the handler has ended", ended.Load(), false)
		close(goOn)
		for !ended.Load() {
			check(async.Sleep(ctx, hundredth))
		}
	}, realTime))
	t.Run("with TLS the streams and those under it are closed by a reset", onLoop(func(ctx context.Context, t *testing.T) {
		cfg, client := certificate(t)
		r, w, peer := facing(ctx)
		r2, w2, err := upgrade(ctx, r, w, peer, cfg, client)
		check(err)
		expectEqual(t, "Read", text(r2.ReadExactly(ctx, 2)), "hi")
		var closed []*async.Task[async.Void]
		for _, w := range []*async.StreamWriter{w, w2} {
			closed = append(closed, async.Go(ctx, w.WaitClosed))
		}
		ticks(ctx, 3)
		reset(peer)
		waitFor(ctx, closed...)
		for _, c := range closed {
			expectError(t, "WaitClosed", c.Err(), syscall.ECONNRESET)
		}
		_, err = r2.Read(ctx, 1)
		expectError(t, "Read", err, syscall.ECONNRESET)
	}, realTime))
	t.Run("the stdin of a process that does not read any more is closed by a write", onLoop(func(ctx context.Context, t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("there is no sh")
		}
		p := must(async.CreateSubprocess(ctx, exec.Command("sh", "-c", "exec 0<&-; echo; exec sleep 60"), async.PipeStdin(), async.PipeStdout()))
		defer p.Close()
		must(p.Stdout().ReadLine(ctx))
		closed := async.Go(ctx, p.Stdin().WaitClosed)
		ticks(ctx, 3)
		_, err := p.Stdin().WriteString("x")
		expectError(t, "Write", err, syscall.EPIPE)
		waitFor(ctx, closed)
		expectError(t, "WaitClosed", closed.Err(), syscall.EPIPE)
		_, ended := p.ReturnCode()
		expectEqual(t, "the process has ended", ended, false)
	}, realTime))
	t.Run("a connection of Dial is closed by nobody but its user", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(net.Listen("tcp", "127.0.0.1:0"))
		defer ln.Close()
		c := must(async.Dial(ctx, "tcp", ln.Addr().String()))
		reset(must(ln.Accept()))
		for range 2 {
			_, err := c.Read(make([]byte, 1))
			expectError(t, "Read", err, syscall.ECONNRESET)
		}
		check(c.Close())
		if err := c.Close(); !errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the second Close returns %v", err)
		}
	}, realTime))
}

// upgrade goes over to TLS on both sides, of which the peer's says hi.
func upgrade(ctx context.Context, r *async.StreamReader, w *async.StreamWriter, peer net.Conn, cfg, client *tls.Config) (*async.StreamReader, *async.StreamWriter, error) {
	answer := async.Go(ctx, func(ctx context.Context) error {
		return run(ctx, func() error {
			_, err := io.WriteString(tls.Server(peer, cfg), "hi")
			return err
		})
	})
	r2, w2, err := w.StartTLS(ctx, r, client)
	waitFor(ctx, answer)
	return r2, w2, errors.Join(err, answer.Err())
}
