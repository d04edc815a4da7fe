package overlay

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// fetchModules makes copies of the modules in the module cache whose packages are to be patched, because the go command
// refuses an overlay of that folder. The build is told to take the copies, by another go.mod or go.work beside the
// user's, which stay as they are.
func (b *builder) fetchModules(sites []Site) error {
	copies := map[string]*Module{} // by path
	for _, s := range sites {
		p := b.packages[s.Path]
		if p == nil || p.Standard || p.Module == nil || !b.inModuleCache(p.Dir) {
			continue
		}
		m := p.Module
		from := m
		if m.Replace != nil {
			from = m.Replace
		}
		to := filepath.Join(b.cache.dir, "modules", filepath.FromSlash(escape(from.Path))+"@"+from.Version)
		if err := copyModule(from.Dir, to); err != nil {
			return fmt.Errorf("gomonkey: the cache cannot be written: %v; name another folder by %s", err, CacheVariable)
		}
		rel, err := filepath.Rel(from.Dir, p.Dir)
		if err != nil {
			return fmt.Errorf("gomonkey: %s: %v", s.Path, err)
		}
		p.Dir = filepath.Join(to, rel)
		copies[m.Path] = &Module{Path: m.Path, Version: m.Version, Dir: to}
	}
	if len(copies) == 0 {
		return nil
	}
	if work := b.tools.Env["GOWORK"]; work != "" && work != "off" {
		return b.replaceInWork(work, copies)
	}
	return b.replaceInMod(copies)
}

func (b *builder) inModuleCache(dir string) bool {
	rel, err := filepath.Rel(b.tools.Env["GOMODCACHE"], dir)
	return err == nil && filepath.IsLocal(rel)
}

// escape spells a module's path for file systems that do not tell upper case from lower.
func escape(path string) string {
	var b strings.Builder
	for _, r := range path {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte('!')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// copyModule copies a module out of the module cache, once.
func copyModule(from, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(to), ".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.CopyFS(filepath.Join(temp, "m"), os.DirFS(from)); err != nil {
		return err
	}
	// A module in the cache is read-only, and a copy that nobody can delete is a nuisance.
	err = filepath.WalkDir(temp, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.Chmod(path, 0o777)
		}
		return os.Chmod(path, 0o666)
	})
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(temp, "m", "go.mod")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has no go.mod", from)
	}
	if err := os.Rename(filepath.Join(temp, "m"), to); err != nil {
		if _, there := os.Stat(to); there == nil {
			return nil // somebody else was faster
		}
		return err
	}
	return nil
}

// replaceInMod writes a go.mod that replaces modules by their copies, with its go.sum.
func (b *builder) replaceInMod(copies map[string]*Module) error {
	name := b.tools.Env["GOMOD"]
	for _, f := range b.tools.Flags {
		if value, ok := strings.CutPrefix(f, "-modfile="); ok {
			name = absolute(b.tools.Dir, value)
		}
	}
	return b.replaceIn(name, "go.mod", "mod", copies, func(to string) { b.build.Flags = append(b.build.Flags, "-modfile="+to) })
}

// replaceInWork is replaceInMod for a workspace.
func (b *builder) replaceInWork(name string, copies map[string]*Module) error {
	return b.replaceIn(name, "go.work", "work", copies, func(to string) { b.build.Env = append(b.build.Env, "GOWORK="+to) })
}

func (b *builder) replaceIn(name, base, command string, copies map[string]*Module, use func(to string)) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("gomonkey: %v", err)
	}
	sum, err := os.ReadFile(strings.TrimSuffix(name, filepath.Ext(name)) + map[string]string{"mod": ".sum", "work": ".work.sum"}[command])
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("gomonkey: %v", err)
	}
	temp, err := os.MkdirTemp("", "gomonkey-*")
	if err != nil {
		return fmt.Errorf("gomonkey: %v", err)
	}
	defer os.RemoveAll(temp)
	edited := filepath.Join(temp, base)
	if err := os.WriteFile(edited, text, 0o666); err != nil {
		return fmt.Errorf("gomonkey: %v", err)
	}
	// The go command's own -replace does not take every folder: with an @ in its name it seems to have a version.
	args := []string{command, "edit"}
	var replace strings.Builder
	for _, path := range sorted(copies) {
		m := copies[path]
		args = append(args, "-dropreplace="+m.Path+"@"+m.Version)
		fmt.Fprintf(&replace, "\nreplace %s %s => %s\n", strconv.Quote(m.Path), m.Version, strconv.Quote(m.Dir))
	}
	if command == "work" {
		more, err := b.absoluteUses(name)
		if err != nil {
			return err
		}
		args = append(args, more...)
	}
	if _, err := b.tools.run(append(args, edited)...); err != nil {
		return err
	}
	if text, err = os.ReadFile(edited); err != nil {
		return fmt.Errorf("gomonkey: %v", err)
	}
	text = append(text, replace.String()...)
	to, err := b.cache.writeFolder(map[string][]byte{base: text, base[:3] + map[string]string{"mod": "sum", "work": "work.sum"}[command]: sum})
	use(filepath.Join(to, base))
	return err
}

// absoluteUses returns the edits by which the folders in a go.work are found from another place.
func (b *builder) absoluteUses(name string) ([]string, error) {
	out, err := b.tools.run("work", "edit", "-json", name)
	if err != nil {
		return nil, err
	}
	var work struct {
		Use     []struct{ DiskPath string }
		Replace []struct {
			Old, New struct{ Path, Version string }
		}
	}
	if err := json.Unmarshal(out, &work); err != nil {
		return nil, fmt.Errorf("gomonkey: %s: %v", name, err)
	}
	var args []string
	for _, u := range work.Use {
		if !filepath.IsAbs(u.DiskPath) {
			args = append(args, "-dropuse="+u.DiskPath, "-use="+filepath.Join(filepath.Dir(name), u.DiskPath))
		}
	}
	for _, r := range work.Replace {
		if r.New.Version == "" && !filepath.IsAbs(r.New.Path) {
			old := r.Old.Path
			if r.Old.Version != "" {
				old += "@" + r.Old.Version
			}
			args = append(args, "-replace="+old+"="+filepath.Join(filepath.Dir(name), r.New.Path))
		}
	}
	return args, nil
}
