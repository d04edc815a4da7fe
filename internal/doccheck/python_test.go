package doccheck_test

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// A Python block that begins with an import, and whose next block is a Go block with an output, is a script that the Go
// block ports. TestPython runs it, and it prints the same, in Python's spelling.

// script is such a block.
type script struct {
	page, text, output string
	line               int
}

var fenced = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

// scripts returns the scripts of a page.
func scripts(page, text string) (all []script) {
	blocks := fenced.FindAllStringSubmatchIndex(text, -1)
	for i := 0; i+2 < len(blocks); i++ {
		kind := func(k int) string { return text[blocks[i+k][2]:blocks[i+k][3]] }
		code := text[blocks[i][4]:blocks[i][5]]
		imported := strings.HasPrefix(code, "import ") || strings.HasPrefix(code, "from ")
		between := strings.TrimSpace(text[blocks[i+1][1]:blocks[i+2][0]])
		if kind(0) == "python" && imported && kind(1) == "go" && kind(2) == "text" && between == outputMark {
			line := strings.Count(text[:blocks[i][4]], "\n") + 1
			all = append(all, script{page, code, text[blocks[i+2][4]:blocks[i+2][5]], line})
		}
	}
	return all
}

// spelled makes what Python prints look like what Go prints.
func spelled(output string) string {
	return strings.TrimSpace(strings.NewReplacer("True", "true", "False", "false", "None", "<nil>", ", ", " ", "'", "", `"`, "").Replace(output))
}

func TestPython(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("some scripts fork, and some run programs of Unix")
	}
	t.Parallel()
	ran := 0
	for page, text := range chosen(pages(t)) {
		for _, s := range scripts(page, text) {
			python := interpreter(t, s.text)
			if python == "" {
				t.Logf("%s:%d: no Python here has what this script needs", s.page, s.line)
				continue
			}
			ran++
			var out []byte
			var err error
			same := false
			for range 3 { // on a machine that is busy, Python's threads may not be as quick as their script believes
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				out, err = exec.CommandContext(ctx, python, "-c", s.text).Output()
				cancel()
				if same = err == nil && spelled(string(out)) == spelled(s.output); same {
					break
				}
			}
			if !same {
				t.Errorf("%s:%d: this script prints\n%s\nand the page says\n%s\n%v", s.page, s.line, out, s.output, err)
			}
		}
	}
	if ran == 0 {
		t.Skip("there is no Python that can run the scripts")
	}
}

func TestScripts(t *testing.T) {
	const fence = "```"
	page := fence + "python\nimport z\n" + fence + "\n" + fence + "go\ny\n" + fence + "\n" + fence + "python\nx = 1\n" + fence + "\n\n" + fence + "python\nimport a\n" + fence + "\n\n" + fence + "go\nb\n" + fence +
		"\n\n" + outputMark + "\n" + fence + "text\nc\n" + fence + "\n" + fence + "python\nimport d\n" + fence + "\n"
	got := scripts("p.md", page)
	if len(got) != 1 || got[0].text != "import a\n" || got[0].output != "c\n" || got[0].line != 12 {
		t.Errorf("the scripts of the page are %+v", got)
	}
	if a, b := spelled("[1, 'x'] True None\n"), "[1 x] true <nil>"; a != b {
		t.Errorf("spelled is %q, want %q", a, b)
	}
}

var (
	imports  = regexp.MustCompile(`(?m)^(?:import|from) .*$`)
	required = regexp.MustCompile(`# Python (\d+)\.(\d+)`)
)

// interpreters remembers what interpreter has found, by what was asked for.
var interpreters = map[string]string{}

// interpreter returns a Python that has what the script imports, and is new enough: for TaskGroup and timeout, or for what
// a script has in a comment, as "# Python 3.13".
func interpreter(t *testing.T, text string) string {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil && strings.Contains(text, `"openssl"`) {
		return ""
	}
	lines := append([]string{"import asyncio; asyncio.timeout"}, imports.FindAllString(text, -1)...)
	if m := required.FindStringSubmatch(text); m != nil {
		lines = append(lines, "import sys; assert sys.version_info >= ("+m[1]+", "+m[2]+")")
	}
	probe := strings.Join(lines, "\n")
	if python, known := interpreters[probe]; known {
		return python
	}
	interpreters[probe] = ""
	// The system's Python often has modules that another one before it in the path has not.
	for _, python := range []string{"python3", "/usr/bin/python3", "python3.14", "python3.13"} {
		if exec.CommandContext(t.Context(), python, "-c", probe).Run() == nil {
			interpreters[probe] = python
			return python
		}
	}
	return ""
}

