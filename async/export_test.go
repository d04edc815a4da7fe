package async

// Keepers has connections of new loops read as where there is no poller, by a goroutine for each, until restore is called.
func Keepers() (restore func()) {
	withoutPoller.Store(true)
	return func() { withoutPoller.Store(false) }
}

// UnderWay returns how many of those who wait for a listener of Listen to accept, or for a datagram, were woken and do not run yet.
func UnderWay(x any) int {
	switch x := x.(type) {
	case *taskListener:
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.line.UnderWay()
	case *datagramConn:
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.line.UnderWay()
	}
	panic("nobody waits for it")
}

// RawOf returns the descriptor that a reader reads.
func RawOf(r *StreamReader) interface{ Control(func(fd uintptr)) error } { return r.source.raw }
