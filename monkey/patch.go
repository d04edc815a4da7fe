package monkey

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// Names returns the names of all that can be patched in some way, in order: those of the standard library, and the packages that
// the program was built with -patch for.
func Names() []string {
	names := slices.Clone(standard)
	for _, s := range sites() {
		if s.on != nil && s.group != inner && !slices.Contains(names, s.group) {
			names = append(names, s.group)
		}
	}
	slices.Sort(names[len(standard):])
	return names
}

// standard are the names of the standard library.
var standard = []string{"time", "net", "dns", "tls", "http", "os", "exec", "sql", "sync"}

// inner is the group of the sites that make the others work.
const inner = "inner"

// state is what is patched, besides what the sites themselves say.
var state struct {
	mu    sync.Mutex
	undo  map[string]map[string]func() // of plain patches, by name and target
	asked *settings                    // of the last PatchAll that has done something
}

type settings struct {
	only, except []string
	args         map[string]any
}

// An Option changes what [PatchAll] does.
type Option func(*settings)

// Except leaves names out: patch_all(thread=False).
func Except(names ...string) Option {
	return func(s *settings) { s.except = append(s.except, names...) }
}

// Only leaves all other names out.
func Only(names ...string) Option {
	return func(s *settings) { s.only = append(s.only, names...) }
}

// Arg passes something to the subscribers, which PatchAll itself knows nothing of: patch_all(name=value).
func Arg(name string, value any) Option {
	return func(s *settings) {
		if s.args == nil {
			s.args = map[string]any{}
		}
		s.args[name] = value
	}
}

// PatchAll patches all that can be patched in this program, and reports what that is: monkey.patch_all. It may be
// called at any time, on any goroutine, and before or after anything else; calls that are under way are not
// touched. What is patched already stays so, and doing it again does nothing.
//
// An error is that of a subscriber, or an unknown name in an option, and then nothing, or no more, is patched.
func PatchAll(opts ...Option) (Report, error) {
	s := new(settings)
	for _, opt := range opts {
		if opt != nil {
			opt(s)
		}
	}
	known := Names()
	for _, name := range slices.Concat(s.only, s.except) {
		if !slices.Contains(known, name) {
			return Report{}, unknown(name)
		}
	}
	names := slices.DeleteFunc(known, func(name string) bool {
		return len(s.only) > 0 && !slices.Contains(s.only, name) || slices.Contains(s.except, name)
	})
	state.mu.Lock()
	defer state.mu.Unlock()
	var r Report
	if state.asked != nil && !reflect.DeepEqual(state.asked, s) {
		r.Warning = "monkey: patching more than once, what is patched is the union of all that was asked for"
	}
	state.asked = s
	err := r.patchAll(names, s.args)
	r.complete(names)
	return r, err
}

func (r *Report) patchAll(names []string, args map[string]any) error {
	due := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return len(candidates(name)) == 0 })
	if len(due) == 0 {
		return nil
	}
	if err := tell(&WillPatchAll{due, args}); err != nil {
		return r.vetoed(err)
	}
	if err := r.patch(due); err != nil {
		return err
	}
	if err := inform(&DidPatchBuiltins{due, args}); err != nil {
		return err
	}
	return inform(&DidPatchAll{due, args})
}

// vetoed notes a veto. Other errors are returned.
func (r *Report) vetoed(err error) error {
	if !errors.Is(err, ErrDoNotPatch) {
		return err
	}
	r.Outcome = Vetoed
	return nil
}

// Patch patches names, as PatchAll does, and reports of them. A name is one of [Names], or that of one function or variable as
// a [Report] has it. An unknown one is an error, and then nothing is patched.
func Patch(names ...string) (Report, error) {
	state.mu.Lock()
	defer state.mu.Unlock()
	var r Report
	for _, name := range names {
		if !isKnown(name) {
			return r, unknown(name)
		}
	}
	err := r.patch(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return len(candidates(name)) == 0 }))
	r.complete(names)
	return r, err
}

func unknown(name string) error {
	return fmt.Errorf("monkey: %q cannot be patched: there are %s", name, strings.Join(Names(), ", "))
}

func isKnown(name string) bool {
	return slices.Contains(Names(), name) || len(targets(name)) > 0
}

// patch patches names of which something is left to do.
func (r *Report) patch(names []string) error {
	vetoed := 0
	for _, name := range names {
		e := &WillPatch{name, candidates(name)}
		if err := tell(e); errors.Is(err, ErrDoNotPatch) {
			vetoed++
			r.Entries = append(r.Entries, Entry{Name: name, Why: "a subscriber did not want it"})
			continue
		} else if err != nil {
			return err
		}
		some := false
		for _, target := range targets(name) {
			if slices.Contains(e.Targets, target.name) && !target.on() {
				target.set(true)
				some = true
			}
		}
		if some {
			r.Outcome = Patched
		}
		settle()
		if err := inform(&DidPatch{name, patchedOf(name)}); err != nil {
			return err
		}
	}
	if vetoed > 0 && r.Outcome == Unchanged {
		r.Outcome = Vetoed
	}
	return nil
}

// IsPatched reports whether a name is patched, or part of it; or a function or variable, as "time.Sleep":
// is_module_patched and is_object_patched. What is not known is not patched.
func IsPatched(name string) bool {
	state.mu.Lock()
	defer state.mu.Unlock()
	return len(patchedOf(name)) > 0
}

// Unpatch takes back what was patched; without names, all. gevent cannot. Calls that are under way come back as they left.
// Unknown names are ignored.
func Unpatch(names ...string) {
	state.mu.Lock()
	defer state.mu.Unlock()
	if len(names) == 0 {
		names = Names()
	}
	for _, name := range names {
		for _, t := range targets(name) {
			if t.on() {
				t.set(false)
			}
		}
	}
	settle()
	state.asked = nil
}

// Original calls fn with nothing patched for the calling task, so that what blocks blocks the loop: get_original. It
// returns when fn does. In other goroutines it just calls fn.
func Original(fn func()) {
	if fn == nil {
		panic("monkey: Original was called with a nil function")
	}
	loop.Original(fn)
}
