package factdocs_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/internal/factdocs"
	"github.com/asyncgo/asyncgo/internal/witness"
)

func TestMain(m *testing.M) { witness.Main(m) }

// file writes lines to a file of the test and returns its path.
func file(t *testing.T, name string, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTests(t *testing.T) {
	a := file(t, "a_test.go",
		`func TestOne(t *testing.T) {`,
		`	t.Run("A1 it begins", func(t *testing.T) {`,
		`		t.Run("A2 A10 two facts at once, further in", nil)`,
		`	onEach(t, "CF7 a fact of other letters", nil)`,
		`	// t.Run("A3 a comment", nil)`,
		`	t.Run("no fact A4", nil)`,
		`func TestTwo(t *testing.T) {`,
		`	onEach(t, "A2 once more", nil)`,
	)
	b := file(t, "b_test.go", `func TestThree(t *testing.T) {`, `	t.Run("A1 elsewhere", nil)`)

	t.Run("the functions of a fact are those with a subtest of it, in the order of the files", func(t *testing.T) {
		got := factdocs.Tests(t, "[A-Z]", a, b)
		want := map[string][]string{"A1": {"TestOne", "TestThree"}, "A2": {"TestOne", "TestTwo"}, "A10": {"TestOne"}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the facts are %v, not %v", got, want)
		}
	})

	t.Run("the letters choose the facts", func(t *testing.T) {
		if got, want := factdocs.Tests(t, "CF", a, b), map[string][]string{"CF7": {"TestOne"}}; !reflect.DeepEqual(got, want) {
			t.Errorf("the facts are %v, not %v", got, want)
		}
	})

	t.Run("a pattern without a file fails the test", func(t *testing.T) {
		nothing := filepath.Join(t.TempDir(), "*_test.go")
		if said := witness.Verdict(func(tb testing.TB) { factdocs.Tests(tb, "[A-Z]", a, nothing) }); !strings.Contains(said, nothing) {
			t.Errorf("it says %q", said)
		}
	})
}

func TestRows(t *testing.T) {
	t.Run("each row has its fact and its last cell, and each letter its number of rows", func(t *testing.T) {
		rows, count := factdocs.Rows(t, file(t, "page.md",
			"| fact | what | where |", "| --- | --- | --- |",
			"| A1 | a pipe `a | b` in the middle | `TestOne/A1` |",
			"| A2 | two | a reason |",
			"A3 is not in a table.",
			"| CF1 | one | `TestTwo` |",
		))
		if want := []factdocs.Row{{"A1", "`TestOne/A1`"}, {"A2", "a reason"}, {"CF1", "`TestTwo`"}}; !slices.Equal(rows, want) {
			t.Errorf("the rows are %v, not %v", rows, want)
		}
		if want := map[string]int{"A": 2, "CF": 1}; !maps.Equal(count, want) {
			t.Errorf("the numbers of rows are %v, not %v", count, want)
		}
	})

	for why, rows := range map[string][]string{
		"a gap":                              {"| A1 | one | x |", "| A3 | three | x |"},
		"a number that comes twice":          {"| A1 | one | x |", "| A1 | one | x |"},
		"a first number that is not 1":       {"| A1 | one | x |", "| B2 | two | x |"},
		"letters that are not in order":      {"| B1 | one | x |", "| A1 | one | x |"},
		"a letter that goes on after others": {"| A1 | one | x |", "| B1 | one | x |", "| A2 | two | x |"},
	} {
		t.Run(why+" fails the test", func(t *testing.T) {
			said := witness.Verdict(func(tb testing.TB) { factdocs.Rows(tb, file(t, "page.md", rows...)) })
			if last := strings.Fields(rows[len(rows)-1])[1]; !strings.Contains(said, "the row of "+last+" ") {
				t.Errorf("it says %q, which is not about %s", said, last)
			}
		})
	}

	t.Run("a page that is not there fails the test", func(t *testing.T) {
		if said := witness.Verdict(func(tb testing.TB) { factdocs.Rows(tb, filepath.Join(t.TempDir(), "page.md")) }); said == "" {
			t.Error("it does not")
		}
	})
}
