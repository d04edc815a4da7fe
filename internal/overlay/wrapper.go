package overlay

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// A wrapper writes the functions that take the place of an original.
type wrapper struct {
	s    *source
	f    *ast.FuncDecl
	site Site
	n    int
}

// A signature is the text of one.
type signature struct {
	recv, recvName string
	typeParams     string // as declared, with brackets
	typeArgs       string // as used
	params         string // as declared, without parentheses
	args           string // as used
	results        string
}

// signature takes the function's signature apart. Parameters without a name get one.
func (w *wrapper) signature() signature {
	var g signature
	t := w.f.Type
	if w.f.Recv != nil {
		field := w.f.Recv.List[0]
		g.recvName = "gomonkeyRecv"
		if len(field.Names) == 1 && field.Names[0].Name != "_" {
			g.recvName = field.Names[0].Name
		}
		g.recv = fmt.Sprintf("(%s %s) ", g.recvName, w.s.at(field.Type))
	}
	if t.TypeParams != nil {
		var declared, names []string
		for _, field := range t.TypeParams.List {
			for _, name := range field.Names {
				arg := name.Name
				if arg == "_" {
					arg = fmt.Sprintf("gomonkeyType%d", len(names))
				}
				declared = append(declared, arg+" "+w.s.at(field.Type))
				names = append(names, arg)
			}
		}
		g.typeParams, g.typeArgs = "["+strings.Join(declared, ", ")+"]", "["+strings.Join(names, ", ")+"]"
	}
	var params, args []string
	for _, field := range t.Params.List {
		_, variadic := field.Type.(*ast.Ellipsis)
		names := field.Names
		if len(names) == 0 {
			names = []*ast.Ident{{Name: "_"}}
		}
		for _, name := range names {
			arg := name.Name
			if arg == "_" {
				arg = fmt.Sprintf("gomonkeyArg%d", len(args))
			}
			params = append(params, arg+" "+w.s.at(field.Type))
			switch {
			case variadic:
				arg += "..."
			case w.site.depth != "" && arg == w.site.depth:
				arg += " + 1"
			}
			args = append(args, arg)
		}
	}
	g.params, g.args = strings.Join(params, ", "), strings.Join(args, ", ")
	if t.Results != nil {
		var results []string
		for _, field := range t.Results.List {
			results = append(results, slices.Repeat([]string{w.s.at(field.Type)}, max(len(field.Names), 1))...)
		}
		g.results = "(" + strings.Join(results, ", ") + ")"
	}
	return g
}

// write writes the wrapper of the original's name, and a second one with a deferred call, so that the first has none.
func (w *wrapper) write() error {
	g, name, out := w.signature(), w.f.Name.Name, &w.s.tail
	on := ""
	if g.recvName != "" {
		on = g.recvName + "."
	}
	give := ""
	if g.results != "" {
		give = "return "
	}
	condition := fmt.Sprintf("gomonkeyIsOn(%d)", w.n)
	if w.site.unless != "" {
		condition += " && !(" + w.site.unless + ")"
	}
	original := fmt.Sprintf("%s%s%s%s%s(%s)", give, on, originalPrefix, name, g.typeArgs, g.args)

	fmt.Fprintf(out, "\nfunc %s%s%s(%s) %s {\n", g.recv, name, g.typeParams, g.params, g.results)
	if w.site.try != "" {
		fmt.Fprintf(out, "if %s && %s%s() { return }\n", condition, on, w.site.try)
	}
	switch w.site.Kind {
	case Sleep:
		if g.recv != "" || g.results != "" || len(w.f.Type.Params.List) != 1 || len(w.f.Type.Params.List[0].Names) != 1 {
			return fmt.Errorf("gomonkey: %s is not of the shape func(d Duration)", fullName(w.site, w.f))
		}
		fmt.Fprintf(out, "if %s && gomonkeySleep(int64(%s)) { return }\n%s\n}\n", condition, g.args, original)
		return nil
	case File:
		if len(w.f.Type.Params.List) != 1 || w.s.at(w.f.Type.Params.List[0].Type) != "[]byte" || g.recvName == "gomonkeyRecv" {
			return fmt.Errorf("gomonkey: %s is not of the shape func(p []byte) (int, error)", fullName(w.site, w.f))
		}
		fmt.Fprintf(out, "if %s {\nif gomonkeyBack := gomonkeyFile(%s, len(%s), %t); gomonkeyBack != nil {\n", condition, g.recvName, g.args, name == "Write")
	default:
		fmt.Fprintf(out, "if %s {\nif gomonkeyBack := gomonkeyEnter(%d); gomonkeyBack != nil {\n", condition, w.site.Kind)
	}
	fmt.Fprintf(out, "%s%s%s%s%s(%s)\n", give, on, asidePrefix, name, g.typeArgs, join("gomonkeyBack", g.args))
	if give == "" {
		fmt.Fprintln(out, "return")
	}
	fmt.Fprintf(out, "}\n}\n%s\n}\n", original)

	fmt.Fprintf(out, "\nfunc %s%s%s%s(%s) %s {\n", g.recv, asidePrefix, name, g.typeParams, join("gomonkeyBack func()", g.params), g.results)
	fmt.Fprintf(out, "defer gomonkeyBack()\n%s\n}\n", original)
	return nil
}

func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}
