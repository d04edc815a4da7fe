// Standard makes calls of the standard library that wait for something that another task of the same loop does, or for
// time to pass. The argument says which. Each prints what has come and whether the loop went on meanwhile.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/monkey"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		child(os.Args[2])
		return
	}
	report, err := monkey.PatchAll()
	if err != nil || report.Outcome != monkey.Patched {
		panic(report.String())
	}
	names := os.Args[1:]
	if len(names) == 0 {
		for name := range calls {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	for _, name := range names {
		fmt.Println(name+":", try(calls[name]))
	}
}

// A helper is what a call gets from the test: a function that lets another task go on, which ends the wait.
type helper struct {
	ctx context.Context
	// meanwhile has fn called by another task, as soon as the loop goes on.
	meanwhile func(fn func())
}

// try runs a call in a task and says how it went.
func try(call func(h *helper) (string, error)) (how string) {
	var other, rescued atomic.Bool
	err := async.Run(func(ctx context.Context) error {
		h := &helper{ctx: ctx, meanwhile: func(fn func()) {
			var once sync.Once
			async.Go(ctx, func(context.Context) error {
				once.Do(func() {
					other.Store(true)
					fn()
				})
				return nil
			})
			// If the loop stands still, this ends the test.
			timer := time.AfterFunc(3*time.Second, func() {
				once.Do(func() {
					rescued.Store(true)
					fn()
				})
			})
			async.Go(ctx, func(ctx context.Context) error {
				defer timer.Stop()
				return async.Sleep(ctx, 0)
			})
		}}
		var err error
		how, err = call(h)
		return err
	}, async.ThreadJoinTimeout(5*time.Second))
	switch {
	case err != nil:
		return "error " + err.Error()
	case rescued.Load():
		return how + ", the loop stands still"
	case !other.Load():
		return how + ", no other task ran"
	}
	return how
}

// pipe returns the two ends of a connection over the network.
func pipe(network, address string) (client, server net.Conn) {
	ln, err := net.Listen(network, address)
	check(err)
	defer ln.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		check(err)
		server = conn
	}()
	client, err = net.Dial(network, ln.Addr().String())
	check(err)
	<-done
	return client, server
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

var calls = map[string]func(h *helper) (string, error){
	"tcp read": func(h *helper) (string, error) {
		client, server := pipe("tcp", "127.0.0.1:0")
		defer client.Close()
		defer server.Close()
		h.meanwhile(func() { server.Write([]byte("hello")) })
		p := make([]byte, 10)
		n, err := client.Read(p)
		return string(p[:n]), err
	},
	"tcp write": func(h *helper) (string, error) {
		client, server := pipe("tcp", "127.0.0.1:0")
		defer server.Close()
		const size = 16 << 20 // more than the kernel takes
		got := make(chan int64, 1)
		h.meanwhile(func() {
			go func() {
				n, _ := io.Copy(io.Discard, server)
				got <- n
			}()
		})
		_, err := client.Write(make([]byte, size))
		client.Close()
		return fmt.Sprint(<-got == size), err
	},
	"accept": func(h *helper) (string, error) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		check(err)
		defer ln.Close()
		h.meanwhile(func() {
			conn, err := net.Dial("tcp", ln.Addr().String())
			check(err)
			conn.Close()
		})
		conn, err := ln.Accept()
		if err == nil {
			conn.Close()
		}
		return "accepted", err
	},
	"udp read": func(h *helper) (string, error) {
		a, err := net.ListenPacket("udp", "127.0.0.1:0")
		check(err)
		defer a.Close()
		h.meanwhile(func() {
			b, err := net.Dial("udp", a.LocalAddr().String())
			check(err)
			b.Write([]byte("hello"))
			b.Close()
		})
		p := make([]byte, 10)
		n, _, err := a.ReadFrom(p)
		return string(p[:n]), err
	},
	"close ends a read": func(h *helper) (string, error) {
		client, server := pipe("tcp", "127.0.0.1:0")
		defer server.Close()
		h.meanwhile(func() { client.Close() })
		_, err := client.Read(make([]byte, 1))
		return fmt.Sprint(errors.Is(err, net.ErrClosed)), nil
	},
	"two read one connection": func(h *helper) (string, error) {
		client, server := pipe("tcp", "127.0.0.1:0")
		defer client.Close()
		read := func(context.Context) (byte, error) {
			var p [1]byte
			_, err := client.Read(p[:])
			return p[0], err
		}
		one, two := async.CreateTask(h.ctx, read), async.CreateTask(h.ctx, read)
		check(async.Sleep(h.ctx, 0))
		h.meanwhile(func() {
			server.Write([]byte("xx"))
			server.Close()
		})
		a, err := one.Await(h.ctx)
		check(err)
		b, err := two.Await(h.ctx)
		return string([]byte{a, b}), err
	},
	"dial": func(h *helper) (string, error) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		check(err)
		defer ln.Close()
		h.meanwhile(func() {})
		conn, err := net.Dial("tcp", ln.Addr().String())
		check(err)
		conn.Close()
		return "connected", nil
	},
	"lookup": func(h *helper) (string, error) {
		r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return nil, errors.New("no server")
		}}
		h.meanwhile(func() {})
		_, err := r.LookupHost(h.ctx, "example.invalid")
		return fmt.Sprint(err != nil), nil
	},
	"tls": func(h *helper) (string, error) {
		client, server := pipe("tcp", "127.0.0.1:0")
		cert := httptest.NewUnstartedServer(nil)
		cert.StartTLS()
		config := cert.TLS.Clone()
		cert.Close()
		config.NextProtos = nil
		// Both sides are tasks, and both write while the other one reads.
		serve := async.CreateTask(h.ctx, func(context.Context) (string, error) {
			conn := tls.Server(server, config)
			defer conn.Close()
			line, err := bufio.NewReader(conn).ReadString('\n')
			check(err)
			_, err = io.WriteString(conn, line)
			return line, err
		})
		conn := tls.Client(client, &tls.Config{InsecureSkipVerify: true})
		defer conn.Close()
		reads := async.CreateTask(h.ctx, func(context.Context) (string, error) {
			return bufio.NewReader(conn).ReadString('\n')
		})
		h.meanwhile(func() {})
		check(async.Sleep(h.ctx, 0))
		if _, err := io.WriteString(conn, "hello\n"); err != nil {
			return "", err
		}
		if _, err := serve.Await(h.ctx); err != nil {
			return "", err
		}
		line, err := reads.Await(h.ctx)
		return fmt.Sprintf("%q", line), err
	},
	"http": func(h *helper) (string, error) {
		gate := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "he")
			w.(http.Flusher).Flush()
			<-gate
			io.WriteString(w, "llo")
		}))
		defer server.Close()
		defer http.DefaultClient.CloseIdleConnections()
		response, err := http.Get(server.URL)
		check(err)
		defer response.Body.Close()
		h.meanwhile(func() { close(gate) })
		body, err := io.ReadAll(response.Body)
		return string(body), err
	},
	"http2": func(h *helper) (string, error) {
		gate := make(chan struct{})
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.Proto)
			w.(http.Flusher).Flush()
			<-gate
			io.WriteString(w, "!")
		}))
		server.EnableHTTP2 = true
		server.StartTLS()
		defer server.Close()
		response, err := server.Client().Get(server.URL)
		check(err)
		defer response.Body.Close()
		h.meanwhile(func() { close(gate) })
		body, err := io.ReadAll(response.Body)
		return string(body), err
	},
	"os.Pipe": func(h *helper) (string, error) {
		r, w, err := os.Pipe()
		check(err)
		defer r.Close()
		h.meanwhile(func() {
			w.WriteString("hello")
			w.Close()
		})
		all, err := io.ReadAll(r)
		return string(all), err
	},
	"stdin": func(h *helper) (string, error) {
		return viaChild(h, "stdin")
	},
	"stdout": func(h *helper) (string, error) {
		return viaChild(h, "stdout")
	},
	"wait for a process": func(h *helper) (string, error) {
		cmd := exec.Command(os.Args[0], "child", "stdin")
		in, err := cmd.StdinPipe()
		check(err)
		check(cmd.Start())
		h.meanwhile(func() {
			io.WriteString(in, "bye")
			in.Close()
		})
		return "ended", cmd.Wait()
	},
	"sql": func(h *helper) (string, error) {
		gate := make(chan struct{})
		db := sql.OpenDB(connector{gate})
		defer db.Close()
		h.meanwhile(func() { close(gate) })
		_, err := db.ExecContext(context.Background(), "SELECT")
		return "executed", err
	},
	"log": func(h *helper) (string, error) {
		// Two tasks log to a pipe that is full. The one that has the logger's lock waits for the pipe, and the other one for
		// the lock.
		r, w, err := os.Pipe()
		check(err)
		defer r.Close()
		fill(w)
		write := func(context.Context) (async.Void, error) {
			log.New(w, "", 0).Print("x")
			return async.Void{}, nil
		}
		logger := log.New(w, "", 0)
		slogger := slog.New(slog.NewTextHandler(w, nil))
		tasks := []*async.Task[async.Void]{async.CreateTask(h.ctx, write)}
		for range 3 {
			tasks = append(tasks, async.Go(h.ctx, func(context.Context) error { logger.Print("y"); return nil }))
			tasks = append(tasks, async.Go(h.ctx, func(context.Context) error { slogger.Info("z"); return nil }))
		}
		check(async.Sleep(h.ctx, 0))
		h.meanwhile(func() { go io.Copy(io.Discard, r) })
		_, err = async.GatherOf(h.ctx, tasks)
		w.Close()
		return "logged", err
	},
}

