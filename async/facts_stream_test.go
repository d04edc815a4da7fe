package async_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// fed returns a reader with the chunks in its buffer.
func fed(limit int, chunks ...string) *async.StreamReader {
	r := async.NewStreamReader(limit)
	for _, c := range chunks {
		r.FeedData([]byte(c))
	}
	return r
}

// ended is fed, and the end of the stream behind it.
func ended(limit int, chunks ...string) *async.StreamReader {
	r := fed(limit, chunks...)
	r.FeedEOF()
	return r
}

// text is what a read that has to succeed has returned.
func text(p []byte, err error) string {
	check(err)
	return string(p)
}

// serving starts a server for the test and returns a connection to it.
func serving(ctx context.Context, handler async.Handler, opts ...async.StreamOption) (*async.Server, *async.StreamReader, *async.StreamWriter) {
	s := must(async.StartServer(ctx, handler, "tcp", "127.0.0.1:0", opts...))
	r, w := connected(ctx, s)
	return s, r, w
}

func connected(ctx context.Context, s *async.Server) (*async.StreamReader, *async.StreamWriter) {
	r, w, err := async.OpenConnection(ctx, s.Addr().Network(), s.Addr().String())
	check(err)
	return r, w
}

// facing opens a connection whose other side is a plain one.
func facing(ctx context.Context) (*async.StreamReader, *async.StreamWriter, net.Conn) {
	ln := must(net.Listen("tcp", "127.0.0.1:0"))
	defer ln.Close()
	r, w, err := async.OpenConnection(ctx, "tcp", ln.Addr().String())
	check(err)
	return r, w, must(ln.Accept())
}

// hangUp closes a connection from our side and waits for the end.
func hangUp(ctx context.Context, w *async.StreamWriter) {
	check(w.Close())
	check(w.WaitClosed(ctx))
}

// shut closes a server and waits until its connections are closed.
func shut(ctx context.Context, s *async.Server) {
	check(s.Close())
	check(s.WaitClosed(ctx))
}

// echo sends back what comes until the end of the stream.
func echo(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
	for {
		p, err := r.Read(ctx, 4096)
		if err != nil || len(p) == 0 {
			return err
		}
		if _, err := w.Write(p); err != nil {
			return err
		}
		if err := w.Drain(ctx); err != nil {
			return err
		}
	}
}

// toTheEnd reads until the peer closes.
func toTheEnd(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
	_, err := r.Read(ctx, -1)
	return err
}

