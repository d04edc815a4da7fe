package async

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// DefaultLimit is the limit of a [StreamReader] in bytes if nothing else is said, as in asyncio.
const DefaultLimit = 64 << 10

// ErrReading is Python's RuntimeError "read() called while another coroutine is already waiting for incoming
// data": a StreamReader has one reader at a time.
var ErrReading = errors.New("async: another task is already waiting for incoming data")

// LimitOverrunError is asyncio.LimitOverrunError: a separator was not found within the limit of a [StreamReader].
type LimitOverrunError struct {
	Found    bool // the separator is there, but too far away
	Consumed int  // the bytes that could be read before the separator
	Dropped  bool // by ReadLine, which is Python's ValueError; otherwise the bytes are still to be read
}

// Error tells whether the separator was found.
func (e *LimitOverrunError) Error() string {
	if e.Found {
		return "async: the separator is found, but the chunk is longer than the limit"
	}
	return "async: the separator is not found, and the chunk exceeds the limit"
}

// IncompleteReadError is asyncio.IncompleteReadError: the stream has ended too early. It is
// [io.ErrUnexpectedEOF] for errors.Is.
type IncompleteReadError struct {
	Partial  []byte // what came before the end
	Expected int    // -1 if a separator was expected
}

// Error tells how much has come.
func (e *IncompleteReadError) Error() string {
	if e.Expected < 0 {
		return fmt.Sprintf("async: %d bytes read on a total of undefined expected bytes", len(e.Partial))
	}
	return fmt.Sprintf("async: %d bytes read on a total of %d expected bytes", len(e.Partial), e.Expected)
}

// Unwrap returns [io.ErrUnexpectedEOF].
func (e *IncompleteReadError) Unwrap() error { return io.ErrUnexpectedEOF }

// A StreamReader is asyncio.StreamReader: the bytes that have come from a connection or a process and were not
// read yet. [OpenConnection], [StartServer] and [CreateSubprocess] make them; one made by [NewStreamReader]
// is fed by hand.
//
// One party reads at a time, a second one gets [ErrReading]. A read that finds what it wants in the buffer, or in the
// connection, does not give way and does not look at ctx; but a task that does nothing else gives way for a tick before each 128th
// read, however fast the peer is. If ctx is cancelled while a read waits, it returns [ErrCancelled] or
// [ErrTimeout], and no byte is lost: the next read gets what has come. In a callback a read that would have to
// wait returns [ErrNotInTask]; a plain goroutine blocks.
//
// At the end of the stream Read and ReadLine return no bytes and no error, as in Python. An error of the connection is
// returned by all reads from then on, also if there are bytes in the buffer.
type StreamReader struct {
	mu    sync.Mutex // never held across a wait
	line  loop.Line
	buf   []byte
	head  int // of what was not read yet, in buf
	limit int
	eof   bool
	err   error

	greedy        bool // is never paused, see slurp
	paused        bool
	pause, resume func()     // tell who feeds the reader; called with mu held
	source        *transport // nil if the reader is fed by hand
}

// NewStreamReader returns a reader that is fed by hand, with a limit in bytes for ReadLine and ReadUntil. It
// panics if the limit is not positive.
func NewStreamReader(limit int) *StreamReader {
	if limit <= 0 {
		panic("async: the limit of a StreamReader must be positive")
	}
	return &StreamReader{limit: limit}
}

// check panics if the reader was not made properly.
func (r *StreamReader) check() {
	if r == nil || r.limit == 0 {
		panic("async: a method of a StreamReader that nobody has made was called")
	}
}

