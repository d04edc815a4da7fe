package greenlet_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFactsAreDocumented holds docs/greenlet.md against the tests: a test that it names exists, and a fact that has a test
// names it.
func TestFactsAreDocumented(t *testing.T) {
	tested := factTests(t)
	data, err := os.ReadFile(filepath.Join("..", "docs", "greenlet.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([A-D][0-9]+) \| .* \| (.*) \|$`).FindAllStringSubmatch(string(data), -1) {
		fact, where := m[1], m[2]
		rows[fact] = where
		switch want := "`" + tested[fact] + "/" + fact + "`"; {
		case tested[fact] != "" && where != want:
			t.Errorf("the row of %s says %s, and its test is %s", fact, where, want)
		case tested[fact] == "" && (strings.HasPrefix(where, "`Test") || len(where) < 6):
			t.Errorf("the row of %s names neither a test that there is nor a reason: %s", fact, where)
		}
	}
	if len(rows) != 9+13+16+20 {
		t.Errorf("there are %d rows", len(rows))
	}
	for _, fact := range slices.Sorted(maps.Keys(tested)) {
		if rows[fact] == "" {
			t.Errorf("%s has a test and no row", fact)
		}
	}
}

// factTests returns, by fact, the test function with a subtest whose name begins with it.
func factTests(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	function := regexp.MustCompile(`^func (Test[A-Za-z]+)\(`)
	subtest := regexp.MustCompile(`^\t(?:t\.Run\(|onEach\(t, )"((?:[A-Z][0-9]+ )+)`)
	tested := map[string]string{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		test := ""
		for line := range strings.Lines(string(data)) {
			if m := function.FindStringSubmatch(line); m != nil {
				test = m[1]
			}
			if m := subtest.FindStringSubmatch(line); m != nil {
				for _, fact := range strings.Fields(m[1]) {
					tested[fact] = test
				}
			}
		}
	}
	return tested
}
