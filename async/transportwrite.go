package async

import (
	"errors"
	"io"
	"syscall"
)

// write writes what there is room for.
func (t *transport) write(fd uintptr, p []byte) (int, error) {
	if t.socket {
		return sendFD(fd, p)
	}
	return writeFD(fd, p)
}

// writeNow writes what the connection takes at once. The writer is locked.
func (t *transport) writeNow(p []byte) (int, error) {
	t.piece, t.wrote, t.wrErr = p, 0, nil
	err := t.raw.Control(t.onWrite)
	t.piece = nil
	if err == nil && !wouldBlock(t.wrErr) {
		err = t.wrErr
	}
	if err != nil {
		return t.wrote, t.wrap("write", err)
	}
	return t.wrote, nil
}

// flush is the goroutine that sends what is left.
func (t *transport) flush() {
	w := t.w
	var lost error
	for {
		var err error
		if t.raw != nil {
			err = t.flushRaw()
		} else {
			err = t.flushBlocking()
		}
		w.mu.Lock()
		if err != nil && !w.aborted {
			lost = t.wrap("write", err)
			w.fail(lost)
		}
		if w.size() == 0 && w.eof && !w.eofSent && w.err == nil {
			w.eofSent = true
			w.mu.Unlock()
			err := t.closeWrite()
			w.mu.Lock()
			if err != nil {
				w.fail(err)
				if !errors.Is(err, errors.ErrUnsupported) {
					lost = err
				}
			}
		}
		if w.size() == 0 {
			w.writing = false
			closing := w.closing
			w.mu.Unlock()
			switch {
			case closing:
				t.stop()
			case lost != nil:
				t.loseWriting(lost)
			}
			return
		}
		w.mu.Unlock()
	}
}

// flushRaw sends until nothing is left. What is left is known at every moment.
func (t *transport) flushRaw() (err error) {
	w := t.w
	waited := t.raw.Write(func(fd uintptr) bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for w.size() > 0 {
			var n int
			n, err = t.write(fd, w.out[w.head:])
			if w.sent(n); err != nil {
				if wouldBlock(err) {
					err = nil
					return false
				}
				return true
			}
		}
		return true
	})
	if err == nil {
		err = waited
	}
	return err
}

// flushBlocking sends what is there now.
func (t *transport) flushBlocking() error {
	w := t.w
	w.mu.Lock()
	p := w.out[w.head:min(len(w.out), w.head+16<<10)]
	w.mu.Unlock()
	if len(p) == 0 {
		return nil
	}
	n, err := t.conn.(io.Writer).Write(p)
	w.mu.Lock()
	if w.err == nil && !w.aborted {
		w.sent(n)
	}
	w.mu.Unlock()
	return err
}

// closeWrite ends the way out.
func (t *transport) closeWrite() error {
	c, ok := t.conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	if err := c.CloseWrite(); err != nil && !errors.Is(err, syscall.ENOTCONN) {
		return err
	}
	return nil
}
