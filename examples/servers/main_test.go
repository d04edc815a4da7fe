package main

import (
	"os"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/async/asynctest"
)

// TestMain also shows that nothing of a server outlives it. The children of the first server are this program too.
func TestMain(m *testing.M) {
	if isChild() {
		if err := serveAsChild(os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	asynctest.VerifyTestMain(m)
}

func TestServers(t *testing.T) {
	var out strings.Builder
	if err := run(&out, 3, 2); err != nil {
		t.Fatal(err)
	}
	const heard = ">> client 0, message 0\n>> client 0, message 1\n>> client 1, message 0\n>> client 1, message 1\n" +
		">> client 2, message 0\n>> client 2, message 1\n"
	const want = "a process for each client: 6 answers\n" + heard + "a thread for each client: 6 answers\n" + heard +
		"a task for each client: 6 answers\n" + heard + "a worker of a pool for each client: 6 answers\n" + heard
	if out.String() != want {
		t.Errorf("servers prints %q", out.String())
	}
}
