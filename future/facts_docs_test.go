package future_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestExecutorFactsAreDocumented holds docs/executors.md against the tests: the facts are numbered without a gap, each row names the test that has a
// subtest of that number, and every such subtest has a row.
func TestExecutorFactsAreDocumented(t *testing.T) {
	tested := map[string]string{}
	function := regexp.MustCompile(`(?m)^func (Test[A-Za-z]+)\(|^\s*t\.Run\("(CF[0-9]+) `)
	for _, dir := range []string{"future", "gather", "async"} {
		files, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
		check(t, err)
		for _, file := range files {
			data, err := os.ReadFile(file)
			check(t, err)
			test := ""
			for _, m := range function.FindAllStringSubmatch(string(data), -1) {
				if m[1] != "" {
					test = dir + "." + m[1]
				} else {
					tested[m[2]] = test
				}
			}
		}
	}
	data, err := os.ReadFile(filepath.Join("..", "docs", "executors.md"))
	check(t, err)
	rows := regexp.MustCompile("(?m)^\\| (CF[0-9]+) \\| .+ \\| `(.*)` \\|$").FindAllStringSubmatch(string(data), -1)
	for i, row := range rows {
		expectEqual(t, fmt.Sprintf("the number of row %d", i+1), row[1], fmt.Sprintf("CF%d", i+1))
		expectEqual(t, "the test of "+row[1], row[2], tested[row[1]])
	}
	expectEqual(t, "the number of rows", len(rows), len(tested))
}
