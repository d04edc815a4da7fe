package overlay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A Toolchain is the go command, as it is called for one build.
type Toolchain struct {
	Dir   string   // where it is called, "" for here
	Flags []string // of the build, that say which files a package has
	Env   map[string]string
}

// goEnv is what is asked of go env.
var goEnv = []string{"GOVERSION", "GOROOT", "GOOS", "GOARCH", "GOMODCACHE", "GOWORK", "GOMOD", "GOFLAGS"}

// Ask finds out what the go command would build with the flags.
func Ask(dir string, flags []string) (*Toolchain, error) {
	t := &Toolchain{Dir: dir, Flags: flags}
	out, err := t.run(append([]string{"env", "-json"}, goEnv...)...)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out, &t.Env); err != nil {
		return nil, fmt.Errorf("gomonkey: go env: %v", err)
	}
	return t, nil
}

// run runs the go command and returns its output.
func (t *Toolchain) run(args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = t.Dir
	var fault bytes.Buffer
	cmd.Stderr = &fault
	out, err := cmd.Output()
	if err != nil {
		if text := strings.TrimSpace(fault.String()); text != "" {
			err = errors.New(text)
		}
		return nil, fmt.Errorf("gomonkey: go %s: %v", args[0], err)
	}
	return out, nil
}

// A Package is what the go command knows of one.
type Package struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	CgoFiles   []string
	Standard   bool
	Incomplete bool
	Module     *Module
	Error      *struct{ Err string }
}

// A Module is what the go command knows of a package's module.
type Module struct {
	Path, Version, Dir string
	Main               bool
	Replace            *Module
}

// list asks for packages. Those that are not there have no Dir.
func (t *Toolchain) list(paths []string) (map[string]*Package, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	args := append([]string{"list", "-e", "-json=ImportPath,Dir,GoFiles,CgoFiles,Standard,Incomplete,Module,Error"}, t.Flags...)
	out, err := t.run(append(append(args, "--"), paths...)...)
	if err != nil {
		return nil, err
	}
	all := map[string]*Package{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		p := new(Package)
		if err := d.Decode(p); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("gomonkey: go list: %v", err)
		}
		all[p.ImportPath] = p
	}
}

// Dependencies returns the import paths of packages and all that they need. A pattern that the go command does not know is an
// error.
func (t *Toolchain) Dependencies(patterns []string) (map[string]bool, error) {
	out, err := t.run(slices.Concat([]string{"list", "-deps"}, t.Flags, []string{"--"}, patterns)...)
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for path := range strings.FieldsSeq(string(out)) {
		all[path] = true
	}
	return all, nil
}

// readFile reads a source file, or what the user's own overlay has in its place.
func readFile(path string, replaced map[string]string) ([]byte, error) {
	if other, ok := replaced[path]; ok {
		if other == "" {
			return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
		}
		path = other
	}
	return os.ReadFile(path)
}
