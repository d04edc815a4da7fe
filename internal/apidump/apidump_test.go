package apidump_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/internal/witness"
)

const module = "github.com/asyncgo/asyncgo"

// root is the folder of the module, seen from this one.
const root = "../.."

// public lists the packages that users import, by their path in the module. A new
// one gets its line here with its first exported name.
var public = []string{"async", "async/asynctest", "future", "gather", "greenlet", "greenlet/gevent", "monkey"}

var update = flag.Bool("update", false, "rewrite docs/api from the source")

func TestDumpIsUpToDate(t *testing.T) {
	for _, p := range load(t) {
		t.Run(p.path, func(t *testing.T) {
			got := strings.Join(dump(p.types), "\n") + "\n"
			file := filepath.Join(root, "docs", "api", strings.ReplaceAll(p.path, "/", "_")+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v; go test ./internal/apidump -update makes it", err)
			}
			if diff := diff(string(want), got); diff != "" {
				t.Errorf("the API of %s is not the one of %s:\n%s"+
					"If that is meant, go test ./internal/apidump -update writes it down.", p.path, filepath.Base(file), diff)
			}
		})
	}
}

// TestNoDumpWithoutItsPackage finds the dump of a package that is gone.
func TestNoDumpWithoutItsPackage(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "docs", "api", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		if !slices.Contains(public, strings.ReplaceAll(name, "_", "/")) {
			t.Errorf("docs/api/%s belongs to no package in the table of this test", filepath.Base(file))
		}
	}
}

// A pkg is a public package as the compiler and as the reader see it.
type pkg struct {
	path  string // in the module
	dir   string
	files []string // without tests
	types *types.Package
}

// load reads the public packages. Their types come from the export data that the
// go tool leaves in its cache: it is exact, there for every package that this
// test's own build needs, and a hundred times faster than checking the source of
// all they import.
func load(t *testing.T) []pkg {
	t.Helper()
	witness.Sources(t, root, false)
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,CgoFiles,Export"}
	for _, path := range public {
		args = append(args, "./"+path)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}

	found := map[string]pkg{}
	exports := map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var listed struct {
			ImportPath, Dir, Export string
			GoFiles, CgoFiles       []string
		}
		err := dec.Decode(&listed)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("reading the answer of go list: %v", err)
		}
		exports[listed.ImportPath] = listed.Export
		path := strings.TrimPrefix(listed.ImportPath, module+"/")
		if slices.Contains(public, path) {
			found[path] = pkg{path: path, dir: listed.Dir, files: slices.Concat(listed.GoFiles, listed.CgoFiles)}
		}
	}
	imp := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("the go tool has no export data of %s", path)
		}
		return os.Open(exports[path])
	})
	var all []pkg
	for _, path := range public {
		p, ok := found[path]
		if !ok {
			t.Fatalf("go list does not know %s", path)
		}
		if p.types, err = imp.Import(module + "/" + path); err != nil {
			t.Fatalf("importing %s: %v", path, err)
		}
		all = append(all, p)
	}
	return all
}

// dump returns the exported names of a package with their types, one a line and
// sorted. The form is that of Go's own api/*.txt: each field and each method has
// a line of its own, so that a change of one of them is a change of one line.
func dump(p *types.Package) []string {
	d := dumper{p: p}
	for _, name := range p.Scope().Names() {
		if obj := p.Scope().Lookup(name); obj.Exported() {
			d.object(obj)
		}
	}
	slices.SortFunc(d.lines, func(a, b string) int { return strings.Compare(byName.Replace(a), byName.Replace(b)) })
	return slices.Compact(d.lines)
}

// byName makes a key to sort by, in which Wait[F Waitable] comes before WaitFor: a
// bracket ends a name and does not belong to it.
var byName = strings.NewReplacer("[", "\x00", "(", "\x00")

type dumper struct {
	p     *types.Package
	lines []string
}

