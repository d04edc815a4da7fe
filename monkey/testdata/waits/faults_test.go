package waits_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"syscall"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// dial connects to a listener, which leaves the loop as a whole, and has fn called in the middle of it.
func dial(t *testing.T, fn func()) error {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	defer ln.Close()
	d := net.Dialer{Control: func(string, string, syscall.RawConn) error { fn(); return nil }}
	c, err := d.Dial("tcp", ln.Addr().String())
	if err == nil {
		c.Close()
	}
	return err
}

// inside reports whether the calling task can wait in its loop for another one to run.
func inside(ctx context.Context) bool {
	ran := false
	async.Go(ctx, func(context.Context) error { ran = true; return nil })
	check(async.Sleep(ctx, 0))
	return ran
}

func TestFaults(t *testing.T) {
	t.Run("a panic in a call that has left the loop is one of the task, with its deferred calls inside", func(t *testing.T) {
		check(async.Run(func(ctx context.Context) error {
			deferred := false
			task := async.Go(ctx, func(ctx context.Context) error {
				defer func() { deferred = inside(ctx) }()
				return dial(t, func() { panic("broken") })
			})
			_, err := task.Await(ctx)
			var p *async.PanicError
			if !errors.As(err, &p) || p.Value != "broken" || !deferred {
				t.Errorf("the task ends with %v, its deferred call was inside: %t", err, deferred)
			}
			return nil
		}))
	})
	t.Run("a panic that the task recovers from leaves it inside", func(t *testing.T) {
		check(async.Run(func(ctx context.Context) error {
			func() {
				defer func() {
					if v := recover(); v != "broken" {
						t.Errorf("the panic is %v", v)
					}
				}()
				dial(t, func() { panic("broken") })
			}()
			if !inside(ctx) {
				t.Error("it is outside")
			}
			return nil
		}))
	})
	t.Run("runtime.Goexit in a call that has left the loop ends the run, and goes on in the goroutine of Run", func(t *testing.T) {
		returned, deferred, ended := false, false, make(chan struct{})
		go func() {
			defer close(ended)
			async.Run(func(ctx context.Context) error {
				defer func() { deferred = true }()
				return dial(t, runtime.Goexit)
			})
			returned = true
		}()
		<-ended
		if returned || !deferred {
			t.Errorf("Run has returned: %t, the deferred call was made: %t", returned, deferred)
		}
	})
	t.Run("a patched call inside of another one is the original, and takes no second place of BlockLimit", func(t *testing.T) {
		check(async.Run(func(ctx context.Context) error {
			err := dial(t, func() {
				check(dial(t, func() {
					_, err := async.Block(ctx, func(context.Context) (int, error) { return 0, dial(t, func() {}) })
					check(err)
				}))
			})
			if !inside(ctx) {
				t.Error("it is outside")
			}
			return err
		}, async.BlockLimit(1)))
	})
	t.Run("the end of main while a task is in a patched call waits for that", func(t *testing.T) {
		ended := false
		check(async.Run(func(ctx context.Context) error {
			entered, gate := make(chan struct{}), make(chan struct{})
			async.Go(ctx, func(context.Context) error {
				defer func() { ended = true }()
				return dial(t, func() { close(entered); <-gate })
			})
			check(async.Sleep(ctx, 0))
			<-entered
			go func() { <-ctx.Done(); close(gate) }()
			return nil
		}))
		if !ended {
			t.Error("Run has not waited")
		}
	})
}
