package goroutines_test

import (
	"context"
	"errors"
	"testing"

	"github.com/panjf2000/ants/v2"
	"go.uber.org/goleak"

	"github.com/asyncgo/asyncgo/internal/goroutines"
)

// Exempt are the two that ants starts when it is imported, as the goroutines that exist by now.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

func TestRelease(t *testing.T) {
	pool, err := ants.NewPool(-1)
	if err != nil {
		t.Fatal(err)
	}
	begun, end := make(chan struct{}), make(chan struct{})
	if err := pool.Submit(func() { close(begun); <-end }); err != nil {
		t.Fatal(err)
	}
	<-begun
	over, cancel := context.WithCancelCause(t.Context())
	errOver := errors.New("over")
	cancel(errOver)
	if err := goroutines.Release(over, pool); err != errOver {
		t.Errorf("with a worker that is busy, and a ctx that has ended, Release has returned %v", err)
	}
	close(end)
	if err := goroutines.Release(t.Context(), pool); err != nil {
		t.Errorf("Release has returned %v", err)
	}
	if n := pool.Running(); n != 0 {
		t.Errorf("%d workers are left", n)
	}
	if err := goroutines.Release(over, pool); err != nil {
		t.Errorf("with nothing to wait for, Release has returned %v", err)
	}
}
