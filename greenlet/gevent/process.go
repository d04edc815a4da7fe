package gevent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Process is a process that [Popen] has started: gevent.subprocess.Popen. [Wait] and [IWait] take it.
type Process struct {
	p     *async.Process
	done  *Greenlet[int]
	letGo func() // of the hub
}

// Popen starts cmd: subprocess.Popen. It suspends the calling greenlet until the process runs; if something is thrown at
// the caller meanwhile, the process is killed. What is piped the options of package async say, for the rest the fields of
// cmd hold. The process belongs to the hub of the caller: [WaitAll] waits for its end, and [Destroy] kills it. One with pipes keeps the hub open until
// [Process.Communicate] or [Process.Close] has returned.
func Popen(cmd *exec.Cmd, opts ...async.ProcessOption) (*Process, error) {
	if cmd == nil {
		panic("gevent: Popen was called with a nil Cmd")
	}
	hold := Ref() // or the hub would be gone when the process is there
	defer hold()
	var p *async.Process
	if err := wait(func(ctx context.Context) (err error) {
		p, err = async.CreateSubprocess(ctx, cmd, opts...)
		return err
	}); err != nil {
		return nil, err
	}
	q := &Process{p: p, letGo: func() {}}
	if p.Stdin() != nil || p.Stdout() != nil || p.Stderr() != nil {
		q.letGo = keepHub()
	}
	q.done = Spawn(func() (code int, err error) {
		err = waitOutside(func(ctx context.Context) error {
			code, err = p.Wait(ctx)
			return err
		})
		return code, err
	})
	q.done.SetName("Process-" + fmt.Sprint(p.PID()))
	return q, nil
}

// waitOutside is wait for something that comes from outside of all hubs.
func waitOutside(op func(ctx context.Context) error) error {
	return wait(func(ctx context.Context) error {
		l := loop.Inside()
		l.External(1)
		defer l.External(-1)
		return op(ctx)
	})
}

// PID returns the number of the process: pid.
func (p *Process) PID() int { return p.p.PID() }

// Poll returns the exit code, and false while the process runs: poll(). After a signal it is minus the number of that, on
// Unix.
func (p *Process) Poll() (code int, ended bool) { return p.p.ReturnCode() }

// Ready reports whether the process has ended.
func (p *Process) Ready() bool { return p.done.Ready() }

func (p *Process) completion() *loop.Completion { return p.done.completion() }

// Wait waits until the process has ended and returns its exit code, which is no error: wait(timeout). When the limit is
// over the error is a [Timeout], Python's TimeoutExpired, and the process runs on.
func (p *Process) Wait(limit ...time.Duration) (int, error) {
	if len(limit) > 0 && limit[0] != Forever {
		return p.done.GetTimeout(limit[0])
	}
	return p.done.Get()
}

// Communicate sends input to the process, reads what it writes, and waits for its end: communicate(input, timeout).
// What is no pipe is nil. When the limit is over the error is a [Timeout], the process runs on, and another Communicate
// gets all.
func (p *Process) Communicate(input []byte, limit ...time.Duration) (stdout, stderr []byte, err error) {
	d := Forever
	if len(limit) > 0 {
		d = limit[0]
	}
	err = newTimeout(d).limit(func() error {
		return waitOutside(func(ctx context.Context) (err error) {
			stdout, stderr, err = p.p.Communicate(ctx, input)
			return err
		})
	})
	if err == nil {
		p.letGo()
	}
	return stdout, stderr, err
}

// Close kills the process if it still runs, closes its pipes, and waits for its end: leaving the block of a Popen, which
// kills nothing.
func (p *Process) Close() error {
	p.p.Close()
	_, err := p.Wait()
	p.letGo()
	return err
}

// Stdin returns the way into the process, nil without async.PipeStdin: stdin. Its methods take [Context]; hold the hub by
// [Ref] while nothing but the process can end their waits.
func (p *Process) Stdin() *async.StreamWriter { return p.p.Stdin() }

