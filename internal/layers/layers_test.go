package layers_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/internal/witness"
)

const module = "github.com/asyncgo/asyncgo"

// root is the folder of the module, seen from this one.
const root = "../.."

// floors lists our packages from the ground up, by their path in the module. An
// entry covers the packages below its folder too, unless they have an entry of
// their own. The order is the one of the design and of CONTRIBUTING.md; a new
// package gets its line here before it gets its first import.
var floors = []string{
	"internal/callers",
	"internal/goroutines",
	"internal/items",
	"internal/overlay",
	"internal/coro",
	"internal/loop",
	"internal/promise",
	"future",
	"gather",
	"greenlet",
	"async",
	"async/asynctest",
	"greenlet/gevent",
	"monkey",
	"monkey/cmd",
}

// outside lists what stands on no floor: the root's own package comment, the
// examples and the documentation with their tests, and the tests of the whole
// tree: of its documentation, its API and its layers. They import what every user
// can import, and nobody imports them. What tests of several packages share stands
// here too: it is for test files alone.
var outside = []string{"", "docs", "examples", "internal/apidump", "internal/doccheck", "internal/factdocs", "internal/layers", "internal/pytrace", "internal/witness"}

// requirements are the modules that the root go.mod may require directly.
// Anything heavy or optional lives in a nested module instead.
var requirements = []string{
	"github.com/panjf2000/ants/v2",
	"github.com/petermattis/goid",
	"github.com/sourcegraph/conc",
	"go.uber.org/goleak",
}

// listed is what the test reads of a package that the go tool lists.
type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportsPointDownwards(t *testing.T) {
	// Files with a build constraint could hide an arrow from the machine that
	// runs the test.
	for _, goos := range []string{"linux", "darwin", "windows"} {
		t.Run(goos, func(t *testing.T) {
			packages := list(t, goos)
			if len(packages) == 0 {
				t.Fatalf("go list found no package of %s", module)
			}
			for _, p := range packages {
				for _, imported := range p.Imports {
					if fault := judge(p.ImportPath, imported); fault != "" {
						t.Error(fault)
					}
				}
			}
		})
	}
}

func TestEveryPackageHasAFloor(t *testing.T) {
	for _, p := range list(t, "") {
		path := within(p.ImportPath)
		if floor(path) < 0 && !isOutside(path) {
			t.Errorf("%s stands on no floor: give it its line in the table of this test", p.ImportPath)
		}
	}
}

// TestJudge makes sure that the walk above can fail at all.
func TestJudge(t *testing.T) {
	tests := []struct {
		importer, imported string
		allowed            bool
	}{
		{"async", "future", true},
		{"async", "internal/loop", true},
		{"future", "internal/loop", true},
		{"greenlet/gevent", "async", true},
		{"monkey/cmd/gomonkey", "monkey", true},
		{"async/asynctest", "async", true},
		{"examples/quickstart", "async", true},

		{"future", "gather", false},
		{"internal/loop", "future", false},
		{"async", "async/asynctest", false},
		{"async", "greenlet/gevent", false},
		{"greenlet", "greenlet/gevent", false},
		{"gather", "gather/inner", false},
		{"async", "examples/quickstart", false},
		{"async", "internal/layers", false},
		{"async", "internal/witness", false},
		{"examples/quickstart", "internal/loop", false},
		{"async", "nowhere", false},
		{"nowhere", "async", false},
	}
	for _, tt := range tests {
		fault := judge(module+"/"+tt.importer, module+"/"+tt.imported)
		if (fault == "") != tt.allowed {
			t.Errorf("judge(%s imports %s) = %q, allowed should be %t", tt.importer, tt.imported, fault, tt.allowed)
		}
	}
	for _, other := range []string{"fmt", "github.com/panjf2000/ants/v2", module + "x/async"} {
		if fault := judge(module+"/future", other); fault != "" {
			t.Errorf("judge(future imports %s) = %q, want no fault", other, fault)
		}
	}
	if judge(module+"/async", "go.uber.org/goleak") == "" {
		t.Error("judge(async imports goleak) found no fault")
	}
	for _, importer := range []string{"async/asynctest", "internal/witness"} {
		if fault := judge(module+"/"+importer, "go.uber.org/goleak"); fault != "" {
			t.Errorf("judge(%s imports goleak) = %q, want no fault", importer, fault)
		}
	}
}

