package promise

// A Job is work that waits in the queue of an executor.
type Job interface {
	// RunJob does it, and reports whether there was something to do: it may have been withdrawn.
	RunJob() (ran bool)
	// DropJob is called in place of RunJob when it is taken out of the queue again.
	DropJob()
}
