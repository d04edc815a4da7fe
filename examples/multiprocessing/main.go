// Multiprocessing is the multiprocessing.Process of Python tutorials in Go, script by script. A Process is this program,
// started again with the name of a target, as multiprocessing does it with "spawn". Where only a result is wanted,
// future.ProcessPool does that by itself; see examples/processes.
//
// parent.go has the scripts and child.go what they start: a process with arguments, a class with a run method, several at
// once, process ids, names, is_alive and terminate, daemons, Queue, Pipe, and Pool.apply_async.
//
//	go run ./examples/multiprocessing
//
// Scripts, by tutorial as in examples/README.md: I, `Process(target=show)` and a subclass; I, `Queue` between
// processes; I, `Pipe`; I, `Pool.apply_async`; III, the id of the process in processes; III, daemon processes, and one
// that is not; IV, three processes at once; IV, two ways to start a process, and `join`; IV, `pid`, `getppid`; IV, the
// name of a process, in both; IV, `is_alive`, `terminate`; IV, a daemon process; IV, `Queue`: several types,
// `block=False`, timeouts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"

	"github.com/asyncgo/asyncgo/async"
)

func main() {
	log.SetFlags(0)
	if target := os.Getenv(targetVar); target != "" { // if __name__ == '__main__' the other way round
		if err := child(target, os.Args[1:]); err != nil {
			log.Fatalf("multiprocessing: %s: %v", target, err)
		}
		return
	}
	s := &script{out: os.Stdout}
	for _, part := range s.parts() {
		fmt.Fprintf(s.out, "-- %s\n", part.title)
		if err := async.Run(part.main); err != nil {
			log.Fatal("multiprocessing: ", err)
		}
	}
}

// These variables tell a process of ours what it is for, and what it is called.
const (
	targetVar = "MULTIPROCESSING_TARGET"
	nameVar   = "MULTIPROCESSING_NAME"
)

// currentName is current_process().name.
func currentName() string {
	if name := os.Getenv(nameVar); name != "" {
		return name
	}
	return "MainProcess"
}

// script is what Python finds around it: where print goes.
type script struct{ out io.Writer }

// A part is one script of the tutorials.
type part struct {
	title string
	main  func(ctx context.Context) error
}

func (s *script) parts() []part {
	return []part{
		{"a process", s.one},
		{"a class with a run method", s.class},
		{"three at once", s.three},
		{"process ids", s.ids},
		{"names", s.names},
		{"alive and terminated", s.alive},
		{"daemons", s.daemons},
		{"a daemon and another one", s.daemonAndOther},
		{"a queue", s.queue},
		{"a pipe", s.pipe},
		{"a pool", s.pool},
	}
}

func (s *script) print(args ...any) { fmt.Fprintln(s.out, args...) }

// process is Process(target=target, args=args), started. Its stdout is a pipe to us, its stderr is ours.
func process(ctx context.Context, target string, args ...string) (*async.Process, error) {
	return named(ctx, "", target, args...)
}

// named is Process(target=target, args=args, name=name), started.
func named(ctx context.Context, name, target string, args ...string) (*async.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), targetVar+"="+target, nameVar+"="+name)
	cmd.Stderr = os.Stderr
	return async.CreateSubprocess(ctx, cmd, async.PipeStdin(), async.PipeStdout())
}

// join prints what is left of the process's output, and waits for it: p.join().
func (s *script) join(ctx context.Context, p *async.Process) error {
	text, err := p.Stdout().Read(ctx, -1)
	if err != nil {
		return err
	}
	s.out.Write(text)
	code, err := p.Wait(ctx)
	if err == nil && code != 0 {
		err = errors.New("a process has ended with code " + fmt.Sprint(code))
	}
	return err
}
