package async_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// onWeb is onLoop with a server of net/http, and a client whose transport is under test.
func onWeb(handler http.HandlerFunc, body func(ctx context.Context, t *testing.T, c *http.Client, url string)) func(*testing.T) {
	return func(t *testing.T) {
		guarded(t, func() {
			server := httptest.NewServer(handler)
			defer server.Close()
			base := &http.Transport{}
			defer base.CloseIdleConnections()
			check(async.Run(func(ctx context.Context) error {
				body(ctx, t, &http.Client{Transport: async.HTTPTransport(base)}, server.URL)
				return nil
			}))
		})
	}
}

// fetch returns what is at url.
func fetch(c *http.Client, url string) string {
	response := must(c.Get(url))
	defer response.Body.Close()
	return string(must(io.ReadAll(response.Body)))
}

func TestHTTPTransport(t *testing.T) {
	big := strings.Repeat("0123456789", 100000)
	t.Run("requests of many tasks are under way together", func(t *testing.T) {
		const n = 20
		arrived := make(chan struct{}, n)
		all := make(chan struct{})
		onWeb(func(w http.ResponseWriter, r *http.Request) {
			if arrived <- struct{}{}; len(arrived) == n {
				close(all)
			}
			<-all
			fmt.Fprint(w, r.URL.Path)
		}, func(ctx context.Context, t *testing.T, c *http.Client, url string) {
			var tasks []*async.Task[string]
			for i := range n {
				tasks = append(tasks, async.CreateTask(ctx, func(context.Context) (string, error) {
					return fetch(c, fmt.Sprint(url, "/", i)), nil
				}))
			}
			for i, task := range tasks {
				expectEqual(t, "body", must(task.Await(ctx)), fmt.Sprint("/", i))
			}
		})(t)
	})
	t.Run("a big body and an empty one come whole, and go whole", onWeb(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	}, func(ctx context.Context, t *testing.T, c *http.Client, url string) {
		for _, want := range []string{big, ""} {
			response := must(c.Post(url, "text/plain", strings.NewReader(want)))
			expectEqual(t, "body is whole", string(must(io.ReadAll(response.Body))) == want, true)
			check(response.Body.Close())
		}
	}))
	t.Run("a task that is cancelled gives its request up", func(t *testing.T) {
		begun := make(chan struct{}, 1)
		given := make(chan struct{})
		onWeb(func(_ http.ResponseWriter, r *http.Request) {
			begun <- struct{}{}
			<-r.Context().Done()
			close(given)
		}, func(ctx context.Context, t *testing.T, c *http.Client, url string) {
			get := async.Go(ctx, func(context.Context) error {
				_, err := c.Get(url)
				return err
			})
			must(async.ToThread(ctx, func(context.Context) (async.Void, error) { <-begun; return async.Void{}, nil }))
			get.Cancel()
			waitFor(ctx, get)
			expectError(t, "Get", get.Err(), async.ErrCancelled)
			must(async.ToThread(ctx, func(context.Context) (async.Void, error) { <-given; return async.Void{}, nil }))
		})(t)
	})
	t.Run("timeouts of the loop, of the client and of a plain context end a request and a body", onWeb(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			fmt.Fprint(w, "some")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}, func(ctx context.Context, t *testing.T, c *http.Client, url string) {
		short, cancel := async.WithTimeout(ctx, hundredth)
		defer cancel()
		_, err := c.Do(must(http.NewRequestWithContext(short, "GET", url, nil)))
		expectError(t, "Do", err, async.ErrTimeout)
		plain, cancelPlain := context.WithTimeout(context.Background(), hundredth)
		defer cancelPlain()
		_, err = c.Do(must(http.NewRequestWithContext(plain, "GET", url, nil)))
		expectError(t, "Do", err, context.DeadlineExceeded)
		limited := &http.Client{Transport: c.Transport, Timeout: 5 * hundredth}
		response := must(limited.Get(url + "/body"))
		_, err = io.ReadAll(response.Body)
		var timeout interface{ Timeout() bool }
		expectEqual(t, "ReadAll timed out", errors.As(err, &timeout) && timeout.Timeout(), true)
		check(response.Body.Close())
	}))
	t.Run("a body that is closed early reads no more, and one that is forgotten ends with the loop", onWeb(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			fmt.Fprint(w, big)
		}
	}, func(ctx context.Context, t *testing.T, c *http.Client, url string) {
		response := must(c.Get(url))
		must(io.ReadFull(response.Body, make([]byte, 1000)))
		check(response.Body.Close())
		_, err := response.Body.Read(make([]byte, 1))
		expectError(t, "Read", err, http.ErrBodyReadAfterClose)
		must(c.Get(url))
	}))
	t.Run("a plain goroutine just has the base", onWeb(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "plain")
	}, func(ctx context.Context, t *testing.T, c *http.Client, url string) {
		got := must(async.ToThread(ctx, func(context.Context) (string, error) { return fetch(c, url), nil }))
		expectEqual(t, "body", got, "plain")
	}))
	t.Run("other tasks run while one waits", func(t *testing.T) {
		release := make(chan struct{})
		onWeb(func(http.ResponseWriter, *http.Request) { <-release }, func(ctx context.Context, t *testing.T, c *http.Client, url string) {
			async.Go(ctx, func(context.Context) error {
				close(release)
				return nil
			})
			expectEqual(t, "body", fetch(c, url), "")
		})(t)
	})
}

// A tripper is a RoundTripper that is a function.
type tripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestHTTPTransportTimesOut(t *testing.T) {
	t.Run("a request that fails just as its timeout ends the wait is reported to nobody else", onLoop(func(ctx context.Context, t *testing.T) {
		c := &http.Client{Transport: async.HTTPTransport(tripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		}))}
		for range 10 {
			short, cancel := async.WithTimeout(ctx, hundredth)
			running(ctx).CallLater(hundredth, func() { // behind the timeout, and before the task goes on
				for range 10000 {
					runtime.Gosched()
				}
			})
			_, err := c.Do(must(http.NewRequestWithContext(short, "GET", "http://localhost/", nil)))
			expectError(t, "Do", err, async.ErrTimeout)
			cancel()
		}
	}, realTime))
}
