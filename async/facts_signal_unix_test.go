//go:build unix

package async_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// kill sends a signal to this process.
func kill(sig syscall.Signal) { check(syscall.Kill(syscall.Getpid(), sig)) }

// survive keeps a signal that the code under test fails to handle from ending the tests.
func survive(t *testing.T, sig os.Signal) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, sig)
	t.Cleanup(func() { signal.Stop(ch) })
}

// expectKilled runs the calling test again in a process of its own, where setup is called and SIGTERM is sent after that, and fails it if
// that does not end the process. It shows that nothing is left of a handler: not SIGINT, which shells have ignored in what
// runs in the background.
func expectKilled(t *testing.T, setup func()) {
	t.Helper()
	const env = "ASYNCGO_TEST_KILLED"
	if os.Getenv(env) != "" {
		setup()
		kill(syscall.SIGTERM)
		time.Sleep(20 * time.Second) // which the signal ends
		os.Exit(0)
	}
	var levels []string
	for name := range strings.SplitSeq(t.Name(), "/") {
		levels = append(levels, "^"+regexp.QuoteMeta(name)+"$")
	}
	self := exec.Command(os.Args[0], "-test.run", strings.Join(levels, "/"))
	self.Env = append(os.Environ(), env+"=1")
	out, err := self.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("the process has ended with %v, not by the signal:\n%s", err, out)
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("the process has ended with %v, not by the signal:\n%s", exit, out)
	}
}

func TestFactsInterrupt(t *testing.T) {
	errBad := errors.New("bad")
	interrupts := async.Signals(os.Interrupt)

	t.Run("T9 a signal cancels main and then the rest and the run is interrupted", func(t *testing.T) {
		survive(t, os.Interrupt)
		guarded(t, func() {
			var c chronicle
			err := async.Run(func(ctx context.Context) error {
				async.Go(ctx, func(ctx context.Context) error {
					err := hanging(ctx)
					c.add("background: %s", className(err))
					return err
				})
				ticks(ctx, 1)
				kill(syscall.SIGINT)
				err := hanging(ctx)
				c.add("main: %s", className(err))
				ticks(context.WithoutCancel(ctx), 3)
				c.add("main cleaned up")
				return err
			}, interrupts)
			c.add("run ends")
			c.expect(t, "main: CancelledError", "main cleaned up", "background: CancelledError", "run ends")
			expectError(t, "Run", err, async.ErrInterrupted)
		})
	})

	t.Run("T10 a signal ends a main that gives way again and again", func(t *testing.T) {
		survive(t, os.Interrupt)
		guarded(t, func() {
			err := async.Run(func(ctx context.Context) error {
				kill(syscall.SIGINT)
				for {
					if err := giveWay(ctx); err != nil {
						expectError(t, "the wait", err, async.ErrCancelled)
						return err
					}
				}
			}, interrupts)
			expectError(t, "Run", err, async.ErrInterrupted)
		})
	})

	for _, mainErr := range []error{nil, errBad} {
		name := "a main that swallows the signal and returns a value is not interrupted"
		if mainErr != nil {
			name = "a main that swallows the signal and fails returns its error"
		}
		t.Run("T11 "+name, func(t *testing.T) {
			survive(t, os.Interrupt)
			guarded(t, func() {
				v, err := async.RunResult(func(ctx context.Context) (int, error) {
					kill(syscall.SIGINT)
					expectError(t, "the wait", hanging(ctx), async.ErrCancelled)
					return 42, mainErr
				}, interrupts)
				expectEqual(t, "the error", err, mainErr)
				if mainErr == nil {
					expectEqual(t, "the result", v, 42)
				}
			})
		})
	}

	t.Run("T12 a main that a task has cancelled too is cancelled and not interrupted", func(t *testing.T) {
		survive(t, os.Interrupt)
		guarded(t, func() {
			err := async.Run(func(ctx context.Context) error {
				main := async.CurrentTask(ctx)
				async.Go(ctx, func(context.Context) error {
					main.Cancel("by a task")
					kill(syscall.SIGINT)
					return nil
				})
				err := hanging(ctx)
				for cancelling(ctx) < 2 { // until the signal has come
					ticks(context.WithoutCancel(ctx), 1)
				}
				return err
			}, interrupts)
			expectEqual(t, "the message", cancelMessage(err), "by a task")
			if errors.Is(err, async.ErrInterrupted) {
				t.Error("the run was interrupted")
			}
		})
	})

	t.Run("T13 a second signal leaves the loop at once and the end of the run cancels main again", func(t *testing.T) {
		survive(t, os.Interrupt)
		guarded(t, func() {
			var c chronicle
			err := async.Run(func(ctx context.Context) error {
				async.Go(ctx, func(ctx context.Context) error {
					err := hanging(ctx)
					c.add("background: %s", className(err))
					return err
				})
				ticks(ctx, 1)
				kill(syscall.SIGINT)
				c.add("main: %s", className(hanging(ctx)))
				kill(syscall.SIGINT)
				err := hanging(async.Uncancel(ctx)) // a cleanup that takes for ever
				c.add("main again: %s", className(err))
				return err
			}, interrupts)
			c.add("run ends")
			c.expect(t, "main: CancelledError", "main again: CancelledError", "background: CancelledError", "run ends")
			expectError(t, "Run", err, async.ErrInterrupted)
		})
	})

	t.Run("T13 after the run a signal has its default effect again", func(t *testing.T) {
		expectKilled(t, func() {
			err := async.Run(func(ctx context.Context) error {
				kill(syscall.SIGTERM)
				return hanging(ctx)
			}, async.Signals(syscall.SIGTERM))
			if !errors.Is(err, async.ErrInterrupted) {
				os.Exit(3)
			}
		})
	})

	t.Run("T14 a run without the option leaves signals alone", func(t *testing.T) {
		expectKilled(t, func() {
			go func() {
				time.Sleep(20 * time.Second)
				os.Exit(0)
			}()
			async.Run(func(ctx context.Context) error {
				kill(syscall.SIGTERM)
				return hanging(ctx)
			})
		})
	})
}

