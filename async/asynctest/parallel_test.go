package asynctest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

func TestParallelIsRefused(t *testing.T) {
	ends := func(context.Context) error { return nil }
	for name, run := range map[string]func(){
		"Run":     func() { asynctest.Run(t, ends, asynctest.With(async.Parallel(0))) },
		"Explore": func() { asynctest.Explore(t, ends, asynctest.With(async.Parallel(0))) },
		"Sweep":   func() { asynctest.Sweep(t, ends, asynctest.With(async.Parallel(0))) },
	} {
		t.Run(name+" panics with a loop whose tasks run in parallel", func(t *testing.T) {
			defer func() {
				if s := fmt.Sprint(recover()); !strings.HasPrefix(s, "asynctest: a loop with async.Parallel") {
					t.Errorf("the panic is %q", s)
				}
			}()
			run()
		})
	}
}
