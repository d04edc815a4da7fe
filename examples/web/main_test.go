package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

// TestMain also shows that nothing of a server outlives it.
func TestMain(m *testing.M) {
	asynctest.VerifyTestMain(m)
}

// onSite runs a test as the body of the program.
func onSite(t *testing.T, body func(ctx context.Context, s *site) error) {
	t.Helper()
	err := async.Run(func(ctx context.Context) error { return run(ctx, io.Discard, "127.0.0.1:0", "127.0.0.1:0", body) })
	if err != nil {
		t.Error(err)
	}
}

func TestBothServersShowTheSameApplication(t *testing.T) {
	onSite(t, func(ctx context.Context, s *site) error {
		base := &http.Transport{}
		defer base.CloseIdleConnections()
		c := &http.Client{Transport: async.HTTPTransport(base)}
		fetch := func(method string, at net.Addr, path, body string) string {
			req, err := http.NewRequestWithContext(ctx, method, fmt.Sprint("http://", at, path), strings.NewReader(body))
			if err != nil {
				return err.Error()
			}
			res, err := c.Do(req)
			if err != nil {
				return err.Error()
			}
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			return fmt.Sprint(res.StatusCode, " ", string(text), err)
		}
		big := strings.Repeat("loud ", 100000)
		for i, at := range []net.Addr{s.streams, s.nethttp} {
			for _, want := range []struct{ method, path, body, answer string }{
				{"GET", "/", "", "200 hello\n<nil>"},
				{"HEAD", "/", "", "200 <nil>"},
				{"GET", "/visits", "", fmt.Sprint("200 ", i+1, "\n<nil>")}, // one count for both
				{"POST", "/upper", big, "200 " + strings.ToUpper(big) + "<nil>"},
				{"GET", "/upper", "", "405 POST what I am to say\n<nil>"},
				{"GET", "/none", "", "404 there is nothing here\n<nil>"},
				{"GET", "/slow", "", "200 at last\n<nil>"},
			} {
				if got := fetch(want.method, at, want.path, want.body); got != want.answer {
					t.Errorf("%s %s %s is answered by %.80q", at, want.method, want.path, got)
				}
			}
			if got := fetch("POST", at, "/upper", strings.Repeat("x", maxBody+1)); !strings.HasPrefix(got, "413 ") && !strings.Contains(got, "reset") {
				t.Errorf("%s answers %.80q to too much", at, got)
			}
		}
		return nil
	})
}

// A slow request does not hold up the others, which come behind it on other connections.
func TestASlowRequestHoldsNobodyUp(t *testing.T) {
	onSite(t, func(ctx context.Context, s *site) error {
		slow := async.CreateTask(ctx, func(ctx context.Context) (string, error) { return talk(ctx, s.streams, get("/slow")) })
		for range 3 {
			if got, err := talk(ctx, s.streams, get("/")); err != nil || !strings.HasSuffix(got, "hello\n") {
				t.Errorf("the answer is %q, %v", got, err)
			}
		}
		if slow.IsDone() {
			t.Error("the slow request was answered first")
		}
		_, err := slow.Await(ctx)
		return err
	})
}

// An interrupt cancels the body. TestMain shows that nothing is left then.
func TestTheEndComesAlthoughClientsStay(t *testing.T) {
	err := async.Run(func(ctx context.Context) error {
		served := async.Go(ctx, func(ctx context.Context) error {
			return run(ctx, io.Discard, "127.0.0.1:0", "127.0.0.1:0", func(ctx context.Context, s *site) error {
				for _, at := range []net.Addr{s.streams, s.nethttp} {
					for _, request := range []string{keep, strings.Replace(keep, "/", "/slow", 1)} {
						r, w, err := async.OpenConnection(ctx, at.Network(), at.String())
						if err != nil {
							return err
						}
						defer w.Close()
						w.WriteString(request)
						if request != keep {
							continue // and wait for no answer
						}
						if _, err := r.ReadUntil(ctx, []byte("hello\n")); err != nil {
							return err
						}
					}
				}
				async.CurrentTask(ctx).Cancel()
				return async.Sleep(ctx, time.Hour)
			})
		})
		if _, err := served.Await(ctx); !errors.Is(err, async.ErrCancelled) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestServerOnStreams(t *testing.T) {
	tests := []struct{ name, send, want string }{
		{"requests that come together are answered one after the other", keep + keep + get("/"), "200 OK,200 OK,200 OK"},
		{"what is no request is refused", "nonsense\r\n\r\n", "400 Bad Request"},
		{"a request that ends in the middle gets no answer", "GET / HTTP/1.1\r\nHost: x\r\n", ""},
		{"HTTP/1.0 has its connection closed", "GET / HTTP/1.0\r\n\r\n", "200 OK"},
		{"a body in chunks is read", "POST /upper HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "200 OK"},
		{"who waits for leave to send gets it", "POST /upper HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na", "100 Continue,200 OK"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			onSite(t, func(ctx context.Context, s *site) error {
				got, err := talk(ctx, s.streams, tt.send)
				if status := statuses(got); status != tt.want {
					t.Errorf("the answers are %q in %q", status, got)
				}
				return err
			})
		})
	}
}

// keep is a request that leaves the connection open.
const keep = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// get is a request that has the connection closed.
func get(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
}

// talk sends bytes and returns all that comes back.
func talk(ctx context.Context, at net.Addr, send string) (string, error) {
	r, w, err := async.OpenConnection(ctx, at.Network(), at.String())
	if err != nil {
		return "", err
	}
	defer w.Close()
	w.WriteString(send)
	if err := w.WriteEOF(); err != nil {
		return "", err
	}
	got, err := r.Read(ctx, -1)
	return string(got), err
}

// statuses returns the status of each answer.
func statuses(text string) string {
	var all []string
	for in := bufio.NewReader(strings.NewReader(text)); ; {
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				all = append(all, err.Error())
			}
			return strings.Join(all, ",")
		}
		io.Copy(io.Discard, res.Body)
		all = append(all, res.Status)
	}
}
