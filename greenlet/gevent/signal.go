package gevent

import (
	"os"
	"os/signal"
	"sync"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Signal is a signal handler that is installed.
type Signal struct {
	cancel func()
}

// SignalHandler has fn called in a new greenlet of the caller's hub each time the signal comes:
// gevent.signal_handler. That happens when the goroutine of the hub waits. It stays until [Signal.Cancel], and does
// not keep a wait for everything from ending. It panics if fn is nil.
func SignalHandler(sig os.Signal, fn func()) *Signal {
	if fn == nil {
		panic("gevent: SignalHandler was called with a nil function")
	}
	c, err := me()
	if err != nil {
		panic(err.Error())
	}
	if c.main != nil {
		c.main.refs.Add(1)
	}
	l := c.l
	ch := make(chan os.Signal, 8)
	done := make(chan struct{})
	signal.Notify(ch, sig)
	go func() {
		defer close(done)
		for range ch {
			l.Do(func() { loop.NewHandle(l, func() { inGreenlet(l, fn) }).Soon() })
		}
	}()
	return &Signal{sync.OnceFunc(func() {
		signal.Stop(ch)
		close(ch)
		<-done
		if c.main != nil {
			c.main.refs.Add(-1)
			settle()
		}
	})}
}

// keepHub keeps the hub of the caller open, as a handler does, until release is called.
func keepHub() (release func()) {
	c, err := me()
	if err != nil || c.main == nil {
		return func() {}
	}
	h := c.main
	h.refs.Add(1)
	return sync.OnceFunc(func() {
		h.refs.Add(-1)
		settle()
	})
}

// Cancel takes the handler away: cancel().
func (s *Signal) Cancel() { s.cancel() }
