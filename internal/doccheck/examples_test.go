package doccheck_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestExamples holds the folders of examples against their index: each has a row, a header that says how to run it and
// which scripts it ports, and a test; and what the index says of a file is there.
func TestExamples(t *testing.T) {
	for _, fault := range checkExamples(t, filepath.Join(root, "examples")) {
		t.Error(fault)
	}
	index, err := os.ReadFile(filepath.Join(root, "examples", "README.md"))
	if rows := len(ported.FindAll(index, -1)); err != nil || rows < 60 {
		t.Errorf("there are only %d scripts in the index: %v", rows, err)
	}
}

func TestCheckExamplesFindsFaults(t *testing.T) {
	const good = "// A does something.\n//\n//\tgo run ./examples/a\n//\n// Scripts: IV, `x`\n// and y.\npackage main\n\nfunc first() {}\n\nfunc (s *script) second() {}\n"
	const index = "| [a](a) | it |\n| IV | `x` and y | [a](a/main.go): `first`, `second` |\n"
	for _, tt := range []struct{ what, main, test, index, fault string }{
		{"nothing", good, "package main", index, ""},
		{"no row", good, "package main", "", "a is not in the index"},
		{"no test", good, "", index, "a has no test"},
		{"no command", strings.Replace(good, "go run", "go walk", 1), "package main", index, "the header of a does not say how to run it"},
		{"no script", strings.Replace(good, "and y", "and z", 1), "package main", index, "the header of a has no script IV, `x` and y"},
		{"no function", strings.Replace(good, "second", "third", 1), "package main", index, "a/main.go has no function second"},
		{"no program", good, "package main", index + "| V | z | later |\n", "no program is named for V, z"},
		{"no file", good, "package main", strings.ReplaceAll(index, "a/main.go", "a/other.go"), "there is no a/other.go"},
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "README.md"), tt.index)
		write(t, filepath.Join(dir, "a", "main.go"), tt.main)
		if tt.test != "" {
			write(t, filepath.Join(dir, "a", "main_test.go"), tt.test)
		}
		if got := strings.Join(checkExamples(t, dir), "\n"); got != tt.fault {
			t.Errorf("examples with %s have the faults %q, want %q", tt.what, got, tt.fault)
		}
	}
}

var (
	ported = regexp.MustCompile(`(?m)^\| ([IV]+) \| (.*?) \| (.*) \|$`)
	inFile = regexp.MustCompile("\\[\\w+\\]\\((\\w+)/(\\w+\\.go)\\)(?:: ((?:`\\w+`(?:, )?)+))?")
)

func checkExamples(t *testing.T, dir string) (faults []string) {
	t.Helper()
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	text, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	index := string(text)
	headers := map[string]string{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !entry.IsDir() {
			continue
		}
		main, err := os.ReadFile(filepath.Join(dir, name, "main.go"))
		if err != nil {
			fault("%s has no main.go", name)
			continue
		}
		header, _, _ := strings.Cut(string(main), "\npackage main")
		headers[name] = strings.Join(strings.Fields(strings.ReplaceAll(header, "//", " ")), " ")
		if !strings.Contains(headers[name], "go run ./examples/"+name) && !strings.Contains(headers[name], "go -C examples/"+name+" run .") &&
			!strings.Contains(headers[name], "gomonkey run ./examples/"+name) {
			fault("the header of %s does not say how to run it", name)
		}
		if tests, err := filepath.Glob(filepath.Join(dir, name, "*_test.go")); err != nil || len(tests) == 0 {
			fault("%s has no test", name)
		}
		if !strings.Contains(index, "| ["+name+"]("+name+") ") {
			fault("%s is not in the index", name)
		}
	}
	for _, row := range ported.FindAllStringSubmatch(index, -1) {
		links := inFile.FindAllStringSubmatch(row[3], -1)
		if len(links) == 0 {
			fault("no program is named for %s, %s", row[1], row[2])
		}
		for _, m := range links {
			if !strings.Contains(headers[m[1]], row[1]+", "+row[2]) {
				fault("the header of %s has no script %s, %s", m[1], row[1], row[2])
			}
			source, err := os.ReadFile(filepath.Join(dir, m[1], m[2]))
			if err != nil {
				fault("there is no %s/%s", m[1], m[2])
				continue
			}
			for _, name := range identifier.FindAllString(m[3], -1) {
				if !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + name + `\b`).Match(source) {
					fault("%s/%s has no function %s", m[1], m[2], name)
				}
			}
		}
	}
	slices.Sort(faults)
	return slices.Compact(faults)
}
