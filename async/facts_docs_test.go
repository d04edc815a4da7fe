package async_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFactsAreDocumented holds docs/asyncio.md against the tests: a test that it names exists, a fact that has a test names one, and no fact of
// a section is left out.
func TestFactsAreDocumented(t *testing.T) {
	tested := factTests(t)
	data, err := os.ReadFile(filepath.Join("..", "docs", "asyncio.md"))
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\| ([A-Z])([0-9]+) \| (.*) \| (.*) \|$`)
	name := regexp.MustCompile("^`(Test[A-Za-z]+)/([A-Z][0-9]+)`$")
	next := map[string]int{}
	for _, m := range row.FindAllStringSubmatch(string(data), -1) {
		fact := m[1] + m[2]
		if next[m[1]]++; m[2] != fmt.Sprint(next[m[1]]) {
			t.Fatalf("the row of %s stands where that of %s%d belongs", fact, m[1], next[m[1]])
		}
		where := name.FindStringSubmatch(m[4])
		switch {
		case where == nil && strings.Contains(m[4], "`Test"):
			t.Errorf("the row of %s names its test in another form: %s", fact, m[4])
		case where == nil && len(tested[fact]) > 0:
			t.Errorf("the row of %s gives a reason why there is no test, and there is one in %s", fact, tested[fact])
		case where == nil && len(m[4]) < 10:
			t.Errorf("the row of %s names neither a test nor a reason", fact)
		case where == nil:
		case where[2] != fact:
			t.Errorf("the row of %s names the test of %s", fact, where[2])
		case !slices.Contains(tested[fact], where[1]):
			t.Errorf("the row of %s names %s, and the tests of the fact are in %s", fact, where[1], tested[fact])
		}
	}
	for section, last := range map[string]int{"A": 31, "B": 24, "C": 21, "D": 23, "E": 4, "F": 16, "N": 12, "O": 5, "P": 10, "Q": 9, "R": 13, "V": 27, "W": 18} {
		if next[section] != last {
			t.Errorf("section %s has %d rows and not %d", section, next[section], last)
		}
	}
	for _, fact := range slices.Sorted(maps.Keys(tested)) {
		if strings.Contains("ABCDEFNOPQRVW", fact[:1]) && !strings.Contains(string(data), "| "+fact+" |") {
			t.Errorf("%s has a test and no row", fact)
		}
	}
}

// factTests returns, by fact, the test functions with a subtest whose name begins with it.
func factTests(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("facts_*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	function := regexp.MustCompile(`^func (Test[A-Za-z]+)\(`)
	subtest := regexp.MustCompile(`^\s*t\.Run\("((?:[A-Z][0-9]+ )+)`)
	tested := map[string][]string{}
	for _, file := range append(files, filepath.Join("..", "future", "future_test.go")) {
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
					tested[fact] = append(tested[fact], test)
				}
			}
		}
	}
	return tested
}
