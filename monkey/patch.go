package monkey

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

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

// A target is a function or variable that can be patched.
type target struct {
	name string
	on   func() bool
	set  func(on bool)
}

// targets returns what belongs to a name, or is called so.
func targets(name string) []target {
	var all []target
	overlay := false
	for _, s := range sites() {
		if s.on == nil || s.group == inner {
			continue
		}
		overlay = overlay || s.group == name
		if s.group == name || s.name == name {
			all = append(all, target{
				name: s.name,
				on:   func() bool { return atomic.LoadUint32(s.on) != 0 },
				set: func(on bool) {
					var v uint32
					if on {
						v = 1
					}
					atomic.StoreUint32(s.on, v)
				},
			})
		}
	}
	if overlay {
		return all
	}
	for _, group := range slices.Sorted(maps.Keys(plain)) {
		if slices.ContainsFunc(sites(), func(s overlaid) bool { return s.group == group }) {
			continue // the overlay does more
		}
		for _, p := range plain[group].patches {
			if group == name || p.target == name {
				all = append(all, plainTarget(group, p))
			}
		}
	}
	return all
}

func plainTarget(group string, p plainPatch) target {
	return target{
		name: p.target,
		on:   func() bool { return state.undo[group][p.target] != nil },
		set: func(on bool) {
			if !on {
				state.undo[group][p.target]()
				delete(state.undo[group], p.target)
				return
			}
			if state.undo == nil {
				state.undo = map[string]map[string]func(){}
			}
			if state.undo[group] == nil {
				state.undo[group] = map[string]func(){}
			}
			state.undo[group][p.target] = p.patch()
		},
	}
}

// candidates returns the names of what belongs to a name and is not patched.
func candidates(name string) []string { return namesOf(name, false) }

func patchedOf(name string) []string { return namesOf(name, true) }

func namesOf(name string, on bool) []string {
	var names []string
	for _, t := range targets(name) {
		if t.on() == on {
			names = append(names, t.name)
		}
	}
	return names
}

// settle sets what follows from what is patched.
func settle() {
	some, locks := uint32(0), false
	for _, s := range sites() {
		if s.on != nil && s.group != inner && atomic.LoadUint32(s.on) != 0 {
			some = 1
			locks = locks || s.group == "sync"
		}
	}
	allLocks.Store(locks)
	if some != 0 {
		setHooks(theHooks)
	}
	for _, s := range sites() {
		if s.on != nil && s.group == inner {
			atomic.StoreUint32(s.on, some)
		}
	}
}

// complete adds the entries that are missing, in the order of names.
func (r *Report) complete(names []string) {
	var all []Entry
	for _, name := range names {
		i := slices.IndexFunc(r.Entries, func(e Entry) bool { return e.Name == name })
		if i >= 0 {
			all = append(all, r.Entries[i])
		} else {
			all = append(all, entry(name))
		}
	}
	r.Entries = all
}

// entry says what is to be said of a name.
func entry(name string) Entry {
	e := Entry{Name: name, Targets: patchedOf(name)}
	e.Patched = len(e.Targets) > 0
	switch left := candidates(name); {
	case e.Patched && len(left) > 0:
		e.Why = strings.Join(left, ", ") + " is not patched"
	case e.Patched && plain[name].without != "" && !inBuild(name):
		e.Why, e.Command = plain[name].without, command(name)
	case e.Patched:
	case len(left) > 0:
		e.Why = "nobody has asked for it"
	case inBuild(name):
		e.Why = "the program does not have the package"
	case built:
		e.Why, e.Command = "the program was built without it; build it by", command(name)
	default:
		e.Why, e.Command = "Go cannot replace functions at run time; build the program by", command(name)
	}
	return e
}

// inBuild reports whether the program was built with a group of the standard library.
func inBuild(name string) bool {
	for _, s := range sites() {
		if s.on == nil && slices.Contains(strings.Split(s.name, ","), name) {
			return true
		}
	}
	return false
}
