//go:build unix

// Signals is the signal chapter of a Python tutorial in Go, script by script: signal.alarm, signal.pause, a signal that
// is ignored, and one that is left to its default. A handler is called by the loop, between two steps of tasks, and so
// may do what a task may.
//
// The kernel's alarm clock would do, but a program has only one of it. Here an alarm is a timer of the loop that sends
// the signal. Seconds are a tenth as long as in the tutorial:
//
//	go run ./examples/signals
//
// Scripts, by tutorial as in examples/README.md: I, `signal.alarm`; I, `signal.pause`; I, `SIG_IGN`, `SIG_DFL`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

func main() {
	log.SetFlags(0)
	if err := run(os.Stdout, time.Second/10); err != nil {
		log.Fatal("signals: ", err)
	}
}

// run runs the scripts one after the other.
func run(out io.Writer, second time.Duration) error {
	s := &script{out: out, second: second}
	for _, main := range []func(context.Context) error{s.alarmed, s.paused, s.ignored} {
		if err := async.Run(main); err != nil {
			return err
		}
	}
	return s.interrupted()
}

// script is what Python finds around it: where print goes, and how long a second is.
type script struct {
	out    io.Writer
	second time.Duration
}

func (s *script) sleep(ctx context.Context, seconds float64) error {
	return async.Sleep(ctx, s.seconds(seconds))
}

func (s *script) seconds(n float64) time.Duration { return time.Duration(n * float64(s.second)) }

// send is os.kill(os.getpid(), sig).
func send(sig syscall.Signal) { syscall.Kill(os.Getpid(), sig) }

// alarmed learns until its alarm goes off after three and a half seconds. A program that does not ask for
// SIGALRM is not ended by it in Go, so the handler does that.
func (s *script) alarmed(ctx context.Context) error {
	loop, err := async.RunningLoop(ctx)
	if err != nil {
		return err
	}
	learning := async.Go(ctx, func(ctx context.Context) error {
		for {
			if err := s.sleep(ctx, 1); err != nil {
				return err
			}
			fmt.Fprintln(s.out, "学习python中...")
		}
	})
	if err := loop.AddSignalHandler(syscall.SIGALRM, func() { learning.Cancel() }); err != nil {
		return err
	}
	loop.CallLater(s.seconds(3.5), func() { send(syscall.SIGALRM) })
	if _, err := learning.Await(ctx); !errors.Is(err, async.ErrCancelled) {
		return err
	}
	fmt.Fprintln(s.out, "Alarm clock")
	return nil
}

// paused waits until a signal comes, whatever it is: signal.pause().
func (s *script) paused(ctx context.Context) error {
	loop, err := async.RunningLoop(ctx)
	if err != nil {
		return err
	}
	var came async.Event
	for _, sig := range []os.Signal{syscall.SIGUSR1, syscall.SIGUSR2} {
		if err := loop.AddSignalHandler(sig, came.Set); err != nil {
			return err
		}
	}
	loop.CallLater(s.seconds(1), func() { send(syscall.SIGUSR2) })
	if err := came.Wait(ctx); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "a signal has come")
	return nil
}

// ignored does not mind SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN). Ctrl+C is pressed three times before
// the alarm.
func (s *script) ignored(ctx context.Context) error {
	signal.Ignore(os.Interrupt)
	defer signal.Reset(os.Interrupt)
	for range 3 {
		send(syscall.SIGINT)
		fmt.Fprintln(s.out, "^C")
		if err := s.sleep(ctx, 1); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.out, "Alarm clock")
	return nil
}

// interrupted leaves SIGINT to its default, which is to end the program. With the option Signals that is done in
// good order: main is cancelled and can clean up, as with asyncio.run.
func (s *script) interrupted() error {
	err := async.Run(func(ctx context.Context) error {
		defer fmt.Fprintln(s.out, "main cleans up")
		send(syscall.SIGINT)
		return s.sleep(ctx, 3600)
	}, async.Signals(os.Interrupt))
	if !errors.Is(err, async.ErrInterrupted) {
		return fmt.Errorf("an interrupted run has ended with %w", err)
	}
	fmt.Fprintln(s.out, "KeyboardInterrupt")
	return nil
}
