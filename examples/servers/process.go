package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"

	"github.com/asyncgo/asyncgo/async"
)

// childVar tells a process that it is the child of a server, with the connection as its fourth file.
const childVar = "SERVERS_CHILD"

func isChild() bool { return os.Getenv(childVar) != "" }

// startProcesses is the server that forks.
func startProcesses(_ context.Context, out io.Writer) (string, func(context.Context) error, error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	var (
		wg  sync.WaitGroup
		mu  sync.Mutex
		all error // of the children
	)
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				err := serveByChild(self, conn.(*net.TCPConn), out)
				mu.Lock()
				defer mu.Unlock()
				all = errors.Join(all, err)
			})
		}
	})
	stop := func(ctx context.Context) error {
		ln.Close()
		_, err := async.ToThread(ctx, func(context.Context) (async.Void, error) {
			wg.Wait()
			return async.Void{}, all
		})
		return err
	}
	return ln.Addr().String(), stop, nil
}

// serveByChild starts this program again, for one connection, and waits for it: whoever starts a process has to, or it stays as
// a zombie.
func serveByChild(self string, conn *net.TCPConn, out io.Writer) error {
	f, err := conn.File()
	conn.Close() // f is a second way to it
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVar+"=1")
	cmd.ExtraFiles = []*os.File{f}
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	err = cmd.Start()
	f.Close() // the child has its own, and the client sees its end only if there is no other one
	if err != nil {
		return err
	}
	return cmd.Wait()
}

// serveAsChild serves the connection that the parent has accepted.
func serveAsChild(out io.Writer) error {
	f := os.NewFile(3, "connection")
	conn, err := net.FileConn(f)
	f.Close()
	if err != nil {
		return err
	}
	return serve(conn, out)
}

// serve answers one client, in a process or a thread of its own.
func serve(conn net.Conn, out io.Writer) error {
	defer conn.Close()
	p := make([]byte, 1024)
	for {
		n, err := conn.Read(p)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(out, ">>", string(p[:n]))
		if _, err := io.WriteString(conn, "OK"); err != nil {
			return err
		}
	}
}
