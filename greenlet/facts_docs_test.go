package greenlet_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/internal/factdocs"
)

// TestFactsAreDocumented holds docs/greenlet.md against the tests: a test that it names exists, and a fact that has a test
// names it.
func TestFactsAreDocumented(t *testing.T) {
	tested := factdocs.Tests(t, "[A-Z]", "*_test.go")
	rows, count := factdocs.Rows(t, filepath.Join("..", "docs", "greenlet.md"))
	if want := map[string]int{"A": 9, "B": 13, "C": 16, "D": 20}; !maps.Equal(count, want) {
		t.Errorf("the letters have these numbers of rows: %v, and should have %v", count, want)
	}
	documented := map[string]bool{}
	for _, row := range rows {
		documented[row.Fact] = true
		tests := tested[row.Fact]
		switch {
		case len(tests) > 1:
			t.Errorf("%s has more than one test: %v", row.Fact, tests)
		case len(tests) == 1 && row.Where != "`"+tests[0]+"/"+row.Fact+"`":
			t.Errorf("the row of %s says %s, and its test is in %s", row.Fact, row.Where, tests[0])
		case len(tests) == 0 && (strings.HasPrefix(row.Where, "`Test") || len(row.Where) < 6):
			t.Errorf("the row of %s names neither a test that there is nor a reason: %s", row.Fact, row.Where)
		}
	}
	for _, fact := range slices.Sorted(maps.Keys(tested)) {
		if !documented[fact] {
			t.Errorf("%s has a test and no row", fact)
		}
	}
}
