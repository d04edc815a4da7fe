package doccheck_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNames holds every name of ours that a page has in its text, and above all in its tables, against the API.
func TestNames(t *testing.T) {
	for _, fault := range checkNames(pages(t), exported(t)) {
		t.Error(fault)
	}
}

func TestCheckNamesFindsFaults(t *testing.T) {
	api := map[string]map[string]bool{"async": {"Gather": true, "Queue": true, "Put": true}}
	for _, tt := range []struct{ page, fault string }{
		{"`async.Gather(ctx, a)` and `async.Queue[T]`", ""},
		{"| `asyncio.gather` | `async.Gather`, `q.Put(ctx, x)` |", ""},
		{"| `async.Python(3)` | `async.Gather` |", ""},
		{"| `f` | `cmd.Stdout`, `os.Stdout`, `net.Conn` |", ""},
		{"```go\nasync.Missing()\n```\n", ""}, // the compiler's job

		{"uses `async.Gathr`", "docs/page.md:1: there is no async.Gathr"},
		{"\n| `gather` | `async.Gathr(ctx)` |", "docs/page.md:2: there is no async.Gathr"},
		{"| `q.put` | `q.Pot(ctx, x)` |", "docs/page.md:1: nothing has a Pot, as in q.Pot"},
	} {
		if got := strings.Join(checkNames(map[string]string{"docs/page.md": tt.page}, api), "\n"); got != tt.fault {
			t.Errorf("the page %q has the faults %q, want %q", tt.page, got, tt.fault)
		}
	}
}

// dumped takes the names out of a line of docs/api.
var dumped = regexp.MustCompile(`^(?:func|const|var|type|method \([^)]*\)) ([A-Z]\w*)(?:.* (?:struct|interface), ([A-Z]\w*))?`)

var testFunc = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// exported returns the exported names of each public package, those of methods and fields among them, as docs/api has
// them, and those of its tests.
func exported(t *testing.T) map[string]map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "docs", "api", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no dump of the API: %v", err)
	}
	api := map[string]map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		base := strings.TrimSuffix(filepath.Base(file), ".txt")
		name := base[strings.LastIndex(base, "_")+1:]
		api[name] = map[string]bool{}
		for line := range strings.Lines(string(text)) {
			if m := dumped.FindStringSubmatch(line); m != nil {
				api[name][m[1]] = true
				api[name][m[2]] = true
			}
		}
		tests, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(strings.ReplaceAll(base, "_", "/")), "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range tests { // tables of facts name tests
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
				api[name][m[1]] = true
			}
		}
	}
	return api
}

var qualified = regexp.MustCompile(`\b([a-z]\w*)\.([A-Z]\w*)`)

// foreign are packages of the standard library, and variables of their types, that stand in tables.
var foreign = []string{"bufio", "cmd", "debug", "sql"}

// checkNames returns the names in inline code that the API does not have: those behind a package of ours anywhere but in the
// first column of a table, which is Python's, and in the other columns those behind a variable, too.
func checkNames(pages map[string]string, api map[string]map[string]bool) (faults []string) {
	all := map[string]bool{}
	for _, names := range api {
		maps.Copy(all, names)
	}
	for _, page := range slices.Sorted(maps.Keys(pages)) {
		for i, line := range prose(pages[page]) {
			fault := func(format string, args ...any) {
				faults = append(faults, fmt.Sprintf("%s:%d: ", page, i+1)+fmt.Sprintf(format, args...))
			}
			_, row, table := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
			if table = table && strings.HasPrefix(line, "| "); table {
				line = row
			}
			for _, code := range inlineCode.FindAllString(line, -1) {
				for _, m := range qualified.FindAllStringSubmatch(code, -1) {
					names, ours := api[m[1]]
					_, standard := importable[m[1]]
					switch {
					case ours && !names[m[2]]:
						fault("there is no %s", m[0])
					case !ours && !standard && table && !slices.Contains(foreign, m[1]) && !all[m[2]]:
						fault("nothing has a %s, as in %s", m[2], m[0])
					}
				}
			}
		}
	}
	return faults
}
