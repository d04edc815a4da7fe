package gevent

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// ParseAddress returns what [Listen] and [Dial] take for an address as gevent's servers do: gevent.baseserver.parse_address.
// "1.2.3.4:80" and ":80" are of IPv4, "[::1]:80" and a bare "80" of IPv6, a name can be of both. The port is a number.
func ParseAddress(s string) (network, address string, err error) {
	if !strings.Contains(s, ":") {
		s, network = ":"+s, "tcp6"
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", "", fmt.Errorf("gevent: not an address: %w", err)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return "", "", fmt.Errorf("gevent: not a port in the address %q", s)
	}
	ip := net.ParseIP(host)
	switch {
	case network != "":
	case host == "" && strings.HasPrefix(s, "["), ip != nil && ip.To4() == nil:
		network = "tcp6"
	case host == "", ip != nil:
		network = "tcp4"
	default:
		network = "tcp"
	}
	return network, net.JoinHostPort(host, port), nil
}
