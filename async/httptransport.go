package async

import (
	"context"
	"io"
	"net/http"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// HTTPTransport returns a transport for [http.Client] whose requests and whose reads of a body suspend the calling task and
// not its loop: what aiohttp and httpx are for asyncio. base does the work, on goroutines of its own; nil is
// [http.DefaultTransport]. Used by a plain goroutine it is just base.
//
// When the task that makes the request is cancelled, the request is given up and the client returns an error that is [ErrCancelled].
// If the request has a context of the loop, that is obeyed instead, its timeouts too; any other context works as
// ever. A read of the body obeys the task that reads.
//
// The body is read ahead, up to 128 KiB, by a goroutine that ends with the body: at its end, at Close, or at the end of the
// loop. Connections that base keeps for later stay; [http.Client.CloseIdleConnections] closes them.
func HTTPTransport(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return &httpTransport{base}
}

type httpTransport struct{ base http.RoundTripper }

// CloseIdleConnections is for [http.Client.CloseIdleConnections].
func (h *httpTransport) CloseIdleConnections() {
	if c, ok := h.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// RoundTrip implements [http.RoundTripper].
func (h *httpTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	t := loop.Here()
	if t == nil {
		return h.base.RoundTrip(request)
	}
	wait := request.Context()
	if loop.Of(wait) == nil {
		wait = t.Own()
	}
	ctx, cancel := context.WithCancel(request.Context())
	sent := false
	defer func() {
		if !sent { // also if the task is unwound
			cancel()
		}
	}()
	response, err := elsewhere(wait, func(context.Context) (*http.Response, error) {
		return h.base.RoundTrip(request.WithContext(ctx))
	}, func(r *http.Response) { r.Body.Close() })
	if err != nil {
		return nil, err
	}
	sent = true
	if _, both := response.Body.(io.Writer); both || response.Body == http.NoBody {
		return response, nil
	}
	body := newTransport(faceOf(t.Loop()), response.Body, DefaultLimit, false)
	body.lost = cancel
	body.begin()
	response.Body = &taskBody{body.r}
	return response, nil
}

// A taskBody is the body of a response, which was read ahead.
type taskBody struct{ r *StreamReader }

// Read implements [io.Reader].
func (b *taskBody) Read(p []byte) (int, error) {
	ctx := context.Background()
	if t := loop.Here(); t != nil {
		ctx = t.Own()
	}
	b.r.mu.Lock()
	closed := b.r.source.stopping
	b.r.mu.Unlock()
	if closed {
		return 0, http.ErrBodyReadAfterClose
	}
	return (&plainReader{ctx, b.r}).Read(p)
}

// Close implements [io.Closer].
func (b *taskBody) Close() error {
	b.r.source.close(true)
	return nil
}
