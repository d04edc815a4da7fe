package doccheck_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestRows looks at the tables that have Python's names on the left and ours on the right. A row is obvious, or it leads to
// a section with a Python script and the Go block that prints the same; or there is no such thing here, and it says so.
func TestRows(t *testing.T) {
	checked := 0
	for _, fault := range checkRows(pages(t), &checked) {
		t.Error(fault)
	}
	if checked < 200 {
		t.Errorf("only %d rows were found: do the tables still look as this test believes?", checked)
	}
}

func TestCheckRowsFindsFaults(t *testing.T) {
	const fence = "\n```\n"
	const table = "| asyncio | asyncgo |\n| --- | --- |\n"
	const shown = "\n## It\n```python\nimport a\na.f()" + fence + "```go\nb.G()" + fence + outputMark + "\n```text\n1" + fence
	for _, tt := range []struct{ page, fault string }{
		{table + "| `set_result(v)`, `QueueFull`, `BrokenBarrierError`, `loop.time()` | `f.SetResult(v)`, `async.ErrQueueFull`, `async.ErrBrokenBarrier`, `l.Time()` |", ""},
		{table + "| `get_name`, `Barrier` | `t.Name()`, `async.NewBarrier` |", ""},
		{table + "| `iscoroutine` | none | types are known |", ""},
		{table + "| `f(a)` [↓](#it) | `x.G(a)` |" + shown, ""},
		{"| other | table |\n| --- | --- |\n| `f` | `g` |", ""},

		{table + "| `f(a)` | `x.G(a)` |", "docs/page.md:3: f is not G, and the row leads to no example"},
		{table + "| `f(a)` [↓](#it) | `x.G(a)` |\n## It\n", "docs/page.md:3: #it is no section with a Python script and a Go block that prints the same"},
		{table + "| `f(a)` [↓](#it) | `x.H(a)` |" + shown, "docs/page.md:3: the Go block in #it shows none of H"},
		{table + "| `other(a)` [↓](#it) | `x.G(a)` |" + shown, "docs/page.md:3: the Python script in #it shows none of other"},
	} {
		var n int
		if got := strings.Join(checkRows(map[string]string{"docs/page.md": tt.page}, &n), "\n"); got != tt.fault {
			t.Errorf("the page %q has the faults %q, want %q", tt.page, got, tt.fault)
		}
	}
}

var (
	pythonTable = regexp.MustCompile(`^\| (asyncio|threading|queue|concurrent\.futures|multiprocessing|gevent|greenlet|Python) \|`)
	example     = regexp.MustCompile(`\[↓\]\(([\w./-]*)#([\w-]+)\)`)
	identifier  = regexp.MustCompile(`[A-Za-z_]\w*`)
	arguments   = regexp.MustCompile(`\([^()]*\)`)
)

// checkRows returns what is wrong with the rows of such tables, and counts them.
func checkRows(pages map[string]string, checked *int) (faults []string) {
	for _, page := range slices.Sorted(maps.Keys(pages)) {
		inTable := false
		for i, line := range prose(pages[page]) {
			if !strings.HasPrefix(line, "|") {
				inTable = false
				continue
			}
			if pythonTable.MatchString(line) {
				inTable = true
				continue
			}
			if !inTable || strings.HasPrefix(line, "| ---") {
				continue
			}
			*checked++
			cells := strings.Split(strings.Trim(line, "| "), " | ")
			if len(cells) < 2 {
				continue // nothing stands on the right
			}
			if fault := checkRow(pages, page, cells[0], cells[1]); fault != "" {
				faults = append(faults, fmt.Sprintf("%s:%d: %s", page, i+1, fault))
			}
		}
	}
	return faults
}

func checkRow(pages map[string]string, page, python, ours string) (fault string) {
	if strings.HasPrefix(ours, "none") || strings.HasPrefix(ours, "–") {
		return ""
	}
	links := example.FindAllStringSubmatch(python, -1)
	for _, m := range links {
		target := page
		if m[1] != "" {
			target = page[:strings.LastIndex(page, "/")+1] + m[1]
		}
		var script *script
		for _, s := range scripts(target, section(pages[target], m[2])) {
			script = &s
			break
		}
		if script == nil {
			return fmt.Sprintf("%s#%s is no section with a Python script and a Go block that prints the same", m[1], m[2])
		}
		shows := func(code string, names []string) bool {
			words := identifier.FindAllString(code, -1)
			return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(words, name) })
		}
		if names := mentioned(python); len(names) > 0 && !shows(script.text, names) {
			return fmt.Sprintf("the Python script in %s#%s shows none of %s", m[1], m[2], strings.Join(names, ", "))
		}
		if names := names(ours); len(names) > 0 && !shows(section(pages[target], m[2]), names) {
			return fmt.Sprintf("the Go block in %s#%s shows none of %s", m[1], m[2], strings.Join(names, ", "))
		}
	}
	if len(links) > 0 {
		return ""
	}
	for _, name := range names(python) {
		if !slices.ContainsFunc(names(ours), func(our string) bool { return obvious(name, our) }) {
			return fmt.Sprintf("%s is not %s, and the row leads to no example", name, strings.Join(names(ours), " or "))
		}
	}
	return ""
}

// names returns what the inline code of a cell is about: the last name of each piece before its arguments.
func names(cell string) (all []string) {
	for _, code := range inlineCode.FindAllString(cell, -1) {
		code = strings.Trim(code, "`")
		for arguments.MatchString(code) {
			code = arguments.ReplaceAllString(code, " ")
		}
		code, _, _ = strings.Cut(code, "[")
		if _, call, assigned := strings.Cut(strings.ReplaceAll(code, " := ", " = "), " = "); assigned {
			code = call
		}
		code, _, _ = strings.Cut(code, "=")
		if found := identifier.FindAllString(code, -1); len(found) > 0 {
			all = append(all, found[len(found)-1])
		}
	}
	return all
}

// mentioned returns the names in the inline code of a cell that are not just variables.
func mentioned(cell string) (all []string) {
	for _, code := range inlineCode.FindAllString(cell, -1) {
		for _, name := range identifier.FindAllString(code, -1) {
			if len(name) > 2 && name != "for" && name != "while" && name != "asyncio" {
				all = append(all, name)
			}
		}
	}
	return all
}

// obvious reports whether a name is another one in Go's spelling, as SetResult for set_result, ErrBrokenBarrier for
// BrokenBarrierError, Name for get_name, and NewBarrier for Barrier.
func obvious(python, ours string) bool {
	python = strings.ReplaceAll(strings.TrimSuffix(python, "Error"), "_", "")
	ours = strings.TrimSuffix(strings.TrimPrefix(ours, "Err"), "Error")
	return strings.EqualFold(python, ours) || strings.EqualFold(python, "get"+ours) || strings.EqualFold("New"+python, ours)
}

// section returns the part of a page below the heading with the anchor, up to the next heading of its level.
func section(text, anchor string) string {
	lines := strings.Split(text, "\n")
	seen := map[string]int{}
	begin, level := -1, 0
	for i, line := range prose(text) {
		match := heading.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		depth := len(line) - len(strings.TrimLeft(line, "#"))
		if begin >= 0 && depth <= level {
			return strings.Join(lines[begin:i], "\n") + "\n"
		}
		name := anchorOf(match[1])
		if n := seen[name]; n > 0 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		seen[anchorOf(match[1])]++
		if begin < 0 && name == anchor {
			begin, level = i+1, depth
		}
	}
	if begin < 0 {
		return ""
	}
	return strings.Join(lines[begin:], "\n") + "\n"
}
