package asynctest

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// atInit is the goroutines there are when the package is initialised: the main one, and the two that ants starts for
// its default pool when it is imported, which nothing ends.
var atInit = goleak.IgnoreCurrent()

// GoleakOptions returns what goleak has to be told so that it does not take what asyncgo's dependencies start at
// their initialisation for a leak. It names these very goroutines, and not their functions: a pool that
// nobody has shut down has goroutines with the same functions.
func GoleakOptions() []goleak.Option { return []goleak.Option{atInit} }

// VerifyTestMain runs the tests of a package and fails if a goroutine outlives them, as goleak.VerifyTestMain
// does with [GoleakOptions]; it fails at once if one that is none of asyncgo's is there before the
// first test. If ASYNCGO_SCHEDULE is set, and none of the tests has taken its token, it says so. It is called by
// TestMain, and does not return.
func VerifyTestMain(m *testing.M) {
	if err := goleak.Find(GoleakOptions()...); err != nil {
		fmt.Fprintln(os.Stderr, "asynctest: there is a goroutine before the first test:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(tests{m}, GoleakOptions()...)
}

// tests says at the end if nobody has replayed the token in the environment: tests that pass would seem to have.
type tests struct{ *testing.M }

// Run implements [goleak.TestingM].
func (m tests) Run() int {
	code := m.M.Run()
	if token := os.Getenv(variable); token != "" && !taken.Load() {
		fmt.Fprintf(os.Stderr, "asynctest: no test that was run has the token %s=%s; it belongs to the one that has printed it\n", variable, token)
	}
	return code
}
