package coro_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/asyncgo/asyncgo/internal/coro"
)

// A game is a group whose running member makes one move after the other, each of them
// on the real routines and in a model of them. The model is sequential and knows
// nothing of goroutines: it says who has to run next and what has become of whom, and
// everyone who gets control compares that with what is there.
//
// Like a trace, a game has no lock, for the race detector to judge the switches by.
type game struct {
	t       testing.TB
	makers  []maker
	next    func(g *game) (mv move, more bool) // the moves, whoever makes them
	players []*player
	turn    int // the player that must be running
	root    int // the player whose goroutine drives the game
	played  []move
	over    bool // Something is wrong and everyone goes home.
}

// A player is what the model knows of a routine.
type player struct {
	*coro.Routine
	isRoot bool
	state  playerState
	end    verb   // one of the ends, or doNothing if the body never began
	value  string // of the panic
	back   int    // whom Suspend and the end lead to, or nobody
	// For an unwinding: who does it, and what the deferred call does then.
	unwinder int
	lastAct  verb
}

type playerState int

const (
	unborn   playerState = iota
	alive                // running or parked
	dying                // unwinding
	dead                 // ended
	departed             // a root that has left
)

const nobody = -1

type verb int

const (
	doNothing verb = iota
	switchTo
	resume
	suspend
	unwind
	create
	stepOut
	changeDriver
	endByReturn
	endByPanic
	endByGoexit
)

// A move is what the running player does.
type move struct {
	verb
	to      int  // the player that it aims at, which for an end is the successor
	linger  bool // for an end: a deferred call makes more moves before it
	lastAct verb // for an unwinding: what the deferred call does
}

var verbs = [...]string{
	"nothing", "switch to", "resume", "suspend", "unwind", "create", "step out", "change driver",
	"return, then", "panic, then", "Goexit, then",
}

func (mv move) String() string {
	s := fmt.Sprint(verbs[mv.verb], " ", mv.to)
	if mv.linger {
		s += ", lingering"
	}
	if mv.lastAct != doNothing {
		s += ", where a deferred call does " + verbs[mv.lastAct]
	}
	return s
}

// fail ends the game. Only the first failure says something, the others follow from it.
func (g *game) fail(format string, args ...any) {
	if g.over {
		return
	}
	g.over = true
	var list strings.Builder
	for _, mv := range g.played[max(0, len(g.played)-40):] {
		fmt.Fprintf(&list, "\n\t%v", mv)
	}
	g.t.Errorf("after %d moves: %s; the last ones are%s", len(g.played), fmt.Sprintf(format, args...), list.String())
}

// run plays the game on the calling goroutine and unwinds whoever is left.
func (g *game) run() {
	me := &player{Routine: coro.Root(), isRoot: true, state: alive, back: nobody}
	self := len(g.players)
	g.players = append(g.players, me)
	g.root, g.turn = self, self
	mv := g.play(self)
	if mv.verb == changeDriver {
		me.state = departed
		me.Leave()
		done := make(chan struct{})
		go func() {
			defer close(done)
			g.run()
		}()
		<-done
		return
	}
	for i := range g.players {
		if p := g.players[i]; p.state == unborn || p.state == alive && !p.isRoot {
			g.move(self, move{verb: unwind, to: i})
		}
	}
	me.Leave()
}

// play makes moves until one ends the player, or the part of a root, and returns that.
// A player that is unwound meanwhile does not come back from here.
func (g *game) play(self int) move {
	for {
		mv, more := g.next(g)
		if !more || g.over {
			if g.players[self].isRoot {
				return move{}
			}
			mv = move{verb: switchTo, to: g.root}
		}
		g.played = append(g.played, mv)
		if mv.verb >= changeDriver {
			return mv
		}
		g.move(self, mv)
	}
}

// move makes a move that self survives.
func (g *game) move(self int, mv move) {
	me := g.players[self]
	switch mv.verb {
	case switchTo:
		g.control(self, mv.to, func() { me.Switch(g.players[mv.to].Routine) })
	case resume:
		to := g.players[mv.to]
		if to.state != dead {
			to.back = self
		}
		g.control(self, mv.to, func() { me.Resume(to.Routine) })
	case suspend:
		g.control(self, me.back, me.Suspend)
	case unwind:
		to := g.players[mv.to]
		switch to.state {
		case unborn:
			to.state = dead
		case alive:
			to.state, to.back, to.unwinder, to.lastAct = dying, self, self, mv.lastAct
			g.turn = mv.to
		}
		me.Unwind(to.Routine)
	case create:
		p := &player{back: nobody, value: fmt.Sprintf("panic of %d", len(g.players))}
		g.players = append(g.players, p)
		p.Routine = g.makers[mv.to](g.body(len(g.players) - 1))
	case stepOut:
		me.Detach()
		if coro.Current() != nil {
			g.fail("player %d stepped out and is still known", self)
		}
		me.Attach()
	}
	g.arrive(self)
}

// control gives control away by a function that, if the model is right, returns
// when the turn is self's again.
func (g *game) control(self, to int, give func()) {
	if p := g.players[to]; p.state == dead {
		if v := caught(give); !isRefusal(v) {
			g.fail("a switch from %d to %d, which has ended, panics with %v", self, to, v)
		}
		return
	}
	g.turn, g.players[to].state = to, alive
	give()
}

