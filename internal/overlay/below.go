package overlay

import "strings"

const module = "github.com/asyncgo/asyncgo/"

// below are the packages that the added files, the hook and the loop need themselves: patched, they would ask the hook what it
// is to do. A slash at the end is for all packages that begin so.
var below = []string{
	"runtime", "internal/runtime/", "unsafe", "sync/atomic", "sync", "internal/sync", "github.com/petermattis/goid",
	module + "async", module + "async/", module + "future", module + "gather", module + "greenlet", module + "greenlet/",
	module + "internal/", module + "monkey",
}

// instead says what there is for packages below.
var instead = map[string]string{
	"sync":          "; -patch aggressive is for its locks",
	"internal/sync": "; -patch aggressive is for its locks",
}

func isBelow(path string) bool {
	for _, b := range below {
		if path == b || strings.HasSuffix(b, "/") && strings.HasPrefix(path, b) {
			return true
		}
	}
	return false
}
