package coro_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/asyncgo/asyncgo/internal/coro"
	"github.com/asyncgo/asyncgo/internal/witness"
)

// TestRandomGroup plays random games: on one carrier, on the other, and on both.
func TestRandomGroup(t *testing.T) {
	witness.NoLeaks(t)
	makers := bothCarriers(t)
	games, moves := 400, 300
	if testing.Short() {
		games = 50
	}
	for seed := range games {
		t.Run(fmt.Sprintf("follows the model with seed %d", seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 0))
			limit := 2 + rng.IntN(14)
			left := moves
			g := &game{t: t, makers: [][]maker{makers[:1], makers[1:], makers}[seed%3]}
			g.next = func(g *game) (move, bool) {
				left--
				return g.choose(limit, rng.IntN), left > 0
			}
			g.run()
		})
	}
}

// FuzzGroup reads the moves of a game from its input, two bytes for most of them. The
// channel carrier does without a pool here: what the workers of one game still do while
// the next one runs would look like new coverage.
func FuzzGroup(f *testing.F) {
	makers := []maker{coro.New, func(body func(*coro.Routine)) *coro.Routine {
		return coro.NewOn(func(f func()) { go f() }, body)
	}}
	f.Add([]byte{})
	f.Add([]byte("a few routines that switch and end"))
	rng := rand.New(rand.NewPCG(3, 4))
	for range 8 {
		moves := make([]byte, 400)
		for i := range moves {
			moves[i] = byte(rng.Uint32())
		}
		f.Add(moves)
	}
	f.Fuzz(func(t *testing.T, moves []byte) {
		moves = moves[:min(len(moves), 2000)]
		choose := func(n int) int {
			if len(moves) == 0 {
				return 0
			}
			b := moves[0]
			moves = moves[1:]
			return int(b) % n
		}
		g := &game{t: t, makers: makers}
		g.next = func(g *game) (move, bool) {
			if len(moves) == 0 {
				return move{}, false
			}
			return g.choose(16, choose), true
		}
		g.run()
	})
}

// bothCarriers makes routines of the one and of the other.
func bothCarriers(t testing.TB) []maker {
	var makers []maker
	for _, c := range carriers {
		makers = append(makers, c.open(t))
	}
	return makers
}

// The verbs in the proportions in which choose picks them.
var mixture = []verb{
	switchTo, switchTo, switchTo, switchTo, switchTo, switchTo,
	resume, resume, resume, suspend, suspend, suspend,
	unwind, create, create, create, create, stepOut, changeDriver,
	endByReturn, endByPanic, endByGoexit,
}

// choose makes a move of what intn returns, numbers below its argument, as random as
// they are. It is one that is allowed, or refused with a panic; where the drawn one
// would be a mistake that nobody promises to notice, it is nothing. There are never
// more living players than limit.
func (g *game) choose(limit int, intn func(n int) int) move {
	me := g.players[g.turn]
	mv := move{verb: mixture[intn(len(mixture))]}
	switch mv.verb {
	case switchTo, resume:
		mv.to = intn(len(g.players))
		if g.players[mv.to].state == departed {
			mv.to = g.root
		}
		if mv.to == g.turn {
			mv.verb = switchTo // Nobody resumes himself.
		}
	case suspend:
		if me.back == nobody || g.players[me.back].state == departed {
			return move{}
		}
	case unwind:
		mv.to = intn(len(g.players))
		if mv.to == g.turn || g.players[mv.to].isRoot {
			return move{}
		}
		mv.lastAct = []verb{doNothing, endByPanic, suspend, unwind}[intn(4)]
	case create:
		living := 0
		for _, p := range g.players {
			if p.state == unborn || p.state == alive {
				living++
			}
		}
		if living > limit {
			return move{}
		}
		mv.to = intn(len(g.makers))
	case changeDriver:
		if !me.isRoot {
			return move{}
		}
	case endByReturn, endByPanic, endByGoexit:
		if me.isRoot {
			return move{}
		}
		mv.to = intn(len(g.players) + 1)
		switch {
		case mv.to == len(g.players) && g.isThere(me.back):
			mv.to = nobody // So it leads back.
		case mv.to == len(g.players) || mv.to == g.turn || !g.isThere(mv.to):
			mv.to = g.root
		}
		mv.linger = intn(4) == 0
	}
	return mv
}

// isThere reports whether a player can be switched to.
func (g *game) isThere(i int) bool {
	return i != nobody && (g.players[i].state == unborn || g.players[i].state == alive)
}
