package coro

// Registry opens the table of routines to its test.
type Registry = registry

func (g *registry) Add(r *Routine)          { g.add(r) }
func (g *registry) Remove(r *Routine)       { g.remove(r) }
func (g *registry) Find(gid int64) *Routine { return g.find(gid) }
func (g *registry) Size() int               { return len(*g.table.Load()) }

// WithID makes a Routine that is good for nothing but to be found by its goroutine's id.
func WithID(gid int64) *Routine { return &Routine{gid: gid} }
