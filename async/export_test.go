package async

// Keepers has connections of new loops read as where there is no poller, by a goroutine for each, until restore is called.
func Keepers() (restore func()) {
	withoutPoller.Store(true)
	return func() { withoutPoller.Store(false) }
}
