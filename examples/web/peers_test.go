package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// peer runs a program that others have written, in a task, and returns what it prints. The test is skipped where the program
// is not installed.
func peer(t *testing.T, name string) func(ctx context.Context, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(name, "is not installed")
	}
	return func(ctx context.Context, args ...string) (string, error) {
		p, err := async.CreateSubprocess(ctx, exec.Command(path, args...), async.PipeStdout(), async.StderrToStdout())
		if err != nil {
			return "", err
		}
		defer p.Close()
		out, _, err := p.Communicate(ctx, nil)
		if code, _ := p.ReturnCode(); err == nil && code != 0 {
			err = fmt.Errorf("%s ends with code %d: %s", name, code, out)
		}
		return string(out), err
	}
}

// both has a test see each of the two servers.
func both(t *testing.T, body func(ctx context.Context, at net.Addr) error) {
	t.Helper()
	onSite(t, func(ctx context.Context, s *site) error {
		if err := body(ctx, s.streams); err != nil {
			return err
		}
		return body(ctx, s.nethttp)
	})
}

func TestPeers(t *testing.T) {
	t.Run("curl gets pages over one connection, asks for heads, and sends bodies", func(t *testing.T) {
		curl := peer(t, "curl")
		name := filepath.Join(t.TempDir(), "body")
		text := strings.Repeat("louder please\n", 10000)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		both(t, func(ctx context.Context, at net.Addr) error {
			url := fmt.Sprint("http://", at)
			for _, tt := range []struct {
				want string
				args []string
			}{
				// The first page makes a connection, and the others use it.
				{"hello\n1\nhello\n0\nhello\n0\n", []string{"--no-progress-meter", "-w", "%{num_connects}\n", url, url, url}},
				{strings.ToUpper(text), []string{"--no-progress-meter", "--data-binary", "@" + name, url + "/upper"}},
				{strings.ToUpper(text), []string{"--no-progress-meter", "-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue", "--data-binary", "@" + name, url + "/upper"}},
				{"there is nothing here\n", []string{"--no-progress-meter", "--http1.0", url + "/none"}},
			} {
				got, err := curl(ctx, append([]string{"--max-time", "20"}, tt.args...)...)
				if err != nil {
					return err
				}
				if got != tt.want {
					t.Errorf("%s: curl %v prints %.100q", at, tt.args, got)
				}
			}
			head, err := curl(ctx, "--max-time", "20", "--no-progress-meter", "--head", url)
			if !strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") || !strings.Contains(head, "Content-Length: 6\r\n") {
				t.Errorf("%s: the head is %q", at, head)
			}
			return err
		})
	})
	t.Run("wrk gets many pages over many connections, and no error", func(t *testing.T) {
		wrk := peer(t, "wrk")
		both(t, func(ctx context.Context, at net.Addr) error {
			out, err := wrk(ctx, "-t", "2", "-c", "32", "-d", "1s", fmt.Sprint("http://", at, "/"))
			if !regexp.MustCompile(`[1-9]\d+ requests in`).MatchString(out) {
				t.Errorf("%s: there is no page in %s", at, out)
			}
			if strings.Contains(out, "Socket errors") || strings.Contains(out, "Non-2xx") {
				t.Errorf("%s: there are errors in %s", at, out)
			}
			t.Log(out)
			return err
		})
	})
}
