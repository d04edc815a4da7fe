package asynctest_test

import (
	"regexp"
	"testing"

	"github.com/asyncgo/asyncgo/async/asynctest"
	"github.com/asyncgo/asyncgo/async/asynctest/testdata/corpus"
)

// What the programs of the corpus use, the other tests use too.
type program = corpus.Program

var (
	together = corpus.Together
	pause    = corpus.Pause
	steps    = corpus.Steps
)

func same[T comparable](what string, got, want T) error { return corpus.Same(what, got, want) }

// seeds is from how many seeds each bug of the corpus is looked for, and replays how often what is found is replayed.
const (
	seeds   = max(20/slowness, 1)
	replays = 1000 / slowness
)

func TestCorpus(t *testing.T) {
	t.Run("it has at least 20 bugs", func(t *testing.T) {
		names := map[string]bool{}
		for _, bug := range corpus.All {
			names[bug.Name] = true
		}
		if len(names) < 20 {
			t.Errorf("it has %d", len(names))
		}
	})
	for _, bug := range corpus.All {
		t.Run(bug.Name, func(t *testing.T) {
			says := regexp.MustCompile("(?s)" + bug.Says)
			find := func(t *testing.T, search asynctest.Search, budget int) {
				tokens := map[string]uint64{}
				most := 0
				for seed := range seeds {
					r := asynctest.Explore(&mute{TB: t}, bug.Buggy, asynctest.Strategy(search), asynctest.Seed(uint64(seed)), asynctest.Schedules(budget))
					if r.Failed == 0 {
						t.Fatalf("with seed %d it is not found in %d schedules", seed, r.Schedules)
					}
					if !says.MatchString(r.Failure) {
						t.Errorf("with seed %d something else is found:\n%s", seed, r.Failure)
					}
					most = max(most, r.Schedules)
					tokens[r.Token] = r.Hash
				}
				t.Logf("found in at most %d schedules from %d seeds; %d tokens, each replayed %d times", most, seeds, len(tokens), replays)
				for token, hash := range tokens {
					again := asynctest.Replay(&mute{TB: t}, token, bug.Buggy, replays)
					if again.Schedules != replays || again.Failed != replays || again.Hash != hash {
						t.Errorf("%d of %d replays of %s fail, with the hash %x, and %x before:\n%s", again.Failed, again.Schedules, token,
							again.Hash, hash, again.Failure)
					}
				}
			}
			t.Run("is found by Random in its budget, and all replays have one hash", func(t *testing.T) {
				find(t, asynctest.Random, bug.Budget.Random)
			})
			if bug.Budget.PCT > 0 {
				t.Run("is found by PCT in its budget, and all replays have one hash", func(t *testing.T) {
					find(t, asynctest.PCT(3), bug.Budget.PCT)
				})
			}
			t.Run("is not reported when it is fixed, in any schedule there is", func(t *testing.T) {
				r := asynctest.Explore(t, bug.Fixed, asynctest.Strategy(asynctest.Exhaustive(0)))
				if !r.Complete || r.Schedules < 2 {
					t.Errorf("%d schedules, complete: %t", r.Schedules, r.Complete)
				}
				for _, search := range []asynctest.Search{asynctest.Random, asynctest.PCT(3)} {
					asynctest.Explore(t, bug.Fixed, asynctest.Strategy(search), asynctest.Seed(1), asynctest.Schedules(500/slowness))
				}
			})
		})
	}
}
