package overlay

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
)

// A source is a file that is being edited.
type source struct {
	path  string // as the go command knows it
	text  []byte
	fset  *token.FileSet
	file  *ast.File
	edits []edit
	tail  bytes.Buffer // what comes behind its end
}

// An edit puts text in the place of what stands at an offset.
type edit struct {
	at, end int
	text    string
}

func parseSource(path string, replaced map[string]string) (*source, error) {
	text, err := readFile(path, replaced)
	if err != nil {
		return nil, fmt.Errorf("gomonkey: %v", err)
	}
	s := &source{path: path, text: text, fset: token.NewFileSet()}
	s.file, err = parser.ParseFile(s.fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("gomonkey: %v", err)
	}
	return s, nil
}

func (s *source) offset(p token.Pos) int { return s.fset.Position(p).Offset }

// at returns the text of a node.
func (s *source) at(n ast.Node) string { return string(s.text[s.offset(n.Pos()):s.offset(n.End())]) }

// replace replaces the text of a node.
func (s *source) replace(n ast.Node, text string) {
	s.edits = append(s.edits, edit{s.offset(n.Pos()), s.offset(n.End()), text})
}

// insert puts text at a position.
func (s *source) insert(at token.Pos, text string) {
	s.edits = append(s.edits, edit{s.offset(at), s.offset(at), text})
}

// bytes returns the edited file. The lines of the original keep their numbers.
func (s *source) bytes() ([]byte, error) {
	slices.SortFunc(s.edits, func(a, b edit) int { return a.at - b.at })
	var b bytes.Buffer
	from := 0
	for _, e := range s.edits {
		b.Write(s.text[from:e.at])
		b.WriteString(e.text)
		from = e.end
	}
	b.Write(s.text[from:])
	if s.tail.Len() > 0 {
		b.WriteString("\n// What follows was added by gomonkey.\n")
		tail, err := format.Source(append([]byte("package p\n"), s.tail.Bytes()...))
		if err != nil {
			return nil, fmt.Errorf("gomonkey: what was made for %s is no Go: %v", s.path, err)
		}
		b.Write(bytes.TrimPrefix(tail, []byte("package p\n")))
	}
	return b.Bytes(), nil
}

// find returns the declaration of a site, or nil.
func (s *source) find(site Site) *ast.FuncDecl {
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != site.Func {
			continue
		}
		if recv, _ := receiver(f); recv == site.Recv {
			return f
		}
	}
	return nil
}

// receiver returns the name of the type of a receiver, and whether it is a pointer.
func receiver(f *ast.FuncDecl) (name string, pointer bool) {
	if f.Recv == nil || len(f.Recv.List) != 1 {
		return "", false
	}
	t := f.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.ParenExpr:
			t = x.X
		case *ast.StarExpr:
			t, pointer = x.X, true
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name, pointer
		default:
			return "", false
		}
	}
}

// fullName is the name of a site whose declaration is known, as the runtime spells it.
func fullName(site Site, f *ast.FuncDecl) string {
	if recv, pointer := receiver(f); pointer {
		return fmt.Sprintf("%s.(*%s).%s", site.Path, recv, site.Func)
	}
	return site.Name()
}

const (
	originalPrefix = "gomonkeyOriginal_"
	asidePrefix    = "gomonkeyAside_"
)

// harmless are the directives of a function that stay right when it gets another name.
var harmless = []string{"//go:noinline", "//go:fix"}

// check returns why a function cannot be patched, or "".
func check(f *ast.FuncDecl) string {
	if f.Recv == nil && (f.Name.Name == "init" || f.Name.Name == "main") {
		return "is " + f.Name.Name + ", which nobody calls"
	}
	if f.Name.Name == "_" {
		return "has no name"
	}
	if f.Doc == nil {
		return ""
	}
	for _, c := range f.Doc.List {
		word, _, _ := strings.Cut(c.Text, " ")
		switch {
		case word == "//export":
			return "is exported to C"
		case word == "//go:linkname":
			// One name marks the wrapper, which is what others mean by it.
			if fields := strings.Fields(c.Text); len(fields) > 2 {
				return "is linked to " + fields[2]
			}
		case strings.HasPrefix(word, "//go:") && !slices.Contains(harmless, word):
			return "has the directive " + word + ", which does not allow for a wrapper"
		}
	}
	return ""
}

// patch renames the function of a site and adds a wrapper, and returns which extras that calls. n is the site's number in
// its package.
func (s *source) patch(site Site, f *ast.FuncDecl, n int) (needs []string, err error) {
	if why := check(f); why != "" {
		return nil, fmt.Errorf("gomonkey: %s %s", fullName(site, f), why)
	}
	before := s.tail.Len()
	w := wrapper{s: s, f: f, site: site, n: n}
	if err := w.write(); err != nil {
		return nil, err
	}
	s.replace(f.Name, originalPrefix+f.Name.Name)
	for _, name := range slices.Sorted(maps.Keys(extras)) {
		if bytes.Contains(s.tail.Bytes()[before:], []byte(name+"(")) {
			needs = append(needs, name)
		}
	}
	return needs, nil
}
