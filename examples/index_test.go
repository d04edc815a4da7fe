// Package examples has no code of its own, only programs, and this test of their index.
package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestIndex(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	index := string(text)
	t.Run("every program is listed, and has a test", func(t *testing.T) {
		programs, err := filepath.Glob("*/main.go")
		if err != nil || len(programs) == 0 {
			t.Fatal(programs, err)
		}
		for _, main := range programs {
			name := filepath.Dir(main)
			if !strings.Contains(index, "| ["+name+"]("+name+")") {
				t.Errorf("%s is not in the table of programs", name)
			}
			if tests, _ := filepath.Glob(filepath.Join(name, "*_test.go")); len(tests) == 0 {
				t.Errorf("%s has no test", name)
			}
		}
	})
	t.Run("every row of a script leads to a file that has the functions", func(t *testing.T) {
		link := regexp.MustCompile(`\[\w+\]\(([\w/.]+)\)((?:(?:: |, )` + "`" + `\w+` + "`" + `)*)`)
		function := regexp.MustCompile("`(\\w+)`")
		rows := 0
		for line := range strings.Lines(index) {
			cells := strings.Split(line, " | ")
			if len(cells) != 3 || strings.Contains(line, "---") || strings.HasPrefix(line, "| tutorial") {
				continue
			}
			rows++
			links := link.FindAllStringSubmatch(cells[2], -1)
			if len(links) == 0 {
				t.Errorf("no program: %s", line)
			}
			for _, l := range links {
				code, err := os.ReadFile(filepath.FromSlash(l[1]))
				if err != nil {
					t.Error(err)
					continue
				}
				for _, f := range function.FindAllStringSubmatch(l[2], -1) {
					if !regexp.MustCompile(`(?m)^func (\(.*\) )?` + f[1] + `\(`).Match(code) {
						t.Errorf("%s has no function %s", l[1], f[1])
					}
				}
			}
		}
		if rows < 60 {
			t.Errorf("there are only %d scripts", rows)
		}
	})
}
