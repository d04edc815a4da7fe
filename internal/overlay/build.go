package overlay

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
)

// A Build is what the go command has to be told.
type Build struct {
	Sites []Found
	File  string   // for -overlay
	Flags []string // besides -overlay and the tag
	Env   []string // besides that of the process
}

// A Found is a site with the place where it was found.
type Found struct {
	Site
	Full string // its name, as package monkey has it
	File string
	Line int
}

// Tag is the build tag by which package monkey knows that the overlay is there.
const Tag = "gomonkey"

// everywhere is a package with sites that every program has.
const everywhere = "internal/sync"

// A builder makes one build.
type builder struct {
	tools    *Toolchain
	cache    *cache
	replaced map[string]string // by the user's own overlay
	packages map[string]*Package
	sources  map[string]*source
	found    []Found
	groups   string            // of the standard library, in the specification
	slept    []registered      // sites of package runtime
	out      map[string]string // what the overlay will say
	build    *Build
}

// Make makes the overlay for a Spec, with its files in the folder of the cache. User is the name of an overlay that the
// user has given, or "".
func Make(spec *Spec, tools *Toolchain, folder, user string) (*Build, error) {
	b, err := newBuilder(tools, user)
	if err != nil {
		return nil, err
	}
	if b.cache, err = openCache(folder, tools); err != nil {
		return nil, err
	}
	sites, err := b.resolve(spec)
	if err != nil {
		return nil, err
	}
	if err := b.fetchModules(sites); err != nil {
		return nil, err
	}
	if err := b.rewrite(sites); err != nil {
		return nil, err
	}
	b.build.Sites = b.found
	b.build.File, err = b.cache.writeOverlay(b.out)
	return b.build, err
}

// Find is Make without writing anything: it returns the sites only.
func Find(spec *Spec, tools *Toolchain, user string) ([]Found, error) {
	b, err := newBuilder(tools, user)
	if err != nil {
		return nil, err
	}
	sites, err := b.resolve(spec)
	if err != nil {
		return nil, err
	}
	err = b.rewrite(sites)
	return b.found, err
}

func newBuilder(tools *Toolchain, user string) (*builder, error) {
	b := &builder{
		tools: tools, sources: map[string]*source{}, out: map[string]string{}, replaced: map[string]string{},
		build: &Build{},
	}
	if user == "" {
		return b, nil
	}
	return b, b.readUser(user)
}

// readUser takes in an overlay of the user's own. What it replaces is what is patched.
func (b *builder) readUser(name string) error {
	text, err := readFile(absolute(b.tools.Dir, name), nil)
	if err != nil {
		return fmt.Errorf("gomonkey: -overlay: %v", err)
	}
	var o struct{ Replace map[string]string }
	if err := json.Unmarshal(text, &o); err != nil {
		return fmt.Errorf("gomonkey: -overlay: %s: %v", name, err)
	}
	for from, to := range o.Replace {
		if to != "" {
			to = absolute(b.tools.Dir, to)
		}
		b.replaced[absolute(b.tools.Dir, from)] = to
	}
	for from, to := range b.replaced {
		b.out[from] = to
	}
	return nil
}

