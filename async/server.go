package async

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

var (
	// ErrServerClosed is Python's RuntimeError "server … is closed".
	ErrServerClosed = errors.New("async: the server is closed")
	// ErrServing is Python's RuntimeError "server … is already being awaited on serve_forever()".
	ErrServing = errors.New("async: the server is already being awaited in ServeForever")
)

// acceptRetry is how long a server waits, in real time, after it could not accept for want of descriptors or
// memory: asyncio's ACCEPT_RETRY_DELAY.
const acceptRetry = time.Second

// A Handler serves one connection of a [Server], in a task of its own.
type Handler func(ctx context.Context, r *StreamReader, w *StreamWriter) error

// A Server is asyncio.Server: it accepts connections and starts a task for each. [StartServer] makes it.
type Server struct {
	handler Handler
	opts    *streamOptions
	ln      net.Listener
	face    *Loop

	mu      sync.Mutex // never held across a wait
	closes  loop.Line  // those who wait for the end
	serving bool       // the goroutine that accepts runs
	closed  bool
	forever bool // somebody is in ServeForever
	open    map[*transport]struct{}
	shaking map[net.Conn]struct{} // in the handshake
	quit    chan struct{}
}

// StartServer listens on addr and calls handler, in a task of the loop of ctx, for each connection:
// asyncio.start_server and start_unix_server. network and addr are those of [net.Listen]; port 0 picks one that
// [Server.Addr] tells. It does not suspend for numbered addresses and sockets, and for names waits in a
// goroutine. Without a loop the error is [ErrNoLoop].
//
// When the handler returns, the connection is closed, after what was written is sent, unless it has called
// [StreamWriter.Keep]; in asyncio a handler that does not close leaves the connection open. An error or a panic of the
// handler goes to the exception handler as "unhandled exception in client_connected_cb". A handler that was
// cancelled closes silently. The end of Run cancels handlers as all tasks.
//
// When the process is out of descriptors, that is reported, and the server tries again a second later. The server costs
// one goroutine, and each connection what it costs in [OpenConnection]. It is closed by
// [Server.Close], and at the latest at the end of the loop. StartServer panics if handler is nil.
func StartServer(ctx context.Context, handler Handler, network, addr string, opts ...StreamOption) (*Server, error) {
	if handler == nil {
		panic("async: StartServer was called with a nil handler")
	}
	face := nearFace(ctx)
	if face == nil {
		return nil, ErrNoLoop
	}
	o := makeStreamOptions(opts)
	ln := o.listener
	if ln == nil {
		var err error
		ln, err = elsewhere(ctx, func(ctx context.Context) (net.Listener, error) {
			return new(net.ListenConfig).Listen(ctx, network, addr)
		}, func(ln net.Listener) { ln.Close() })
		if err != nil {
			return nil, err
		}
	}
	if ln.Addr().Network() == "unixpacket" {
		ln.Close()
		return nil, errDatagrams
	}
	s := &Server{
		handler: handler, opts: o, ln: ln, face: face, quit: make(chan struct{}),
		open: map[*transport]struct{}{}, shaking: map[net.Conn]struct{}{},
	}
	if !face.adopt(s, 0) {
		ln.Close()
		return nil, ErrLoopClosed
	}
	if !o.notServing {
		return s, s.StartServing()
	}
	return s, nil
}

// nearFace returns the loop of ctx, or the one that the caller is inside of, or nil.
func nearFace(ctx context.Context) *Loop {
	if l := loop.Near(ctx); l != nil {
		return faceOf(l)
	}
	return nil
}

// check panics if the server was not made properly.
func (s *Server) check() {
	if s == nil || s.ln == nil {
		panic("async: a method of a Server that StartServer has not made was called")
	}
}

// StartServing begins to accept: start_serving. It does not suspend, and does nothing the second time. If the
// server is closed, it returns [ErrServerClosed].
func (s *Server) StartServing() error {
	s.check()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrServerClosed
	}
	if !s.serving {
		s.serving = true
		s.face.wires.running.Add(1)
		go s.face.running(s.accept)
	}
	return nil
}

// Addr returns the address that the server listens on: sockets[0].getsockname().
func (s *Server) Addr() net.Addr {
	s.check()
	return s.ln.Addr()
}

// IsServing reports whether the server accepts connections: is_serving.
func (s *Server) IsServing() bool {
	s.check()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.serving && !s.closed
}

// Connections returns how many connections are open.
func (s *Server) Connections() int {
	s.check()
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// accept is the server's goroutine.
func (s *Server) accept() {
	for {
		conn, err := s.ln.Accept()
		switch {
		case err == nil && s.opts.tls != nil:
			s.shake(conn)
		case err == nil:
			s.serve(conn)
		case s.isClosed():
			return
		case outOfResources(err):
			s.report("socket.accept out of system resource", err, nil)
			timer := time.NewTimer(acceptRetry)
			select {
			case <-timer.C:
			case <-s.quit:
				timer.Stop()
				return
			}
		default:
			s.report("accept failed, the server is closed", err, nil)
			s.Close()
			return
		}
	}
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

func (s *Server) report(message string, err error, task AnyTask) {
	s.face.CallExceptionHandler(ExceptionContext{Message: message, Err: err, Task: task})
}

// shake makes the handshake of TLS on a goroutine of its own.
func (s *Server) shake(raw net.Conn) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		raw.Close()
		return
	}
	s.shaking[raw] = struct{}{}
	s.face.wires.running.Add(1)
	s.mu.Unlock()
	go s.face.running(func() {
		conn := tls.Server(raw, s.opts.tls)
		conn.SetDeadline(time.Now().Add(handshakeTimeout))
		err := conn.Handshake()
		conn.SetDeadline(noDeadline)
		s.mu.Lock()
		delete(s.shaking, raw)
		closed := s.closed
		s.mu.Unlock()
		switch {
		case closed:
			raw.Close()
		case err != nil:
			raw.Close()
			s.report("TLS handshake failed", err, nil)
		default:
			s.serve(conn)
		}
	})
}

