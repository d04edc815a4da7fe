package async_test

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/internal/factdocs"
)

// TestFactsAreDocumented holds docs/asyncio.md against the tests: a test that it names exists, a fact that has a test names one, and no fact of
// a section is left out.
func TestFactsAreDocumented(t *testing.T) {
	tested := factdocs.Tests(t, "[A-Z]", "facts_*_test.go", filepath.Join("..", "future", "future_test.go"))
	rows, count := factdocs.Rows(t, filepath.Join("..", "docs", "asyncio.md"))
	if want := map[string]int{
		"A": 31, "B": 24, "C": 21, "D": 23, "E": 4, "F": 16, "G": 16, "H": 10, "I": 11, "J": 6, "K": 13, "L": 20,
		"M": 27, "N": 12, "O": 5, "P": 10, "Q": 9, "R": 13, "S": 22, "T": 17, "U": 14, "V": 27, "W": 18, "X": 11,
	}; !maps.Equal(count, want) {
		t.Errorf("the sections have these numbers of rows: %v, and should have %v", count, want)
	}
	name := regexp.MustCompile("^`(Test[A-Za-z]+)/([A-Z][0-9]+)`$")
	documented := map[string]bool{}
	for _, row := range rows {
		fact := row.Fact
		documented[fact] = true
		where := name.FindStringSubmatch(row.Where)
		switch {
		case where == nil && strings.Contains(row.Where, "`Test"):
			t.Errorf("the row of %s names its test in another form: %s", fact, row.Where)
		case where == nil && len(tested[fact]) > 0:
			t.Errorf("the row of %s gives a reason why there is no test, and there is one in %s", fact, tested[fact])
		case where == nil && len(row.Where) < 10:
			t.Errorf("the row of %s names neither a test nor a reason", fact)
		case where == nil:
		case where[2] != fact:
			t.Errorf("the row of %s names the test of %s", fact, where[2])
		case !slices.Contains(tested[fact], where[1]):
			t.Errorf("the row of %s names %s, and the tests of the fact are in %s", fact, where[1], tested[fact])
		}
	}
	for _, fact := range slices.Sorted(maps.Keys(tested)) {
		if !documented[fact] {
			t.Errorf("%s has a test and no row", fact)
		}
	}
}
