package async_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/asyncgo/asyncgo/async"
)

// The echo server of asyncio's documentation, and a client.
func ExampleStartServer() {
	handle := func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
		line, err := r.ReadLine(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("the server has got %q\n", line)
		w.Write(line)
		return w.Drain(ctx)
	}
	async.Run(func(ctx context.Context) error {
		server, err := async.StartServer(ctx, handle, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		return server.Serve(ctx, func(ctx context.Context) error {
			r, w, err := async.OpenConnection(ctx, "tcp", server.Addr().String())
			if err != nil {
				return err
			}
			defer w.Close()
			w.WriteString("hello\n")
			answer, err := r.Read(ctx, -1)
			fmt.Printf("the client has got %q\n", answer)
			return err
		})
	})
	// Output:
	// the server has got "hello\n"
	// the client has got "hello\n"
}

// A client writes, closes its way out, and reads what is left.
func ExampleOpenConnection() {
	async.Run(func(ctx context.Context) error {
		server, err := async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			for line, err := range r.Lines(ctx) {
				if err != nil {
					return err
				}
				w.WriteString(strings.ToUpper(string(line)))
			}
			return nil
		}, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer server.Close()
		r, w, err := async.OpenConnection(ctx, "tcp", server.Addr().String())
		if err != nil {
			return err
		}
		defer w.Close()
		w.WriteString("one\ntwo\n")
		w.WriteEOF()
		for line, err := range r.Lines(ctx) {
			if err != nil {
				return err
			}
			fmt.Print(string(line))
		}
		return nil
	})
	// Output:
	// ONE
	// TWO
}

// Code that is made for net.Conn runs in tasks.
func ExampleDial() {
	async.Run(func(ctx context.Context) error {
		ln, err := async.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		async.Go(ctx, func(context.Context) error {
			conn, err := ln.Accept()
			if err != nil {
				return err
			}
			defer conn.Close()
			_, err = io.Copy(conn, io.LimitReader(conn, 6))
			return err
		})
		conn, err := async.Dial(ctx, "tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		defer conn.Close()
		fmt.Fprintln(conn, "hello")
		line, err := bufio.NewReader(conn).ReadString('\n')
		fmt.Print(line)
		return err
	})
	// Output: hello
}

// What goes into a process, and what comes out.
func ExampleCreateSubprocess() {
	async.Run(func(ctx context.Context) error {
		p, err := async.CreateSubprocess(ctx, exec.Command("tr", "a-z", "A-Z"), async.PipeStdin(), async.PipeStdout())
		if err != nil {
			return err
		}
		out, _, err := p.Communicate(ctx, []byte("quiet\n"))
		fmt.Print(string(out))
		code, _ := p.ReturnCode()
		fmt.Println("code", code)
		return err
	})
	// Output:
	// QUIET
	// code 0
}

// Three requests at once, by an http.Client as it is.
func ExampleHTTPTransport() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "this is ", r.URL.Path)
	}))
	defer server.Close()
	client := &http.Client{Transport: async.HTTPTransport(server.Client().Transport)}
	get := func(path string) async.Coroutine[string] {
		return func(ctx context.Context) (string, error) {
			request, err := http.NewRequestWithContext(ctx, "GET", server.URL+path, nil)
			if err != nil {
				return "", err
			}
			response, err := client.Do(request)
			if err != nil {
				return "", err
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			return string(body), err
		}
	}
	async.Run(func(ctx context.Context) error {
		pages, err := async.Gather[string](ctx, get("/a"), get("/b"), get("/c"))
		fmt.Println(strings.Join(pages, "\n"))
		return err
	})
	// Output:
	// this is /a
	// this is /b
	// this is /c
}

// A file is read on another goroutine, while other tasks run.
func ExampleReadFile() {
	name := filepath.Join(os.TempDir(), "asyncgo-example")
	defer os.Remove(name)
	async.Run(func(ctx context.Context) error {
		if err := async.WriteFile(ctx, name, []byte("some text"), 0o600); err != nil {
			return err
		}
		text, err := async.ReadFile(ctx, name)
		fmt.Println(string(text))
		return err
	})
	// Output: some text
}

// A reader that is fed by hand, for a protocol of one's own.
func ExampleNewStreamReader() {
	async.Run(func(ctx context.Context) error {
		r := async.NewStreamReader(async.DefaultLimit)
		lines := async.Go(ctx, func(ctx context.Context) error {
			for line, err := range r.Lines(ctx) {
				fmt.Printf("%q %v\n", line, err)
			}
			return nil
		})
		for _, piece := range []string{"he", "llo\nwor", "ld"} {
			r.FeedData([]byte(piece))
			if err := async.Sleep(ctx, 0); err != nil {
				return err
			}
		}
		r.FeedEOF()
		_, err := lines.Await(ctx)
		return err
	})
	// Output:
	// "hello\n" <nil>
	// "world" <nil>
}

// A server for datagrams, as with create_datagram_endpoint: a goroutine reads them into a queue, which is safe from anywhere, and
// tasks take them from there. To send one does not wait.
func ExampleQueue_datagrams() {
	type datagram struct {
		data []byte
		from net.Addr
	}
	err := async.Run(func(ctx context.Context) error {
		socket, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer socket.Close() // which ends the goroutine
		var inbox async.Queue[datagram]
		go func() {
			defer inbox.Shutdown(false)
			for p := make([]byte, 1<<16); ; {
				n, from, err := socket.ReadFrom(p)
				if err != nil {
					return
				}
				inbox.PutNowait(datagram{bytes.Clone(p[:n]), from})
			}
		}()
		async.Go(ctx, func(ctx context.Context) error {
			for {
				d, err := inbox.Get(ctx)
				if err != nil {
					return err
				}
				if _, err := socket.WriteTo(bytes.ToUpper(d.data), d.from); err != nil {
					return err
				}
			}
		})

		client, err := async.Dial(ctx, "udp", socket.LocalAddr().String())
		if err != nil {
			return err
		}
		defer client.Close()
		for _, word := range []string{"hello", "datagrams"} {
			if _, err := client.Write([]byte(word)); err != nil {
				return err
			}
			p := make([]byte, 100)
			n, err := client.Read(p)
			if err != nil {
				return err
			}
			fmt.Println(string(p[:n]))
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// HELLO
	// DATAGRAMS
}
