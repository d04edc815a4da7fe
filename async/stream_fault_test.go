package async_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// reset closes a connection so that the peer gets a reset.
func reset(c net.Conn) {
	check(c.(*net.TCPConn).SetLinger(0))
	check(c.Close())
}

func TestStreamFaults(t *testing.T) {
	t.Run("a reset by the peer ends a read, a line, a drain and a wait, whatever came before", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(net.Listen("tcp", "127.0.0.1:0"))
		defer ln.Close()
		for _, wait := range []func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error{
			func(ctx context.Context, r *async.StreamReader, _ *async.StreamWriter) error {
				_, err := r.Read(ctx, -1)
				return err
			},
			func(ctx context.Context, r *async.StreamReader, _ *async.StreamWriter) error {
				_, err := r.ReadLine(ctx)
				return err
			},
			func(ctx context.Context, r *async.StreamReader, _ *async.StreamWriter) error {
				_, err := r.ReadExactly(ctx, 100)
				return err
			},
			func(ctx context.Context, _ *async.StreamReader, w *async.StreamWriter) error {
				clog(w)
				return w.Drain(ctx)
			},
		} {
			for _, before := range []string{"", "some"} {
				r, w, err := async.OpenConnection(ctx, "tcp", ln.Addr().String())
				check(err)
				peer := must(ln.Accept())
				must(io.WriteString(peer, before))
				task := async.Go(ctx, func(ctx context.Context) error { return wait(ctx, r, w) })
				check(async.Sleep(ctx, hundredth))
				expectEqual(t, "done", task.IsDone(), false)
				reset(peer)
				waitFor(ctx, task)
				if err := task.Err(); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
					t.Errorf("the error is %v", err)
				}
				w.Close()
			}
		}
	}))
	t.Run("a slow reader holds the writer, whose memory stays small", onLoop(func(ctx context.Context, t *testing.T) {
		const total = 64 << 20
		s, r, w := serving(ctx, func(ctx context.Context, _ *async.StreamReader, w *async.StreamWriter) error {
			chunk := make([]byte, 32<<10)
			for sent := 0; sent < total; sent += len(chunk) {
				if _, err := w.Write(chunk); err != nil {
					return err
				}
				if n := w.Buffered(); n > 64<<10+len(chunk) {
					t.Errorf("%d bytes wait to be sent", n)
				}
				if err := w.Drain(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		got := 0
		for {
			p := must(r.Read(ctx, 100<<10))
			if got += len(p); len(p) == 0 {
				break
			}
			if n := r.Buffered(); n > 4*async.DefaultLimit {
				t.Errorf("%d bytes were read ahead", n)
			}
			ticks(ctx, 3)
		}
		expectEqual(t, "bytes", got, total)
		hangUp(ctx, w)
		shut(ctx, s)
	}))
	t.Run("a drain goes on at the low water mark, and not before", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(net.Listen("unix", filepath.Join(t.TempDir(), "s"))) // whose buffers in the kernel do not grow
		defer ln.Close()
		_, w, err := async.OpenConnection(ctx, "unix", ln.Addr().String())
		check(err)
		peer := must(ln.Accept())
		defer peer.Close()
		clog(w)
		all, low := w.Buffered(), 1000
		w.SetWaterMarks(all-1, low)
		drain := async.Go(ctx, func(ctx context.Context) error {
			err := w.Drain(ctx)
			if n := w.Buffered(); n > low {
				t.Errorf("%d bytes are left when Drain returns", n)
			}
			return err
		})
		for w.Buffered() > all/2 {
			must(peer.Read(make([]byte, 10<<10)))
			ticks(ctx, 1)
		}
		ticks(ctx, 5)
		expectEqual(t, "drained", drain.IsDone(), false)
		go io.Copy(io.Discard, peer)
		waitFor(ctx, drain)
		expectError(t, "Drain", drain.Err(), nil)
		hangUp(ctx, w)
	}, realTime))
	t.Run("a server that is out of descriptors says so and goes on", func(t *testing.T) {
		guarded(t, func() {
			var reports atomic.Int32
			check(async.Run(func(ctx context.Context) error {
				ln := &failingListener{Listener: must(net.Listen("tcp", "127.0.0.1:0"))}
				ln.failures.Store(1)
				s, r, w := serving(ctx, echo, async.WithListener(ln))
				w.WriteString("x")
				expectEqual(t, "Read", text(r.Read(ctx, 1)), "x")
				ln.failures.Store(1)
				hangUp(ctx, w)
				_, w = connected(ctx, s) // which is accepted before the failure, or never
				w.Abort()
				s.AbortClients()
				shut(ctx, s)
				return nil
			}, async.ExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				expectEqual(t, "Message", c.Message, "socket.accept out of system resource")
				expectError(t, "Err", c.Err, syscall.EMFILE)
				reports.Add(1)
			})))
			if reports.Load() == 0 {
				t.Error("nothing was reported")
			}
		})
	})
	t.Run("Close during a read gives the end, and during a drain an error", onLoop(func(ctx context.Context, t *testing.T) {
		s, r, w := serving(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			return async.Sleep(ctx, 100*hundredth)
		}, async.StreamLimit(1))
		read := async.CreateTask(ctx, func(ctx context.Context) ([]byte, error) { return r.Read(ctx, 1) })
		ticks(ctx, 1)
		clog(w)
		drain := async.Go(ctx, w.Drain)
		ticks(ctx, 2)
		w.Abort()
		waitFor(ctx, drain)
		expectError(t, "Drain", drain.Err(), net.ErrClosed)
		expectEqual(t, "Read", text(read.Await(ctx)), "")
		check(w.WaitClosed(ctx))
		s.AbortClients()
		shut(ctx, s)
	}, realTime))
	t.Run("Close ends a read that waits at once, also while a slow peer holds up what is to be sent", onLoop(func(ctx context.Context, t *testing.T) {
		r, w, peer := facing(ctx)
		defer peer.Close()
		clog(w)
		read := async.CreateTask(ctx, func(ctx context.Context) ([]byte, error) { return r.Read(ctx, 1) })
		ticks(ctx, 3)
		check(w.Close())
		expectEqual(t, "Read", text(read.Await(ctx)), "")
		if w.Buffered() == 0 {
			t.Error("Close has dropped what was to be sent")
		}
		w.Abort()
		check(w.WaitClosed(ctx))
	}, realTime))
	t.Run("who closes the connection behind the streams' back ends a read and a drain that wait", onLoop(func(ctx context.Context, t *testing.T) {
		for _, network := range []string{"tcp", "unix"} {
			address := func() string {
				if network == "tcp" {
					return "127.0.0.1:0"
				}
				return filepath.Join(t.TempDir(), "s")
			}
			ln := must(net.Listen(network, address()))
			defer ln.Close()
			r, w, err := async.OpenConnection(ctx, network, ln.Addr().String())
			check(err)
			peer := must(ln.Accept())
			defer peer.Close()
			read := async.Go(ctx, func(ctx context.Context) error {
				_, err := r.ReadLine(ctx)
				return err
			})
			clog(w)
			drain := async.Go(ctx, w.Drain)
			ticks(ctx, 3)
			check(w.Conn().Close())
			waitFor(ctx, read, drain)
			expectError(t, "ReadLine", read.Err(), net.ErrClosed)
			expectError(t, "Drain", drain.Err(), net.ErrClosed)
			w.Abort()

			var ended async.Queue[error]
			s := must(async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
				running(ctx).CallLater(hundredth, func() { check(w.Conn().Close()) })
				_, err := r.Read(ctx, 1)
				return ended.PutNowait(err)
			}, network, address()))
			r, w = connected(ctx, s)
			expectError(t, "Read of the server", must(ended.Get(ctx)), net.ErrClosed)
			expectEqual(t, "Read of the client", text(r.Read(ctx, 1)), "")
			hangUp(ctx, w)
			shut(ctx, s)
		}
	}, realTime))
	t.Run("a listener that closes what it has accepted ends the reads of the server", onLoop(func(ctx context.Context, t *testing.T) {
		ln := &closingListener{Listener: must(net.Listen("tcp", "127.0.0.1:0"))}
		var ended async.Queue[error]
		s, r, w := serving(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			must(w.WriteString("x"))
			_, err := r.Read(ctx, 1)
			return ended.PutNowait(err)
		}, async.WithListener(ln))
		expectEqual(t, "Read", text(r.Read(ctx, 1)), "x")
		ticks(ctx, 3)
		check((*ln.last.Load()).Close())
		expectError(t, "Read of the server", must(ended.Get(ctx)), net.ErrClosed)
		hangUp(ctx, w)
		shut(ctx, s)
	}, realTime))
	t.Run("connections that end at random moments leave no task and no goroutine, and lose no byte before", onLoop(func(ctx context.Context, t *testing.T) {
		n := 1000
		if testing.Short() || raceEnabled {
			n = 200
		}
		rnd := rand.New(rand.NewPCG(1, 2))
		s := must(async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			err := echo(ctx, r, w)
			if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}, "tcp", "127.0.0.1:0"))
		sem := async.NewSemaphore(50)
		var clients []*async.Task[async.Void]
		for i := range n {
			rnd := rand.New(rand.NewPCG(2, uint64(i))) // which is not for several goroutines
			clients = append(clients, async.Go(ctx, func(ctx context.Context) error {
				return sem.With(ctx, func(ctx context.Context) error { return dropAtRandom(ctx, t, s.Addr(), rnd) })
			}))
		}
		for _, c := range clients {
			if rnd.IntN(10) == 0 {
				c.Cancel()
			}
		}
		waitFor(ctx, clients...)
		for _, c := range clients {
			if err := c.Err(); err != nil && !c.Cancelled() {
				t.Errorf("a client has failed: %v", err)
			}
		}
		shut(ctx, s)
		expectEqual(t, "Connections", s.Connections(), 0)
	}))
}

