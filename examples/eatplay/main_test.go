package main

import (
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/greenlet"
)

func TestRunPrintsWhatPythonPrints(t *testing.T) {
	var out strings.Builder
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	if out.String() != "ckl eat 1\nckl play 1\nckl eat 2\nckl play 2\n" {
		t.Errorf("it prints\n%s", out.String())
	}
	greenlet.VerifyNone(t)
}
