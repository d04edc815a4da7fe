// Package python runs the asyncio versions of the workloads. The scripts are
// embedded, so that one binary is enough to compare with whatever Python the
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
	"strings"
	"time"
)

//go:embed *.py
var scripts embed.FS

// Event loops that a script can run on.
const (
	Asyncio = "asyncio"
	Uvloop  = "uvloop"
)

// An Interpreter is a Python that was found to work.
type Interpreter struct {
	path string
	// Version is the interpreter's own, as 3.13.1.
	Version string
	// Uvloop is that package's version, empty where it cannot be imported.
	Uvloop string
}

// probe prints the versions. An uvloop that is there but broken counts as
// absent.
const probe = `
import asyncio, platform
try:
    import uvloop
    found = uvloop.__version__
except Exception:
    found = ""
print(platform.python_version() + "|" + found)
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
	version, uvloop, _ := strings.Cut(strings.TrimSpace(string(out)), "|")
	return &Interpreter{path: path, Version: version, Uvloop: uvloop}, nil
}

// Has reports whether the interpreter can run on the event loop of that name.
func (p *Interpreter) Has(loop string) bool {
	return p != nil && (loop == Asyncio || p.Uvloop != "")
}

// Run runs a script in a fresh process and returns the operations that it
// counted and the time that it measured around them. Starting the interpreter
// is not part of that time.
func (p *Interpreter) Run(ctx context.Context, script, loop string, units int, more ...int) (ops int, elapsed time.Duration, err error) {
	source, err := load(script)
	if err != nil {
		return 0, 0, err
	}
	args := []string{"-c", source, loop, strconv.Itoa(units)}
	for _, n := range more {
		args = append(args, strconv.Itoa(n))
	}
	out, err := exec.CommandContext(ctx, p.path, args...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return 0, 0, fmt.Errorf("python: %s on %s: %w: %s", script, loop, err, exit.Stderr)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("python: %s on %s: %w", script, loop, err)
	}
	var result struct {
		Ops int   `json:"ops"`
		NS  int64 `json:"ns"`
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return 0, 0, fmt.Errorf("python: %s on %s printed no result: %w", script, loop, err)
	}
	return result.Ops, time.Duration(result.NS), nil
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
