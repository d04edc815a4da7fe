package main

import (
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/greenlet"
)

func TestAllThatIsSentIsTaken(t *testing.T) {
	var out strings.Builder
	if run(&out, 10_000); out.String() != "sent and taken: 10000\n" {
		t.Errorf("it prints %q", out.String())
	}
	greenlet.VerifyNone(t)
}
