// Package factdocs is for the tests that hold the tables of docs against the tests. A fact is something that is known of
// Python, under a letter and a number, like B12. In the tests it stands at the beginning of a subtest's name, alone or as
// one of several: t.Run("B12 B13 a cancelled task …"). In the docs it has a row of a table, whose first cell is the fact
// and whose last one says which test proves it, or why none does.
//
// What the last cell may say is each page's own affair, and so is what has to be complete.
package factdocs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Tests returns, by fact, the test functions that have a subtest of it, in the order of the files. The letters of the facts
// are a regular expression; the files are given as patterns of [filepath.Glob], and a pattern without a file fails tb.
func Tests(tb testing.TB, letters string, patterns ...string) map[string][]string {
	tb.Helper()
	function := regexp.MustCompile(`^func (Test[A-Za-z]+)\(`)
	subtest := regexp.MustCompile(`^\s*(?:t\.Run\(|onEach\(t, )"((?:` + letters + `[0-9]+ )+)`)
	tested := map[string][]string{}
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			tb.Fatalf("there is no file %s: %v", pattern, err)
		}
		for _, file := range files {
			test := ""
			for line := range strings.Lines(read(tb, file)) {
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
	}
	return tested
}

// A Row is what a page says of a fact.
type Row struct {
	Fact  string
	Where string // the last cell
}

// Rows returns the rows of the facts on a page, and how many each letter has. The numbers of a letter go from 1 on without
// a gap, and the letters follow the alphabet: a row that stands elsewhere fails tb.
func Rows(tb testing.TB, page string) (rows []Row, count map[string]int) {
	tb.Helper()
	count = map[string]int{}
	last := ""
	for _, m := range regexp.MustCompile(`(?m)^\| ([A-Z]+)([0-9]+) \| .* \| (.*) \|$`).FindAllStringSubmatch(read(tb, page), -1) {
		letter := m[1]
		if count[letter]++; m[2] != fmt.Sprint(count[letter]) || letter < last {
			tb.Fatalf("%s: the row of %s%s stands where it does not belong", page, letter, m[2])
		}
		last = letter
		rows = append(rows, Row{letter + m[2], m[3]})
	}
	return rows, count
}

func read(tb testing.TB, file string) string {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}
