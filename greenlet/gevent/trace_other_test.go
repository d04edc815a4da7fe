//go:build !unix

package gevent_test

func init() { portedElsewhere["88_signal_subprocess"] = "a process cannot send itself signals here" }
