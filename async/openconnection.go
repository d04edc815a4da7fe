package async

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// A StreamOption changes how [OpenConnection] and [StartServer] make their streams.
type StreamOption func(*streamOptions)

type streamOptions struct {
	limit      int
	tls        *tls.Config
	dialer     *net.Dialer
	listener   net.Listener
	notServing bool
}

func makeStreamOptions(opts []StreamOption) *streamOptions {
	o := &streamOptions{limit: DefaultLimit}
	for _, opt := range opts {
		if opt != nil {
			opt(o)
		}
	}
	return o
}

// StreamLimit sets the limit of the [StreamReader], in bytes: limit=. It panics if n is not positive.
func StreamLimit(n int) StreamOption {
	if n <= 0 {
		panic("async: the limit of a StreamReader must be positive")
	}
	return func(o *streamOptions) { o.limit = n }
}

// TLS has the connection encrypted: ssl=. A client whose cfg names no server takes the name from the address, and a
// nil cfg is the default one; a server needs a certificate. The handshake is made before the streams are
// there.
func TLS(cfg *tls.Config) StreamOption {
	if cfg == nil {
		cfg = &tls.Config{}
	}
	return func(o *streamOptions) { o.tls = cfg }
}

// WithDialer sets what [OpenConnection] dials with: local_addr=, happy_eyeballs_delay= and so on. The default
// is a zero [net.Dialer], which tries IPv6 and IPv4 as happy eyeballs says.
func WithDialer(d *net.Dialer) StreamOption { return func(o *streamOptions) { o.dialer = d } }

// WithListener has [StartServer] serve ln, which the [Server] closes: sock=. Network and address do not matter then.
func WithListener(ln net.Listener) StreamOption { return func(o *streamOptions) { o.listener = ln } }

// NotServing has [StartServer] accept nobody before [Server.StartServing] or [Server.ServeForever]:
// start_serving=False.
func NotServing() StreamOption { return func(o *streamOptions) { o.notServing = true } }

// OpenConnection connects to addr and returns the two directions of the connection: asyncio.open_connection and
// open_unix_connection. network and addr are those of [net.Dial], as "tcp" and "localhost:80". It suspends the
// calling task until the connection is there; a plain goroutine blocks.
//
// If ctx is cancelled, OpenConnection returns at once, and the attempt is given up. Otherwise ctx has nothing to do
// with the connection. It is closed by [StreamWriter.Close], and at the latest at the end of the loop that it was
// opened in. On Linux it costs no goroutine; on other systems and with TLS it costs one that reads. Another one sends while
// the peer does not take all at once, or with TLS.
func OpenConnection(ctx context.Context, network, addr string, opts ...StreamOption) (*StreamReader, *StreamWriter, error) {
	o := makeStreamOptions(opts)
	conn, err := elsewhere(ctx, func(ctx context.Context) (net.Conn, error) {
		d := o.dialer
		if d == nil {
			d = &net.Dialer{}
		}
		if o.tls == nil {
			return d.DialContext(ctx, network, addr)
		}
		return (&tls.Dialer{NetDialer: d, Config: o.tls}).DialContext(ctx, network, addr)
	}, closeConn)
	if err == nil && isDatagrams(conn) {
		conn.Close()
		err = errDatagrams
	}
	if err != nil {
		return nil, nil, err
	}
	t := newTransport(nearFace(ctx), conn, o.limit, true).begin()
	return t.r, t.w, nil
}

// errDatagrams is returned for networks like "udp".
var errDatagrams = errors.New("async: streams need a network of bytes, and this one has datagrams; Dial is for them")

func closeConn(c net.Conn) { c.Close() }

// handshakeTimeout is how long a server waits for the handshake of TLS, in real time, as in asyncio.
const handshakeTimeout = 60 * time.Second
