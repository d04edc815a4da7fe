package async_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// brokenOff reports whether err is what a connection ends with that the peer has reset.
func brokenOff(err error) bool {
	var early *async.IncompleteReadError
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.As(err, &early)
}

// A talk is three lines of one byte after the other, and their answers.
const talk = "one\ntwo\nthree\n"

func TestResetAtEveryPoint(t *testing.T) {
	t.Run("a server ends the handler of a client that resets after any byte of a talk, and serves the next", func(t *testing.T) {
		guarded(t, func() {
			var ended, failed atomic.Int32
			check(async.Run(func(ctx context.Context) error {
				s := must(async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
					defer ended.Add(1)
					for line, err := range r.Lines(ctx) {
						if err == nil && line[len(line)-1] == '\n' {
							_, err = w.Write(line)
						}
						if err == nil {
							err = w.Drain(ctx)
						}
						if err != nil {
							return err
						}
					}
					return nil
				}, "tcp", "127.0.0.1:0"))
				for at := range 2*len(talk) + 1 {
					must(async.ToThread(ctx, func(context.Context) (async.Void, error) {
						c := must(net.Dial("tcp", s.Addr().String()))
						converse(c, at)
						reset(c)
						return async.Void{}, nil
					}))
				}
				for int(ended.Load()) < 2*len(talk)+1 || s.Connections() > 0 {
					check(async.Sleep(ctx, hundredth))
				}
				r, w := connected(ctx, s)
				w.WriteString("still there\n")
				expectEqual(t, "answer", text(r.ReadLine(ctx)), "still there\n")
				hangUp(ctx, w)
				shut(ctx, s)
				return nil
			}, async.ExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				failed.Add(1)
				if !brokenOff(c.Err) {
					t.Errorf("a handler has failed with %v", c.Err)
				}
			})))
			if failed.Load() == 0 {
				t.Error("no handler has seen a reset")
			}
		})
	})
	t.Run("a client gets an error from a server that resets after any byte of a talk", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(net.Listen("tcp", "127.0.0.1:0"))
		defer ln.Close()
		for at := range len(talk) {
			peer := async.Go(ctx, func(ctx context.Context) error {
				_, err := async.ToThread(ctx, func(context.Context) (async.Void, error) {
					c, err := ln.Accept()
					if err == nil {
						_, err = io.CopyN(c, c, int64(at))
						reset(c)
					}
					return async.Void{}, err
				})
				return err
			})
			r, w, err := async.OpenConnection(ctx, "tcp", ln.Addr().String())
			if err != nil && at == 0 { // the reset was faster
				expectError(t, "OpenConnection", err, syscall.ECONNRESET)
				waitFor(ctx, peer)
				continue
			}
			check(err)
			for i := 0; i < len(talk) && err == nil; i++ {
				if _, err = w.Write([]byte{talk[i]}); err == nil {
					err = w.Drain(ctx)
				}
				if err == nil || i < at { // a lost connection is no news for a read of what has come before
					var got []byte
					if got, err = r.ReadExactly(ctx, 1); err == nil && got[0] != talk[i] {
						t.Errorf("byte %d has come back as %q", i, got)
					}
				}
				if err != nil && i < at {
					t.Errorf("reset after byte %d, and byte %d gets %v", at, i, err)
				}
			}
			if !brokenOff(err) {
				t.Errorf("reset after byte %d, and the client gets %v", at, err)
			}
			waitFor(ctx, peer)
			expectError(t, "peer", peer.Err(), nil)
			w.Close()
			if err := w.WaitClosed(ctx); err != nil && !brokenOff(err) {
				t.Errorf("WaitClosed returns %v", err)
			}
		}
	}))
	t.Run("a reset in the handshake of TLS is an error of the client, and a report of the server", func(t *testing.T) {
		guarded(t, func() {
			var reports atomic.Int32
			check(async.Run(func(ctx context.Context) error {
				cfg, client := certificate(t)
				ln := must(net.Listen("tcp", "127.0.0.1:0"))
				defer ln.Close()
				for _, n := range []int64{0, 1, 100} {
					peer := async.Go(ctx, func(ctx context.Context) error {
						_, err := async.ToThread(ctx, func(context.Context) (async.Void, error) {
							c := must(ln.Accept())
							_, err := io.CopyN(io.Discard, c, n)
							reset(c)
							return async.Void{}, err
						})
						return err
					})
					_, _, err := async.OpenConnection(ctx, "tcp", ln.Addr().String(), async.TLS(client))
					if !brokenOff(err) && !errors.Is(err, io.EOF) {
						t.Errorf("OpenConnection returns %v", err)
					}
					waitFor(ctx, peer)
				}
				s := must(async.StartServer(ctx, echo, "tcp", "127.0.0.1:0", async.TLS(cfg)))
				for _, hello := range []string{"", "\x16", "\x16\x03\x01\x01\x00"} {
					before := reports.Load()
					must(async.ToThread(ctx, func(context.Context) (async.Void, error) {
						c := must(net.Dial("tcp", s.Addr().String()))
						must(io.WriteString(c, hello))
						reset(c)
						return async.Void{}, nil
					}))
					for reports.Load() == before {
						check(async.Sleep(ctx, hundredth))
					}
				}
				shut(ctx, s)
				return nil
			}, async.ExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				expectEqual(t, "Message", c.Message, "TLS handshake failed")
				reports.Add(1)
			})))
		})
	})
}

// converse is a client's part of a talk, up to a number of bytes that are sent or read.
func converse(c net.Conn, bytes int) {
	p := make([]byte, 1)
	answered := 0
	for i := range talk {
		if bytes == 0 {
			return
		}
		bytes--
		must(c.Write([]byte{talk[i]}))
		if talk[i] != '\n' {
			continue
		}
		for ; answered <= i; answered++ {
			if bytes == 0 {
				return
			}
			bytes--
			must(io.ReadFull(c, p))
			if p[0] != talk[answered] {
				panic(fmt.Sprintf("byte %d has come back as %q", answered, p))
			}
		}
	}
}
