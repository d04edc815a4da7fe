package gevent_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/internal/factdocs"
)

// TestFactsAreDocumented holds docs/gevent.md against the tests: every fact has a row, in order, and
// every test that it names exists.
func TestFactsAreDocumented(t *testing.T) {
	// tests has every function with the facts of its subtests, and every trace.
	tests := map[string]bool{}
	for fact, functions := range factdocs.Tests(t, "[A-Z]", "*_test.go") {
		for _, function := range functions {
			tests[function+"/"+fact] = true
		}
	}
	for _, p := range ports {
		tests["TestTrace/"+p.name] = true
	}
	for name := range portedElsewhere {
		tests["TestTrace/"+name] = true
	}
	rows, count := factdocs.Rows(t, filepath.Join("..", "..", "docs", "gevent.md"))
	if want := map[string]int{"E": 15, "F": 20, "G": 11, "H": 8, "I": 12, "J": 19, "K": 15, "L": 17, "M": 15, "N": 26}; !maps.Equal(count, want) {
		t.Errorf("the letters have these numbers of rows: %v, and should have %v", count, want)
	}
	named := map[string]bool{}
	for _, row := range rows {
		test := strings.Trim(row.Where, "`")
		named[test] = true
		if strings.HasPrefix(test, "Test") && !tests[test] {
			t.Errorf("the row of %s names %s, which does not exist", row.Fact, test)
		}
	}
	for _, test := range slices.Sorted(maps.Keys(tests)) {
		if !strings.HasPrefix(test, "TestTrace/") && !named[test] {
			t.Errorf("%s has no row", test)
		}
	}
}
