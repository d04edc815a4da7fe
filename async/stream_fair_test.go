package async_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// othersTurns counts how many turns another task, which is always ready, has while work runs.
func othersTurns(ctx context.Context, work func()) (n int) {
	stop := false
	other := async.Go(ctx, func(ctx context.Context) error {
		for ; !stop; n++ {
			ticks(ctx, 1)
		}
		return nil
	})
	ticks(ctx, 1)
	n = 0
	work()
	got := n
	stop = true
	waitFor(ctx, other)
	return got
}

// TestStreamFairness has a task find what it wants each time, as one whose peer is faster than it does. The others must have their
// turns all the same: a tick before each 128th operation in a row, and one for each real wait.
func TestStreamFairness(t *testing.T) {
	const operations = 128 * 40
	for name, read := range map[string]func(ctx context.Context, r *async.StreamReader) error{
		"Read":        func(ctx context.Context, r *async.StreamReader) error { _, err := r.Read(ctx, 1); return err },
		"ReadExactly": func(ctx context.Context, r *async.StreamReader) error { _, err := r.ReadExactly(ctx, 1); return err },
		"ReadLine":    func(ctx context.Context, r *async.StreamReader) error { _, err := r.ReadLine(ctx); return err },
		"ReadUntil": func(ctx context.Context, r *async.StreamReader) error {
			_, err := r.ReadUntil(ctx, []byte("\n"))
			return err
		},
		"Reader": func(ctx context.Context, r *async.StreamReader) error {
			_, err := r.Reader(ctx).Read(make([]byte, 1))
			return err
		},
	} {
		t.Run(name+" of what has come already lets the others have a tick after each 128 times", onLoop(func(ctx context.Context, t *testing.T) {
			r, w, peer := facing(ctx)
			defer peer.Close()
			lines := make([]byte, operations)
			for i := range lines {
				lines[i] = '\n'
			}
			must(peer.Write(lines))
			for r.Buffered() < operations { // the poller or the keeper reads it
				runtime.Gosched()
			}
			got := othersTurns(ctx, func() {
				for range operations {
					check(read(ctx, r))
				}
			})
			expectEqual(t, "turns of the other task", got, operations/128)
			hangUp(ctx, w)
		}, realTime))
	}
	t.Run("a task that writes to a peer who takes everything lets the others run", onLoop(func(ctx context.Context, t *testing.T) {
		_, w, conn, end := bothKinds(ctx, func(peer net.Conn) { io.Copy(io.Discard, peer) })
		defer end()
		for name, write := range map[string]func(){
			"Write and Drain": func() { must(w.WriteString("x")); check(w.Drain(ctx)) },
			"Conn.Write":      func() { must(conn.Write([]byte("x"))) },
		} {
			got := othersTurns(ctx, func() {
				for range operations {
					write()
				}
			})
			if got < operations/128 {
				t.Errorf("%s: the other task has had %d turns", name, got)
			}
		}
	}, realTime))
	t.Run("a task whose peer floods it can be cancelled", onLoop(func(ctx context.Context, t *testing.T) {
		r, _, conn, end := bothKinds(ctx, func(peer net.Conn) {
			for p := make([]byte, 64<<10); ; {
				if _, err := peer.Write(p); err != nil {
					return
				}
			}
		})
		defer end()
		for name, read := range map[string]func(ctx context.Context) error{
			"Read":      func(ctx context.Context) error { _, err := r.Read(ctx, 1); return err },
			"Conn.Read": func(context.Context) error { _, err := conn.Read(make([]byte, 1)); return err },
		} {
			task := async.Go(ctx, func(ctx context.Context) error {
				for {
					if err := read(ctx); err != nil {
						return err
					}
				}
			})
			ticks(ctx, 10)
			task.Cancel()
			waitFor(ctx, task)
			expectEqual(t, name+" is cancelled", task.Cancelled(), true)
		}
	}, realTime))
}

// bothKinds opens a connection of streams and one of Dial, whose peers do what serve does. end closes them and their peers.
func bothKinds(ctx context.Context, serve func(peer net.Conn)) (r *async.StreamReader, w *async.StreamWriter, conn net.Conn, end func()) {
	ln := must(net.Listen("tcp", "127.0.0.1:0"))
	addr := ln.Addr().String()
	r, w, err := async.OpenConnection(ctx, "tcp", addr)
	check(err)
	conn = must(async.Dial(ctx, "tcp", addr))
	peers := []net.Conn{must(ln.Accept()), must(ln.Accept())}
	for _, peer := range peers {
		go serve(peer)
	}
	return r, w, conn, func() {
		check(conn.Close())
		hangUp(ctx, w)
		for _, peer := range peers {
			peer.Close()
		}
		ln.Close()
	}
}
