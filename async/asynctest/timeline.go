package asynctest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// describe writes the report of a failure.
func (s *session) describe(a *attempt, token, which string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", a.text())
	if which != "" {
		fmt.Fprintf(&b, "This is %s\n", strings.TrimSuffix(which, ",")+".")
	}
	if token != "" && a.kind() != stale && a.kind() != unsteady { // the token leads nowhere, or somewhere else
		fmt.Fprintf(&b, "To run it again: %s=%s go test", variable, token)
		if s.t != nil {
			fmt.Fprintf(&b, " -run %s", runArgument(s.filter))
		}
		b.WriteByte('\n')
	}
	if said := a.rec.said(); said != "" && !a.rec.Failed() { // else that is how the report begins
		fmt.Fprintf(&b, "Log:\n%s\n", indent(said))
	}
	if len(a.told) > 0 {
		b.WriteString("Timeline:\n")
		writeTimeline(&b, a.told)
	}
	return near(strings.TrimSuffix(b.String(), "\n"))
}

// runArgument returns the argument of go test -run that selects just the test of that name, quoted for a shell.
func runArgument(name string) string {
	elements := strings.Split(name, "/")
	for i, e := range elements {
		elements[i] = "^" + regexp.QuoteMeta(e) + "$"
	}
	return "'" + strings.ReplaceAll(strings.Join(elements, "/"), "'", `'\''`) + "'"
}

// near shortens the names of files in the folder of the test, where go test runs it.
func near(text string) string {
	wd, err := os.Getwd()
	if err != nil {
		return text
	}
	return strings.ReplaceAll(text, wd+string(filepath.Separator), "")
}

// timelineMost is how many steps of a long timeline are printed, the last ones.
const timelineMost = 200

// writeTimeline writes what the tasks have done, one step a line.
func writeTimeline(b *strings.Builder, told []event) {
	width := 0
	for _, e := range told {
		width = max(width, len([]rune(e.task)))
	}
	first := max(0, len(told)-timelineMost)
	if first > 0 {
		fmt.Fprintf(b, "\t… %d steps before\n", first)
	}
	for i, e := range told[first:] {
		ends := e.ends
		if ends == "" {
			ends = "ends"
		}
		fmt.Fprintf(b, "\t%3d  %-*s  %-7s  %s", first+i+1, width, e.task, e.begins, ends)
		if e.at != "" {
			fmt.Fprintf(b, " at %s", e.at)
		}
		if e.fault != "" {
			fmt.Fprintf(b, "  ← %s is injected", e.fault)
		}
		b.WriteByte('\n')
	}
}
