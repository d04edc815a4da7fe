package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// TestMain also shows that nothing of a server outlives it. The children of the first server are this program too.
func TestMain(m *testing.M) {
	if isChild() {
		if err := serveAsChild(os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	asynctest.VerifyTestMain(m)
}

func TestServers(t *testing.T) {
	var out strings.Builder
	if err := run(&out, 3, 2); err != nil {
		t.Fatal(err)
	}
	const heard = ">> client 0, message 0\n>> client 0, message 1\n>> client 1, message 0\n>> client 1, message 1\n" +
		">> client 2, message 0\n>> client 2, message 1\n"
	const want = "a process for each client: 6 answers\n" + heard + "a thread for each client: 6 answers\n" + heard +
		"a task for each client: 6 answers\n" + heard + "a worker of a pool for each client: 6 answers\n" + heard
	if out.String() != want {
		t.Errorf("servers prints %q", out.String())
	}
}

// A limited record cancels the run when so many lines were heard.
type limited struct {
	lines  atomic.Int32
	cancel func()
}

// Write implements [io.Writer].
func (l *limited) Write(p []byte) (int, error) {
	if l.lines.Add(-1) == 0 {
		l.cancel()
	}
	return len(p), nil
}

func TestServersCancelled(t *testing.T) {
	for _, kind := range kinds {
		t.Run("a run that is cancelled in the middle of a talk leaves nothing of a server with one "+kind.name+" for each client", func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			heard := &limited{cancel: cancel}
			heard.lines.Store(20)
			var addr string
			err := async.Run(func(ctx context.Context) error {
				_, err := visit(ctx, func(ctx context.Context, out io.Writer) (_ string, stop func(context.Context) error, err error) {
					addr, stop, err = kind.start(ctx, out)
					return addr, stop, err
				}, heard, 3, 1<<40) // they would talk for ever
				return err
			}, async.WithContext(ctx), async.ExceptionHandler(func(_ *async.Loop, c async.ExceptionContext) {
				t.Log(c.Message, c.Err) // of a handler whose client did not wait for the answer
			}))
			if !errors.Is(err, async.ErrCancelled) {
				t.Errorf("the run has ended with %v", err)
			}
			if heard.lines.Load() > 0 {
				t.Error("it was not in the middle")
			}
			goleak.VerifyNone(t, before)
			if c, err := net.Dial("tcp", addr); err == nil {
				c.Close()
				t.Error("the server still listens")
			}
			witness.NoChild(t)
		})
	}
}
