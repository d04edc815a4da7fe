package overlay

import (
	"fmt"
	"strings"
)

// A Kind says how a site becomes cooperative. The numbers are part of the contract with package monkey, which finds
// them in the calls of its hook.
type Kind uint8

const (
	// Block runs the whole call outside the loop.
	Block Kind = iota + 1
	// Section runs the call in the loop until it comes to a Wait or a Lock, and the rest outside. So a read that finds
	// its data costs no switch, and nothing that is locked inside is locked any more when the task comes back.
	Section
	// Wait is where a goroutine waits for the runtime's poller.
	Wait
	// Lock is where a goroutine waits for another one. It counts in sections only, unless all locks are patched.
	Lock
	// Sleep waits for a time. The hook is asked with the time.
	Sleep
	// File is a call that may block its thread, on a descriptor that the poller does not know.
	File
)

var kindNames = map[Kind]string{
	Block: "block", Section: "section", Wait: "wait", Lock: "lock", Sleep: "sleep", File: "file",
}

// String returns the name of the kind.
func (k Kind) String() string { return kindNames[k] }

// A Site is a function to be patched.
type Site struct {
	Group string // by which it is turned on and off
	Path  string // of its package
	Recv  string // its receiver's type without the star, or ""
	Func  string
	Kind  Kind

	// unless is an expression in the parameters of the function for calls that never wait. It is evaluated while the site
	// is on. It uses one parameter.
	unless, parameter string
	// depth is a parameter that counts the frames up to a caller, of which a wrapper is one more.
	depth string
	// try is a method of the same receiver that does the same if that takes no time, and else reports false.
	try string
	// only has the operating systems where the function exists, or the word unix; nil is everywhere.
	only []string
}

// Name returns the name of the site, as "time.Sleep" or "net.(*netFD).Read". Whether the receiver is a pointer
// is known after the function was found.
func (s Site) Name() string {
	if s.Recv == "" {
		return s.Path + "." + s.Func
	}
	return s.Path + "." + s.Recv + "." + s.Func
}

// is reports whether two sites are the same function.
func (s Site) is(o Site) bool { return s.Path == o.Path && s.Recv == o.Recv && s.Func == o.Func }

// unixes are the systems where the build constraint unix holds and the runtime has a poller.
var unixes = map[string]bool{
	"aix": true, "android": true, "darwin": true, "dragonfly": true, "freebsd": true, "illumos": true, "ios": true,
	"linux": true, "netbsd": true, "openbsd": true, "solaris": true,
}

// on reports whether the site exists on an operating system.
func (s Site) on(goos string) bool {
	if s.only == nil {
		return true
	}
	for _, name := range s.only {
		if name == goos || name == "unix" && unixes[goos] {
			return true
		}
	}
	return false
}

// candidates returns what the name of a function may mean, as "gopkg.in/x.v1.Client.Do": where its package ends cannot
// be told from the text alone. The first that names a package is meant.
func candidates(name string) ([]Site, error) {
	kind := Block
	if rest, ok := strings.CutPrefix(name, "section:"); ok {
		name, kind = rest, Section
	}
	bad := fmt.Errorf("gomonkey: %q is neither a group nor the name of a function, as path.Func, path.Type.Method or path.(*Type).Method", name)
	if path, rest, ok := strings.Cut(name, ".("); ok {
		recv, method, ok := strings.Cut(strings.TrimPrefix(rest, "*"), ").")
		if !ok || path == "" || !isName(recv) || !isName(method) {
			return nil, bad
		}
		return []Site{{Group: path, Path: path, Recv: recv, Func: method, Kind: kind}}, nil
	}
	slash := strings.LastIndexByte(name, '/') + 1
	parts := strings.Split(name[slash:], ".")
	var all []Site
	for n := len(parts) - 1; n >= 1 && n >= len(parts)-2; n-- {
		path, names := name[:slash]+strings.Join(parts[:n], "."), parts[n:]
		s := Site{Group: path, Path: path, Func: names[len(names)-1], Kind: kind}
		if len(names) == 2 {
			s.Recv = names[0]
		}
		if path == "" || !isName(s.Func) || s.Recv != "" && !isName(s.Recv) {
			continue
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, bad
	}
	return all, nil
}

func isName(s string) bool {
	for i, r := range s {
		if r != '_' && !('a' <= r|0x20 && r|0x20 <= 'z') && r < 0x80 && (i == 0 || r < '0' || '9' < r) {
			return false
		}
	}
	return s != ""
}
