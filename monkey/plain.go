package monkey

import (
	"context"
	"net"
	"net/http"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// A plainPatch is what a program can do without the overlay: it replaces variables of the standard library.
type plainPatch struct {
	target string
	patch  func() (undo func())
}

// plain are the plain patches by the name that they belong to, and what they leave out.
var plain = map[string]struct {
	patches []plainPatch
	without string
}{
	"http": {
		patches: []plainPatch{
			{"net/http.DefaultTransport", patchTransport},
			{"net/http.DefaultClient", patchClient},
		},
		without: "clients with a Transport of their own are not: give them async.HTTPTransport, or build the program by",
	},
	"dns": {
		patches: []plainPatch{{"net.DefaultResolver", patchResolver}},
		without: "only what the Go resolver asks a server for on the calling goroutine, so LookupTXT, LookupMX, LookupNS and " +
			"LookupSRV and no addresses; for these build the program by",
	},
}

func patchTransport() (undo func()) {
	old := http.DefaultTransport
	http.DefaultTransport = async.HTTPTransport(old)
	return func() { http.DefaultTransport = old }
}

// patchClient patches a transport that somebody has given to the default client. Without one it takes the default.
func patchClient() (undo func()) {
	old := http.DefaultClient.Transport
	if old != nil {
		http.DefaultClient.Transport = async.HTTPTransport(old)
	}
	return func() { http.DefaultClient.Transport = old }
}

// patchResolver has the default resolver use connections that take the task out of its loop when they wait.
func patchResolver() (undo func()) {
	old := net.DefaultResolver
	dial := old.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	net.DefaultResolver = &net.Resolver{
		PreferGo: old.PreferGo, StrictErrors: old.StrictErrors,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address) // which is quick: a server of names is an address
			if err != nil {
				return nil, err
			}
			// The resolver tells by the type whether messages have a length in front of them.
			if p, ok := c.(packetConn); ok {
				return asidePacketConn{p}, nil
			}
			return asideConn{c}, nil
		},
	}
	return func() { net.DefaultResolver = old }
}

type packetConn interface {
	net.Conn
	net.PacketConn
}

// An asideConn is a connection whose calls are made outside the loop of the calling task.
type asideConn struct{ net.Conn }

func (c asideConn) Read(p []byte) (int, error) { return aside(c.Conn.Read, p) }

func (c asideConn) Write(p []byte) (int, error) { return aside(c.Conn.Write, p) }

type asidePacketConn struct{ packetConn }

func (c asidePacketConn) Read(p []byte) (int, error) { return aside(c.packetConn.Read, p) }

func (c asidePacketConn) Write(p []byte) (int, error) { return aside(c.packetConn.Write, p) }

func aside(fn func([]byte) (int, error), p []byte) (int, error) {
	if back := loop.LeaveSection(); back != nil {
		defer back()
	}
	return fn(p)
}
