package monkey

import (
	"errors"
	"slices"
	"sync"
)

// ErrDoNotPatch is returned by a subscriber that does not want what a [WillPatch] or [WillPatchAll] announces:
// gevent.events.DoNotPatch.
var ErrDoNotPatch = errors.New("monkey: do not patch")

// An Event is what subscribers are told of: a pointer to one of the structs whose names begin with Will or Did.
type Event interface{ isEvent() }

// A WillPatchAll comes before all others: GeventWillPatchAllEvent.
type WillPatchAll struct {
	// Names are those that are asked for and not patched yet.
	Names []string
	// Args are those of [Arg].
	Args map[string]any
}

// A WillPatch comes before a name is patched: GeventWillPatchModuleEvent.
type WillPatch struct {
	// Name is one of [Names], or what [Patch] was given.
	Name string
	// Targets are its functions and variables that are not patched yet. A subscriber may take some out, and they are left alone.
	Targets []string
}

// A DidPatch comes after a name was patched: GeventDidPatchModuleEvent.
type DidPatch struct {
	// Name is that of the [WillPatch].
	Name string
	// Targets are its functions and variables that are patched now.
	Targets []string
}

// A DidPatchBuiltins comes when [PatchAll] has patched all it can: GeventDidPatchBuiltinModulesEvent. It is the place to
// patch something of one's own.
type DidPatchBuiltins struct {
	// Names are those of the [WillPatchAll].
	Names []string
	// Args are those of [Arg].
	Args map[string]any
}

// A DidPatchAll is the last: GeventDidPatchAllEvent.
type DidPatchAll struct {
	// Names are those of the [WillPatchAll].
	Names []string
	// Args are those of [Arg].
	Args map[string]any
}

func (*WillPatchAll) isEvent()     {}
func (*WillPatch) isEvent()        {}
func (*DidPatch) isEvent()         {}
func (*DidPatchBuiltins) isEvent() {}
func (*DidPatchAll) isEvent()      {}

// subscribers are told in the order in which they came.
var subscribers struct {
	mu  sync.Mutex
	all []*func(Event) error
}

// Subscribe has fn told of each event, until unsubscribe is called: gevent.events.subscribers. It is called by the goroutine that
// patches. [ErrDoNotPatch] is its veto, which counts for the Will events; another error ends the patching, which
// returns it. Subscribe panics if fn is nil.
func Subscribe(fn func(Event) error) (unsubscribe func()) {
	if fn == nil {
		panic("monkey: Subscribe was called with a nil function")
	}
	subscribers.mu.Lock()
	defer subscribers.mu.Unlock()
	subscribers.all = append(subscribers.all, &fn)
	return func() {
		subscribers.mu.Lock()
		defer subscribers.mu.Unlock()
		subscribers.all = slices.DeleteFunc(subscribers.all, func(p *func(Event) error) bool { return p == &fn })
	}
}

// tell tells all subscribers. A veto ends it at once.
func tell(e Event) error {
	subscribers.mu.Lock()
	all := slices.Clone(subscribers.all)
	subscribers.mu.Unlock()
	for _, fn := range all {
		if err := (*fn)(e); err != nil {
			return err
		}
	}
	return nil
}

// inform is tell for what has happened already, where a veto comes too late.
func inform(e Event) error {
	if err := tell(e); !errors.Is(err, ErrDoNotPatch) {
		return err
	}
	return nil
}
