package apidump_test

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestEveryExportedNameHasAComment(t *testing.T) {
	for _, p := range load(t) {
		t.Run(p.path, func(t *testing.T) {
			fset := token.NewFileSet()
			var files []*ast.File
			for _, name := range p.files {
				file, err := parser.ParseFile(fset, filepath.Join(p.dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, file)
			}
			for _, fault := range judge(t, fset, files, p.path) {
				t.Error(fault)
			}
		})
	}
}

// TestJudgeFindsFaults makes sure that the walk above can fail at all.
func TestJudgeFindsFaults(t *testing.T) {
	const good = `// Package p is a good one.
package p

// Two names of a kind may share a comment.
const (
	Some = 1
	Most = 2
)

// Count counts.
var Count int

// Errors.
var (
	// ErrA is an error.
	ErrA error
	ErrB error // ErrB is another one.
)

// A Box is a struct.
type Box struct {
	// Width is a field.
	Width int
	Depth int // of the box
	inner int
}

// The Reader is an interface.
type Reader interface {
	// Read reads:
	//
	//	r.Read()
	Read()
}

// NewBox makes a box.
func NewBox() *Box { return nil }

// Open opens the box.
func (b *Box) Open() {}

func (b *Box) close() {}

func helper() {}

type secret struct{ Field int }

func (secret) Method() {}
`
	for _, tt := range []struct{ what, old, new, fault string }{
		{"nothing", "", "", ""},
		{"package", "// Package p is a good one.", "", "package p has no comment"},
		{"package's beginning", "Package p is", "It is", `the comment of package p begins "It is a"`},
		{"constants", "// Two names of a kind may share a comment.", "", "Most has no comment"},
		{"variable", "// Count counts.", "", "Count has no comment"},
		{"variable's beginning", "// Count counts.", "// Counts things.", `the comment of Count begins "Counts things."`},
		{"name that only looks like it", "// Count counts.", "// Counter is one.", `the comment of Count begins "Counter is one."`},
		{"group's member", "// ErrA is", "// It is", `the comment of ErrA begins "It is an"`},
		{"type", "// A Box is a struct.", "", "Box has no comment"},
		{"type's beginning", "// A Box is", "// This is", `the comment of Box begins "This is a"`},
		{"field", "// Width is a field.", "", "Box.Width has no comment"},
		{"field's beginning", "// Width is", "// It is", `the comment of Box.Width begins "It is a"`},
		{"field's comment beside it", "// of the box", "", "Box.Depth has no comment"},
		{"method of an interface", "// Read reads:\n\t//\n\t//\tr.Read()", "", "Reader.Read has no comment"},
		{"function", "// NewBox makes a box.", "", "NewBox has no comment"},
		{"method", "// Open opens the box.", "", "Box.Open has no comment"},
		{"full stop", "// Open opens the box.", "// Open opens the box", "the comment of Box.Open does not end with a full stop"},
	} {
		text := strings.Replace(good, tt.old, tt.new, 1)
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "p.go", text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%s: %v", tt.what, err)
		}
		faults := strings.Join(judge(t, fset, []*ast.File{file}, "p"), "\n")
		if tt.fault == "" && faults != "" || !strings.Contains(faults, tt.fault) {
			t.Errorf("judging a package without its %s found %q, want %q in it", tt.what, faults, tt.fault)
		}
	}
}

