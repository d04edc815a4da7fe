// Geventecho is a tutorial's server for gevent: every client talks to a greenlet of its own, which sends
// back what it gets in capital letters. With the argument "client" it is five hundred clients.
//
//	go run ./examples/geventecho
//
// Scripts, by tutorial as in examples/README.md: III, gevent: the echo server and its clients.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

const address = "127.0.0.1:8080"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "client" {
		if err := clients(address, 500, 10); err != nil {
			log.Fatal(err)
		}
		return
	}
	if err := newServer(address).ServeForever(); err != nil {
		log.Fatal(err)
	}
}

func newServer(address string) *gevent.StreamServer {
	return gevent.NewStreamServer("tcp", address, talk)
}

// talk serves one client.
func talk(conn net.Conn) error {
	buf := make([]byte, 1024)
	for {
		n, err := conn.Read(buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := conn.Write(bytes.ToUpper(buf[:n])); err != nil {
			return err
		}
	}
}

// clients talks to the server from n greenlets at the same time, and checks every answer.
func clients(address string, n, messages int) error {
	all := make([]*gevent.Greenlet[gevent.Void], n)
	for i := range all {
		all[i] = gevent.Spawn(func() (gevent.Void, error) { return gevent.Void{}, client(address, i, messages) })
	}
	_, err := gevent.JoinAll(all, gevent.RaiseError())
	return err
}

func client(address string, i, messages int) error {
	conn, err := gevent.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	for count := range messages {
		msg := fmt.Appendf(nil, "Thread-%d say hello %d", i, count)
		if _, err := conn.Write(msg); err != nil {
			return err
		}
		answer := make([]byte, len(msg))
		if _, err := io.ReadFull(conn, answer); err != nil {
			return err
		}
		if want := bytes.ToUpper(msg); !bytes.Equal(answer, want) {
			return fmt.Errorf("the answer is %q and not %q", answer, want)
		}
	}
	return nil
}
