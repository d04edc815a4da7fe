//go:build unix

package async_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// installed returns the path of a program that others have written. The test is skipped where it is not there.
func installed(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path = filepath.Join("/usr/sbin", name) // where servers are, and which is not in everybody's path
		if _, err := os.Stat(path); err != nil {
			t.Skip(name, "is not installed")
		}
	}
	return path
}

// withPeer is onLoop for a test that needs a program. Time is real, because the program's is.
func withPeer(name string, body func(ctx context.Context, t *testing.T, path string)) func(*testing.T) {
	return func(t *testing.T) {
		path := installed(t, name)
		guarded(t, func() {
			check(async.Run(func(ctx context.Context) error {
				body(ctx, t, path)
				return nil
			}))
		})
	}
}

// webFiles makes a folder with files for a web server, and returns it and what is in them.
func webFiles(t *testing.T) (dir string, files map[string][]byte) {
	dir = t.TempDir()
	check(os.Chmod(filepath.Dir(dir), 0o755))
	check(os.Chmod(dir, 0o755))
	files = map[string][]byte{}
	for i, size := range []int{0, 1, 1000, 1 << 20, 5 << 20} {
		p := bytes.Repeat([]byte{byte('a' + i), '\n'}, size/2+1)[:size]
		name := fmt.Sprint("file", i)
		files[name] = p
		check(os.WriteFile(filepath.Join(dir, name), p, 0o644))
	}
	return dir, files
}

// fetchAll fetches all files at the same time, each several times.
func fetchAll(ctx context.Context, t *testing.T, url string, files map[string][]byte) {
	base := &http.Transport{MaxIdleConnsPerHost: 4}
	defer base.CloseIdleConnections()
	c := &http.Client{Transport: async.HTTPTransport(base)}
	var tasks []*async.Task[async.Void]
	for name, want := range files {
		for range 5 {
			tasks = append(tasks, async.Go(ctx, func(context.Context) error {
				response, err := c.Get(url + "/" + name)
				if err != nil {
					return err
				}
				defer response.Body.Close()
				got, err := io.ReadAll(response.Body)
				if !bytes.Equal(got, want) || response.StatusCode != http.StatusOK {
					t.Errorf("%s has %d bytes, and the status is %s", name, len(got), response.Status)
				}
				return err
			}))
		}
	}
	waitFor(ctx, tasks...)
	for _, task := range tasks {
		expectError(t, "Get", task.Err(), nil)
	}
	response := must(c.Get(url + "/none"))
	expectEqual(t, "StatusCode", response.StatusCode, http.StatusNotFound)
	check(response.Body.Close())
}

