//go:build unix

package async_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// shell starts a script.
func shell(ctx context.Context, script string, opts ...async.ProcessOption) *async.Process {
	return must(async.CreateSubprocess(ctx, exec.Command("sh", "-c", script), opts...))
}

// allPipes are the options for three pipes.
func allPipes() []async.ProcessOption {
	return []async.ProcessOption{async.PipeStdin(), async.PipeStdout(), async.PipeStderr()}
}

// outputs are what Communicate has returned.
func outputs(stdout, stderr []byte, err error) [2]string {
	check(err)
	return [2]string{string(stdout), string(stderr)}
}

func TestFactsSubprocess(t *testing.T) {
	t.Run("W1 what goes into cat comes out, by Communicate and by hand", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "cat", async.PipeStdin(), async.PipeStdout())
		stdout, stderr, err := p.Communicate(ctx, []byte("some data"))
		check(err)
		expectEqual(t, "stdout", string(stdout), "some data")
		expectEqual(t, "stderr is none", stderr == nil, true)
		p = shell(ctx, "cat", allPipes()...)
		p.Stdin().WriteString("some data")
		check(p.Stdin().Drain(ctx))
		check(p.Stdin().Close())
		expectEqual(t, "stdout", text(p.Stdout().Read(ctx, -1)), "some data")
		expectEqual(t, "stderr", text(p.Stderr().Read(ctx, -1)), "")
		expectEqual(t, "Wait", must(p.Wait(ctx)), 0)
	}))
	t.Run("W2 a shell tells by its code what went wrong, and a program that is missing is an error", onLoop(func(ctx context.Context, t *testing.T) {
		expectEqual(t, "Wait", must(shell(ctx, "exit 7").Wait(ctx)), 7)
		expectEqual(t, "Wait", must(shell(ctx, "no-such-program-here 2>/dev/null").Wait(ctx)), 127)
		_, err := async.CreateSubprocess(ctx, exec.Command("no-such-program-here"))
		expectError(t, "CreateSubprocess", err, exec.ErrNotFound)
		_, err = async.CreateSubprocess(ctx, exec.Command("/no/such/program"), allPipes()...)
		expectError(t, "CreateSubprocess", err, fs.ErrNotExist)
	}))
	t.Run("W3 after a signal the code is minus its number", onLoop(func(ctx context.Context, t *testing.T) {
		for _, end := range []struct {
			how  func(*async.Process) error
			code int
		}{
			{(*async.Process).Kill, -9},
			{(*async.Process).Terminate, -15},
			{func(p *async.Process) error { return p.Signal(syscall.SIGALRM) }, -14}, // which nohup does not have them ignore
		} {
			p := must(async.CreateSubprocess(ctx, exec.Command("sleep", "60")))
			check(end.how(p))
			expectEqual(t, "Wait", must(p.Wait(ctx)), end.code)
		}
	}))
	t.Run("W4 there is no code while it runs, and all who wait get the same", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "read x; exit 3", async.PipeStdin())
		_, ended := p.ReturnCode()
		expectEqual(t, "ended", ended, false)
		var waits []*async.Task[int]
		for range 3 {
			waits = append(waits, async.CreateTask(ctx, p.Wait))
		}
		ticks(ctx, 2)
		p.Stdin().WriteString("\n")
		waitFor(ctx, waits...)
		for _, w := range waits {
			expectEqual(t, "Wait", must(w.Result()), 3)
		}
		expectEqual(t, "Wait", must(p.Wait(ctx)), 3)
		check(p.Close())
	}))
	t.Run("W5 a cancelled Wait leaves the process alone", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "cat", async.PipeStdin())
		w := async.CreateTask(ctx, p.Wait)
		ticks(ctx, 2)
		w.Cancel()
		waitFor(ctx, w)
		expectEqual(t, "cancelled", w.Cancelled(), true)
		_, ended := p.ReturnCode()
		expectEqual(t, "ended", ended, false)
		check(p.Stdin().Close())
		expectEqual(t, "Wait", must(p.Wait(ctx)), 0)
	}))
	t.Run("W6 a process that does not read its input is no error of Communicate, and one of Write and Drain", onLoop(func(ctx context.Context, t *testing.T) {
		big := make([]byte, 4<<20)
		_, _, err := shell(ctx, "exit 0", allPipes()...).Communicate(ctx, big)
		expectError(t, "Communicate", err, nil)
		p := shell(ctx, "exit 0", async.PipeStdin())
		must(p.Wait(ctx))
		_, err = p.Stdin().Write(big)
		if err == nil {
			err = p.Stdin().Drain(ctx)
		}
		expectError(t, "Drain", err, syscall.EPIPE)
		check(p.Close())
	}))
	t.Run("W7 empty input closes stdin", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "wc -c", async.PipeStdin(), async.PipeStdout())
		got := outputs(p.Communicate(ctx, []byte{}))
		expectEqual(t, "stdout", strings.TrimSpace(got[0]), "0")
	}))
	t.Run("W8 no input closes stdin too", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "cat", async.PipeStdin(), async.PipeStdout())
		expectEqual(t, "stdout", outputs(p.Communicate(ctx, nil))[0], "")
	}))
	t.Run("W9 what is no pipe is none, and stderr can go where stdout goes", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "cat; echo out; echo err >&2", async.PipeStdout(), async.StderrToStdout())
		stdout, stderr, err := p.Communicate(ctx, nil)
		check(err)
		expectEqual(t, "stdout", string(stdout), "out\nerr\n")
		expectEqual(t, "stderr is none", stderr == nil, true)
		p = shell(ctx, "echo out; echo err >&2")
		stdout, stderr, err = p.Communicate(ctx, []byte("nobody reads this"))
		check(err)
		expectEqual(t, "both are none", stdout == nil && stderr == nil, true)
	}))
	t.Run("W10 much data goes both ways, and stays after the process has ended", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "head -c 60000 /dev/zero", async.PipeStdout())
		must(p.Wait(ctx))
		expectEqual(t, "bytes", len(must(p.Stdout().Read(ctx, -1))), 60000)
		big := bytes.Repeat([]byte("0123456789"), 30000)
		p = shell(ctx, "tee /dev/stderr", allPipes()...)
		got := outputs(p.Communicate(ctx, big))
		expectEqual(t, "both are all", got == [2]string{string(big), string(big)}, true)
	}))
	t.Run("W11 a small limit loses nothing", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "printf 012345678901234567890", async.PipeStdout(), async.ProcessLimit(10))
		expectEqual(t, "Read", text(p.Stdout().Read(ctx, 1)), "0")
		check(async.Sleep(ctx, hundredth))
		expectEqual(t, "stdout", outputs(p.Communicate(ctx, nil))[0], "12345678901234567890")
	}))
	t.Run("W13 a creation that is cancelled kills the process", onLoop(func(ctx context.Context, t *testing.T) {
		for i := range 10 {
			create := async.CreateTask(ctx, func(ctx context.Context) (*async.Process, error) {
				return async.CreateSubprocess(ctx, exec.Command("sleep", "60"), allPipes()...)
			})
			ticks(ctx, 1+i%3)
			create.Cancel()
			waitFor(ctx, create)
			if p, err := create.Result(); err == nil {
				check(p.Close())
			} else {
				expectError(t, "CreateSubprocess", err, async.ErrCancelled)
			}
		}
	}))
	t.Run("W14 Close kills a process that runs, and not one that has ended", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "exec sleep 60", allPipes()...)
		check(p.Close())
		expectEqual(t, "Wait", must(p.Wait(ctx)), -9)
		p = shell(ctx, "exit 5")
		must(p.Wait(ctx))
		check(p.Close())
		expectEqual(t, "Wait", must(p.Wait(ctx)), 5)
	}))
	t.Run("W15 a process that has ended takes no signal", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "true")
		must(p.Wait(ctx))
		for _, signal := range []func() error{p.Kill, p.Terminate, func() error { return p.Signal(syscall.SIGHUP) }} {
			expectError(t, "signal", signal(), os.ErrProcessDone)
		}
	}))
	t.Run("W16 ten processes under Gather give their results in order", onLoop(func(ctx context.Context, t *testing.T) {
		var all []async.Awaitable[string]
		for i := range 10 {
			all = append(all, async.Coroutine[string](func(ctx context.Context) (string, error) {
				p := shell(ctx, "echo "+strconv.Itoa(i), async.PipeStdout())
				return outputs(p.Communicate(ctx, nil))[0], nil
			}))
		}
		got := must(async.Gather(ctx, all...))
		expectEqual(t, "results", strings.Join(got, ""), "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n")
	}))
	t.Run("W17 a Communicate that times out kills nothing and loses nothing", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "echo early; exec sleep 60", async.PipeStdout())
		for p.Stdout().Buffered() == 0 {
			check(async.Sleep(ctx, time.Millisecond))
		}
		short, cancel := async.WithTimeout(ctx, hundredth)
		defer cancel()
		_, _, err := p.Communicate(short, nil)
		expectError(t, "Communicate", err, async.ErrTimeout)
		_, ended := p.ReturnCode()
		expectEqual(t, "ended", ended, false)
		check(p.Kill())
		expectEqual(t, "stdout", outputs(p.Communicate(ctx, nil))[0], "early\n")
	}))
	t.Run("W18 a process whose stdout we close gets a broken pipe", onLoop(func(ctx context.Context, t *testing.T) {
		p := must(async.CreateSubprocess(ctx, exec.Command("yes"), async.PipeStdout()))
		expectEqual(t, "ReadLine", text(p.Stdout().ReadLine(ctx)), "y\n")
		p.CloseStdout()
		expectEqual(t, "Wait", must(p.Wait(ctx)), -int(syscall.SIGPIPE))
	}))
}

