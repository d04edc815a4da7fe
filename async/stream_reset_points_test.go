package async_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// A resettable is a connection between our streams and a peer that is about to reset it.
type resettable struct {
	r    *async.StreamReader
	w    *async.StreamWriter
	peer net.Conn
	tls  bool // the server's side of our streams
}

// resetPoints are where our side of a connection can be when the peer resets it. before is what has happened by then, and point
// what waits for the peer at that moment, or comes after it if it cannot wait.
var resetPoints = []struct {
	name   string
	before func(ctx context.Context, t *testing.T, c *resettable)
	point  func(ctx context.Context, t *testing.T, c *resettable) error
	later  bool                      // point is called after the reset
	until  func(c *resettable) error // waits on another goroutine until point has come as far as is meant
	wants  []error                   // one of them; none is a reset
}{
	{name: "after the connect, before the first read", later: true, point: readOne},
	{name: "before a read of what has come, which is kept", later: true,
		before: func(ctx context.Context, t *testing.T, c *resettable) {
			must(io.WriteString(c.peer, "some"))
			for c.r.Buffered() < 4 {
				check(async.Sleep(ctx, hundredth))
			}
		},
		point: func(ctx context.Context, t *testing.T, c *resettable) error {
			expectEqual(t, "Read", text(c.r.Read(ctx, 100)), "some")
			return readOne(ctx, t, c)
		}},
	{name: "in a read", point: readOne},
	{name: "in a read until the end", point: func(ctx context.Context, t *testing.T, c *resettable) error {
		_, err := c.r.Read(ctx, -1)
		return err
	}},
	{name: "in ReadExactly, behind a part", before: sendPart, point: func(ctx context.Context, t *testing.T, c *resettable) error {
		_, err := c.r.ReadExactly(ctx, 100)
		return err
	}},
	{name: "in ReadUntil, behind a part of the separator", before: sendPart, point: func(ctx context.Context, t *testing.T, c *resettable) error {
		_, err := c.r.ReadUntil(ctx, []byte("t!"))
		return err
	}},
	{name: "in ReadLine, behind a part", before: sendPart, point: func(ctx context.Context, t *testing.T, c *resettable) error {
		_, err := c.r.ReadLine(ctx)
		return err
	}},
	{name: "before a write", later: true, wants: []error{syscall.ECONNRESET, syscall.EPIPE},
		point: func(ctx context.Context, t *testing.T, c *resettable) error {
			for { // the kernel takes the first ones if it has not heard of the reset
				if _, err := c.w.WriteString("x"); err != nil {
					return err
				}
				if err := c.w.Drain(ctx); err != nil {
					return err
				}
				check(async.Sleep(ctx, hundredth))
			}
		}},
	{name: "in a drain", wants: []error{syscall.ECONNRESET, syscall.EPIPE},
		before: func(_ context.Context, _ *testing.T, c *resettable) { clog(c.w) },
		point:  func(ctx context.Context, t *testing.T, c *resettable) error { return c.w.Drain(ctx) }},
	{name: "in StartTLS, before the peer has answered", point: startTLS, until: greeted},
	{name: "in StartTLS, in the middle of the peer's first record",
		before: func(_ context.Context, _ *testing.T, c *resettable) {
			must(io.WriteString(c.peer, "\x16\x03\x03\x01\x00\x02"))
		},
		point: startTLS, until: greeted},
	{name: "in a read after our half-close",
		before: func(ctx context.Context, t *testing.T, c *resettable) {
			check(c.w.WriteEOF())
			must(io.ReadAll(c.peer))
		},
		point: readOne},
	{name: "in a drain after the peer's half-close", wants: []error{syscall.ECONNRESET, syscall.EPIPE},
		before: func(ctx context.Context, t *testing.T, c *resettable) {
			check(c.peer.(*net.TCPConn).CloseWrite())
			expectEqual(t, "Read", text(c.r.Read(ctx, 1)), "")
			clog(c.w)
		},
		point: func(ctx context.Context, t *testing.T, c *resettable) error { return c.w.Drain(ctx) }},
}

// sendPart has the peer send what a read is not content with.
func sendPart(_ context.Context, _ *testing.T, c *resettable) { must(io.WriteString(c.peer, "part")) }

// readOne reads a byte that does not come.
func readOne(ctx context.Context, _ *testing.T, c *resettable) error {
	p, err := c.r.Read(ctx, 1)
	if err == nil {
		err = fmt.Errorf("Read returns %q", p)
	}
	return err
}

// startTLS goes over to TLS on our side.
func startTLS(ctx context.Context, t *testing.T, c *resettable) error {
	cfg, client := certificate(t)
	if c.tls {
		client = cfg
	}
	_, _, err := c.w.StartTLS(ctx, c.r, client)
	return err
}

// greeted waits until a client's first record has come; a server has nothing to say before that.
func greeted(c *resettable) error {
	if c.tls {
		return nil
	}
	_, err := io.ReadFull(c.peer, make([]byte, 1))
	return err
}

