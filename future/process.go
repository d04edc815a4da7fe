package future

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc/panics"
)

// ErrBrokenWorker is what a call ends with whose worker process has ended before it could answer: it
// crashed or was killed. It stands for BrokenProcessPool, but concerns the calls of that worker alone.
var ErrBrokenWorker = errors.New("future: the worker process has ended")

// A process is a worker process, as its pool sees it.
type process struct {
	name    string
	cmd     *exec.Cmd
	in      *os.File // where calls are written
	out     *os.File
	from    *bufio.Reader // of out
	to      sender
	read    receiver
	tickets *tickets
	calls   int           // those that it was given, but for the one ahead
	gone    chan struct{} // closed when it has ended, and was waited for
	err     error         // how; read after gone
	late    atomic.Bool   // it was killed because a call took too long
}

// startProcess starts this program again as a worker.
func startProcess(name string, stderr io.Writer) (*process, error) {
	exe, err := executable()
	if err != nil {
		return nil, err
	}
	callsR, callsW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer callsR.Close()
	answersR, answersW, err := os.Pipe()
	if err != nil {
		callsW.Close()
		return nil, err
	}
	defer answersW.Close()
	tickets, err := newTickets()
	if err != nil {
		callsW.Close()
		answersR.Close()
		return nil, err
	}
	registry.Lock()
	count := len(registry.byName)
	registry.Unlock()
	w := &process{name: name, in: callsW, out: answersR, from: bufio.NewReader(answersR), tickets: tickets, gone: make(chan struct{})}
	w.cmd = &exec.Cmd{
		Path:        exe,
		Args:        os.Args, // so that the initialisation does the same as here
		Env:         append(os.Environ(), fmt.Sprintf("%s=%d %s", workerEnv, count, name)),
		Stdout:      os.Stdout,
		Stderr:      &lines{prefix: "[" + name + "] ", to: stderr},
		ExtraFiles:  []*os.File{callsR, answersW, tickets.r},
		SysProcAttr: processAttr(),
		WaitDelay:   time.Second, // for what the worker has started, and has our pipe as its stderr
	}
	began := make(chan error)
	go w.watch(began)
	if err := <-began; err != nil {
		callsW.Close()
		answersR.Close()
		tickets.close()
		return nil, err
	}
	tickets.raw.Control(unblock)
	return w, nil
}

// watch starts the process and waits for it. It stays on one thread, because Pdeathsig means the thread
// that has started the process, which might end before the program.
func (w *process) watch(began chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := w.cmd.Start()
	began <- err
	if err != nil {
		return
	}
	w.err = w.cmd.Wait()
	if l := w.cmd.Stderr.(*lines); l.rest.Len() > 0 {
		l.Write([]byte("\n"))
	}
	close(w.gone)
}

// isGone reports whether the process has ended.
func (w *process) isGone() bool {
	select {
	case <-w.gone:
		return true
	default:
		return false
	}
}

// end ends the process, and waits for that. An idle worker ends by itself when its pipe is closed.
func (w *process) end(kill bool) {
	w.in.Close()
	if kill {
		w.cmd.Process.Kill()
	}
	t := time.AfterFunc(5*time.Second, func() { w.cmd.Process.Kill() })
	<-w.gone
	t.Stop()
	w.out.Close()
}

// broken ends a process that did not answer, and returns the error that says so.
func (w *process) broken() error {
	w.end(true)
	how := "exit status 0"
	if w.err != nil {
		how = w.err.Error()
	}
	return fmt.Errorf("%w: %s, process %d: %s", ErrBrokenWorker, w.name, w.cmd.Process.Pid, how)
}

// encode makes a call the next to be sent.
func (w *process) encode(c remoteCall) error {
	err := guard(func() error { return c.encode(w.to.begin()) })
	if err == nil {
		err = w.to.tooLong()
	}
	if err != nil {
		w.to.abandon()
	}
	return err
}

// killAfter kills the worker if the call that it is at has not ended in time. The function that it returns
// is called when that has ended.
func (w *process) killAfter(limit time.Duration) (ended func() (inTime bool)) {
	if limit <= 0 {
		return func() bool { return true }
	}
	t := time.AfterFunc(limit, func() {
		w.late.Store(true)
		w.cmd.Process.Kill()
	})
	return t.Stop
}

// await waits for the answer to a call that the worker was sent. It reports whether the worker can be used further, and whether the call
// has not begun, so that another worker may do it.
func (w *process) await(c remoteCall, ended func() bool) (usable, again bool) {
	f, err := readFrame(w.from)
	inTime := ended() // or it is being killed, though it has answered
	if err != nil {
		broken := w.broken()
		switch {
		case w.late.Load():
			c.fail(&timeoutCause{cause: broken})
		case w.tickets.begun(c.place()):
			c.fail(broken)
		default:
			return false, true
		}
		return false, false
	}
	dec, kind := w.read.open(f)
	if kind == frameRefused {
		w.end(true)
		c.fail(&WorkerError{w.name, string(f.body)})
		return false, false
	}
	var done func()
	if err := guard(func() (err error) { done, err = c.decode(w.name, dec); return err }); err != nil {
		done = func() { c.fail(err) }
		inTime = inTime && w.read.skip()
	}
	done()
	return inTime, false
}

// guard calls a function that calls methods of the types that travel. A panic in it is an error.
func guard(fn func() error) (err error) {
	if p := panics.Try(func() { err = fn() }); p != nil {
		return newPanicError(p)
	}
	return err
}

// A WorkerError is an error of a function in a worker process whose type could not be sent: its text.
type WorkerError struct {
	// Worker is the name of the worker.
	Worker string
	// Text is what the error's Error has returned.
	Text string
}

// Error returns Text.
func (e *WorkerError) Error() string { return e.Text }

// lines passes on what is written to it, line by line, each with a prefix.
type lines struct {
	prefix string
	to     io.Writer
	rest   bytes.Buffer // a line without its end
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			l.rest.Write(p)
			return n, nil
		}
		line := append([]byte(l.prefix), l.rest.Bytes()...)
		l.to.Write(append(line, p[:i+1]...)) // a terminal that is gone is no reason to stop the worker
		l.rest.Reset()
		p = p[i+1:]
	}
}

// together has several goroutines write to one writer.
type together struct {
	mu sync.Mutex
	to io.Writer
}

// Write implements io.Writer.
func (t *together) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.to.Write(p)
}
