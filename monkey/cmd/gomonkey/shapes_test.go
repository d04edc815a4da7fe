package main_test

import (
	"strings"
	"testing"
)

// shapes is a package with functions of all shapes that a wrapper can have.
const shapes = `package shapes

import "fmt"

type T struct{ n int }

// Plain has a comment.
func Plain(a, b int, c string) (n int, err error) { return a + b + len(c), nil }

func (t *T) Pointer(d int)                    { t.n += d }
func (t T) Value() int                        { return t.n }
func (*T) NoName(int, string) (a, b int)      { return 1, 2 }
func (_ T) Blank(_ int, _ ...string) string   { return "blank" }
func Variadic(format string, args ...any) string { return fmt.Sprintf(format, args...) }
func Func(fn func(int) (int, error), ch <-chan int) map[string][]int { return map[string][]int{"x": {len(ch)}} }
func Generic[K comparable, V any](m map[K]V) int { return len(m) }

type List[E any] struct{ all []E }

func (l *List[E]) Add(e ...E) int { l.all = append(l.all, e...); return len(l.all) }

//go:noinline
func Directive() (int, func(), error) { return 7, nil, nil }

// Names that the wrappers could want for themselves.
func Names(back func(), gomonkey int) int { back(); return gomonkey }
func (back T) On(is ...int) int               { return back.n + len(is) }
func Unused[_ any, B any](b B) B           { return b }

var atomic = 1

func Panics(v any) { panic(v) }
`

const shapesMain = `package main

import (
	"fmt"

	"example.com/program/shapes"
)

func main() {
	fmt.Println(shapes.Plain(1, 2, "abc"))
	t := shapes.T{}
	t.Pointer(3)
	fmt.Println(t.Value(), t.Blank(1, "a", "b"))
	fmt.Println(t.NoName(1, "a"))
	fmt.Println(shapes.Variadic("%d-%d", 1, 2), shapes.Variadic("x"))
	fmt.Println(shapes.Func(nil, make(chan int, 1)))
	fmt.Println(shapes.Generic(map[string]int{"a": 1}))
	var l shapes.List[string]
	fmt.Println(l.Add("a", "b"), l.Add())
	fmt.Println(shapes.Names(func() { fmt.Print("back ") }, 9), t.On(1), shapes.Unused[int]("unused"))
	n, _, err := shapes.Directive()
	fmt.Println(n, err)
	defer func() { fmt.Println(recover()) }()
	shapes.Panics("panic")
}
`

func TestShapes(t *testing.T) {
	long(t)
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"go.mod": "module example.com/program\n\ngo 1.26\n", "main.go": shapesMain, "shapes/shapes.go": shapes,
	})
	args := []string{"run"}
	for _, name := range strings.Fields(`Plain (*T).Pointer T.Value T.NoName T.Blank Variadic Func Generic (*List).Add Names T.On Unused Directive Panics`) {
		args = append(args, "-patch", "example.com/program/shapes."+name)
	}
	in := call{dir: dir}
	want, ok := in.run(t, "go", "run", ".")
	if !ok {
		t.Fatal(want)
	}
	in.expect(t, want, gomonkey, append(args, ".")...)
	out, ok := in.run(t, gomonkey, append(append([]string{"list"}, args[1:]...), "-C", dir)...)
	for _, name := range []string{"(*T).Pointer", "T.Value", "(*T).NoName", "(*List).Add", "Variadic"} {
		if !ok || !strings.Contains(out, "example.com/program/shapes."+name) {
			t.Errorf("the list has no %s:\n%s", name, out)
		}
	}
	for _, tt := range []struct{ name, text, words string }{
		{"a function that is exported to C", "//export F\nfunc F() {}", "is exported to C"},
		{"init", "func init() {}", "there is no function"},
		{"a function that is linked to another one", "//go:linkname F runtime.F\nfunc F()", "is linked to runtime.F"},
	} {
		write(t, dir, map[string]string{"shapes/more.go": "package shapes\n\nimport _ \"unsafe\"\n\n" + tt.text + "\n"})
		in.refuse(t, []string{"gomonkey: ", tt.words}, gomonkey, "build", "-patch", "example.com/program/shapes.F", ".")
	}
}