// A connection to be reset is made by one side or the other.
var resetSides = map[string]func(ctx context.Context, t *testing.T) *resettable{
	"client": func(ctx context.Context, t *testing.T) *resettable {
		r, w, peer := facing(ctx)
		return &resettable{r: r, w: w, peer: peer}
	},
	"server": func(ctx context.Context, t *testing.T) *resettable {
		var came async.Queue[*resettable]
		s := must(async.StartServer(ctx, func(_ context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			w.Keep()
			return came.PutNowait(&resettable{r: r, w: w, tls: true})
		}, "tcp", "127.0.0.1:0"))
		peer := must(net.Dial("tcp", s.Addr().String()))
		c := must(came.Get(ctx))
		c.peer = peer
		check(s.Close())
		return c
	},
}

func TestResetPoints(t *testing.T) {
	for side, connection := range resetSides {
		for _, p := range resetPoints {
			t.Run("a reset of a "+side+"'s connection "+p.name+" is an error there", onLoop(func(ctx context.Context, t *testing.T) {
				c := connection(ctx, t)
				if p.before != nil {
					p.before(ctx, t, c)
				}
				if p.later {
					reset(c.peer)
				}
				task := async.Go(ctx, func(ctx context.Context) error { return p.point(ctx, t, c) })
				if !p.later {
					check(async.Sleep(ctx, hundredth))
					if p.until != nil {
						check(run(ctx, func() error { return p.until(c) }))
					}
					expectEqual(t, "it has ended before the reset", task.IsDone(), false)
					reset(c.peer)
				}
				waitFor(ctx, task)
				expectOneOf(t, task.Err(), p.wants)
				c.w.Close()
				if err := c.w.WaitClosed(ctx); err != nil && !brokenOff(err) {
					t.Errorf("WaitClosed returns %v", err)
				}
			}, realTime))
		}
	}
	t.Run("a reset while several tasks wait for one connection of streams ends all of them", onLoop(func(ctx context.Context, t *testing.T) {
		for _, connection := range resetSides {
			c := connection(ctx, t)
			clog(c.w)
			read := async.Go(ctx, func(ctx context.Context) error { return readOne(ctx, t, c) })
			var drains []*async.Task[async.Void]
			for range 3 {
				drains = append(drains, async.Go(ctx, c.w.Drain))
			}
			check(async.Sleep(ctx, hundredth))
			reset(c.peer)
			waitFor(ctx, append(drains, read)...)
			if read.Err() == nil {
				t.Error("the read has succeeded")
			}
			for _, d := range drains {
				expectOneOf(t, d.Err(), []error{syscall.ECONNRESET, syscall.EPIPE})
			}
			c.w.Close()
			c.w.WaitClosed(ctx)
		}
	}, realTime))
	t.Run("a reset while several tasks read and write one connection of Dial ends all of them", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(net.Listen("tcp", "127.0.0.1:0"))
		defer ln.Close()
		c := must(async.Dial(ctx, "tcp", ln.Addr().String()))
		defer c.Close()
		peer := must(ln.Accept())
		var tasks []*async.Task[async.Void]
		for i := range 6 {
			tasks = append(tasks, async.Go(ctx, func(context.Context) (err error) {
				if i%2 == 0 {
					_, err = c.Read(make([]byte, 1))
				} else {
					_, err = c.Write(make([]byte, 32<<20))
				}
				return err
			}))
		}
		check(async.Sleep(ctx, hundredth))
		for i, task := range tasks {
			expectEqual(t, fmt.Sprint("task ", i, " has ended before the reset"), task.IsDone(), false)
		}
		reset(peer)
		waitFor(ctx, tasks...)
		for i, task := range tasks {
			if i%2 == 0 && errors.Is(task.Err(), io.EOF) {
				continue // the kernel tells one caller of the reset, which was a writer, and the others of the end
			}
			expectOneOf(t, task.Err(), []error{syscall.ECONNRESET, syscall.EPIPE})
		}
	}, realTime))
}

// expectOneOf fails the test if err is none of the wants, which are a reset if there are none.
func expectOneOf(t *testing.T, err error, wants []error) {
	t.Helper()
	if len(wants) == 0 {
		wants = []error{syscall.ECONNRESET}
	}
	for _, want := range wants {
		if errors.Is(err, want) {
			return
		}
	}
	t.Errorf("the error is %v, and none of %v", err, wants)
}

