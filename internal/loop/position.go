package loop

import "strings"

const module = "github.com/asyncgo/asyncgo/"

// ownFunction reports whether a function belongs to one of asyncgo's packages, and not to
// a test or an example of it.
func ownFunction(function string) bool {
	rest, ok := strings.CutPrefix(function, module)
	if !ok {
		return false
	}
	pkg, _, _ := strings.Cut(rest, ".")
	switch pkg {
	case "internal/loop", "internal/coro", "future", "gather", "async":
		return true
	}
	return false
}