// Stdout returns what the process writes, nil without async.PipeStdout: stdout. Its methods take [Context].
func (p *Process) Stdout() *async.StreamReader { return p.p.Stdout() }

// Stderr returns what the process writes as errors, nil without async.PipeStderr: stderr. Its methods take [Context].
func (p *Process) Stderr() *async.StreamReader { return p.p.Stderr() }

// SendSignal sends a signal: send_signal. If the process has ended, the error is [os.ErrProcessDone].
func (p *Process) SendSignal(sig os.Signal) error { return p.p.Signal(sig) }

// Terminate asks the process to end: terminate. If it has ended, the error is [os.ErrProcessDone].
func (p *Process) Terminate() error { return p.p.Terminate() }

// Kill ends the process by force: kill. If it has ended, the error is [os.ErrProcessDone].
func (p *Process) Kill() error { return p.p.Kill() }

// String describes the process.
func (p *Process) String() string { return p.p.String() }

// A CalledProcessError is the error of a process that has not ended with 0: subprocess.CalledProcessError.
type CalledProcessError struct {
	// CompletedProcess is what has become of the process.
	CompletedProcess
}

// Error says what has failed.
func (e *CalledProcessError) Error() string {
	return fmt.Sprintf("gevent: the command %q returned exit status %d", e.Args, e.ReturnCode)
}

// A CompletedProcess is what has become of a process: subprocess.CompletedProcess.
type CompletedProcess struct {
	// Args is the program and its arguments.
	Args []string
	// ReturnCode is the exit code, or minus the number of the signal that has ended the process.
	ReturnCode int
	// Stdout is what the process has written, as far as that was piped.
	Stdout []byte
	// Stderr is what it has written as errors, as far as that was piped.
	Stderr []byte
}

// Check returns a [CalledProcessError] if the process has not ended with 0: check_returncode().
func (c *CompletedProcess) Check() error {
	if c.ReturnCode == 0 {
		return nil
	}
	return &CalledProcessError{*c}
}

// RunProcess runs cmd, gives it input and waits for its end: subprocess.run. What it writes is kept where cmd has no place
// for it. When the limit is over, or something is thrown at the caller, the process is killed, and the error is that.
func RunProcess(cmd *exec.Cmd, input []byte, limit ...time.Duration) (*CompletedProcess, error) {
	if cmd == nil {
		panic("gevent: RunProcess was called with a nil Cmd")
	}
	var opts []async.ProcessOption
	if cmd.Stdin == nil && input != nil {
		opts = append(opts, async.PipeStdin())
	}
	if cmd.Stdout == nil {
		opts = append(opts, async.PipeStdout())
	}
	if cmd.Stderr == nil {
		opts = append(opts, async.PipeStderr())
	}
	p, err := Popen(cmd, opts...)
	if err != nil {
		return nil, err
	}
	c := &CompletedProcess{Args: cmd.Args}
	if c.Stdout, c.Stderr, err = p.Communicate(input, limit...); err == nil {
		c.ReturnCode, err = p.Wait()
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return c, nil
}

// CheckCall runs cmd and waits for its end, with what it writes going where cmd says: subprocess.check_call. The error is a
// [CalledProcessError] if the process does not end with 0.
func CheckCall(cmd *exec.Cmd, limit ...time.Duration) error {
	p, err := Popen(cmd)
	if err != nil {
		return err
	}
	code, err := p.Wait(limit...)
	if err != nil {
		return errors.Join(err, p.Close())
	}
	return (&CompletedProcess{Args: cmd.Args, ReturnCode: code}).Check()
}

// CheckOutput runs cmd, gives it input and returns what it writes: subprocess.check_output. The error is a
// [CalledProcessError] if the process does not end with 0.
func CheckOutput(cmd *exec.Cmd, input []byte, limit ...time.Duration) ([]byte, error) {
	c, err := RunProcess(cmd, input, limit...)
	if err != nil {
		return nil, err
	}
	return c.Stdout, c.Check()
}
