package main

import (
	"strings"
	"testing"
	"time"
)

func TestRunPrintsWhatPythonPrints(t *testing.T) {
	var out strings.Builder
	if err := run(&out, 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if out.String() != "ckl eat 1\nckl play 1\nckl play 2\nckl eat 2\n" {
		t.Errorf("it prints\n%s", out.String())
	}
}
