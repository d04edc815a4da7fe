package async_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

func TestServer(t *testing.T) {
	t.Run("an error of a handler is reported, however soon it comes", func(t *testing.T) {
		const clients = 300
		var reported atomic.Int64
		check(async.Run(func(ctx context.Context) error {
			s := must(async.StartServer(ctx, func(context.Context, *async.StreamReader, *async.StreamWriter) error {
				return errZeroDivision // perhaps before the goroutine that accepts has seen that the task is there
			}, "tcp", "127.0.0.1:0"))
			for range clients {
				r, w, err := async.OpenConnection(ctx, "tcp", s.Addr().String())
				check(err)
				must(r.Read(ctx, -1))
				check(w.Close())
			}
			return s.Close()
		}, async.ExceptionHandler(func(*async.Loop, async.ExceptionContext) { reported.Add(1) })))
		expectEqual(t, "reported", reported.Load(), int64(clients))
	})
}
