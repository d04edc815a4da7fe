package main

import (
	"context"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/async/asynctest"
)

// TestMain also shows that nothing of a loop outlives it.
func TestMain(m *testing.M) {
	asynctest.VerifyTestMain(m)
}

func TestTheServerEndsAlthoughAClientStays(t *testing.T) {
	err := async.Run(func(ctx context.Context) error {
		server, err := async.StartServer(ctx, serve, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		return server.Serve(ctx, func(ctx context.Context) error {
			r, w, err := async.OpenConnection(ctx, "tcp", server.Addr().String())
			if err != nil {
				return err
			}
			w.WriteString("stay\n")
			if line, err := r.ReadLine(ctx); err != nil || string(line) != "STAY\n" {
				t.Errorf("the answer is %q, %v", line, err)
			}
			server.CloseClients()
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

func TestUpper(t *testing.T) {
	var out strings.Builder
	if err := run(&out, 200, 5); err != nil {
		t.Fatal(err)
	}
	const want = "tasks: 200 clients, 1000 answers\ngoroutines: 200 clients, 1000 answers\n"
	if out.String() != want {
		t.Errorf("upper prints %q and not %q", out.String(), want)
	}
}
