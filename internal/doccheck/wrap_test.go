package doccheck_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/asyncgo/asyncgo"

// importable maps the packages that a page may use without saying so, as a text
// does, to their paths: ours, and those of the standard library that go with them.
var importable = map[string]string{
	"async":     module + "/async",
	"asynctest": module + "/async/asynctest",
	"future":    module + "/future",
	"gather":    module + "/gather",
	"gevent":    module + "/greenlet/gevent",
	"monkey":    module + "/monkey",
	"greenlet":  module + "/greenlet",

	"atomic":   "sync/atomic",
	"bytes":    "bytes",
	"context":  "context",
	"errors":   "errors",
	"exec":     "os/exec",
	"filepath": "path/filepath",
	"fmt":      "fmt",
	"http":     "net/http",
	"httptest": "net/http/httptest",
	"io":       "io",
	"iter":     "iter",
	"json":     "encoding/json",
	"log":      "log",
	"maps":     "maps",
	"net":      "net",
	"os":       "os",
	"pprof":    "runtime/pprof",
	"rand":     "math/rand/v2",
	"runtime":  "runtime",
	"signal":   "os/signal",
	"slices":   "slices",
	"slog":     "log/slog",
	"sort":     "sort",
	"strconv":  "strconv",
	"strings":  "strings",
	"sync":     "sync",
	"syscall":  "syscall",
	"testing":  "testing",
	"time":     "time",
	"tls":      "crypto/tls",
	"x509":     "crypto/x509",
}

// declared holds what a page has declared so far: the source of each name, with
// the methods if it is that of a type.
type declared map[string]string

// wrap makes a file of a block, and adds what the block declares to known.
func wrap(b *block, known declared) (string, error) {
	if file, err := parse(b.text); err == nil {
		known.add(b.text, file)
		return b.placed(b.text), nil
	} else if hasClause(b.text) {
		return "", b.fault(err)
	}
	if file, err := parse(header + b.text); err == nil {
		code := b.placed(b.text)
		if file.Scope.Lookup("main") == nil {
			code += "func main() {}\n"
		}
		code, err = complete(code, known, imported(file))
		// Only now: the block must not get a second time what it declares itself.
		known.add(header+b.text, file)
		return code, err
	} else if b.declares() {
		return "", b.fault(err)
	}
	body, err := statements(b.text)
	if err != nil {
		return "", b.fault(err)
	}
	return complete("func wrapped(ctx context.Context) error {\n"+b.placed(body)+"}\n"+
		"func main() {\n\tif err := async.Run(wrapped); err != nil {\n\t\tpanic(err)\n\t}\n}\n", known, nil)
}

// placed tells the compiler and vet where the code of the block stands, so that
// they name the line of the page in what they find.
func (b *block) placed(code string) string {
	return fmt.Sprintf("//line %s:%d\n%s\n//line wrapped.go:1\n", path.Base(b.page), b.line, code)
}

const header = "package main\n"

func parse(text string) (*ast.File, error) {
	return parser.ParseFile(token.NewFileSet(), "", text, 0)
}

// hasClause reports whether the block means to be a whole file.
func hasClause(text string) bool {
	file, _ := parser.ParseFile(token.NewFileSet(), "", text, parser.PackageClauseOnly)
	return file != nil && file.Name != nil && file.Name.Name != ""
}

// declares reports whether the block begins with a declaration that is no
// statement, to choose the error that helps.
func (b *block) declares() bool {
	for _, word := range []string{"import ", "import(", "func ", "//go:"} {
		if strings.HasPrefix(b.text, word) {
			return true
		}
	}
	return false
}

func (b *block) fault(err error) error {
	return fmt.Errorf("%s:%d: this block is neither a file nor declarations nor statements: %w", b.page, b.line, err)
}

// statements prepares a list of statements for the body of a function that returns
// an error. A text shows what comes back without always using it; so each variable
// is used right where it is declared, on the same line.
func statements(text string) (string, error) {
	const head = header + "func _() error {\n"
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", head+text+"\n}", 0)
	if err != nil {
		return "", err
	}
	if len(file.Decls) != 1 {
		return "", fmt.Errorf("a closing brace too many")
	}
	body := file.Decls[0].(*ast.FuncDecl).Body.List
	var b strings.Builder
	written := 0
	for _, s := range body {
		var names []string
		switch s := s.(type) {
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				for _, left := range s.Lhs {
					names = append(names, left.(*ast.Ident).Name)
				}
			}
		case *ast.DeclStmt:
			for _, spec := range s.Decl.(*ast.GenDecl).Specs {
				if spec, ok := spec.(*ast.ValueSpec); ok && s.Decl.(*ast.GenDecl).Tok == token.VAR {
					for _, name := range spec.Names {
						if name.Name != "_" {
							names = append(names, "&"+name.Name) // it may have a lock, which must not be copied
						}
					}
				}
			}
		}
		end := fset.Position(s.End()).Offset - len(head)
		b.WriteString(text[written:end])
		written = end
		for _, name := range names {
			if name != "_" {
				fmt.Fprintf(&b, "; _ = %s", name)
			}
		}
	}
	b.WriteString(text[written:])
	returns := false
	if len(body) > 0 {
		_, returns = body[len(body)-1].(*ast.ReturnStmt)
	}
	if !returns {
		// On a line of its own, because the text may end in a comment.
		b.WriteString("\nreturn nil\n")
	}
	return b.String(), nil
}

