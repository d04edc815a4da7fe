package gevent_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// ask sends a word and returns what comes back, up to the end.
func ask(address, word string) (string, error) {
	c, err := gevent.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, word); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(c)
	return string(answer), err
}

// shout answers one word of five letters.
func shout(c net.Conn) error {
	word := make([]byte, 5)
	if _, err := io.ReadFull(c, word); err != nil {
		return err
	}
	_, err := io.WriteString(c, strings.ToUpper(string(word)))
	return err
}

func start(s *gevent.StreamServer) string {
	check(s.Start())
	return s.Addr().String()
}

func TestStreamServer(t *testing.T) {
	t.Run("N5 the port is bound by Start, and free after Stop", func(t *testing.T) {
		witness.NoLeaks(t)
		s := gevent.NewStreamServer("tcp", "127.0.0.1:0", shout)
		if s.Started() || !s.Closed() || s.Addr() != nil || s.Port() != 0 {
			t.Error("it has started")
		}
		address := start(s)
		if !s.Started() || s.Closed() || s.Port() == 0 {
			t.Error("it has not started")
		}
		if v := must(ask(address, "hello")); v != "HELLO" {
			t.Errorf("the answer is %q", v)
		}
		check(s.Stop())
		if _, err := ask(address, "hello"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("after Stop the error is %v", err)
		}
		check(s.Stop())
	})

	t.Run("N6 the connection is closed when the handler returns, fails or panics, and the server goes on", func(t *testing.T) {
		witness.NoLeaks(t)
		s := gevent.NewStreamServer("tcp", "127.0.0.1:0", func(c net.Conn) error {
			word := make([]byte, 5)
			must(io.ReadFull(c, word))
			switch string(word) {
			case "fails":
				return errFault
			case "panic":
				panic("fault")
			}
			_, err := c.Write(word)
			return err
		})
		address := start(s)
		for _, c := range []struct{ word, answer string }{{"fails", ""}, {"panic", ""}, {"right", "right"}} {
			if v, err := ask(address, c.word); v != c.answer || err != nil {
				t.Errorf("%s: %q, %v", c.word, v, err)
			}
		}
		check(s.Stop())
	})

	t.Run("N7 with a full pool connections wait for a slot", func(t *testing.T) {
		witness.NoLeaks(t)
		pool := gevent.NewPool(1)
		var enter, leave gevent.Event
		running := 0
		s := gevent.NewStreamServer("tcp", "127.0.0.1:0", func(c net.Conn) error {
			if running++; running > 1 {
				t.Error("two handlers run")
			}
			defer func() { running-- }()
			enter.Set()
			if _, err := leave.Wait(); err != nil {
				return err
			}
			return shout(c)
		}, gevent.InPool(pool))
		address := start(s)
		var clients []*gevent.Greenlet[string]
		for range 3 {
			clients = append(clients, gevent.Spawn(func() (string, error) { return ask(address, "hello") }))
		}
		must(enter.Wait())
		if !s.Full() || running != 1 {
			t.Error("there is room")
		}
		leave.Set()
		for _, g := range must(gevent.JoinAll(clients)) {
			if v, err := g.Get(); v != "HELLO" || err != nil {
				t.Error(v, err)
			}
		}
		check(s.Stop())
	})

	t.Run("N7 Stop kills the handlers that do not end in time", func(t *testing.T) {
		witness.NoLeaks(t)
		var began gevent.Event
		var err error
		s := gevent.NewStreamServer("tcp", "127.0.0.1:0", func(net.Conn) error {
			began.Set()
			err = gevent.Sleep(time.Hour)
			return err
		})
		address := start(s)
		client := gevent.Spawn(func() (string, error) { return ask(address, "hello") })
		must(began.Wait())
		check(s.Stop(ms(1)))
		if !errors.Is(err, gevent.ErrGreenletExit) {
			t.Errorf("the handler gets %v", err)
		}
		check(client.Join())
	})

	t.Run("N11 StopAccepting keeps the port, and connections wait until StartAccepting", func(t *testing.T) {
		witness.NoLeaks(t)
		s := gevent.NewStreamServer("tcp", "127.0.0.1:0", shout)
		address := start(s)
		check(gevent.Sleep(0))
		check(s.StopAccepting())
		client := gevent.Spawn(func() (string, error) { return ask(address, "hello") })
		if _, err := client.GetTimeout(ms(30)); !errors.Is(err, &gevent.Timeout{}) && client.Ready() {
			t.Errorf("it was answered: %v", err)
		}
		s.StartAccepting()
		s.StartAccepting() // which does nothing
		if v := must(client.Get()); v != "HELLO" {
			t.Errorf("the answer is %q", v)
		}
		check(s.Stop())
	})

	t.Run("N11 ServeForever returns after Stop, or with what is thrown at it", func(t *testing.T) {
		witness.NoLeaks(t)
		s := gevent.NewStreamServer("tcp", "127.0.0.1:0", shout)
		g := gevent.Spawn(func() (int, error) { return 0, s.ServeForever() })
		check(gevent.Sleep(0))
		if !s.Started() {
			t.Error("it has not started")
		}
		check(s.Stop())
		must(g.Get())
		g = gevent.Spawn(func() (int, error) { return 0, s.ServeForever() })
		check(gevent.Sleep(0))
		check(g.Kill(errFault))
		if !errors.Is(g.Exception(), errFault) || s.Started() {
			t.Errorf("%v, started: %v", g.Exception(), s.Started())
		}
	})

	t.Run("connections are encrypted with TLS", func(t *testing.T) {
		witness.NoLeaks(t)
		key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		template := &x509.Certificate{
			SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		}
		der := must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
		roots := x509.NewCertPool()
		roots.AddCert(must(x509.ParseCertificate(der)))
		s := gevent.NewStreamServer("tcp", "127.0.0.1:0", shout, gevent.TLS(&tls.Config{
			Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		}))
		address := start(s)
		for range 2 {
			raw := must(gevent.Dial("tcp", address))
			c := tls.Client(raw, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})
			must(io.WriteString(c, "hello"))
			answer := make([]byte, 5)
			must(io.ReadFull(c, answer))
			if string(answer) != "HELLO" {
				t.Errorf("the answer is %q", answer)
			}
			check(c.Close())
		}
		// Who does not speak TLS is turned away, and the server goes on.
		if v, _ := ask(address, "hello, this is no handshake"); strings.Contains(v, "HELLO") {
			t.Errorf("it answers %q", v)
		}
		check(s.Stop())
	})

	t.Run("N9 an error of accept is reported, and accepting goes on after a pause that doubles", func(t *testing.T) {
		witness.NoLeaks(t)
		var failures []string
		previous := gevent.SetErrorHandler(func(f gevent.Failure) { failures = append(failures, f.Err.Error()) })
		defer func() { gevent.SetErrorHandler(previous) }()
		l := &flaky{Listener: must(net.Listen("tcp", "127.0.0.1:0")), left: 3}
		s := gevent.NewStreamServer("", "", shout, gevent.OnListener(l), gevent.AcceptDelay(time.Millisecond, 2*time.Millisecond))
		address := start(s)
		if v := must(ask(address, "hello")); v != "HELLO" {
			t.Errorf("the answer is %q", v)
		}
		check(s.Stop())
		if fmt.Sprint(failures) != "[too many open files too many open files too many open files]" {
			t.Errorf("reported are %v", failures)
		}
	})

	t.Run("bad input panics, and an address in use is an error", func(t *testing.T) {
		witness.NoLeaks(t)
		for want, fn := range map[string]func(){
			"gevent: NewStreamServer was called with a nil handler":            func() { gevent.NewStreamServer("tcp", ":0", nil) },
			"gevent: SetHandle was called with a nil handler":                  func() { gevent.NewStreamServer("tcp", ":0", shout).SetHandle(nil) },
			"gevent: AcceptDelay was called with delays that are not in order": func() { gevent.AcceptDelay(2, 1) },
			"gevent: NewDatagramServer was called with a nil handler":          func() { gevent.NewDatagramServer("udp", ":0", nil) },
		} {
			if got := caught(fn); got != want {
				t.Errorf("it panics with %v and should with %q", got, want)
			}
		}
		s := gevent.NewStreamServer("tcp", "127.0.0.1:0", shout)
		address := start(s)
		if err := gevent.NewStreamServer("tcp", address, shout).Start(); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("the error is %v", err)
		}
		check(gevent.Sleep(0)) // The acceptor runs, so that it is not in the hub any more after Stop.
		check(s.Stop())
	})
}