func TestFactsSignalHandler(t *testing.T) {
	ignored := func() {}

	t.Run("X1 the second handler of a signal replaces the first and is a callback", onLoop(func(ctx context.Context, t *testing.T) {
		survive(t, syscall.SIGUSR1)
		l := running(ctx)
		called := async.NewFuture[async.AnyTask](ctx)
		check(l.AddSignalHandler(syscall.SIGUSR1, func() { t.Error("the first handler was called") }))
		check(l.AddSignalHandler(syscall.SIGUSR1, func() {
			expectError(t, "a wait in the handler", giveWay(ctx), async.ErrNotInTask)
			check(called.SetResult(async.CurrentTask(ctx)))
		}))
		kill(syscall.SIGUSR1)
		if task := must(called.Await(ctx)); task != nil {
			t.Errorf("the handler was called in %v", task)
		}
		expectEqual(t, "the first removal", l.RemoveSignalHandler(syscall.SIGUSR1), true)
		expectEqual(t, "the second removal", l.RemoveSignalHandler(syscall.SIGUSR1), false)
	}))

	t.Run("X1 removing one handler leaves the others", onLoop(func(ctx context.Context, t *testing.T) {
		survive(t, syscall.SIGUSR1)
		survive(t, syscall.SIGUSR2)
		l := running(ctx)
		called := async.NewFuture[async.Void](ctx)
		check(l.AddSignalHandler(syscall.SIGUSR1, func() { t.Error("the removed handler was called") }))
		check(l.AddSignalHandler(syscall.SIGUSR2, func() { check(called.SetResult(async.Void{})) }))
		expectEqual(t, "the removal", l.RemoveSignalHandler(syscall.SIGUSR1), true)
		kill(syscall.SIGUSR1)
		kill(syscall.SIGUSR2)
		must(called.Await(ctx))
		expectEqual(t, "the removal of the other", l.RemoveSignalHandler(syscall.SIGUSR2), true)
	}))

	t.Run("X1 after the removal a signal has its default effect again", func(t *testing.T) {
		expectKilled(t, func() {
			l := async.NewLoop()
			check(l.AddSignalHandler(syscall.SIGTERM, ignored))
			if !l.RemoveSignalHandler(syscall.SIGTERM) {
				os.Exit(3)
			}
		})
	})

	t.Run("X2 a signal that cannot be caught is an error", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop()
			for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP, 0, -1, 1000} {
				if err := l.AddSignalHandler(sig, ignored); err == nil {
					t.Errorf("signal %d is accepted", int(sig))
				}
			}
			expectPanic(t, "async: AddSignalHandler was called with a nil signal", func() { l.AddSignalHandler(nil, ignored) })
			expectPanic(t, "async: AddSignalHandler was called with a nil function", func() { l.AddSignalHandler(syscall.SIGUSR1, nil) })
			check(l.Close())
			expectError(t, "a handler of a closed loop", l.AddSignalHandler(syscall.SIGUSR1, ignored), async.ErrLoopClosed)
		})
	})

	t.Run("X3 a signal wakes a loop that sleeps", func(t *testing.T) {
		clock := newIdleClock()
		onLoop(func(ctx context.Context, t *testing.T) {
			survive(t, syscall.SIGUSR1)
			l := running(ctx)
			called := async.NewFuture[async.Void](ctx)
			check(l.AddSignalHandler(syscall.SIGUSR1, func() { check(called.SetResult(async.Void{})) }))
			go func() {
				<-clock.idle
				kill(syscall.SIGUSR1)
			}()
			must(called.Await(ctx))
			expectEqual(t, "the removal", l.RemoveSignalHandler(syscall.SIGUSR1), true)
		}, async.Clock(clock))(t)
	})

	t.Run("X4 closing the loop removes all handlers", func(t *testing.T) {
		guarded(t, func() { // which also finds the goroutine behind the handlers
			l := async.NewLoop()
			check(l.AddSignalHandler(syscall.SIGUSR1, ignored))
			check(l.AddSignalHandler(syscall.SIGUSR2, ignored))
			check(l.Close())
			expectEqual(t, "the removal of the first", l.RemoveSignalHandler(syscall.SIGUSR1), false)
			expectEqual(t, "the removal of the second", l.RemoveSignalHandler(syscall.SIGUSR2), false)
		})
	})

	t.Run("X4 after the loop was closed a signal has its default effect again", func(t *testing.T) {
		expectKilled(t, func() {
			l := async.NewLoop()
			check(l.AddSignalHandler(syscall.SIGTERM, ignored))
			check(l.Close())
		})
	})
}
