package async_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// tired has a reader wait so often that it hardly tries to read by itself any more.
func tired(ctx context.Context, r *async.StreamReader, peer net.Conn) {
	for range 20 {
		read := async.CreateTask(ctx, func(ctx context.Context) ([]byte, error) { return r.ReadExactly(ctx, 1) })
		ticks(ctx, 3)
		must(io.WriteString(peer, "."))
		must(read.Await(ctx))
	}
}

// expectAll reads want, and asks again and again, so that a read that gets less than there is leaves something to wait for.
func expectAll(ctx context.Context, t *testing.T, r *async.StreamReader, want string) {
	got, err := r.ReadExactly(ctx, len(want))
	if err != nil || string(got) != want {
		t.Errorf("%q has come and not %q, and %v", got, want, err)
	}
}

func TestPoller(t *testing.T) {
	t.Run("urgent data, at which the kernel cuts a read short, leaves nothing behind", onLoop(func(ctx context.Context, t *testing.T) {
		r, w, peer := facing(ctx)
		defer peer.Close()
		raw := must(peer.(*net.TCPConn).SyscallConn())
		for range 20 {
			tired(ctx, r, peer)
			read := async.CreateTask(ctx, func(ctx context.Context) (async.Void, error) {
				expectAll(ctx, t, r, "abcdef")
				return async.Void{}, nil
			})
			ticks(ctx, 3)
			must(io.WriteString(peer, "abc"))
			check(raw.Control(func(fd uintptr) { must(syscall.SendmsgN(int(fd), []byte("!"), nil, nil, syscall.MSG_OOB)) }))
			must(io.WriteString(peer, "def"))
			must(read.Await(ctx))
		}
		hangUp(ctx, w)
	}, realTime))
	t.Run("descriptors that the peer passes, at which the kernel cuts a read short, leave nothing behind", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(net.Listen("unix", filepath.Join(t.TempDir(), "s")))
		defer ln.Close()
		r, w, err := async.OpenConnection(ctx, "unix", ln.Addr().String())
		check(err)
		peer := must(ln.Accept()).(*net.UnixConn)
		defer peer.Close()
		rights := syscall.UnixRights(int(os.Stdin.Fd()))
		for range 20 {
			tired(ctx, r, peer)
			read := async.CreateTask(ctx, func(ctx context.Context) (async.Void, error) {
				expectAll(ctx, t, r, "abcdef")
				return async.Void{}, nil
			})
			ticks(ctx, 3)
			_, _, err := peer.WriteMsgUnix([]byte("abc"), rights, nil)
			check(err)
			must(io.WriteString(peer, "def"))
			must(read.Await(ctx))
		}
		hangUp(ctx, w)
	}, realTime))
	t.Run("a process that floods Communicate does not keep the loop from a timeout", onLoop(func(ctx context.Context, t *testing.T) {
		for range 5 {
			p := must(async.CreateSubprocess(ctx, exec.Command("cat", "/dev/zero"), async.PipeStdout()))
			_, err := async.WaitFor(ctx, async.Coroutine[async.Void](func(ctx context.Context) (async.Void, error) {
				_, _, err := p.Communicate(ctx, nil)
				return async.Void{}, err
			}), hundredth)
			expectError(t, "WaitFor", err, async.ErrTimeout)
			check(p.Close())
			must(p.Wait(ctx))
		}
	}, realTime))
	t.Run("a peer that floods a reader of any limit is read in turns, to the end", onLoop(func(ctx context.Context, t *testing.T) {
		const total = 64 << 20
		ln := must(net.Listen("tcp", "127.0.0.1:0"))
		defer ln.Close()
		r, w, err := async.OpenConnection(ctx, "tcp", ln.Addr().String(), async.StreamLimit(math.MaxInt))
		check(err)
		peer := must(ln.Accept())
		sent := make(chan error, 1)
		go func() {
			_, err := peer.Write(make([]byte, total))
			sent <- errors.Join(err, peer.Close())
		}()
		got, err := r.Read(ctx, -1)
		check(err)
		expectEqual(t, "bytes", len(got), total)
		check(<-sent)
		hangUp(ctx, w)
	}, realTime))
	t.Run("a connection that is closed behind the streams' back fails the next read", onLoop(func(ctx context.Context, t *testing.T) {
		s, r, w := serving(ctx, echo)
		check(w.Conn().Close())
		_, err := r.Read(ctx, 1)
		expectError(t, "Read", err, net.ErrClosed)
		w.Abort()
		shut(ctx, s)
	}, realTime))
	t.Run("more connections than one look takes all get what came at once", onLoop(func(ctx context.Context, t *testing.T) {
		const n = 400
		ln := must(net.Listen("tcp", "127.0.0.1:0"))
		defer ln.Close()
		var tasks []*async.Task[async.Void]
		var ws []*async.StreamWriter
		var peers []net.Conn
		for range n {
			r, w, err := async.OpenConnection(ctx, "tcp", ln.Addr().String())
			check(err)
			ws, peers = append(ws, w), append(peers, must(ln.Accept()))
			tasks = append(tasks, async.Go(ctx, func(ctx context.Context) error {
				for _, want := range []string{"a", "b", "c"} {
					expectEqual(t, "Read", text(r.ReadExactly(ctx, 1)), want)
				}
				return nil
			}))
		}
		for _, what := range []string{"a", "b", "c"} {
			ticks(ctx, 5)
			for _, p := range peers { // the loop cannot look meanwhile
				must(io.WriteString(p, what))
			}
			runtime.Gosched()
		}
		waitFor(ctx, tasks...)
		for i, p := range peers {
			p.Close()
			hangUp(ctx, ws[i])
		}
	}, realTime))
	t.Run("what a pipe has when a reader takes all of a full buffer is read ahead, though the kernel has nothing new to report", onLoop(func(ctx context.Context, t *testing.T) {
		const (
			limit = 512 << 10
			total = 2*limit + 800<<10 // more than a reader takes before it is paused, and more is left then than it catches up with at once
			setSz = 1031              // F_SETPIPE_SZ
		)
		p := must(async.CreateSubprocess(ctx, exec.Command("sh", "-c", "read go; head -c $0 /dev/zero; echo sent >&2; exec cat", strconv.Itoa(total)),
			async.PipeStdin(), async.PipeStdout(), async.PipeStderr(), async.ProcessLimit(limit)))
		defer p.Close()
		r := p.Stdout()
		var failed syscall.Errno
		check(async.RawOf(r).Control(func(fd uintptr) { _, _, failed = syscall.Syscall(syscall.SYS_FCNTL, fd, setSz, 1<<20) }))
		if failed == 0 {
			must(p.Stdin().WriteString("go\n"))
			expectEqual(t, "ReadLine", text(p.Stderr().ReadLine(ctx)), "sent\n") // all of it is in the pipe or was read
			for r.Buffered() <= 2*limit {
				check(async.Sleep(ctx, hundredth))
			}
			n := r.Buffered()
			expectEqual(t, "bytes", len(must(r.Read(ctx, n))), n)
			for r.Buffered() < total-n { // nobody else asks for them
				check(async.Sleep(ctx, hundredth))
			}
		}
		check(p.Stdin().Close())
		must(r.Read(ctx, -1))
		must(p.Wait(ctx))
		if failed != 0 {
			t.Skip("the pipe cannot be made greater: ", failed)
		}
	}, realTime))
}
