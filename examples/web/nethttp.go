package main

import (
	"context"
	"io"
	"net/http"

	"github.com/asyncgo/asyncgo/async"
)

// A bridge is a handler of net/http. It runs on a goroutine of its own, reads the request there, and has a task of the loop
// answer it.
type bridge struct {
	loop *async.Loop
	app  func(ctx context.Context, r request) (answer, error)
}

// ServeHTTP implements [http.Handler].
func (b bridge) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		http.Error(w, "that is too much", http.StatusRequestEntityTooLarge)
		return
	}
	f := async.RunCoroutineThreadsafe(b.loop, func(ctx context.Context) (answer, error) {
		return b.app(ctx, request{req.Method, req.URL.Path, body})
	})
	a, err := f.Await(req.Context())
	if err != nil {
		f.Cancel() // a client that has gone does not stop the task by itself
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(a.status)
	io.WriteString(w, a.text)
}
