package workload

import (
	"time"

	"github.com/panjf2000/ants/v2"
)

// releaseAnts ends a pool and waits for its goroutines, so that they neither
// disturb the next peer's sample nor count as leaked.
func releaseAnts(pool *ants.Pool) error {
	return pool.ReleaseTimeout(5 * time.Second)
}
