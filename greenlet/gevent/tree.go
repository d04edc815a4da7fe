package gevent

import (
	"fmt"
	"strings"
	"sync/atomic"
	"weak"
)

var trackTree atomic.Bool

// TrackGreenletTree has greenlets remember whom they spawn, for [CurrentTree], or not, which is the default:
// config.track_greenlet_tree. It holds for greenlets that are started from now on, and costs some allocations each. It
// returns what was set before.
func TrackGreenletTree(on bool) (previous bool) { return trackTree.Swap(on) }

// lineage is what a greenlet knows of its relations.
type lineage struct {
	self     Joinable
	children []weak.Pointer[core]
}

// track notes that the caller spawns g.
func (c *core) track(g Joinable) {
	c.lineage = &lineage{self: g}
	by, err := me()
	if err != nil {
		return // a callback, which is nobody
	}
	if by.lineage == nil {
		by.lineage = &lineage{}
	}
	kept := by.lineage.children[:0]
	for _, p := range by.lineage.children {
		if p.Value() != nil {
			kept = append(kept, p)
		}
	}
	by.lineage.children = append(kept, weak.Make(c))
}

// A GreenletTree is a greenlet and those that it has spawned: gevent.util.GreenletTree.
type GreenletTree struct {
	// Name is that of the greenlet, "main" for the goroutine of the hub.
	Name string
	// State says whether it runs or how it has ended, as "finished with value 42".
	State string
	// WaitsFor says what a greenlet waits for that has not ended, if that is known.
	WaitsFor string
	// SpawnedAt says where it was spawned, as file:line.
	SpawnedAt string
	// Children are those that it has spawned, in that order; of those that have ended only who is still referenced.
	Children []*GreenletTree
}

// CurrentTree returns the greenlets of the caller's hub: GreenletTree.current_tree(). It knows who has spawned whom as far as
// [TrackGreenletTree] was on; the other greenlets, also those whose spawner is forgotten, are children of main. Without
// a hub there is main alone.
func CurrentTree() *GreenletTree {
	c, err := me()
	if err != nil {
		return &GreenletTree{Name: "main"}
	}
	root := &GreenletTree{Name: "main"}
	seen := map[*core]bool{}
	tasks := c.l.Tasks()
	for _, t := range tasks {
		if k := coreOf(t); k != nil && k.main != nil {
			root = k.tree(seen)
		}
	}
	// Who was spawned by somebody that is shown comes there, and not below main.
	spawned := map[*core]bool{}
	for _, t := range tasks {
		if k := coreOf(t); k != nil && k.lineage != nil {
			for _, p := range k.lineage.children {
				spawned[p.Value()] = true
			}
		}
	}
	for _, t := range tasks {
		if k := coreOf(t); k != nil && !seen[k] && !spawned[k] {
			root.Children = append(root.Children, k.tree(seen))
		}
	}
	settle()
	return root
}

// tree returns the greenlet with those it has spawned.
func (c *core) tree(seen map[*core]bool) *GreenletTree {
	seen[c] = true
	n := &GreenletTree{Name: c.describe(), State: c.outcome()}
	if c.spawnedAt[0] != 0 {
		n.SpawnedAt = place(c.spawnedAt[:])
	}
	if !c.Ready() && c.task != nil {
		n.WaitsFor = c.task.WaitsFor()
	}
	if c.lineage == nil {
		return n
	}
	for _, p := range c.lineage.children {
		if k := p.Value(); k != nil && !seen[k] {
			n.Children = append(n.Children, k.tree(seen))
		}
	}
	return n
}

// outcome says what has become of the greenlet.
func (c *core) outcome() string {
	switch {
	case !c.Ready():
		return ""
	case c.exit:
		return "finished with value GreenletExit"
	case c.err != nil:
		return "finished with exception " + c.err.Error()
	}
	if c.lineage != nil {
		if v, ok := c.lineage.self.(interface{ result() any }); ok {
			return fmt.Sprintf("finished with value %v", v.result())
		}
	}
	return "finished"
}

func (g *Greenlet[T]) result() any { return g.value }

// Lines returns the tree as text, a line for each greenlet and where it was spawned: format_lines().
func (n *GreenletTree) Lines() []string {
	return n.lines(nil, "")
}

func (n *GreenletTree) lines(lines []string, indent string) []string {
	text := fmt.Sprintf("<Greenlet %q>", n.Name)
	if n.State != "" {
		text += "; " + n.State
	}
	if n.WaitsFor != "" {
		text += "; waits for " + n.WaitsFor
	}
	if indent == "" {
		lines = append(lines, text)
		indent = " "
	} else {
		lines = append(lines, indent+"+--- "+text)
		indent += "|    "
	}
	if n.SpawnedAt != "" {
		lines = append(lines, indent+":    Spawned at: "+n.SpawnedAt)
	}
	for _, k := range n.Children {
		lines = k.lines(lines, indent)
	}
	return lines
}

// String returns the tree as text: format().
func (n *GreenletTree) String() string { return strings.Join(n.Lines(), "\n") }
