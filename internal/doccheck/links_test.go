package doccheck_test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func TestLinks(t *testing.T) {
	for _, fault := range checkLinks(pages(t), func(name string) bool {
		_, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
		return err == nil
	}) {
		t.Error(fault)
	}
}

func TestCheckLinksFindsFaults(t *testing.T) {
	exists := func(name string) bool { return name == "docs" || name == "docs/there.go" }
	const title = "# A `Title`, twice!\n# A Title twice\n"
	for _, tt := range []struct{ page, fault string }{
		{"[a](there.go) [b](../docs/) [c](https://example.org/x) [d](#a-title-twice-1) [e](mailto:a@b.c)\n" + title, ""},
		{"[the page](page.md#a-title-twice) and its [code](<there.go> \"with a title\")\n" + title, ""},
		{"in code `[a](missing)`\n```text\n[a](missing)\n```\n", ""},
		{"[a]\n\n[a]: there.go\n", ""},

		{"[a](missing.md)", "docs/page.md:1: the link missing.md leads nowhere"},
		{"![a picture](missing.png)", "docs/page.md:1: the link missing.png leads nowhere"},
		{"\n[![both](missing.png)](there.go)", "docs/page.md:2: the link missing.png leads nowhere"},
		{"[a]\n\n[a]: missing.go\n", "docs/page.md:3: the link missing.go leads nowhere"},
		{`<a href="missing.html">`, "docs/page.md:1: the link missing.html leads nowhere"},
		{"[a](/docs/there.go)", "docs/page.md:1: the link /docs/there.go is not relative"},
		{"[a](../../there.go)", "docs/page.md:1: the link ../../there.go leads out of the module"},
		{"[a](#title)\n" + title, "docs/page.md:1: the link #title names no heading"},
		{"[a](page.md#a-title-twice-2)\n" + title, "docs/page.md:1: the link page.md#a-title-twice-2 names no heading"},
		{"[a](#title)\n```text\n# Title\n```\n", "docs/page.md:1: the link #title names no heading"},
	} {
		faults := strings.Join(checkLinks(map[string]string{"docs/page.md": tt.page}, exists), "\n")
		if faults != tt.fault {
			t.Errorf("the page %q has the faults %q, want %q", tt.page, faults, tt.fault)
		}
	}
}

// The forms in which a page names a target: behind a bracket, as a definition, and
// as an attribute. A picture inside of a link has its own closing bracket, so the
// first form looks at no more than that.
var targets = []*regexp.Regexp{
	regexp.MustCompile(`\]\(\s*<?([^)<>\s]+)>?(?:\s+"[^"]*")?\s*\)`),
	regexp.MustCompile(`^\s{0,3}\[[^\]]+\]:\s*<?([^<>\s]+)`),
	regexp.MustCompile(`(?:href|src)="([^"]+)"`),
}

var (
	inlineCode = regexp.MustCompile("`[^`]*`")
	scheme     = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:`)
	heading    = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*\s*$`)
	linkText   = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

// checkLinks returns the relative links of pages that lead nowhere. exists tells
// what else there is in the module.
func checkLinks(pages map[string]string, exists func(name string) bool) (faults []string) {
	anchors := map[string]map[string]bool{}
	for page, text := range pages {
		anchors[page] = headings(text)
	}
	for _, page := range slices.Sorted(maps.Keys(pages)) {
		for i, line := range prose(pages[page]) {
			line = inlineCode.ReplaceAllString(line, "")
			for _, form := range targets {
				for _, match := range form.FindAllStringSubmatch(line, -1) {
					if fault := checkLink(page, match[1], anchors, exists); fault != "" {
						faults = append(faults, fmt.Sprintf("%s:%d: the link %s %s", page, i+1, match[1], fault))
					}
				}
			}
		}
	}
	return faults
}

func checkLink(page, link string, anchors map[string]map[string]bool, exists func(name string) bool) (fault string) {
	if scheme.MatchString(link) {
		return ""
	}
	file, anchor, _ := strings.Cut(link, "#")
	name := page
	if file != "" {
		name = path.Join(path.Dir(page), file)
	}
	switch {
	case path.IsAbs(file):
		return "is not relative"
	case name == ".." || strings.HasPrefix(name, "../"):
		return "leads out of the module"
	case anchors[name] == nil && !exists(name):
		return "leads nowhere"
	case anchor != "" && !anchors[name][anchor]:
		return "names no heading"
	}
	return ""
}

// headings returns the anchors of a page's headings, as GitHub makes them: lower
// case, hyphens for spaces, without punctuation, and numbered when they repeat.
func headings(text string) map[string]bool {
	anchors := map[string]bool{}
	for _, line := range prose(text) {
		match := heading.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		anchor := anchorOf(match[1])
		unique := anchor
		for n := 1; anchors[unique]; n++ {
			unique = fmt.Sprintf("%s-%d", anchor, n)
		}
		anchors[unique] = true
	}
	return anchors
}

// anchorOf makes an anchor of a heading, before it is numbered.
func anchorOf(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, linkText.ReplaceAllString(title, "$1"))
}
