package async

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// The water marks of a StreamWriter if nothing else is said, as in asyncio.
const highWater, lowWater = 64 << 10, 16 << 10

// ErrWriteAfterEOF is Python's RuntimeError "Cannot call write() after write_eof()".
var ErrWriteAfterEOF = errors.New("async: Write was called after WriteEOF")

// A StreamWriter is asyncio.StreamWriter: the way out of a connection or into a process. [OpenConnection],
// [StartServer] and [CreateSubprocess] make them. All methods are safe for use from any goroutine.
type StreamWriter struct {
	mu      sync.Mutex // never held across a wait
	drains  loop.Line  // those who wait until there is room
	closes  loop.Line  // those who wait for the end
	out     []byte
	head    int // of what was not sent yet, in out
	high    int
	low     int
	full    bool // above the high water mark, and not down to the low one since
	writing bool // a goroutine is sending

	eof     bool // WriteEOF was called
	eofSent bool
	closing bool
	aborted bool
	lost    bool  // it is all over
	err     error // why nothing can be sent any more
	kept    bool  // see Keep
	dropped int   // bytes that were to be sent and never will be

	t *transport
}

// check panics if the writer was not made properly.
func (w *StreamWriter) check() {
	if w == nil || w.t == nil {
		panic("async: a method of a StreamWriter that nobody has made was called")
	}
}

// Write sends p, or what the connection does not take at once a little later, from a copy: write. It never
// suspends, however much that is; [StreamWriter.Drain] is what waits. It returns len(p), or an error if the
// connection is known to be broken or closed, or after WriteEOF. If nobody drains, memory fills up.
func (w *StreamWriter) Write(p []byte) (int, error) {
	w.check()
	w.mu.Lock()
	err := w.writable()
	if err != nil {
		w.mu.Unlock()
		return 0, err
	}
	err = w.push(p)
	w.mu.Unlock()
	if err != nil {
		w.t.loseWriting(err)
		return 0, err
	}
	return len(p), nil
}

// WriteString is [StreamWriter.Write] of a string.
func (w *StreamWriter) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// WriteLines writes the chunks, one after the other and without anything in between: writelines.
func (w *StreamWriter) WriteLines(chunks ...[]byte) error {
	var all []byte
	for _, c := range chunks {
		all = append(all, c...)
	}
	_, err := w.Write(all)
	return err
}

// fault returns why nothing can be written.
func (w *StreamWriter) fault() error {
	switch {
	case w.err != nil:
		return w.err
	case w.closing || w.lost:
		return errClosed
	case w.t.upper != nil:
		return errSecure
	}
	return nil
}

// writable returns why Write cannot write.
func (w *StreamWriter) writable() error {
	switch err := w.fault(); {
	case err != nil:
		return err
	case w.t.sealed:
		return errSecure
	case w.eof:
		return ErrWriteAfterEOF
	}
	return nil
}

// errClosed is Python's ConnectionResetError "Connection lost" after one's own close().
var errClosed = fmt.Errorf("async: the connection is closed: %w", net.ErrClosed)

// push sends p or keeps a copy of it for the goroutine that sends.
func (w *StreamWriter) push(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if w.t.raw != nil && !w.writing {
		n, err := w.t.writeNow(p)
		if err != nil {
			w.fail(err)
			return err
		}
		p = p[n:]
	}
	if len(p) > 0 {
		w.out = append(w.out, p...)
		w.full = w.full || w.size() > w.high
		w.startWriting()
	}
	return nil
}

func (w *StreamWriter) size() int { return len(w.out) - w.head }

func (w *StreamWriter) startWriting() {
	if !w.writing {
		w.writing = true
		w.t.start(w.t.flush)
	}
}

// sent removes the first n bytes of what is to be sent.
func (w *StreamWriter) sent(n int) {
	if w.head += n; w.head == len(w.out) {
		w.out, w.head = nil, 0
	} else if w.head > len(w.out)/2 && w.head > 64<<10 {
		w.out = append([]byte(nil), w.out[w.head:]...)
		w.head = 0
	}
	if w.full && w.size() <= w.low {
		w.full = false
	}
	if !w.full {
		w.drains.WakeAll()
	}
}

// fail notes that nothing can be sent any more, and drops what was to be.
func (w *StreamWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
	w.discard()
}

// discard drops what is to be sent.
func (w *StreamWriter) discard() {
	w.dropped += w.size()
	w.out, w.head, w.full = nil, 0, false
	w.drains.WakeAll()
}

// Drain waits until there is room: drain. It returns at once unless more than the high water mark, 64 KiB if
// nothing else is said, is still to be sent, and then suspends until it is down to the low one. All who drain go on
// together. A task that drains again and again and never has to wait gives way for a tick before each 128th time, which asyncio
// does not do. If the connection is broken or closed, the error is that, so a loop of Write and Drain ends. If ctx is
// cancelled, what was written is sent all the same.
func (w *StreamWriter) Drain(ctx context.Context) error {
	w.check()
	if r := w.t.r; r != nil {
		if err := r.Err(); err != nil {
			return err
		}
	}
	w.mu.Lock()
	closing := w.closing
	w.mu.Unlock()
	if closing || loop.Spend(ctx) {
		// As in asyncio if it is closing: let the news of a lost connection come in.
		if err := Sleep(ctx, 0); err != nil {
			return err
		}
	}
	w.mu.Lock()
	err := w.drain(ctx)
	w.mu.Unlock()
	return err
}

func (w *StreamWriter) drain(ctx context.Context) error {
	for {
		if err := w.fault(); err != nil {
			return err
		}
		if !w.full {
			return nil
		}
		done := awaitsNetwork(ctx)
		err := w.drains.Wait(ctx, &w.mu, (*drainKeeper)(w))
		done()
		if err != nil {
			return err
		}
	}
}

