package async_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/asyncgo/asyncgo/async"
)

// pyBytes is Python's repr of bytes.
func pyBytes(p []byte) string {
	return "b'" + fmt.Sprintf("%q", p)[1:len(fmt.Sprintf("%q", p))-1] + "'"
}

// streamError is what CPython says of an error of a StreamReader.
func streamError(err error) string {
	var over *async.LimitOverrunError
	if !errors.As(err, &over) {
		return fmt.Sprintf("%T %v", err, err)
	}
	text := "Separator is not found, and chunk exceed the limit"
	if over.Found {
		text = "Separator is found, but chunk is longer than limit"
	}
	if over.Dropped {
		return "ValueError " + text + " "
	}
	return fmt.Sprint("LimitOverrunError ", text, " ", over.Consumed)
}

var trace71 = port{
	name: "71_streamreader_limits",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			sr := func(limit int, chunks ...string) *async.StreamReader {
				r := async.NewStreamReader(limit)
				for _, c := range chunks {
					r.FeedData([]byte(c))
				}
				return r
			}
			// Everything that is left is in the buffer, so that reading it does not wait.
			left := func(r *async.StreamReader) []byte {
				p := must(r.Read(ctx, r.Buffered()))
				if len(p) > 0 && !r.AtEOF() {
					r.FeedData(p)
				}
				return p
			}
			t := func(label string, r *async.StreamReader, read func() ([]byte, error)) {
				if p, err := read(); err != nil {
					tr.println(label, "->", streamError(err))
				} else {
					tr.println(label, "->", pyBytes(p))
				}
				tr.println("     left in buffer", pyBytes(left(r)))
			}
			line := func(r *async.StreamReader) func() ([]byte, error) {
				return func() ([]byte, error) { return r.ReadLine(ctx) }
			}
			until := func(r *async.StreamReader) func() ([]byte, error) {
				return func() ([]byte, error) { return r.ReadUntil(ctx, []byte("AAA")) }
			}
			exactly := func(r *async.StreamReader, n int) func() ([]byte, error) {
				return func() ([]byte, error) { return r.ReadExactly(ctx, n) }
			}
			read := func(r *async.StreamReader, n int) func() ([]byte, error) {
				return func() ([]byte, error) { return r.Read(ctx, n) }
			}
			r := sr(3, "abc\nrest")
			t("readline, line of exactly limit bytes", r, line(r))
			r = sr(3, "abcd\nrest")
			t("readline, limit+1, newline present: line dropped", r, line(r))
			r = sr(3, "abcdef")
			t("readline, no newline and too long: buffer cleared", r, line(r))
			r = sr(3, "abcdefAA")
			t("readuntil AAA, separator not found: data kept", r, until(r))
			r.FeedData([]byte("A"))
			t("readuntil AAA, found but too far: data kept", r, until(r))
			t("... it can still be read with readexactly(consumed)", r, exactly(r, 9))
			r = sr(3, "0123456789")
			t("read(n) ignores the limit", r, read(r, 8))
			r = sr(3, "0123456789")
			t("readexactly ignores the limit", r, exactly(r, 9))
			r = sr(1, "ab")
			r.FeedEOF()
			t("readline at EOF, over the limit, no newline", r, line(r))
			r = sr(1, "a")
			r.FeedEOF()
			t("readline at EOF, within the limit: partial line", r, line(r))
			r = async.NewStreamReader(3)
			r.SetFlow(func() { tr.println("     pause_reading") }, func() { tr.println("     resume_reading") })
			r.FeedData([]byte("123456"))
			tr.println("6 bytes = 2*limit: not paused")
			r.FeedData([]byte("7"))
			tr.println("7 bytes > 2*limit: paused")
			p := must(r.Read(ctx, 3))
			tr.println("read(3): 4 left > limit: still paused ->", pyBytes(p))
			tr.println("     left in buffer", "b'4567'")
			expectBuffered(tr, r, 4)
			p = must(r.Read(ctx, 1))
			tr.println("read(1): 3 left <= limit ->", pyBytes(p))
			tr.println("     left in buffer", pyBytes(must(r.Read(ctx, 3))))
			return nil
		})
	},
}

// expectBuffered prints a line that no trace has if another number of bytes is in the buffer.
func expectBuffered(tr *trace, r *async.StreamReader, n int) {
	if got := r.Buffered(); got != n {
		tr.println("buffered", got)
	}
}

var trace73 = port{
	name: "73_server_handler_error",
	run: func(tr *trace) {
		tr.run(func(ctx context.Context) error {
			l := running(ctx)
			var got async.Event
			l.SetExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				tr.println("handler:", sentence(c.Message), repr(c.Err))
				got.Set()
			})
			handle := func(context.Context, *async.StreamReader, *async.StreamWriter) error {
				return valueError("in handler")
			}
			srv := must(async.StartServer(ctx, handle, "tcp", "127.0.0.1:0"))
			connect := func(srv *async.Server) (*async.StreamReader, *async.StreamWriter) {
				r, w, err := async.OpenConnection(ctx, "tcp", srv.Addr().String())
				check(err)
				return r, w
			}
			r, w := connect(srv)
			end := must(r.Read(ctx, -1))
			check(got.Wait(ctx))
			tr.println("client sees EOF:", pyBytes(end))
			w.Close()
			check(w.WaitClosed(ctx))
			plain := func(_ context.Context, _ *async.StreamReader, w *async.StreamWriter) error {
				tr.println("plain callback handler, type", "StreamWriter")
				return w.Close()
			}
			srv2 := must(async.StartServer(ctx, plain, "tcp", "127.0.0.1:0"))
			r, w = connect(srv2)
			tr.println(pyBytes(must(r.Read(ctx, -1))))
			w.Close()
			check(w.WaitClosed(ctx))
			check(srv2.Serve(ctx, func(ctx context.Context) error {
				t := async.Go(ctx, srv2.ServeForever)
				ticks(ctx, 1)
				if errors.Is(srv2.ServeForever(ctx), async.ErrServing) {
					tr.println("already being awaited")
				}
				t.Cancel()
				waitFor(ctx, t)
				tr.println("cancelling serve_forever closes the server", t.Cancelled(), srv2.IsServing())
				return nil
			}))
			return srv.Close()
		})
	},
}
