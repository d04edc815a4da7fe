package async_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// realTime is for tests in which the clock may not run on while a peer is slow.
var realTime = async.Clock(loop.NewReal())

// polled reports whether the connections of a loop share a poller, and need no goroutines that read.
func polled() bool { return runtime.GOOS == "linux" && !keeping }

var keeping bool // in TestKeepers

// settled waits until there are no more goroutines than n, and returns how many there are in the end.
func settled(ctx context.Context, n int) int {
	for range 500 {
		if runtime.NumGoroutine() <= n {
			break
		}
		must(async.ToThread(ctx, func(context.Context) (async.Void, error) { runtime.Gosched(); return async.Void{}, nil }))
		check(async.Sleep(ctx, hundredth))
	}
	return runtime.NumGoroutine()
}

func TestStreamCost(t *testing.T) {
	const n = 50
	// Of the loop's poller, the default executor, and what the tests around have not ended yet.
	const slack = 12
	t.Run("a connection costs two goroutines at most, and on Linux none while nothing has to be sent", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(net.Listen("tcp", "127.0.0.1:0"))
		defer ln.Close()
		before := runtime.NumGoroutine()
		idle := n + slack
		if polled() {
			idle = slack
		}
		var ws []*async.StreamWriter
		for range n {
			_, w, err := async.OpenConnection(ctx, "tcp", ln.Addr().String())
			check(err)
			ws = append(ws, w)
			defer must(ln.Accept()).Close()
		}
		if got := settled(ctx, before+idle) - before; got > idle {
			t.Errorf("%d idle connections have %d goroutines", n, got)
		}
		for _, w := range ws {
			clog(w)
		}
		if got := settled(ctx, before+2*n+slack) - before; got > 2*n+slack {
			t.Errorf("%d connections that send have %d goroutines", n, got)
		}
		for _, w := range ws {
			w.Abort()
			check(w.WaitClosed(ctx))
		}
	}))
	t.Run("a connection over TLS costs two goroutines at most", onLoop(func(ctx context.Context, t *testing.T) {
		cfg, client := certificate(t)
		ln := must(tls.Listen("tcp", "127.0.0.1:0", cfg))
		defer ln.Close()
		before := runtime.NumGoroutine()
		var ws []*async.StreamWriter
		for range n {
			peer := make(chan net.Conn, 1)
			go func() {
				c := must(ln.Accept())
				check(c.(*tls.Conn).Handshake())
				peer <- c
			}()
			_, w, err := async.OpenConnection(ctx, "tcp", ln.Addr().String(), async.TLS(client))
			check(err)
			ws = append(ws, w)
			defer (<-peer).Close()
		}
		for _, w := range ws {
			clog(w)
		}
		if got := settled(ctx, before+2*n+slack) - before; got > 2*n+slack {
			t.Errorf("%d connections have %d goroutines", n, got)
		}
		for _, w := range ws {
			w.Abort()
			check(w.WaitClosed(ctx))
		}
	}))
	t.Run("a connection that has gone over to TLS costs two goroutines at most, on either side", onLoop(func(ctx context.Context, t *testing.T) {
		const n = 12 // handshakes take their time
		cfg, client := certificate(t)
		var served []*async.StreamWriter
		s := must(async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			if _, err := r.ReadLine(ctx); err != nil {
				return err
			}
			must(w.WriteString("go ahead\n"))
			_, w, err := w.StartTLS(ctx, r, cfg)
			if err == nil {
				w.Keep() // which has to hold for the new streams too
				served = append(served, w)
			}
			return err
		}, "tcp", "127.0.0.1:0"))
		before := runtime.NumGoroutine()
		var ws []*async.StreamWriter
		for range n {
			r, w := connected(ctx, s)
			agreed(ctx, t, r, w)
			_, w, err := w.StartTLS(ctx, r, client)
			check(err)
			ws = append(ws, w)
		}
		for len(served) < n {
			ticks(ctx, 1)
		}
		if got := settled(ctx, before+2*n+slack) - before; got > 2*n+slack {
			t.Errorf("%d idle connections have %d goroutines at their %d ends", n, got, 2*n)
		}
		for _, w := range append(ws, served...) {
			clog(w)
		}
		if got := settled(ctx, before+4*n+slack) - before; got > 4*n+slack {
			t.Errorf("%d connections that send have %d goroutines at their %d ends", n, got, 2*n)
		}
		for _, w := range append(ws, served...) {
			w.Abort()
			check(unlessBroken(w.WaitClosed(ctx))) // by the other end
		}
		shut(ctx, s)
	}, realTime))
	t.Run("a read of what is there already does not make the task wait", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(net.Listen("unix", filepath.Join(t.TempDir(), "s"))) // where a byte that is written is there
		defer ln.Close()
		r, w, err := async.OpenConnection(ctx, "unix", ln.Addr().String())
		check(err)
		peer := must(ln.Accept())
		defer peer.Close()
		conn := must(async.Dial(ctx, "unix", ln.Addr().String()))
		other := must(ln.Accept())
		defer other.Close()
		for range 50 { // fewer operations than a task has in a row
			must(io.WriteString(peer, "x"))
			expectEqual(t, "Read has given way", gaveWay(ctx, func() { expectEqual(t, "Read", text(r.Read(ctx, 10)), "x") }), false)
			must(io.WriteString(other, "x"))
			expectEqual(t, "Conn.Read has given way", gaveWay(ctx, func() { must(conn.Read(make([]byte, 10))) }), false)
		}
		check(conn.Close())
		hangUp(ctx, w)
	}))
	t.Run("tries in vain do not keep a later read from what comes", onLoop(func(ctx context.Context, t *testing.T) {
		s, r, w := serving(ctx, echo)
		for i := range 200 { // each waits, so that soon hardly one tries
			must(w.Write([]byte{byte(i)}))
			expectEqual(t, "Read", must(r.Read(ctx, 10))[0], byte(i))
		}
		must(w.WriteString("last"))
		check(w.WriteEOF())
		expectEqual(t, "Read", text(r.Read(ctx, -1)), "last")
		hangUp(ctx, w)
		shut(ctx, s)
	}))
	t.Run("what comes while a task computes is read meanwhile, and the end behind it is seen", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(net.Listen("tcp", "127.0.0.1:0"))
		defer ln.Close()
		for range 50 {
			r, w, err := async.OpenConnection(ctx, "tcp", ln.Addr().String())
			check(err)
			peer := must(ln.Accept())
			must(io.WriteString(peer, "all"))
			check(peer.Close())
			for r.Buffered() < 3 { // nobody else can run in the loop now
				runtime.Gosched()
			}
			expectEqual(t, "Read", text(r.Read(ctx, 3)), "all")
			expectEqual(t, "Read at the end", text(r.Read(ctx, 3)), "")
			hangUp(ctx, w)
		}
	}))
}
