package monkey

import (
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// overlaid is a site as package runtime has it. Its layout is that of gomonkeySite in the overlay.
type overlaid struct {
	group, name string
	on          *uint32
}

// hooks is what the wrappers of the overlay call. Its layout is that of gomonkeyHooks there.
type hooks struct {
	enter func(kind uint8) (back func())
	sleep func(ns int64) bool
	file  func(fd uintptr, n int, write bool) (back func())
}

// The kinds of sites, as in the overlay.
const (
	kindBlock = iota + 1
	kindSection
	kindWait
	kindLock
)

var theHooks = &hooks{enter: enter, sleep: sleep, file: file}

// allLocks is set while the locks of the whole program are patched.
var allLocks atomic.Bool

// enter is called before a function of the standard library. What it returns is called behind it, if it is not nil.
func enter(kind uint8) (back func()) {
	switch kind {
	case kindSection:
		return loop.EnterSection()
	case kindLock:
		if !loop.InSection() && !(allLocks.Load() && loop.Here() != nil) || ownLock() {
			return nil
		}
	}
	return loop.LeaveSection()
}

func sleep(ns int64) bool { return loop.SleepHere(time.Duration(ns)) }

// file is called before a read or write that may block its thread.
func file(fd uintptr, n int, write bool) (back func()) {
	if loop.Here() == nil || ready(fd, n, write) {
		return nil
	}
	return loop.LeaveSection()
}

// passedBy are the packages between a lock and who wants it.
var passedBy = []string{"sync", "internal/sync", "internal/poll", "context", "runtime"}

// ourOwn are the packages whose locks are always taken as they are: they are held for moments, and between the
// steps of a switch.
var ourOwn = []string{
	"github.com/asyncgo/asyncgo", "github.com/panjf2000/ants", "github.com/sourcegraph/conc", "github.com/petermattis/goid",
}

// ownLock reports whether it is asyncgo's own code that waits for a lock.
func ownLock() bool {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if pkg := packageOf(f.Function); !slices.Contains(passedBy, pkg) {
			return slices.ContainsFunc(ourOwn, func(own string) bool { return pkg == own || strings.HasPrefix(pkg, own+"/") })
		}
		if !more {
			return false
		}
	}
}

// packageOf returns the package of a function by its name.
func packageOf(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	pkg, _, _ := strings.Cut(function[slash:], ".")
	return function[:slash] + pkg
}
