package async

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A ProcessOption says what a process of [CreateSubprocess] is connected to.
type ProcessOption func(*processOptions)

type processOptions struct {
	stdin, stdout, stderr, merged bool
	limit                         int
}

// PipeStdin has [Process.Stdin] lead into the process: stdin=PIPE.
func PipeStdin() ProcessOption { return func(o *processOptions) { o.stdin = true } }

// PipeStdout has [Process.Stdout] give what the process writes: stdout=PIPE.
func PipeStdout() ProcessOption { return func(o *processOptions) { o.stdout = true } }

// PipeStderr has [Process.Stderr] give what the process writes as errors: stderr=PIPE.
func PipeStderr() ProcessOption { return func(o *processOptions) { o.stderr = true } }

// StderrToStdout has the process write its errors where its output goes: stderr=STDOUT.
func StderrToStdout() ProcessOption { return func(o *processOptions) { o.merged = true } }

// ProcessLimit sets the limit of the StreamReaders, in bytes: limit=. It panics if n is not positive.
func ProcessLimit(n int) ProcessOption {
	if n <= 0 {
		panic("async: the limit of a StreamReader must be positive")
	}
	return func(o *processOptions) { o.limit = n }
}

// A Process is asyncio.subprocess.Process: a process that [CreateSubprocess] has started. All methods are safe for use
// from any goroutine.
type Process struct {
	cmd            *exec.Cmd
	face           *Loop
	stdin          *StreamWriter
	stdout, stderr *StreamReader

	mu   sync.Mutex // never held across a wait
	line loop.Line  // those who wait for the end
	done bool
	code int
	err  error
}

// CreateSubprocess starts cmd, as [exec.Cmd.Start] does, and returns the process: asyncio.create_subprocess_exec. For a
// shell cmd is exec.Command("sh", "-c", line). What the options say of pipes is done; for the rest the fields of
// cmd hold, so what is nil is the null device, and os.Stdout lets the process write where this one does. cmd
// belongs to the Process afterwards.
//
// It suspends the calling task until the process runs; a plain goroutine blocks. If ctx is cancelled meanwhile, the process is
// killed. Later cancellations kill nothing. A program that does not exist is an error, [exec.ErrNotFound] or
// fs.ErrNotExist. The process costs a goroutine that waits for it, so that it is no zombie when it has ended, and, but on
// Linux, one for each pipe out of it. At the end of the loop that it was started in a process that still runs is killed.
func CreateSubprocess(ctx context.Context, cmd *exec.Cmd, opts ...ProcessOption) (*Process, error) {
	if cmd == nil {
		panic("async: CreateSubprocess was called with a nil Cmd")
	}
	o := &processOptions{limit: DefaultLimit}
	for _, opt := range opts {
		if opt != nil {
			opt(o)
		}
	}
	switch {
	case o.stdin && cmd.Stdin != nil, o.stdout && cmd.Stdout != nil, (o.stderr || o.merged) && cmd.Stderr != nil:
		return nil, errors.New("async: CreateSubprocess was called with a pipe for what the Cmd has already")
	case o.stderr && o.merged:
		return nil, errors.New("async: CreateSubprocess was called with PipeStderr and StderrToStdout")
	}
	face := nearFace(ctx)
	return elsewhere(ctx, func(context.Context) (*Process, error) { return startProcess(face, cmd, o) },
		func(p *Process) { p.Close() })
}

// startProcess starts cmd on the calling goroutine.
func startProcess(face *Loop, cmd *exec.Cmd, o *processOptions) (*Process, error) {
	p := &Process{cmd: cmd, face: face}
	var ours, theirs []*os.File
	failed := func(err error) (*Process, error) {
		for _, f := range append(ours, theirs...) {
			f.Close()
		}
		return nil, err
	}
	var ends [3]*os.File // ours
	for i, wanted := range []bool{o.stdin, o.stdout, o.stderr} {
		if !wanted {
			continue
		}
		r, w, err := os.Pipe()
		if err != nil {
			return failed(err)
		}
		switch i {
		case 0:
			cmd.Stdin, ends[i] = r, w
			ours, theirs = append(ours, w), append(theirs, r)
		case 1:
			cmd.Stdout, ends[i] = w, r
			ours, theirs = append(ours, r), append(theirs, w)
		case 2:
			cmd.Stderr, ends[i] = w, r
			ours, theirs = append(ours, r), append(theirs, w)
		}
	}
	if o.merged {
		cmd.Stderr = cmd.Stdout
	}
	if err := cmd.Start(); err != nil {
		return failed(err)
	}
	for _, f := range theirs {
		f.Close()
	}
	if f := ends[0]; f != nil {
		p.stdin = newTransport(face, f, 0, true).begin().w
	}
	if f := ends[1]; f != nil {
		p.stdout = newTransport(face, f, o.limit, false).begin().r
	}
	if f := ends[2]; f != nil {
		p.stderr = newTransport(face, f, o.limit, false).begin().r
	}
	if !face.adopt(p, 1) {
		cmd.Process.Kill()
		p.reap()
		return nil, ErrLoopClosed
	}
	go face.running(p.reap)
	return p, nil
}

// reap is the goroutine that waits for the process.
func (p *Process) reap() {
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	p.mu.Lock()
	p.done, p.err = true, err
	if p.cmd.ProcessState != nil {
		p.code = exitCode(p.cmd.ProcessState)
	}
	p.line.WakeAll()
	p.mu.Unlock()
	p.face.release(p)
}

