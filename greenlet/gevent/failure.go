package gevent

import (
	"log/slog"
	"sync/atomic"

	"github.com/sourcegraph/conc/panics"
)

// A Failure is an error of a greenlet or a callback that nobody was there to get, when it happened.
type Failure struct {
	// Name says whose it is.
	Name string
	// Err is the error, a [PanicError] for a panic.
	Err error
}

var errorHandler atomic.Pointer[func(Failure)]

// SetErrorHandler sets what happens when a greenlet fails, besides that Get returns the error:
// hub.handle_error. Nil logs it by package slog, which is the default. It returns the handler before. One that
// panics is ignored.
func SetErrorHandler(fn func(Failure)) (previous func(Failure)) {
	var p *func(Failure)
	if fn != nil {
		p = &fn
	}
	if old := errorHandler.Swap(p); old != nil {
		return *old
	}
	return nil
}

// report tells the error handler.
func report(name string, err error) {
	if p := errorHandler.Load(); p != nil {
		panics.Try(func() { (*p)(Failure{name, err}) })
		return
	}
	slog.Error("greenlet failed", "greenlet", name, "error", err)
}
