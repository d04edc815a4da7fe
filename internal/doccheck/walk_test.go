package doccheck_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// A walk is a page that a reader can follow in a module of its own, as docs/testing.md. Marks in the page say what the
// block behind them is:
//
//	<!-- file: name -->   the whole text of a file
//	<!-- run -->          commands for a shell, one a line
//	<!-- prints -->       what these commands print; a line of … stands for any lines
//
// And <!-- change: name --> stands before two blocks: the first is text in the file, and the second takes its place.

// walks lists the pages that are followed, and the modules that they make.
var walks = map[string]string{"docs/testing.md": "example.com/shop"}

func TestWalks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a shell of Unix")
	}
	t.Parallel()
	all := pages(t)
	for page, name := range walks {
		for _, fault := range walk(t, page, all[page], name) {
			t.Error(fault)
		}
	}
}

// TestWalkFindsFaults makes sure that a page that is wrong is noticed, and at its line.
func TestWalkFindsFaults(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands are for a shell of Unix")
	}
	const fence = "\n```\n"
	const file = "<!-- file: a.txt -->\n```text\none\ntwo\nthree" + fence
	for _, tt := range []struct{ what, page, fault string }{
		{"nothing", file + "<!-- run -->\n```sh\ncat a.txt" + fence + "<!-- prints -->\n```text\none\n…\nthree" + fence, ""},
		{"other output", file + "<!-- run -->\n```sh\ncat a.txt" + fence + "<!-- prints -->\n```text\none\nthree" + fence,
			"page.md:9: these commands print\none\ntwo\nthree\n"},
		{"a change that does not apply", file + "<!-- change: a.txt -->\n```text\nfour" + fence + "```text\nfive" + fence,
			"page.md:9: a.txt has this text 0 times"},
		{"a mark without a block", "<!-- run -->\n\ntext\n", "page.md:1: this mark has no block in the next line"},
		{"a mark of another kind", "<!-- ruin -->\n```sh\ntrue" + fence, ""},
	} {
		faults := strings.Join(walk(t, "docs/page.md", tt.page, "example.com/x"), "\n")
		if tt.fault == "" && faults != "" || !strings.Contains(faults, tt.fault) {
			t.Errorf("a page with %s has the faults %q, want %q in them", tt.what, faults, tt.fault)
		}
	}
}

// walk follows a page and says where it is wrong.
func walk(t *testing.T, page, text, module string) (faults []string) {
	t.Helper()
	dir := newModule(t)
	if out, err := goTool(dir, "mod", "edit", "-module", module); err != nil {
		t.Fatalf("go mod edit: %v\n%s", err, out)
	}
	fault := func(line int, format string, args ...any) {
		faults = append(faults, fmt.Sprintf("%s:%d: ", page, line)+fmt.Sprintf(format, args...))
	}
	steps, err := stepsOf(text)
	if err != nil {
		return []string{page + ":" + err.Error()}
	}
	var commands *step
	var printed string
	for i, s := range steps {
		switch s.verb {
		case "file":
			if err := os.WriteFile(filepath.Join(dir, s.name), []byte(s.text), 0o666); err != nil {
				t.Fatal(err)
			}
		case "change":
			old, err := os.ReadFile(filepath.Join(dir, s.name))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(old), s.text); n != 1 {
				fault(s.line, "%s has this text %d times", s.name, n)
				continue
			}
			changed := strings.Replace(string(old), s.text, s.other, 1)
			if err := os.WriteFile(filepath.Join(dir, s.name), []byte(changed), 0o666); err != nil {
				t.Fatal(err)
			}
		case "run":
			commands, printed = &steps[i], shell(t, dir, s.text)
		case "prints":
			if commands == nil {
				fault(s.line, "nothing has been run that could print this")
			} else if !alike(printed, s.text) {
				fault(commands.line, "these commands print\n%s\nand the page says\n%s", printed, s.text)
			}
		}
	}
	return faults
}

// A step is what the reader of a walk does next.
type step struct {
	verb, name  string
	line        int
	text, other string
}

var mark = regexp.MustCompile(`^<!-- (file|run|prints|change)(?:: (\S+))? -->$`)

// stepsOf returns the steps of a page.
func stepsOf(text string) (steps []step, err error) {
	lines := strings.Split(text, "\n")
	at := 0
	block := func() (string, bool) {
		if at >= len(lines) || !strings.HasPrefix(lines[at], "```") {
			return "", false
		}
		var b strings.Builder
		for at++; at < len(lines) && lines[at] != "```"; at++ {
			b.WriteString(lines[at] + "\n")
		}
		at++
		return b.String(), true
	}
	for at < len(lines) {
		m := mark.FindStringSubmatch(lines[at])
		at++
		if m == nil {
			continue
		}
		s := step{verb: m[1], name: m[2], line: at + 2}
		var ok bool
		if s.text, ok = block(); ok && s.verb == "change" {
			s.text = strings.TrimSuffix(s.text, "\n")
			for at < len(lines) && !strings.HasPrefix(lines[at], "```") {
				at++ // a sentence may stand between
			}
			s.other, ok = block()
			s.other = strings.TrimSuffix(s.other, "\n")
		}
		if !ok {
			return nil, fmt.Errorf("%d: this mark has no block in the next line", s.line-2)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// shell runs commands in a folder, and returns what they print.
func shell(t *testing.T, dir, commands string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", commands)
	cmd.Dir = dir
	// TestBlocks has vetted the files, and a process with the race detector waits for a second before it ends.
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod -vet=off", "GOPROXY=off", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatalf("the shell does not start: %v", err)
	}
	return string(out)
}

var seconds = regexp.MustCompile(`\b\d+\.\d+s\b`)

// alike reports whether what was printed is what a page says, but for durations.
func alike(printed, said string) bool {
	prepare := func(s string) string {
		return strings.TrimRight(seconds.ReplaceAllString(strings.ReplaceAll(s, " \n", "\n"), "0s"), "\n")
	}
	pattern := regexp.QuoteMeta(prepare(said) + "\n")
	pattern = strings.ReplaceAll(pattern, "…\n", `(?:.*\n)*?`)
	return regexp.MustCompile(`^` + pattern + `$`).MatchString(prepare(printed) + "\n")
}
