package greenlet_test

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/asyncgo/asyncgo/greenlet"
)

// TestMain fails if a goroutine outlives the tests. Exempt are the two that ants starts when it is imported,
// as the goroutines that exist by now.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// A maker makes a greenlet on one of the carriers.
type maker func(run func(args ...any) (any, error), opts ...greenlet.Option) *greenlet.Greenlet

var carriers = []struct {
	name string
	make maker
}{
	{"on the runtime carrier", greenlet.New},
	{"on the channel carrier", onThread},
}

func onThread(run func(args ...any) (any, error), opts ...greenlet.Option) *greenlet.Greenlet {
	return greenlet.New(run, append(opts, greenlet.OnThread())...)
}

// onEach runs a test against each carrier. The goroutine of the test is root, and has to leave nothing behind.
func onEach(t *testing.T, name string, test func(t *testing.T, root *greenlet.Greenlet, start maker)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		for _, c := range carriers {
			t.Run(c.name, func(t *testing.T) {
				before := goleak.IgnoreCurrent()
				test(t, greenlet.Current(), c.make)
				if !t.Failed() {
					greenlet.VerifyNone(t)
					goleak.VerifyNone(t, before)
				}
			})
		}
	})
}

// A trace is what happened, in order. Everybody in a tree writes to it and nobody locks it: that the race
// detector agrees is part of every test.
type trace []string

func (tr *trace) add(format string, args ...any) { *tr = append(*tr, fmt.Sprintf(format, args...)) }

// expect compares the trace with words, and empties it.
func (tr *trace) expect(t testing.TB, want string) {
	t.Helper()
	if got := strings.Join(*tr, " "); got != want {
		t.Errorf("what happened is\n\t%s\nand should be\n\t%s", got, want)
	}
	*tr = nil
}

// parent is getcurrent().parent.
func parent() *greenlet.Greenlet { return greenlet.Current().Parent() }

// must returns what cannot fail.
func must(v any, err error) any {
	if err != nil {
		panic(err)
	}
	return v
}

// is fails t if an outcome is another one.
func is(t testing.TB, v any, err error, wantV any, wantErr error) {
	t.Helper()
	if fmt.Sprintf("%#v", v) != fmt.Sprintf("%#v", wantV) || err != wantErr {
		t.Errorf("the outcome is %#v and %v, and should be %#v and %v", v, err, wantV, wantErr)
	}
}
