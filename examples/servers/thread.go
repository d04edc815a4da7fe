package main

import (
	"context"
	"io"
	"net"
	"sync"

	"github.com/asyncgo/asyncgo/async"
)

// startThreads is the server with a thread for each client, which in Go is a goroutine.
func startThreads(_ context.Context, out io.Writer) (string, func(context.Context) error, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { serve(conn, out) })
		}
	})
	stop := func(ctx context.Context) error {
		ln.Close()
		_, err := async.ToThread(ctx, func(context.Context) (async.Void, error) {
			wg.Wait()
			return async.Void{}, nil
		})
		return err
	}
	return ln.Addr().String(), stop, nil
}