// arrive compares everything there is with the model. It is called by self, whenever
// control comes to it.
func (g *game) arrive(self int) {
	if g.turn != self {
		g.fail("player %d runs and it is the turn of %d", self, g.turn)
	}
	for i, p := range g.players {
		switch {
		case p.state == departed:
			continue
		case p.IsCurrent() != (i == self):
			g.fail("player %d runs, and IsCurrent of %d is %v", self, i, p.IsCurrent())
		case p.Ended() != (p.state == dead):
			g.fail("Ended of %d is %v", i, p.Ended())
		case p.Unwinding() != (p.state == dying):
			g.fail("Unwinding of %d is %v", i, p.Unwinding())
		case p.end != doNothing && p.Goexited() != (p.end == endByGoexit):
			g.fail("Goexited of %d is %v", i, p.Goexited())
		case (p.Panicked() != nil) != (p.end == endByPanic):
			g.fail("Panicked of %d is %v", i, p.Panicked())
		case p.end == endByPanic && p.Panicked().Value != p.value:
			g.fail("player %d panicked with %v, and should with %v", i, p.Panicked().Value, p.value)
		}
	}
	if coro.Current() != g.players[self].Routine {
		g.fail("player %d runs and is not the current routine", self)
	}
}

// body is what a player does on its own goroutine.
func (g *game) body(self int) func(*coro.Routine) {
	return func(r *coro.Routine) {
		me := g.players[self]
		defer g.unwound(self)
		if r != me.Routine {
			g.fail("the body of %d is called for another routine", self)
		}
		g.arrive(self)
		mv := g.play(self)
		if !mv.linger {
			g.leave(self, mv)
		} else {
			defer func() {
				if r.Unwinding() {
					return
				}
				last := g.play(self)
				if last.verb == endByReturn {
					last.verb = mv.verb // It changes nothing of an end that is under way.
					g.leave(self, last)
					return
				}
				g.leave(self, last)
				me.carryOut(last.verb)
			}()
		}
		me.carryOut(mv.verb)
	}
}

// carryOut ends the body of a player.
func (p *player) carryOut(end verb) {
	switch end {
	case endByPanic:
		panic(p.value)
	case endByGoexit:
		runtime.Goexit()
	}
}

// leave notes how self is about to end, and who is to run then.
func (g *game) leave(self int, mv move) {
	me := g.players[self]
	if mv.to != nobody {
		me.back = mv.to
		me.SetSuccessor(g.players[mv.to].Routine)
	}
	me.state, me.end = dead, mv.verb
	g.turn, g.players[me.back].state = me.back, alive
}

// unwound is the deferred call of every player.
func (g *game) unwound(self int) {
	me := g.players[self]
	if !me.Unwinding() {
		return
	}
	g.arrive(self)
	end := endByGoexit
	switch me.lastAct {
	case endByPanic:
		end = endByPanic
	case suspend:
		if v := caught(me.Suspend); !isRefusal(v) {
			g.fail("Suspend of %d, which is unwinding, panics with %v", self, v)
		}
	case unwind:
		for i, p := range g.players {
			if (p.state == alive || p.state == unborn) && !p.isRoot && i != me.unwinder {
				g.move(self, move{verb: unwind, to: i})
				break
			}
		}
	}
	me.state, me.end = dead, end
	g.turn = me.unwinder
	if end == endByPanic {
		panic(me.value)
	}
}

// A script is a game whose moves are known before it begins. Its players are 1 to n, and
// 0 is the root.
type script struct {
	makers []maker // of player 1 and so on
	moves  []move
}

// newScript begins with the creation of all players.
func newScript(makers []maker) *script {
	s := &script{makers: makers}
	for i := range makers {
		s.moves = append(s.moves, move{verb: create, to: i})
	}
	return s
}

func (s *script) then(moves ...move) { s.moves = append(s.moves, moves...) }

// arrange starts the players of a permutation and parks each in the place of the one
// that the permutation has at its number, if they have places. Whoever is switched to
// leaves his place to who switches. So it takes a round for each cycle of the permutation,
// and the root begins and ends it.
func (s *script) arrange(permutation []int) {
	seen := make([]bool, len(permutation)+1)
	for first := 1; first < len(seen); first++ {
		for i := first; !seen[i]; i = permutation[i-1] {
			seen[i] = true
			s.then(move{verb: switchTo, to: i})
			if permutation[i-1] == first {
				s.then(move{verb: switchTo, to: 0})
			}
		}
	}
}

// endAll ends the players in the given order by the given verb. Each is the successor of the
// one before, or, if it goes through the root, the root is.
func (s *script) endAll(order []int, end verb, throughRoot bool) {
	for i, player := range order {
		if i == 0 || throughRoot {
			s.then(move{verb: switchTo, to: player})
		}
		next := 0
		if !throughRoot && i < len(order)-1 {
			next = order[i+1]
		}
		s.then(move{verb: end, to: next})
	}
}

// play plays the script and reports whether it went as it should.
func (s *script) play(t *testing.T) bool {
	left := s.moves
	g := &game{t: t, makers: s.makers}
	g.next = func(*game) (mv move, more bool) {
		if len(left) == 0 {
			return mv, false
		}
		mv, left = left[0], left[1:]
		return mv, true
	}
	g.run()
	if !g.over && len(left) > 0 {
		t.Errorf("the game ended before the moves %v", left)
	}
	return !g.over && len(left) == 0
}

// everyEnd ends a group in every order, with the members that are started before parked in every
// arrangement, in each of the ways to end, directly one after the other and through the root.
func everyEnd(t *testing.T, makers []maker) {
	n := len(makers)
	for started := range n + 1 {
		for _, arrangement := range permutations(1, started) {
			for _, order := range permutations(1, n) {
				for _, end := range []verb{endByReturn, endByPanic, endByGoexit} {
					for _, throughRoot := range []bool{false, true} {
						s := newScript(makers)
						s.arrange(arrangement)
						s.endAll(order, end, throughRoot)
						if !s.play(t) {
							return
						}
					}
				}
			}
		}
	}
}
