package apidump_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"
)

// source has one of everything that a package can export, and beside it what must
// not be seen.
const source = `package p

const Limit = 3
const hidden = 4

var First, second = 1, 2

type Pair[A, B any] struct {
	Left  A
	Right B
	inner int
	Base
}

type Base struct{}

func (Base) Size() int { return hidden }
func (b *Base) grow()  {}

func (p *Pair[X, Y]) Swap(other Pair[Y, X]) (ok bool) { return p.inner == second }

type Stack[V any] struct{ base[V] }

type base[E any] struct{ items []E }

func (b *base[E]) Push(v E) { b.items = append(b.items, v) }
func (b *base[E]) clear()   {}

type Open interface{ Do(x int, rest ...string) error }
type Closed interface {
	comparable
	sealed()
}

type Alias = Pair[int, string]
type Func func(opts ...Open) (<-chan struct{}, error)
type Number int

func Pick[T any](from []T) T { return from[0] }
func PickAll()               {}
func pick()                  {}
`

const spelled = `const Limit untyped int = 3
func Pick[T any](from []T) T
func PickAll()
method (*Pair[X, Y]) Swap(other Pair[Y, X]) (ok bool)
method (*Stack[V]) Push(v V)
method (Base) Size() int
type Alias = Pair[int, string]
type Base struct
type Closed interface
type Closed interface, embedded comparable
type Closed interface, unexported methods
type Func func(opts ...Open) (<-chan struct{}, error)
type Number int
type Open interface
type Open interface, Do(x int, rest ...string) error
type Pair[A any, B any] struct
type Pair[A any, B any] struct, Left A
type Pair[A any, B any] struct, Right B
type Pair[A any, B any] struct, embedded Base
type Stack[V any] struct
var First int`

func TestDumpSpellsEveryKind(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	p, err := new(types.Config).Check("p", fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(dump(p), "\n")
	if got != spelled {
		t.Errorf("the dump is not what it should be:\n%s", diff(spelled, got))
	}
}

// TestDiff makes sure that a drift is seen and shown.
func TestDiff(t *testing.T) {
	for _, tt := range []struct{ want, got, diff string }{
		{"a\nb\n", "a\nb\n", ""},
		{"a\nb\n", "a\n", "-b\n"},
		{"a\n", "a\nb\n", "+b\n"},
		{"func F()\n", "func F(int)\n", "-func F()\n+func F(int)\n"},
		{"a\nb\n", "b\na\n", "(the same lines in another order, or more than once)\n"},
	} {
		if got := diff(tt.want, tt.got); got != tt.diff {
			t.Errorf("diff(%q, %q) = %q, want %q", tt.want, tt.got, got, tt.diff)
		}
	}
}