// fill writes to a pipe until it is full.
func fill(w *os.File) {
	w.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	for {
		if _, err := w.Write(make([]byte, 4096)); err != nil {
			break
		}
	}
	w.SetWriteDeadline(time.Time{})
}

// A connector is a database whose every call waits for a gate.
type connector struct{ gate chan struct{} }

func (c connector) Connect(context.Context) (driver.Conn, error) { return conn(c), nil }
func (c connector) Driver() driver.Driver                        { return nil }

type conn struct{ gate chan struct{} }

func (c conn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (c conn) Close() error                        { return nil }
func (c conn) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }
func (c conn) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	<-c.gate
	return driver.ResultNoRows, nil
}

// viaChild runs a part of the test in a program whose standard input and output are pipes that block. Only when the
// program's other task has run, the pipes are served.
func viaChild(h *helper, name string) (string, error) {
	cmd := exec.Command(os.Args[0], "child", name)
	in, err := cmd.StdinPipe()
	check(err)
	out, err := cmd.StdoutPipe()
	check(err)
	other, err := cmd.StderrPipe()
	check(err)
	check(cmd.Start())
	h.meanwhile(func() {})
	defer time.AfterFunc(3*time.Second, func() { cmd.Process.Kill() }).Stop()
	line, err := bufio.NewReader(other).ReadString('\n')
	if err != nil {
		cmd.Wait()
		return "the child's loop stands still", nil
	}
	io.WriteString(in, "hello")
	in.Close()
	rest, err := io.ReadAll(out)
	check(err)
	return fmt.Sprintf("%q and %d bytes", line, len(rest)), cmd.Wait()
}

// child is a program whose first task reads from its standard input, or writes more than a pipe takes.
func child(name string) {
	monkey.PatchAll()
	async.Run(func(ctx context.Context) error {
		waits := async.Go(ctx, func(context.Context) error {
			if name == "stdout" {
				_, err := os.Stdout.Write(make([]byte, 1<<20))
				return err
			}
			all, err := io.ReadAll(os.Stdin)
			os.Stdout.Write(all)
			return err
		})
		async.Go(ctx, func(context.Context) error {
			_, err := os.Stderr.WriteString("other\n")
			return err
		})
		_, err := waits.Await(ctx)
		return err
	})
}
