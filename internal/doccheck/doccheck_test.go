package doccheck_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/asyncgo/asyncgo/internal/witness"
)

// root is the folder of the module, seen from this one.
const root = "../.."

// patience is how long a block may run. It is not met by a block that works.
const patience = time.Minute

// only is for who writes a page: go test ./internal/doccheck -run 'Blocks|Python$' -page porting-threads
var only = flag.String("page", "", "build and run the blocks only of the pages that have this in their names")

// What takes long here is the go command, so the tests that call it do so at the same time.

func TestBlocks(t *testing.T) {
	t.Parallel()
	for _, fault := range check(t, chosen(pages(t))) {
		t.Error(fault)
	}
}

// chosen leaves those of the pages that the flag names.
func chosen(pages map[string]string) map[string]string {
	maps.DeleteFunc(pages, func(name, _ string) bool { return !strings.Contains(name, *only) })
	return pages
}

// TestCheckFindsFaults makes sure that a wrong block is noticed, and at its line.
func TestCheckFindsFaults(t *testing.T) {
	t.Parallel()
	const fence = "\n```\n"
	for _, tt := range []struct{ what, page, fault string }{
		{"nothing", "```go\nv, err := async.Gather(ctx, async.After(0, 1))" + fence, ""},
		{"a name that is not there", "\n```go\nasync.CreateTusk(ctx, nil)" + fence, "page.md:3:"},
		{"an internal package", "```go\nimport _ \"" + module + "/internal/loop\"" + fence, "internal"},
		{"what only vet finds", "```go\nfmt.Printf(\"%d\", \"text\")" + fence, "page.md:2:"},
		{"another output", "```go\nfmt.Println(1)" + fence + outputMark + "\n```text\n2" + fence, "page.md:2: this block prints\n1\n"},
		{"an output and an error", "```go\nreturn errors.New(\"x\")" + fence + outputMark + "\n```text" + fence, "page.md:2: running this block: exit status 2"},
		{"half a block", "```go\nx := (" + fence, "page.md:2: this block is neither"},
		{"an open block", "```go\n", "page.md:1: this block has no end"},
	} {
		faults := strings.Join(check(t, map[string]string{"docs/page.md": tt.page}), "\n")
		if tt.fault == "" && faults != "" || !strings.Contains(faults, tt.fault) {
			t.Errorf("a page with %s has the faults %q, want %q in them", tt.what, faults, tt.fault)
		}
	}
}

// pages returns the pages that are checked, by their path in the module.
func pages(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	read := func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.ToSlash(name)] = string(text)
	}
	beside, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range beside {
		read(path)
	}
	read(filepath.Join(root, "examples", "README.md"))
	read(filepath.Join(root, "bench", "README.md"))
	err = filepath.WalkDir(filepath.Join(root, "docs"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".md") {
			read(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if texts["README.md"] == "" {
		t.Fatal("there is no README.md in the module")
	}
	return texts
}

// check builds the Go blocks of pages, runs those that have an output, and says
// what is wrong with them, block by block.
func check(t *testing.T, pages map[string]string) (faults []string) {
	t.Helper()
	dir := newModule(t)
	runnable := map[string]*block{} // by the name of the folder
	apart := map[string]bool{}      // those of them that are a program of their own
	total := 0
	for _, page := range slices.Sorted(maps.Keys(pages)) {
		blocks, wrong := extract(page, pages[page])
		faults = append(faults, wrong...)
		known := declared{}
		for _, b := range blocks {
			source, err := wrap(b, known)
			if err != nil {
				faults = append(faults, err.Error())
				continue
			}
			name := fmt.Sprintf("%s_%d", strings.NewReplacer("/", "_", ".md", "").Replace(page), b.line)
			if b.output != nil {
				runnable[name] = b
				if called := callable(source); called != "" {
					source = called
				} else {
					apart[name] = true
				}
			}
			write(t, filepath.Join(dir, name, "block.go"), source)
			total++
		}
	}
	if total == 0 {
		return faults
	}
	if out, err := goTool(dir, "vet", "./..."); err != nil {
		return append(faults, fmt.Sprintf("go vet of the blocks: %v\n%s", err, out))
	}
	if len(runnable) == 0 {
		return faults
	}
	// Linking is what takes long, so those that can be are one program, which is told what to run.
	const together = "together"
	var imports, calls strings.Builder
	bin := filepath.Join(dir, "bin") + string(filepath.Separator)
	args := []string{"build", "-o", bin, "./" + together}
	for i, name := range slices.Sorted(maps.Keys(runnable)) {
		if apart[name] {
			args = append(args, "./"+name)
			continue
		}
		fmt.Fprintf(&imports, "import p%d %q\n", i, "pages/"+name)
		fmt.Fprintf(&calls, "%q: p%d.Main,\n", name, i)
	}
	write(t, filepath.Join(dir, together, "main.go"),
		fmt.Sprintf("package main\nimport \"os\"\n%sfunc main() { map[string]func(){\n%s}[os.Args[1]]() }\n", &imports, &calls))
	if out, err := goTool(dir, args...); err != nil {
		return append(faults, fmt.Sprintf("go build of the blocks that have an output: %v\n%s", err, out))
	}
	for _, name := range slices.Sorted(maps.Keys(runnable)) {
		program := []string{bin + together, name}
		if apart[name] {
			program = []string{bin + name}
		}
		if fault := run(t, program, runnable[name]); fault != "" {
			faults = append(faults, fault)
		}
	}
	return faults
}

// callable makes of a program a package whose Main is called, or returns "" if it has to be a program: it starts itself.
func callable(source string) string {
	if strings.Contains(source, "future.Register(") || strings.Contains(source, "os.Executable(") {
		return ""
	}
	source = strings.Replace(source, "package main\n", "package block\n", 1)
	return strings.Replace(source, "\nfunc main() {", "\nfunc Main() {", 1)
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// run runs a program and compares what it prints with the output of its block.
func run(t *testing.T, program []string, b *block) (fault string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program[0], program[1:]...)
	cmd.Dir = t.TempDir()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Sprintf("%s:%d: running this block: %v\n%s%s", b.page, b.line, err, &stdout, &stderr)
	}
	got, want := strings.TrimRight(stdout.String(), "\n"), strings.TrimRight(b.output.text, "\n")
	if got != want {
		return fmt.Sprintf("%s:%d: this block prints\n%s\nand the page says\n%s\n%s", b.page, b.line, got, want, &stderr)
	}
	return ""
}

// newModule makes a module that uses asyncgo as a user's does, but in the state of
// this checkout, and returns its folder. It is outside of ours, so that a block
// cannot import what is internal. It takes over our requirements, because then
// nothing has to be looked up.
func newModule(t *testing.T) string {
	t.Helper()
	witness.Sources(t, root, false)
	home, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	out, err := goTool(home, "mod", "edit", "-json")
	if err != nil {
		t.Fatalf("go mod edit: %v\n%s", err, out)
	}
	var ours struct {
		Go      string
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(out, &ours); err != nil {
		t.Fatalf("reading go.mod: %v", err)
	}
	var mod strings.Builder
	fmt.Fprintf(&mod, "module pages\n\ngo %s\n\nrequire %s v0.0.0\n\nreplace %[2]s => %q\n", ours.Go, module, home)
	for _, r := range ours.Require {
		fmt.Fprintf(&mod, "require %s %s // indirect\n", r.Path, r.Version)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": mod.String(), "go.sum": string(sum)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// goTool runs the go command in a folder and returns what it prints, errors too.
func goTool(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("the go command does not start: %w", err)
	}
	return out, err
}