func (d *dumper) add(format string, args ...any) {
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// qualify names a package in a type: by its name, as in source, but ours by their
// path in the module. So a line shows at once when an internal type is part of
// the API.
func (d *dumper) qualify(other *types.Package) string {
	if other == d.p {
		return ""
	}
	if path, ours := strings.CutPrefix(other.Path(), module+"/"); ours {
		return path
	}
	return other.Name()
}

func (d *dumper) text(typ types.Type) string { return types.TypeString(typ, d.qualify) }

// signature is the text of a function behind its name, type parameters first.
func (d *dumper) signature(sig *types.Signature) string {
	var b bytes.Buffer
	types.WriteSignature(&b, sig, d.qualify)
	return b.String()
}

// parameters is the text of the type parameters of a type.
func (d *dumper) parameters(list *types.TypeParamList) string {
	if list.Len() == 0 {
		return ""
	}
	var params []string
	for p := range list.TypeParams() {
		params = append(params, p.Obj().Name()+" "+d.text(p.Constraint()))
	}
	return "[" + strings.Join(params, ", ") + "]"
}

func (d *dumper) object(obj types.Object) {
	switch obj := obj.(type) {
	case *types.Const:
		d.add("const %s %s = %s", obj.Name(), d.text(obj.Type()), obj.Val())
	case *types.Var:
		d.add("var %s %s", obj.Name(), d.text(obj.Type()))
	case *types.Func:
		d.add("func %s%s", obj.Name(), d.signature(obj.Signature()))
	case *types.TypeName:
		d.typeName(obj)
	}
}

func (d *dumper) typeName(obj *types.TypeName) {
	if alias, ok := obj.Type().(*types.Alias); ok {
		d.add("type %s%s = %s", obj.Name(), d.parameters(alias.TypeParams()), d.text(alias.Rhs()))
		return
	}
	named := obj.Type().(*types.Named)
	head := "type " + obj.Name() + d.parameters(named.TypeParams())
	switch under := named.Underlying().(type) {
	case *types.Struct:
		d.add("%s struct", head)
		for f := range under.Fields() {
			switch {
			case f.Embedded() && f.Exported():
				d.add("%s struct, embedded %s", head, d.text(f.Type()))
			case f.Exported():
				d.add("%s struct, %s %s", head, f.Name(), d.text(f.Type()))
			}
		}
		d.promoted(named, under)
	case *types.Interface:
		d.add("%s interface", head)
		for e := range under.EmbeddedTypes() {
			d.add("%s interface, embedded %s", head, d.text(e))
		}
		for m := range under.ExplicitMethods() {
			if m.Exported() {
				d.add("%s interface, %s%s", head, m.Name(), d.signature(m.Signature()))
			} else {
				// Nobody outside can implement it, which is a part of the API too.
				d.add("%s interface, unexported methods", head)
			}
		}
	default:
		d.add("%s %s", head, d.text(under))
	}
	for m := range named.Methods() {
		if m.Exported() {
			d.add("method (%s) %s%s", d.text(m.Signature().Recv().Type()), m.Name(), d.signature(m.Signature()))
		}
	}
}

// promoted adds the methods that a struct has from an embedded type which is not exported: nobody can look them up
// there.
func (d *dumper) promoted(named *types.Named, under *types.Struct) {
	recv := "*" + named.Obj().Name()
	if params := named.TypeParams(); params.Len() > 0 {
		var names []string
		for p := range params.TypeParams() {
			names = append(names, p.Obj().Name())
		}
		recv += "[" + strings.Join(names, ", ") + "]"
	}
	for m := range types.NewMethodSet(types.NewPointer(named)).Methods() {
		if path := m.Index(); len(path) > 1 && m.Obj().Exported() && !under.Field(path[0]).Exported() {
			d.add("method (%s) %s%s", recv, m.Obj().Name(), d.signature(m.Type().(*types.Signature)))
		}
	}
}

// diff lists the lines that only one of two dumps has.
func diff(want, got string) string {
	wanted, gotten := strings.Split(want, "\n"), strings.Split(got, "\n")
	var b strings.Builder
	for _, line := range wanted {
		if !slices.Contains(gotten, line) {
			fmt.Fprintf(&b, "-%s\n", line)
		}
	}
	for _, line := range gotten {
		if !slices.Contains(wanted, line) {
			fmt.Fprintf(&b, "+%s\n", line)
		}
	}
	if b.Len() == 0 && want != got {
		b.WriteString("(the same lines in another order, or more than once)\n")
	}
	return b.String()
}