func TestFactsStreamReader(t *testing.T) {
	t.Run("V1 lines come one by one and are empty at the end", onLoop(func(ctx context.Context, t *testing.T) {
		r := ended(async.DefaultLimit, "one\ntw", "o\nthree")
		for _, want := range []string{"one\n", "two\n", "three", "", ""} {
			expectEqual(t, "ReadLine", text(r.ReadLine(ctx)), want)
		}
	}))
	t.Run("V2 Read returns what is there up to n, and nothing for 0", onLoop(func(ctx context.Context, t *testing.T) {
		r := fed(async.DefaultLimit, "line1", "line2")
		expectEqual(t, "Read(5)", text(r.Read(ctx, 5)), "line1")
		expectEqual(t, "Read(0)", text(r.Read(ctx, 0)), "")
		expectEqual(t, "Read(100)", text(r.Read(ctx, 100)), "line2")
		expectEqual(t, "Read(0) of an empty buffer", text(r.Read(ctx, 0)), "")
	}))
	t.Run("V3 a Read that waits returns all that came before it goes on", onLoop(func(ctx context.Context, t *testing.T) {
		r := fed(async.DefaultLimit)
		read := async.CreateTask(ctx, func(ctx context.Context) ([]byte, error) { return r.Read(ctx, 10) })
		ticks(ctx, 1)
		r.FeedData([]byte("x"))
		r.FeedData([]byte("y"))
		expectEqual(t, "Read", text(read.Await(ctx)), "xy")
	}))
	t.Run("V4 Read(-1) returns all until the end", onLoop(func(ctx context.Context, t *testing.T) {
		r := fed(async.DefaultLimit, "chunk1")
		read := async.CreateTask(ctx, func(ctx context.Context) ([]byte, error) { return r.Read(ctx, -1) })
		ticks(ctx, 1)
		r.FeedData([]byte("chunk2"))
		ticks(ctx, 2)
		expectEqual(t, "Read is done", read.IsDone(), false)
		r.FeedEOF()
		expectEqual(t, "Read", text(read.Await(ctx)), "chunk1chunk2")
		expectEqual(t, "Read at the end", text(r.Read(ctx, 10)), "")
	}))
	t.Run("V5 ReadExactly fails if the stream ends before, with what has come", onLoop(func(ctx context.Context, t *testing.T) {
		r := ended(async.DefaultLimit, "eighteen bytes 123")
		_, err := r.ReadExactly(ctx, 36)
		expectIncomplete(t, err, "eighteen bytes 123", 36)
		expectError(t, "ReadExactly", err, io.ErrUnexpectedEOF)
		expectEqual(t, "Error", err.Error(), "async: 18 bytes read on a total of 36 expected bytes")
		expectEqual(t, "Buffered", r.Buffered(), 0)
		expectEqual(t, "ReadExactly(0)", text(r.ReadExactly(ctx, 0)), "")
		expectPanic(t, "async: the size of ReadExactly must not be negative", func() { r.ReadExactly(ctx, -1) })
	}))
	t.Run("V6 a separator may come in pieces", onLoop(func(ctx context.Context, t *testing.T) {
		r := fed(async.DefaultLimit, "QWEaa")
		read := async.CreateTask(ctx, func(ctx context.Context) ([]byte, error) { return r.ReadUntil(ctx, []byte("aaa")) })
		ticks(ctx, 1)
		r.FeedData([]byte("XYaa"))
		ticks(ctx, 2)
		r.FeedData([]byte("a"))
		expectEqual(t, "ReadUntil", text(read.Await(ctx)), "QWEaaXYaaa")
	}))
	t.Run("V7 ReadUntil fails if the stream ends before, with what has come", onLoop(func(ctx context.Context, t *testing.T) {
		r := ended(async.DefaultLimit, "some dataAA")
		_, err := r.ReadUntil(ctx, []byte("AAA"))
		expectIncomplete(t, err, "some dataAA", -1)
		expectEqual(t, "Error", err.Error(), "async: 11 bytes read on a total of undefined expected bytes")
		expectEqual(t, "Buffered", r.Buffered(), 0)
		expectPanic(t, "async: the separator of ReadUntil must have at least one byte", func() { r.ReadUntil(ctx, nil) })
	}))
	t.Run("V8 ReadUntil keeps what is longer than the limit", onLoop(func(ctx context.Context, t *testing.T) {
		r := fed(3, "some dataAA")
		_, err := r.ReadUntil(ctx, []byte("AAA"))
		expectOverrun(t, err, async.LimitOverrunError{Consumed: 9})
		r.FeedData([]byte("A"))
		_, err = r.ReadUntil(ctx, []byte("AAA"))
		expectOverrun(t, err, async.LimitOverrunError{Found: true, Consumed: 9})
		expectEqual(t, "Read", text(r.Read(ctx, 100)), "some dataAAA")
	}))
	t.Run("ReadUntil takes the separator that ends first, of several", onLoop(func(ctx context.Context, t *testing.T) {
		until := func(r *async.StreamReader, seps ...string) ([]byte, error) {
			var all [][]byte
			for _, sep := range seps {
				all = append(all, []byte(sep))
			}
			return r.ReadUntil(ctx, all...)
		}
		expectEqual(t, "ReadUntil", text(until(fed(100, "a,b;c"), ";", ",")), "a,")
		expectEqual(t, "ReadUntil", text(until(fed(100, "abcdef"), "cdef", "de")), "abcde")
		r := fed(100, "line\r")
		read := async.CreateTask(ctx, func(context.Context) ([]byte, error) { return until(r, "\r\n", "\n") })
		ticks(ctx, 2)
		expectEqual(t, "IsDone", read.IsDone(), false)
		r.FeedData([]byte("\nmore"))
		expectEqual(t, "ReadUntil", text(read.Await(ctx)), "line\r\n")

		// The shorter one of two that end together leaves more before it, which is what the limit is for.
		_, err := until(fed(3, "abcXY"), "cXY", "Y")
		expectOverrun(t, err, async.LimitOverrunError{Found: true, Consumed: 4})
		_, err = until(fed(3, "abcdefg"), "X", "XYZ")
		expectOverrun(t, err, async.LimitOverrunError{Consumed: 5})
		expectPanic(t, "async: ReadUntil was called without a separator", func() { until(fed(3, "a")) })
		expectPanic(t, "async: the separator of ReadUntil must have at least one byte", func() { until(fed(3, "a"), "a", "") })
	}))
	t.Run("V9 ReadLine drops a line that is longer than the limit", onLoop(func(ctx context.Context, t *testing.T) {
		r := fed(3, "line1\nline2\n")
		_, err := r.ReadLine(ctx)
		expectOverrun(t, err, async.LimitOverrunError{Found: true, Consumed: 5, Dropped: true})
		expectEqual(t, "Read", text(r.Read(ctx, 100)), "line2\n")
		r.FeedData([]byte("line1li"))
		_, err = r.ReadLine(ctx)
		expectOverrun(t, err, async.LimitOverrunError{Consumed: 7, Dropped: true})
		expectEqual(t, "Buffered", r.Buffered(), 0)
	}))
	t.Run("V10 the limit counts without the newline", onLoop(func(ctx context.Context, t *testing.T) {
		expectEqual(t, "ReadLine", text(fed(7, "1234567\n").ReadLine(ctx)), "1234567\n")
		_, err := fed(7, "12345678\n").ReadLine(ctx)
		expectOverrun(t, err, async.LimitOverrunError{Found: true, Consumed: 8, Dropped: true})
	}))
	t.Run("V11 Read and ReadExactly do not care for the limit", onLoop(func(ctx context.Context, t *testing.T) {
		expectEqual(t, "Read", text(fed(3, "chunk").Read(ctx, 5)), "chunk")
		expectEqual(t, "ReadExactly", text(fed(3, "chunk").ReadExactly(ctx, 5)), "chunk")
	}))
	t.Run("V12 AtEOF is true when all was read", onLoop(func(ctx context.Context, t *testing.T) {
		r := fed(async.DefaultLimit, "data")
		expectEqual(t, "AtEOF", r.AtEOF(), false)
		r.FeedEOF()
		expectEqual(t, "AtEOF", r.AtEOF(), false)
		expectEqual(t, "Read", text(r.Read(ctx, -1)), "data")
		expectEqual(t, "AtEOF", r.AtEOF(), true)
	}))
	t.Run("V13 an error ends the read that waits and all that follow, also with bytes in the buffer", onLoop(func(ctx context.Context, t *testing.T) {
		boom := errors.New("boom")
		r := fed(async.DefaultLimit, "data")
		read := async.CreateTask(ctx, r.ReadLine)
		ticks(ctx, 1)
		r.SetError(boom)
		waitFor(ctx, read)
		expectError(t, "ReadLine", read.Err(), boom)
		expectError(t, "Err", r.Err(), boom)
		for _, read := range []func() ([]byte, error){
			func() ([]byte, error) { return r.Read(ctx, 1) },
			func() ([]byte, error) { return r.ReadExactly(ctx, 1) },
			func() ([]byte, error) { return r.ReadLine(ctx) },
			func() ([]byte, error) { return r.ReadUntil(ctx, []byte("a")) },
		} {
			_, err := read()
			expectError(t, "read", err, boom)
		}
	}))
	t.Run("V14 an error after the reader was cancelled hits nobody", onLoop(func(ctx context.Context, t *testing.T) {
		r := fed(async.DefaultLimit)
		read := async.CreateTask(ctx, r.ReadLine)
		ticks(ctx, 1)
		read.Cancel()
		waitFor(ctx, read)
		r.SetError(errors.New("boom"))
		expectEqual(t, "cancelled", read.Cancelled(), true)
		expectEqual(t, "String", r.String(), "StreamReader(0 bytes, boom)")
	}))
	t.Run("V15 a second reader is sent away", onLoop(func(ctx context.Context, t *testing.T) {
		r := fed(async.DefaultLimit)
		read := async.CreateTask(ctx, r.ReadLine)
		ticks(ctx, 1)
		_, err := r.Read(ctx, 1)
		expectError(t, "Read", err, async.ErrReading)
		r.FeedEOF()
		waitFor(ctx, read)
	}))
	t.Run("V16 more than twice the limit pauses who feeds, until the limit", onLoop(func(ctx context.Context, t *testing.T) {
		var c chronicle
		r := async.NewStreamReader(3)
		r.SetFlow(func() { c.add("pause") }, func() { c.add("resume") })
		r.FeedData([]byte("123456"))
		c.add("six")
		r.FeedData([]byte("7"))
		r.Read(ctx, 3)
		c.add("four")
		r.Read(ctx, 1)
		c.expect(t, "six", "pause", "four", "resume")
	}))
	t.Run("SetFlow panics on the reader of a connection, which has somebody who feeds it", onLoop(func(ctx context.Context, t *testing.T) {
		s, r, w := serving(ctx, echo)
		expectPanic(t, "async: SetFlow was called on a StreamReader that is not fed by hand", func() { r.SetFlow(nil, nil) })
		hangUp(ctx, w)
		shut(ctx, s)
	}))
	t.Run("V17 Lines goes over the lines until the end", onLoop(func(ctx context.Context, t *testing.T) {
		var lines []string
		for line, err := range ended(async.DefaultLimit, "a\nb\n", "c").Lines(ctx) {
			lines = append(lines, text(line, err))
		}
		expectSlice(t, "Lines", lines, []string{"a\n", "b\n", "c"})
	}))
	t.Run("V27 a limit that is not positive panics", func(t *testing.T) {
		for _, limit := range []int{0, -1} {
			expectPanic(t, "async: the limit of a StreamReader must be positive", func() { async.NewStreamReader(limit) })
			expectPanic(t, "async: the limit of a StreamReader must be positive", func() { async.StreamLimit(limit) })
		}
	})
}

