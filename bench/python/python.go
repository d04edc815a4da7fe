// Package python runs the versions of the workloads for asyncio, trio, greenlet, gevent
// and plain Python. The scripts are embedded, so that one binary is enough to compare with whatever Python the
// machine has, or none.
package python

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

//go:embed *.py
var scripts embed.FS

// What a script can run on: an event loop, a package, or nothing but Python.
const (
	Asyncio  = "asyncio"
	Uvloop   = "uvloop"
	Trio     = "trio"
	Greenlet = "greenlet"
	Gevent   = "gevent"
	CPython  = "CPython"
)

// An Interpreter is a Python that was found to work.
type Interpreter struct {
	path string
	// Version is the interpreter's own, as 3.13.1.
	Version string
	// Packages are the versions of uvloop, trio, greenlet and gevent, where they can be imported.
	Packages map[string]string
}

// probe prints the versions. A package that is there but broken counts as
// absent.
const probe = `
import asyncio, importlib, json, platform
found = {}
for name in "uvloop", "trio", "greenlet", "gevent":
    try:
        found[name] = importlib.import_module(name).__version__
    except Exception:
        pass
print(json.dumps({"Version": platform.python_version(), "Packages": found}))
`

// Find looks for the interpreter that command names. It returns nil, and no
// error, when there is none that can import asyncio: Python is a guest here.
func Find(ctx context.Context, command string) (*Interpreter, error) {
	path, err := exec.LookPath(command)
	if err != nil {
		return nil, nil
	}
	out, err := exec.CommandContext(ctx, path, "-c", probe).Output()
	if err != nil {
		return nil, ctx.Err()
	}
	found := &Interpreter{path: path}
	if err := json.Unmarshal(out, found); err != nil {
		return nil, fmt.Errorf("python: %s says strange things of itself: %w", command, err)
	}
	return found, nil
}

// Has reports whether a script can run on that.
func (p *Interpreter) Has(on string) bool {
	return p != nil && (on == Asyncio || on == CPython || p.Packages[on] != "")
}

// Run runs a script in a fresh process and returns the operations that it
// counted and the time that it measured around them. Starting the interpreter
// is not part of that time. On [Trio] it is the script's version for trio, whose
// name begins so.
func (p *Interpreter) Run(ctx context.Context, script, on string, units int, more ...int) (ops int, elapsed time.Duration, err error) {
	ops, ns, err := p.run(ctx, script, on, units, more)
	return ops, time.Duration(ns), err
}

// Grow is [Interpreter.Run] for a script that measures by how many bytes the process grows.
func (p *Interpreter) Grow(ctx context.Context, script, on string, units int, more ...int) (ops int, bytes uint64, err error) {
	ops, grown, err := p.run(ctx, script, on, units, more)
	return ops, uint64(max(grown, 0)), err
}

func (p *Interpreter) run(ctx context.Context, script, on string, units int, more []int) (ops int, measured int64, err error) {
	if on == Trio {
		script = "trio_" + script
	}
	source, err := load(script)
	if err != nil {
		return 0, 0, err
	}
	args := []string{"-c", source, on, strconv.Itoa(units)}
	for _, n := range more {
		args = append(args, strconv.Itoa(n))
	}
	out, err := exec.CommandContext(ctx, p.path, args...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return 0, 0, fmt.Errorf("python: %s on %s: %w: %s", script, on, err, exit.Stderr)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("python: %s on %s: %w", script, on, err)
	}
	var result struct {
		Ops      int   `json:"ops"`
		Measured int64 `json:"measured"`
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return 0, 0, fmt.Errorf("python: %s on %s printed no result: %w", script, on, err)
	}
	return result.Ops, result.Measured, nil
}

// load puts the workload and the harness that runs it together.
func load(script string) (string, error) {
	workload, err := scripts.ReadFile(script + ".py")
	if err != nil {
		return "", fmt.Errorf("python: no script named %q", script)
	}
	harness, err := scripts.ReadFile("harness.py")
	if err != nil {
		return "", err
	}
	return string(workload) + "\n" + string(harness), nil
}
