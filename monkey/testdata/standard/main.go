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
	if !monkey.IsPatched("time.Sleep") {
		patience = 300 * time.Millisecond // it stands still anyhow
	}
	names := os.Args[1:]
	if len(names) == 0 {
		for name := range calls {
			names = append(names, name)
		}
		slices.Sort(names)
	}
	for _, name := range names {
		call := calls[name]
		if call == nil {
			call = special[name]
		}
		fmt.Println(name+":", try(call))
	}
}

// patience is how long a loop may stand still. Only what is wrong takes as long.
var patience = 3 * time.Second

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
			timer := time.AfterFunc(patience, func() {
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

// special has calls for files that not every system has. They are made only if they are asked for.
var special = map[string]func(h *helper) (string, error){}

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
	"lookups": func(h *helper) (string, error) {
		lookups := []func(ctx context.Context, r *net.Resolver) error{
			func(ctx context.Context, r *net.Resolver) error {
				_, err := r.LookupHost(ctx, "a.invalid.")
				return err
			},
			func(ctx context.Context, r *net.Resolver) error {
				_, err := r.LookupIPAddr(ctx, "a.invalid.")
				return err
			},
			func(ctx context.Context, r *net.Resolver) error {
				_, err := r.LookupIP(ctx, "ip4", "a.invalid.")
				return err
			},
			func(ctx context.Context, r *net.Resolver) error {
				_, err := r.LookupNetIP(ctx, "ip", "a.invalid.")
				return err
			},
			func(ctx context.Context, r *net.Resolver) error {
				_, err := r.LookupCNAME(ctx, "a.invalid.")
				return err
			},
			func(ctx context.Context, r *net.Resolver) error { _, err := r.LookupMX(ctx, "a.invalid."); return err },
			func(ctx context.Context, r *net.Resolver) error { _, err := r.LookupNS(ctx, "a.invalid."); return err },
			func(ctx context.Context, r *net.Resolver) error { _, err := r.LookupTXT(ctx, "a.invalid."); return err },
			func(ctx context.Context, r *net.Resolver) error { _, err := r.LookupAddr(ctx, "192.0.2.1"); return err },
			func(ctx context.Context, r *net.Resolver) error {
				_, _, err := r.LookupSRV(ctx, "x", "tcp", "a.invalid.")
				return err
			},
			func(ctx context.Context, r *net.Resolver) error {
				d := net.Dialer{Resolver: r}
				_, err := d.DialContext(ctx, "tcp", "a.invalid.:80")
				return err
			},
		}
		for _, lookup := range lookups {
			// The resolver gets its answer, which is that there is none, when another task has run.
			gate := make(chan struct{})
			h.meanwhile(func() { close(gate) })
			r := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
				<-gate
				return nil, errors.New("no server")
			}}
			if lookup(h.ctx, r) == nil {
				return "found", nil
			}
		}
		return fmt.Sprint(len(lookups)), nil
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
		close(gate)
		db := sql.OpenDB(connector{&gate})
		defer db.Close()
		var (
			tx   *sql.Tx
			stmt *sql.Stmt
			c    *sql.Conn
		)
		for i, call := range []func() error{
			db.Ping,
			func() error { _, err := db.Exec("SELECT"); return err },
			func() error { return db.QueryRow("SELECT").Scan() },
			func() (err error) { stmt, err = db.Prepare("SELECT"); return err },
			func() error { _, err := stmt.Exec(); return err },
			func() error { return stmt.QueryRow().Scan() },
			func() (err error) { tx, err = db.Begin(); return err },
			func() error { _, err := tx.Exec("SELECT"); return err },
			func() error { return tx.QueryRow("SELECT").Scan() },
			func() error { _, err := tx.Prepare("SELECT"); return err },
			func() error { _, err := tx.Stmt(stmt).Exec(); return err },
			func() error { return tx.Commit() },
			func() (err error) { tx, err = db.Begin(); return err },
			func() error { return tx.Rollback() },
			func() (err error) { c, err = db.Conn(h.ctx); return err },
			func() error { return c.PingContext(h.ctx) },
			func() error { _, err := c.ExecContext(h.ctx, "SELECT"); return err },
			func() error { return c.Close() },
		} {
			// Whatever the driver does waits until another task has run.
			gate = make(chan struct{})
			h.meanwhile(func() { close(gate) })
			if err := call(); err != nil && err != sql.ErrNoRows {
				return "", fmt.Errorf("call %d: %w", i, err)
			}
			check(async.Sleep(h.ctx, 0))
		}
		return "executed", nil
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
type connector struct{ gate *chan struct{} }

func (c connector) Connect(context.Context) (driver.Conn, error) { return conn(c), nil }
func (c connector) Driver() driver.Driver                        { return nil }

type conn struct{ gate *chan struct{} }

func (c conn) wait() { <-*c.gate }

func (c conn) Close() error                        { return nil }
func (c conn) Ping(context.Context) error          { c.wait(); return nil }
func (c conn) Begin() (driver.Tx, error)           { c.wait(); return c, nil }
func (c conn) Commit() error                       { c.wait(); return nil }
func (c conn) Rollback() error                     { c.wait(); return nil }
func (c conn) Prepare(string) (driver.Stmt, error) { c.wait(); return statement(c), nil }
func (c conn) Exec(string, []driver.Value) (driver.Result, error) {
	c.wait()
	return driver.ResultNoRows, nil
}
func (c conn) Query(string, []driver.Value) (driver.Rows, error) { c.wait(); return rows(c), nil }

type statement conn

func (s statement) Close() error                               { return nil }
func (s statement) NumInput() int                              { return 0 }
func (s statement) Exec([]driver.Value) (driver.Result, error) { return conn(s).Exec("", nil) }
func (s statement) Query([]driver.Value) (driver.Rows, error)  { return conn(s).Query("", nil) }

// rows are none.
type rows conn

func (r rows) Columns() []string         { return nil }
func (r rows) Close() error              { return nil }
func (r rows) Next([]driver.Value) error { return io.EOF }

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
	defer kill(cmd).Stop()
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

// kill ends a child after a while, whose loop stands still then.
func kill(cmd *exec.Cmd) *time.Timer {
	return time.AfterFunc(patience, func() { cmd.Process.Kill() })
}

// child is a program whose first task reads from its standard input, or writes more than a pipe takes.
func child(name string) {
	monkey.PatchAll()
	async.Run(func(ctx context.Context) error {
		waits := async.Go(ctx, func(context.Context) error {
			switch name {
			case "stdout":
				_, err := os.Stdout.Write(make([]byte, 1<<20))
				return err
			case "pieces":
				for range 100 {
					if _, err := os.Stdout.Write(make([]byte, 4000)); err != nil {
						return err
					}
				}
				return nil
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
