package async_test

import (
	"runtime"
	"testing"

	"github.com/asyncgo/asyncgo/async"
	"github.com/asyncgo/asyncgo/internal/loop"
)

// realTime is for tests in which the clock may not run on while a peer is slow.
var realTime = async.Clock(loop.NewReal())

// polled reports whether the connections of a loop share a poller, and need no goroutines that read.
func polled() bool { return runtime.GOOS == "linux" && !keeping }

var keeping bool // in TestKeepers

// TestKeepers runs the tests of streams as they are run where there is no poller. On Linux nobody would notice otherwise what
// is broken elsewhere.
func TestKeepers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("all tests run so here")
	}
	defer async.Keepers()()
	keeping = true
	defer func() { keeping = false }()
	for name, test := range map[string]func(*testing.T){
		"Conn": TestConn, "FactsStreams": TestFactsStreams, "FactsSubprocess": TestFactsSubprocess, "HTTPTransport": TestHTTPTransport,
		"ResetAtEveryPoint": TestResetAtEveryPoint, "StreamCost": TestStreamCost, "StreamFaults": TestStreamFaults,
		"Storm": TestStorm, "StreamsOverTLS": TestStreamsOverTLS, "Subprocess": TestSubprocess,
	} {
		t.Run(name, test)
	}
}
