// Gomonkey runs the go command so that blocking functions of the standard library, and others that are named, are built as
// cooperative ones for package monkey.
//
//	go run github.com/asyncgo/asyncgo/monkey/cmd/gomonkey run ./cmd/server
//	go run github.com/asyncgo/asyncgo/monkey/cmd/gomonkey test -patch 'example.com/client.(*Client).Call' -race ./...
//
// The first argument is run, build or test, as for the go command, or list, which prints what would be patched, of all or of what
// the packages have that come behind it, and builds nothing. Then come any number of
//
//	-patch name
//
// and whatever the go command takes, flags, packages and arguments. A name is that of a group, which is added, or taken
// away with a minus before it: time, net, dns, tls, http, os, exec and sql, which are the default, and sync or aggressive, which is all
// locks. Any other name is that of a function, in the standard library or any other package of the build: path.Func,
// path.Type.Method or path.(*Type).Method. A task that calls it leaves its loop for the whole call; with section: before the name,
// for the rest of the call from its first wait.
//
// Sources are not changed. The go command gets an overlay with copies of them, which are in the user's cache folder, or
// in the one that GOMONKEYCACHE names.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/asyncgo/asyncgo/internal/overlay"
)

func main() {
	code, err := run(os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

const usage = "usage: gomonkey run|build|test|list [-patch name]... [flags and packages for the go command]"

// help is printed if somebody asks for it.
const help = usage + `

Gomonkey runs the go command so that blocking functions are built as cooperative ones for package monkey.

  run, build, test   as the go command has them; "go help run" has their flags
  list               prints what would be patched, of all or of what the named packages have, and where it is

  -patch name        may be there any number of times, anywhere before the first package. A name is
                       %s
                         a group that is patched without being named; with a minus before it, it is not
                       sync, aggressive
                         the group of all locks
                       path.Func, path.Type.Method, path.(*Type).Method
                         a function of any package of the build, as a call that leaves the loop as a whole
                       section:path.Func
                         a call that leaves the loop where it has to wait
  GOMONKEYCACHE      names a folder for what is made, in place of one in the user's cache folder
`

// errHelp is for those who ask for help.
var errHelp = errors.New("gomonkey: help")

// run does what the arguments say and returns the exit code.
func run(args []string, out io.Writer) (code int, err error) {
	c, err := parse(args)
	if errors.Is(err, errHelp) {
		groups := slices.DeleteFunc(overlay.Groups(), func(g string) bool { return g == overlay.Locks })
		_, err := fmt.Fprintf(out, help, strings.Join(groups, ", "))
		return 0, err
	}
	if err != nil {
		return 2, err
	}
	spec, err := overlay.ParseSpec(c.patch)
	if err != nil {
		return 2, err
	}
	tools, err := overlay.Ask(c.dir, nil)
	if err != nil {
		return 1, err
	}
	c.complete(tools.Env["GOFLAGS"])
	tools.Flags = c.listFlags
	if c.verb == "list" {
		sites, err := overlay.Find(spec, tools, c.overlay)
		if err != nil {
			return 1, err
		}
		if len(c.packages) > 0 {
			of, err := tools.Dependencies(c.packages)
			if err != nil {
				return 1, err
			}
			sites = slices.DeleteFunc(sites, func(s overlay.Found) bool { return !of[s.Path] })
		}
		return 0, list(out, sites)
	}
	folder, err := overlay.CacheFolder()
	if err != nil {
		return 1, err
	}
	build, err := overlay.Make(spec, tools, folder, c.overlay)
	if err != nil {
		return 1, err
	}
	return call(c.command(build), build.Env)
}

// list prints sites.
func list(out io.Writer, sites []overlay.Found) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range sites {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s:%d\n", s.Group, s.Kind, s.Full, s.File, s.Line)
	}
	return w.Flush()
}

// call runs the go command with the terminal as it is. Signals go to the whole group of processes, so this one outlives
// them to return the exit code.
func call(args, env []string) (code int, err error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	defer signal.Stop(signals)
	cmd := exec.Command("go", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), env...)
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 1, fmt.Errorf("gomonkey: %v", err)
	}
	return 0, nil
}