// complete adds to code what it uses and does not have: declarations from above on
// the page, what those use, and imports, except of those that it has.
func complete(code string, known declared, has []string) (string, error) {
	var tail string
	pulled := map[string]bool{}
	for {
		// Imports have to come first, and the block may have some.
		file, err := parse(header + code + tail)
		if err != nil {
			return "", err
		}
		var paths []string
		grown := false
		for _, ident := range file.Unresolved {
			source, above := known[ident.Name]
			switch {
			case slices.Contains(has, ident.Name):
			case above && !pulled[source]:
				pulled[source], grown = true, true
				tail += source
			case importable[ident.Name] != "":
				paths = append(paths, fmt.Sprintf("import %q\n", importable[ident.Name]))
			}
		}
		if !grown {
			slices.Sort(paths)
			return header + strings.Join(slices.Compact(paths), "") + code + tail, nil
		}
	}
}

// imported returns the names of the packages that a file imports.
func imported(file *ast.File) []string {
	var names []string
	for _, spec := range file.Imports {
		imp := strings.Trim(spec.Path.Value, `"`)
		name := path.Base(imp)
		for short, long := range importable {
			if imp == long {
				name = short // of math/rand/v2, say
			}
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names = append(names, name)
	}
	return names
}

// add remembers the declarations of a file for the blocks below it. A name that is
// declared again stands for its last declaration.
func (d declared) add(text string, file *ast.File) {
	source := func(n ast.Node) string { return text[n.Pos()-file.FileStart:n.End()-file.FileStart] + "\n" }
	methods := map[string]string{}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil {
				if name := decl.Name.Name; name != "main" && name != "init" && name != "_" {
					d[name] = source(decl)
				}
				continue
			}
			methods[firstName(decl.Recv.List[0].Type)] += source(decl)
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					d[spec.Name.Name] = source(decl)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						d[name.Name] = source(decl)
					}
				}
			}
		}
	}
	for name, text := range methods {
		d[name] += text
	}
}

// firstName returns the name of a type below its stars, brackets and parameters.
func firstName(typ ast.Expr) string {
	name := ""
	ast.Inspect(typ, func(n ast.Node) bool {
		if ident, ok := n.(*ast.Ident); ok && name == "" {
			name = ident.Name
		}
		return name == ""
	})
	return name
}

func TestStatements(t *testing.T) {
	for text, want := range map[string]string{
		"f()\n":                        "f()\n\nreturn nil\n",
		"return g()\n":                 "return g()\n",
		"a, _ := f() // why\nb(a)\n":   "a, _ := f(); _ = a // why\nb(a)\n\nreturn nil\n",
		"x := func() {\n\ty := 1\n}\n": "x := func() {\n\ty := 1\n}; _ = x\n\nreturn nil\n",
		"var (\n\ta, b int\n)\n":       "var (\n\ta, b int\n); _ = &a; _ = &b\n\nreturn nil\n",
	} {
		got, err := statements(text)
		if got != want || err != nil {
			t.Errorf("statements(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"x :=\n", "}\nfunc f() {\n", "if x {\n"} {
		if got, err := statements(text); err == nil {
			t.Errorf("statements(%q) = %q, want an error", text, got)
		}
	}
}

func TestWrapTakesFromAbove(t *testing.T) {
	known := declared{}
	var files []string
	for _, text := range []string{
		"type Box[T any] struct{ v T }\n",
		"func (b *Box[T]) Get() T { return b.v }\n",
		"package main\nfunc one() int { return two() }\nfunc two() int { return 2 }\nfunc main() {}\n",
		"import \"math/rand/v2\"\nfunc two() int { return rand.N(2) }\n",
		"b := Box[int]{one()}\nfmt.Println(b.Get())\n",
	} {
		file, err := wrap(&block{page: "p.md", line: 1, text: text}, known)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	last := files[len(files)-1]
	for part, times := range map[string]int{
		"type Box[T any]":                     1,
		"func (b *Box[T]) Get()":              1,
		"func one() int":                      1,
		"func two() int { return 2 }":         0,
		"func two() int { return rand.N(2) }": 1,
		`import "fmt"`:                        1,
		`import "math/rand/v2"`:               1,
		`import "context"`:                    1,
		`import "errors"`:                     0,
		`import "` + module + `/async"`:       1,
	} {
		if got := strings.Count(last, part); got != times {
			t.Errorf("the last file has %q %d times, want %d:\n%s", part, got, times, last)
		}
	}
	if got := strings.Count(files[3], `"math/rand/v2"`); got != 1 {
		t.Errorf("a block that has its import has it %d times:\n%s", got, files[3])
	}
	if got := strings.Count(files[1], "Get()"); got != 1 {
		t.Errorf("a block that declares a method has it %d times:\n%s", got, files[1])
	}
}

func TestWrapFindsFaults(t *testing.T) {
	for _, text := range []string{
		"package main\nfunc {\n",
		"func f() {\n",
		"import fmt\n",
		"for {\n",
		"func f() {}\nf()\n",
	} {
		_, err := wrap(&block{page: "p.md", line: 9, text: text}, declared{})
		if err == nil || !strings.HasPrefix(err.Error(), "p.md:9: this block is neither") {
			t.Errorf("wrapping %q gives the error %v", text, err)
		}
	}
}
