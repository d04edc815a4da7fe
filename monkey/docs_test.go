package monkey_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/monkey"
)

// TestDocs holds docs/monkey.md against the code: every name has a row in the table of what is cooperative, every fact about
// monkey and every trace from 80 on has one, and the tests that the tables name exist.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "docs", "monkey.md"))
	check(err)
	rows := func(pattern string) (all []string) {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(page), -1) {
			all = append(all, m[1])
		}
		return all
	}
	if got := rows("(?m)^\\| `([a-z]+)` \\| [^|]* \\| [^|]* \\| [^|]* \\|$"); !slices.Equal(got, monkey.Names()) {
		t.Errorf("the table is about %v, and there are %v", got, monkey.Names())
	}
	if got := rows(`(?m)^\| (N[0-9]+) \|`); !slices.Equal(got, []string{"N17", "N18", "N19", "N20"}) {
		t.Errorf("the facts are %v", got)
	}
	traces, err := filepath.Glob(filepath.Join("..", "greenlet", "gevent", "testdata", "traces", "[89]*.out"))
	check(err)
	for i, file := range traces {
		traces[i] = strings.TrimSuffix(filepath.Base(file), ".out")
	}
	if got := rows("(?m)^\\| `([89][0-9]_[a-z_]+)` \\|"); len(got) == 0 || !slices.Equal(got, traces) {
		t.Errorf("the traces are %v, and there are %v", got, traces)
	}
	var source strings.Builder
	for _, pattern := range []string{
		"*_test.go", filepath.Join("cmd", "gomonkey", "*_test.go"), filepath.Join("testdata", "waits", "*_test.go"),
		filepath.Join("..", "internal", "overlay", "*_test.go"), filepath.Join("..", "async", "block_test.go"),
	} {
		files, err := filepath.Glob(pattern)
		check(err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			check(err)
			source.Write(text)
		}
	}
	named := regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(string(page), -1)
	if len(named) == 0 {
		t.Error("the page names no test")
	}
	for _, m := range named {
		if !strings.Contains(source.String(), "func "+m[1]+"(") {
			t.Errorf("there is no %s", m[1])
		}
	}
}
