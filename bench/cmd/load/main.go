// Command load measures echo servers: asyncgo's streams, asyncgo's net.Conn, plain net with a goroutine per connection, and
// asyncio's and uvloop's streams where Python has them. The servers are processes of their own, and take turns.
//
//	go -C bench run ./cmd/load                          # 64 connections, 20,000 requests of 64 bytes on each
//	go -C bench run ./cmd/load -idle 10000              # memory per connection that is open and does nothing
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

var (
	serve    = flag.String("serve", "", "be the server: streams, conn or raw")
	conns    = flag.Int("conns", 64, "connections")
	requests = flag.Int("requests", 20000, "requests on each")
	size     = flag.Int("size", 64, "bytes of a request")
	rounds   = flag.Int("rounds", 3, "turns of each server; the median counts")
	idle     = flag.Int("idle", 0, "measure memory with as many idle connections instead")
	python   = flag.String("python", "python3", "the interpreter")
	scripts  = flag.String("scripts", "python", "the folder with echo.py")
)

func main() {
	flag.Parse()
	var err error
	switch *serve {
	case "":
		err = compare()
	case "raw":
		err = serveRaw()
	case "streams":
		err = async.Run(serveStreams)
	case "conn":
		err = async.Run(serveConn)
	default:
		err = fmt.Errorf("no server %q", *serve)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
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
		os.Exit(0) // whoever has started us is gone
	}()
}

// compare lets the servers take turns.
func compare() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	servers := [][]string{
		{self, "-serve", "raw"}, {self, "-serve", "streams"}, {self, "-serve", "conn"},
		{*python, filepath.Join(*scripts, "echo.py")}, {*python, filepath.Join(*scripts, "echo.py"), "uvloop"},
	}
	if *idle > 0 {
		for _, s := range servers[:3] {
			if err := measureIdle(s); err != nil {
				return err
			}
		}
		return nil
	}
	times := make([][]time.Duration, len(servers))
	for range *rounds {
		for i, s := range servers {
			d, err := drive(s)
			if err == nil {
				times[i] = append(times[i], d)
			}
		}
	}
	for i, s := range servers {
		name := strings.Join(s[1:], " ")
		if len(times[i]) == 0 {
			fmt.Printf("%-40s -\n", name)
			continue
		}
		slices.Sort(times[i])
		median := times[i][len(times[i])/2]
		fmt.Printf("%-40s %8.3f s  %6.2f µs a request\n", name, median.Seconds(),
			float64(median.Microseconds())/float64(*conns**requests))
	}
	return nil
}

// A server is one that runs.
type server struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	addr string
}

func start(command []string) (*server, error) {
	s := &server{cmd: exec.Command(command[0], command[1:]...)}
	s.in, _ = s.cmd.StdinPipe()
	out, _ := s.cmd.StdoutPipe()
	s.out = bufio.NewReader(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := s.out.ReadString('\n')
	if err != nil {
		s.stop()
		return nil, err
	}
	s.addr = strings.TrimSpace(line)
	return s, nil
}

func (s *server) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// memory asks the server how much it holds.
func (s *server) memory() (n int, err error) {
	fmt.Fprintln(s.in)
	_, err = fmt.Fscanln(s.out, &n)
	return n, err
}

// drive times the requests of all connections.
func drive(command []string) (time.Duration, error) {
	s, err := start(command)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	all, err := dial(s.addr, *conns)
	if err != nil {
		return 0, err
	}
	defer hangUp(all)
	var wg sync.WaitGroup
	errs := make(chan error, len(all))
	begin := time.Now()
	for _, c := range all {
		wg.Go(func() {
			p := make([]byte, *size)
			for range *requests {
				if _, err := c.Write(p); err != nil {
					errs <- err
					return
				}
				if _, err := io.ReadFull(c, p); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	d := time.Since(begin)
	select {
	case err := <-errs:
		return 0, err
	default:
		return d, nil
	}
}

func dial(addr string, n int) (all []net.Conn, err error) {
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			hangUp(all)
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func hangUp(all []net.Conn) {
	for _, c := range all {
		c.Close()
	}
}

// measureIdle prints what a connection weighs that has echoed once and does nothing since.
func measureIdle(command []string) error {
	s, err := start(command)
	if err != nil {
		return err
	}
	defer s.stop()
	before, err := s.memory()
	if err != nil {
		return err
	}
	all, err := dial(s.addr, *idle)
	if err != nil {
		return err
	}
	defer hangUp(all)
	p := make([]byte, *size)
	for _, c := range all {
		if _, err := c.Write(p); err != nil {
			return err
		}
		if _, err := io.ReadFull(c, p); err != nil {
			return err
		}
	}
	after, err := s.memory()
	if err != nil {
		return err
	}
	fmt.Printf("%-40s %8d bytes a connection\n", strings.Join(command[1:], " "), (after-before) / *idle)
	return nil
}
