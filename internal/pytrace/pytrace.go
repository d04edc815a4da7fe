// Package pytrace is for the tests that hold ports of Python's scripts against what Python prints. Under testdata/traces of
// a package lie the outputs, one file a script. A port is such a script in Go, statement by statement; it has to print the
// same lines in the same order, except those in which we differ on purpose, which say why.
package pytrace

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A Deviation is a line in which we differ from Python on purpose.
type Deviation struct {
	Line   int    // of Python's output, from 1
	Python string // that line, so that the number cannot be wrong
	Ours   string // the line, or lines, in its place; "" if there is none
	Why    string
}

// dir is the folder of the outputs, seen from the package that is tested.
const dir = "testdata/traces"

// Want returns the lines that a port has to print: Python's with the deviations, which stand in the order of their lines.
func Want(tb testing.TB, name string, deviations []Deviation) []string {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(filepath.FromSlash(dir), name+".out"))
	if err != nil {
		tb.Fatal(err)
	}
	var want []string
	next := 0 // of the deviations
	for i, line := range strings.Split(strings.TrimSuffix(string(data), "\n"), "\n") {
		if next == len(deviations) || deviations[next].Line != i+1 {
			want = append(want, line)
			continue
		}
		d := deviations[next]
		next++
		switch {
		case d.Python != line:
			tb.Fatalf("the deviation of line %d expects Python to print %q, not %q", d.Line, d.Python, line)
		case d.Ours == line:
			tb.Fatalf("the deviation of line %d is none", d.Line)
		case d.Why == "":
			tb.Fatalf("the deviation of line %d has no reason", d.Line)
		}
		if d.Ours != "" {
			want = append(want, strings.Split(d.Ours, "\n")...)
		}
	}
	if next < len(deviations) {
		tb.Fatalf("the deviation of line %d is out of order or behind the end", deviations[next].Line)
	}
	return want
}

// Ported fails tb if an output has no port, or a port no output. Names are those of the ports, and of the outputs that are
// known to have none here.
func Ported(tb testing.TB, names []string) {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(dir), "*.out"))
	if err != nil {
		tb.Fatal(err)
	}
	var outputs []string
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".out")
		outputs = append(outputs, name)
		if !slices.Contains(names, name) {
			tb.Errorf("the trace %s has no port", name)
		}
	}
	for i, name := range names {
		if !slices.Contains(outputs, name) {
			tb.Errorf("the port %s has no trace", name)
		}
		if slices.Contains(names[:i], name) {
			tb.Errorf("the trace %s has two ports", name)
		}
	}
}
