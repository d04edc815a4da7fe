package asynctest_test

import (
	"context"
	"runtime"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/future"
	"go.uber.org/goleak"
)

// createdByAnts returns how many goroutines there are that ants has started.
func createdByAnts() int {
	buf := make([]byte, 1<<20)
	return strings.Count(string(buf[:runtime.Stack(buf, true)]), "created by github.com/panjf2000/ants/")
}

func TestGoleakOptions(t *testing.T) {
	t.Run("there are two goroutines of a dependency, and with the options goleak says nothing of them", func(t *testing.T) {
		if n := createdByAnts(); n != 2 {
			t.Errorf("ants has started %d goroutines, and docs/testing.md speaks of two", n)
		}
		if err := goleak.Find(asynctest.GoleakOptions()...); err != nil {
			t.Errorf("goleak has found %v", err)
		}
		if err := goleak.Find(); err == nil || !strings.Contains(err.Error(), "ants") {
			t.Errorf("without the options goleak has found %v", err)
		}
	})
	t.Run("a pool that nobody has shut down is a leak with the options too", func(t *testing.T) {
		p := future.NewPool(1)
		begun, end := make(chan struct{}), make(chan struct{})
		f := future.Submit(p, func() (int, error) { close(begun); <-end; return 1, nil })
		<-begun
		if err := goleak.Find(asynctest.GoleakOptions()...); err == nil || !strings.Contains(err.Error(), "ants") {
			t.Errorf("goleak has found %v", err)
		}
		close(end)
		if _, err := f.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if err := p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if err := goleak.Find(asynctest.GoleakOptions()...); err != nil {
			t.Errorf("after the shutdown goleak has found %v", err)
		}
	})
}
