package monkey

import (
	"maps"
	"slices"
	"sync/atomic"
)

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