func absolute(dir, path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// resolve finds the packages of a Spec, and which sites its names mean.
func (b *builder) resolve(spec *Spec) ([]Site, error) {
	sites := spec.standardSites(b.tools.Env["GOOS"])
	b.groups = strings.Join(spec.groups, ",")
	paths := []string{"runtime"}
	for _, s := range sites {
		paths = append(paths, s.Path)
	}
	meanings := make([][]Site, len(spec.names))
	for i, name := range spec.names {
		meanings[i], _ = candidates(name) // which ParseSpec has looked at
		for _, s := range meanings[i] {
			paths = append(paths, s.Path)
		}
	}
	slices.Sort(paths)
	var err error
	if b.packages, err = b.tools.list(slices.Compact(paths)); err != nil {
		return nil, err
	}
	for i, name := range spec.names {
		n := slices.IndexFunc(meanings[i], func(s Site) bool {
			p := b.packages[s.Path]
			return p != nil && p.Dir != "" && len(p.GoFiles)+len(p.CgoFiles) > 0
		})
		if n < 0 {
			why := ""
			if p := b.packages[meanings[i][0].Path]; p != nil && p.Error != nil {
				why = ": " + strings.TrimSpace(p.Error.Err)
			}
			return nil, fmt.Errorf("gomonkey: %s: there is no such package in this build%s", name, why)
		}
		s := meanings[i][n]
		if slices.ContainsFunc(sites, s.is) {
			continue
		}
		if isBelow(s.Path) {
			return nil, fmt.Errorf("gomonkey: %s cannot be patched: package %s is below the hook%s", s.Name(), s.Path, instead[s.Path])
		}
		sites = append(sites, known(s, b.tools.Env["GOOS"]))
	}
	return sites, nil
}

// rewrite makes the files.
func (b *builder) rewrite(sites []Site) error {
	byPackage := map[string][]Site{}
	for _, s := range sites {
		byPackage[s.Path] = append(byPackage[s.Path], s)
	}
	for _, path := range sorted(byPackage) {
		if err := b.rewritePackage(path, byPackage[path]); err != nil {
			return err
		}
	}
	if err := b.rewriteRuntime(); err != nil {
		return err
	}
	for _, path := range sorted(b.sources) {
		s := b.sources[path]
		if len(s.edits) == 0 {
			continue
		}
		text, err := s.bytes()
		if err != nil {
			return err
		}
		if err := b.put(path, text); err != nil {
			return err
		}
	}
	return nil
}

// put has the overlay replace a file.
func (b *builder) put(path string, text []byte) error {
	if b.cache == nil {
		return nil
	}
	to, err := b.cache.write(path, text)
	b.out[path] = to
	return err
}

func (b *builder) rewritePackage(path string, sites []Site) error {
	p := b.packages[path]
	if p == nil || p.Dir == "" {
		return fmt.Errorf("gomonkey: package %s is not there, which %s has patched", path, b.tools.Env["GOVERSION"])
	}
	var (
		registry []registered
		needs    []string
		name     string
	)
	for _, site := range sites {
		s, f, err := b.locate(p, site)
		if err != nil {
			return err
		}
		if site.Kind == Sleep && f.Body == nil {
			if err := b.patchSleep(site); err != nil {
				return err
			}
			continue
		}
		more, err := s.patch(site, f, len(registry))
		if err != nil {
			return err
		}
		if err := b.checkNeeds(p, site, f, more); err != nil {
			return err
		}
		if f.Body == nil {
			if err := b.relink(path+"."+site.Func, path+"."+originalPrefix+site.Func); err != nil {
				return err
			}
		}
		full := fullName(site, f)
		name, needs = s.file.Name.Name, append(needs, more...)
		registry = append(registry, registered{site.Group, full})
		b.found = append(b.found, Found{site, full, s.path, s.fset.Position(f.Pos()).Line})
	}
	if len(registry) == 0 {
		return nil
	}
	slices.Sort(needs)
	groups := ""
	if path == everywhere {
		groups = b.groups
	}
	text, err := extra(name, registry, slices.Compact(needs), groups)
	if err != nil {
		return err
	}
	return b.put(filepath.Join(p.Dir, ExtraFile), text)
}

// checkNeeds finds what a wrapper calls and uses besides the original. What is missing would be an error of the compiler, in a
// file that nobody knows.
func (b *builder) checkNeeds(p *Package, site Site, f *ast.FuncDecl, extras []string) error {
	var needs []Site
	if site.try != "" {
		needs = append(needs, Site{Path: site.Path, Recv: site.Recv, Func: site.try})
	}
	for _, name := range extras {
		needs = append(needs, required[name]...)
	}
	for _, need := range needs {
		if _, _, err := b.locate(p, need); err != nil {
			return fmt.Errorf("%w, which the wrapper of %s needs", err, fullName(site, f))
		}
	}
	for _, parameter := range []string{site.parameter, site.depth} {
		if parameter != "" && !slices.ContainsFunc(f.Type.Params.List, func(field *ast.Field) bool {
			return slices.ContainsFunc(field.Names, func(name *ast.Ident) bool { return name.Name == parameter })
		}) {
			return fmt.Errorf("gomonkey: %s has no parameter %s any more", fullName(site, f), parameter)
		}
	}
	return nil
}

// locate finds the declaration of a site.
func (b *builder) locate(p *Package, site Site) (*source, *ast.FuncDecl, error) {
	for _, name := range p.GoFiles {
		s, err := b.source(filepath.Join(p.Dir, name))
		if err != nil {
			return nil, nil, err
		}
		if f := s.find(site); f != nil {
			return s, f, nil
		}
	}
	for _, name := range p.CgoFiles {
		s, err := b.source(filepath.Join(p.Dir, name))
		if err != nil {
			return nil, nil, err
		}
		if s.find(site) != nil {
			return nil, nil, fmt.Errorf("gomonkey: %s is in a file of cgo, which cannot be patched", site.Name())
		}
	}
	where := "for " + b.tools.Env["GOOS"] + "/" + b.tools.Env["GOARCH"]
	if p.Standard {
		where = "in " + b.tools.Env["GOVERSION"] + " " + where
	}
	return nil, nil, fmt.Errorf("gomonkey: there is no function %s %s", site.Name(), where)
}

// source returns a file of which parts may have been edited already.
func (b *builder) source(path string) (*source, error) {
	if s := b.sources[path]; s != nil {
		return s, nil
	}
	s, err := parseSource(path, b.replaced)
	if err != nil {
		return nil, err
	}
	b.sources[path] = s
	return s, nil
}
