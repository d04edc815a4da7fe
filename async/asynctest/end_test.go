package asynctest_test

import (
	"context"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

func TestEndOfARunThatDoesNotEnd(t *testing.T) {
	deaf := func(ctx context.Context) error {
		for {
			async.Sleep(ctx, time.Second) // and never looks at the error
		}
	}
	t.Run("tasks that do not listen fail the test, also if main has ended well", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				async.Go(ctx, deaf)
				return nil
			}, asynctest.Timeout(100*time.Millisecond), asynctest.IgnoreLeaks())
		})
		has(t, said, "do not end although they are cancelled")
	})
	t.Run("tasks that do not listen cannot hold up the report of a timeout", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				async.Go(ctx, deaf)
				return deaf(ctx)
			}, asynctest.Timeout(100*time.Millisecond), asynctest.IgnoreLeaks())
		})
		has(t, said, "has taken longer than")
	})
	t.Run("a report says where main was created", func(t *testing.T) {
		said := mustFail(t, func(t testing.TB) {
			asynctest.Run(t, func(ctx context.Context) error {
				_, err := async.NewFuture[int](ctx).Await(ctx)
				return err
			})
		})
		has(t, said, "main waits for", "created at end_test.go:38")
	})
}
