package main

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestRunPrintsWhatPythonPrints(t *testing.T) {
	var out strings.Builder
	// In a bubble of package synctest the waits take no time, and exactly what they say.
	synctest.Test(t, func(t *testing.T) {
		if err := run(&out); err != nil {
			t.Fatal(err)
		}
	})
	if out.String() != "ckl eat 1\nckl play 1\nckl play 2\nckl eat 2\n" {
		t.Errorf("it prints\n%s", out.String())
	}
}