// dropAtRandom exchanges a few messages and hangs up, in one way or another.
func dropAtRandom(ctx context.Context, t *testing.T, addr net.Addr, rnd *rand.Rand) error {
	r, w, err := async.OpenConnection(ctx, addr.Network(), addr.String())
	if err != nil {
		return err
	}
	defer w.Abort()
	for range rnd.IntN(5) {
		want := make([]byte, 1+rnd.IntN(10000))
		for i := range want {
			want[i] = byte(rnd.Int())
		}
		w.Write(want)
		if rnd.IntN(5) == 0 {
			return nil // in the middle of an answer
		}
		got, err := r.ReadExactly(ctx, len(want))
		if err != nil {
			return err
		}
		if string(got) != string(want) {
			t.Errorf("%d bytes have come back changed", len(want))
		}
	}
	switch rnd.IntN(3) {
	case 0:
		w.Close()
		return w.WaitClosed(ctx)
	case 1:
		reset(w.Conn())
	}
	return nil
}

// A failingListener is out of descriptors now and then.
type failingListener struct {
	net.Listener
	failures atomic.Int32
}

// Accept implements [net.Listener].
func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// A closingListener knows the last connection that it has accepted.
type closingListener struct {
	net.Listener
	last atomic.Pointer[net.Conn]
}

// Accept implements [net.Listener].
func (l *closingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	l.last.Store(&c)
	return c, err
}