func expectIncomplete(t *testing.T, err error, partial string, expected int) {
	t.Helper()
	var e *async.IncompleteReadError
	if !errors.As(err, &e) || string(e.Partial) != partial || e.Expected != expected {
		t.Errorf("the error is %#v", err)
	}
}

func expectOverrun(t *testing.T, err error, want async.LimitOverrunError) {
	t.Helper()
	var e *async.LimitOverrunError
	if !errors.As(err, &e) || *e != want {
		t.Errorf("the error is %#v and not %#v", err, want)
	}
}

func TestFactsStreams(t *testing.T) {
	t.Run("V18 a server answers, over TCP and over Unix sockets, in the handler or in a task of it", onLoop(func(ctx context.Context, t *testing.T) {
		plain := func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			w.Keep()
			async.Go(ctx, func(ctx context.Context) error {
				defer w.Close()
				return echo(ctx, r, w)
			})
			return nil
		}
		for _, handler := range []async.Handler{echo, plain} {
			for _, at := range [][2]string{{"tcp", "127.0.0.1:0"}, {"unix", filepath.Join(t.TempDir(), "sock")}} {
				s := must(async.StartServer(ctx, handler, at[0], at[1]))
				r, w := connected(ctx, s)
				w.WriteString("hello\n")
				expectEqual(t, "answer", text(r.ReadLine(ctx)), "hello\n")
				hangUp(ctx, w)
				shut(ctx, s)
			}
		}
	}))
	t.Run("V19 an error of a handler is reported, closes its connection, and the server goes on", func(t *testing.T) {
		boom := errors.New("boom")
		var reports atomic.Int32
		guarded(t, func() {
			check(async.Run(func(ctx context.Context) error {
				n := 0
				s, r, w := serving(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
					switch n++; n {
					case 1:
						return boom
					case 2:
						panic(boom)
					case 3:
						async.CurrentTask(ctx).Cancel()
						return async.Sleep(ctx, hundredth)
					}
					return echo(ctx, r, w)
				})
				for range 3 {
					expectEqual(t, "Read", text(r.Read(ctx, -1)), "")
					hangUp(ctx, w)
					r, w = connected(ctx, s)
				}
				w.WriteString("still there")
				check(w.WriteEOF())
				expectEqual(t, "Read", text(r.Read(ctx, -1)), "still there")
				hangUp(ctx, w)
				shut(ctx, s)
				return nil
			}, async.ExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				expectEqual(t, "Message", c.Message, "unhandled exception in client_connected_cb")
				expectError(t, "Err", c.Err, boom)
				expectEqual(t, "has a task", c.Task != nil, true)
				reports.Add(1)
			})))
		})
		expectEqual(t, "reports", reports.Load(), 2) // the handler that was cancelled closes silently
	})
	t.Run("V20 all who drain go on together", onLoop(func(ctx context.Context, t *testing.T) {
		var read async.Event
		s, r, w := serving(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			check(read.Wait(ctx))
			return toTheEnd(ctx, r, w)
		}, async.StreamLimit(1))
		clog(w)
		var drains []*async.Task[async.Void]
		for range 10 {
			drains = append(drains, async.Go(ctx, w.Drain))
		}
		check(async.Sleep(ctx, hundredth))
		for _, d := range drains {
			expectEqual(t, "drained", d.IsDone(), false)
		}
		read.Set()
		waitFor(ctx, drains...)
		for _, d := range drains {
			expectError(t, "Drain", d.Err(), nil)
		}
		hangUp(ctx, w)
		expectEqual(t, "AtEOF", r.AtEOF(), true)
		shut(ctx, s)
	}))
	t.Run("V21 Write never waits, and Drain does above the high water mark", onLoop(func(ctx context.Context, t *testing.T) {
		var read async.Event
		s, _, w := serving(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			check(read.Wait(ctx))
			return toTheEnd(ctx, r, w)
		}, async.StreamLimit(1))
		high, low := w.WaterMarks()
		expectSlice(t, "WaterMarks", []int{high, low}, []int{64 << 10, 16 << 10})
		expectError(t, "Drain", w.Drain(ctx), nil)
		sent := clog(w)
		short, cancel := async.WithTimeout(ctx, hundredth)
		defer cancel()
		expectError(t, "Drain", w.Drain(short), async.ErrTimeout)
		read.Set()
		check(w.Drain(ctx))
		if w.Buffered() > low {
			t.Errorf("Drain returns with %d of %d bytes left", w.Buffered(), sent)
		}
		w.SetWaterMarks(1000, -1)
		high, low = w.WaterMarks()
		expectSlice(t, "WaterMarks", []int{high, low}, []int{1000, 250})
		hangUp(ctx, w)
		shut(ctx, s)
	}))
	t.Run("V22 a loop of Write and Drain ends when the peer is gone, or after Close", onLoop(func(ctx context.Context, t *testing.T) {
		s, r, w := serving(ctx, func(_ context.Context, _ *async.StreamReader, w *async.StreamWriter) error { return w.Close() })
		until := func() (err error) {
			for err == nil {
				w.WriteString("more")
				err = w.Drain(ctx)
			}
			return err
		}
		expectEqual(t, "Read", text(r.Read(ctx, -1)), "")
		var op *net.OpError
		if err := until(); !errors.As(err, &op) || op.Timeout() {
			t.Errorf("Drain returns %v", err)
		}
		w.Close()
		r, w = connected(ctx, s)
		check(w.Close())
		expectError(t, "Drain", until(), net.ErrClosed)
		expectEqual(t, "Read", text(r.Read(ctx, -1)), "")
		check(w.WaitClosed(ctx))
		shut(ctx, s)
	}))
	t.Run("V23 after Close the writer is closing at once, and the reader at the end when it is closed", onLoop(func(ctx context.Context, t *testing.T) {
		s, r, w := serving(ctx, echo)
		expectEqual(t, "IsClosing", w.IsClosing(), false)
		check(w.Close())
		expectEqual(t, "IsClosing", w.IsClosing(), true)
		check(w.WaitClosed(ctx))
		expectEqual(t, "AtEOF", r.AtEOF(), true)
		expectEqual(t, "Read", text(r.Read(ctx, -1)), "")
		shut(ctx, s)
	}))
	t.Run("V24 after WriteEOF nothing can be written, and what comes is still read", onLoop(func(ctx context.Context, t *testing.T) {
		s, r, w := serving(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			p, err := r.Read(ctx, -1)
			w.Write(bytes.ToUpper(p))
			return err
		})
		w.WriteString("shout")
		check(w.WriteEOF())
		check(w.WriteEOF())
		_, err := w.WriteString("more")
		expectError(t, "Write", err, async.ErrWriteAfterEOF)
		expectEqual(t, "Read", text(r.Read(ctx, -1)), "SHOUT")
		hangUp(ctx, w)
		shut(ctx, s)
	}))
	t.Run("V25 a server that does not serve yet is started by ServeForever, and closed by its cancellation", onLoop(func(ctx context.Context, t *testing.T) {
		s := must(async.StartServer(ctx, echo, "tcp", "127.0.0.1:0", async.NotServing()))
		expectEqual(t, "IsServing", s.IsServing(), false)
		forever := async.Go(ctx, s.ServeForever)
		ticks(ctx, 1)
		expectEqual(t, "IsServing", s.IsServing(), true)
		expectError(t, "ServeForever", s.ServeForever(ctx), async.ErrServing)
		_, w := connected(ctx, s)
		forever.Cancel()
		waitFor(ctx, forever)
		expectEqual(t, "cancelled", forever.Cancelled(), true)
		expectEqual(t, "IsServing", s.IsServing(), false)
		expectEqual(t, "Connections", s.Connections(), 0)
		expectError(t, "ServeForever", s.ServeForever(ctx), async.ErrServerClosed)
		expectError(t, "StartServing", s.StartServing(), async.ErrServerClosed)
		hangUp(ctx, w)
	}))
	t.Run("V26 a connection outlives the Close of its server, and WaitClosed waits for it", onLoop(func(ctx context.Context, t *testing.T) {
		s, r, w := serving(ctx, echo)
		w.WriteString("a")
		expectEqual(t, "Read", text(r.Read(ctx, 1)), "a")
		check(s.Close())
		closed := async.Go(ctx, s.WaitClosed)
		w.WriteString("b")
		expectEqual(t, "Read", text(r.Read(ctx, 1)), "b")
		expectEqual(t, "WaitClosed has returned", closed.IsDone(), false)
		hangUp(ctx, w)
		waitFor(ctx, closed)
		expectError(t, "WaitClosed", closed.Err(), nil)
	}))
}

// clog writes until the kernel takes no more and the writer is far above its high water mark. It returns how many
// bytes that were.
func clog(w *async.StreamWriter) (n int) {
	chunk := strings.Repeat("x", 256<<10)
	for w.Buffered() < 1<<20 {
		n += must(w.WriteString(chunk))
	}
	return n
}