// check panics if the process was not made properly.
func (p *Process) check() {
	if p == nil || p.cmd == nil {
		panic("async: a method of a Process that CreateSubprocess has not made was called")
	}
}

// Stdin returns the way into the process, or nil without [PipeStdin].
func (p *Process) Stdin() *StreamWriter {
	p.check()
	return p.stdin
}

// Stdout returns what the process writes, or nil without [PipeStdout].
func (p *Process) Stdout() *StreamReader {
	p.check()
	return p.stdout
}

// Stderr returns what the process writes as errors, or nil without [PipeStderr].
func (p *Process) Stderr() *StreamReader {
	p.check()
	return p.stderr
}

// CloseStdout closes our end of the process's stdout; it gets a broken pipe when it writes on. A reader that waits gets the
// end of the stream.
func (p *Process) CloseStdout() {
	p.check()
	if p.stdout != nil {
		p.stdout.source.close(true)
	}
}

// CloseStderr is [Process.CloseStdout] for stderr.
func (p *Process) CloseStderr() {
	p.check()
	if p.stderr != nil {
		p.stderr.source.close(true)
	}
}

// PID returns the number of the process: pid.
func (p *Process) PID() int {
	p.check()
	return p.cmd.Process.Pid
}

// ReturnCode returns the exit code, and false while the process runs: returncode. After a signal it is minus the number of
// that, as in Python, on Unix.
func (p *Process) ReturnCode() (code int, ended bool) {
	p.check()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.code, p.done
}

// Wait waits until the process has ended and returns the same as ReturnCode: wait. Any number can wait, and wait
// again; a process that has ended does not make them give way. If ctx is cancelled, Wait returns [ErrCancelled] or
// [ErrTimeout], and the process runs on. A code other than 0 is no error; what copies data for a cmd with readers or writers
// of its own can fail.
//
// A process whose pipes nobody reads may never end; [Process.Communicate] reads them.
func (p *Process) Wait(ctx context.Context) (code int, err error) {
	p.check()
	p.mu.Lock()
	for !p.done && err == nil {
		done := awaitsNetwork(ctx)
		err = p.line.Wait(ctx, &p.mu, (*processKeeper)(p))
		done()
	}
	if err == nil {
		code, err = p.code, p.err
	}
	p.mu.Unlock()
	return code, err
}

// Communicate sends input to the process, closes its stdin, reads its stdout and stderr to their ends and waits until it
// has ended: communicate. What is no pipe is nil. A nil input closes stdin too, as of Python 3.12. A process that ends
// without having read its input is no error.
//
// If ctx is cancelled, the process runs on, and another Communicate or read gets what it has written meanwhile; in
// Python that is lost.
func (p *Process) Communicate(ctx context.Context, input []byte) (stdout, stderr []byte, err error) {
	p.check()
	if w := p.stdin; w != nil {
		if _, err := w.Write(input); err != nil && !brokenPipe(err) && !errors.Is(err, net.ErrClosed) {
			return nil, nil, err
		}
		w.Close()
	}
	// Both fill up at the same time, while one after the other is waited for.
	var outs []*StreamReader
	for _, r := range []*StreamReader{p.stdout, p.stderr} {
		if r != nil {
			r.slurp()
			outs = append(outs, r)
		}
	}
	for _, r := range outs {
		if err := r.awaitEnd(ctx); err != nil {
			return nil, nil, err
		}
	}
	if _, err := p.Wait(ctx); err != nil {
		return nil, nil, err
	}
	if r := p.stdout; r != nil {
		if stdout, err = r.Read(ctx, -1); err != nil {
			return nil, nil, err
		}
	}
	if r := p.stderr; r != nil {
		stderr, err = r.Read(ctx, -1)
	}
	return stdout, stderr, err
}

// Signal sends a signal: send_signal. If the process has ended, the error is [os.ErrProcessDone], Python's
// ProcessLookupError.
func (p *Process) Signal(sig os.Signal) error {
	p.check()
	return p.cmd.Process.Signal(sig)
}

// Kill ends the process by force: kill. If it has ended, the error is [os.ErrProcessDone].
func (p *Process) Kill() error { return p.Signal(os.Kill) }

// Terminate asks the process to end, by SIGTERM: terminate. If it has ended, the error is [os.ErrProcessDone].
func (p *Process) Terminate() error { return p.Signal(syscall.SIGTERM) }

// Close kills the process if it still runs, and closes its pipes: transport.close. It does not suspend.
func (p *Process) Close() error {
	p.check()
	p.close(true)
	return nil
}

// close implements wire.
func (p *Process) close(bool) {
	if _, ended := p.ReturnCode(); !ended {
		p.cmd.Process.Kill()
	}
	if p.stdin != nil {
		p.stdin.Abort()
	}
	p.CloseStdout()
	p.CloseStderr()
}

// String describes the process, as Process(1234, running).
func (p *Process) String() string {
	state := "running"
	if code, ended := p.ReturnCode(); ended {
		state = fmt.Sprintf("returncode %d", code)
	}
	return fmt.Sprintf("Process(%d, %s)", p.PID(), state)
}

// processKeeper is a Process as those who wait for its end know it.
type processKeeper Process

// GaveUp implements [loop.Keeper]. Nobody else misses anything.
func (k *processKeeper) GaveUp(*loop.Line, bool) {}

func (k *processKeeper) String() string { return fmt.Sprintf("Process(%d)", k.cmd.Process.Pid) }
