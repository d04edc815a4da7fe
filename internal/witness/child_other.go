//go:build !unix

package witness

import "testing"

// NoChild would fail the test if this process had a child, if that could be asked for here.
func NoChild(*testing.T) {}
