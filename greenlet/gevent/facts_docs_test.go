package gevent_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFactsAreDocumented holds docs/gevent.md against the tests: every fact has a row, in order, and
// every test that it names exists.
func TestFactsAreDocumented(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "docs", "gevent.md"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var source []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source = append(source, text...)
	}
	// tests has every function with the facts of its subtests.
	tests := map[string]bool{}
	function := ""
	for line := range strings.Lines(string(source)) {
		if m := regexp.MustCompile(`^func (Test[A-Za-z]+)\(`).FindStringSubmatch(line); m != nil {
			function = m[1]
		}
		if m := regexp.MustCompile(`^\tt\.Run\("((?:[A-Z][0-9]+ )+)`).FindStringSubmatch(line); m != nil {
			for _, fact := range strings.Fields(m[1]) {
				tests[function+"/"+fact] = true
			}
		}
	}
	for _, m := range regexp.MustCompile(`{"([0-9]+_[a-z0-9_]+)", trace`).FindAllStringSubmatch(string(source), -1) {
		tests["TestTrace/"+m[1]] = true // also those of other systems
	}
	rows := regexp.MustCompile(`(?m)^\| ([E-N][0-9]+) \| .* \| (.*) \|$`).FindAllStringSubmatch(string(data), -1)
	var facts, all []string
	for _, m := range rows {
		facts = append(facts, m[1])
	}
	for i, n := range []int{15, 20, 11, 8, 12, 19, 15, 17, 15, 26} {
		for k := range n {
			all = append(all, fmt.Sprintf("%c%d", 'E'+i, k+1))
		}
	}
	if !slices.Equal(facts, all) {
		t.Errorf("the rows are of\n\t%v\nand should be of\n\t%v", facts, all)
	}
	named := map[string]bool{}
	for _, m := range rows {
		test := strings.Trim(m[2], "`")
		named[test] = true
		if strings.HasPrefix(test, "Test") && !tests[test] {
			t.Errorf("the row of %s names %s, which does not exist", m[1], test)
		}
	}
	for test := range tests {
		if !strings.HasPrefix(test, "TestTrace/") && !named[test] {
			t.Errorf("%s has no row", test)
		}
	}
}
