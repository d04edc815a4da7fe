package loop

import (
	"path"
	"reflect"
	"runtime"
	"strings"
)

const module = "github.com/asyncgo/asyncgo/"

// ownFunction reports whether a function belongs to one of asyncgo's packages, and not to
// a test or an example of it, or to what every goroutine of theirs stands on.
func ownFunction(function string) bool {
	for _, foot := range []string{"runtime.", "iter.Pull", "reflect.", "testing.", "github.com/panjf2000/ants/"} {
		if strings.HasPrefix(function, foot) {
			return true
		}
	}
	rest, ok := strings.CutPrefix(function, module)
	if !ok {
		return false
	}
	pkg, _, _ := strings.Cut(rest, ".")
	switch pkg {
	case "internal/coro", "internal/loop", "internal/promise", "future", "gather", "async", "async/asynctest",
		"greenlet", "greenlet/gevent", "monkey":
		return true
	}
	return false
}

// FuncName returns the name of a function, without its package's path.
func FuncName(fn any) string {
	f := runtime.FuncForPC(reflect.ValueOf(fn).Pointer())
	if f == nil {
		return "?"
	}
	// A closure is named after where it stands, like main.work.func1 or, when work was inlined,
	// main.main.func2.work.func1. The last part with a name of its own says the most.
	parts := strings.Split(path.Base(strings.ReplaceAll(f.Name(), "[...]", "")), ".")
	for i := len(parts) - 1; i > 0; i-- {
		if part := strings.TrimPrefix(strings.TrimPrefix(parts[i], "func"), "gowrap"); strings.Trim(part, "0123456789-") != "" {
			return parts[i]
		}
	}
	return parts[0]
}