// A flaky listener fails some times for want of descriptors.
type flaky struct {
	net.Listener
	left int
}

func (l *flaky) Accept() (net.Conn, error) {
	if l.left > 0 {
		l.left--
		return nil, tooMany{}
	}
	return l.Listener.Accept()
}

func (l *flaky) SetDeadline(t time.Time) error { return l.Listener.(*net.TCPListener).SetDeadline(t) }

type tooMany struct{}

func (tooMany) Error() string   { return "too many open files" }
func (tooMany) Temporary() bool { return true }

func TestDatagramServer(t *testing.T) {
	t.Run("every datagram is handled, and answered from the server's address", func(t *testing.T) {
		witness.NoLeaks(t)
		var s *gevent.DatagramServer
		s = gevent.NewDatagramServer("udp", "127.0.0.1:0", func(data []byte, from net.Addr) error {
			return s.SendTo([]byte(strings.ToUpper(string(data))), from)
		})
		check(s.Start())
		c := must(gevent.Dial("udp", s.Addr().String()))
		for _, word := range []string{"one", "two"} {
			must(io.WriteString(c, word))
			buf := make([]byte, 10)
			if n := must(c.Read(buf)); string(buf[:n]) != strings.ToUpper(word) {
				t.Errorf("the answer is %q", buf[:n])
			}
		}
		check(c.Close())
		check(s.Stop())
		check(s.Stop())
		if err := s.SendTo(nil, nil); !errors.Is(err, net.ErrClosed) || s.Addr() != nil {
			t.Errorf("after Stop the error is %v", err)
		}
		g := gevent.Spawn(func() (int, error) { return 0, s.ServeForever() })
		check(gevent.Sleep(ms(1)))
		check(s.Stop())
		must(g.Get())
	})
}

func TestParseAddress(t *testing.T) {
	for _, c := range []struct{ in, network, address string }{
		{"1.2.3.4:80", "tcp4", "1.2.3.4:80"},
		{":80", "tcp4", ":80"},
		{"80", "tcp6", ":80"},
		{"[::1]:80", "tcp6", "[::1]:80"},
		{"localhost:80", "tcp", "localhost:80"},
	} {
		if network, address, err := gevent.ParseAddress(c.in); network != c.network || address != c.address || err != nil {
			t.Errorf("%q is %q, %q, %v", c.in, network, address, err)
		}
	}
	for _, in := range []string{"", "a:b", "1.2.3.4:99999", "::1:80", "x"} {
		if _, _, err := gevent.ParseAddress(in); err == nil {
			t.Errorf("%q is an address", in)
		}
	}
}
