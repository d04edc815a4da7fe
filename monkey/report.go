package monkey

import (
	"fmt"
	"path"
	"runtime/debug"
	"slices"
	"strings"
)

// An Outcome says what [PatchAll] or [Patch] has done.
type Outcome int

const (
	// Unchanged is when there was nothing to do, because it was done before: None in Python.
	Unchanged Outcome = iota
	// Patched is when something was patched: True.
	Patched
	// Vetoed is when a subscriber did not want any of it: False.
	Vetoed
)

// String returns the name of the outcome.
func (o Outcome) String() string {
	switch o {
	case Unchanged:
		return "unchanged"
	case Patched:
		return "patched"
	case Vetoed:
		return "vetoed"
	}
	return fmt.Sprintf("Outcome(%d)", int(o))
}

// A Report says what is patched and what is not.
type Report struct {
	// Outcome is what was done.
	Outcome Outcome
	// Entries has one for each name that was asked for, in a fixed order.
	Entries []Entry
	// Warning is set if an earlier PatchAll asked for something else: what is patched now is the union.
	Warning string
}

// An Entry is what a [Report] says of one name.
type Entry struct {
	// Name is what was asked for.
	Name string
	// Patched says whether at least some of it is patched.
	Patched bool
	// Targets are the functions and variables that are patched.
	Targets []string
	// Why says why the name is not patched, or which part of it is not.
	Why string
	// Command is the one that builds the program so that all of it can be patched, if there is one.
	Command string
}

// Missing returns the entries of what is not patched, or not all of it.
func (r Report) Missing() []Entry {
	var missing []Entry
	for _, e := range r.Entries {
		if e.Why != "" {
			missing = append(missing, e)
		}
	}
	return missing
}

// String returns the report with a line for each name.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "monkey: %s", r.Outcome)
	for _, e := range r.Entries {
		fmt.Fprintf(&b, "\n%s: ", e.Name)
		if e.Patched {
			fmt.Fprintf(&b, "patched: %s", strings.Join(e.Targets, ", "))
		} else {
			b.WriteString("not patched")
		}
		if e.Why != "" {
			fmt.Fprintf(&b, "; %s", e.Why)
		}
		if e.Command != "" {
			fmt.Fprintf(&b, ": %s", e.Command)
		}
	}
	if r.Warning != "" {
		fmt.Fprintf(&b, "\n%s", r.Warning)
	}
	return b.String()
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
	case e.Patched && built && slices.Contains(standard, name) && !inBuild(name):
		e.Why, e.Command = "the program was built without the rest of it; build it by", command(name)
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

// command returns the command that builds this program with a group.
func command(name string) string {
	verb, program := "run", "."
	if info, ok := debug.ReadBuildInfo(); ok && info.Path != "" && info.Path != "command-line-arguments" {
		if program = info.Path; path.Ext(program) == ".test" {
			verb, program = "test", strings.TrimSuffix(program, ".test")
		}
	}
	patch := ""
	if name == "sync" {
		patch = "-patch aggressive "
	}
	return fmt.Sprintf("go run github.com/asyncgo/asyncgo/monkey/cmd/gomonkey %s %s%s", verb, patch, program)
}
