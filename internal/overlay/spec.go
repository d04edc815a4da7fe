package overlay

import (
	"fmt"
	"slices"
	"strings"
)

// Locks is the group of all locks, which is not among the defaults. It is also called aggressive.
const Locks = "sync"

// polled are the systems whose package internal/poll waits for descriptors by the runtime's poller.
var polled = []string{"unix", "windows"}

// standard are the groups of the standard library. Every build has those of inner, which make the others work; they
// are on while any group is.
var standard = []struct {
	group string
	sites []Site
}{
	{"inner", slices.Concat(
		only(polled, methods(Wait, "internal/poll", "pollDesc", "wait")),
		functions(Lock, "internal/poll", "runtime_Semacquire"),
		methods(Lock, "internal/sync", "Mutex", "lockSlow"),
		functions(Lock, "sync", "runtime_notifyListWait"),
	)},
	{"time", functions(Sleep, "time", "Sleep")},
	{"net", slices.Concat(
		only(polled,
			methods(Section, "net", "netFD", "Read", "readFrom", "readFromInet4", "readFromInet6", "readMsg", "readMsgInet4",
				"readMsgInet6", "Write", "writeTo", "writeToInet4", "writeToInet6", "writeMsg", "writeMsgInet4", "writeMsgInet6",
				"accept", "connect", "Close")),
		methods(Section, "net", "TCPConn", "ReadFrom", "WriteTo"),
		methods(Section, "net", "Buffers", "WriteTo"),
		methods(Block, "net", "Dialer", "DialContext"),
	)},
	{"dns", slices.Concat(
		unless("host", `host == "" || gomonkeyIsAddress(host)`, methods(Block, "net", "Resolver", "lookupIPAddr")),
		methods(Block, "net", "Resolver", "lookupHost", "lookupPort", "LookupCNAME", "LookupSRV", "LookupMX", "LookupNS", "LookupTXT", "LookupAddr"),
	)},
	{"tls", methods(Section, "crypto/tls", "Conn", "Read", "Write", "HandshakeContext", "Handshake", "Close", "CloseWrite")},
	{"http", slices.Concat(
		methods(Block, "net/http", "Transport", "RoundTrip"),
		methods(Section, "net/http", "bodyEOFSignal", "Read", "Close"),
		methods(Section, "net/http", "http2transportResponseBody", "Read", "Close"),
	)},
	{"os", slices.Concat(
		methods(Section, "os", "File", "Read", "Write", "ReadFrom", "WriteTo"),
		only([]string{"unix"}, unless("name", "!gomonkeyIsPipe(name)", functions(Block, "os", "OpenFile"))),
		only([]string{"unix"}, methods(File, "internal/poll", "FD", "Read", "Write")),
		depth("calldepth", methods(Section, "log", "Logger", "output")),
		methods(Section, "log/slog", "commonHandler", "handle"),
	)},
	{"exec", slices.Concat(
		methods(Block, "os/exec", "Cmd", "Wait"),
		methods(Block, "os", "Process", "Wait"),
	)},
	{"sql", slices.Concat(
		methods(Block, "database/sql", "DB", "Conn", "PingContext", "PrepareContext", "ExecContext", "QueryContext", "BeginTx", "Close"),
		methods(Block, "database/sql", "Conn", "PingContext", "PrepareContext", "ExecContext", "QueryContext", "BeginTx", "Close"),
		methods(Block, "database/sql", "Tx", "PrepareContext", "ExecContext", "QueryContext", "StmtContext", "Commit", "Rollback"),
		methods(Block, "database/sql", "Stmt", "ExecContext", "QueryContext", "Close"),
		methods(Section, "database/sql", "Rows", "Next", "NextResultSet", "Close"),
	)},
	// RWMutex and WaitGroup have the race detector ignore what is below them, so a hook has to be above.
	{Locks, slices.Concat(
		try("TryLock", methods(Lock, "sync", "RWMutex", "Lock")),
		try("TryRLock", methods(Lock, "sync", "RWMutex", "RLock")),
		methods(Lock, "sync", "WaitGroup", "Wait"),
	)},
}

// known returns what the groups know of a function that is named without its kind, if they do: it becomes cooperative in the way
// that they have for it, also if its group is left out.
func known(s Site, goos string) Site {
	if s.Kind != Block {
		return s
	}
	for _, g := range standard {
		for _, site := range g.sites {
			if site.is(s) && site.on(goos) {
				site.Group = g.group
				return site
			}
		}
	}
	return s
}

func functions(k Kind, path string, names ...string) []Site { return methods(k, path, "", names...) }

func methods(k Kind, path, recv string, names ...string) []Site {
	sites := make([]Site, len(names))
	for i, name := range names {
		sites[i] = Site{Path: path, Recv: recv, Func: name, Kind: k}
	}
	return sites
}

func only(systems []string, sites []Site) []Site {
	for i := range sites {
		sites[i].only = systems
	}
	return sites
}

func try(method string, sites []Site) []Site {
	for i := range sites {
		sites[i].try = method
	}
	return sites
}

func unless(parameter, expr string, sites []Site) []Site {
	for i := range sites {
		sites[i].unless, sites[i].parameter = expr, parameter
	}
	return sites
}

func depth(parameter string, sites []Site) []Site {
	for i := range sites {
		sites[i].depth = parameter
	}
	return sites
}

// Groups returns the names of the groups of the standard library that a specification can name.
func Groups() []string {
	var names []string
	for _, g := range standard {
		if g.group != "inner" {
			names = append(names, g.group)
		}
	}
	return names
}

// A Spec is what is to be patched.
type Spec struct {
	groups []string // of the standard library
	names  []string // of functions
}

// ParseSpec makes a Spec of the values of -patch. The groups of the standard library are in it, except [Locks]; each
// value adds a group or a function, or takes away a group, if a minus stands before it.
func ParseSpec(values []string) (*Spec, error) {
	s := &Spec{groups: slices.DeleteFunc(Groups(), func(g string) bool { return g == Locks })}
	for _, list := range values {
		for value := range strings.SplitSeq(list, ",") {
			value = strings.TrimSpace(value)
			name, without := strings.CutPrefix(value, "-")
			if name == "aggressive" {
				name = Locks
			}
			switch {
			case value == "" || value == "default":
			case slices.Contains(Groups(), name):
				s.groups = slices.DeleteFunc(s.groups, func(g string) bool { return g == name })
				if !without {
					s.groups = append(s.groups, name)
				}
			case without:
				return nil, fmt.Errorf("gomonkey: %q is no group: there are %s", name, strings.Join(Groups(), ", "))
			default:
				if _, err := candidates(value); err != nil {
					return nil, err
				}
				if !slices.Contains(s.names, value) {
					s.names = append(s.names, value)
				}
			}
		}
	}
	slices.Sort(s.groups)
	slices.Sort(s.names)
	return s, nil
}

// standardSites returns the sites of the groups that are there on an operating system.
func (s *Spec) standardSites(goos string) []Site {
	var sites []Site
	for _, g := range standard {
		if g.group != "inner" && !slices.Contains(s.groups, g.group) {
			continue
		}
		for _, site := range g.sites {
			if site.Group = g.group; site.on(goos) {
				sites = append(sites, site)
			}
		}
	}
	return sites
}
