package async_test

import (
	"testing"

	"github.com/asyncgo/asyncgo/async"
)

// TestKeepers runs the tests of streams as they are run where there is no poller. On Linux nobody would notice otherwise what
// is broken elsewhere.
func TestKeepers(t *testing.T) {
	defer async.Keepers()()
	keeping = true
	defer func() { keeping = false }()
	for name, test := range map[string]func(*testing.T){
		"Conn": TestConn, "FactsStreams": TestFactsStreams, "FactsSubprocess": TestFactsSubprocess, "HTTPTransport": TestHTTPTransport,
		"LostConnections":   TestLostConnections,
		"ResetAtEveryPoint": TestResetAtEveryPoint, "ResetPoints": TestResetPoints, "ResetOfAConnect": TestResetOfAConnect,
		"StreamCost": TestStreamCost, "StreamFaults": TestStreamFaults,
		"StartTLS": TestStartTLS, "StartTLSTwice": TestStartTLSTwice, "Storm": TestStorm, "StreamsOverTLS": TestStreamsOverTLS, "Subprocess": TestSubprocess,
	} {
		t.Run(name, test)
	}
}
