package witness

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A Trace is what happened, in order. Everybody in a loop, a hub or a group of coroutines writes to it and nobody locks it:
// that the race detector agrees is part of every test, because a switch has to order memory.
type Trace []string

// Add notes what happens, in words.
func (tr *Trace) Add(format string, args ...any) { *tr = append(*tr, fmt.Sprintf(format, args...)) }

// Expect compares the trace with what should have happened, separated by spaces, and empties it.
func (tr *Trace) Expect(tb testing.TB, want string) {
	tb.Helper()
	if got := strings.Join(*tr, " "); !slices.Equal(strings.Fields(got), strings.Fields(want)) {
		tb.Errorf("what happened is\n\t%s\nand should be\n\t%s", got, want)
	}
	*tr = nil
}

// Compare fails tb for the first line that differs, and logs all that there are.
func Compare(tb testing.TB, got, want []string) {
	tb.Helper()
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			tb.Errorf("line %d is missing: %q", i+1, want[i])
		case i >= len(want):
			tb.Errorf("line %d is one too many: %q", i+1, got[i])
		case got[i] != want[i]:
			tb.Errorf("line %d\nis     %q\nnot    %q", i+1, got[i], want[i])
		default:
			continue
		}
		tb.Logf("all lines:\n%s", strings.Join(got, "\n"))
		return
	}
}
