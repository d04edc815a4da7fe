package main

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
)

// one is proc.start(); proc.join().
func (s *script) one(ctx context.Context) error {
	p, err := process(ctx, "show", "subprocess")
	if err != nil {
		return err
	}
	return s.join(ctx, p)
}

// myProcess is the tutorial's class MyProcess(Process).
type myProcess struct{ name string }

func (p *myProcess) start(ctx context.Context) (*async.Process, error) {
	return process(ctx, "run", p.name)
}

// class joins each process before it starts the next one.
func (s *script) class(ctx context.Context) error {
	for i := range 3 {
		p, err := (&myProcess{fmt.Sprint(i)}).start(ctx)
		if err != nil {
			return err
		}
		if err := s.join(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// three starts three processes and joins them afterwards, so that they run beside each other: all have started
// before the first one stops.
func (s *script) three(ctx context.Context) error {
	var all []*async.Process
	for i := range 3 {
		p, err := process(ctx, "task", fmt.Sprint(i+1))
		if err != nil {
			return err
		}
		all = append(all, p)
	}
	for _, p := range all {
		line, err := p.Stdout().ReadLine(ctx)
		if err != nil {
			return err
		}
		s.print(strings.TrimSpace(string(line)))
	}
	for _, p := range all {
		p.Stdin().Close()
		if err := s.join(ctx, p); err != nil {
			return err
		}
	}
	s.print("主进程!!!!")
	return nil
}

// ids shows p.pid, os.getpid() and os.getppid().
func (s *script) ids(ctx context.Context) error {
	p, err := process(ctx, "ids")
	if err != nil {
		return err
	}
	text, err := p.Stdout().Read(ctx, -1)
	if err != nil {
		return err
	}
	var own, parent int
	if _, err := fmt.Sscan(string(text), &own, &parent); err != nil {
		return err
	}
	s.print("the child is another process:", own != os.Getpid())
	s.print("p.pid is its id:", own == p.PID())
	s.print("we are its parent:", parent == os.Getpid())
	_, err = p.Wait(ctx)
	return err
}

// names shows p1.name, and current_process().name in both processes. Python's process object knows its name; here it is a
// variable of ours, and travels to the process in its environment.
func (s *script) names(ctx context.Context) error {
	const name = "子进程1"
	p1, err := named(ctx, name, "named")
	if err != nil {
		return err
	}
	s.print(name)
	s.print(currentName())
	s.print("主")
	return s.join(ctx, p1)
}

// alive shows is_alive() and terminate(). The code of a process that a signal has ended is the negative number of the
// signal, as in Python.
func (s *script) alive(ctx context.Context) error {
	p, err := process(ctx, "forever")
	if err != nil {
		return err
	}
	if _, err := p.Stdout().ReadLine(ctx); err != nil { // it runs
		return err
	}
	isAlive := func() bool { _, ended := p.ReturnCode(); return !ended }
	s.print("alive:", isAlive())
	if err := p.Terminate(); err != nil {
		return err
	}
	code, err := p.Wait(ctx)
	s.print("alive:", isAlive(), "exitcode:", code)
	return err
}

// daemons leaves a process that runs for ever: it is killed when Run ends, as a process with daemon = True is.
func (s *script) daemons(ctx context.Context) error {
	p, err := process(ctx, "forever")
	if err != nil {
		return err
	}
	if _, err := p.Stdout().ReadLine(ctx); err != nil {
		return err
	}
	s.print("崇祯登基")
	s.print("崇祯驾崩了....")
	return nil
}

// daemonAndOther leaves a daemon, and waits for another process, as Python does at its end for those that are no daemons.
func (s *script) daemonAndOther(ctx context.Context) error {
	if _, err := process(ctx, "forever"); err != nil {
		return err
	}
	p2, err := process(ctx, "task", "w2")
	if err != nil {
		return err
	}
	s.print("-- main --")
	p2.Stdin().Close()
	return s.join(ctx, p2)
}

// queue gets what a process has put: values of several types.
func (s *script) queue(ctx context.Context) error {
	p, err := process(ctx, "put")
	if err != nil {
		return err
	}
	text, err := p.Stdout().Read(ctx, -1)
	if err != nil {
		return err
	}
	queue := gob.NewDecoder(bytes.NewReader(text))
	for range 3 {
		var item any
		if err := queue.Decode(&item); err != nil {
			return err
		}
		s.print(item)
	}
	_, err = p.Wait(ctx)
	return err
}

// pipe sends numbers and receives each doubled: parent_conn.send(n); parent_conn.recv().
func (s *script) pipe(ctx context.Context) error {
	p, err := process(ctx, "double")
	if err != nil {
		return err
	}
	send := gob.NewEncoder(p.Stdin())
	recv := gob.NewDecoder(p.Stdout().Reader(ctx))
	for n := range 3 {
		if err := send.Encode(n); err != nil {
			return err
		}
		if err := p.Stdin().Drain(ctx); err != nil {
			return err
		}
		var twice int
		if err := recv.Decode(&twice); err != nil {
			return err
		}
		s.print(n, "and back:", twice)
	}
	p.Stdin().Close()
	return s.join(ctx, p)
}

// pool is multiprocessing.Pool(processes=3): apply_async gives way at once, close() and join() are Shutdown, and the
// callback gets each result as it comes. The order of the results is not promised, so they are printed sorted.
func (s *script) pool(ctx context.Context) error {
	p := future.NewProcessPool(3)
	results := async.NewQueue[string](0)
	for i := range 5 {
		call := future.Call(p, hello, i)
		call.AddDoneCallback(func(call *future.Future[string]) {
			if msg, err := call.Result(); err == nil {
				results.PutNowait(msg)
			}
		})
		s.print("Mark~ Mark~ Mark~~~~~~~~~~~~~~~~~~~~~~")
	}
	if err := p.Shutdown(ctx); err != nil {
		return err
	}
	var all []string
	for !results.Empty() {
		msg, err := results.GetNowait()
		if err != nil {
			return err
		}
		all = append(all, msg)
	}
	slices.Sort(all)
	for _, msg := range all {
		s.print("msg:", msg)
	}
	s.print("Sub-process(es) done.")
	return nil
}
