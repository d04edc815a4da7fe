package doccheck_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A block is what stands between two fences of a page.
type block struct {
	page   string
	line   int    // of its first line, in the page
	info   string // behind the opening fence
	text   string
	output *block // what it has to print, or nil
	walked bool   // it is a file of a walk, which builds it
}

// outputMark is the line before a fence that makes a block the output of the Go
// block above it.
const outputMark = "<!-- output -->"

// fileMark is how the line before a file of a walk begins.
const fileMark = "<!-- file: "

// extract returns the Go blocks of a page, and what is wrong with its fences.
func extract(page, text string) (blocks []*block, faults []string) {
	fault := func(line int, format string, args ...any) {
		faults = append(faults, fmt.Sprintf("%s:%d: ", page, line)+fmt.Sprintf(format, args...))
	}
	var open *block // the block that the current line belongs to
	var fence, indent string
	var last *block // the Go block that an output would be of
	marked := 0     // the line of an outputMark that waits for its block
	walked := 0     // the line of the last mark of a walk's file

	for i, line := range strings.Split(text, "\n") {
		number := i + 1
		trimmed := strings.TrimSpace(line)
		if open != nil {
			if strings.HasPrefix(trimmed, fence) && strings.Trim(trimmed, "`") == "" {
				switch {
				case marked > 0 && last == nil:
					fault(marked, "this output follows no Go block that could be built")
				case marked > 0 && open.info != "text":
					fault(marked, "this output is not a block of text")
				case marked > 0:
					last.output = open
				case open.info == "go" && !open.walked:
					blocks = append(blocks, open)
				case strings.HasPrefix(open.info, "go ") && open.info != "go ignore":
					fault(open.line, "nobody knows what to do with a block of %q", open.info)
				}
				marked, last = 0, nil
				if open.info == "go" && !open.walked {
					last = open
				}
				open = nil
				continue
			}
			// A block inside of a list is indented as a whole.
			open.text += strings.TrimPrefix(line, indent) + "\n"
			continue
		}
		switch {
		case strings.HasPrefix(trimmed, "```"):
			info := strings.TrimLeft(trimmed, "`")
			fence = trimmed[:len(trimmed)-len(info)]
			indent = line[:strings.Index(line, "`")]
			open = &block{page: page, line: number + 1, info: strings.TrimSpace(info), walked: walked == number-1 && walked > 0}
		case trimmed == outputMark:
			marked = number
		case strings.HasPrefix(trimmed, fileMark):
			if walked = number; walks[page] == "" {
				fault(number, "this page is not followed, and so the file is not built")
			}
		case marked > 0:
			fault(marked, "this output has no block in the next line")
			marked = 0
		}
	}
	if open != nil {
		fault(open.line-1, "this block has no end")
	}
	if marked > 0 {
		fault(marked, "this output has no block in the next line")
	}
	return blocks, faults
}

// prose returns the page with the lines of its blocks made empty, so that what is
// code there is not taken for text, and the lines keep their numbers.
func prose(text string) []string {
	lines := strings.Split(text, "\n")
	fence := ""
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence == "" && strings.HasPrefix(trimmed, "```"):
			fence = trimmed[:len(trimmed)-len(strings.TrimLeft(trimmed, "`"))]
			lines[i] = ""
		case fence != "":
			if strings.HasPrefix(trimmed, fence) && strings.Trim(trimmed, "`") == "" {
				fence = ""
			}
			lines[i] = ""
		}
	}
	return lines
}

func TestExtract(t *testing.T) {
	const page = "# Title\n" +
		"```go\nfirst()\n```\n" +
		"```python\nprint()\n```\n" +
		"```go ignore\nignored()\n```\n" +
		"- in a list:\n  ```go\n  if second() {\n  \tthird()\n  }\n  ```\n" +
		"````text\n```go\nquoted()\n```\n````\n" +
		"```go\nfmt.Println(4)\n```\n\nprints\n\n<!-- output -->\n```text\n4\n```\n"
	blocks, faults := extract("page.md", page)
	if len(faults) > 0 {
		t.Errorf("a good page has the faults %q", faults)
	}
	var got []string
	for _, b := range blocks {
		s := fmt.Sprintf("%d %q", b.line, b.text)
		if b.output != nil {
			s += fmt.Sprintf(" prints %q", b.output.text)
		}
		got = append(got, s)
	}
	want := []string{
		`3 "first()\n"`,
		`13 "if second() {\n\tthird()\n}\n"`,
		`23 "fmt.Println(4)\n" prints "4\n"`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the blocks are\n\t%s\nand should be\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
	if text := strings.Join(prose(page), "\n"); strings.Contains(text, "(") || !strings.Contains(text, "prints") {
		t.Errorf("the prose of the page is %q", text)
	}
}

func TestExtractFindsFaults(t *testing.T) {
	for _, tt := range []struct{ page, fault string }{
		{"text\n```go\nx := 1\n", "p.md:2: this block has no end"},
		{"```go run\nx := 1\n```\n", `p.md:2: nobody knows what to do with a block of "go run"`},
		{outputMark + "\n```text\n1\n```\n", "p.md:1: this output follows no Go block"},
		{"```go\n```\n```sh\n```\n" + outputMark + "\n```text\n1\n```\n", "p.md:5: this output follows no Go block"},
		{"```go\n```\n" + outputMark + "\n```sh\n1\n```\n", "p.md:3: this output is not a block of text"},
		{"```go\n```\n" + outputMark + "\n\n```text\n1\n```\n", "p.md:3: this output has no block in the next line"},
		{fileMark + "a.go -->\n```go\n```\n", "p.md:1: this page is not followed"},
		{"```go\n```\n" + outputMark, "p.md:3: this output has no block in the next line"},
	} {
		_, faults := extract("p.md", tt.page)
		if len(faults) != 1 || !strings.HasPrefix(faults[0], tt.fault) {
			t.Errorf("the page %q has the faults %q, want %q", tt.page, faults, tt.fault)
		}
	}
}
