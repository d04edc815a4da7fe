package greenlet_test

import (
	"fmt"
	"testing"

	"github.com/asyncgo/asyncgo/greenlet"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestMain(m *testing.M) { witness.Main(m) }

type trace = witness.Trace

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
				witness.NoLeaks(t)
				test(t, greenlet.Current(), c.make)
				if !t.Failed() {
					greenlet.VerifyNone(t)
				}
			})
		}
	})
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
