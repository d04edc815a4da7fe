package gevent_test

import (
	"testing"

	"github.com/asyncgo/asyncgo/greenlet/gevent"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestMain(m *testing.M) {
	gevent.SetErrorHandler(func(gevent.Failure) {})
	witness.Main(m)
}

type trace = witness.Trace

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](v T, err error) T {
	check(err)
	return v
}
