//go:build unix

package async_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// fewDescriptors has the test below be the server that runs out of them.
const fewDescriptors = "ASYNCGO_FEW_DESCRIPTORS"

// TestOutOfDescriptors has a process of its own run out of descriptors, because the limit holds for all of it.
func TestOutOfDescriptors(t *testing.T) {
	if os.Getenv(fewDescriptors) != "" {
		serveWithFewDescriptors(t)
		return
	}
	const clients = 60
	guarded(t, func() {
		cmd := exec.Command(must(os.Executable()), "-test.run", "^TestOutOfDescriptors$", "-test.v")
		cmd.Env = append(os.Environ(), fewDescriptors+"=1")
		stdin := must(cmd.StdinPipe())
		stdout := must(cmd.StdoutPipe())
		check(cmd.Start())
		out := bufio.NewReader(stdout)
		next := func(prefix string) string { // skips what package testing says
			for {
				line := must(out.ReadString('\n'))
				if rest, ok := strings.CutPrefix(line, prefix); ok {
					return strings.TrimSpace(rest)
				}
			}
		}
		addr := next("address ")
		var conns []net.Conn
		for range clients {
			conns = append(conns, must(net.Dial("tcp", addr))) // the kernel accepts them
		}
		next("socket.accept out of system resource")
		for _, c := range conns { // each that ends makes room for another one
			must(io.WriteString(c, "x"))
			must(io.ReadFull(c, make([]byte, 1)))
			check(c.Close())
		}
		check(stdin.Close())
		expectEqual(t, "served", next("served "), fmt.Sprint(clients))
		io.Copy(io.Discard, out)
		check(cmd.Wait())
	})
}

func serveWithFewDescriptors(t *testing.T) {
	check(syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 40, Max: 40}))
	var served atomic.Int64
	check(async.Run(func(ctx context.Context) error {
		s := must(async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
			served.Add(1)
			return echo(ctx, r, w)
		}, "tcp", "127.0.0.1:0"))
		fmt.Println("address", s.Addr())
		must(async.ToThread(ctx, func(context.Context) (int64, error) { return io.Copy(io.Discard, os.Stdin) }))
		shut(ctx, s)
		return nil
	}, async.ExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
		expectError(t, "Err", c.Err, syscall.EMFILE)
		fmt.Println(c.Message)
	})))
	fmt.Println("served", served.Load())
}