// serve starts the task of a connection.
func (s *Server) serve(conn net.Conn) {
	t := newTransport(s.face, conn, s.opts.limit, true)
	t.lost, t.served = func() { s.left(t) }, true
	switch s.ln.(type) {
	case *net.TCPListener, *net.UnixListener:
	default: // may close what it has accepted
		t.foreign = true
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		conn.Close()
		return
	}
	s.open[t] = struct{}{}
	s.mu.Unlock()
	t.begin()
	task := Go(s.face.Context(), func(ctx context.Context) error { return s.handler(ctx, t.r, t.w) })
	if errors.Is(task.Err(), ErrLoopClosed) {
		t.close(true)
		return
	}
	task.AddDoneCallback(func(*Future[Void]) { s.handled(task, t) })
}

// handled is called when the handler has returned.
func (s *Server) handled(task *Task[Void], t *transport) {
	if err := task.Err(); err != nil && !task.Cancelled() {
		s.report("unhandled exception in client_connected_cb", err, task)
		t.close(false)
		return
	}
	if !t.kept() || task.Cancelled() {
		t.close(false)
	}
}

// left is called when a connection is closed.
func (s *Server) left(t *transport) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, t)
	if s.closed && len(s.open) == 0 {
		s.closes.WakeAll()
	}
}

// Close ends the listening: close. It does not suspend. Connections that are open live on; those in the handshake
// of TLS are dropped. Closing again does nothing.
func (s *Server) Close() error {
	s.check()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.quit)
	var shaking []net.Conn
	for c := range s.shaking {
		shaking = append(shaking, c)
	}
	s.closes.WakeAll()
	s.mu.Unlock()
	err := s.ln.Close()
	for _, c := range shaking {
		c.SetDeadline(longAgo)
	}
	s.face.release(s)
	return err
}

// close implements wire. The connections are wires themselves.
func (s *Server) close(bool) { s.Close() }

// connections returns the connections that are open.
func (s *Server) connections() []*transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*transport, 0, len(s.open))
	for t := range s.open {
		all = append(all, t)
	}
	return all
}

// CloseClients closes all connections, as [StreamWriter.Close] does: close_clients.
func (s *Server) CloseClients() {
	s.check()
	for _, t := range s.connections() {
		t.close(false)
	}
}

// AbortClients closes all connections at once, as [StreamWriter.Abort] does: abort_clients.
func (s *Server) AbortClients() {
	s.check()
	for _, t := range s.connections() {
		t.close(true)
	}
}

// WaitClosed waits until the server is closed and all its connections are: wait_closed, as of Python 3.12.
func (s *Server) WaitClosed(ctx context.Context) error {
	s.check()
	s.mu.Lock()
	var err error
	for err == nil && (!s.closed || len(s.open) > 0) {
		done := awaitsNetwork(ctx)
		err = s.closes.Wait(ctx, &s.mu, (*serverKeeper)(s))
		done()
	}
	s.mu.Unlock()
	return err
}

// ServeForever accepts connections until the calling task is cancelled: serve_forever. Then it closes the server and
// its connections, waits for their end, and returns the error of the cancellation. If the server is closed, before or
// meanwhile, the error is [ErrServerClosed], and if another task is in ServeForever, [ErrServing].
func (s *Server) ServeForever(ctx context.Context) error {
	s.check()
	s.mu.Lock()
	switch {
	case s.forever:
		s.mu.Unlock()
		return ErrServing
	case s.closed:
		s.mu.Unlock()
		return ErrServerClosed
	}
	s.forever = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.forever = false
	}()
	if err := s.StartServing(); err != nil {
		return err
	}
	s.mu.Lock()
	var err error
	for err == nil && !s.closed {
		err = s.closes.Wait(ctx, &s.mu, (*serverKeeper)(s))
	}
	s.mu.Unlock()
	if err == nil {
		return ErrServerClosed
	}
	s.Close()
	s.CloseClients()
	s.WaitClosed(context.WithoutCancel(ctx))
	return err
}

// Serve calls body, and in the end closes the server and waits for its connections to be closed: Python's "async with
// server". It returns the error of body.
func (s *Server) Serve(ctx context.Context, body func(ctx context.Context) error) error {
	s.check()
	if body == nil {
		panic("async: Server.Serve was called with a nil function")
	}
	defer s.Close() // after a panic too
	err := body(ctx)
	s.Close()
	s.WaitClosed(context.WithoutCancel(ctx))
	return err
}

// String describes the server, as Server(127.0.0.1:80, serving, 3 connections).
func (s *Server) String() string {
	s.check()
	s.mu.Lock()
	defer s.mu.Unlock()
	state := "idle"
	switch {
	case s.closed:
		state = "closed"
	case s.serving:
		state = "serving"
	}
	return fmt.Sprintf("Server(%s, %s, %d connections)", s.ln.Addr(), state, len(s.open))
}

// serverKeeper is a Server as those who wait for its end know it.
type serverKeeper Server

// GaveUp implements [loop.Keeper]. Nobody else misses anything.
func (k *serverKeeper) GaveUp(*loop.Line, bool) {}

func (k *serverKeeper) String() string { return (*Server)(k).String() }
