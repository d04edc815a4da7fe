package greenlet

import (
	"fmt"
	"sync"

	"github.com/panjf2000/ants/v2"
)

// threads is the pool that greenlets of [OnThread] run on. It exists while there are any.
var threads struct {
	mu   sync.Mutex
	pool *ants.Pool
	used int
}

// onPool runs the body of a greenlet on the pool.
func onPool(body func()) {
	threads.mu.Lock()
	defer threads.mu.Unlock()
	if threads.pool == nil {
		// Idle goroutines are few and end with the pool, so nothing has to look after them.
		pool, err := ants.NewPool(-1, ants.WithDisablePurge(true))
		if err != nil {
			panic(fmt.Sprintf("greenlet: starting the pool of OnThread: %v", err))
		}
		threads.pool = pool
	}
	if err := threads.pool.Submit(body); err != nil {
		panic(fmt.Sprintf("greenlet: starting a goroutine of OnThread: %v", err))
	}
	threads.used++
}

// leavePool ends what onPool began.
func leavePool() {
	threads.mu.Lock()
	defer threads.mu.Unlock()
	if threads.used--; threads.used == 0 {
		threads.pool.Release()
		threads.pool = nil
	}
}
