package pytrace

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// A Printer keeps what a port prints, from any goroutine.
type Printer struct {
	mu    sync.Mutex
	lines []string
}

// Print is Python's print. Strings are printed as they are, and str spells all else.
func (p *Printer) Print(str func(v any) string, args ...any) {
	words := make([]string, len(args))
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			words[i] = s
		} else {
			words[i] = str(arg)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, strings.Split(strings.Join(words, " "), "\n")...)
}

// Lines returns what was printed so far.
func (p *Printer) Lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines[:len(p.lines):len(p.lines)]
}

// A Tuple is printed in round brackets, every other slice in square ones.
type Tuple []any

// A Special spells the values of one package, also inside of others, and reports whether this is one of them.
type Special func(v any) (repr string, ok bool)

// Repr is Python's repr.
func Repr(v any, special Special) string {
	if repr, ok := special(v); ok {
		return repr
	}
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		if strings.Contains(v, "'") && !strings.Contains(v, `"`) {
			return `"` + strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(v) + `"`
		}
		return "'" + strings.NewReplacer(`\`, `\\`, "\n", `\n`, "'", `\'`).Replace(v) + "'"
	case float64:
		s := strconv.FormatFloat(v, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	case Tuple:
		if len(v) == 1 {
			return "(" + Repr(v[0], special) + ",)"
		}
		return "(" + Reprs(v, special) + ")"
	}
	if reflect.ValueOf(v).Kind() == reflect.Slice {
		return "[" + Reprs(v, special) + "]"
	}
	return fmt.Sprint(v)
}

// Reprs is the items of a slice as they stand between its brackets.
func Reprs(slice any, special Special) string {
	items := reflect.ValueOf(slice)
	all := make([]string, items.Len())
	for i := range all {
		all[i] = Repr(items.Index(i).Interface(), special)
	}
	return strings.Join(all, ", ")
}
