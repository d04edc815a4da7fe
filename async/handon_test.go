package async_test

import (
	"context"
	"net"
	"runtime"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// wokenAndCancelled has two tasks call wait, one behind the other, has send bring what one of them waits for, and cancels the first when
// it has been woken and did not run yet. What came must go to the second.
func wokenAndCancelled(ctx context.Context, t *testing.T, of any, wait, send func() error) {
	t.Helper()
	task := func(context.Context) error { return wait() }
	first := async.Go(ctx, task)
	second := async.Go(ctx, task)
	ticks(ctx, 3)
	atOnce(ctx, func() { // the first one cannot run meanwhile
		check(send())
		for async.UnderWay(of) == 0 {
			runtime.Gosched()
		}
		first.Cancel()
	})
	ticks(ctx, 5)
	expectError(t, "the first", first.Err(), async.ErrCancelled)
	expectEqual(t, "the second is done", second.IsDone(), true)
	second.Cancel() // does nothing if it is
	waitFor(ctx, second)
	expectError(t, "the second", second.Err(), nil)
}

func TestHandingOn(t *testing.T) {
	t.Run("what came for a task that is cancelled before it runs goes to the next in line: a connection", onLoop(func(ctx context.Context, t *testing.T) {
		ln := must(async.Listen(ctx, "tcp", "127.0.0.1:0"))
		defer ln.Close()
		var client net.Conn
		wokenAndCancelled(ctx, t, ln, func() error {
			c, err := ln.Accept()
			if err == nil {
				expectEqual(t, "RemoteAddr", c.RemoteAddr().String(), client.LocalAddr().String())
				err = c.Close()
			}
			return err
		}, func() (err error) {
			client, err = net.Dial("tcp", ln.Addr().String())
			return err
		})
		check(client.Close())
	}, realTime))
	t.Run("what came for a task that is cancelled before it runs goes to the next in line: a datagram", onLoop(func(ctx context.Context, t *testing.T) {
		peer := must(net.ListenPacket("udp", "127.0.0.1:0"))
		defer peer.Close()
		c := must(async.Dial(ctx, "udp", peer.LocalAddr().String()))
		defer c.Close()
		wokenAndCancelled(ctx, t, c, func() error {
			p := make([]byte, 10)
			n, err := c.Read(p)
			if err == nil {
				expectEqual(t, "Read", string(p[:n]), "one")
			}
			return err
		}, func() error {
			_, err := peer.WriteTo([]byte("one"), c.LocalAddr())
			return err
		})
	}, realTime))
}
