package gevent_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
)

// TestMain fails if a goroutine outlives the tests. Exempt are the two that ants starts when it is imported.
func TestMain(m *testing.M) {
	gevent.SetErrorHandler(func(gevent.Failure) {})
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// clean fails t if the goroutine that calls leaves something behind.
func clean(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if !t.Failed() {
			goleak.VerifyNone(t, before)
		}
	})
}

// A trace is what happened, in order.
type trace []string

func (tr *trace) add(format string, args ...any) { *tr = append(*tr, fmt.Sprintf(format, args...)) }

func (tr *trace) expect(t testing.TB, want string) {
	t.Helper()
	if got := strings.Join(*tr, " "); got != want {
		t.Errorf("what happened is\n\t%s\nand should be\n\t%s", got, want)
	}
	*tr = nil
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](v T, err error) T {
	check(err)
	return v
}