// SetWaterMarks sets above how many bytes Drain waits, and down to how many: transport.set_write_buffer_limits. A
// negative low is a quarter of high. It panics if high is negative or smaller than low.
func (w *StreamWriter) SetWaterMarks(high, low int) {
	w.check()
	if low < 0 {
		low = high / 4
	}
	if high < low {
		panic("async: the high water mark must not be negative or below the low one")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.high, w.low = high, low
	if w.full = w.size() > high || w.full && w.size() > low; !w.full {
		w.drains.WakeAll()
	}
}

// WaterMarks returns what SetWaterMarks has set, in bytes: transport.get_write_buffer_limits, the other way
// round.
func (w *StreamWriter) WaterMarks() (high, low int) {
	w.check()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.high, w.low
}

// Buffered returns how many bytes are still to be sent: transport.get_write_buffer_size.
func (w *StreamWriter) Buffered() int {
	w.check()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.size()
}

// WriteEOF closes the way out once what was written is sent; the peer reads the end of the stream: write_eof. It
// does not suspend, and the way in stays open. A process has its stdin closed. With TLS it sends the
// close_notify alert, which asyncio cannot.
func (w *StreamWriter) WriteEOF() error {
	w.check()
	if w.t.r == nil { // into a process
		w.Close()
		return nil
	}
	w.mu.Lock()
	err := w.writable()
	switch {
	case err == ErrWriteAfterEOF:
		err = nil
	case err != nil:
	case w.t.raw == nil || w.writing:
		w.eof = true
		w.startWriting()
	default:
		w.eof, w.eofSent = true, true
		if err = w.t.closeWrite(); err != nil {
			w.fail(err)
			w.mu.Unlock()
			if !errors.Is(err, errors.ErrUnsupported) {
				w.t.loseWriting(err)
			}
			return err
		}
	}
	w.mu.Unlock()
	return err
}

// Close closes the connection once what was written is sent: close. It does not suspend. From then on nothing is
// read; a reader that waits gets the end of the stream. Closing again does nothing.
func (w *StreamWriter) Close() error {
	w.check()
	w.t.close(false)
	return nil
}

// Abort closes the connection at once and drops what is still to be sent: transport.abort.
func (w *StreamWriter) Abort() {
	w.check()
	w.t.close(true)
}

// IsClosing reports whether Close or Abort was called, or the connection was lost: is_closing.
func (w *StreamWriter) IsClosing() bool {
	w.check()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closing
}

// WaitClosed waits until the connection is closed: wait_closed. Close and Abort do that, and an error of a read or a write that
// the connection is lost by, which WaitClosed returns then. The end of what the peer sends is no error, and behind it, or while a full
// buffer holds up the reads, only a write finds one. If ctx is cancelled, the closing goes on.
func (w *StreamWriter) WaitClosed(ctx context.Context) error {
	w.check()
	w.mu.Lock()
	var err error
	for !w.lost && err == nil {
		done := awaitsNetwork(ctx)
		err = w.closes.Wait(ctx, &w.mu, (*closeKeeper)(w))
		done()
	}
	if err == nil {
		err = w.err
	}
	w.mu.Unlock()
	return err
}

// Keep has a connection of a [Server] live on when its handler returns, for a handler that hands it to somebody
// else.
func (w *StreamWriter) Keep() {
	w.check()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = true
}

// PeerAddr returns the address of the other side: get_extra_info("peername"). A process has none, nil.
func (w *StreamWriter) PeerAddr() net.Addr {
	w.check()
	if c, ok := w.t.conn.(net.Conn); ok {
		return c.RemoteAddr()
	}
	return nil
}

// LocalAddr returns the address of this side: get_extra_info("sockname"). A process has none, nil.
func (w *StreamWriter) LocalAddr() net.Addr {
	w.check()
	if c, ok := w.t.conn.(net.Conn); ok {
		return c.LocalAddr()
	}
	return nil
}

// Conn returns the connection underneath, for its options: get_extra_info("socket"). With TLS it is a
// [crypto/tls.Conn]. Who reads or writes it takes bytes away from the streams, and who closes it ends reads that wait with
// [net.ErrClosed]; for that the connection has a goroutine that reads from now on. A process has no connection, nil.
func (w *StreamWriter) Conn() net.Conn {
	w.check()
	c, ok := w.t.conn.(net.Conn)
	if ok {
		w.t.keepFromNow()
	}
	return c
}

// String describes the writer, as StreamWriter(127.0.0.1:80, 12 bytes to send).
func (w *StreamWriter) String() string {
	peer := "process"
	if a := w.PeerAddr(); a != nil {
		peer = a.String()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	state := ""
	switch {
	case w.lost:
		state = ", closed"
	case w.closing:
		state = ", closing"
	}
	return fmt.Sprintf("StreamWriter(%s, %d bytes to send%s)", peer, w.size(), state)
}

// drainKeeper is a StreamWriter as those who wait for room know it.
type drainKeeper StreamWriter

// GaveUp implements [loop.Keeper]. Nobody else misses anything.
func (k *drainKeeper) GaveUp(*loop.Line, bool) {}

func (k *drainKeeper) String() string { return "Drain of " + (*StreamWriter)(k).String() }

// closeKeeper is a StreamWriter as those who wait for its end know it.
type closeKeeper StreamWriter

// GaveUp implements [loop.Keeper]. Nobody else misses anything.
func (k *closeKeeper) GaveUp(*loop.Line, bool) {}

func (k *closeKeeper) String() string { return "WaitClosed of " + (*StreamWriter)(k).String() }