// TestEveryPythonName looks for the names that a module of Python exports, and for the methods of its classes, in the tables
// for those who come from it. What there is not here has a row as well, which says so.
func TestEveryPythonName(t *testing.T) {
	texts := pages(t)
	for _, tt := range []struct {
		module  string
		classes string // separated by spaces
		pages   []string
	}{
		{"asyncio", "Task Future AbstractEventLoop Handle TimerHandle Queue Lock Condition Event Semaphore Barrier StreamReader " +
			"StreamWriter TaskGroup Timeout Runner Server subprocess.Process", []string{"docs/porting-asyncio.md", "docs/asyncio.md"}},
		{"threading", "Thread Timer Condition Event Barrier", []string{"docs/porting-threads.md"}},
		{"queue", "Queue", []string{"docs/porting-threads.md"}},
		{"concurrent.futures", "Future Executor ThreadPoolExecutor ProcessPoolExecutor", []string{"docs/porting-threads.md", "docs/executors.md"}},
		{"multiprocessing", "Process", []string{"docs/porting-threads.md"}},
		{"multiprocessing.pool", "Pool AsyncResult", []string{"docs/porting-threads.md"}},
		{"greenlet", "greenlet", []string{"docs/greenlet.md"}},
		{"gevent", "Greenlet Timeout", []string{"docs/gevent.md"}},
		{"gevent.pool", "Group Pool", []string{"docs/gevent.md"}},
		{"gevent.queue", "Queue JoinableQueue Channel", []string{"docs/gevent.md"}},
		{"gevent.lock", "Semaphore RLock", []string{"docs/gevent.md"}},
		{"gevent.event", "Event AsyncResult", []string{"docs/gevent.md"}},
		{"gevent.threadpool", "ThreadPool", []string{"docs/gevent.md"}},
		{"gevent.server", "StreamServer DatagramServer", []string{"docs/gevent.md"}},
		{"gevent.socket", "", []string{"docs/gevent.md"}},
		{"gevent.subprocess", "Popen", []string{"docs/gevent.md"}},
		{"gevent.util", "", []string{"docs/gevent.md"}},
		{"gevent.monkey", "", []string{"docs/monkey.md"}},
	} {
		t.Run(tt.module, func(t *testing.T) {
			code := fmt.Sprintf(exports, tt.module, tt.classes)
			out, err := exec.CommandContext(t.Context(), "python3", "-c", code).Output()
			if err != nil { // the system's Python often has modules that another one has not
				out, err = exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", code).Output()
			}
			if err != nil {
				t.Skipf("python3 cannot say: %v", err)
			}
			names := strings.Fields(string(out))
			if len(names) < 2 {
				t.Fatalf("the module exports %q", names)
			}
			words := map[string]bool{}
			for _, page := range tt.pages {
				for line := range strings.Lines(texts[page]) {
					if strings.HasPrefix(line, "|") {
						for _, word := range identifier.FindAllString(line, -1) {
							words[word] = true
						}
					}
				}
			}
			for _, name := range names {
				if _, last, _ := strings.Cut(name, "."); !words[name] && !words[last] {
					t.Errorf("%s.%s is in no table of the pages %v", tt.module, name, tt.pages)
				}
			}
		})
	}
}

// exports prints what a module exports: of gevent's modules only what is not a copy of the standard library's.
const exports = `
import importlib
m = importlib.import_module(%[1]q)
own = getattr(m, "__implements__", []) + getattr(m, "__extensions__", [])
names = set(own or getattr(m, "__all__", None) or dir(m))
for path in %[2]q.split():
    c = m
    for part in path.split("."):
        c = getattr(c, part)
    names |= {path.split(".")[-1] + "." + n for n in dir(c)}
skip = set(dir(BaseException)) | {"absolute_import", "division", "print_function"}
print(*sorted(n for n in names if not n.split(".")[-1].startswith("_") and n.split(".")[-1] not in skip))
`