func TestDirectRequirements(t *testing.T) {
	var mod struct {
		Module  struct{ Path string }
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal(goTool(t, "", "mod", "edit", "-json"), &mod); err != nil {
		t.Fatalf("reading go.mod: %v", err)
	}
	if mod.Module.Path != module {
		t.Fatalf("the root module is %s, want %s", mod.Module.Path, module)
	}
	for _, r := range mod.Require {
		if !r.Indirect && !slices.Contains(requirements, r.Path) {
			t.Errorf("go.mod requires %s, which was not agreed on: put what needs it into a nested module", r.Path)
		}
	}
	// The go tool ignores the replacements of a dependency, so what builds here
	// with one would not build for our users.
	for _, r := range mod.Replace {
		t.Errorf("go.mod replaces %s, which no user of the module would see", r.Old.Path)
	}
}

// judge says in one sentence what is wrong with an import, or nothing when it is
// allowed. Only direct imports need a look: where every arrow points downwards,
// every chain of arrows does.
func judge(importer, imported string) string {
	from := within(importer)
	if imported == "go.uber.org/goleak" && !below("async/asynctest", from) && from != "internal/witness" {
		return fmt.Sprintf("%s imports goleak outside of its tests", importer)
	}
	if !ours(imported) {
		return ""
	}
	to := within(imported)
	if floor(to) < 0 {
		return fmt.Sprintf("%s imports %s, which nobody may import", importer, imported)
	}
	if isOutside(from) {
		if below("internal", to) {
			return fmt.Sprintf("%s imports %s, which no user could import", importer, imported)
		}
		return ""
	}
	if floor(from) < 0 {
		return fmt.Sprintf("%s imports %s, but stands on no floor", importer, imported)
	}
	if floor(from) <= floor(to) {
		return fmt.Sprintf("%s imports %s, which does not stand below it", importer, imported)
	}
	return ""
}

// floor is the height of a package in the table, or -1 when it has none. The
// longest entry wins, so that async/asynctest is not taken for a part of async.
func floor(path string) int {
	found := -1
	for i, f := range floors {
		if below(f, path) && (found < 0 || len(f) > len(floors[found])) {
			found = i
		}
	}
	return found
}

// isOutside reports whether a package is free of the floors.
func isOutside(path string) bool {
	return slices.ContainsFunc(outside, func(folder string) bool { return below(folder, path) })
}

// below reports whether path is the folder or stands inside of it.
func below(folder, path string) bool {
	return path == folder || strings.HasPrefix(path, folder+"/")
}

// ours reports whether an import path belongs to the module.
func ours(path string) bool { return below(module, path) }

// within cuts the module off an import path.
func within(path string) string {
	return strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
}

// list returns the packages of the module, and those that they depend on, as far
// as they are ours. An empty goos stands for the machine's own.
func list(t *testing.T, goos string) []listed {
	t.Helper()
	out := goTool(t, goos, "list", "-deps", "-json=ImportPath,Imports", "./...")
	var packages []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatalf("reading the answer of go list: %v", err)
		}
		if ours(p.ImportPath) {
			packages = append(packages, p)
		}
	}
}

// goTool runs the go command in the root of the module and returns its output.
func goTool(t *testing.T, goos string, args ...string) []byte {
	t.Helper()
	witness.Sources(t, root, true)
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if goos != "" {
		// Without cgo the answer does not depend on a C compiler for goos.
		cmd.Env = append(cmd.Env, "GOOS="+goos, "CGO_ENABLED=0")
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	return out
}
