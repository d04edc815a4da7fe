// Echo is a tutorial's server, written with plain package net: a greenlet for each client, all in one loop. The clients are
// goroutines of the same program. Each waits in the middle until all have been answered once, so a server that serves
// one after the other never gets there.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"sync"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/monkey"
)

// busy counts the greenlets that run. It needs no lock, and is never more than one, because they are in one loop.
var busy, most, served int

func run() func() {
	busy++
	most = max(most, busy)
	runtime.Gosched() // another goroutine may try
	return func() { busy-- }
}

func talk(conn net.Conn) {
	defer conn.Close()
	buf := make([]byte, 1024)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			break
		}
		done := run()
		answer := bytes.ToUpper(buf[:n])
		done()
		if _, err := conn.Write(answer); err != nil {
			break
		}
	}
	served++
}

func client(address string, i int, answered *sync.WaitGroup) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	for count := range 3 {
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
		if count == 0 {
			answered.Done()
			answered.Wait()
		}
	}
	return nil
}

func main() {
	clients, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	monkey.PatchAll()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	var answered sync.WaitGroup
	answered.Add(clients)
	failed := make(chan error, clients)
	for i := range clients {
		go func() { failed <- client(ln.Addr().String(), i, &answered) }()
	}
	all := make([]*gevent.Greenlet[gevent.Void], clients)
	for i := range all {
		conn, err := ln.Accept()
		if err != nil {
			panic(err)
		}
		all[i] = gevent.Go(func() { talk(conn) })
	}
	if _, err := gevent.JoinAll(all, gevent.RaiseError()); err != nil {
		panic(err)
	}
	for range clients {
		if err := <-failed; err != nil {
			panic(err)
		}
	}
	fmt.Println(served, "clients,", most, "at a time")
}