func TestPeers(t *testing.T) {
	t.Run("Python's http.server gives its files to HTTPTransport", withPeer("python3", func(ctx context.Context, t *testing.T, path string) {
		dir, files := webFiles(t)
		p := must(async.CreateSubprocess(ctx, exec.Command(path, "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", dir, "0"), async.PipeStdout()))
		defer p.Close()
		line := text(p.Stdout().ReadLine(ctx))
		port := regexp.MustCompile(`port (\d+)`).FindStringSubmatch(line)
		if port == nil {
			t.Errorf("http.server says %q", line)
			return
		}
		fetchAll(ctx, t, "http://127.0.0.1:"+port[1], files)
	}))
	t.Run("nginx gives its files to HTTPTransport", withPeer("nginx", func(ctx context.Context, t *testing.T, path string) {
		dir, files := webFiles(t)
		own := t.TempDir()
		listen := filepath.Join(own, "socket") // a port that is free now may be taken by the time nginx wants it
		conf := filepath.Join(own, "nginx.conf")
		check(async.WriteFile(ctx, conf, fmt.Appendf(nil, `
			daemon off; master_process off; pid %[1]s/pid; error_log stderr;
			events {}
			http {
				access_log off; client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c;
				uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
				server { listen unix:%[2]s; root %[3]s; }
			}`, own, listen, dir), 0o600))
		p := must(async.CreateSubprocess(ctx, exec.Command(path, "-e", "stderr", "-c", conf, "-p", own), async.PipeStderr()))
		defer func() {
			check(p.Terminate())
			must(p.Wait(ctx))
		}()
		for {
			_, w, err := async.OpenConnection(ctx, "unix", listen)
			if err == nil {
				hangUp(ctx, w)
				break
			}
			if code, ended := p.ReturnCode(); ended {
				t.Errorf("nginx has ended with code %d: %s", code, text(p.Stderr().Read(ctx, -1)))
				return
			}
			check(async.Sleep(ctx, hundredth))
		}
		web := must(async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			return relay(ctx, r, w, "unix", listen)
		}, "tcp", "127.0.0.1:0"))
		fetchAll(ctx, t, "http://"+web.Addr().String(), files)
		shut(ctx, web)
	}))
	t.Run("openssl's client talks to a server with TLS", withPeer("openssl", func(ctx context.Context, t *testing.T, path string) {
		cfg, _ := certificate(t)
		leaf := must(x509.ParseCertificate(cfg.Certificates[0].Certificate[0]))
		ca := filepath.Join(t.TempDir(), "ca.pem")
		check(async.WriteFile(ctx, ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}), 0o600))
		s := must(async.StartServer(ctx, upper, "tcp", "127.0.0.1:0", async.TLS(cfg)))
		for _, version := range []string{"-tls1_2", "-tls1_3"} {
			p := must(async.CreateSubprocess(ctx, exec.Command(path, "s_client", "-connect", s.Addr().String(), "-servername", "localhost",
				"-CAfile", ca, "-verify_return_error", "-brief", "-no_ign_eof", version), allPipes()...))
			must(p.Stdin().WriteString("a secret\n"))
			check(p.Stdin().Drain(ctx))
			expectEqual(t, "answer", text(p.Stdout().ReadLine(ctx)), "A SECRET\n")
			check(p.Stdin().Close()) // s_client ends the connection then
			stderr := text(p.Stderr().Read(ctx, -1))
			expectEqual(t, "code", must(p.Wait(ctx)), 0)
			if !strings.Contains(stderr, "Verification: OK") {
				t.Errorf("s_client says %s", stderr)
			}
		}
		shut(ctx, s)
	}))
	t.Run("a client with TLS talks to openssl's server", withPeer("openssl", func(ctx context.Context, t *testing.T, path string) {
		cfg, client := certificate(t)
		dir := t.TempDir()
		key := must(x509.MarshalPKCS8PrivateKey(cfg.Certificates[0].PrivateKey))
		check(async.WriteFile(ctx, filepath.Join(dir, "cert"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cfg.Certificates[0].Certificate[0]}), 0o600))
		check(async.WriteFile(ctx, filepath.Join(dir, "key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
		p := must(async.CreateSubprocess(ctx, exec.Command(path, "s_server", "-accept", "127.0.0.1:0", "-cert", filepath.Join(dir, "cert"),
			"-key", filepath.Join(dir, "key"), "-rev", "-naccept", "1"), append(allPipes()[:2], async.StderrToStdout())...))
		defer p.Close()
		var at []string
		for line, err := range p.Stdout().Lines(ctx) {
			check(err)
			if at = regexp.MustCompile(`^ACCEPT (127\.0\.0\.1:\d+)`).FindStringSubmatch(string(line)); at != nil {
				break
			}
		}
		if at == nil {
			t.Error("s_server accepts nowhere")
			return
		}
		r, w, err := async.OpenConnection(ctx, "tcp", at[1], async.TLS(client))
		check(err)
		w.WriteString("desserts\n")
		expectEqual(t, "answer", text(r.ReadLine(ctx)), "stressed\n")
		hangUp(ctx, w)
	}))
	t.Run("nc closes its way out, and still reads the answer", withPeer("nc", func(ctx context.Context, t *testing.T, path string) {
		s := must(async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			p, err := r.Read(ctx, -1) // until nc says that this is all
			if err == nil {
				_, err = fmt.Fprintf(w, "%x\n", sha256.Sum256(p))
			}
			return err
		}, "tcp", "127.0.0.1:0"))
		big := bytes.Repeat([]byte("half close "), 100000)
		host, port, err := net.SplitHostPort(s.Addr().String())
		check(err)
		p := must(async.CreateSubprocess(ctx, exec.Command(path, "-N", host, port), allPipes()...))
		got := outputs(p.Communicate(ctx, big))
		expectEqual(t, "answer", got[0], fmt.Sprintf("%x\n", sha256.Sum256(big)))
		code, _ := p.ReturnCode()
		expectEqual(t, "code", code, 0)
		shut(ctx, s)
	}))
	t.Run("nc ends when we close our way out, and has all that we have sent", withPeer("nc", func(ctx context.Context, t *testing.T, path string) {
		socket := filepath.Join(t.TempDir(), "s")
		p := must(async.CreateSubprocess(ctx, exec.Command(path, "-l", "-U", "-v", socket), allPipes()...))
		defer p.Close()
		for line, err := range p.Stderr().Lines(ctx) {
			check(err)
			if bytes.HasPrefix(line, []byte("Listening")) {
				break
			}
		}
		r, w, err := async.OpenConnection(ctx, "unix", socket)
		check(err)
		must(p.Stdin().WriteString("from nc\n"))
		expectEqual(t, "line", text(r.ReadLine(ctx)), "from nc\n")
		big := strings.Repeat("to nc\n", 100000)
		must(w.WriteString(big))
		check(w.WriteEOF())
		expectEqual(t, "nc has all", text(p.Stdout().Read(ctx, -1)) == big, true)
		expectEqual(t, "end", text(r.Read(ctx, -1)), "")
		expectEqual(t, "code", must(p.Wait(ctx)), 0)
		hangUp(ctx, w)
	}))
}

// upper sends the lines back in capitals.
func upper(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		if _, err := w.Write(bytes.ToUpper(line)); err != nil {
			return err
		}
	}
	return nil
}

// relay connects a client with a server elsewhere, until the server has said all.
func relay(ctx context.Context, r *async.StreamReader, w *async.StreamWriter, network, addr string) error {
	sr, sw, err := async.OpenConnection(ctx, network, addr)
	if err != nil {
		return err
	}
	defer sw.Close()
	there := async.Go(ctx, func(ctx context.Context) error {
		defer sw.WriteEOF()
		return echo(ctx, r, sw)
	})
	err = echo(ctx, sr, w)
	there.Cancel()
	if _, stopped := there.Await(context.WithoutCancel(ctx)); err == nil && !there.Cancelled() && !errors.Is(stopped, net.ErrClosed) {
		err = stopped
	}
	return err
}
