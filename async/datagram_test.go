package async_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
)

// echoing answers each datagram until it is closed.
func echoing() net.PacketConn {
	peer := must(net.ListenPacket("udp", "127.0.0.1:0"))
	go func() {
		for p := make([]byte, 1<<16); ; {
			n, from, err := peer.ReadFrom(p)
			if err != nil {
				return
			}
			peer.WriteTo(p[:n], from)
		}
	}()
	return peer
}

func TestDatagrams(t *testing.T) {
	t.Run("a Read over UDP returns one datagram, however short or empty, and drops what there is no room for", onLoop(func(ctx context.Context, t *testing.T) {
		peer := echoing()
		defer peer.Close()
		c := must(async.Dial(ctx, "udp", peer.LocalAddr().String()))
		defer c.Close()
		p := make([]byte, 4)
		for _, sent := range []string{"one", "", "three", "four"} {
			expectEqual(t, "Write", must(c.Write([]byte(sent))), len(sent))
		}
		for _, want := range []string{"one", "", "thre", "four"} {
			expectEqual(t, "Read", string(p[:must(c.Read(p))]), want)
		}
	}, realTime))
	t.Run("a task that waits for a datagram lets the others run, and one that is cancelled loses none", onLoop(func(ctx context.Context, t *testing.T) {
		peer := must(net.ListenPacket("udp", "127.0.0.1:0"))
		defer peer.Close()
		c := must(async.Dial(ctx, "udp", peer.LocalAddr().String()))
		defer c.Close()
		read := func(context.Context) (string, error) {
			p := make([]byte, 10)
			n, err := c.Read(p)
			return string(p[:n]), err
		}
		for range 20 {
			first, second := async.CreateTask(ctx, read), async.CreateTask(ctx, read)
			ticks(ctx, 3)
			must(peer.WriteTo([]byte("a"), c.LocalAddr()))
			first.Cancel()
			got, err := first.Await(ctx)
			if err == nil { // it was faster
				must(peer.WriteTo([]byte("a"), c.LocalAddr()))
			} else {
				expectError(t, "Read", err, async.ErrCancelled)
				got = must(second.Await(ctx))
			}
			expectEqual(t, "datagram", got, "a")
			if !second.IsDone() {
				expectEqual(t, "datagram", must(second.Await(ctx)), "a")
			}
		}
	}, realTime))
	t.Run("deadlines, contexts and Close end a Read", onLoop(func(ctx context.Context, t *testing.T) {
		peer := echoing()
		defer peer.Close()
		c := must(async.Dial(ctx, "udp", peer.LocalAddr().String()))
		p := make([]byte, 10)
		check(c.SetReadDeadline(time.Now().Add(hundredth)))
		_, err := c.Read(p)
		expectError(t, "Read", err, os.ErrDeadlineExceeded)
		check(c.SetDeadline(time.Unix(1, 0)))
		_, err = c.Write(p)
		expectError(t, "Write", err, os.ErrDeadlineExceeded)
		check(c.SetDeadline(time.Time{}))
		short, cancel := async.WithTimeout(ctx, hundredth)
		defer cancel()
		_, err = async.WithConnContext(short, c).Read(p)
		expectError(t, "Read", err, async.ErrTimeout)
		read := async.Go(ctx, func(context.Context) error {
			_, err := c.Read(p)
			return err
		})
		ticks(ctx, 3)
		check(c.Close())
		waitFor(ctx, read)
		expectError(t, "Read", read.Err(), net.ErrClosed)
		_, err = c.Write(p)
		expectError(t, "Write", err, net.ErrClosed)
		expectError(t, "Close", c.Close(), net.ErrClosed)
	}, realTime))
	t.Run("a deadline that has passed comes before a datagram, which is kept", onLoop(func(ctx context.Context, t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("asks the kernel whether the datagram is still there")
		}
		peer := echoing()
		defer peer.Close()
		c := must(async.Dial(ctx, "udp", peer.LocalAddr().String()))
		defer c.Close()
		p := make([]byte, 10)
		raw := must(c.(syscall.Conn).SyscallConn())
		for taken := false; !taken; {
			reader := async.Go(ctx, func(context.Context) error {
				_, err := c.Read(make([]byte, 10))
				return err
			})
			async.Sleep(ctx, hundredth) // the goroutine that reads is likely to be in the kernel then
			reader.Cancel()
			waitFor(ctx, reader)
			expectError(t, "Read", reader.Err(), async.ErrCancelled)
			must(peer.WriteTo([]byte("x"), c.LocalAddr()))
			for n := 0; n < 1000 && !taken; n++ {
				check(raw.Control(func(fd uintptr) { taken = datagramTaken(fd, p) }))
				runtime.Gosched()
			}
			if !taken { // it has not begun to read
				must(c.Read(p))
			}
		}
		check(c.SetReadDeadline(time.Unix(1, 0)))
		_, err := c.Read(p)
		expectError(t, "Read", err, os.ErrDeadlineExceeded)
		check(c.SetReadDeadline(time.Time{}))
		expectEqual(t, "Read without room", must(c.Read(nil)), 0)
		expectEqual(t, "Read", string(p[:must(c.Read(p))]), "x")
	}, realTime))
	t.Run("a peer that refuses a datagram is one error, and the next one gets through", onLoop(func(ctx context.Context, t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("not every system tells")
		}
		peer := must(net.ListenPacket("udp", "127.0.0.1:0"))
		check(peer.Close())
		c := must(async.Dial(ctx, "udp", peer.LocalAddr().String()))
		defer c.Close()
		must(c.Write([]byte("x")))
		p := make([]byte, 10)
		_, err := c.Read(p)
		expectError(t, "Read", err, syscall.ECONNREFUSED)
		peer = must(net.ListenPacket("udp", peer.LocalAddr().String()))
		defer peer.Close()
		must(peer.WriteTo([]byte("y"), c.LocalAddr()))
		expectEqual(t, "Read", must(c.Read(p)), 1)
	}, realTime))
	t.Run("streams refuse datagrams", onLoop(func(ctx context.Context, t *testing.T) {
		if _, _, err := async.OpenConnection(ctx, "udp", "127.0.0.1:9"); err == nil {
			t.Error("OpenConnection has succeeded")
		}
	}, realTime))
	t.Run("without a loop calls block, and the end of a loop closes", func(t *testing.T) {
		guarded(t, func() {
			peer := must(net.ListenPacket("udp", "127.0.0.1:0"))
			defer peer.Close()
			c := must(async.Dial(t.Context(), "udp", peer.LocalAddr().String()))
			must(peer.WriteTo([]byte("x"), c.LocalAddr()))
			expectEqual(t, "Read", must(c.Read(make([]byte, 10))), 1)
			check(c.Close())
			check(async.Run(func(ctx context.Context) (err error) {
				c, err = async.Dial(ctx, "udp", peer.LocalAddr().String())
				return err
			}))
			_, err := c.Read(make([]byte, 10))
			expectError(t, "Read", err, net.ErrClosed)
		})
	})
}