// judge says of each exported name what is wrong with its comment, each fault in
// one sentence.
func judge(t *testing.T, fset *token.FileSet, files []*ast.File, path string) []string {
	t.Helper()
	p, err := doc.NewFromFiles(fset, files, module+"/"+path, doc.Mode(0))
	if err != nil {
		t.Fatal(err)
	}
	j := &judgement{fset: fset}
	if p.Doc == "" {
		j.faults = append(j.faults, fmt.Sprintf("package %s has no comment", p.Name))
	} else {
		j.text(files[0].Package, "package "+p.Name, "Package "+p.Name, p.Doc)
	}
	j.values(p.Consts, p.Vars)
	j.funcs(p.Funcs)
	for _, typ := range p.Types {
		j.text(typ.Decl.Pos(), typ.Name, typ.Name, typ.Doc)
		for _, spec := range typ.Decl.Specs {
			j.members(spec.(*ast.TypeSpec))
		}
		j.values(typ.Consts, typ.Vars)
		j.funcs(typ.Funcs, typ.Methods)
	}
	return j.faults
}

type judgement struct {
	fset   *token.FileSet
	faults []string
}

func (j *judgement) fault(pos token.Pos, format string, args ...any) {
	at := j.fset.Position(pos)
	j.faults = append(j.faults, fmt.Sprintf("%s:%d: ", filepath.Base(at.Filename), at.Line)+fmt.Sprintf(format, args...))
}

// text judges one comment. It has to begin with the name, an article before it
// being allowed, and to end like a sentence or an example.
func (j *judgement) text(pos token.Pos, what, name, text string) {
	if text = strings.TrimRight(text, "\n"); text == "" {
		j.fault(pos, "%s has no comment", what)
		return
	}
	begin := text
	for _, article := range []string{"A ", "An ", "The "} {
		begin = strings.TrimPrefix(begin, article)
	}
	rest, ok := strings.CutPrefix(begin, name)
	if next, _ := utf8.DecodeRuneInString(rest); !ok || unicode.IsLetter(next) || unicode.IsDigit(next) {
		words := strings.Fields(text)
		j.fault(pos, "the comment of %s begins %q and not with its name", what, strings.Join(words[:min(3, len(words))], " "))
	}
	last := text[strings.LastIndexByte(text, '\n')+1:]
	if code := strings.HasPrefix(last, "\t"); !code && !strings.HasSuffix(strings.TrimRight(last, ")\""), ".") {
		j.fault(pos, "the comment of %s does not end with a full stop", what)
	}
}

func (j *judgement) funcs(lists ...[]*doc.Func) {
	for _, f := range slices.Concat(lists...) {
		what := f.Name
		if f.Recv != "" {
			recv, _, _ := strings.Cut(strings.TrimPrefix(f.Recv, "*"), "[")
			what = recv + "." + f.Name
		}
		j.text(f.Decl.Pos(), what, f.Name, f.Doc)
	}
}

// values judges constants and variables. In a group each may have a comment of its
// own, or all of them the one of the group, which then begins as it likes.
func (j *judgement) values(lists ...[]*doc.Value) {
	for _, v := range slices.Concat(lists...) {
		for _, spec := range v.Decl.Specs {
			spec := spec.(*ast.ValueSpec)
			for _, name := range spec.Names {
				switch {
				case !name.IsExported():
				case spec.Doc != nil:
					j.text(name.Pos(), name.Name, name.Name, spec.Doc.Text())
				case !v.Decl.Lparen.IsValid():
					j.text(name.Pos(), name.Name, name.Name, v.Doc)
				case spec.Comment.Text() == "" && v.Doc == "":
					j.fault(name.Pos(), "%s has no comment", name.Name)
				}
			}
		}
	}
}

// members judges the fields of a struct and the methods of an interface. A few
// words beside a field will do: a field of a plain struct seldom needs more.
func (j *judgement) members(spec *ast.TypeSpec) {
	var list *ast.FieldList
	switch typ := spec.Type.(type) {
	case *ast.StructType:
		list = typ.Fields
	case *ast.InterfaceType:
		list = typ.Methods
	default:
		return
	}
	for _, field := range list.List {
		for _, name := range field.Names {
			switch {
			case !name.IsExported():
			case field.Comment.Text() != "":
			default:
				j.text(name.Pos(), spec.Name.Name+"."+name.Name, name.Name, field.Doc.Text())
			}
		}
	}
}
