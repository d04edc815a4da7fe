package main

import (
	"context"
	"fmt"
	"io"

	"github.com/asyncgo/asyncgo/async"
)

// startTasks is the server with a task for each client, all in one loop.
func startTasks(ctx context.Context, out io.Writer) (string, func(context.Context) error, error) {
	server, err := async.StartServer(ctx, func(ctx context.Context, r *async.StreamReader, w *async.StreamWriter) error {
		for {
			p, err := r.Read(ctx, 1024)
			if err != nil || len(p) == 0 {
				return err
			}
			fmt.Fprintln(out, ">>", string(p))
			if _, err := w.WriteString("OK"); err != nil {
				return err
			}
			if err := w.Drain(ctx); err != nil {
				return err
			}
		}
	}, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	stop := func(ctx context.Context) error {
		server.Close()
		return server.WaitClosed(ctx)
	}
	return server.Addr().String(), stop, nil
}