// feed writes until that fails.
func feed(ctx context.Context, w *async.StreamWriter) error {
	for {
		if _, err := w.Write(make([]byte, 1<<16)); err != nil {
			return err
		}
		if err := w.Drain(ctx); err != nil {
			return err
		}
	}
}

func TestSubprocess(t *testing.T) {
	t.Run("pipes for what the Cmd has already are an error", onLoop(func(ctx context.Context, t *testing.T) {
		cmd := exec.Command("true")
		cmd.Stdout = os.Stdout
		_, err := async.CreateSubprocess(ctx, cmd, async.PipeStdout())
		expectEqual(t, "error", err.Error(), "async: CreateSubprocess was called with a pipe for what the Cmd has already")
		_, err = async.CreateSubprocess(ctx, exec.Command("true"), async.PipeStderr(), async.StderrToStdout())
		expectEqual(t, "error", err.Error(), "async: CreateSubprocess was called with PipeStderr and StderrToStdout")
		expectPanic(t, "async: CreateSubprocess was called with a nil Cmd", func() { async.CreateSubprocess(ctx, nil) })
	}))
	t.Run("a child that floods both pipes and ignores its input is no deadlock", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2", allPipes()...)
		got := outputs(p.Communicate(ctx, make([]byte, 1<<20)))
		expectEqual(t, "bytes", len(got[0])+len(got[1]), 6000000)
	}))
	t.Run("a child that dies at once takes nobody along, whatever is done to it", onLoop(func(ctx context.Context, t *testing.T) {
		for range 20 {
			p := shell(ctx, "kill -9 $$", allPipes()...)
			must(async.GatherSettled(ctx,
				async.Coroutine[async.Void](func(ctx context.Context) (async.Void, error) { return async.Void{}, feed(ctx, p.Stdin()) }),
				async.Coroutine[async.Void](func(ctx context.Context) (async.Void, error) {
					_, err := p.Stdout().Read(ctx, -1)
					return async.Void{}, err
				}),
				async.Coroutine[async.Void](func(ctx context.Context) (async.Void, error) {
					_, err := p.Stderr().ReadLine(ctx)
					return async.Void{}, err
				}),
			))
			expectEqual(t, "Wait", must(p.Wait(ctx)), -9)
			expectEqual(t, "output", outputs(p.Communicate(ctx, []byte("more"))), [2]string{})
		}
	}))
	t.Run("a child that ignores its stdin holds up who drains, and its end is an error for that one", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "exec sleep 60", async.PipeStdin())
		clog(p.Stdin())
		drain := async.Go(ctx, p.Stdin().Drain)
		check(async.Sleep(ctx, hundredth))
		expectEqual(t, "drained", drain.IsDone(), false)
		check(p.Kill())
		waitFor(ctx, drain)
		expectError(t, "Drain", drain.Err(), syscall.EPIPE)
	}))
	t.Run("a grandchild that has the pipe does not hold up Wait, and CloseStdout ends the read", onLoop(func(ctx context.Context, t *testing.T) {
		p := shell(ctx, "sleep 5 & echo started", async.PipeStdout())
		expectEqual(t, "ReadLine", text(p.Stdout().ReadLine(ctx)), "started\n")
		expectEqual(t, "Wait", must(p.Wait(ctx)), 0)
		read := async.CreateTask(ctx, func(ctx context.Context) ([]byte, error) { return p.Stdout().Read(ctx, -1) })
		check(async.Sleep(ctx, hundredth))
		expectEqual(t, "Read has returned", read.IsDone(), false)
		p.CloseStdout()
		expectEqual(t, "Read", text(read.Await(ctx)), "")
	}))
	t.Run("two processes make a pipeline", onLoop(func(ctx context.Context, t *testing.T) {
		from := shell(ctx, "seq 100000", async.PipeStdout())
		to := shell(ctx, "wc -l", async.PipeStdin(), async.PipeStdout())
		pump := async.Go(ctx, func(ctx context.Context) error {
			defer to.Stdin().Close()
			return echo(ctx, from.Stdout(), to.Stdin())
		})
		line := text(to.Stdout().ReadLine(ctx))
		expectEqual(t, "lines", strings.TrimSpace(line), "100000")
		waitFor(ctx, pump)
		expectError(t, "pump", pump.Err(), nil)
		must(from.Wait(ctx))
		must(to.Wait(ctx))
	}))
	t.Run("the end of the loop kills a child that outlives the interest in it, and leaves no zombie", func(t *testing.T) {
		var pid int
		guarded(t, func() {
			check(async.Run(func(ctx context.Context) error {
				pid = shell(ctx, "exec sleep 60", allPipes()...).PID()
				return nil
			}))
		})
		expectError(t, "kill", syscall.Kill(pid, 0), syscall.ESRCH)
	})
	t.Run("a task that is unwound leaves no process behind", func(t *testing.T) {
		guarded(t, func() {
			l := async.NewLoop()
			var p *async.Process
			async.Go(l.Context(), func(ctx context.Context) error {
				p = shell(ctx, "exec sleep 60", allPipes()...)
				l.Stop()
				_, _, err := p.Communicate(ctx, nil)
				return err
			})
			check(l.RunForever())
			runOnce(t, l)
			check(l.Close())
			expectEqual(t, "Wait", must(p.Wait(t.Context())), -9)
		})
	})
	t.Run("without a loop everything blocks", func(t *testing.T) {
		guarded(t, func() {
			ctx := t.Context()
			p := shell(ctx, "cat", async.PipeStdin(), async.PipeStdout())
			expectEqual(t, "stdout", outputs(p.Communicate(ctx, []byte("plain")))[0], "plain")
			_, err := p.Stdin().WriteString("x")
			expectEqual(t, "Write after Close", errors.Is(err, net.ErrClosed), true)
			check(p.Close())
		})
	})
}
