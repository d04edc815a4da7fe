package async

import (
	"context"
	"net"
	"sync"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// Listen listens on addr, as [net.Listen] does, and returns a listener whose Accept suspends the calling task and not
// its loop, and returns connections like those of [Dial]. On a plain goroutine Accept blocks. Several tasks and
// goroutines can accept at the same time, and are served first come, first served.
//
// If the task that calls it is cancelled, Accept returns [ErrCancelled], and no connection is lost. The listener
// costs one goroutine. It is closed by Close, and at the latest at the end of the loop that it was
// opened in; connections that were not accepted by then are dropped.
func Listen(ctx context.Context, network, addr string) (net.Listener, error) {
	ln, err := elsewhere(ctx, func(ctx context.Context) (net.Listener, error) {
		return new(net.ListenConfig).Listen(ctx, network, addr)
	}, func(ln net.Listener) { ln.Close() })
	if err != nil {
		return nil, err
	}
	l := &taskListener{Listener: ln, face: nearFace(ctx)}
	l.room.L = &l.mu
	if !l.face.adopt(l, 1) {
		ln.Close()
		return nil, ErrLoopClosed
	}
	go l.face.running(l.accept)
	return l, nil
}

// A taskListener is a net.Listener whose goroutine accepts for those who wait.
type taskListener struct {
	net.Listener
	face *Loop

	mu     sync.Mutex // never held across a wait
	line   loop.Line
	room   sync.Cond // the goroutine waits until somebody accepts
	conn   net.Conn  // accepted, and not taken yet
	err    error     // of Accept, and not taken yet
	closed bool
}

// accept is the listener's goroutine. It is one connection ahead at most.
func (l *taskListener) accept() {
	for {
		l.mu.Lock()
		for !l.closed && (l.conn != nil || l.err != nil || l.line.Len() == 0) {
			l.room.Wait()
		}
		closed := l.closed
		l.mu.Unlock()
		if closed {
			return
		}
		conn, err := l.Listener.Accept()
		l.mu.Lock()
		if l.closed {
			if err == nil {
				conn.Close()
			}
			l.mu.Unlock()
			return
		}
		l.conn, l.err = conn, err
		l.line.Wake()
		l.mu.Unlock()
	}
}

// Accept implements [net.Listener].
func (l *taskListener) Accept() (net.Conn, error) {
	ctx := context.Background()
	if t := loop.Here(); t != nil {
		ctx = t.Own()
	}
	l.mu.Lock()
	for {
		var conn net.Conn
		var err error
		switch {
		case l.closed:
			err = &net.OpError{Op: "accept", Net: l.Addr().Network(), Addr: l.Addr(), Err: net.ErrClosed}
		case l.conn != nil && l.line.UnderWay() == 0, l.err != nil && l.line.UnderWay() == 0:
			conn, err = l.take()
		default:
			l.room.Signal()
			done := awaitsNetwork(ctx)
			err = l.waitTurn(ctx)
			done()
			switch {
			case err != nil:
			case l.closed, l.conn == nil && l.err == nil:
				continue
			default:
				conn, err = l.take()
			}
		}
		l.mu.Unlock()
		if err != nil {
			return nil, err
		}
		face := l.face
		if near := nearFace(ctx); near != nil {
			face = near
		}
		return newConn(face, conn)
	}
}

// waitTurn waits in the line, which the goroutine has to see first.
func (l *taskListener) waitTurn(ctx context.Context) error {
	return l.line.Wait(ctx, &l.mu, (*acceptKeeper)(l))
}

// take hands out what was accepted.
func (l *taskListener) take() (net.Conn, error) {
	conn, err := l.conn, l.err
	l.conn, l.err = nil, nil
	l.room.Signal()
	return conn, err
}

// Close implements [net.Listener].
func (l *taskListener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return &net.OpError{Op: "close", Net: l.Addr().Network(), Addr: l.Addr(), Err: net.ErrClosed}
	}
	l.closed = true
	if l.conn != nil {
		l.conn.Close()
		l.conn = nil
	}
	l.line.WakeAll()
	l.room.Signal()
	l.mu.Unlock()
	err := l.Listener.Close()
	l.face.release(l)
	return err
}

// close implements wire.
func (l *taskListener) close(bool) { l.Close() }

// acceptKeeper is a taskListener as those who wait for it know it.
type acceptKeeper taskListener

// GaveUp implements [loop.Keeper]: the connection of one who was woken goes to the next.
func (k *acceptKeeper) GaveUp(line *loop.Line, woken bool) {
	if woken && (k.conn != nil || k.err != nil) {
		line.Wake()
	}
}

func (k *acceptKeeper) String() string { return "Accept of " + k.Addr().String() }
