// Gomonkey runs the go command so that blocking functions of the standard library, and others that are named, are built as
// cooperative ones for package monkey.
//
//	go run github.com/asyncgo/asyncgo/monkey/cmd/gomonkey run ./cmd/server
//	go run github.com/asyncgo/asyncgo/monkey/cmd/gomonkey test -patch 'example.com/client.(*Client).Call' -race ./...
//
// The first argument is run, build or test, as for the go command, or list, which prints what would be patched and builds
// nothing. Then come any number of
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

const usage = "gomonkey: usage: gomonkey run|build|test|list [-patch name]... [flags and packages for the go command]"

// run does what the arguments say and returns the exit code.
func run(args []string, out io.Writer) (code int, err error) {
	c, err := parse(args)
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
