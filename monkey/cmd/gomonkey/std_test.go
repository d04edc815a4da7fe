package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hooksOn is added to the tests of a package of the standard library. It turns all sites on, with a hook that answers as
// package monkey's does on a goroutine that is no task.
const hooksOn = `package PACKAGE_test

import "unsafe"

type gomonkeyHooks struct {
	enter func(kind uint8) (back func())
	sleep func(ns int64) bool
	file  func(fd uintptr, n int, write bool) (back func())
}

type gomonkeySite struct {
	group, name string
	on          *uint32
}

//go:linkname gomonkeyHook runtime.gomonkeyHook
var gomonkeyHook unsafe.Pointer

//go:linkname gomonkeySites runtime.gomonkeySites
var gomonkeySites []gomonkeySite

func init() {
	gomonkeyHook = unsafe.Pointer(&gomonkeyHooks{
		enter: func(uint8) func() { return nil },
		sleep: func(int64) bool { return false },
		file:  func(uintptr, int, bool) func() { return nil },
	})
	on := 0
	for _, s := range gomonkeySites {
		if s.on != nil {
			*s.on = 1
			on++
		}
	}
	if on == 0 {
		panic("there are no sites")
	}
}
`

// TestStandardLibrary runs the standard library's own tests with its blocking functions patched. It takes minutes, so it runs
// only if GOMONKEY_TEST_STD is set.
func TestStandardLibrary(t *testing.T) {
	if os.Getenv("GOMONKEY_TEST_STD") == "" {
		t.Skip("it takes minutes: set GOMONKEY_TEST_STD")
	}
	packages := []string{"time", "net", "sync", "os/exec", "log"}
	test := []string{"test", "-short", "-patch", "aggressive"}
	pass := func(t *testing.T, args ...string) {
		t.Helper()
		out, ok := call{}.run(t, gomonkey, append(append(test, args...), packages...)...)
		t.Log(out)
		if !ok || strings.Count(out, "\nok")+strings.Count(out, "ok") < len(packages) {
			t.Error("it fails")
		}
	}
	t.Run("its tests pass with the hooks off", func(t *testing.T) { pass(t) })
	t.Run("its tests pass with the hooks on, outside tasks", func(t *testing.T) {
		root, ok := call{}.run(t, "go", "env", "GOROOT")
		if !ok {
			t.Fatal(root)
		}
		dir, replace := t.TempDir(), map[string]string{}
		for _, p := range packages {
			name := filepath.Base(p)
			write(t, dir, map[string]string{name + ".go": strings.ReplaceAll(hooksOn, "PACKAGE", name)})
			replace[filepath.Join(root, "src", filepath.FromSlash(p), "zz_hooks_test.go")] = filepath.Join(dir, name+".go")
		}
		text, err := json.Marshal(map[string]any{"Replace": replace})
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, map[string]string{"overlay.json": string(text)})
		pass(t, "-overlay", filepath.Join(dir, "overlay.json"))
	})
}

// TestOwnTests runs the tests of packages async and gevent in a program in which all is patched, so that the loop's own work and
// thousands of odd programs meet the hooks.
func TestOwnTests(t *testing.T) {
	if os.Getenv("GOMONKEY_TEST_STD") == "" {
		t.Skip("it takes minutes: set GOMONKEY_TEST_STD")
	}
	const module = "github.com/asyncgo/asyncgo/"
	dir, replace := t.TempDir(), map[string]string{}
	for name, path := range map[string]string{"async": "async", "gevent": "greenlet/gevent"} {
		write(t, dir, map[string]string{name + ".go": "package " + name + `_test

import "github.com/asyncgo/asyncgo/monkey"

func init() {
	if r, err := monkey.PatchAll(); err != nil || r.Outcome != monkey.Patched {
		panic(r.String())
	}
}
`})
		root, err := filepath.Abs(filepath.Join("..", "..", ".."))
		if err != nil {
			t.Fatal(err)
		}
		replace[filepath.Join(root, filepath.FromSlash(path), "zz_patched_test.go")] = filepath.Join(dir, name+".go")
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"overlay.json": string(text)})
	// These are about time.Sleep blocking the loop, which it does not here.
	const skip = "TestFactsErrorHandler/X9|TestTrace/69_debug_mode"
	out, ok := call{}.run(t, gomonkey, "test", "-overlay", filepath.Join(dir, "overlay.json"), "-skip", skip, module+"async", module+"greenlet/gevent")
	if !ok {
		t.Error(out)
	}
}
