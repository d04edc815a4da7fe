// Command load measures echo servers: asyncgo's streams, asyncgo's net.Conn, plain net with a goroutine per connection, and
// asyncio's and uvloop's streams where Python has them. The servers are processes of their own, and take turns.
//
//	go -C bench run ./cmd/load                          # 64 connections, 20,000 requests of 64 bytes on each
//	go -C bench run ./cmd/load -idle 10000              # memory per connection that is open and does nothing
//	go -C bench run ./cmd/load -cpuprofile /tmp/load    # profiles of our servers, /tmp/load.streams and so on
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

var (
	serve    = flag.String("serve", "", "be the server: streams, conn or raw")
	conns    = flag.Int("conns", 64, "connections")
	requests = flag.Int("requests", 20000, "requests on each")
	size     = flag.Int("size", 64, "bytes of a request")
	rounds   = flag.Int("rounds", 5, "turns of each server; the median counts")
	idle     = flag.Int("idle", 0, "measure memory with as many idle connections instead")
	python   = flag.String("python", "python3", "the interpreter")
	scripts  = flag.String("scripts", "python", "the folder with echo.py")
	profile  = flag.String("cpuprofile", "", "have the servers in Go write CPU profiles to files of this name, a dot and theirs")
)

func main() {
	flag.Parse()
	var err error
	switch {
	case *serve != "":
		err = beServer(*serve)
	case *idle > 0:
		err = compareIdle()
	default:
		err = compare()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// A contender is a server that takes its turns.
type contender struct {
	name    string
	command []string
	times   []time.Duration
}

// contenders returns those in Go, and those in Python behind them.
func contenders() (ours, python []*contender, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	for _, kind := range []string{"raw", "streams", "conn"} {
		ours = append(ours, &contender{name: kind, command: []string{self, "-cpuprofile", *profile, "-serve", kind}})
	}
	return ours, pythons(), nil
}

func pythons() (all []*contender) {
	script := filepath.Join(*scripts, "echo.py")
	return []*contender{
		{name: "asyncio", command: []string{*python, script}},
		{name: "uvloop", command: []string{*python, script, "uvloop"}},
	}
}

func (c *contender) median() time.Duration {
	slices.Sort(c.times)
	return c.times[len(c.times)/2]
}

// compare lets the servers take turns, and prints their medians and what asyncgo's are beside the others'.
func compare() error {
	ours, guests, err := contenders()
	if err != nil {
		return err
	}
	all := append(ours[:len(ours):len(ours)], guests...)
	for range *rounds {
		for i, c := range all {
			d, err := drive(c.command)
			switch {
			case err == nil:
				c.times = append(c.times, d)
			case i < len(ours):
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	for _, c := range all {
		if len(c.times) == 0 {
			fmt.Printf("%-8s -\n", c.name)
			continue
		}
		median := c.median()
		fmt.Printf("%-8s %8.3f s  %6.2f µs a request", c.name, median.Seconds(),
			float64(median.Nanoseconds())/1e3/float64(*conns**requests))
		for _, o := range ours[1:] {
			if o != c {
				fmt.Printf("  %s/%s %.2f", o.name, c.name, o.median().Seconds()/median.Seconds())
			}
		}
		fmt.Println()
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

// stop has the server end by itself, so that it can write its profile, and kills one that does not look at its stdin.
func (s *server) stop() {
	s.in.Close()
	kill := time.AfterFunc(2*time.Second, func() { s.cmd.Process.Kill() })
	s.cmd.Wait()
	kill.Stop()
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

// compareIdle prints what an idle connection weighs with each of the servers in Go.
func compareIdle() error {
	ours, _, err := contenders()
	if err != nil {
		return err
	}
	raw := 0
	for _, c := range ours {
		n, err := weigh(c.command)
		if err != nil {
			return err
		}
		if raw == 0 {
			raw = n
		}
		fmt.Printf("%-8s %6d bytes a connection  %.2f of raw\n", c.name, n, float64(n)/float64(raw))
	}
	return nil
}

// weigh returns the bytes of a connection that has echoed once and does nothing since.
func weigh(command []string) (int, error) {
	s, err := start(command)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	before, err := s.memory()
	if err != nil {
		return 0, err
	}
	all, err := dial(s.addr, *idle)
	if err != nil {
		return 0, err
	}
	defer hangUp(all)
	p := make([]byte, *size)
	for _, c := range all {
		if _, err := c.Write(p); err != nil {
			return 0, err
		}
		if _, err := io.ReadFull(c, p); err != nil {
			return 0, err
		}
	}
	after, err := s.memory()
	if err != nil {
		return 0, err
	}
	return (after - before) / *idle, nil
}
