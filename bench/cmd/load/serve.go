package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/pprof"

	"github.com/asyncgo/asyncgo/async"
)

// beServer is the process of a server.
func beServer(kind string) error {
	if *profile != "" {
		f, err := os.Create(*profile + "." + kind)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
	}
	switch kind {
	case "raw":
		return serveRaw()
	case "streams":
		return async.Run(serveStreams)
	case "conn":
		return async.Run(serveConn)
	}
	return fmt.Errorf("no server %q", kind)
}

func serveRaw() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	announce(ln.Addr())
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go echo(c)
	}
}

// echo sends back what comes.
func echo(c net.Conn) {
	defer c.Close()
	p := make([]byte, 4096)
	for {
		n, err := c.Read(p)
		if err != nil {
			return
		}
		if _, err := c.Write(p[:n]); err != nil {
			return
		}
	}
}

func serveStreams(ctx context.Context) error {
	s, err := async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
		for {
			p, err := r.Read(ctx, 4096)
			if err != nil || len(p) == 0 {
				return err
			}
			if _, err := w.Write(p); err != nil {
				return err
			}
			if err := w.Drain(ctx); err != nil {
				return err
			}
		}
	}, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	announce(s.Addr())
	return s.ServeForever(ctx)
}

func serveConn(ctx context.Context) error {
	ln, err := async.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	announce(ln.Addr())
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		async.Go(ctx, func(context.Context) error {
			echo(c)
			return nil
		})
	}
}

// announce prints the address, and then how much memory the process holds, for each line of its stdin.
func announce(a net.Addr) {
	fmt.Println(a)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			fmt.Println(m.HeapInuse + m.StackInuse)
		}
		pprof.StopCPUProfile()
		os.Exit(0) // whoever has started us is done, or gone
	}()
}