func TestUnixDatagrams(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("not every system has them, or a limit that a test can reach")
	}
	t.Run("a Write into a full socket suspends the task until the peer reads, and borders stay", onLoop(func(ctx context.Context, t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		peer := must(net.ListenPacket("unixgram", path))
		defer peer.Close()
		c := must(async.Dial(ctx, "unixgram", path))
		defer c.Close()
		const n = 2000 // far more than the kernel keeps
		writer := async.Go(ctx, func(context.Context) error {
			for i := range n {
				if _, err := c.Write(make([]byte, i%7)); err != nil {
					return err
				}
			}
			return nil
		})
		ticks(ctx, 50)
		expectEqual(t, "all are sent", writer.IsDone(), false)
		p := make([]byte, 10)
		check(run(ctx, func() error {
			for i := range n {
				k, _, err := peer.ReadFrom(p)
				if err != nil || k != i%7 {
					return errors.Join(err, errors.New("a border is lost"))
				}
			}
			return nil
		}))
		waitFor(ctx, writer)
		expectError(t, "Write", writer.Err(), nil)
	}, realTime))
	t.Run("what is sent for a Write that was cancelled is what it was given", onLoop(func(ctx context.Context, t *testing.T) {
		path := filepath.Join(t.TempDir(), "s")
		peer := must(net.ListenPacket("unixgram", path))
		defer peer.Close()
		c := must(async.Dial(ctx, "unixgram", path))
		defer c.Close()
		p := []byte("before")
		var sent atomic.Int64
		writer := async.Go(ctx, func(context.Context) error {
			for ; ; sent.Add(1) {
				if _, err := c.Write(p); err != nil {
					return err
				}
			}
		})
		for before := int64(-1); before < sent.Load(); async.Sleep(ctx, hundredth) {
			before = sent.Load()
		}
		writer.Cancel()
		waitFor(ctx, writer)
		copy(p, "behind")
		check(run(ctx, func() error {
			q := make([]byte, 10)
			for range sent.Load() + 1 {
				n, _, err := peer.ReadFrom(q)
				if err != nil || string(q[:n]) != "before" {
					return errors.Join(err, errors.New("the peer reads "+string(q[:n])))
				}
			}
			return nil
		}))
	}, realTime))
	t.Run("a datagram is as long as the kernel takes it", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := pair(ctx, "unixpacket", filepath.Join(t.TempDir(), "s"))
		defer a.Close()
		defer b.Close()
		const long = 100_000
		must(a.Write(make([]byte, long)))
		expectEqual(t, "Read", must(b.Read(make([]byte, long))), long)
	}, realTime))
	t.Run("unixpacket keeps borders in both directions, and has an end", onLoop(func(ctx context.Context, t *testing.T) {
		a, b := pair(ctx, "unixpacket", filepath.Join(t.TempDir(), "s"))
		defer b.Close()
		must(a.Write([]byte("one")))
		must(a.Write([]byte("two")))
		check(a.Close())
		p := make([]byte, 10)
		expectEqual(t, "Read", string(p[:must(b.Read(p))]), "one")
		expectEqual(t, "Read", string(p[:must(b.Read(p))]), "two")
		_, err := b.Read(p)
		expectError(t, "Read", err, io.EOF)
		if _, err := async.StartServer(ctx, echo, "unixpacket", filepath.Join(t.TempDir(), "t")); err == nil {
			t.Error("StartServer has succeeded")
		}
	}, realTime))
}
