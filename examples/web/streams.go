package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/asyncgo/asyncgo/async"
)

// maxBody is how many bytes of a body are taken.
const maxBody = 1 << 20

// serveHTTP returns a handler that speaks HTTP/1.1. The standard library reads the requests and writes the answers; it does not
// know that a task runs it.
func serveHTTP(app func(ctx context.Context, r request) (answer, error)) async.Handler {
	return func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
		in := bufio.NewReader(r.Reader(ctx))
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return refuse(w, err)
			}
			if strings.EqualFold(req.Header.Get("Expect"), "100-continue") {
				w.WriteString("HTTP/1.1 100 Continue\r\n\r\n")
			}
			body, err := io.ReadAll(io.LimitReader(req.Body, maxBody+1))
			if err != nil {
				return refuse(w, err)
			}
			a := answer{http.StatusRequestEntityTooLarge, "that is too much\n"}
			whole := len(body) <= maxBody
			if whole {
				if a, err = app(ctx, request{req.Method, req.URL.Path, body}); err != nil {
					return err
				}
			}
			last := req.Close || !whole
			if err := reply(w, req, a, last); err != nil {
				return gone(err)
			}
			if err := w.Drain(ctx); err != nil || last {
				return gone(err)
			}
		}
	}
}

// reply sends an answer in one piece.
func reply(w *async.StreamWriter, req *http.Request, a answer, last bool) error {
	var out bytes.Buffer
	err := (&http.Response{
		StatusCode: a.status, ProtoMajor: 1, ProtoMinor: 1, Request: req, Close: last,
		Header:        http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
		ContentLength: int64(len(a.text)), Body: io.NopCloser(strings.NewReader(a.text)),
	}).Write(&out)
	if err != nil {
		return err
	}
	_, err = w.Write(out.Bytes())
	return err
}

// refuse ends a connection whose next request cannot be read: because there is none, or because it is none.
func refuse(w *async.StreamWriter, err error) error {
	if errors.Is(err, async.ErrCancelled) || gone(err) == nil {
		return gone(err)
	}
	return gone(reply(w, &http.Request{Method: http.MethodGet}, answer{http.StatusBadRequest, "what is that?\n"}, true))
}

// gone returns nil for the errors that a client makes by going away, and other errors as they are.
func gone(err error) error {
	var op *net.OpError
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.As(err, &op) {
		return nil
	}
	return err
}
