package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What it prints when it is built by gomonkey is in the tests of monkey/cmd/gomonkey.
func TestRunBuiltByTheGoCommandIsSequential(t *testing.T) {
	var out strings.Builder
	var took time.Duration
	// In a bubble of package synctest the sleeps take no time, and exactly what they say.
	synctest.Test(t, func(*testing.T) {
		start := time.Now()
		run(&out, 3*time.Second, 2*time.Second)
		took = time.Since(start)
	})
	if out.String() != "ckl eat 1\nckl eat 2\nckl play 1\nckl play 2\n" || took != 5*time.Second {
		t.Errorf("in %v it prints\n%s", took, out.String())
	}
}
