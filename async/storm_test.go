package async_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// pattern is what one side of a connection sends: every byte tells where it is.
func pattern(seed, from, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		at := seed + from + i
		p[i] = byte(at ^ at>>8 ^ at>>16)
	}
	return p
}

// TestStorm has many connections send much both ways at once, with readers that pause and writers that are held, and ends each in
// one of the ways there are. Up to its end each side has to read just what the other one has sent.
func TestStorm(t *testing.T) {
	n, most := 120, 600<<10
	if testing.Short() || raceEnabled {
		n, most = 40, 300<<10
	}
	t.Run("no byte is lost, doubled or changed, whatever a connection ends with", onLoop(func(ctx context.Context, t *testing.T) {
		room := async.NewSemaphore(20)
		var tasks []*async.Task[async.Void]
		for seed := range n {
			tasks = append(tasks, async.Go(ctx, func(ctx context.Context) error {
				return room.With(ctx, func(ctx context.Context) error { return storm(ctx, t, seed, most) })
			}))
		}
		waitFor(ctx, tasks...)
		for seed, task := range tasks {
			if err := task.Err(); err != nil {
				t.Errorf("connection %d: %v", seed, err)
			}
		}
	}, realTime))
}

// storm is one connection between a task and a goroutine of plain net.
func storm(ctx context.Context, t *testing.T, seed, most int) error {
	rnd := rand.New(rand.NewPCG(uint64(seed), 7))
	total := rnd.IntN(most)
	end := []string{"end", "end", "abort", "reset"}[rnd.IntN(4)]
	limit := 1 << (1 + rnd.IntN(17))
	ln := must(net.Listen("tcp", "127.0.0.1:0"))
	defer ln.Close()
	r, w, err := async.OpenConnection(ctx, "tcp", ln.Addr().String(), async.StreamLimit(limit))
	if err != nil {
		return err
	}
	defer w.Abort()
	conn := must(ln.Accept())
	peer := make(chan error, 2)
	other := rand.New(rand.NewPCG(uint64(seed), 8))
	go func() { peer <- sendPattern(conn, total, end == "reset", other) }()
	go func() { peer <- readPattern(conn) }()
	writer := async.Go(ctx, func(ctx context.Context) error {
		wr := rand.New(rand.NewPCG(uint64(seed), 9))
		for sent := 0; sent < total; {
			k := min(1+wr.IntN(1<<uint(wr.IntN(18))), total-sent)
			if _, err := w.Write(pattern(0, sent, k)); err != nil {
				return err
			}
			sent += k
			if err := w.Drain(ctx); err != nil {
				return err
			}
		}
		if end == "end" {
			return w.WriteEOF()
		}
		return nil
	})
	got := 0
	var failed error
	stop := rnd.IntN(total + 1)
	for failed == nil {
		if end == "abort" && got >= stop {
			w.Abort()
			break
		}
		var p []byte
		ask := 1 + rnd.IntN(1<<uint(rnd.IntN(17)))
		cancelled, exactly := rnd.IntN(8) == 0, rnd.IntN(2) == 0
		read := async.CreateTask(ctx, func(ctx context.Context) ([]byte, error) {
			if exactly {
				return r.ReadExactly(ctx, ask)
			}
			return r.Read(ctx, ask)
		})
		if cancelled {
			ticks(ctx, rnd.IntN(3))
			read.Cancel()
		}
		p, failed = read.Await(ctx)
		var early *async.IncompleteReadError
		switch {
		case errors.As(failed, &early):
			p = early.Partial
		case cancelled && read.Cancelled():
			failed = nil
			continue
		}
		if !bytes.Equal(p, pattern(0, got, len(p))) {
			t.Errorf("connection %d: after %d bytes come %d that are wrong", seed, got, len(p))
		}
		if got += len(p); len(p) == 0 && failed == nil {
			break
		}
		if rnd.IntN(4) == 0 {
			ticks(ctx, 1+rnd.IntN(5)) // the buffer fills up
		}
	}
	waitFor(ctx, writer)
	sent := writer.Err()
	if end == "end" && (got != total || sent != nil) {
		t.Errorf("connection %d: %d bytes of %d have come, and the writer has %v", seed, got, total, sent)
	}
	if unlessBroken(sent) != nil {
		t.Errorf("connection %d: the writer has %v", seed, sent)
	}
	w.Close()
	if err := w.WaitClosed(ctx); err != nil && !brokenOff(err) {
		return err
	}
	_, err = async.ToThread(ctx, func(context.Context) (async.Void, error) {
		err := errors.Join(<-peer, <-peer)
		conn.Close()
		return async.Void{}, err
	})
	return err
}

// sendPattern sends so much and ends.
func sendPattern(conn net.Conn, total int, breaks bool, rnd *rand.Rand) error {
	stop := total
	if breaks {
		stop = rnd.IntN(total + 1)
	}
	for sent := 0; sent < stop; {
		k := min(1+rnd.IntN(1<<uint(rnd.IntN(18))), stop-sent)
		if _, err := conn.Write(pattern(0, sent, k)); err != nil {
			return unlessBroken(err)
		}
		sent += k
	}
	if breaks {
		reset(conn)
		return nil
	}
	return unlessBroken(conn.(*net.TCPConn).CloseWrite())
}

// readPattern reads to the end, whichever that is.
func readPattern(conn net.Conn) error {
	p := make([]byte, 32<<10)
	for got := 0; ; {
		n, err := conn.Read(p)
		if !bytes.Equal(p[:n], pattern(0, got, n)) {
			return errors.New("the peer has read bytes that are wrong")
		}
		if got += n; err != nil {
			return unlessBroken(err)
		}
	}
}

// unlessBroken returns what no end of a connection explains.
func unlessBroken(err error) error {
	for _, known := range []error{io.EOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE, syscall.ENOTCONN} {
		if errors.Is(err, known) {
			return nil
		}
	}
	return err
}
