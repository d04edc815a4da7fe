package gevent

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/asyncgo/asyncgo/internal/loop"
)

// A Group keeps track of greenlets: gevent.pool.Group. They leave it when they end. The zero value is an empty
// group without a limit. One that is made by [NewPool] has a limit, and is gevent.pool.Pool.
type Group struct {
	limited bool
	slots   *Semaphore // of one that is limited
	mu      sync.Mutex
	members []Joinable
	empty   *loop.Completion
}

// A Pool is a [Group] with a limit.
type Pool = Group

// NewPool makes a group of at most n greenlets: gevent.pool.Pool(n). What would be one more waits. It panics if n
// is negative.
func NewPool(n int) *Pool {
	if n < 0 {
		panic(fmt.Sprintf("gevent: the size of a pool must not be negative: %d", n))
	}
	return &Group{limited: true, slots: NewSemaphore(n)}
}

// SpawnIn spawns a greenlet in a group and waits for room before: group.spawn. The error is what was thrown at the
// caller meanwhile; then nothing was spawned.
func SpawnIn[T any](p *Group, fn func() (T, error)) (*Greenlet[T], error) {
	if fn == nil {
		panic("gevent: SpawnIn was called with a nil function")
	}
	if err := p.room(nil); err != nil {
		return nil, err
	}
	g := Spawn(fn)
	p.join(g)
	return g, nil
}

// Go is [SpawnIn] for a function without a result.
func (p *Group) Go(fn func()) (*Greenlet[Void], error) {
	return SpawnIn(p, func() (Void, error) {
		fn()
		return Void{}, nil
	})
}

// Spawn is [SpawnIn] for a function that returns nothing but an error.
func (p *Group) Spawn(fn func() error) (*Greenlet[Void], error) {
	return SpawnIn(p, func() (Void, error) { return Void{}, fn() })
}

// Add makes a greenlet a member, and waits for room before: add(greenlet, timeout). When the limit is over it
// returns [ErrPoolFull]; a limit of 0 does not wait.
func (p *Group) Add(g Joinable, limit ...time.Duration) error {
	if err := p.room(limit); err != nil {
		return err
	}
	p.join(g)
	return nil
}

// Start makes a greenlet that was not started a member and starts it, and waits for room before: start(greenlet, timeout).
// When the limit is over it returns [ErrPoolFull].
func (p *Group) Start(g interface {
	Joinable
	Start()
}, limit ...time.Duration) error {
	if err := p.Add(g, limit...); err != nil {
		return err
	}
	g.Start()
	return nil
}

// room takes a slot.
func (p *Group) room(limit []time.Duration) error {
	if !p.limited {
		return nil
	}
	ok, err := p.slots.Acquire(limit...)
	if err == nil && !ok {
		return ErrPoolFull
	}
	return err
}

func (p *Group) join(g Joinable) {
	p.mu.Lock()
	p.members = append(p.members, g)
	p.mu.Unlock()
	c := g.base()
	l := c.l
	if l == nil || c.Ready() {
		l = homeLoop()
	}
	(&link{l: l, fn: func() { p.Discard(g) }, tidies: true}).add(&c.done)
}

// Discard stops keeping track of a greenlet, which goes on: discard.
func (p *Group) Discard(g Joinable) {
	p.mu.Lock()
	i := slices.Index(p.members, g)
	if i < 0 {
		p.mu.Unlock()
		return
	}
	p.members = slices.Delete(p.members, i, i+1)
	c := p.empty
	if len(p.members) > 0 {
		c = nil
	} else {
		p.empty = nil
	}
	p.mu.Unlock()
	commit(c) // who waits for this goes before who waits for room
	if p.limited {
		p.slots.Release()
	}
}

// Len returns how many members there are.
func (p *Group) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.members)
}

// Contains reports whether g is a member.
func (p *Group) Contains(g Joinable) bool { return slices.Contains(p.Members(), g) }

// Members returns the members, in the order in which they came.
func (p *Group) Members() []Joinable {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.members)
}

// Full reports whether there is no room: full().
func (p *Group) Full() bool { return p.limited && p.slots.Locked() }

// FreeCount returns for how many there is room; one if there is no limit: free_count().
func (p *Group) FreeCount() int {
	if !p.limited {
		return 1
	}
	return p.slots.Counter()
}

// WaitAvailable waits until there is room and returns how much, 0 when the limit is over: wait_available(timeout).
func (p *Group) WaitAvailable(limit ...time.Duration) (int, error) {
	if !p.limited {
		return 1, nil
	}
	return p.slots.Wait(limit...)
}

// Join waits until the group is empty and reports true, or false when the limit is over: join(timeout).
func (p *Group) Join(limit ...time.Duration) (bool, error) {
	p.mu.Lock()
	if len(p.members) == 0 {
		p.mu.Unlock()
		return true, nil
	}
	if p.empty == nil {
		p.empty = new(loop.Completion)
	}
	c := p.empty
	p.mu.Unlock()
	return join(limit, c, p)
}

// JoinRaise is [Group.Join] and returns the error of one of the members, if one has failed: join(raise_error=True).
func (p *Group) JoinRaise() error {
	members := p.Members()
	if _, err := p.Join(); err != nil {
		return err
	}
	for _, g := range members {
		if err := g.Exception(); err != nil {
			return err
		}
	}
	return nil
}

// Kill throws [ErrGreenletExit] at all members and waits until the group is empty, or the limit is over: kill. A
// member is hit once by its group; one that has swallowed that goes on. Those that come meanwhile are hit, too.
func (p *Group) Kill(limit ...time.Duration) error {
	_, err := within(limit, func() error {
		for p.Len() > 0 {
			p.KillNowait()
			if _, err := p.Join(); err != nil {
				return err
			}
		}
		return nil
	})
	settle()
	return err
}

// KillNowait is [Group.Kill] without the wait: kill(block=False).
func (p *Group) KillNowait() {
	for _, g := range p.Members() {
		p.KillOneNowait(g)
	}
}

// KillOneNowait does it for one member: killone(greenlet, block=False).
func (p *Group) KillOneNowait(g Joinable) {
	if c := g.base(); p.Contains(g) && !c.shot && !c.Ready() {
		c.shot = true
		c.KillNowait()
	}
}

// KillOne kills one member and waits for its end: killone(greenlet). It does nothing to others.
func (p *Group) KillOne(g Joinable) error {
	if !p.Contains(g) || g.base().shot {
		return nil
	}
	g.base().shot = true
	return g.Kill()
}

// String describes the group.
func (p *Group) String() string { return fmt.Sprintf("Group(%d)", p.Len()) }