func TestResetOfAConnect(t *testing.T) {
	t.Run("a connect that is answered by a reset fails as refused", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(net.Listen("tcp", "127.0.0.1:0")) // the port stays ours as long as nobody else asks for one
		check(ln.Close())
		_, _, err := async.OpenConnection(ctx, "tcp", ln.Addr().String())
		expectError(t, "OpenConnection", err, syscall.ECONNREFUSED)
		_, err = async.Dial(ctx, "tcp", ln.Addr().String())
		expectError(t, "Dial", err, syscall.ECONNREFUSED)
	}, realTime))
	// The kernel makes the connection on behalf of a listener that does not accept, and resets it when that is closed. So there is
	// nothing between the answer to the connect and the reset, which comes before or after OpenConnection has returned.
	t.Run("a connection that the peer resets without having accepted it is an error of the connect or of the first use", onLoop(func(ctx context.Context, t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("not every system resets")
		}
		for _, first := range []func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error{
			func(ctx context.Context, r *async.StreamReader, _ *async.StreamWriter) error {
				_, err := r.Read(ctx, 1)
				return err
			},
			func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
				for {
					if _, err := w.WriteString("x"); err != nil {
						return err
					}
					check(async.Sleep(ctx, hundredth))
				}
			},
			func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
				_, client := certificate(t)
				_, _, err := w.StartTLS(ctx, r, client)
				return err
			},
		} {
			ln := must(net.Listen("tcp", "127.0.0.1:0"))
			r, w, err := async.OpenConnection(ctx, "tcp", ln.Addr().String())
			check(err)
			task := async.Go(ctx, func(ctx context.Context) error { return first(ctx, r, w) })
			ticks(ctx, 3)
			check(ln.Close())
			waitFor(ctx, task)
			expectOneOf(t, task.Err(), []error{syscall.ECONNRESET, syscall.EPIPE})
			w.Close()
			w.WaitClosed(ctx)
		}
		for range 20 { // at any moment of the connect
			ln := must(net.Listen("tcp", "127.0.0.1:0"))
			task := async.Go(ctx, func(ctx context.Context) error {
				r, w, err := async.OpenConnection(ctx, "tcp", ln.Addr().String())
				if err != nil {
					return err
				}
				defer w.Abort()
				_, err = r.Read(ctx, 1)
				return err
			})
			ticks(ctx, 2)
			check(ln.Close())
			waitFor(ctx, task)
			expectOneOf(t, task.Err(), []error{syscall.ECONNRESET, syscall.ECONNREFUSED})
		}
	}, realTime))
	t.Run("a reset in the handshake of TLS, when the peer has our first record, is an error of the connect", onLoop(func(ctx context.Context, t *testing.T) {
		_, client := certificate(t)
		ln := must(net.Listen("tcp", "127.0.0.1:0"))
		defer ln.Close()
		task := async.Go(ctx, func(ctx context.Context) error {
			_, _, err := async.OpenConnection(ctx, "tcp", ln.Addr().String(), async.TLS(client))
			return err
		})
		check(run(ctx, func() error {
			peer, err := ln.Accept()
			if err != nil {
				return err
			}
			p := make([]byte, 4096)
			if _, err := peer.Read(p); err != nil {
				return err
			}
			reset(peer)
			return nil
		}))
		waitFor(ctx, task)
		expectError(t, "OpenConnection", task.Err(), syscall.ECONNRESET)
	}, realTime))
	// What a server makes of it differs: on Linux Accept returns the connection, and its first read fails; elsewhere Accept fails, and
	// package net tries again. Neither may cost the server anything.
	t.Run("clients that reset before they are accepted cost a server nothing", func(t *testing.T) {
		guarded(t, func() {
			const clients = 5
			var reports atomic.Int32
			check(async.Run(func(ctx context.Context) error {
				s := must(async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
					return echo(ctx, r, w)
				}, "tcp", "127.0.0.1:0", async.NotServing()))
				for range clients {
					reset(must(net.Dial("tcp", s.Addr().String())))
				}
				check(s.StartServing())
				r, w := connected(ctx, s) // behind them in the queue
				w.WriteString("x")
				expectEqual(t, "Read", text(r.ReadExactly(ctx, 1)), "x")
				hangUp(ctx, w)
				shut(ctx, s) // none of them is left open
				return nil
			}, async.ExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				reports.Add(1)
				expectError(t, "handler", c.Err, syscall.ECONNRESET)
				expectEqual(t, "Message", c.Message, "unhandled exception in client_connected_cb")
			})))
			if n := reports.Load(); runtime.GOOS == "linux" && n != clients {
				t.Errorf("%d handlers have seen a reset", n)
			}
		})
	})
	t.Run("a client that resets before Accept is an error of its first read, and the next one is accepted", onLoop(func(ctx context.Context, t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("elsewhere it is not accepted")
		}
		ln := must(async.Listen(ctx, "tcp", "127.0.0.1:0"))
		defer ln.Close()
		reset(must(net.Dial("tcp", ln.Addr().String())))
		next := must(net.Dial("tcp", ln.Addr().String()))
		defer next.Close()
		c := must(ln.Accept())
		defer c.Close()
		_, err := c.Read(make([]byte, 1))
		expectError(t, "Read", err, syscall.ECONNRESET)
		c2 := must(ln.Accept())
		defer c2.Close()
		must(io.WriteString(next, "x"))
		p := make([]byte, 1)
		must(io.ReadFull(c2, p))
		expectEqual(t, "Read", string(p), "x")
	}, realTime))
}