// SetFlow has pause called when more than twice the limit is in the buffer, and resume when a read has brought it
// down to the limit, or waits. It stands for set_transport. The two must not call the reader. It panics if the reader is
// that of a connection or a process.
func (r *StreamReader) SetFlow(pause, resume func()) {
	r.check()
	if r.source != nil {
		panic("async: SetFlow was called on a StreamReader that is not fed by hand")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pause, r.resume = pause, resume
}

// FeedData appends a copy of p to the buffer and wakes who waits: feed_data. It panics after FeedEOF.
func (r *StreamReader) FeedData(p []byte) {
	r.check()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.eof {
		panic("async: FeedData was called after FeedEOF")
	}
	r.feed(p)
}

// FeedEOF tells that nothing more comes, and wakes who waits: feed_eof.
func (r *StreamReader) FeedEOF() {
	r.check()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end()
}

// SetError has all reads fail with err from now on, the one that waits too: set_exception. It panics if err is
// nil.
func (r *StreamReader) SetError(err error) {
	r.check()
	if err == nil {
		panic("async: SetError was called with a nil error")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail(err)
}

// Err returns what SetError, or the connection, has set, or nil: exception().
func (r *StreamReader) Err() error {
	r.check()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *StreamReader) feed(p []byte) {
	if len(p) == 0 {
		return
	}
	if r.head > 0 && len(r.buf)+len(p) > cap(r.buf) {
		r.buf = append(r.buf[:0], r.buf[r.head:]...)
		r.head = 0
	}
	r.buf = append(r.buf, p...)
	if !r.paused && !r.greedy && r.len()/2 >= r.limit && r.len() > 2*r.limit {
		r.paused = true
		if r.pause != nil {
			r.pause()
		}
	}
	r.line.WakeAll()
}

func (r *StreamReader) end() {
	r.eof = true
	r.line.WakeAll()
}

func (r *StreamReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.line.WakeAll()
}

// goOn lets who feeds the reader go on.
func (r *StreamReader) goOn() {
	if r.paused {
		r.paused = false
		if r.resume != nil {
			r.resume()
		}
	}
}

// slurp takes whatever comes, from now on.
func (r *StreamReader) slurp() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.greedy = true
	r.goOn()
}

// awaitEnd waits for the end of the stream and leaves all of it in the buffer.
func (r *StreamReader) awaitEnd(ctx context.Context) error {
	r.mu.Lock()
	err := r.await(ctx, func() bool { return false })
	r.mu.Unlock()
	return err
}

func (r *StreamReader) len() int { return len(r.buf) - r.head }

func (r *StreamReader) unread() []byte { return r.buf[r.head:] }

// drop removes the first n bytes of the buffer. A big buffer that is empty is not kept.
func (r *StreamReader) drop(n int) {
	if r.head += n; r.head == len(r.buf) {
		r.head = 0
		if r.buf = r.buf[:0]; cap(r.buf) > 4096 {
			r.buf = nil
		}
	}
	if r.len() <= r.limit {
		r.goOn()
	}
}

// take removes the first n bytes of the buffer and returns a copy.
func (r *StreamReader) take(n int) []byte {
	p := bytes.Clone(r.buf[r.head : r.head+n])
	r.drop(n)
	return p
}

// more waits until something has happened. The reader is locked.
func (r *StreamReader) more(ctx context.Context) error {
	if r.line.Len() > 0 {
		return ErrReading
	}
	return r.wait(ctx)
}

// wait is more for one of many.
func (r *StreamReader) wait(ctx context.Context) error {
	n := r.len()
	if r.goOn(); r.len() != n || r.eof || r.err != nil || r.source != nil && r.source.pullNow() {
		return nil
	}
	done := awaitsNetwork(ctx)
	err := r.line.Wait(ctx, &r.mu, (*readKeeper)(r))
	done()
	if err == nil && r.err != nil {
		return r.err
	}
	return err
}

// giveWay lets the others run if the calling task has read again and again without having had to wait. What comes is read ahead
// while the task runs, so that the buffer bounds nothing; in asyncio it does.
func (r *StreamReader) giveWay(ctx context.Context) error {
	if r.source != nil && loop.Spend(ctx) {
		return loop.Sleep(ctx, 0)
	}
	return nil
}

// Read returns up to n bytes: read(n). It waits until there is one at least; at the end of the stream it
// returns none, and no error. With a negative n it returns all until the end, with n = 0 nothing at once. The limit
// does not matter.
func (r *StreamReader) Read(ctx context.Context, n int) ([]byte, error) {
	r.check()
	if err := r.giveWay(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	err := r.await(ctx, func() bool { return n == 0 || n > 0 && r.len() > 0 })
	var p []byte
	if err == nil {
		if n < 0 {
			n = r.len()
		}
		p = r.take(min(n, r.len()))
	}
	r.mu.Unlock()
	return p, err
}

// await waits until ready reports true, or the stream is at its end or has failed.
func (r *StreamReader) await(ctx context.Context, ready func() bool) error {
	for {
		switch {
		case r.err != nil:
			return r.err
		case ready() || r.eof:
			return nil
		}
		if err := r.more(ctx); err != nil {
			return err
		}
	}
}

// ReadExactly returns n bytes: readexactly. If the stream ends before, the error is an [IncompleteReadError]
// that has the bytes. The limit does not matter. It panics if n is negative.
func (r *StreamReader) ReadExactly(ctx context.Context, n int) ([]byte, error) {
	r.check()
	if n < 0 {
		panic("async: the size of ReadExactly must not be negative")
	}
	if err := r.giveWay(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	err := r.await(ctx, func() bool { return r.len() >= n })
	var p []byte
	switch {
	case err != nil:
	case r.len() < n:
		err = &IncompleteReadError{Partial: r.take(r.len()), Expected: n}
	default:
		p = r.take(n)
	}
	r.mu.Unlock()
	return p, err
}

// ReadUntil returns what comes before a separator, and the separator: readuntil. Of several separators it is the one that ends
// first, as of Python 3.13. If there are more bytes than the limit before the separator, the error is a
// [LimitOverrunError], and the bytes stay in the buffer. If the stream ends first, it is an [IncompleteReadError] that has
// them. ReadUntil panics if there is no separator, or an empty one.
func (r *StreamReader) ReadUntil(ctx context.Context, seps ...[]byte) ([]byte, error) {
	r.check()
	if len(seps) == 0 {
		panic("async: ReadUntil was called without a separator")
	}
	for _, sep := range seps {
		if len(sep) == 0 {
			panic("async: the separator of ReadUntil must have at least one byte")
		}
	}
	if err := r.giveWay(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	p, err := r.until(ctx, seps...)
	r.mu.Unlock()
	return p, err
}

func (r *StreamReader) until(ctx context.Context, seps ...[]byte) ([]byte, error) {
	longest := 0
	for _, sep := range seps {
		longest = max(longest, len(sep))
	}
	offset := 0 // no separator begins before it
	for {
		if r.err != nil {
			return nil, r.err
		}
		if begin, end := first(r.unread()[offset:], seps); end > 0 {
			if begin += offset; begin > r.limit {
				return nil, &LimitOverrunError{Found: true, Consumed: begin}
			}
			return r.take(offset + end), nil
		}
		if offset = max(offset, r.len()+1-longest); offset > r.limit {
			return nil, &LimitOverrunError{Consumed: offset}
		}
		if r.eof {
			return nil, &IncompleteReadError{Partial: r.take(r.len()), Expected: -1}
		}
		if err := r.more(ctx); err != nil {
			return nil, err
		}
	}
}

// first returns where the separator that ends first begins and ends. Of two that end together the shorter one counts, as in
// Python: for the limit it leaves more before it. The end is 0 if there is none.
func first(p []byte, seps [][]byte) (begin, end int) {
	for _, sep := range seps {
		if i := bytes.Index(p, sep); i >= 0 {
			if e := i + len(sep); end == 0 || e < end || e == end && i > begin {
				begin, end = i, e
			}
			p = p[:end] // nothing that ends later counts
		}
	}
	return begin, end
}

// ReadLine returns the next line with its newline: readline. The last line may have none, and at the end of the
// stream the line is empty and the error nil. If a line is longer than the limit, the newline not counted, the error is
// a [LimitOverrunError], and the line is dropped; if its end has not come yet, all that is in the buffer is.
func (r *StreamReader) ReadLine(ctx context.Context) ([]byte, error) {
	r.check()
	if err := r.giveWay(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	p, err := r.until(ctx, newline)
	switch e := err.(type) {
	case *IncompleteReadError:
		p, err = e.Partial, nil
	case *LimitOverrunError:
		e.Dropped = true
		if e.Found {
			r.drop(e.Consumed + 1)
		} else {
			r.drop(r.len())
		}
	}
	r.mu.Unlock()
	return p, err
}

var newline = []byte("\n")

// Lines returns the lines until the end of the stream, as Python's async for does. An error is the last
// pair.
func (r *StreamReader) Lines(ctx context.Context) iter.Seq2[[]byte, error] {
	r.check()
	return func(yield func([]byte, error) bool) {
		for {
			line, err := r.ReadLine(ctx)
			if err == nil && len(line) == 0 {
				return
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// AtEOF reports whether all was read and nothing more comes: at_eof. It does not suspend.
func (r *StreamReader) AtEOF() bool {
	r.check()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.len() == 0 && !r.eof && r.err == nil && r.source != nil && r.source.raw != nil {
		r.source.pullOnce()
	}
	return r.eof && r.len() == 0
}

// Buffered returns how many bytes can be read at once. It does not suspend.
func (r *StreamReader) Buffered() int {
	r.check()
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.len()
}

// Reader returns the reader as an [io.Reader], for bufio, json and their like. Its Read suspends the task that
// calls it, obeys ctx, and returns [io.EOF] at the end of the stream.
func (r *StreamReader) Reader(ctx context.Context) io.Reader {
	r.check()
	return &plainReader{ctx, r}
}

type plainReader struct {
	ctx context.Context
	r   *StreamReader
}

// Read implements [io.Reader].
func (p *plainReader) Read(b []byte) (n int, err error) {
	r := p.r
	if err := r.giveWay(p.ctx); err != nil {
		return 0, err
	}
	r.mu.Lock()
	if err = r.await(p.ctx, func() bool { return len(b) == 0 || r.len() > 0 }); err == nil {
		if n = copy(b, r.unread()); n == 0 && len(b) > 0 {
			err = io.EOF
		} else {
			r.drop(n)
		}
	}
	r.mu.Unlock()
	return n, err
}

// String describes the reader, as StreamReader(12 bytes, eof).
func (r *StreamReader) String() string {
	r.check()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := fmt.Sprintf("StreamReader(%d bytes", r.len())
	if r.eof {
		s += ", eof"
	}
	if r.err != nil {
		s += ", " + r.err.Error()
	}
	if r.paused {
		s += ", paused"
	}
	return s + describeWaiters(r.line.Len()) + ")"
}

// readKeeper is a StreamReader as those who wait for it know it.
type readKeeper StreamReader

// GaveUp implements [loop.Keeper]. What has come stays in the buffer.
func (k *readKeeper) GaveUp(*loop.Line, bool) {}

func (k *readKeeper) String() string { return (*StreamReader)(k).String() }
