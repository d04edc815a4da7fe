package waits_test

import (
	"bytes"
	"context"
	"log"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/monkey"
)

func TestLog(t *testing.T) {
	names := func(t *testing.T) {
		t.Helper()
		var b bytes.Buffer
		l := log.New(&b, "", log.Lshortfile)
		l.Print("hello")
		check(l.Output(1, "hello"))
		if got := b.String(); strings.Count(got, "log_test.go:") != 2 {
			t.Errorf("it prints %q", got)
		}
	}
	t.Run("has the line of its caller on a goroutine, in a task and while nothing is patched", func(t *testing.T) {
		names(t)
		inTask := func(context.Context) error { names(t); return nil }
		check(async.Run(inTask))
		monkey.Unpatch("os")
		defer monkey.Patch("os")
		check(async.Run(inTask))
	})
}
