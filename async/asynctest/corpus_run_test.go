package asynctest_test

import (
	"testing"

	"github.com/asyncgo/asyncgo/async/asynctest"
)

func TestCorpus(t *testing.T) {
	if len(corpus) < 20 {
		t.Errorf("the corpus has %d bugs", len(corpus))
	}
	for _, bug := range corpus {
		t.Run(bug.name, func(t *testing.T) {
			t.Run("is found, and replayed a thousand times with one hash", func(t *testing.T) {
				var found *asynctest.Result
				for _, search := range []asynctest.Search{asynctest.Random, asynctest.PCT(3)} {
					found = asynctest.Explore(&mute{TB: t}, bug.buggy, asynctest.Strategy(search), asynctest.Seed(1),
						asynctest.Schedules(budget))
					if found.Failed > 0 {
						t.Logf("found by %v in schedule %d, token %s", search, found.Schedules, found.Token)
						break
					}
				}
				if found.Failed == 0 {
					t.Fatalf("it is not found in %d schedules", found.Schedules)
				}
				again := asynctest.Replay(&mute{TB: t}, found.Token, bug.buggy, 1000)
				if again.Failed != 1000 || again.Hash != found.Hash {
					t.Errorf("%d of %d replays fail, with the hash %x, and %x before:\n%s", again.Failed, again.Schedules,
						again.Hash, found.Hash, again.Failure)
				}
			})
			t.Run("is not reported when it is fixed", func(t *testing.T) {
				for _, search := range []asynctest.Search{asynctest.FIFO, asynctest.Random, asynctest.PCT(3), asynctest.Exhaustive(2)} {
					asynctest.Explore(t, bug.fixed, asynctest.Strategy(search), asynctest.Seed(1), asynctest.Schedules(budget))
				}
			})
		})
	}
}
