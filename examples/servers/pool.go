package main

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/future"
)

// poolSize is how many clients the server with a pool talks to at the same time.
const poolSize = 2

// startPool is the server that submits each client to a pool: pool.submit(handle_client, conn). A client keeps its worker
// until it leaves, so the next one is heard only then. The tutorial warns of that; the pool is for jobs that end.
func startPool(_ context.Context, out io.Writer) (string, func(context.Context) error, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	pool := future.NewPool(poolSize)
	accepting := make(chan error, 1)
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				accepting <- nil // closed
				return
			}
			if err := pool.Execute(func() { serve(conn, out) }); err != nil {
				conn.Close()
				accepting <- err
				return
			}
		}
	}()
	stop := func(ctx context.Context) error {
		ln.Close()
		err := <-accepting // at once
		_, ended := async.ToThread(ctx, func(ctx context.Context) (async.Void, error) { return async.Void{}, pool.Shutdown(ctx) })
		return errors.Join(err, ended)
	}
	return ln.Addr().String(), stop, nil
}
