package future_test

import (
	"path/filepath"
	"testing"

	"github.com/asyncgo/asyncgo/internal/factdocs"
)

// TestExecutorFactsAreDocumented holds docs/executors.md against the tests: the facts are numbered without a gap, each row names the test that has a
// subtest of that number, and every such subtest has a row.
func TestExecutorFactsAreDocumented(t *testing.T) {
	tested := map[string]string{}
	for _, dir := range []string{"future", "gather", "async"} {
		for fact, tests := range factdocs.Tests(t, "CF", filepath.Join("..", dir, "*_test.go")) {
			expectEqual(t, "the number of tests of "+fact, len(tests), 1)
			expectEqual(t, "the test of "+fact+" in another package", tested[fact], "")
			tested[fact] = "`" + dir + "." + tests[0] + "`"
		}
	}
	rows, _ := factdocs.Rows(t, filepath.Join("..", "docs", "executors.md"))
	for _, row := range rows {
		expectEqual(t, "the test of "+row.Fact, row.Where, tested[row.Fact])
	}
	expectEqual(t, "the number of rows", len(rows), len(tested))
}
