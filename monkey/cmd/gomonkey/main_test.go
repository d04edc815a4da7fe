package main_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// gomonkey is the command, which TestMain has built.
var gomonkey string

// cache is a cache for all tests that have no reason for one of their own.
var cache string

// kept is a cache that outlives the tests, for copies of modules. The go command builds anew what stands in another folder, and all that
// uses it.
var kept string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "gomonkey-test-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	gomonkey, cache = filepath.Join(dir, "gomonkey.exe"), filepath.Join(dir, "cache")
	if kept, err = os.UserCacheDir(); err == nil {
		kept = filepath.Join(kept, "gomonkey-test")
		err = os.MkdirAll(kept, 0o777)
	}
	if err != nil {
		kept = filepath.Join(dir, "kept")
	}
	if out, err := exec.Command("go", "build", "-o", gomonkey, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building gomonkey: %v\n%s", err, out)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent(), goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// long is for what builds the standard library, which takes seconds.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds the standard library")
	}
}

// A call is a program to be run.
type call struct {
	dir string
	env []string
}

// run runs a program to its end and returns what it prints, and whether it has succeeded.
func (c call) run(t *testing.T, name string, args ...string) (out string, ok bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = c.dir
	cmd.Env = append(append(os.Environ(), "GOMONKEYCACHE="+cache, "GOFLAGS=-buildvcs=false"), c.env...)
	cmd.WaitDelay = 5 * time.Second
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%s %v takes too long:\n%s", name, args, &b)
	}
	return strings.TrimSpace(b.String()), err == nil
}

// expect runs a program that has to succeed and print want.
func (c call) expect(t *testing.T, want string, name string, args ...string) {
	t.Helper()
	out, ok := c.run(t, name, args...)
	if !ok || out != want {
		t.Errorf("%s %s prints\n%s\nand should print\n%s", filepath.Base(name), strings.Join(args, " "), out, want)
	}
}

// refuse runs a program that has to fail and print the words.
func (c call) refuse(t *testing.T, words []string, name string, args ...string) {
	t.Helper()
	out, ok := c.run(t, name, args...)
	if ok {
		t.Errorf("%s %s succeeds", filepath.Base(name), strings.Join(args, " "))
	}
	for _, word := range words {
		if !strings.Contains(out, word) {
			t.Errorf("%s %s prints %q, without %q", filepath.Base(name), strings.Join(args, " "), out, word)
		}
	}
}

const program = "github.com/asyncgo/asyncgo/monkey/testdata/"
