package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/asyncgo/asyncgo/internal/overlay"
)

// A commandLine is what gomonkey was called with.
type commandLine struct {
	verb      string
	patch     []string
	dir       string   // of -C
	tags      string   // of -tags
	overlay   string   // of -overlay
	listFlags []string // those that say which files a package has
	rest      []string // for the go command, without those three
	packages  []string // of list
}

// valued are the flags of the go command that take a value, which may be the next argument. A flag that is not known is one of
// the program under test and taken for a switch.
var valued = words(`C p asmflags buildmode compiler covermode coverpkg gccgoflags gcflags installsuffix ldflags mod modfile overlay
	pgo pkgdir tags toolexec o exec run skip bench benchtime blockprofile blockprofilerate count coverprofile cpu cpuprofile fuzz
	fuzztime fuzzminimizetime list memprofile memprofilerate mutexprofile mutexprofilefraction outputdir parallel shuffle timeout
	trace vet debug-actiongraph debug-trace debug-runtime-trace patch`)

func words(s string) map[string]bool {
	all := map[string]bool{}
	for word := range strings.FieldsSeq(s) {
		all[word] = true
	}
	return all
}

// selecting are the flags that say which files a package has, or where its module is.
var selecting = []string{"race", "msan", "asan", "mod", "modfile", "compiler", "installsuffix", "modcacherw"}

// parse takes a command line apart. The flags of the go command are known as far as needed: those before the first package
// count, as for the go command itself, except that test takes flags behind packages too.
//
// The error is errHelp if help is asked for.
func parse(args []string) (*commandLine, error) {
	if len(args) == 0 {
		return nil, fmt.Errorf("gomonkey: there is nothing to do\n%s", usage)
	}
	c := &commandLine{verb: args[0]}
	switch c.verb {
	case "run", "build", "test", "list":
	case "help", "-h", "-help", "--help":
		return nil, errHelp
	default:
		return nil, fmt.Errorf("gomonkey: %s is none of its commands\n%s", c.verb, usage)
	}
	for args = args[1:]; len(args) > 0; {
		arg := args[0]
		if arg == "--" || arg == "-args" || arg == "--args" {
			break
		}
		name, isFlag := strings.CutPrefix(arg, "-")
		if !isFlag || name == "" {
			if c.verb != "test" {
				break
			}
			c.rest, args = append(c.rest, arg), args[1:]
			continue
		}
		name, value, inside := strings.Cut(strings.TrimPrefix(name, "-"), "=")
		n := 1
		if !inside && valued[strings.TrimPrefix(name, "test.")] {
			if len(args) < 2 {
				return nil, fmt.Errorf("gomonkey: the flag -%s needs a value", name)
			}
			value, n = args[1], 2
		}
		switch name {
		case "h", "help":
			return nil, errHelp
		case "patch":
			c.patch = append(c.patch, value)
		case "C":
			c.dir = value
		case "tags":
			c.tags = value
		case "overlay":
			c.overlay = value
		default:
			c.rest = append(c.rest, args[:n]...)
			if c.verb == "list" && !slices.Contains(selecting, name) {
				return nil, fmt.Errorf("gomonkey: list has no flag -%s: it takes -patch and those flags of the go command that say "+
					"which files are built\n%s", name, usage)
			}
			if slices.Contains(selecting, name) {
				flag := "-" + name
				if inside || n == 2 {
					flag += "=" + value
				}
				c.listFlags = append(c.listFlags, flag)
			}
		}
		args = args[n:]
	}
	c.rest = append(c.rest, args...)
	if c.verb == "list" {
		c.packages = slices.DeleteFunc(args, func(arg string) bool { return arg == "--" })
	}
	return c, nil
}

// complete takes in what GOFLAGS says of the flags that gomonkey sets itself, which would win over it. The files of
// packages are those of the build with its tag.
func (c *commandLine) complete(goflags string) {
	inherited := map[string]string{}
	for flag := range strings.FieldsSeq(goflags) {
		name, value, _ := strings.Cut(strings.TrimLeft(flag, "-"), "=")
		inherited[name] = value
	}
	if c.tags == "" {
		c.tags = inherited["tags"]
	}
	if c.tags != "" {
		c.tags += ","
	}
	c.tags += overlay.Tag
	if c.overlay == "" {
		c.overlay = inherited["overlay"]
	}
	if file := inherited["modfile"]; file != "" && !slices.ContainsFunc(c.listFlags, func(f string) bool { return strings.HasPrefix(f, "-modfile=") }) {
		c.listFlags = append(c.listFlags, "-modfile="+file)
	}
	c.listFlags = append(c.listFlags, "-tags="+c.tags)
	if c.overlay != "" {
		c.listFlags = append(c.listFlags, "-overlay="+c.overlay)
	}
}

// command returns the arguments of the go command, once the command line is complete.
func (c *commandLine) command(b *overlay.Build) []string {
	var args []string
	if c.dir != "" {
		args = append(args, "-C", c.dir)
	}
	args = append(args, c.verb, "-tags="+c.tags, "-overlay="+b.File)
	args = append(args, b.Flags...)
	for i, arg := range c.rest {
		if len(b.Flags) > 0 && (arg == "-modfile" || strings.HasPrefix(strings.TrimLeft(arg, "-"), "modfile=")) {
			rest := c.rest[i+1:]
			if arg == "-modfile" {
				rest = rest[1:]
			}
			return append(append(args, c.rest[:i]...), rest...)
		}
	}
	return append(args, c.rest...)
}
